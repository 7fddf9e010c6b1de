"""The loss of count models, quickly: a pair that comes a thousand times is looked up once.

`evaluate` asks a model for all V probabilities after every letter. A count model's loss needs only the documents'
own n-grams: the sum over distinct n-grams of their number times -ln p. And one row of a table is a sum of its own, so
a student can draw another row and see at once what the whole table would lose.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lmlab.errors import LabError
from lmlab.evaluation.loss import LONGEST_SHOWN, Loss
from lmlab.models.counts import Counts
from lmlab.models.ngram import Ngram, NgramConfig, Smoothing
from lmlab.tokenizers.protocol import IntArray, Tokenizer


def of_order(counts: Counts, order: int, smoothing: Smoothing, k: float) -> Ngram:
    """The model of one order from counts that may go further: shorter n-grams are counted on the way.

    >>> from lmlab.models.counts import count_ngrams
    >>> from lmlab.tokenizers.characters import CharacterTokenizer
    >>> of_order(count_ngrams(["ab", "aa"], CharacterTokenizer("ab"), 3), 2, "mle", 0).table().tolist()
    [[0, 2, 0], [1, 1, 1], [1, 0, 0]]
    """
    config = NgramConfig(order, smoothing, k)
    if order > len(counts.levels):
        raise LabError(f"Order {order} was asked for, but only {len(counts.levels)} letters were counted together.")
    return Ngram(config, Counts(counts.vocab_size, counts.levels[:order], counts.boundary_id))


def counted_loss(model: Ngram, counts: Counts, documents: Sequence[str], tokenizer: Tokenizer) -> Loss:
    """The loss of a count model on documents whose n-grams were counted: the number that `evaluate` gives.

    `counts` are those of the documents, at least as long as the model's order.

    >>> from lmlab.models.counts import count_ngrams
    >>> from lmlab.tokenizers.characters import CharacterTokenizer
    >>> tokenizer = CharacterTokenizer("ab")
    >>> model = of_order(count_ngrams(["ab", "aa"], tokenizer, 2), 2, "mle", 0)
    >>> round(counted_loss(model, count_ngrams(["ab"], tokenizer, 2), ["ab"], tokenizer).nll, 4)    # as `evaluate`
    0.3662
    """
    ngrams, often = counts.tokens(model.config.order), counts.levels[model.config.order - 1].counts
    ngrams, often = ngrams[often > 0], often[often > 0]
    p = model.chances(ngrams)
    impossible = ngrams[p == 0]
    with np.errstate(divide="ignore"):
        nats = float((often * -np.log(p)).sum())
    unseen = int(often[model.unseen_contexts(ngrams[:, :-1])].sum())
    where = _first(impossible, documents, tokenizer) if len(impossible) else None
    return Loss(nats, int(often.sum()), unseen, where)


def _first(impossible: IntArray, documents: Sequence[str], tokenizer: Tokenizer) -> dict[str, str] | None:
    """The first document that holds one of the n-grams, and where in it."""
    wanted, width, boundary = set(map(tuple, impossible.tolist())), impossible.shape[1], tokenizer.boundary_id
    symbols, filler = tokenizer.symbols, max(1, width - 1)
    for document in documents:
        ids = [boundary] * filler + tokenizer.encode(document) + [boundary]
        for at in range(filler, len(ids)):
            if tuple(ids[at - width + 1 : at + 1]) in wanted:
                begin = max(at - filler, filler - 1)  # of the boundaries before the document, one is enough
                return {
                    "document": document if len(document) <= LONGEST_SHOWN else document[:LONGEST_SHOWN] + "…",
                    "after": "".join(symbols[i] for i in ids[begin:at]),
                    "next": symbols[ids[at]],
                }
    return None


@dataclass(frozen=True)
class Cell:
    """The numbers behind one probability. `count` of `total` followed the context; `p` is what the model makes of it.

    For Kneser-Ney `discount` was taken from each of the row's `kinds` of followers, and `shorter` is the probability
    without the context's first token.
    """

    count: int
    total: int
    p: float
    kinds: int
    discount: float = 0.0
    shorter: float = 0.0


def cell(model: Ngram, ngram: Sequence[int]) -> Cell:
    """What the probability of an n-gram's last token is made of.

    >>> from lmlab.models.counts import count_ngrams
    >>> from lmlab.tokenizers.characters import CharacterTokenizer
    >>> cell(of_order(count_ngrams(["ab", "aa"], CharacterTokenizer("ab"), 2), 2, "mle", 0), [1, 2])
    Cell(count=1, total=3, p=0.3333333333333333, kinds=3, discount=0.0, shorter=0.0)
    """
    order, V = model.config.order, model.vocab_size
    tokens = np.array([ngram])
    row = np.concatenate([np.repeat(tokens[:, :-1], V, axis=0), np.arange(V)[:, None]], axis=1)
    place = model.counts.rows(row)
    counts = np.where(place >= 0, model.counts.levels[order - 1].counts[place], 0)
    count, total, kinds = int(counts[ngram[-1]]), int(counts.sum()), int((counts > 0).sum())
    p = float(model.chances(tokens)[0])
    if model.config.smoothing != "kneser-ney":
        return Cell(count, total, p, kinds)
    discount = model.discount(order)
    if not total:
        return Cell(count, total, p, kinds, discount, p)  # the context is new: the shorter one answers alone
    shorter = (p - max(count - discount, 0) / total) / (discount * kinds / total) if discount else 0.0
    return Cell(count, total, p, kinds, discount, shorter)


# --- a row that the student draws ----------------------------------------------------------------------------


def redrawn(row: Sequence[float], index: int, share: float) -> list[float]:
    """A row of shares after one of them was dragged to `share`: the others keep their proportions, the sum stays 1.

    The page does the same while a bar is dragged (`pairs_draw.js`); test vectors hold the two equal.

    >>> redrawn([0.5, 0.25, 0.25], 0, 0.75)
    [0.75, 0.125, 0.125]
    >>> redrawn([1.0, 0.0, 0.0], 0, 0.5)               # the others have no proportions to keep
    [0.5, 0.25, 0.25]
    """
    share = min(1.0, max(0.0, share))
    others = 1.0 - row[index]
    if others > 1e-9:
        return [share if i == index else p * (1.0 - share) / others for i, p in enumerate(row)]
    return [share if i == index else (1.0 - share) / (len(row) - 1) for i in range(len(row))]


def row_nats(counts: Sequence[float], row: Sequence[float]) -> float:
    """The surprise of a row on what followed its context: the sum of count times -ln share; infinite where a share
    of 0 was counted.

    Least of all for the counts' own shares (Gibbs' inequality; Cover and Thomas, 2006, theorem 2.6.3).

    >>> round(row_nats([3, 1], [0.75, 0.25]), 3), round(row_nats([3, 1], [0.5, 0.5]), 3), row_nats([3, 1], [1, 0])
    (2.249, 2.773, inf)
    """
    nats = 0.0
    for count, share in zip(counts, row, strict=True):
        if count > 0:
            nats += count * -math.log(share) if share > 0 else math.inf
    return nats
