"""Ready-made models and recipes, as plain numbers. Needs no torch: the app reads it too."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lmlab.errors import LabError, nearest
from lmlab.training.recipe import Recipe

MANY_PASSES = 8  # readings of a corpus after which a network begins to know it by heart


@dataclass(frozen=True)
class Preset:
    """A model with a recipe, the corpus it was made for, and the sentence that says what it is for."""

    model: str
    title: str
    lesson: str
    options: dict[str, Any] = field(default_factory=dict)
    recipe: Recipe = field(default_factory=lambda: Recipe(steps=1000))
    corpus: str = "names"
    small: dict[str, Any] = field(default_factory=dict)
    """Options for a small corpus, which is read again and again: see `fitted`."""

    def fitted(self, documents: Sequence[str], recipe: Recipe | None = None) -> "Preset":
        """The preset for these training documents; `recipe` is what it will be trained with, by default its own.

        Where the recipe reads the documents more than eight times, the options of `small` hold.

        >>> big, little = (PRESETS["gpt-names"].fitted(["emma"] * number) for number in (24_000, 1_000))
        >>> big.options.get("dropout"), little.options["dropout"]
        (None, 0.1)
        """
        recipe = recipe or self.recipe
        characters = sum(len(document) + 1 for document in documents)
        longest = max(len(document) + 1 for document in documents)
        # A document longer than the context is read in windows of that length.
        read_at_once = min(characters / len(documents), self.options.get("context", longest))
        passes = (recipe.steps or 0) * recipe.batch_size * read_at_once / characters
        return replace(self, options={**self.options, **self.small}) if passes > MANY_PASSES else self


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
    "mlp-window-5": Preset(
        "mlp",
        "Five letters",
        "Two letters more to look at than the sensible one.",
        {"context": 5, "d_embed": 10, "d_hidden": 128},
        Recipe(steps=4000, learning_rate=8e-3, batch_size=128),
    ),
    "mlp-too-large": Preset(
        "mlp",
        "Too large a start",
        "Weights of size 1: the first guesses are sure and wrong, and the hidden units are stuck at their ends.",
        {"context": 3, "d_embed": 10, "d_hidden": 128, "init": "too-large"},
        Recipe(steps=4000, learning_rate=8e-3, batch_size=128),
    ),
    "mlp-zero": Preset(
        "mlp",
        "All zeros",
        "Weights of zero: every hidden unit is like the others for ever, and only letter frequencies are learned.",
        {"context": 3, "d_embed": 10, "d_hidden": 128, "init": "zero"},
        Recipe(steps=1000, learning_rate=8e-3, batch_size=128),
    ),
    "mlp-batch-norm": Preset(
        "mlp",
        "Batch norm",
        "Each hidden unit centred and scaled over the batch: even a start that is too large can be learned from.",
        {"context": 3, "d_embed": 10, "d_hidden": 128, "init": "too-large", "batch_norm": True},
        Recipe(steps=4000, learning_rate=8e-3, batch_size=128),
    ),
    "mlp-500-names": Preset(
        "mlp",
        "500 names",
        "Too little to learn from: it learns the names by heart, and the two curves part.",
        {"context": 3, "d_embed": 10, "d_hidden": 128},
        Recipe(steps=1500, learning_rate=8e-3, batch_size=128, train_size=500),
    ),
    "mlp-beat-kneser-ney": Preset(
        "mlp",
        "Beat Kneser–Ney",
        "Six letters, more numbers a letter and more hidden units: enough to pass the best count table.",
        {"context": 6, "d_embed": 24, "d_hidden": 192},
        Recipe(steps=4000, learning_rate=6e-3, batch_size=128, weight_decay=0.1),
    ),
    "mlp-words": Preset(
        "mlp",
        "Twelve words",
        "Whole words as tokens: after two words, which is the third?",
        {"context": 3, "d_embed": 8, "d_hidden": 32},
        Recipe(steps=300, learning_rate=1e-2, batch_size=16),
        corpus="words",
    ),
    "bigram-table": Preset(
        "bigram-table",
        "Learned pairs",
        "The table of pairs found by gradient descent: it ends where counting begins.",
        {},
        Recipe(steps=1500, learning_rate=0.1, batch_size=128),
    ),
    "average": Preset(
        "average",
        "Plain mean",
        "The past as the mean of its letters: who came first is lost, and so it is about a table of pairs.",
        {"d_embed": 32, "mixing": "mean"},
        Recipe(steps=2500, learning_rate=0.02, batch_size=128),
    ),
    "attention-average": Preset(
        "average",
        "Learned weights",
        "The same mean with weights that are learned: attention, and nothing else changed.",
        {"d_embed": 32, "mixing": "attention"},
        Recipe(steps=3000, learning_rate=0.02, batch_size=128),
    ),
    "rnn": Preset(
        "rnn",
        "Elman",
        "One step a letter, and a memory that is written over at every step.",
        {"d_embed": 32, "d_hidden": 128},
        Recipe(steps=3000, learning_rate=4e-3, batch_size=128),
    ),
    "gru": Preset(
        "gru",
        "Gated",
        "Two gates decide what to keep and what to renew.",
        {"d_embed": 32, "d_hidden": 128},
        Recipe(steps=2000, learning_rate=8e-3, batch_size=128),
    ),
    "lstm": Preset(
        "lstm",
        "Long short-term memory",
        "A cell that is added to, behind three gates: the past reaches further.",
        {"d_embed": 32, "d_hidden": 128},
        Recipe(steps=1600, learning_rate=8e-3, batch_size=128),
    ),
    "skip-gram": Preset(
        "skip-gram",
        "Neighbours",
        "No language model: which letters stand near which, in any order.",
        {"d_embed": 32, "window": 2, "negatives": 5},
        Recipe(steps=1500, learning_rate=0.02, batch_size=1024),
    ),
    "gpt-names": Preset(
        "transformer",
        "The names' best",
        "Two wide blocks, tuned to be good at names soon: the headline of `lmlab bench`.",
        {"context": 32, "d_model": 128, "n_layer": 2, "n_head": 4, "positions": "learned"},
        Recipe(steps=500, optimizer="muon", learning_rate=8e-3, batch_size=128, most_passes=10),
        small={"dropout": 0.1},
    ),
    "gpt-1-block": Preset(
        "transformer",
        "One block",
        "One block of the width of the default, tuned: how much do the other three add?",
        {"context": 32, "d_model": 64, "n_layer": 1, "n_head": 4, "positions": "learned"},
        Recipe(steps=1000, optimizer="muon", learning_rate=8e-3, batch_size=128),
    ),
    "gpt-text": Preset(
        "transformer",
        "Prose",
        "A window of 128 letters on Shakespeare: letters become words, words become lines.",
        {"context": 128, "d_model": 128, "n_layer": 4, "n_head": 4, "positions": "learned"},
        Recipe(steps=800, optimizer="muon", learning_rate=4e-3, batch_size=16),
        corpus="shakespeare",
    ),
    "classic": Preset(
        "modern",
        "As in GPT-2",
        "Learned positions, the norm before, GELU, the head tied to the embedding; only its biases are left out.",
        {
            "positions": "learned",
            "norm": "pre",
            "activation": "gelu",
            "qk_norm": False,
            "zero_init": False,
            "tied": True,
        },
        Recipe(steps=1000, optimizer="muon", learning_rate=4e-3, batch_size=128),
    ),
    "modern": Preset(
        "modern",
        "Today's choices",
        "Rotary positions, ReLU squared, normed queries and keys, blocks that begin as nothing.",
        {
            "positions": "rotary",
            "norm": "pre",
            "activation": "relu2",
            "qk_norm": True,
            "zero_init": True,
            "tied": False,
        },
        Recipe(steps=1000, optimizer="muon", learning_rate=4e-3, batch_size=128),
    ),
    "transformer-default": Preset(
        "transformer",
        "Sensible",
        "Four blocks that look back at the whole name.",
        {"context": 32, "d_model": 64, "n_layer": 4, "n_head": 4, "positions": "learned"},
        Recipe(steps=1000, optimizer="muon", learning_rate=4e-3, batch_size=128),
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

DEFAULT_PRESET = {
    "bigram-table": "bigram-table",
    "average": "average",
    "mlp": "mlp-sensible",
    "rnn": "rnn",
    "gru": "gru",
    "lstm": "lstm",
    "transformer": "transformer-default",
    "modern": "modern",
    "skip-gram": "skip-gram",
}


def preset(name: str) -> Preset:
    """Look a preset up by its name or by its model's name.

    >>> preset("transformer").title
    'Sensible'
    """
    name = DEFAULT_PRESET.get(name, name)
    if name not in PRESETS:
        known = list(dict.fromkeys([*DEFAULT_PRESET, *PRESETS]))
        raise LabError(
            f"There is no model or preset '{name}'. Choose one of: {', '.join(known)}.{nearest(name, known)}"
        )
    return PRESETS[name]
