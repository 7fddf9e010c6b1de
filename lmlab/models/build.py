"""Neural models by name: what a recipe or a run's card says, as a model."""

from dataclasses import asdict, fields
from typing import Any

import torch
import torch.nn as nn

from lmlab.errors import LabError
from lmlab.models.mlp import MLP, MLPConfig
from lmlab.models.transformer import Transformer, TransformerConfig

MODELS: dict[str, tuple[type[Any], type[Any]]] = {
    "mlp": (MLP, MLPConfig),
    "transformer": (Transformer, TransformerConfig),
}


def config_of(kind: str, options: dict[str, Any]) -> Any:
    """Check the name and the options of a model and make its config.

    >>> config_of("mlp", {"context": 5})
    MLPConfig(context=5, d_embed=10, d_hidden=128)
    >>> config_of("mlp", {"n_head": 2})
    Traceback (most recent call last):
    lmlab.errors.LabError: The mlp has no option 'n_head'. It has: context, d_embed, d_hidden.
    """
    if kind not in MODELS:
        raise LabError(f"There is no model '{kind}'. Choose one of: {', '.join(MODELS)}.")
    config = MODELS[kind][1]
    known = [field.name for field in fields(config)]
    for name, value in options.items():
        if name not in known:
            raise LabError(f"The {kind} has no option '{name}'. It has: {', '.join(known)}.")
        wanted = type(getattr(config(), name))
        if type(value) is not wanted:
            kind_of_value = {int: "a whole number", str: "a word"}.get(wanted, wanted.__name__)
            raise LabError(f"The option {name} is {value!r}: give {kind_of_value}.")
    return config(**options)


def build(kind: str, options: dict[str, Any], vocab_size: int, seed: int = 0) -> nn.Module:
    """A freshly initialised model; the same seed gives the same weights, and no other generator is touched.

    >>> a, b = (build("mlp", {}, 27, seed=1) for _ in range(2))
    >>> torch.equal(a.embedding.weight, b.embedding.weight)
    True
    """
    config = config_of(kind, options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: nn.Module = MODELS[kind][0](config, vocab_size)
    return model


def describe(kind: str, model: nn.Module) -> dict[str, Any]:
    """What a card stores about a model: kind, options, vocabulary and number of parameters."""
    return {
        "kind": kind,
        "options": asdict(model.config),  # type: ignore[call-overload]
        "vocab_size": model.vocab_size,
        "parameters": sum(weight.numel() for weight in model.parameters()),
    }
