"""How much of what a model writes did it invent, and how far is that from what it has read?

The edit distance of two texts is the least number of single characters to insert, delete or replace that makes
one of the other. It is found in a table: D[i, j], the distance of the first i characters of one from the first
j of the other, needs only its three neighbours,

    D[i, j] = min(D[i-1, j] + 1, D[i, j-1] + 1, D[i-1, j-1] + (0 if the characters are equal else 1))

and here the tables of all training names are filled in at once, one cell of all of them at a time.
Sources: Levenshtein (1966), Binary codes capable of correcting deletions, insertions and reversals; Wagner and
Fischer (1974), The string-to-string correction problem, for the table.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmlab.data.corpus import Corpus, normalise_name
from lmlab.errors import LabError
from lmlab.evaluation.novelty import novelty
from lmlab.tokenizers.protocol import IntArray

CodePoints = NDArray[np.uint32]


def code_points(text: str) -> CodePoints:
    """A text as the numbers of its characters.

    >>> code_points("abc").tolist()
    [97, 98, 99]
    """
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def edit_distances(text: str, names: Sequence[str]) -> IntArray:
    """The edit distance of one text from each of many, exactly: (N,) int64, in characters (code points).

    >>> edit_distances("kitten", ["sitting", "kitten", "mitten", ""]).tolist()
    [3, 0, 1, 6]
    """
    distances = np.zeros(len(names), dtype=np.int64)
    for shelf in Shelves(names).by_length.values():
        distances[shelf.places] = shelf.distances(code_points(text))
    return distances


@dataclass(frozen=True)
class Shelf:
    """All names of one length m: `letters` (m, N), a name a column, and their `places` in the list."""

    letters: CodePoints
    places: IntArray

    def distances(self, text: CodePoints) -> IntArray:
        """(n,) code points -> (N,) edit distances: the table above, row after row."""
        m, N = self.letters.shape
        small = max(len(text), m) < 127  # no distance exceeds the longer text; bytes are quicker
        row = np.empty((m + 1, N), dtype=np.int8 if small else np.int32)
        row[:] = np.arange(m + 1)[:, None]  # from nothing to j characters: j insertions
        for i, letter in enumerate(text, start=1):
            different = self.letters != letter
            above, row = row, np.empty_like(row)
            row[0] = i
            for j in range(1, m + 1):
                row[j] = np.minimum(np.minimum(above[j], row[j - 1]) + 1, above[j - 1] + different[j - 1])
        return row[m].astype(np.int64)


class Shelves:
    """Names sorted by their length, so that a search for the nearest need not look at all of them.

    Two texts whose lengths differ by s are at least s edits apart. So the search starts among the names of the
    text's own length, goes on to those one longer or shorter, and stops where nothing nearer can come.

    >>> shelves = Shelves(["anna", "hannah", "ann", "bob"])
    >>> shelves.nearest("anne", 2)
    [('anna', 1), ('ann', 1)]
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        places: dict[int, list[int]] = {}
        for place, name in enumerate(names):
            places.setdefault(len(name), []).append(place)
        self.by_length = {
            length: Shelf(
                code_points("".join(names[place] for place in there)).reshape(len(there), length).T.copy(),
                np.array(there),
            )
            for length, there in places.items()
        }

    def nearest(self, text: str, n: int = 1) -> list[tuple[str, int]]:
        """The n names nearest to the text, with their distances.

        Of equally near names, first the one whose length is nearer, then the one that stands earlier.
        """
        letters = code_points(text)
        found: list[tuple[int, int, int]] = []  # distance, difference of the lengths, place
        for gap in range(1 + max(abs(len(text) - length) for length in self.by_length)):
            if len(found) == n and found[-1][0] <= gap:
                break
            for length in sorted({len(text) - gap, len(text) + gap} & self.by_length.keys()):
                shelf = self.by_length[length]
                distances = shelf.distances(letters)
                best = np.argsort(distances, kind="stable")[:n]
                found += [(int(distances[i]), gap, int(shelf.places[i])) for i in best]
            found = sorted(found)[:n]
        return [(self.names[place], distance) for distance, _, place in found]


