"""Neural models by name: what a recipe or a run's card says, as a model."""

from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
import torch.nn as nn

from lmlab.errors import LabError, nearest
from lmlab.models.mlp import MLP, MLPConfig
from lmlab.models.transformer import Transformer, TransformerConfig


@dataclass(frozen=True)
class Family:
    """A kind of model: its class, its config, its idea in one line, and where it comes from."""

    model: type[Any]
    config: type[Any]
    idea: str
    source: str


MODELS: dict[str, Family] = {
    "mlp": Family(
        MLP,
        MLPConfig,
        "The last k tokens side by side through one hidden layer.",
        "Bengio et al. (2003), A neural probabilistic language model",
    ),
    "transformer": Family(
        Transformer,
        TransformerConfig,
        "Every token looks back at all before it, then thinks for itself.",
        "Vaswani et al. (2017), Attention is all you need; Radford et al. (2019), GPT-2",
    ),
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
        raise LabError(f"There is no model '{kind}'. Choose one of: {', '.join(MODELS)}.{nearest(kind, MODELS)}")
    config = MODELS[kind].config
    known = [field.name for field in fields(config)]
    for name, value in options.items():
        if name not in known:
            raise LabError(f"The {kind} has no option '{name}'. It has: {', '.join(known)}.{nearest(name, known)}")
        wanted = type(getattr(config(), name))
        if type(value) is not wanted:
            kind_of_value = {int: "a whole number", str: "a word"}.get(wanted, wanted.__name__)
            raise LabError(f"The option {name} is {value!r}: give {kind_of_value}.")
    return config(**options)


def build(kind: str, options: dict[str, Any], vocab_size: int, seed: int = 0, boundary_id: int = 0) -> nn.Module:
    """A freshly initialised model; the same seed gives the same weights, and no other generator is touched.

    `boundary_id` is what the model takes to stand before the start of a document.

    >>> a, b = (build("mlp", {}, 27, seed=1) for _ in range(2))
    >>> torch.equal(a.embedding.weight, b.embedding.weight)
    True
    """
    config = config_of(kind, options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: nn.Module = MODELS[kind].model(config, vocab_size)
    model.boundary_id = boundary_id  # type: ignore[assignment]
    return model


def describe(kind: str, model: nn.Module) -> dict[str, Any]:
    """What a card stores about a model: kind, options, vocabulary and number of parameters."""
    return {
        "kind": kind,
        "options": asdict(model.config),  # type: ignore[call-overload]
        "vocab_size": model.vocab_size,
        "parameters": sum(weight.numel() for weight in model.parameters()),
    }
