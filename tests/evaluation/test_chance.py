import numpy as np
import pytest
from scipy.stats import binom, binomtest

from lmlab.evaluation.chance import at_least, loss_error, share_interval


@pytest.mark.parametrize("hits", range(11))
def test_a_coin_scores_as_the_binomial_distribution_says(hits):
    assert at_least(hits, 10) == pytest.approx(binom.sf(hits - 1, 10, 0.5))
    assert at_least(hits, 10, 0.3) == pytest.approx(binom.sf(hits - 1, 10, 0.3))


@pytest.mark.parametrize("hits", range(11))
def test_the_interval_is_wilsons(hits):
    theirs = binomtest(hits, 10).proportion_ci(method="wilson")
    assert share_interval(hits, 10) == pytest.approx((theirs.low, theirs.high))


def test_more_tries_say_more():
    few, many = share_interval(7, 10), share_interval(700, 1000)
    assert many[1] - many[0] < few[1] - few[0]
    assert few[0] < 0.7 < few[1]


def test_the_error_of_a_loss_is_how_far_it_moves_from_draw_to_draw():
    dice = np.random.default_rng(0)
    sizes = dice.integers(3, 12, size=(2000, 400))
    nats = 2.0 * sizes + dice.normal(0, 3, size=sizes.shape)
    losses = nats.sum(axis=1) / sizes.sum(axis=1)
    assert loss_error(nats[0], sizes[0]) == pytest.approx(losses.std(), rel=0.1)
