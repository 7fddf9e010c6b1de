import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmlab.evaluation.loss import Loss
from lmlab.evaluation.units import in_units, nats_of


@given(st.floats(0, 20), st.integers(1, 50), st.sampled_from(["nats", "bits", "perplexity", "total"]))
def test_every_unit_leads_back_to_the_same_loss(nats, predictions, unit):
    value = in_units(nats, predictions)[unit]
    assert nats_of(value, unit, predictions) == pytest.approx(nats, abs=1e-9)


def test_units_are_those_of_the_one_loss():
    loss = Loss(nats=14.7, predictions=8)
    units = in_units(loss.nll, loss.predictions)
    assert units["perplexity"] == loss.perplexity
    assert units["bits"] == pytest.approx(loss.bpc)
    assert units["total"] == pytest.approx(loss.nats)


def test_a_model_that_is_always_half_sure_is_as_unsure_as_a_coin():
    assert in_units(-math.log(0.5))["perplexity"] == pytest.approx(2)
    assert in_units(-math.log(0.5))["bits"] == pytest.approx(1)
    assert in_units(math.log(27))["perplexity"] == pytest.approx(27)
    assert in_units(800)["perplexity"] == math.inf


@pytest.mark.parametrize(
    ("value", "unit"), [(-1, "nats"), (0.9, "perplexity"), (math.nan, "bits"), (math.inf, "total")]
)
def test_what_is_no_loss_is_refused(refused, value, unit):
    with refused("0 or more|at least 1"):
        nats_of(value, unit)
