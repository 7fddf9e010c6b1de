import math
from dataclasses import fields, replace

import pytest

from lmlab.data.corpus import load_corpus
from lmlab.errors import LabError
from lmlab.models.build import build
from lmlab.training.optimizers import make_optimizers, rate
from lmlab.training.presets import DEFAULT_PRESET, PRESETS, preset
from lmlab.training.recipe import Recipe

REFUSED = [
    ({}, "either steps or seconds"),
    ({"steps": 5, "seconds": 5.0}, "either steps or seconds"),
    ({"steps": 0}, "0 steps"),
    ({"steps": -5}, "-5 steps"),
    ({"steps": 10_000_000}, "10000000 steps"),
    ({"seconds": 0.0}, "0 seconds"),
    ({"seconds": math.nan}, "nan seconds"),
    ({"seconds": math.inf}, "inf seconds"),
    ({"steps": 5, "optimizer": "adam"}, "optimizer 'adam' is unknown: choose sgd, adamw or muon"),
    ({"steps": 5, "schedule": "step"}, "schedule 'step' is unknown"),
    ({"steps": 5, "learning_rate": 0.0}, "learning rate is 0"),
    ({"steps": 5, "learning_rate": math.nan}, "learning rate is nan"),
    ({"steps": 5, "matrix_learning_rate": -1.0}, "learning rate of the matrices is -1"),
    ({"steps": 5, "batch_size": 0}, "batch size is 0"),
    ({"steps": 5, "batch_size": 10_000}, "batch size is 10000"),
    ({"steps": 5, "weight_decay": -0.1}, "weight decay is -0.1"),
    ({"steps": 5, "clip": 0.0}, "clipping norm is 0"),
    ({"steps": 5, "clip": math.nan}, "clipping norm is nan"),
    ({"steps": 5, "warmup": -1}, "warm-up is -1"),
    ({"steps": 5, "seed": -1}, "seed is -1"),
    ({"steps": 5, "seed": 2**63}, "seed is 9223372036854775808"),
    ({"steps": 5, "threads": 0}, "0 threads"),
    ({"steps": 5, "most_passes": 0.0}, "At most 0 passes"),
    ({"steps": 5, "train_size": 0}, "training size is 0"),
    ({"steps": 5, "probe_names": 0}, "0 probe names"),
    ({"steps": 5, "probe_names": 21}, "21 probe names"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED)
def test_a_recipe_that_makes_no_sense_is_refused_with_the_value(refused, options, said):
    with refused(said):
        Recipe(**options)


def test_every_number_of_a_recipe_is_checked():
    checked = {name for options, _ in REFUSED for name in options}
    assert checked == {field.name for field in fields(Recipe)} - {"validate", "probe_gradients"}


@pytest.mark.parametrize("name", ["steps", "batch_size"])
def test_a_count_that_is_not_whole_is_refused(name):
    """10.5 steps would never end: the last planned step is never met."""
    with pytest.raises(LabError):
        Recipe(**{"steps": 20, name: 10.5})


# --- schedules ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_after_the_warm_up_a_schedule_starts_at_1_and_never_rises(schedule):
    recipe = Recipe(steps=50, schedule=schedule, warmup=5)
    rates = [rate(recipe, step, 50) for step in range(50)]
    assert rates[:6] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert all(0 < share <= 1 for share in rates)
    assert (rates[-1] < 0.05) == (schedule != "constant")


def test_cosine_is_slower_at_both_ends_than_linear():
    linear, cosine = (Recipe(steps=100, schedule=name) for name in ("linear", "cosine"))
    assert rate(cosine, 10, 100) > rate(linear, 10, 100)
    assert rate(cosine, 90, 100) < rate(linear, 90, 100)
    assert rate(cosine, 50, 100) == pytest.approx(rate(linear, 50, 100))


def test_a_warm_up_longer_than_the_run_only_warms_up():
    recipe = Recipe(steps=5, warmup=10)
    assert [rate(recipe, step, 5) for step in range(5)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


# --- optimisers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mlp", "transformer"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_every_weight_is_moved_by_exactly_one_optimiser(kind, optimizer):
    model = build(kind, {}, 27)
    moved = [
        id(weight)
        for part in make_optimizers(model, Recipe(steps=1, optimizer=optimizer))
        for group in part.param_groups
        for weight in group["params"]
    ]
    assert len(moved) == len(set(moved))
    assert set(moved) == {id(weight) for weight in model.parameters()}


def test_muon_takes_the_hidden_matrices_and_adamw_the_rest():
    model = build("transformer", {}, 27)
    adamw, muon = make_optimizers(
        model, Recipe(steps=1, optimizer="muon", learning_rate=0.1, matrix_learning_rate=0.3)
    )
    assert {id(w) for w in muon.param_groups[0]["params"]} == {id(w) for w in model.hidden_matrices()}
    assert (adamw.defaults["lr"], muon.defaults["lr"]) == (0.1, 0.3)


# --- presets --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_builds_and_says_what_it_is_for(name):
    ready = preset(name)
    assert build(ready.model, ready.options, 27).vocab_size == 27
    assert ready.title
    assert ready.lesson.endswith((".", "?"))
    assert load_corpus(ready.corpus).texts


def test_a_model_has_a_default_preset():
    for model, name in DEFAULT_PRESET.items():
        assert preset(model) is PRESETS[name]
        assert preset(model).model == model


def test_an_unknown_preset_is_refused_with_the_choices(refused):
    with refused("no model or preset 'gpt-5'.*mlp-sensible"):
        preset("gpt-5")


def test_a_preset_fits_itself_to_a_small_corpus_and_to_nothing_else():
    gpt = PRESETS["gpt-names"]
    few, many = ["emma"] * 900, ["emma"] * 30_000
    assert gpt.fitted(few).options == {**gpt.options, "dropout": 0.1}
    assert gpt.fitted(many) is gpt
    assert gpt.fitted(few, replace(gpt.recipe, steps=20)) is gpt  # read three times only
    assert gpt.fitted(["x" * 2_000_000]) is gpt  # one document, but a long one
    assert gpt.fitted(["x" * 5_000]).options["dropout"] == 0.1
    assert PRESETS["mlp-sensible"].fitted(few) == PRESETS["mlp-sensible"]
