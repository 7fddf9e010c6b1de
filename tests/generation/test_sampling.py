import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import chisquare

from lmlab.generation.sampling import Sampling, choose, greedy, min_p, temperature, top_k, top_p

numbers = st.integers(-640, 640).map(lambda i: i / 32)  # exact in float32: no two are equal up to rounding
logit_rows = st.lists(numbers, min_size=1, max_size=30).map(torch.tensor)
ties = st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=1, max_size=12).map(torch.tensor)
rows_with_holes = st.lists(numbers | st.just(-math.inf), min_size=1, max_size=20).map(torch.tensor)
shares = st.floats(0.001, 1.0)
samplings = st.builds(
    Sampling,
    temperature=st.just(0.0) | st.floats(0.05, 100),
    top_k=st.none() | st.integers(1, 40),
    top_p=st.none() | shares,
    min_p=st.none() | st.floats(0, 1),
)


def kept(logits):
    return set(torch.nonzero(logits.isfinite()).flatten().tolist())


def places(logits):
    """Ids from the most likely to the least; of equals the lower id first."""
    return sorted(range(len(logits)), key=lambda i: (-float(logits[i]), i))


# --- one rule at a time ---------------------------------------------------------------------------------


@given(logit_rows | ties, st.integers(1, 40))
def test_top_k_keeps_exactly_the_k_most_likely(logits, k):
    cut = top_k(logits, k)
    assert kept(cut) == set(places(logits)[:k])
    assert len(kept(cut)) == min(k, len(logits))
    assert torch.equal(cut[cut.isfinite()], logits[cut.isfinite()])


@given(logit_rows | ties, shares)
def test_top_p_keeps_the_smallest_set_that_reaches_p(logits, p):
    likely = places(logits)
    probabilities = logits.double().softmax(-1)
    cut = kept(top_p(logits, p))
    assert cut == set(likely[: len(cut)])
    assert float(probabilities[likely[: len(cut)]].sum()) >= p - 1e-6
    assert float(probabilities[likely[: len(cut) - 1]].sum()) < p + 1e-6


@pytest.mark.parametrize(
    ("p", "number"), [(0.1, 1), (0.5, 1), (0.5001, 2), (0.75, 2), (0.76, 3), (0.875, 3), (0.9, 4), (1.0, 5)]
)
def test_top_p_includes_the_token_that_crosses_p(p, number):
    logits = torch.tensor([0.125, 0.5, 0.0625, 0.25, 0.0625]).log()
    assert kept(top_p(logits, p)) == set([1, 3, 0, 2, 4][:number])


@given(logit_rows, shares)
def test_min_p_keeps_what_is_at_least_p_times_the_best(logits, p):
    probabilities = logits.double().softmax(-1)
    ratio = probabilities / probabilities.max()
    cut = kept(min_p(logits, p))
    assert {i for i in range(len(logits)) if ratio[i] > p * (1 + 1e-4)} <= cut
    assert cut <= {i for i in range(len(logits)) if ratio[i] > p * (1 - 1e-4)}


@given(logit_rows)
def test_rules_at_their_ends_do_nothing(logits):
    assert torch.equal(top_k(logits, len(logits)), logits)
    assert torch.equal(min_p(logits, 0.0), logits)
    for same in (temperature(logits, 1.0), Sampling().apply(logits)):
        assert torch.allclose(same.softmax(-1).float(), logits.softmax(-1))


@given(logit_rows | ties)
def test_temperature_0_is_argmax(logits):
    best = places(logits)[0]
    for cut in (temperature(logits, 0), greedy(logits), Sampling(temperature=0, top_k=3, top_p=0.5).apply(logits)):
        assert kept(cut) == {best}
        assert cut.softmax(-1)[best] == 1


@given(logit_rows, st.floats(0.05, 0.95), st.floats(1.05, 20))
def test_low_temperature_sharpens_and_high_flattens(logits, low, high):
    assume(float(logits.max() - logits.min()) > 1e-3)
    best = int(logits.argmax())
    p = [temperature(logits, t).double().softmax(-1)[best] for t in (low, 1.0, high)]
    assert p[0] >= p[1] >= p[2]


