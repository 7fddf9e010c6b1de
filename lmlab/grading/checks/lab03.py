"""Lab 03, sampling: what is checked, the mistakes people make, and the numbers of its README."""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from lmlab.data.corpus import load_corpus
from lmlab.grading.compare import same
from lmlab.grading.exercise import Args, Exercise, Item, Wrong
from lmlab.grading.experiment import windows

LECTURE = np.array([2.0, 1.0, 0.5, 0.1])  # the logits of the README
Rule = Callable[[np.ndarray, Any], np.ndarray]


# --- the reference ---------------------------------------------------------------------------------------------


def softmax(logits: np.ndarray) -> np.ndarray:
    """Rows that sum to 1.

    >>> softmax(LECTURE).round(4)
    array([0.5745, 0.2114, 0.1282, 0.0859])
    """
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def checked_temperature(T: float) -> None:
    """Refuse a negative T."""
    if T < 0:
        raise ValueError("T is negative")


def temperature(logits: np.ndarray, T: float) -> np.ndarray:
    """The softmax of logits / T, and the first of the largest where T is 0.

    >>> temperature(LECTURE, 2).round(4)
    array([0.4056, 0.246 , 0.1916, 0.1569])
    """
    checked_temperature(T)
    return one_at(int(np.argmax(logits)), len(logits)) if T == 0 else softmax((logits - logits.max()) / T)


def one_at(place: int, size: int) -> np.ndarray:
    """(size,) zeros and a 1."""
    out = np.zeros(size)
    out[place] = 1.0
    return out


def by_probability(p: np.ndarray) -> np.ndarray:
    """The ids, the likeliest first, equals in the order of their ids."""
    return np.argsort(-p, kind="stable")


def kept(p: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """p where an id is kept and 0 elsewhere; not yet divided."""
    out = np.zeros(len(p))
    out[ids] = p[ids]
    return out


def to_one(p: np.ndarray) -> np.ndarray:
    """p divided by its sum; nan where nothing is left."""
    with np.errstate(all="ignore"):
        return p / p.sum()


def k_likeliest(p: np.ndarray, k: int) -> np.ndarray:
    """The ids that top-k keeps."""
    if k < 1:
        raise ValueError("k is less than 1")
    return by_probability(p)[:k]


def top_k(p: np.ndarray, k: int) -> np.ndarray:
    """The k likeliest."""
    return to_one(kept(p, k_likeliest(p, k)))


def nucleus(p: np.ndarray, q: float) -> np.ndarray:
    """The ids that top-p keeps."""
    if not 0 < q <= 1:
        raise ValueError("q is not above 0 and at most 1")
    order = by_probability(p)
    before = np.cumsum(p[order]) - p[order]
    return order[: max(1, int((before < q).sum()))]


def top_p(p: np.ndarray, q: float) -> np.ndarray:
    """The likeliest until their sum reaches q.

    >>> top_p(np.array([0.5, 0.25, 0.125, 0.125]), 0.75).round(4)
    array([0.6667, 0.3333, 0.    , 0.    ])
    """
    return to_one(kept(p, nucleus(p, q)))


def checked_share(m: float) -> None:
    """Refuse what is no share."""
    if not 0 <= m <= 1:
        raise ValueError("m is not from 0 to 1")


def min_p(p: np.ndarray, m: float) -> np.ndarray:
    """What has at least m times the largest probability."""
    checked_share(m)
    return to_one(np.where(p >= m * p.max(), p, 0.0))


def sample_from(p: np.ndarray, u: np.ndarray) -> np.ndarray:
    """(T,) the ids on which u falls."""
    return np.minimum(on_the_line(p, u), np.flatnonzero(p)[-1])


def on_the_line(p: np.ndarray, u: np.ndarray, side: Any = "right") -> np.ndarray:
    """(T,) how many pieces end before u; V where it lies beyond the end."""
    return np.searchsorted(np.cumsum(p), u, side=side)


# --- the arguments ---------------------------------------------------------------------------------------------


def some_logits(rng: np.random.Generator) -> np.ndarray:
    """(V,) logits of which no two are alike and the order is not that of the ids."""
    size = int(rng.integers(5, 9))
    return rng.permutation(np.linspace(-2, 2, size) + rng.uniform(-0.15, 0.15, size))


def a_row(rng: np.random.Generator) -> Args:
    """One row of logits."""
    return (some_logits(rng),)


def rows(rng: np.random.Generator) -> Args:
    """As many rows as columns, so that a wrong axis has the right shape."""
    size = int(rng.integers(4, 7))
    return (rng.normal(size=(size, size)) * 1.5 + np.arange(size)[:, None],)


def large(rng: np.random.Generator) -> Args:
    """Rows far above 0 and rows far below, beyond whatever logits might be clipped to."""
    (logits,) = rows(rng)
    signs = rng.permutation([1, -1, *rng.choice([1, -1], len(logits) - 2)])
    return (logits + (signs * rng.uniform(1000, 2000, len(logits)))[:, None],)


def with_cut(rng: np.random.Generator) -> Args:
    """Logits of which two symbols were cut, one of them the first."""
    logits = some_logits(rng)
    logits[[0, int(rng.integers(1, len(logits)))]] = -np.inf
    return (logits,)


def warm_or_cold(rng: np.random.Generator) -> Args:
    """Logits and a temperature well below or above 1."""
    return some_logits(rng), float(rng.choice([rng.uniform(0.3, 0.7), rng.uniform(1.5, 3.0)]))


def freezing(rng: np.random.Generator) -> Args:
    """Logits of which the two largest are equal, and T = 0."""
    logits = some_logits(rng)
    first, second = sorted(rng.choice(len(logits), 2, replace=False))
    logits[[first, second]] = logits.max() + 1
    return logits, 0


def tiny_temperature(rng: np.random.Generator) -> Args:
    """Large logits, and a T that makes them enormous."""
    return some_logits(rng) * 50, float(10.0 ** -rng.uniform(3, 6))


def some_p(rng: np.random.Generator) -> np.ndarray:
    """(V,) probabilities, the largest below 0.5, of which no two are alike; the first is not the largest."""
    size = int(rng.integers(6, 9))
    p = rng.permutation(np.arange(1, size + 1) + rng.uniform(-0.3, 0.3, size))
    if p.argmax() == 0:
        p[[0, 1]] = p[[1, 0]]
    return p / p.sum()


def a_few(rng: np.random.Generator) -> Args:
    """Probabilities, and a k of which the first k ids are not the likeliest."""
    p = some_p(rng)
    return p, int(rng.integers(2, len(p) - 2))


def tied(rng: np.random.Generator) -> np.ndarray:
    """(V,) exact binary fractions: 1/4, then 1/8 four times, then 1/16 four times, in any order; the largest is the
    last but one of the first half.
    """
    p = rng.permutation([4] + [2] * 4 + [1] * 4)
    return np.asarray(p / 16)


def k_within_ties(rng: np.random.Generator) -> Args:
    """Probabilities with equals, and a k that ends among them."""
    return tied(rng), int(rng.choice([2, 3, 4]))


def until_q(rng: np.random.Generator) -> Args:
    """Probabilities and a q that is reached in the middle of one of them, neither the first nor the last."""
    p = some_p(rng)
    line = np.cumsum(np.sort(p)[::-1])
    at = int(rng.integers(1, 4))
    return p, float(line[at] - rng.uniform(0.3, 0.6) * (line[at] - line[at - 1]))


def q_within_ties(rng: np.random.Generator) -> Args:
    """Probabilities with equals, and a q that is reached within them, in the middle of one."""
    return tied(rng), (int(rng.integers(5, 11)) // 2 * 2 + 1) / 16


def q_exactly(rng: np.random.Generator) -> Args:
    """Exact fractions, none equal but the two smallest, and a q that is just the sum of the likeliest."""
    at = int(rng.integers(1, 4))
    p = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 32])
    q = float(p[:at].sum())
    p = rng.permutation(p)
    if p.argmax() == 0:
        p = p[::-1].copy()
    return p, q


