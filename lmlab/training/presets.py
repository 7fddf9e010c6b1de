"""Ready-made models and recipes, as plain numbers. Needs no torch: the app reads it too."""

from dataclasses import dataclass, field
from typing import Any

from lmlab.errors import LabError
from lmlab.training.recipe import Recipe


@dataclass(frozen=True)
class Preset:
    """A model with a recipe and the sentence that says what it is for."""

    model: str
    title: str
    lesson: str
    options: dict[str, Any] = field(default_factory=dict)
    recipe: Recipe = field(default_factory=lambda: Recipe(steps=1000))


PRESETS: dict[str, Preset] = {
    "mlp-sensible": Preset(
        "mlp",
        "Sensible",
        "A window of three letters: better than pairs.",
        {"context": 3, "d_embed": 10, "d_hidden": 128},
        Recipe(steps=4000, learning_rate=8e-3, batch_size=128),
    ),
    "mlp-one-letter": Preset(
        "mlp",
        "One letter",
        "A window of one letter can only learn the table of pairs.",
        {"context": 1, "d_embed": 10, "d_hidden": 128},
        Recipe(steps=2000, learning_rate=8e-3, batch_size=128),
    ),
    "mlp-too-fast": Preset(
        "mlp",
        "Too fast",
        "Steps so large that learning jumps past the goal.",
        {"context": 3, "d_embed": 10, "d_hidden": 128},
        Recipe(steps=1000, optimizer="sgd", learning_rate=30.0, schedule="constant", batch_size=128),
    ),
    "transformer-default": Preset(
        "transformer",
        "Sensible",
        "Four blocks that look back at the whole name.",
        {"context": 32, "d_model": 64, "n_layer": 4, "n_head": 4, "positions": "learned"},
        Recipe(steps=750, optimizer="muon", learning_rate=4e-3, batch_size=128),
    ),
    "transformer-one-block": Preset(
        "transformer",
        "One block",
        "The smallest GPT: one block, and it already beats every table of pairs.",
        {"context": 32, "d_model": 32, "n_layer": 1, "n_head": 2, "positions": "learned"},
        Recipe(steps=1500, optimizer="muon", learning_rate=4e-3, batch_size=128),
    ),
    "transformer-500-names": Preset(
        "transformer",
        "500 names",
        "Too little to learn from: it learns the names by heart, and the two curves part.",
        {"context": 32, "d_model": 64, "n_layer": 1, "n_head": 4, "positions": "learned"},
        Recipe(steps=1500, optimizer="muon", learning_rate=4e-3, batch_size=128, train_size=500),
    ),
}

DEFAULT_PRESET = {"mlp": "mlp-sensible", "transformer": "transformer-default"}


def preset(name: str) -> Preset:
    """Look a preset up by its name or by its model's name.

    >>> preset("transformer").title
    'Sensible'
    """
    name = DEFAULT_PRESET.get(name, name)
    if name not in PRESETS:
        raise LabError(
            f"There is no model or preset '{name}'. Choose one of: {', '.join([*DEFAULT_PRESET, *PRESETS])}."
        )
    return PRESETS[name]
