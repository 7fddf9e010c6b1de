"""The test against scipy's, its rate of false alarms by simulation, and the cases in which nothing can be said."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from lmlab.evaluation.comparison import Rung, distinguishable, p_value, rank

losses = st.lists(st.floats(1.5, 3.5).map(lambda loss: round(loss, 4)), min_size=2, max_size=6)


def rung(values, name="model", deterministic=False):
    return Rung(name, tuple(values), parameters=100, seconds=1.0, deterministic=deterministic)


def fixed(value, name="table"):
    return rung([value], name, deterministic=True)


@pytest.mark.filterwarnings("ignore:Precision loss")
@given(losses, losses)
def test_it_is_welchs_test(a, b):
    assume(len(set(a)) > 1 or len(set(b)) > 1)  # no spread at all: a test of its own below
    expected = stats.ttest_ind(a, b, equal_var=False).pvalue
    assert p_value(rung(a), rung(b)) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(losses, st.floats(1.5, 3.5))
def test_against_a_fixed_number_it_is_students_test_of_one_sample(a, value):
    assume(len(set(a)) > 1)
    expected = stats.ttest_1samp(a, value).pvalue
    assert p_value(rung(a), fixed(value)) == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert p_value(fixed(value), rung(a)) == p_value(rung(a), fixed(value))


def test_mean_and_deviation_are_those_of_numpy():
    values = (2.013, 2.021, 1.998, 2.007)
    model = rung(values)
    assert model.mean == pytest.approx(np.mean(values))
    assert model.deviation == pytest.approx(np.std(values, ddof=1))
    assert (model.perplexity, model.bpc) == pytest.approx((np.exp(np.mean(values)), np.mean(values) / np.log(2)))


def alarms(make, times=2000):
    """How often two models drawn by `make` are called different."""
    dice = np.random.default_rng(0)
    return np.mean([distinguishable(*make(dice)) for _ in range(times)])


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_equal_models_are_called_different_at_most_one_time_in_twenty(seeds):
    rate = alarms(lambda dice: (rung(dice.normal(2, 0.01, seeds)), rung(dice.normal(2, 0.01, seeds))))
    assert 0.01 < rate < 0.06  # fewer than 5 % with few seeds: Welch's test errs on the side of silence


def test_unequal_spreads_raise_no_more_false_alarms():
    rate = alarms(lambda dice: (rung(dice.normal(2, 0.05, 3)), rung(dice.normal(2, 0.002, 5))))
    assert 0.03 < rate < 0.065


def test_a_model_as_good_as_a_table_is_called_different_one_time_in_twenty():
    rate = alarms(lambda dice: (rung(dice.normal(2, 0.01, 3)), fixed(2.0)))
    assert rate == pytest.approx(0.05, abs=0.01)


def test_a_table_taken_for_a_sample_would_not_do():
    """What the flag is for: without it one number says nothing; three times that number says what the flag says."""
    model = rung([2.01, 2.02, 2.03])
    assert p_value(model, rung([2.0])) is None
    assert p_value(model, rung([2.0, 2.0, 2.0])) == pytest.approx(p_value(model, fixed(2.0)))


def test_a_real_difference_is_found():
    rate = alarms(lambda dice: (rung(dice.normal(2, 0.01, 3)), rung(dice.normal(2.05, 0.01, 3))), times=500)
    assert rate > 0.9


def test_models_without_luck_are_equal_or_not():
    assert distinguishable(fixed(2.45), fixed(2.45)) is False
    assert distinguishable(fixed(2.45), fixed(2.4501)) is True
    assert distinguishable(rung([2.0, 2.0]), rung([2.0, 2.0])) is False
    assert distinguishable(rung([2.0, 2.0]), rung([2.1, 2.1])) is True


def test_equal_losses_have_no_spread_whatever_rounding_does():
    for loss in (2.1, 0.1, 1 / 3, 2.4539876):
        model = rung([loss] * 3)
        assert (model.mean, model.deviation) == (loss, 0.0)
        assert distinguishable(model, fixed(loss)) is False


def test_one_seed_says_nothing():
    assert rung([2.0]).deviation is None
    assert distinguishable(rung([2.0]), rung([2.5, 2.6, 2.7])) is None
    assert distinguishable(rung([2.0]), rung([9.0])) is None
    assert distinguishable(rung([2.0]), fixed(9.0)) is None


def test_the_impossible_is_worse_than_anything():
    never = fixed(math.inf, "maximum likelihood")
    assert distinguishable(never, rung([2.0, 2.1])) is True
    assert distinguishable(never, fixed(math.inf)) is False
    assert rank([never, fixed(3.0)])[-1].rung is never
    assert never.perplexity == math.inf


def test_the_level_decides():
    a, b = rung([2.00, 2.01, 2.02]), rung([2.02, 2.03, 2.04])
    p = p_value(a, b)
    assert 0.05 < p < 0.1
    assert distinguishable(a, b) is False
    assert distinguishable(a, b, level=0.1) is True


def test_the_ladder_stands_in_order_and_marks_what_cannot_be_told_apart():
    ladder = rank(
        [
            fixed(3.296, "uniform"),
            rung([1.99, 2.00, 1.98], "transformer"),
            fixed(2.454, "bigram"),
            rung([2.44, 2.47, 2.45], "prefix average"),
            rung([2.14, 2.15, 2.15], "mlp"),
            rung([2.08], "gru"),
        ]
    )
    assert [(place.rung.name, place.apart, place.note) for place in ladder] == [
        ("transformer", None, "one seed"),
        ("gru", None, "one seed"),
        ("mlp", True, ""),
        ("prefix average", False, "not distinguishable"),
        ("bigram", True, ""),
        ("uniform", None, ""),
    ]


@pytest.mark.parametrize(("values", "told"), [([], "no loss"), ([2.0, math.nan], "not a number")])
def test_runs_without_a_loss_are_refused(refused, values, told):
    with refused(f"mlp has .*{told}"):
        rung(values, "mlp")