@given(logit_rows, st.floats(0.1, 10))
def test_temperature_keeps_the_ranking(logits, t):
    assert temperature(logits.double(), t).argmax() == logits.argmax()


@pytest.mark.parametrize("t", [1e-3, 1e-10, 1e-40, 5e-324])
def test_the_smallest_temperatures_come_to_greedy_and_never_to_nan(t):
    p = Sampling(temperature=t).apply(torch.tensor([1.0, 3.0, 2.0])).softmax(-1)
    assert p.tolist() == [0.0, 1.0, 0.0]


# --- together -------------------------------------------------------------------------------------------


@given(logit_rows | ties, samplings)
def test_something_is_always_left_to_roll(logits, sampling):
    final = sampling.apply(logits)
    assert kept(final)
    p = final.softmax(-1)
    assert not p.isnan().any()
    assert float(p.sum()) == pytest.approx(1, abs=1e-5)
    assert p[int(logits.argmax())] > 0


@given(logit_rows, samplings)
def test_rules_compose_each_cuts_from_what_the_last_one_left(logits, sampling):
    left = temperature(logits, sampling.temperature)
    for rule, value in ((top_k, sampling.top_k), (top_p, sampling.top_p), (min_p, sampling.min_p)):
        if value is not None:
            after = rule(left, value)
            assert kept(after) <= kept(left)
            left = after
    assert torch.equal(sampling.apply(logits), left)


@given(logit_rows, st.integers(1, 30), st.integers(1, 30))
def test_top_k_twice_is_the_smaller_k(logits, k, other):
    assert torch.equal(top_k(top_k(logits, k), other), top_k(logits, min(k, other)))


@given(rows_with_holes, samplings)
def test_what_the_model_calls_impossible_stays_impossible(logits, sampling):
    assume(kept(logits))
    final = sampling.apply(logits)
    assert kept(final) <= kept(logits)
    assert not final.softmax(-1).isnan().any()


@given(st.integers(1, 6), samplings)
def test_each_row_is_cut_on_its_own(rows, sampling):
    logits = torch.randn(rows, 9, generator=torch.Generator().manual_seed(rows))
    together = sampling.apply(logits)
    for row in range(rows):
        assert torch.equal(together[row], sampling.apply(logits[row]))


# --- the roll -------------------------------------------------------------------------------------------

weights = st.lists(st.just(0.0) | st.floats(1e-6, 1), min_size=1, max_size=20).filter(any)


@given(weights, st.floats(0, 1, exclude_max=True))
def test_a_token_of_probability_0_is_never_rolled(row, u):
    p = torch.tensor([row]) / sum(row)
    for number in (u, 0.0, math.nextafter(1, 0)):
        token = int(choose(p, torch.tensor([number], dtype=torch.float64)))
        assert p[0, token] > 0


def test_the_ends_of_the_line():
    p = torch.tensor([[0.0, 0.25, 0.0, 0.75, 0.0]])
    rolled = [int(choose(p, torch.tensor([u], dtype=torch.float64))) for u in (0.0, 0.25, math.nextafter(1, 0))]
    assert rolled == [1, 3, 3]
    assert int(choose(p, torch.tensor([1 - 2**-24]))) == 3  # the last float32 below 1


def test_a_number_rounded_up_to_1_belongs_to_the_last_token_that_can_be_rolled():
    p = torch.tensor([[0.5, 0.5, 0.0]])
    assert int(choose(p, torch.tensor([0.99999999]))) == 1  # float32 has no such number and says 1