def rounded(rng: np.random.Generator) -> np.ndarray:
    """(10,) probabilities of 0.1, which add up to 0.9999999999999999."""
    return np.full(10, 0.1)


def not_far_below(rng: np.random.Generator) -> Args:
    """Probabilities and an m that keeps some and cuts some."""
    return some_p(rng), float(rng.uniform(0.3, 0.7))


def two_likeliest(rng: np.random.Generator) -> Args:
    """Probabilities of which the two largest are equal, and m = 1."""
    p = some_p(rng)
    p[np.argsort(p)[-2]] = p.max()
    return p / p.sum(), 1.0


def random_numbers(rng: np.random.Generator) -> Args:
    """Probabilities and many random numbers."""
    return some_p(rng), rng.random(12)


def on_the_joints(rng: np.random.Generator) -> Args:
    """Exact fractions with zeros among them, and random numbers that fall on the ends of the pieces."""
    p = rng.permutation(np.array([4, 2, 1, 1, 0, 0, 0])) / 8
    p = np.concatenate([[0.0], p])
    joints = np.concatenate([[0.0], np.cumsum(p)])
    return p, rng.permutation(np.unique(joints[joints < 1]))


def at_the_end(rng: np.random.Generator) -> Args:
    """A line that ends before 1, zeros behind it, and random numbers of which one is as near to 1 as can be."""
    p = np.concatenate([rounded(rng), np.zeros(int(rng.integers(1, 4)))])
    return p, np.concatenate([rng.random(3), [np.nextafter(1.0, 0.0)], rng.random(2)])


# --- answers that are judged rather than compared ---------------------------------------------------------------


def cut_to_zero(got: Any, expected: Any, args: Args) -> bool | str:
    """Whether what was cut has exactly 0."""
    (brought_back,) = np.nonzero((got != 0) & (expected == 0) & np.isfinite(got))
    if brought_back.size and same(got, expected) is None:
        return (
            f"the symbol {brought_back[0]} was cut and gets {got[brought_back[0]]:.3g}; exp(-inf) is exactly 0, so "
            "nothing may be added to it"
        )
    return same(got, expected) is None


