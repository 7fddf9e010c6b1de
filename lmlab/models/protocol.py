"""What every language model is, from a count table to a GPT, and the batches that they all take."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from lmlab.tokenizers.protocol import Tokenizer, with_boundaries

State = Any
"""What a model carries from one token to the next: a cache, a hidden state, or the last ids."""

IGNORE = -100
"""Target where nothing is predicted (the padding of a batch)."""

LONG_DOCUMENT = 256  # tokens; a longer document is measured in windows, whatever the model
TRAINING_WINDOW = 64  # tokens of a long document that a model without a block learns from at once


@runtime_checkable
class LanguageModel(Protocol):
    """Turns the tokens so far into logits for the next one.

    A count model is a plain class and answers with log-probabilities, which are logits too; a neural model
    is also an `nn.Module`. Loss, sampling and training live elsewhere, once for all models.
    """

    vocab_size: int
    context: int | None
    """How many tokens back a prediction can see; None = everything."""
    block_size: int | None
    """The longest sequence that `logits` takes at once; None = any."""

    def logits(self, ids: Tensor) -> Tensor:
        """(B, T) int64 -> (B, T, V) float. Position t sees ids[:, : t + 1] only; -inf is allowed, NaN never."""

    def next(self, ids: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(B, T) new tokens, the state so far -> logits (B, V) for the token that follows, the new state."""


@dataclass(frozen=True)
class Batch:
    """Right-padded sequences. `ids` (B, T) int64; `targets` (B, T) int64, -100 where nothing is predicted."""

    ids: Tensor
    targets: Tensor

    @property
    def predictions(self) -> int:
        """How many targets there are."""
        return int((self.targets != IGNORE).sum())


class Examples:
    """Encoded documents, cut into the sequences that a model reads.

    Each document becomes `boundary, tokens` as input and `tokens, boundary` as targets: n + 1 predictions
    for n tokens. A document longer than a block is cut into windows.

    To measure, windows overlap by half: every token is predicted exactly once, and in a later window it sees at
    least half a block of what came before. To learn from a long document (`learning=True`), windows lie end to end
    and begin somewhere else in each epoch, so that no half is computed twice and no token always stands at a window's
    start.

    >>> from lmlab.tokenizers.characters import CharacterTokenizer
    >>> examples = Examples(["ab", "c"], CharacterTokenizer("abc"))
    >>> batch = examples.batch(torch.tensor([0, 1]))
    >>> batch.ids.tolist(), batch.targets.tolist()
    ([[0, 1, 2], [0, 3, 0]], [[1, 2, 0], [3, 0, -100]])
    >>> len(examples), examples.predictions, examples.characters
    (2, 5, 5)
    """

    def __init__(
        self,
        documents: Sequence[str],
        tokenizer: Tokenizer,
        block_size: int | None = None,
        learning: bool = False,
        blind: int = 0,
    ) -> None:
        """`blind` targets at the start of a learning window are left out: their context would be cut off."""
        ids, lengths = tokenizer.encode_many(documents)
        stream, starts = with_boundaries(ids, lengths, tokenizer.boundary_id)
        self.boundary_id = tokenizer.boundary_id
        self.predictions = int(np.sum(lengths + 1))
        """How many tokens are predicted, the end marks included."""
        self.characters = sum(len(document) + 1 for document in documents)
        """How many characters the documents have, one end mark each included: what a loss is divided by."""
        unknown = tokenizer.unknown_id
        self.unknown = 0 if unknown is None else int(np.sum(ids == unknown))
        """How many of the predicted tokens stand for something outside the vocabulary."""
        learning = learning and int(lengths.max()) + 1 > LONG_DOCUMENT  # a name's first letters come every time
        document, begin, length, skip = _windows(lengths + 1, block_size, learning)
        self.document = document
        """(N,) which document each example is cut from."""
        self._stream = torch.from_numpy(stream)
        self._begin = torch.from_numpy(starts[document] + begin)
        self._length = torch.from_numpy(length)
        self._skip = torch.from_numpy(skip)
        self._columns = torch.arange(int(length.max()))
        self._cut = learning and len(document) > len(documents)
        if self._cut:
            self._first = self._begin
            self._latest = torch.from_numpy(starts[document] + lengths[document] + 1 - length)
            self._block, self._blind = block_size or 1, blind
            self._document_start = torch.from_numpy(starts[document])

    @classmethod
    def of(
        cls, model: LanguageModel, documents: Sequence[str], tokenizer: Tokenizer, learning: bool = False
    ) -> "Examples":
        """Examples that fit the model: whole documents, or windows of its block, or of a long document."""
        if model.block_size is not None:
            return cls(documents, tokenizer, model.block_size, learning)
        if max(len(document) for document in documents) < LONG_DOCUMENT:
            return cls(documents, tokenizer)
        context = model.context or 0
        if learning:
            blind = max(0, context - 1)
            return cls(documents, tokenizer, max(TRAINING_WINDOW, 2 * context), learning, blind)
        return cls(documents, tokenizer, max(LONG_DOCUMENT, 2 * context))

    def new_epoch(self, generator: torch.Generator) -> None:
        """Move the windows of long documents by a new distance; documents that were not cut stay whole."""
        if self._cut:
            shift = torch.randint(self._block, (1,), generator=generator)
            self._begin = torch.minimum(self._first + shift, self._latest)
            # At a document's true start nothing is cut off: there a short context is the whole context.
            self._skip = torch.where(self._begin == self._document_start, 0, self._blind)

    def __len__(self) -> int:
        return len(self._begin)

    @property
    def tokens(self) -> Tensor:
        """(N,) how many tokens each example holds; equal lengths can be batched without padding."""
        return self._length

    def batch(self, indices: Tensor) -> Batch:
        """The examples `indices` (B,), padded to the longest of them."""
        begin, length = self._begin[indices, None], self._length[indices, None]
        skip = self._skip[indices, None]
        columns = self._columns[: int(length.max())]
        inside = columns < length
        position = torch.where(inside, begin + columns, 0)
        ids = torch.where(inside, self._stream[position], self.boundary_id)
        targets = torch.where(inside & (columns >= skip), self._stream[position + 1], IGNORE)
        return Batch(ids, targets)


def _windows(lengths: np.ndarray, block_size: int | None, learning: bool) -> tuple[np.ndarray, ...]:
    """(document, begin, length, targets to skip) of each window; one window where the document fits."""
    if block_size is None or lengths.max() <= block_size:
        zero = np.zeros_like(lengths)
        return np.arange(len(lengths)), zero, lengths, zero
    overlap = 0 if learning else block_size - max(1, block_size // 2)
    rows = []
    for document, length in enumerate(lengths.tolist()):
        rows.append((document, 0, min(length, block_size), 0))
        done = block_size
        while done < length:
            begin = done - overlap
            end = min(begin + block_size, length)
            if learning:
                begin = max(0, end - block_size)  # a last window is as long as the others
            rows.append((document, begin, end - begin, 0 if learning else done - begin))
            done = end
    return tuple(np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
