"""Between the controls of the training screen and what is trained: jobs, presets and cards as values of controls.

The values of the screen travel as a dictionary by these names; `CONTROLS` is their order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lmlab.errors import LabError
from lmlab.jobs.messages import JobSpec
from lmlab.strings import t
from lmlab.training.presets import PRESETS, Preset
from lmlab.training.recipe import Recipe

MODELS = ("mlp", "transformer")
OPTIMIZERS = ("adamw", "sgd", "muon")
SCHEDULES = ("linear", "cosine", "constant")
MUON_TIMES = 5.0  # Muon's rate for the matrices is so many times the learning rate of the rest

CONTROLS = (
    "model", "context", "hidden", "embed", "activation", "init", "norm", "layers", "width", "heads", "positions",
    "rate", "steps", "batch", "optimizer", "schedule", "decay", "size", "seed",
)  # fmt: skip

OPTIONS: dict[str, dict[str, str]] = {
    "mlp": {
        "context": "context", "d_embed": "embed", "d_hidden": "hidden", "activation": "activation", "init": "init",
        "batch_norm": "norm",
    },
    "transformer": {
        "d_model": "width", "n_layer": "layers", "n_head": "heads", "positions": "positions",
    },
}  # fmt: skip
"""Of each model: its options, and the control of each."""

DEFAULTS: dict[str, Any] = {"activation": "tanh", "init": "good", "norm": False, "positions": "learned"}
"""What an option is where a preset does not name it."""

SHOWN: dict[str, tuple[str, ...]] = {
    "mlp": (
        "mlp-sensible", "mlp-one-letter", "mlp-too-fast", "mlp-500-names", "mlp-too-large", "mlp-zero",
        "mlp-batch-norm", "mlp-window-5", "mlp-beat-kneser-ney",
    ),
    "transformer": ("transformer-default", "transformer-one-block", "transformer-500-names"),
}  # fmt: skip
"""The presets of each model on this screen, in the order of the lessons; its controls can say them in full."""


def first_of(model: str) -> str:
    """The preset that a model begins with. Raises `LabError` for what is no model of this screen."""
    if model not in SHOWN:
        raise LabError(t("mlp.error.no_network", value=str(model)[:40], choices=", ".join(MODELS)))
    return SHOWN[model][0]


def title_of(name: str) -> str:
    """A preset in the words of the screen."""
    return t(f"mlp.preset.{name}.title")


def next_of(name: str | None) -> str:
    """The lesson after this one; the first again after the last.

    >>> next_of("mlp-sensible"), next_of("mlp-beat-kneser-ney")
    ('mlp-one-letter', 'transformer-default')
    """
    road = [preset for model in MODELS for preset in SHOWN[model]]
    return road[(road.index(name) + 1) % len(road)] if name in road else road[0]


# --- into the controls -------------------------------------------------------------------------------------


def values_of_preset(name: str) -> dict[str, Any]:
    """What a preset sets the controls to; those that it does not speak of keep their values.

    >>> values_of_preset("mlp-zero")["init"], "seed" in values_of_preset("mlp-zero")
    ('zero', False)
    """
    if name not in PRESETS or all(name not in names for names in SHOWN.values()):
        raise LabError(t("mlp.error.no_lesson", value=str(name)[:40]))
    preset: Preset = PRESETS[name]
    values = values_of(preset.model, preset.options, preset.recipe)
    del values["seed"]  # the student's own: a lesson holds for every seed
    return values


def is_preset(name: str, values: Mapping[str, Any]) -> bool:
    """Whether the values are those of a preset, whatever the seed and the controls of other models.

    >>> is_preset("mlp-zero", {**values_of_preset("mlp-zero"), "seed": 7}), is_preset("mlp-zero", {"model": "mlp"})
    (True, False)
    """
    return all(control in values and values[control] == value for control, value in values_of_preset(name).items())


def values_of_card(card: Mapping[str, Any]) -> dict[str, Any]:
    """What the card of a trained model sets the controls to. Raises `LabError` for another kind of model."""
    kind = card["model"]["kind"]
    if kind not in MODELS:
        raise LabError(t("mlp.error.no_controls", kind=str(kind)[:40]))
    return values_of(kind, card["model"]["options"], _recipe_of(card))


def _recipe_of(card: Mapping[str, Any]) -> Recipe:
    """What a card's model was to be trained with."""
    return Recipe(**{**card["recipe"], "seconds": None, "steps": card["planned_steps"]})