def lower_ids(got: Any, expected: Any, args: Args) -> bool | str:
    """Whether the lower ids of equals were kept, and if as many others were, why that may be."""
    if same(got, expected) is None:
        return True
    missing = np.flatnonzero((got == 0) & (expected != 0))
    if missing.size and same(np.sort(got), np.sort(expected)) is None:
        return (
            f"the symbol {missing[0]} was cut, and an equal one with a higher id was kept; of equals the lower ids "
            'stay (np.argsort keeps their order only with kind="stable")'
        )
    return False


def so_many(got: Any, expected: Any, args: Args) -> bool | str:
    """Whether top-k is right; if another number of symbols was kept, say so."""
    many = int(np.count_nonzero(got))
    if same(got, expected) is None or np.isnan(got).any() or many == np.count_nonzero(expected):
        return same(got, expected) is None
    return f"{many} symbols are above 0 with k = {args[1]}; {np.count_nonzero(expected)} should be"


def enough(got: Any, expected: Any, args: Args) -> bool | str:
    """Whether top-p is right; if another number of symbols was kept, show the sums."""
    many = int(np.count_nonzero(got))
    if same(got, expected) is None or np.isnan(got).any() or many == np.count_nonzero(expected):
        return same(got, expected) is None
    p, q = args
    sums = ", ".join(f"{x:.3g}" for x in np.cumsum(np.sort(p)[::-1])[: np.count_nonzero(expected)])
    return (
        f"{many} symbols are above 0; the sums from the likeliest on are {sums}, and the last of these reaches "
        f"q = {q:.3g}, so {np.count_nonzero(expected)} should be"
    )


def at_the_bar(got: Any, expected: Any, args: Args) -> bool | str:
    """Whether min-p is right; if a symbol is on the wrong side of the bar, name it."""
    wrong = np.flatnonzero((got > 0) != (expected > 0))
    if np.isnan(got).any() or not wrong.size:
        return same(got, expected) is None
    i, (p, m) = wrong[0], args
    side = "kept" if expected[i] > 0 else "cut"
    return (
        f"the symbol {i} has the probability {p[i]:.3g}, and the bar is {m:.3g} times {p.max():.3g}, which is "
        f"{m * p.max():.3g}; so it is {side}"
    )


def fallen(got: Any, expected: Any, args: Args) -> bool | str:
    """Whether the right symbols were taken; if not, on which piece the first wrong one fell."""
    wrong = np.flatnonzero(got != expected)
    if not wrong.size:
        return got.dtype.kind in "iu" or (
            "the right ids, but as decimal numbers, and no list or table takes 2.0 for a place; make an array of "
            "whole numbers (dtype=int)"
        )
    i, (p, u) = wrong[0], args
    j = int(expected[i])
    line = np.cumsum(p)
    return (
        f"u[{i}] = {u[i]:.4g} falls on the piece from {line[j] - p[j]:.4g} to {line[j]:.4g}, which is that of the "
        f"symbol {j}; yours is {got[i]}"
    )


# --- the mistakes ----------------------------------------------------------------------------------------------


def without_maximum(logits: np.ndarray) -> np.ndarray:
    """exp of the logits as they are."""
    with np.errstate(all="ignore"):
        e = np.exp(logits)
        return e / e.sum(axis=-1, keepdims=True)


def one_maximum(logits: np.ndarray) -> np.ndarray:
    """The largest of all rows subtracted from all."""
    with np.errstate(all="ignore"):
        e = np.exp(logits - logits.max())
        return e / e.sum(axis=-1, keepdims=True)


def down_columns(logits: np.ndarray) -> np.ndarray:
    """Sums over axis 0."""
    if logits.ndim == 1:
        return softmax(logits)
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=0)


def no_keepdims(logits: np.ndarray) -> np.ndarray:
    """The sum of row j under column j."""
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1)


def whole_table(logits: np.ndarray) -> np.ndarray:
    """One sum for all rows, and one largest."""
    e = np.exp(logits - logits.max())
    return e / e.sum()


def one_by_one(logits: np.ndarray) -> np.ndarray:
    """A loop over rows, for which each number of a single row is a row."""
    if logits.ndim > 1:
        return softmax(logits)
    with np.errstate(invalid="ignore"):
        return np.exp(logits - logits)


def turned(logits: np.ndarray) -> np.ndarray:
    """exp of minus the logits."""
    with np.errstate(all="ignore"):
        e = np.exp(-logits - (-logits).max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)


def clipped(logits: np.ndarray) -> np.ndarray:
    """Logits pressed into what exp can take."""
    e = np.where(np.isfinite(logits), np.exp(np.clip(logits, -500, 500)), 0.0)
    return e / e.sum(axis=-1, keepdims=True)


def no_exp(logits: np.ndarray) -> np.ndarray:
    """Logits divided by their sum."""
    with np.errstate(all="ignore"):
        return logits / logits.sum(axis=-1, keepdims=True)


def powers_of_two(logits: np.ndarray) -> np.ndarray:
    """2 to the power of the logits."""
    return softmax(logits * math.log(2))


def not_divided(logits: np.ndarray) -> np.ndarray:
    """The largest of a row is 1."""
    return np.exp(logits - logits.max(axis=-1, keepdims=True))


