"""What every tokenizer offers, and how documents become one stream of ids.

A tokenizer turns text into integers and back. Beside the tokens of the text there is one more, the
*boundary*: it begins and ends every document, is drawn as `.`, and no text ever encodes to it, so a full
stop in the data is another token.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


class Tokenizer(Protocol):
    """Text to ids and back; characters, words and byte pairs all look like this from outside."""

    vocab_size: int
    """How many different ids there are, the boundary among them."""
    boundary_id: int
    unknown_id: int | None
    """The id of everything outside the vocabulary, where the tokenizer has one; None: it refuses such text."""

    @property
    def symbols(self) -> list[str]:
        """How each id is drawn: `vocab_size` texts, the boundary as `.`."""

    def encode(self, text: str) -> list[int]:
        """Text -> ids, without boundaries. Raises `LabError` that names what is not in the vocabulary."""

    def encode_many(self, documents: Sequence[str]) -> tuple[IntArray, IntArray]:
        """The ids of all documents one after the other, and how many each document has."""

    def decode(self, ids: Sequence[int]) -> str:
        """Ids -> text; boundaries vanish."""

    def to_json(self) -> dict[str, Any]:
        """What a run's card stores: plain data with its `kind`."""


def with_boundaries(ids: IntArray, lengths: IntArray, boundary_id: int) -> tuple[IntArray, IntArray]:
    """Put one boundary before, between and after the documents; also return where each document starts.

    A document of n tokens that starts at s occupies s to s + n + 1: its boundary, its tokens, and the next
    document's boundary, which is also its own end. A model predicts n + 1 tokens of it.

    >>> stream, starts = with_boundaries(np.array([1, 2, 3]), np.array([2, 1]), 0)
    >>> stream.tolist(), starts.tolist()
    ([0, 1, 2, 0, 3, 0], [0, 3])
    """
    starts = np.concatenate([[0], np.cumsum(lengths + 1)])
    stream = np.full(starts[-1] + 1, boundary_id, dtype=np.int64)
    inside = np.ones(len(stream), dtype=bool)
    inside[starts] = False
    stream[inside] = ids
    return stream, starts[:-1]