def test_a_number_belongs_to_the_token_whose_piece_it_falls_on():
    p = torch.tensor([0.5, 0.125, 0.375])
    u = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    rolled = choose(p.expand(1000, 3), u)
    expected = [0 if x < 0.5 else 1 if x < 0.625 else 2 for x in u.tolist()]
    assert rolled.tolist() == expected


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(temperature=0.5),
        Sampling(temperature=2.0, top_k=4),
        Sampling(top_p=0.8),
        Sampling(temperature=1.5, min_p=0.2),
        Sampling(temperature=0),
    ],
)
def test_on_a_grid_of_numbers_every_token_comes_as_often_as_it_is_likely(sampling):
    """Exact: of N evenly spread numbers, each token gets its share of N, give or take one."""
    logits = torch.tensor([1.0, -0.5, 2.0, 0.3, -3.0, 1.0, 0.0])
    p = sampling.apply(logits).softmax(-1).double()
    N = 20_000
    u = (torch.arange(N, dtype=torch.float64) + 0.5) / N
    often = choose(p.expand(N, 7), u).bincount(minlength=7)
    assert (often - N * p / p.sum()).abs().max() <= 1
    assert torch.equal(often == 0, p == 0)


def test_rolled_tokens_follow_their_probabilities():
    p = torch.randn(40, generator=torch.Generator().manual_seed(1)).softmax(-1)
    u = torch.rand(100_000, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    often = choose(p.expand(len(u), 40), u).bincount(minlength=40)
    expected = p.double() / p.double().sum() * len(u)
    assert chisquare(often.numpy(), expected.numpy()).pvalue > 0.001


def test_a_test_that_sees_a_wrong_distribution_fails():
    """The same test rejects a sampler that is off by a tenth, so that passing it means something."""
    p = torch.full((10,), 0.1)
    wrong = torch.tensor([0.11, 0.09] * 5)
    u = torch.rand(100_000, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    often = choose(wrong.expand(len(u), 10), u).bincount(minlength=10)
    assert chisquare(often.numpy(), (p * len(u)).numpy().round()).pvalue < 1e-6


# --- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"temperature": -0.1}, "The temperature is -0.1"),
        ({"temperature": math.nan}, "The temperature is nan"),
        ({"temperature": math.inf}, "The temperature is inf"),
        ({"top_k": 0}, "k is 0"),
        ({"top_k": -3}, "k is -3"),
        ({"top_p": 0.0}, "p is 0"),
        ({"top_p": 1.1}, "p is 1.1"),
        ({"top_p": math.nan}, "p is nan"),
        ({"min_p": -0.1}, "min-p is -0.1"),
        ({"min_p": 2.0}, "min-p is 2"),
    ],
)
def test_a_value_out_of_range_is_refused(refused, options, said):
    with refused(said):
        Sampling(**options)


def test_a_method_is_a_rule_with_a_sensible_value():
    assert Sampling.by_method("greedy", temperature=2, top_k=3) == Sampling(temperature=0)
    assert Sampling.by_method("sample") == Sampling()
    assert Sampling.by_method("top-k") == Sampling(top_k=5)
    assert Sampling.by_method("top-k", top_k=2, temperature=0.5) == Sampling(temperature=0.5, top_k=2)
    assert Sampling.by_method("top-p", top_p=0.5) == Sampling(top_p=0.5)
    assert Sampling.by_method("min-p") == Sampling(min_p=0.1)


def test_an_unknown_method_is_refused(refused):
    with refused("no method 'beam'"):
        Sampling.by_method("beam")


@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=9).filter(lambda ps: sum(ps) > 0.01),
    st.floats(0, 1, exclude_max=True),
)
def test_with_the_likeliest_first_a_smaller_u_is_never_less_likely(weights, u):
    p = torch.tensor([weights], dtype=torch.float64)
    p = p / p.sum()
    lands = [float(p[0, int(choose(p, torch.tensor([at]), likeliest_first=True))]) for at in (u / 2, u)]
    assert lands[0] >= lands[1] > 0


def test_both_orders_give_every_token_its_chance():
    p = torch.tensor([0.1, 0.6, 0.0, 0.3], dtype=torch.float64)
    dice = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    for likeliest_first in (False, True):
        counts = choose(p.expand(1000, -1), dice, likeliest_first).bincount(minlength=4)
        assert counts.tolist() == [100, 600, 0, 300]