def winner(logits: np.ndarray) -> np.ndarray:
    """1 for the largest."""
    return np.eye(logits.shape[-1])[logits.argmax(axis=-1)]


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """The logarithm of the softmax."""
    with np.errstate(divide="ignore"):
        return np.log(softmax(logits))


def with_T(version: Rule) -> Rule:
    """A version of temperature that refuses a negative T and may divide by zero."""

    def checked(logits: np.ndarray, T: float) -> np.ndarray:
        checked_temperature(T)
        with np.errstate(all="ignore"):
            return version(logits, np.float64(T))

    return checked


def any_softmax(logits: np.ndarray) -> np.ndarray:
    """A softmax that gives nan where the logits are inf or nan."""
    with np.errstate(all="ignore"):
        e = np.exp(logits - logits.max())
        return e / e.sum()


def nearly_zero(logits: np.ndarray, T: float) -> np.ndarray:
    """A tiny number in place of T = 0, so that equals share."""
    return any_softmax(logits / max(T, 1e-9))


def last_of_equals(logits: np.ndarray, T: float) -> np.ndarray:
    """argsort or a loop with >=: the last of the largest."""
    return one_at(len(logits) - 1 - int(np.argmax(logits[::-1])), len(logits)) if T == 0 else temperature(logits, T)


def overflowing(logits: np.ndarray, T: float) -> np.ndarray:
    """exp of logits / T without subtracting the largest."""
    return temperature(logits, T) if T == 0 else without_maximum(logits / T)


def cut(rule: Rule, ids: Rule, finish: Rule = lambda p, x: to_one(p)) -> Rule:
    """A version that keeps the ids that `ids` says; `rule` is the right one and refuses what has to be refused."""

    def version(p: np.ndarray, x: Any) -> np.ndarray:
        rule(p, x)
        return finish(kept(p, ids(p, x)), x)

    return version


def softmax_again(p: np.ndarray, x: Any) -> np.ndarray:
    """What is left put through a softmax, where exp(0) = 1 brings back what was cut."""
    return softmax(p)


def softmax_of_kept(p: np.ndarray, x: Any) -> np.ndarray:
    """A softmax over what was kept."""
    return softmax(np.where(p > 0, p, -np.inf))


def undivided(p: np.ndarray, x: Any) -> np.ndarray:
    """As it is."""
    return p


def in_order(rule: Rule) -> Rule:
    """The probabilities sorted, so that they have left their places."""
    return lambda p, x: np.sort(rule(p, x))[::-1].copy()


def equals_stay(p: np.ndarray, k: int) -> np.ndarray:
    """All that are as likely as the k-th."""
    return np.flatnonzero(p >= np.sort(p)[::-1][min(k, len(p)) - 1])


def higher_ids_first(p: np.ndarray) -> np.ndarray:
    """argsort(p)[::-1], where equals come in the reverse order of their ids."""
    return np.argsort(p, kind="stable")[::-1]


def reaching(p: np.ndarray, q: float, order: np.ndarray) -> np.ndarray:
    """The ids that top-p keeps along an order."""
    before = np.cumsum(p[order]) - p[order]
    return order[: max(1, int((before < q).sum()))]


def below_q(p: np.ndarray, q: float) -> np.ndarray:
    """Those with which the sum is still below q."""
    order = by_probability(p)
    return order[np.cumsum(p[order]) < q]


def at_most_q(p: np.ndarray, q: float) -> np.ndarray:
    """Those with which the sum is still at most q."""
    order = by_probability(p)
    return order[np.cumsum(p[order]) <= q]


def first_alone_at_least(p: np.ndarray, q: float) -> np.ndarray:
    """The same, and the first in any case."""
    return by_probability(p)[: max(1, len(at_most_q(p, q)))]


def mask_of_sorted(p: np.ndarray, q: float) -> np.ndarray:
    """The mask of the sorted probabilities laid on p as it is."""
    sums = np.cumsum(np.sort(p)[::-1])
    return np.flatnonzero(sums - np.sort(p)[::-1] < q)


def one_more(p: np.ndarray, q: float) -> np.ndarray:
    """Where the sum is exactly q, the next symbol too."""
    order = by_probability(p)
    before = np.cumsum(p[order]) - p[order]
    return order[before <= q]


def none_reaches(p: np.ndarray, q: float) -> np.ndarray:
    """argmax(cum >= q), which is 0 where no sum reaches q."""
    order = by_probability(p)
    return order[: int(np.argmax(np.cumsum(p[order]) >= q)) + 1]


