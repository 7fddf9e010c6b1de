"""Did the model invent this name, or remember it?"""

from collections.abc import Iterable
from typing import Literal

from lmlab.data.corpus import Corpus, normalise_name

Novelty = Literal["training", "held out", "new"]


def novelty(texts: Iterable[str], corpus: Corpus) -> list[Novelty]:
    """For each text: in the training set, in the held-out set (validation or test), or in neither.

    >>> from lmlab.data.corpus import load_corpus
    >>> novelty(["emma", "olivia", "lmlabia"], load_corpus("names"))
    ['training', 'held out', 'new']
    """
    sides = corpus.side_of
    marks: list[Novelty] = []
    for text in texts:
        side = sides.get(normalise_name(text))
        marks.append("new" if side is None else "training" if side == "train" else "held out")
    return marks
