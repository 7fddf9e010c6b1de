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
    training = set(corpus.part("train"))
    held_out = set(corpus.part("validation")) | set(corpus.part("test"))
    marks: list[Novelty] = []
    for text in texts:
        name = normalise_name(text)
        marks.append("training" if name in training else "held out" if name in held_out else "new")
    return marks
