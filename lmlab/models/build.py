"""Neural models by name: what a recipe or a run's card says, as a model."""

from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
import torch.nn as nn

from lmlab.errors import LabError, nearest
from lmlab.models.average import Average, AverageConfig
from lmlab.models.mlp import MLP, MLPConfig
from lmlab.models.modern import Modern, ModernConfig
from lmlab.models.recurrent import GRU, LSTM, RNN, RecurrentConfig
from lmlab.models.skipgram import SkipGram, SkipGramConfig
from lmlab.models.table import BigramTable, BigramTableConfig
from lmlab.models.transformer import Transformer, TransformerConfig


@dataclass(frozen=True)
class Family:
    """A kind of model: its class, its config, its idea in one line, and where it comes from.

    `language_model` says whether it predicts the next token (`LanguageModel`) or only places tokens in space
    (`EmbeddingModel`).
    """

    model: type[Any]
    config: type[Any]
    idea: str
    source: str
    language_model: bool = True


MODELS: dict[str, Family] = {
    "bigram-table": Family(
        BigramTable,
        BigramTableConfig,
        "One row of logits for each token: the counted table of pairs, found by gradient descent.",
        "Jurafsky and Martin, Speech and language processing (3rd edition), section 3.1",
    ),
    "average": Family(
        Average,
        AverageConfig,
        "The past is the plain mean of its embeddings, or their mean with learned weights.",
        "Iyyer et al. (2015), Deep unordered composition; Bahdanau et al. (2015), section 3.1, for the weights",
    ),
    "mlp": Family(
        MLP,
        MLPConfig,
        "The last k tokens side by side through one hidden layer.",
        "Bengio et al. (2003), A neural probabilistic language model",
    ),
    "rnn": Family(
        RNN,
        RecurrentConfig,
        "One step a token; what was read is carried along as a hidden state.",
        "Elman (1990), Finding structure in time",
    ),
    "gru": Family(
        GRU,
        RecurrentConfig,
        "A recurrent network whose gates decide what to keep and what to renew.",
        "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder",
    ),
    "lstm": Family(
        LSTM,
        RecurrentConfig,
        "A recurrent network with a cell that is added to, so that gradients reach far back.",
        "Hochreiter and Schmidhuber (1997), Long short-term memory; Gers et al. (2000), Learning to forget",
    ),
    "transformer": Family(
        Transformer,
        TransformerConfig,
        "Every token looks back at all before it, then thinks for itself.",
        "Vaswani et al. (2017), Attention is all you need; Radford et al. (2019), GPT-2",
    ),
    "modern": Family(
        Modern,
        ModernConfig,
        "The transformer with today's choices, each behind a switch.",
        "Su et al. (2021), RoFormer; Henry et al. (2020), Query-key normalization; So et al. (2021), Primer",
    ),
    "skip-gram": Family(
        SkipGram,
        SkipGramConfig,
        "No language model: vectors that tell a token's neighbours from random tokens.",
        "Mikolov et al. (2013), Distributed representations of words and phrases and their compositionality",
        language_model=False,
    ),
}


def config_of(kind: str, options: dict[str, Any]) -> Any:
    """Check the name and the options of a model and make its config.

    >>> config_of("mlp", {"context": 5})
    MLPConfig(context=5, d_embed=10, d_hidden=128, activation='tanh', init='good', batch_norm=False)
    >>> config_of("average", {"n_head": 2})
    Traceback (most recent call last):
    lmlab.errors.LabError: The average has no option 'n_head'. It has: d_embed, mixing.
    """
    if kind not in MODELS:
        raise LabError(f"There is no model '{kind}'. Choose one of: {', '.join(MODELS)}.{nearest(kind, MODELS)}")
    config = MODELS[kind].config
    known = [field.name for field in fields(config)]
    for name, value in options.items():
        if name not in known:
            raise LabError(
                f"The {kind} has no option '{name}'. It has: {', '.join(known) or 'none'}.{nearest(name, known)}"
            )
        wanted = type(getattr(config(), name))
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            kind_of_value = {int: "a whole number", float: "a number", str: "a word", bool: "true or false"}.get(
                wanted, wanted.__name__
            )
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