EXERCISES = [
    Exercise(
        "softmax",
        softmax,
        (
            Item("makes one row sum to 1", 0.5, a_row),
            Item("makes each row of several sum to 1", 0.5, rows),
            Item("is stable for large logits", 0.25, large),
            Item("gives a cut symbol 0", 0.25, with_cut, agrees=cut_to_zero),
        ),
        (
            Wrong(
                "exp of a large logit is inf, and inf / inf is nan; subtract the largest logit of each row first, "
                "which changes no probability",
                without_maximum,
            ),
            Wrong(
                "the largest logit of all rows was subtracted, so a row far below it became 0 / 0; each row has its "
                "own largest logit",
                one_maximum,
            ),
            Wrong("each column sums to 1; a row is what may follow, so sum over the last axis", down_columns),
            Wrong(
                "the sums lost their axis, so column j was divided by the sum of row j; sum with keepdims=True",
                no_keepdims,
            ),
            Wrong("all rows together sum to 1; each one must, so sum over the last axis", whole_table),
            Wrong(
                "the logits were divided by their sum without exp, which may give negative numbers; exp makes them "
                "positive first",
                no_exp,
            ),
            Wrong(
                "large logits were clipped, so different ones became alike; subtract the largest of each row, which "
                "changes no probability",
                clipped,
            ),
            Wrong(
                "each number of a single row was treated as a row of its own and became 1; a (V,) array is one row, "
                "so use axis=-1",
                one_by_one,
            ),
            Wrong("the sign is turned, so a larger logit gets less; take exp of the logit itself", turned),
            Wrong("2 was raised to the logits; the softmax takes e, so use np.exp", powers_of_two),
            Wrong("the largest is 1 and the row sums to more; divide by the sum of the row", not_divided),
            Wrong(
                "the largest logit has everything, which is argmax; in a softmax the others keep their share",
                winner,
            ),
            Wrong("this is the logarithm of the softmax; leave the logarithm out", log_softmax),
        ),
    ),
    Exercise(
        "temperature",
        temperature,
        (
            Item("sharpens below 1 and flattens above", 0.75, warm_or_cold, times=4),
            Item("is the first of the largest at T = 0", 0.25, freezing),
            Item("has no nan at a tiny T", 0.25, tiny_temperature),
            Item("refuses a negative T", 0.25, lambda rng: (some_logits(rng), -float(rng.uniform(0.1, 2)))),
        ),
        (
            Wrong(
                "the logits are multiplied by T, so a low temperature flattens; divide by it",
                with_T(lambda logits, T: any_softmax(logits * T)),
            ),
            Wrong(
                "the probabilities were divided by T and then made to sum to 1, which undoes it; divide the logits, "
                "before exp",
                with_T(lambda logits, T: to_one(softmax(logits) / T)),
            ),
            Wrong(
                "the probabilities were divided by T and put through a softmax once more; divide the logits, and "
                "take the softmax once",
                with_T(lambda logits, T: any_softmax(softmax(logits) / T)),
            ),
            Wrong(
                "the probabilities were divided by T at the end, so they do not sum to 1; divide the logits, before "
                "exp",
                with_T(lambda logits, T: softmax(logits) / T),
            ),
            Wrong(
                "these are the logits divided by T; take the softmax of them",
                with_T(lambda logits, T: logits / T),
            ),
            Wrong(
                "T = 0 divides by zero and gives nan; treat it apart: 1 for the largest logit and 0 for the others",
                with_T(lambda logits, T: any_softmax((logits - logits.max()) / T)),
            ),
            Wrong(
                "a tiny number stands in for T = 0, so two equal logits share; the first of equals has all",
                with_T(nearly_zero),
            ),
            Wrong(
                "at T = 0 each of the equals got 1, so the sum is above 1; the first of them alone gets it",
                with_T(lambda logits, T: (logits == logits.max()) * 1.0 if T == 0 else temperature(logits, T)),
            ),
            Wrong(
                "at T = 0 the last of two equal logits has all; it is the first, as np.argmax says", last_of_equals
            ),
            Wrong(
                "at T = 0 every symbol is alike, which is what large T tend to; small T tend to the largest logit "
                "alone",
                with_T(lambda logits, T: temperature(logits, T) if T else np.full(len(logits), 1 / len(logits))),
            ),
            Wrong(
                "logits / T became too large for exp at a tiny T; subtract the largest before exp, as in softmax",
                with_T(overflowing),
            ),
        ),
    ),
    Exercise(
        "top_k",
        top_k,
        (
            Item("keeps the k likeliest", 0.5, a_few, agrees=so_many),
            Item("keeps the lower ids of equals", 0.5, k_within_ties, agrees=lower_ids),
            Item("keeps everything when k is above V", 0.125, lambda rng: ((p := some_p(rng)), len(p) + 2)),
            Item("keeps one symbol with k = 1", 0.125, lambda rng: (some_p(rng), 1)),
            Item("refuses a k below 1", 0.25, lambda rng: (some_p(rng), -int(rng.integers(3))), times=6),
        ),
        (
            Wrong(
                "what is kept sums to less than 1; divide it by its sum",
                cut(top_k, k_likeliest, undivided),
            ),
            Wrong(
                "all that are as likely as the k-th were kept, so with equals there are more than k; keep k, the "
                "lower ids of equals",
                cut(top_k, equals_stay),
            ),
            Wrong(
                "of equals the higher ids were kept, because a list sorted upwards was read from its end; sort -p "
                'with kind="stable"',
                cut(top_k, lambda p, k: higher_ids_first(p)[:k]),
            ),
            Wrong(
                "the least likely were kept, because argsort sorts upwards; sort -p",
                cut(top_k, lambda p, k: np.argsort(p, kind="stable")[:k]),
            ),
            Wrong(
                "the first k ids were kept; keep the likeliest",
                cut(top_k, lambda p, k: np.arange(len(p))[:k]),
            ),
            Wrong(
                "the k-th symbol was cut, because only what is likelier was kept; k symbols are kept, it included",
                cut(top_k, lambda p, k: np.flatnonzero(p > np.sort(p)[::-1][min(k, len(p)) - 1])),
            ),
            Wrong(
                "every kept symbol has the same share; they keep their proportions, so divide them by their sum",
                cut(top_k, k_likeliest, lambda p, k: (p > 0) / k),
            ),
            Wrong(
                "-inf was put where a symbol is cut, which is right for logits; a probability that is cut is 0",
                lambda p, k: to_one(np.where(kept(p, k_likeliest(p, k)) > 0, p, -np.inf)),
            ),
            Wrong(
                "one was kept too many; a slice [:k] has k",
                cut(top_k, lambda p, k: by_probability(p)[: k + 1]),
            ),
            Wrong(
                "the probabilities left their places; sort the ids, not p itself, and write to a copy of zeros",
                in_order(top_k),
            ),
            Wrong(
                "a softmax was taken of probabilities, and exp(0) = 1 brought back what was cut; divide by the sum",
                cut(top_k, k_likeliest, softmax_again),
            ),
            Wrong(
                "a softmax was taken of probabilities, which makes them more alike; divide by their sum",
                cut(top_k, k_likeliest, softmax_of_kept),
            ),
        ),
    ),
    Exercise(
        "top_p",
        top_p,
        (
            Item("keeps the likeliest until their sum reaches q", 0.75, until_q, agrees=enough),
            Item("keeps one symbol when q is small", 0.25, lambda rng: (some_p(rng), float(rng.uniform(0.01, 0.1)))),
            Item("stops where the sum is just q", 0.25, q_exactly, agrees=enough),
            Item("keeps the lower ids of equals", 0.25, q_within_ties, agrees=lower_ids),
            Item("keeps everything with q = 1", 0.25, lambda rng: (rounded(rng), 1.0)),
            Item(
                "refuses a q that is 0 or above 1",
                0.25,
                lambda rng: (some_p(rng), float(rng.choice([0.0, -0.5, 1.5]))),
                times=8,
            ),
        ),
        (
            Wrong(
                "the symbol with which the sum reaches q was cut, so what is kept sums to less than q; keep it too",
                cut(top_p, below_q),
            ),
            Wrong(
                "only symbols with which the sum is at most q were kept, so the one that takes it beyond q is "
                "missing; keep it too",
                cut(top_p, at_most_q),
            ),
            Wrong(
                "what is to be kept was found in sorted order and then cut out of p as it stands; order[...] says "
                "which ids these are",
                cut(top_p, mask_of_sorted),
            ),
            Wrong(
                "the symbol with which the sum reaches q was cut, unless it was the first; keep it always",
                cut(top_p, first_alone_at_least),
            ),
            Wrong(
                "where the sum is just q another symbol was kept; q is reached, so stop there",
                cut(top_p, one_more),
            ),
            Wrong(
                "what is kept sums to less than 1; divide it by its sum",
                cut(top_p, nucleus, undivided),
            ),
            Wrong(
                "what is kept was divided by q; its sum is a little more than q, so divide by the sum",
                cut(top_p, nucleus, lambda p, q: p / q),
            ),
            Wrong(
                "the sum was taken in the order of the ids; begin with the likeliest",
                cut(top_p, lambda p, q: reaching(p, q, np.arange(len(p)))),
            ),
            Wrong(
                "the sum began with the least likely, because argsort sorts upwards; sort -p",
                cut(top_p, lambda p, q: reaching(p, q, np.argsort(p, kind="stable"))),
            ),
            Wrong(
                "of equals the higher ids were kept, because a list sorted upwards was read from its end; sort -p "
                'with kind="stable"',
                cut(top_p, lambda p, q: reaching(p, q, higher_ids_first(p))),
            ),
            Wrong(
                "with q = 1 rounding left every sum below 1, so none reached q and the first alone was kept; where "
                "none reaches q, keep all",
                cut(top_p, none_reaches),
            ),
            Wrong(
                "each probability was compared with q by itself; it is their sum that has to reach q",
                cut(top_p, lambda p, q: np.flatnonzero(p >= min(q, float(p.max())))),
            ),
            Wrong(
                "each probability was compared with 1 - q; it is the sum of the likeliest that has to reach q",
                cut(top_p, lambda p, q: np.flatnonzero(p >= 1 - q)),
            ),
            Wrong(
                "the probabilities left their places; sort the ids, not p itself, and write to a copy of zeros",
                in_order(top_p),
            ),
            Wrong(
                "a softmax was taken of probabilities, and exp(0) = 1 brought back what was cut; divide by the sum",
                cut(top_p, nucleus, softmax_again),
            ),
        ),
    ),
    Exercise(
        "min_p",
        min_p,
        (
            Item(
                "keeps what is not far below the likeliest",
                0.5,
                not_far_below,
                agrees=at_the_bar,
            ),
            Item("keeps the likeliest and its equals with m = 1", 0.125, two_likeliest),
            Item("keeps everything with m = 0", 0.125, lambda rng: (some_p(rng), 0.0)),
            Item(
                "refuses an m below 0 or above 1",
                0.25,
                lambda rng: (some_p(rng), float(rng.choice([-0.2, 1.5]))),
                times=6,
            ),
        ),
        (
            Wrong(
                "each probability was compared with m itself; the bar is m times the largest probability",
                cut(min_p, lambda p, m: np.flatnonzero(p >= m)),
            ),
            Wrong(
                "what is kept sums to less than 1; divide it by its sum",
                cut(min_p, lambda p, m: np.flatnonzero(p >= m * p.max()), undivided),
            ),
            Wrong(
                "a symbol was kept only above the bar, so with m = 1 nothing is left; one that is just at the bar is "
                "kept too: use >=",
                cut(min_p, lambda p, m: np.flatnonzero(p > m * p.max())),
            ),
            Wrong(
                "what is below the bar was kept; cut that, and keep what is at least m times the largest",
                cut(min_p, lambda p, m: np.flatnonzero(p < m * p.max())),
            ),
            Wrong(
                "the bar is m times the mean; it is m times the largest probability",
                cut(min_p, lambda p, m: np.flatnonzero(p >= m * p.mean())),
            ),
            Wrong(
                "the likeliest were kept until their sum reached m, which is top_p; here each is compared with the "
                "largest",
                cut(min_p, lambda p, m: nucleus(p, max(m, 1e-9))),
            ),
            Wrong(
                "what is below the bar was raised to it; cut means that it gets 0",
                lambda p, m: to_one(np.maximum(p, m * p.max())) + 0 * min_p(p, m),
            ),
            Wrong(
                "nothing was cut; what has less than m times the largest probability gets 0",
                lambda p, m: p + 0 * min_p(p, m),
            ),
        ),
    ),
    Exercise(
        "sample_from",
        sample_from,
        (
            Item("takes the symbol on which the number falls", 1.0, random_numbers, agrees=fallen),
            Item("never takes what has probability 0", 0.25, on_the_joints, agrees=fallen),
            Item("stays on the line at its end", 0.25, at_the_end),
        ),
        (
            Wrong(
                "the likeliest symbol is taken each time; the random number has to decide",
                lambda p, u: np.full(len(u), np.argmax(p)),
            ),
            Wrong(
                "a sum equal to u is enough for you, so u = 0 takes a symbol whose probability is 0; the sum must be "
                "above u",
                lambda p, u: np.minimum(on_the_line(p, u, "left"), np.flatnonzero(p)[-1]),
            ),
            Wrong(
                "the number was compared with each probability by itself; add them up first, with np.cumsum",
                lambda p, u: np.array([next((j for j, x in enumerate(p) if x > one), len(p) - 1) for one in u]),
            ),
            Wrong(
                "the pieces lie on the line from the likeliest to the least likely; lay them in the order of the ids",
                lambda p, u: by_probability(p)[sample_from(p[by_probability(p)], u)],
            ),
            Wrong(
                "every symbol has the same chance, because u was multiplied by V; p has to decide, by its sums",
                lambda p, u: (u * len(p)).astype(np.int64),
            ),
            Wrong(
                "the id is one too high; the first sum above u belongs to the symbol itself",
                lambda p, u: sample_from(p, u) + 1,
            ),
            Wrong(
                "the id is one too low; the first sum above u belongs to the symbol itself",
                lambda p, u: sample_from(p, u) - 1,
            ),
            Wrong(
                "beyond the end of the line you return V, which is no id; what falls there belongs to the last id "
                "with a probability above 0",
                on_the_line,
            ),
            Wrong(
                "beyond the end of the line you return V - 1, whose probability may be 0; take the last id with a "
                "probability above 0",
                lambda p, u: np.minimum(on_the_line(p, u), len(p) - 1),
            ),
            Wrong(
                "beyond the end of the line you return 0, because argmax of nothing but False is 0; take the last id "
                "with a probability above 0",
                lambda p, u: np.where(on_the_line(p, u) < len(p), on_the_line(p, u), 0),
            ),
        ),
    ),
]


