"""Did the model invent this name, or remember it?"""

from collections.abc import Iterable
from typing import Literal

from lmlab.data.corpus import Corpus, normalise_name

Novelty = Literal["training", "held out", "new"]


def novelty(texts: Iterable[str], corpus: Corpus, train_size: int | None = None) -> list[Novelty]:
    """For each text: in the training set, in the held-out set (validation or test), or in neither.

    A model that learned from the first `train_size` documents only has never seen the others of the training
    side: those count as held out.

    >>> from lmlab.data.corpus import load_corpus
    >>> novelty(["emma", "olivia", "lmlabia"], load_corpus("names"))
    ['training', 'held out', 'new']
    """
    sides = corpus.side_of
    learned = None if train_size is None else set(corpus.part("train")[:train_size])
    marks: list[Novelty] = []
    for text in texts:
        name = normalise_name(text)
        side = sides.get(name)
        seen = side == "train" and (learned is None or name in learned)
        marks.append("training" if seen else "new" if side is None else "held out")
    return marks