@lru_cache(maxsize=4)
def _training_names(corpus: Corpus, train_size: int | None) -> Shelves:
    """The names that a model has learned from; kept, since every sample on a screen asks for them."""
    if corpus.kind != "names":
        raise LabError(
            f"'{corpus.name}' is one long text: it has no names to be nearest to. Use a corpus of one name a line."
        )
    return Shelves(corpus.part("train")[:train_size])


def nearest(text: str, corpus: Corpus, n: int = 1, train_size: int | None = None) -> list[tuple[str, int]]:
    """The n training names nearest to a text by edit distance, nearest first, each with its distance.

    The text is normalised like a name of the corpus; `train_size` is how many of the training names the model has
    seen (None: all). Raises `LabError` for a corpus that is no list of names, or n < 1.

    >>> from lmlab.data.corpus import load_corpus
    >>> nearest("oliviana", load_corpus("names"), n=3)  # a training name itself
    [('oliviana', 0), ('aliviana', 1), ('liviana', 1)]
    """
    if n < 1:
        raise LabError(f"The number of neighbours is {n}: ask for 1 or more.")
    return _training_names(corpus, train_size).nearest(normalise_name(text), n)


@dataclass(frozen=True)
class Memorised:
    """Of `samples` texts, how many stand in the training data, in the held-out data, or in neither.

    `distinct` of them differ from each other. `distance` is the mean edit distance from the nearest training name
    over all of them, `distance_new` over the new ones (None where there are none), and `near_copies` counts the
    new ones that are a single edit away from a training name.
    """

    samples: int
    distinct: int
    training: int
    held_out: int
    new: int
    distance: float
    distance_new: float | None
    near_copies: int

    @property
    def shares(self) -> dict[str, float]:
        """Of 1: `training`, `held out` and `new`, as `novelty` names them."""
        counts = {"training": self.training, "held out": self.held_out, "new": self.new}
        return {mark: count / self.samples for mark, count in counts.items()}

    def to_json(self) -> dict[str, Any]:
        """Counts, shares and distances as plain data."""
        return {**asdict(self), "shares": self.shares}


def memorised(texts: Sequence[str], corpus: Corpus, train_size: int | None = None) -> Memorised:
    """Count what a model remembered and what it invented.

    A name of the held-out side that a model writes is no memory: it never saw it, and has found a real name by
    itself. Repeated samples count each time. Raises `LabError` without texts, or for a corpus of one long text.

    >>> from lmlab.data.corpus import load_corpus
    >>> memorised(["emma", "olivia", "lmlabia", "emma"], load_corpus("names")).shares
    {'training': 0.5, 'held out': 0.25, 'new': 0.25}
    """
    if not texts:
        raise LabError("There are 0 samples: nothing can be said about them. Generate some first.")
    shelves = _training_names(corpus, train_size)
    marks = novelty(texts, corpus, train_size)
    names = [normalise_name(text) for text in texts]
    # A training name is at distance 0 from itself, so only the others are searched, each once.
    searched = {name for name, mark in zip(names, marks, strict=True) if mark != "training"}
    found = {name: shelves.nearest(name)[0][1] for name in searched}
    distances = [found.get(name, 0) for name in names]
    of_new = [distance for distance, mark in zip(distances, marks, strict=True) if mark == "new"]
    counts = Counter(marks)
    return Memorised(
        samples=len(names),
        distinct=len(set(names)),
        training=counts["training"],
        held_out=counts["held out"],
        new=counts["new"],
        distance=sum(distances) / len(distances),
        distance_new=sum(of_new) / len(of_new) if of_new else None,
        near_copies=sum(distance == 1 for distance in of_new),
    )