# --- the numbers of the README and of the boxes -----------------------------------------------------------------


@cache
def bigram() -> np.ndarray:
    """(27, 27) the probabilities of the pairs in the training names, with k = 0.1."""
    contexts, targets = windows(load_corpus("names").part("train"), 1)
    return table(contexts[:, 0], targets, 0.1)


def table(before: np.ndarray, targets: np.ndarray, k: float) -> np.ndarray:
    """(27, 27) how probable each target is after each symbol."""
    counts = np.full((27, 27), k)
    np.add.at(counts, (before, targets), 1)
    return counts / counts.sum(axis=1, keepdims=True)


@cache
def unseen() -> tuple[np.ndarray, np.ndarray]:
    """The last six symbols before each place of the validation names, and the symbol there."""
    return windows(load_corpus("names").part("validation"), 6)


def loss_at(T: float) -> float:
    """What the bigram loses on the validation names at a temperature."""
    contexts, targets = unseen()
    p = np.stack([temperature(row, T) for row in np.log(bigram())])
    return float(-np.log(p[contexts[:, -1], targets]).mean())


@cache
def loss_of_six(strength: float) -> float:
    """The loss of the bigram and what five tables of letters further back add to its logits, times `strength`."""
    before, after = windows(load_corpus("names").part("train"), 6)
    contexts, targets = unseen()
    common = np.log(np.bincount(after, minlength=27) / len(after))
    logits = np.log(bigram())[contexts[:, -1]]
    for distance in range(2, 7):
        said = np.log(table(before[:, -distance], after, 1.0)) - common
        logits = logits + strength * said[contexts[:, -distance]]
    return float(-np.log(softmax(logits)[np.arange(len(targets)), targets]).mean())


