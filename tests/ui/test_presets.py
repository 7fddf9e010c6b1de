"""The presets that the training screen offers are the presets, to the last number. Needs no browser."""

from dataclasses import replace

import pytest

from lmlab.errors import LabError
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
    with pytest.raises(LabError, match="has no number"):
        recipes.spec_of({**START, name: None}, NAMES)


@pytest.mark.parametrize("change", [{"model": "oracle"}, {"optimizer": "magic"}, {"schedule": 3}, {"rate": -1}])
def test_what_cannot_be_trained_is_refused(change):
    with pytest.raises(LabError):
        recipes.spec_of({**START, **change}, NAMES)
