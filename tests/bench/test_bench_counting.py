"""Counting: we and `nltk.lm` come to the same numbers."""

import math

import pytest
from benching import no_peers, one_core  # noqa: F401

from lmlab import bench
from lmlab.bench import counting


@pytest.mark.parametrize("name", ["bigrams", "kneser-ney", "load"])
def test_quick_figures(name):
    (row,) = bench.run([name])
    assert row.name == name
    assert row.value is not None
    assert math.isfinite(row.value)
    assert min(row.runs) <= row.value <= max(row.runs)


@pytest.mark.usefixtures("no_peers")
def test_without_a_peer_there_is_no_ratio():
    for row in (*counting.peer(), *counting.counting()):
        assert row.value is None
        assert "Peer not installed: pip install nltk" in row.note


def test_the_peer_counts_the_same():
    pytest.importorskip("nltk")
    (row,) = counting.peer(runs=1)
    assert row.value is not None
    assert row.note == ""


def test_every_letter_and_one_end_mark_is_predicted():
    assert list(counting._ngrams(["ab"], 3)) == [
        (counting.MARK, counting.MARK, "a"),
        (counting.MARK, "a", "b"),
        ("a", "b", counting.MARK),
    ]


@pytest.mark.parametrize("order", [2, 3, 5])
@pytest.mark.parametrize("k", [0.1, 2.0])
def test_perplexities_are_those_of_nltk(small, order, k):
    pytest.importorskip("nltk")
    likelihood, add_k = counting.perplexity_differences(small, order, k)
    for ours, theirs in (likelihood, add_k):
        assert 1 < ours < 100
        assert ours == pytest.approx(theirs, abs=1e-9)
    assert likelihood[0] < add_k[0]


def test_kneser_ney_against_nltk():
    pytest.importorskip("nltk")
    ratio, likelihood, add_k = counting.counting(runs=1, sample=5, corpus="names_indian")
    assert ratio.value is not None
    assert ratio.at_least
    assert "from 5 of 111 names" in ratio.note
    assert likelihood.met
    assert add_k.met
