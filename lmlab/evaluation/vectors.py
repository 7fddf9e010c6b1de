"""Meaning as directions: the bundled GloVe word vectors, their neighbours, analogies and axes.

Pennington, Socher and Manning (2014), "GloVe: Global Vectors for Word Representation": 50 numbers a word,
learned from six billion words. Bundled are the most frequent 20,000 words and a few rarer ones.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lmlab.errors import LabError, nearest

FILE = Path(__file__).parents[1] / "data" / "files" / "glove50_20k_int8.npz"

Array = NDArray[np.float32]


class WordVectors:
    """Words with a vector each; every comparison is by the cosine, so only directions matter."""

    def __init__(self, words: Sequence[str], vectors: Array) -> None:
        """`vectors` has the shape (words, dimensions); row i belongs to word i, the most frequent word first."""
        self.words = list(words)
        self.vectors = vectors
        self._row = {word: row for row, word in enumerate(self.words)}
        self._unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def unit(self, word: str) -> Array:
        """The vector of a word, scaled to length 1: (dimensions,). Raises `LabError` for an unknown word.

        >>> glove().unit("quen")
        Traceback (most recent call last):
        lmlab.errors.LabError: The word 'quen' is not among the 20,009 bundled words. Did you mean 'queen'? Try a more
        common one.
        """
        wanted = word.strip().lower()
        if wanted not in self._row:
            raise LabError(
                f"The word {word[:40]!r} is not among the {len(self.words):,} bundled words."
                f"{nearest(wanted[:40], self.words)} Try a more common one."
            )
        row: Array = self._unit[self._row[wanted]]
        return row

    def similarity(self, one: str, other: str) -> float:
        """The cosine of the angle between two words: 1 for the same direction, 0 for a right angle.

        >>> glove().similarity("cat", "dog") > 0.9 > 0.4 > glove().similarity("cat", "democracy")
        True
        """
        return float(self.unit(one) @ self.unit(other))

    def neighbours(self, word: str, n: int = 10) -> list[tuple[str, float]]:
        """The n words nearest to one, without itself, each with its cosine.

        >>> [word for word, _ in glove().neighbours("king", 3)]
        ['prince', 'queen', 'ii']
        """
        return self._nearest_to(self.unit(word), n, leave_out=[word])

    def analogy(self, a: str, b: str, c: str, n: int = 5, inputs: bool = False) -> list[tuple[str, float]]:
        """The n words nearest to a - b + c: b is to a as c is to what?

        Mikolov, Yih and Zweig (2013), "Linguistic Regularities in Continuous Space Word Representations". As
        usual, the three given words are left out of the answer; `inputs=True` counts them in, and then one of
        them is often the nearest, because the step from b to c is short.

        >>> glove().analogy("king", "man", "woman", n=1)[0][0]
        'queen'
        >>> glove().analogy("king", "man", "woman", n=1, inputs=True)[0][0]
        'king'
        """
        target = self.unit(a) - self.unit(b) + self.unit(c)
        length = float(np.linalg.norm(target))
        if length < 1e-6:
            raise LabError(f"{a} - {b} + {c} leads nowhere: the sum is zero. Choose other words.")
        return self._nearest_to(target / length, n, leave_out=[] if inputs else [a, b, c])

    def _nearest_to(self, direction: Array, n: int, leave_out: Sequence[str]) -> list[tuple[str, float]]:
        if n < 1:
            raise LabError(f"{n} words are none. Ask for 1 or more.")
        cosines = self._unit @ direction
        cosines[[self._row[word.strip().lower()] for word in leave_out]] = -np.inf
        best = np.argsort(-cosines, kind="stable")[:n]
        return [(self.words[row], float(cosines[row])) for row in best if np.isfinite(cosines[row])]

    def axis(self, low: str, high: str) -> Array:
        """The direction from one word to its opposite, of length 1: (dimensions,).

        Both ends have vectors of length 1, so they lie equally far on the two sides of zero.

        >>> vectors = glove()
        >>> ends = vectors.along(vectors.axis("small", "large"), ["small", "large"])
        >>> bool(np.isclose(ends[0], -ends[1]))
        True
        """
        direction = self.unit(high) - self.unit(low)
        length = float(np.linalg.norm(direction))
        if length < 1e-6:
            raise LabError(f"An axis from '{low}' to '{high}' has no direction. Choose two different words.")
        result: Array = direction / length
        return result

    def along(self, axis: Array, words: Sequence[str]) -> Array:
        """How far each word lies along an axis, from -1 to 1: (words,), or (words, k) for k stacked axes.

        >>> vectors = glove()
        >>> hot = vectors.axis("cold", "hot")
        >>> bool(np.diff(vectors.along(hot, ["winter", "summer"]))[0] > 0)
        True
        >>> vectors.along(np.stack([hot, vectors.axis("small", "large")]), ["ant", "elephant", "sun"]).shape
        (3, 2)
        """
        matrix = np.stack([self.unit(word) for word in words]) if words else self._unit[:0]
        result: Array = matrix @ axis.T
        return result


@lru_cache(maxsize=1)
def glove() -> WordVectors:
    """The bundled vectors, read once: 20,009 words of 50 numbers, each stored in a byte."""
    with np.load(FILE, allow_pickle=False) as file:
        words = file["words"].tobytes().decode("utf-8").split("\n")
        vectors = file["vectors"].astype(np.float32) * file["scales"][:, None]
    return WordVectors(words, vectors)
