"""The presets that the training screen offers are the presets, to the last number. Needs no browser."""

from dataclasses import replace

import pytest
import torch

from lmlab import strings
from lmlab.errors import LabError
from lmlab.models.build import build
from lmlab.strings import t
from lmlab.training.presets import DEFAULT_PRESET, PRESETS
from lmlab.ui import lessons, recipes

NAMES = {"source": "names", "name": "names", "longest": 15}
OFFERED = [(model, name) for model in recipes.MODELS for name in recipes.SHOWN[model]]
START = {"seed": 42, **recipes.values_of_preset("transformer-default"), **recipes.values_of_preset("mlp-sensible")}


@pytest.mark.parametrize(("model", "name"), OFFERED)
def test_what_is_trained_is_what_the_preset_says(model, name):
    preset = PRESETS[name]
    spec = recipes.spec_of({**START, **recipes.values_of_preset(name)}, NAMES)
    assert (spec.model, spec.options) == (model, preset.options)
    muon = preset.recipe.optimizer == "muon"
    assert spec.recipe == (
        preset.recipe if muon else replace(preset.recipe, matrix_learning_rate=spec.recipe.matrix_learning_rate)
    )


@pytest.mark.parametrize(("model", "name"), OFFERED)
def test_a_card_fills_the_controls_so_that_the_same_is_trained_again(model, name):
    spec = recipes.spec_of({**START, **recipes.values_of_preset(name)}, NAMES)
    card = {
        "model": {"kind": model, "options": spec.options},
        "recipe": vars(spec.recipe),
        "planned_steps": spec.recipe.steps,
    }
    assert recipes.spec_of({**START, **recipes.values_of_card(card)}, NAMES) == spec


def test_the_first_preset_of_a_network_is_its_default_and_no_title_comes_twice():
    for model in recipes.MODELS:
        titles = [recipes.title_of(name) for name in recipes.SHOWN[model]]
        assert recipes.first_of(model) == DEFAULT_PRESET[model]
        assert len(set(titles)) == len(titles) >= 3


def test_every_preset_has_a_question_and_every_question_asks_why():
    asked = {question.name for question in lessons.questions()}
    assert set(lessons.ABOUT) == {name for _, name in OFFERED}
    assert set(lessons.ABOUT.values()) <= asked
    for name in asked:
        assert t(f"mlp.why.{name}").endswith("?")


def test_the_road_goes_through_every_lesson_and_begins_again():
    name, seen = None, []
    for _ in OFFERED:
        name = recipes.next_of(name)
        seen.append(name)
    assert sorted(seen) == sorted(name for _, name in OFFERED)
    assert recipes.next_of(name) == seen[0]


@pytest.mark.parametrize("name", ["rate", "seed", "steps", "batch", "decay"])
def test_an_empty_number_gets_a_sentence(name):
    for code in strings.LANGUAGES:
        with strings.speaking(code), pytest.raises(LabError, match=strings.t(f"mlp.{name}")):
            recipes.spec_of({**START, name: None}, NAMES)


@pytest.mark.parametrize("code", strings.LANGUAGES)
def test_what_is_refused_is_said_in_the_language_of_the_page(code):
    card = {"model": {"kind": "oracle"}}
    with strings.speaking(code):
        for refuse, name in (
            (lambda: recipes.first_of("oracle"), "no_network"),
            (lambda: recipes.values_of_preset("oracle"), "no_lesson"),
            (lambda: recipes.values_of_card(card), "no_controls"),
            (lambda: recipes.spec_of({**START, "optimizer": "magic"}, NAMES), "no_choice"),
            (lambda: recipes.spec_of({**START, "seed": None}, NAMES), "no_number"),
        ):
            with pytest.raises(LabError) as caught:
                refuse()
            end = strings.catalogue(code)[f"mlp.error.{name}"].rpartition("}")[2]
            assert str(caught.value).endswith(end)


CHANGES = [
    ("context", 5, lambda spec: spec.options["context"]),
    ("hidden", 48, lambda spec: spec.options["d_hidden"]),
    ("layers", 3, lambda spec: spec.options["n_layer"]),
    ("width", 96, lambda spec: spec.options["d_model"]),
    ("heads", 2, lambda spec: spec.options["n_head"]),
    ("positions", "sinusoidal", lambda spec: spec.options["positions"]),
    ("schedule", "cosine", lambda spec: spec.recipe.schedule),
]


@pytest.mark.parametrize(("name", "value", "found"), CHANGES)
def test_a_control_of_a_network_reaches_what_is_trained(name, value, found):
    model = "transformer" if name in recipes.OPTIONS["transformer"].values() else "mlp"
    values = {**START, **recipes.values_of_preset(recipes.first_of(model))}
    assert found(recipes.spec_of(values, NAMES)) != value
    spec = recipes.spec_of({**values, name: value}, NAMES)
    assert found(spec) == value
    if name != "schedule":  # and the network itself is another one
        networks = [build(one.model, one.options, 27) for one in (recipes.spec_of(values, NAMES), spec)]
        for network in networks:  # the last layer begins at zero: every network says the same then
            torch.manual_seed(0)
            for part in network.parameters():
                part.data.normal_(0, 0.3)
        text = torch.tensor([[0, 5, 13, 13, 1]])
        before, after = (network.logits(text) for network in networks)
        assert not torch.equal(before, after)


def test_the_job_of_a_card_is_the_job_that_made_it_and_half_its_rate_is_that_runs():
    spec = recipes.spec_of({**START, **recipes.values_of_preset("mlp-too-fast")}, NAMES)
    card = {
        "model": {"kind": spec.model, "options": spec.options},
        "recipe": {**vars(spec.recipe), "steps": 17},  # it ended early
        "planned_steps": spec.recipe.steps,
        "corpus": {"name": "names", "source": "names"},
    }
    assert recipes.spec_of_card(card) == spec
    half = recipes.halved(recipes.spec_of_card(card), "calm-heron-3f2a")
    assert (half.recipe.learning_rate, half.recipe.optimizer, half.parent) == (15.0, "sgd", "calm-heron-3f2a")


@pytest.mark.parametrize("change", [{"model": "oracle"}, {"optimizer": "magic"}, {"schedule": 3}, {"rate": -1}])
def test_what_cannot_be_trained_is_refused(change):
    with pytest.raises(LabError):
        recipes.spec_of({**START, **change}, NAMES)
