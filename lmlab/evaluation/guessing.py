"""Shannon's guessing game: what a person's guesses and bets on the next letter say about the person.

A bet is a distribution. With c of 20 chips on a letter, the player's probability of it is the smoothed share

    p = (c + 0.1) / (20 + 0.1 V)                 V letters to choose from, the end mark among them

and the surprise −ln p is the player's loss on that letter, in the unit of every model on the ruler. The 0.1 makes a
letter without chips expensive, but not infinitely so: the same add-k smoothing as in a count table.

Guessing until the letter is right needs no probabilities: how often the first, second, ... guess was right bounds the
entropy that a best player would have. Source: Shannon (1951), Prediction and Entropy of Printed English, eq. 17.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lmlab.errors import LabError

CHIPS = 20
SMOOTHING = 0.1
"""Chips that every letter has before the first one is placed."""
CONFIDENCE = 0.95
FEWEST_BETS = 3
"""Fewer bets (or names) have no interval: two may agree by luck, and Student's factor is 12.7 for them."""


def surprise(chips: Sequence[int], answer: int, k: float = SMOOTHING) -> float:
    """What a bet costs when `answer` comes, in nats: (V,) chips on the letters; divide by ln 2 for bits.

    >>> chips = [7, 13] + 25 * [0]
    >>> round(surprise(chips, 0) / math.log(2), 2), round(surprise(chips, 5) / math.log(2), 2)
    (1.68, 7.83)
    """
    share = (chips[answer] + k) / (sum(chips) + k * len(chips))
    return -math.log(share)


def tries(probabilities: Sequence[float], answer: int) -> int:
    """Which guess would be right if the letters were tried likeliest first; equal ones in their order.

    >>> tries([0.2, 0.5, 0.3], 2), tries([0.5, 0.5], 1)
    (2, 2)
    """
    likelier = sum(p > probabilities[answer] for p in probabilities)
    return 1 + likelier + sum(p == probabilities[answer] for p in probabilities[:answer])


def shannon_bounds(ranks: Sequence[int], letters: int) -> tuple[float, float]:
    """Bounds of the entropy in bits a letter from which guess was right each time (eq. 17).

    With q_i the share of letters that the i-th guess got, the entropy lies between

        sum of i (q_i - q_(i+1)) log2 i      and      minus the sum of q_i log2 q_i

    if the player always tries the likeliest letter first. From few letters both are too low: ranks that have not
    come up yet are missing. Raises `LabError` without a guess and for ranks outside 1 to `letters`.

    >>> shannon_bounds([1, 1, 1, 1], letters=27)
    (0.0, 0.0)
    >>> shannon_bounds([1, 2], letters=2)
    (1.0, 1.0)
    """
    if not ranks or not all(1 <= rank <= letters for rank in ranks):
        raise LabError(f"Shannon's bounds need guesses from 1 to {letters}; there were {list(ranks)[:5]}.")
    q = [sum(rank == i for rank in ranks) / len(ranks) for i in range(1, letters + 1)] + [0.0]
    lower = sum(i * (q[i - 1] - q[i]) * math.log2(i) for i in range(1, letters + 1))
    upper = -sum(share * math.log2(share) for share in q if share > 0)
    return lower + 0.0, upper + 0.0  # no minus zero


@dataclass(frozen=True)
class Estimate:
    """A player's loss in nats per letter with the half width of its 95 % interval, and from how much it comes."""

    mean: float
    spread: float | None
    """None: too few to say."""
    letters: int
    names: int
    """Whole names that the interval was taken over; 0: it was taken over single bets."""


def mean_of_bets(losses: Sequence[float]) -> Estimate:
    """Mean and Student's interval over single bets, as if each were drawn by itself.

    >>> estimate = mean_of_bets([1.0, 2.0, 3.0])
    >>> round(estimate.mean, 3), round(estimate.spread, 3)             # 4.303 * 1 / sqrt(3)
    (2.0, 2.484)
    """
    n = len(losses)
    mean = math.fsum(losses) / n
    if n < FEWEST_BETS:
        return Estimate(mean, None, n, 0)
    variance = math.fsum((loss - mean) ** 2 for loss in losses) / (n - 1)
    return Estimate(mean, _student(n) * math.sqrt(variance / n), n, 0)


def mean_of_names(names: Sequence[Sequence[float]]) -> Estimate:
    """The same over whole names: what was drawn by chance is a name, and its letters belong together.

    The mean is the ruler's: all nats over all letters and end marks. It is a ratio of two sums that both depend on
    the names drawn; its spread comes from what each name pays above the mean: its nats - mean * its letters.
    Source: Cochran (1977), Sampling Techniques, section 2.11.

    >>> estimate = mean_of_names([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    >>> round(estimate.mean, 3), round(estimate.spread, 3), estimate.letters
    (2.0, 2.484, 6)
    """
    n, letters = len(names), sum(len(name) for name in names)
    mean = math.fsum(sum(name) for name in names) / letters
    if n < FEWEST_BETS:
        return Estimate(mean, None, letters, n)
    variance = math.fsum((sum(name) - mean * len(name)) ** 2 for name in names) / (n - 1)
    return Estimate(mean, _student(n) * math.sqrt(variance / n) / (letters / n), letters, n)


def own_loss(names: Sequence[tuple[Sequence[float], bool]]) -> Estimate | None:
    """A player's loss from the bets of each name, each with whether it was played to its end; None without a bet.

    From three whole names on they alone count, because a name that was left early lacks its end. Before that, every
    bet counts by itself.

    >>> own_loss([([2.0, 3.0], False)]).letters, own_loss([])
    (2, None)
    """
    whole = [losses for losses, ended in names if ended and losses]
    if len(whole) >= FEWEST_BETS:
        return mean_of_names(whole)
    bets = [loss for losses, _ in names for loss in losses]
    return mean_of_bets(bets) if bets else None


def _student(n: int) -> float:
    """Within so many standard errors of the mean lies the middle 95 % of Student's distribution."""
    from scipy.special import stdtrit  # here, so that the web process starts without scipy

    return float(stdtrit(n - 1, (1 + CONFIDENCE) / 2))
