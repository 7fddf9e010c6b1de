"""Was it skill or luck? What a coin would have scored, and how far numbers from few tries can be trusted."""

import math
from collections.abc import Sequence

import numpy as np

SURE = 1.959963984540054  # standard deviations that hold 95 % of a normal distribution


def at_least(hits: int, tries: int, p: float = 0.5) -> float:
    """The chance that blind guessing, right with probability p each time, is right `hits` times or more.

    >>> round(at_least(7, 10), 3), at_least(0, 10)
    (0.172, 1.0)
    """
    return sum(math.comb(tries, k) * p**k * (1 - p) ** (tries - k) for k in range(hits, tries + 1))


def loss_error(nats: Sequence[float], predictions: Sequence[int]) -> float:
    """The standard error of a loss, in nats per character: how far it would move with other documents of this kind.

    `nats` and `predictions` are those of each document. The loss is a ratio of two sums over documents, and so

        error = sqrt(sum of (nats - loss * predictions)^2) / (sum of predictions)

    Source: Cochran (1977), Sampling techniques, 3rd edition, section 2.11 (without the finite population).

    >>> round(loss_error([8.0, 12.0, 10.0, 14.0], [5, 6, 5, 6]), 3)
    0.129
    """
    each, sizes = np.asarray(nats), np.asarray(predictions)
    return float(np.sqrt(((each - each.sum() / sizes.sum() * sizes) ** 2).sum()) / sizes.sum())


def share_interval(hits: int, tries: int) -> tuple[float, float]:
    """A 95 % interval for the share of right answers that somebody would give in the long run.

    Wilson (1927), Probable inference, the law of succession, and statistical inference: it stays inside 0 to 1, and
    its coverage is good for few tries, where hits / tries +- 2 standard errors is not.

    >>> [round(end, 2) for end in share_interval(7, 10)]
    [0.4, 0.89]
    """
    share, z = hits / tries, SURE**2 / tries
    middle = (share + z / 2) / (1 + z)
    half = math.sqrt(z * share * (1 - share) + z**2 / 4) / (1 + z)
    return max(0.0, middle - half), min(1.0, middle + half)
