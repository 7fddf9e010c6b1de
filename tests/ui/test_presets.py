"""The presets that the Train level offers are the presets, to the last number. Needs no browser."""

from dataclasses import replace

import pytest

from lmlab.training.presets import DEFAULT_PRESET, PRESETS
from lmlab.ui.levels.mlp import MODELS, OPTIMIZERS, SCHEDULES, presets_of, spec_of

OFFERED = [(title, name) for title, kind in MODELS.items() for _, name in presets_of(kind)]


def title_of(table, value):
    return next(title for title, found in table.items() if found == value)


@pytest.mark.parametrize(("network", "name"), OFFERED)
def test_what_is_trained_is_what_the_preset_says(network, name):
    preset = PRESETS[name]
    options, recipe = preset.options, preset.recipe
    controls = [
        network,
        *(options.get(option, 1) for option in ("context", "d_embed", "d_hidden", "n_layer", "d_model", "n_head")),
        options.get("positions", "learned"),
        recipe.learning_rate,
        recipe.batch_size,
        recipe.steps,
        title_of(OPTIMIZERS, recipe.optimizer),
        title_of(SCHEDULES, recipe.schedule),
        recipe.seed,
        recipe.train_size or 0,
    ]
    spec = spec_of(controls, {"source": "names", "name": "names", "longest": 15})
    assert spec.model == preset.model
    assert spec.options == preset.options
    same_rate = recipe if recipe.optimizer == "muon" else replace(recipe, matrix_learning_rate=1.0)
    given = spec.recipe if recipe.optimizer == "muon" else replace(spec.recipe, matrix_learning_rate=1.0)
    assert given == same_rate


def test_the_first_preset_of_a_network_is_its_default_and_no_title_comes_twice():
    for kind in MODELS.values():
        offered = presets_of(kind)
        assert offered[0][1] == DEFAULT_PRESET[kind]
        assert len({title for title, _ in offered}) == len(offered) >= 3