def rolled(rule: Callable[[np.ndarray], np.ndarray], number: int) -> list[str]:
    """The first names that the last cells of lab.py roll from the bigram with a rule."""
    rng = np.random.default_rng(1)
    rows_ = np.stack([rule(row) for row in np.log(bigram())])
    names = []
    for _ in range(number):
        name, now = "", 0
        for x in rng.random(20):
            now = int(sample_from(rows_[now], np.array([x]))[0])
            if now == 0:
                break
            name += chr(96 + now)
        names.append(name)
    return names


def at(T: float) -> Callable[[], str]:
    """Five names at a temperature."""
    return lambda: ", ".join(rolled(lambda row: temperature(row, T), 5))


def share(p: np.ndarray, i: int) -> Callable[[], str]:
    """A probability with three decimals."""
    return lambda: f"{p[i]:.3f}"


ANSWERS: dict[str, Callable[[], float]] = {
    "likeliest_at_0_7": lambda: 100 * float(temperature(LECTURE, 0.7)[0]),
    "third_from": lambda: float(softmax(LECTURE)[:2].sum()),
    "first_letters": lambda: float((top_p(bigram()[0], 0.8) > 0).sum()),
    "loss_at_1_5": lambda: loss_at(1.5),
}

NUMBERS: dict[str, Callable[[], str]] = {
    **{
        f"{name}_{i}": share(temperature(LECTURE, T), i)
        for name, T in (("half", 0.5), ("one", 1.0), ("two", 2.0))
        for i in range(4)
    },
    **{f"k_{i}": share(top_k(softmax(LECTURE), 2), i) for i in range(2)},
    "nucleus_sum": lambda: f"{softmax(LECTURE)[:3].sum():.3f}",
    "bar": lambda: f"{0.2 * softmax(LECTURE)[0]:.3f}",
    "names_half": at(0.5),
    "names_one": at(1),
    "names_two": at(2),
    "nucleus_names": lambda: ", ".join(rolled(lambda row: top_p(softmax(row), 0.8), 5)),
    "bigram_loss": lambda: f"{loss_at(1):.3f}",
    "full_strength": lambda: f"{loss_of_six(1.0):.2f}",
    "numbers": lambda: f"{6 * 27 * 27 + 27:,}",
}


