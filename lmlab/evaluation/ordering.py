"""How far is one order of things from another? Count the pairs that stand the other way round.

Two orders of n things agree or disagree about each of the n(n - 1)/2 pairs. With d pairs the other way round,

    tau = 1 - 2 d / (number of pairs)

is 1 for the same order, -1 for its reverse, and about 0 for a shuffle. d is also how many swaps of neighbours lead
from one order to the other. Source: Kendall (1938), A new measure of rank correlation.
"""

from collections.abc import Collection, Sequence
from itertools import combinations

Pair = frozenset[str]


def swapped_pairs(order: Sequence[str], truth: Sequence[str], ties: Collection[Pair] = ()) -> list[tuple[str, str]]:
    """The pairs, as `truth` has them, that `order` has the other way round; a pair in `ties` never counts.

    >>> swapped_pairs(["c", "a", "b"], ["a", "b", "c"])
    [('a', 'c'), ('b', 'c')]
    >>> swapped_pairs(["c", "a", "b"], ["a", "b", "c"], ties={frozenset("ac")})
    [('b', 'c')]
    """
    place = {thing: i for i, thing in enumerate(order)}
    return [
        (first, second)
        for first, second in combinations(truth, 2)
        if place[first] > place[second] and frozenset((first, second)) not in ties
    ]


def kendall_tau(swapped: int, things: int) -> float:
    """tau of an order of so many things, of whose pairs so many are swapped.

    >>> kendall_tau(0, 6), kendall_tau(15, 6), round(kendall_tau(3, 6), 2)
    (1.0, -1.0, 0.6)
    """
    return 1 - 2 * swapped / (things * (things - 1) / 2)
