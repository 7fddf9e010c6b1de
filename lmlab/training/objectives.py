"""What training makes small. An objective is a loss and the examples that it is taken on.

Language models learn to predict the next token. Skip-gram has another aim, to tell the true neighbours of a token
from random ones; it brings its own examples and its own measurement, and the loop stays the same.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn as nn
from torch import Tensor

from lmlab.evaluation.loss import Evaluation, Loss, token_nats
from lmlab.models.protocol import IGNORE, Batch, Examples
from lmlab.models.skipgram import PairBatch, SkipGramPairs, negative_sampling_loss
from lmlab.tokenizers.protocol import Tokenizer


class Data(Protocol):
    """Examples that can be drawn by number."""

    predictions: int
    characters: int

    def __len__(self) -> int: ...

    def batch(self, indices: Tensor) -> Any:
        """The examples `indices` (B,), as the objective's loss takes them."""

    def new_epoch(self, generator: torch.Generator) -> None:
        """Draw anew what is random in the examples themselves."""


class Measurement(Protocol):
    """A loss on documents, taken in chunks."""

    predictions: int
    """How many predictions are measured: what the measurement costs."""
    loss: Loss | None

    def chunks(self) -> Iterator[int]:
        """Go on chunk after chunk; the loss is there after the last one."""


@dataclass(frozen=True)
class Objective:
    """A loss, the examples to learn from, and how to measure it on held-out documents."""

    name: str
    loss: Callable[[Any, Any], Tensor]
    """(model, batch) -> the mean loss of the batch in nats, a scalar."""
    examples: Callable[[Any, Sequence[str], Tokenizer], Data]
    """(model, documents, tokenizer) -> what batches are drawn from."""
    measure: Callable[[Any, Sequence[str], Tokenizer], Measurement]
    """(model, documents, tokenizer) -> the loss on all of them."""
    on_the_ruler: bool = True
    """Whether the loss is one of predicting text; then it is told in nats a character."""

    def __call__(self, model: nn.Module, batch: Any) -> Tensor:
        """The loss of one batch.

        >>> from lmlab.models.build import build
        >>> batch = Batch(torch.tensor([[0, 1]]), torch.tensor([[1, 0]]))
        >>> round(next_token(build("mlp", {}, 27), batch).item(), 4)        # ln 27 before any step
        3.2958
        """
        return self.loss(model, batch)


def next_token_loss(model: Any, batch: Batch) -> Tensor:
    """Mean surprise of the next token, in nats: the loss of the ruler on one batch."""
    return token_nats(model.logits(batch.ids), batch.targets).sum() / (batch.targets != IGNORE).sum()


next_token = Objective(
    "next token",
    next_token_loss,
    lambda model, documents, tokenizer: Examples.of(model, documents, tokenizer, learning=True),
    lambda model, documents, tokenizer: Evaluation(model, documents, tokenizer),
)


class PairMeasurement:
    """The negative-sampling loss over all pairs of some documents, always against the same random negatives."""

    CHUNK = 65_536  # pairs scored at once

    def __init__(self, model: Any, documents: Sequence[str], tokenizer: Tokenizer) -> None:
        self.model = model
        self.pairs = _pairs(model, documents, tokenizer)
        self.pairs.new_epoch(torch.Generator().manual_seed(0))
        self.predictions = len(self.pairs)
        self.loss: Loss | None = None

    def chunks(self) -> Iterator[int]:
        """Score chunk after chunk; yields the number of pairs so far."""
        nats, done = 0.0, 0
        for indices in torch.arange(len(self.pairs)).split(self.CHUNK):
            with torch.inference_mode():
                nats += float(_pair_loss(self.model, self.pairs.batch(indices))) * len(indices)
            done += len(indices)
            yield done
        self.loss = Loss(nats, done)


def _pairs(model: Any, documents: Sequence[str], tokenizer: Tokenizer) -> SkipGramPairs:
    return SkipGramPairs(documents, tokenizer, model.config.window, model.config.negatives)


def _pair_loss(model: Any, batch: PairBatch) -> Tensor:
    return negative_sampling_loss(model, batch.centres, batch.contexts, batch.negatives)


negative_sampling = Objective("negative sampling", _pair_loss, _pairs, PairMeasurement, on_the_ruler=False)


def objective_of(model: nn.Module) -> Objective:
    """What a model is trained for: the next token, or for an embedding model its neighbours.

    >>> from lmlab.models.build import build
    >>> objective_of(build("mlp", {}, 27)).name, objective_of(build("skip-gram", {}, 27)).name
    ('next token', 'negative sampling')
    """
    return next_token if hasattr(model, "logits") else negative_sampling