def picture() -> str:
    """The picture of the README as SVG: the probabilities on the line from 0 to 1 at three temperatures, and a u."""
    left, width, height, u = 90, 440, 46, 0.7
    shades = ("#0072b2", "#4d9cca", "#99c7e1", "#d6e8f3")
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 290" font-family="system-ui, sans-serif" '
        'font-size="15" role="img" aria-label="Four probabilities side by side at three temperatures; the random '
        'number 0.7 falls on another symbol each time">',
        '<rect width="560" height="290" fill="#ffffff"/>',
    ]
    for line, T in enumerate((0.5, 1, 2)):
        y, x = 50 + 66 * line, float(left)
        p = temperature(LECTURE, T)
        (hit,) = sample_from(p, np.array([u]))
        parts.append(f'<text x="{left - 12}" y="{y + 29}" text-anchor="end" fill="#333333">T = {T:g}</text>')
        for i, one in enumerate(p):
            wide = width * float(one)
            edge = ' stroke="#333333" stroke-width="2.5"' if i == hit else ' stroke="#ffffff" stroke-width="1"'
            parts.append(f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{height}" fill="{shades[i]}"{edge}/>')
            if one > 0.06:
                ink = "#ffffff" if i == 0 else "#222222"
                parts.append(
                    f'<text x="{x + wide / 2:.1f}" y="{y + 28}" text-anchor="middle" font-size="13" fill="{ink}">'
                    f"{one:.3f}</text>"
                )
            x += wide
    at_u = left + width * u
    parts.append(f'<text x="{at_u:.1f}" y="26" text-anchor="middle" fill="#d55e00">u = {u:g}</text>')
    for top, end in ((34, 62), (86, 128), (152, 194), (218, 236)):  # not through the numbers in the pieces
        parts.append(
            f'<line x1="{at_u:.1f}" x2="{at_u:.1f}" y1="{top}" y2="{end}" stroke="#d55e00" stroke-width="2.5"/>'
        )
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts.append(
            f'<text x="{left + width * tick:.1f}" y="256" text-anchor="middle" font-size="13" fill="#333333">'
            f"{tick:g}</text>"
        )
    parts.append(
        f'<text x="{left + width / 2:.0f}" y="280" text-anchor="middle" font-size="13" fill="#666666">'
        "sum of the probabilities so far</text>"
    )
    return "\n".join([*parts, "</svg>"]) + "\n"
