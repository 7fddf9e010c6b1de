"""Count n-grams into sorted tables, with numpy alone: no Python work per token.

Each length of n-gram is one table of packed keys. A key is `context * V + token`, where `context` is the
*row* of the n-gram's first n - 1 tokens in the table one shorter. Rows are dense, so a key stays below
(number of tokens) * V at any order; packing the tokens themselves as base-V digits would overflow 63 bits
at order 8 from V = 235 on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lmlab.tokenizers.protocol import IntArray, Tokenizer, with_boundaries


@dataclass(frozen=True)
class Level:
    """All n-grams of one length: sorted `keys` (G,) and how often each came, `counts` (G,)."""

    keys: IntArray
    counts: IntArray

    def find(self, keys: IntArray) -> IntArray:
        """Row of each key, -1 where it was never counted."""
        rows = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[rows] == keys, rows, -1)


@dataclass(frozen=True)
class Counts:
    """`levels[i]` holds the n-grams of length i + 1."""

    vocab_size: int
    levels: list[Level]
    boundary_id: int = 0

    def tokens(self, order: int) -> IntArray:
        """(G, order) the tokens of every n-gram of this order, unpacked from the keys."""
        columns = []
        rows = np.arange(len(self.levels[order - 1].keys))
        for level in reversed(self.levels[:order]):
            columns.append(level.keys[rows] % self.vocab_size)
            rows = level.keys[rows] // self.vocab_size
        return np.stack(columns[::-1], axis=1)

    def rows(self, tokens: IntArray) -> IntArray:
        """Row of each n-gram of `tokens` (N, order) in its table; -1 where it was never counted."""
        rows = np.zeros(len(tokens), dtype=np.int64)
        for level, column in zip(self.levels, tokens.T, strict=False):
            rows = np.where(rows >= 0, level.find(rows * self.vocab_size + column), -1)
        return rows


def count_ngrams(documents: Sequence[str], tokenizer: Tokenizer, order: int) -> Counts:
    """Count every n-gram of the documents up to length `order`.

    >>> from lmlab.tokenizers.characters import CharacterTokenizer
    >>> counts = count_ngrams(["ab", "aa"], CharacterTokenizer("ab"), 2)
    >>> counts.tokens(2).tolist(), counts.levels[1].counts.tolist()
    ([[0, 0], [0, 1], [1, 0], [1, 1], [1, 2], [2, 0]], [0, 2, 1, 1, 1, 1])

    The pair of two boundaries is context that fills the space before a document, so its count is 0.
    """
    V, boundary = tokenizer.vocab_size, tokenizer.boundary_id
    stream, starts = with_boundaries(*tokenizer.encode_many(documents), boundary)
    # Everything but the first boundary of the stream is predicted; the first token of a document follows
    # boundaries alone.
    predicted = stream[1:]
    first = np.zeros(len(predicted), dtype=bool)
    first[starts] = True
    levels: list[Level] = []
    row = np.zeros(len(predicted), dtype=np.int64)
    filler = 0  # row of the n-gram of boundaries alone
    for _ in range(order):
        # The context is the n-gram one shorter that ends one token earlier.
        before = np.where(first, filler, np.roll(row, 1)) if levels else row
        keys = np.append(before * V + predicted, filler * V + boundary)
        contexts = len(levels[-1].keys) if levels else 1
        distinct, rows, counts = _distinct(keys, below=contexts * V)
        row, filler = rows[:-1], int(rows[-1])
        counts[filler] -= 1
        levels.append(Level(distinct, counts))
    return Counts(V, levels, boundary)


def _distinct(keys: IntArray, below: int) -> tuple[IntArray, IntArray, IntArray]:
    """Sorted distinct keys, the row of each key among them, and how often each occurs.

    The same as `np.unique`, which sorts; where few different keys are possible, tallying is several times
    faster.
    """
    if below > 8 * len(keys):
        return np.unique(keys, return_inverse=True, return_counts=True)
    tally = np.bincount(keys, minlength=below)
    distinct = np.flatnonzero(tally)
    row_of = np.zeros(below, dtype=np.int64)
    row_of[distinct] = np.arange(len(distinct))
    return distinct, row_of[keys], tally[distinct]
