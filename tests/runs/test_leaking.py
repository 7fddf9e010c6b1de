"""The leak experiment: only what a model remembers is flattered."""

import pytest

from lmlab.data.corpus import raw_lines
from lmlab.evaluation.leaks import leaky_corpus
from lmlab.runs.leaking import with_and_without


@pytest.fixture(scope="module")
def leaky():
    return leaky_corpus(raw_lines("names_indian") * 2, seed=1)


def test_what_remembers_most_is_flattered_most(leaky):
    rows = {name: with_and_without(name, leaky) for name in ("bigram", "4-gram", "kneser-ney")}
    assert rows["kneser-ney"]["flattery"] > rows["4-gram"]["flattery"] > rows["bigram"]["flattery"] > 0
    for row in rows.values():
        assert row["flattery"] == pytest.approx(row["without_leak"] - row["with_leak"])
    assert rows["kneser-ney"]["leaked"] < rows["kneser-ney"]["unleaked"]


def test_without_a_leak_nothing_is_flattered(small):
    row = with_and_without("kneser-ney", small)
    assert row["flattery"] == 0
    assert row["leaked"] is None
