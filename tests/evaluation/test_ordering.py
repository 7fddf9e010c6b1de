import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from lmlab.evaluation.ordering import kendall_tau, swapped_pairs

THINGS = "abcdef"


@given(st.permutations(THINGS))
def test_tau_is_the_one_of_scipy(order):
    swapped = len(swapped_pairs(order, THINGS))
    theirs = kendalltau(range(len(THINGS)), [order.index(thing) for thing in THINGS]).statistic
    assert kendall_tau(swapped, len(THINGS)) == pytest.approx(theirs)


@given(st.permutations(THINGS))
def test_swapped_pairs_are_the_swaps_of_neighbours_that_a_sort_needs(order):
    items, swaps = list(order), 0
    for _ in items:
        for i in range(len(items) - 1):
            if items[i] > items[i + 1]:
                items[i], items[i + 1] = items[i + 1], items[i]
                swaps += 1
    assert len(swapped_pairs(order, THINGS)) == swaps


def test_a_pair_that_cannot_be_told_apart_is_no_mistake():
    assert swapped_pairs("ba", "ab") == [("a", "b")]
    assert swapped_pairs("ba", "ab", ties=[frozenset("ab")]) == []
