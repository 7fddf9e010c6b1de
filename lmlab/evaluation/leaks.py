"""Leaks: held-out documents that also stand in the training data, and what they do to a loss.

Whoever shuffles the lines of a file and cuts them 80/10/10 puts the repeats of a line on different sides. A model
then has read a part of its own exam: the held-out loss falls, and it falls most for the model that remembers
most, so even the order of a ladder can change. A Kneser-Ney 5-gram that was counted on such a split of the
bundled names file scores 1.67 nats a character on the leaked names; had it not read them, 1.99.

Our own corpora are free of it (`lmlab.data.corpus` removes the repeats before the split); this file makes the
leak again, to look at it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from lmlab.data.corpus import LONGEST_NAME, Corpus, Part, Report, normalise_name
from lmlab.errors import LabError
from lmlab.evaluation.loss import Loss, evaluate
from lmlab.models.protocol import LanguageModel
from lmlab.tokenizers.protocol import Tokenizer

LONG_LINE = 20  # characters; a shorter line of prose ("Ay, sir.") comes back by itself and gives nothing away
EXAMPLES = 10


def leaky_corpus(lines: Sequence[str], seed: int = 0, name: str = "careless split") -> Corpus:
    """A corpus made the usual careless way: repeats kept, lines shuffled, the first 80 % train, 10 % validate.

    The lines are cleaned as in `names_corpus`, and only the split differs. `side_of` cannot hold a document that
    stands on two sides, so `novelty` and `memorised` should be asked about a clean corpus.

    Raises `LabError` under 10 lines: a tenth of them would be none.

    >>> corpus = leaky_corpus(["Ada"] * 10 + ["Grace"] * 10, seed=1)
    >>> corpus.split, set(corpus.part("validation")) <= set(corpus.part("train"))
    ({'train': 16, 'validation': 2, 'test': 2}, True)
    """
    cleaned = [normalise_name(line) for line in lines]
    filled = [line for line in cleaned if line]
    kept = [line for line in filled if len(line) <= LONGEST_NAME]
    if len(kept) < 10:
        raise LabError(f"There are {len(kept)} usable lines: a split by position needs at least 10. Add more lines.")
    texts = [kept[i] for i in np.random.default_rng(seed).permutation(len(kept))]
    first, second = len(texts) * 8 // 10, len(texts) * 9 // 10
    sides: list[Part] = ["train"] * len(texts)
    sides[first:second] = ["validation"] * (second - first)
    sides[second:] = ["test"] * (len(texts) - second)
    report = Report(len(lines), len(kept), empty=len(cleaned) - len(filled), too_long=len(filled) - len(kept))
    return Corpus("names", texts, sides, report, _sha256(texts), name)


def without_leaks(corpus: Corpus) -> Corpus:
    """The same corpus, its training side robbed of all that also stands on a held-out side.

    The held-out sides stay as they are. A model made from this one faces the same exam without having read it,
    so the difference between the two is what the leak did, and not that leaked documents are easier anyway.

    >>> corpus = leaky_corpus(["Ada"] * 10 + ["Grace"] * 10 + ["Alan"], seed=1)
    >>> without_leaks(corpus).split
    {'train': 1, 'validation': 2, 'test': 3}
    """
    held_out = set(corpus.part("validation")) | set(corpus.part("test"))
    keep = [
        i
        for i, (text, side) in enumerate(zip(corpus.texts, corpus.sides, strict=True))
        if side != "train" or text not in held_out
    ]
    texts = [corpus.texts[i] for i in keep]
    return replace(corpus, texts=texts, sides=[corpus.sides[i] for i in keep], sha256=_sha256(texts))


def _sha256(texts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class LeakReport:
    """Repeats in a corpus, and how many of them cross the split.

    `units` says what is counted: documents, or the long lines of one text. `repeated` is how many units are a
    further copy of one before; `leaked` is how many of the `held_out` units (validation and test, every copy
    counts) also stand in the training data.
    """

    corpus: str
    units: str
    total: int
    distinct: int
    held_out: int
    leaked: int
    examples: tuple[str, ...]

    @property
    def repeated(self) -> int:
        """Units that are a further copy of one before."""
        return self.total - self.distinct

    @property
    def share(self) -> float:
        """Of 1: held-out units that also stand in the training data."""
        return self.leaked / self.held_out if self.held_out else 0.0

    def sentence(self) -> str:
        """Say it in words.

        >>> LeakReport("names", "documents", 100, 90, 20, 3, ("ada",)).sentence()
        '3 of 20 held-out documents (15.0 %) also stand in the training data; 10 of all 100 are repeats.'
        """
        return (
            f"{self.leaked:,} of {self.held_out:,} held-out {self.units} ({100 * self.share:.1f} %) also stand in "
            f"the training data; {self.repeated:,} of all {self.total:,} are repeats."
        )

    def to_json(self) -> dict[str, Any]:
        """All numbers as plain data."""
        return {**asdict(self), "repeated": self.repeated, "share": self.share}


def leak_report(source: Corpus | Sequence[str], seed: int = 0) -> LeakReport:
    """How much of the held-out data of a corpus stands in its training data too.

    Lines instead of a corpus are split the careless way first (`leaky_corpus` with this seed). In a corpus of one
    text, lines of at least `LONG_LINE` characters are compared, white space at their ends ignored.

    >>> from lmlab.data.corpus import load_corpus
    >>> leak_report(load_corpus("names")).leaked                     # repeats were removed before the split
    0
    >>> leak_report(["ada", "grace", "alan", "edsger", "barbara"] * 4).leaked
    4
    """
    corpus = source if isinstance(source, Corpus) else leaky_corpus(source, seed)
    train, validation, test = (_units(corpus, part) for part in ("train", "validation", "test"))
    known = set(train)
    held_out = validation + test
    leaked = [unit for unit in held_out if unit in known]
    return LeakReport(
        corpus=corpus.name,
        units="documents" if corpus.kind == "names" else f"lines of {LONG_LINE} or more characters",
        total=len(train) + len(held_out),
        distinct=len(known.union(held_out)),
        held_out=len(held_out),
        leaked=len(leaked),
        examples=tuple(dict.fromkeys(leaked))[:EXAMPLES],
    )


def _units(corpus: Corpus, part: Part) -> list[str]:
    if corpus.kind == "names":
        return corpus.part(part)
    lines = [line.strip() for text in corpus.part(part) for line in text.splitlines()]
    return [line for line in lines if len(line) >= LONG_LINE]


@dataclass(frozen=True)
class LeakEffect:
    """A model's loss on the held-out documents that leaked, on the clean ones, and on all of them.

    The loss of a part without documents is None. Compare with the same model made from `without_leaks(corpus)`
    before blaming the whole difference on the leak: names that come twice are more usual names.
    """

    documents_leaked: int
    documents_clean: int
    leaked: Loss | None
    clean: Loss | None
    all: Loss

    def to_json(self) -> dict[str, Any]:
        """Counts and the three losses as plain data."""
        return {
            "documents": {"leaked": self.documents_leaked, "clean": self.documents_clean},
            "leaked": self.leaked.to_json() if self.leaked else None,
            "clean": self.clean.to_json() if self.clean else None,
            "all": self.all.to_json(),
        }


def leak_effect(model: LanguageModel, corpus: Corpus, tokenizer: Tokenizer, part: Part = "validation") -> LeakEffect:
    """The loss of any model on what leaked of one held-out side, on what did not, and on the whole.

    `corpus` says what leaked; the model may have learned from it or from `without_leaks` of it. Raises `LabError`
    for one long text, whose lines cannot be judged without what stands before them.

    >>> from lmlab.models.ngram import count
    >>> from lmlab.tokenizers.characters import CharacterTokenizer
    >>> corpus = leaky_corpus(["ada", "grace", "alan"] * 10 + ["edsger"], seed=7)
    >>> effect = leak_effect(count(corpus, 3), corpus, CharacterTokenizer(corpus.alphabet))
    >>> effect.documents_leaked, effect.documents_clean, effect.leaked.nll < effect.clean.nll
    (2, 1, True)
    """
    if corpus.kind != "names":
        raise LabError(f"'{corpus.name}' is one long text: the effect of a leak is measured on separate documents.")
    known = set(corpus.part("train"))
    held_out = corpus.part(part)
    leaked = [document for document in held_out if document in known]
    clean = [document for document in held_out if document not in known]
    return LeakEffect(
        documents_leaked=len(leaked),
        documents_clean=len(clean),
        leaked=evaluate(model, leaked, tokenizer) if leaked else None,
        clean=evaluate(model, clean, tokenizer) if clean else None,
        all=evaluate(model, held_out, tokenizer),
    )
