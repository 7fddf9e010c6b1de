"""A player's bets and guesses: values worked out by hand, and what theory says of them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmlab.errors import LabError
from lmlab.evaluation.guessing import (
    CHIPS,
    Estimate,
    mean_of_bets,
    mean_of_names,
    own_loss,
    shannon_bounds,
    surprise,
    tries,
)


def spread(chips: dict[int, int], keys: int = 27) -> list[int]:
    return [chips.get(key, 0) for key in range(keys)]


@pytest.mark.parametrize(
    ("on_it", "bits"),
    [(0, 7.8265), (1, 4.3671), (7, 1.6768), (20, 0.1755)],  # -log2((c + 0.1) / 22.7)
)
def test_what_a_bet_costs(on_it, bits):
    chips = spread({0: on_it, 1: CHIPS - on_it})
    assert surprise(chips, 0) / math.log(2) == pytest.approx(bits, abs=5e-5)


@given(st.integers(2, 60))
def test_an_even_bet_costs_what_uniform_costs(keys):
    assert surprise([1] * keys, keys - 1) == pytest.approx(math.log(keys))


@given(st.lists(st.integers(0, 20), min_size=2, max_size=60))
def test_the_shares_of_all_answers_sum_to_one(chips):
    assert sum(math.exp(-surprise(chips, key)) for key in range(len(chips))) == pytest.approx(1)


def test_to_bet_what_one_believes_is_the_cheapest_bet():
    # Ten chips each on two letters that come half of the time each: any other split costs more on average.
    def mean(first: int) -> float:
        chips = spread({0: first, 1: CHIPS - first})
        return (surprise(chips, 0) + surprise(chips, 1)) / 2

    assert min(range(CHIPS + 1), key=mean) == CHIPS // 2


def test_a_model_tries_the_likeliest_first():
    p = [0.1, 0.4, 0.1, 0.4]
    assert [tries(p, key) for key in range(4)] == [3, 1, 4, 2]


def test_bounds_where_the_answer_is_always_the_first_guess():
    assert shannon_bounds([1] * 9, 27) == (0.0, 0.0)


@pytest.mark.parametrize("keys", [2, 8, 27])
def test_bounds_meet_where_every_guess_is_as_good_as_any_other(keys):
    lower, upper = shannon_bounds(list(range(1, keys + 1)), keys)
    assert lower == pytest.approx(math.log2(keys))
    assert upper == pytest.approx(math.log2(keys))


def test_bounds_by_hand():
    # q = 1/2, 1/4, 1/4: upper 1.5; lower 1 (1/4) log2 1 + 2 (0) log2 2 + 3 (1/4) log2 3 = 1.1887
    lower, upper = shannon_bounds([1, 1, 2, 3], 27)
    assert upper == pytest.approx(1.5)
    assert lower == pytest.approx(0.75 * math.log2(3))


@given(st.lists(st.integers(1, 8), min_size=1, max_size=40))
def test_the_entropy_of_a_best_player_lies_between_the_bounds(weights):
    # A player who knows the distribution and tries the likeliest first: q is the distribution, sorted.
    weights = sorted(weights, reverse=True)
    ranks = [rank for rank, weight in enumerate(weights, start=1) for _ in range(weight)]
    entropy = -sum(w / sum(weights) * math.log2(w / sum(weights)) for w in weights)
    lower, upper = shannon_bounds(ranks, max(2, len(weights)))
    assert lower <= entropy + 1e-9
    assert upper == pytest.approx(entropy, abs=1e-9)


@pytest.mark.parametrize("ranks", [[], [0], [28]])
def test_bounds_of_nothing_are_refused(ranks, refused):
    with refused("Shannon's bounds need guesses"):
        shannon_bounds(ranks, 27)


def test_the_interval_over_bets():
    # mean 2, s = 1, n = 3: Student's 4.3027 with 2 degrees of freedom, over the root of 3
    assert mean_of_bets([1, 2, 3]) == Estimate(2.0, pytest.approx(4.30265 / math.sqrt(3), abs=1e-4), 3, 0)


def test_the_interval_over_names_is_that_of_a_ratio():
    # 6 nats over 4 letters; each name's distance from 1.5 a letter: -1, -0.5, +1.5 -> variance 1.75
    found = mean_of_names([[1, 1], [1], [3]])
    assert found.mean == 1.5
    assert found.spread == pytest.approx(4.30265 * math.sqrt(1.75 / 3) / (4 / 3), abs=1e-4)
    assert (found.letters, found.names) == (4, 3)


def test_equal_bets_have_no_spread_and_two_say_nothing():
    assert mean_of_bets([2.0] * 5).spread == 0
    assert mean_of_bets([1.0, 3.0]).spread is None


def test_three_whole_names_count_and_what_was_left_early_does_not():
    whole = ([1.0, 2.0], True)
    assert own_loss([whole, whole, ([9.0], False)]).letters == 5  # too few names: every bet counts
    found = own_loss([whole, whole, whole, ([9.0], False)])
    assert (found.mean, found.letters, found.names) == (1.5, 6, 3)
    assert own_loss([([], False)]) is None


def test_an_interval_holds_the_truth_as_often_as_it_says():
    import random

    dice = random.Random(1)
    held = 0
    for _ in range(2000):
        found = mean_of_bets([dice.gauss(2, 1) for _ in range(8)])
        held += abs(found.mean - 2) <= found.spread
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


def test_errors_are_sentences():
    with pytest.raises(LabError, match=r"there were \[99\]\.$"):
        shannon_bounds([99], 27)