def spec_of_card(card: Mapping[str, Any]) -> JobSpec:
    """The training that a card is of, to be done again."""
    corpus, model = card["corpus"], card["model"]
    source = corpus.get("source", corpus["name"])
    return JobSpec(model["kind"], dict(model["options"]), _recipe_of(card), source, corpus["name"])


def halved(spec: JobSpec, parent: str) -> JobSpec:
    """The same training with half the learning rate.

    >>> job = JobSpec("mlp", {}, Recipe(steps=9, learning_rate=0.0125))
    >>> halved(job, "x").recipe.learning_rate, halved(job, "x").parent
    (0.00625, 'x')
    """
    rates = {name: getattr(spec.recipe, name) / 2 for name in ("learning_rate", "matrix_learning_rate")}
    return replace(spec, recipe=replace(spec.recipe, **rates), parent=parent)


def values_of(model: str, options: Mapping[str, Any], recipe: Recipe) -> dict[str, Any]:
    """A model and a recipe as values of the controls."""
    named = {control: options.get(option, DEFAULTS.get(control)) for option, control in OPTIONS[model].items()}
    return {
        "model": model,
        **named,
        "rate": recipe.learning_rate,
        "steps": recipe.steps,
        "batch": recipe.batch_size,
        "optimizer": recipe.optimizer,
        "schedule": recipe.schedule,
        "decay": recipe.weight_decay,
        "size": recipe.train_size or 0,
        "seed": recipe.seed,
    }


# --- out of the controls -----------------------------------------------------------------------------------


def spec_of(values: Mapping[str, Any], corpus: Mapping[str, Any], parent: str | None = None) -> JobSpec:
    """What the controls say, as a job. Raises `LabError` for what cannot be trained.

    >>> values = {"seed": 42, **values_of_preset("mlp-one-letter")}
    >>> spec_of(values, {"source": "names", "name": "names", "longest": 15}).options["context"]
    1
    """
    model = values["model"]
    first_of(model)  # refuses what is no network of this screen
    for name, known in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
        if values[name] not in known:
            value, choices = str(values[name])[:40], ", ".join(known)
            raise LabError(t("mlp.error.no_choice", label=t(f"mlp.{name}"), value=value, choices=choices))
    for name in ("rate", "seed", "steps", "batch", "decay"):
        if values[name] is None:
            raise LabError(t("mlp.error.no_number", label=t(f"mlp.{name}")))
    options = {option: _plain(values[control]) for option, control in OPTIONS[model].items()}
    if model == "transformer":
        options["context"] = 32 if corpus.get("longest", 100) < 32 else 128
    else:  # what is as usual goes without saying: the card and the comparison of two models stay short
        options = {
            option: value for option, value in options.items() if DEFAULTS.get(OPTIONS[model][option]) != value
        }
    rate = float(values["rate"])
    recipe = Recipe(
        steps=int(values["steps"]),
        optimizer=values["optimizer"],
        learning_rate=rate,
        matrix_learning_rate=min(10_000.0, MUON_TIMES * rate) if rate > 0 else 1.0,
        schedule=values["schedule"],
        batch_size=int(values["batch"]),
        weight_decay=float(values["decay"]),
        seed=int(values["seed"]),
        train_size=int(values["size"]) if values["size"] else None,
    )
    return JobSpec(model, options, recipe, corpus["source"], corpus["name"], None, parent)


def _plain(value: Any) -> Any:
    """Sliders send whole numbers as floats at times."""
    return int(value) if isinstance(value, float) and value == int(value) else value


def by_name(values: Sequence[Any]) -> dict[str, Any]:
    """The values of the controls, in their order, by their names."""
    return dict(zip(CONTROLS, values, strict=True))
