"""What a worker answers: plain data, and a sentence for what cannot be."""

import pickle

import numpy as np
import pytest

from lmlab.errors import LabError
from lmlab.jobs import calls
from lmlab.jobs.calls import corpus, model
from lmlab.runs.cards import BUNDLED


@pytest.fixture(scope="module")
def shelf():
    return calls.Shelf()


@pytest.fixture(scope="module", params=["plain-finch", "calm-heron"])
def run(request, shelf):
    return shelf.run(str(BUNDLED / request.param))


def test_the_ruler_of_names(shelf):
    marks = dict(corpus.baselines(shelf, "names")["marks"])
    assert [round(marks[name], 2) for name in ("uniform", "unigram", "bigram", "Kneser–Ney 5")] == [
        3.3,
        2.82,
        2.46,
        2.03,
    ]


def test_count_table_counts_what_stands_in_the_training_names(shelf):
    found = corpus.count_table(shelf, "names", smoothing="mle", k=0)
    train = shelf.corpus("names").part("train")
    n = found["symbols"].index("n")
    assert found["counts"][n, 0] == sum(name.endswith("n") for name in train)
    assert found["counts"].sum() == sum(len(name) + 1 for name in train)
    assert np.allclose(found["probabilities"].sum(axis=1), 1)


def test_the_sweep_turns_up_after_four(shelf):
    unsmoothed = corpus.sweep(shelf, "names", smoothing="mle", k=0)[1]["validation"]
    assert unsmoothed["nll"] is None
    assert unsmoothed["infinite_at"]
    losses = [row["validation"]["nll"] for row in corpus.sweep(shelf, "names")]
    assert losses.index(min(losses)) == 3
    training = [row["train"]["nll"] for row in corpus.sweep(shelf, "names", smoothing="mle", k=0)]
    assert training == sorted(training, reverse=True)


@pytest.mark.parametrize(("first", "second"), [("", "q"), ("q", "u"), ("n", "")])
def test_names_with_a_pair_really_have_it(shelf, first, second):
    symbols = corpus.corpus_report(shelf, "names")["symbols"]
    ids = [symbols.index(letter) if letter else 0 for letter in (first, second)]
    found = corpus.names_with(shelf, "names", ids)
    for name, begin, end in found["names"]:
        assert f".{name}."[begin:end] == (first or ".") + (second or ".")
    train = shelf.corpus("names").part("train")
    assert found["total"] == sum((first or ".") + (second or ".") in f".{name}." for name in train)


def test_questions_about_a_model_are_plain_data(shelf, run):
    for value in (
        model.samples(shelf, run, "names", n=3, trace=True),
        model.distribution(shelf, run, method="top-k", top_k=3, prefix="em"),
        model.embeddings(shelf, run, row=1),
        model.evaluate_run(shelf, run, "names_indian"),
        model.surprise(shelf, run, "emma"),
    ):
        assert b"torch" not in pickle.dumps(calls.plain(value))


def test_surprise_is_the_loss_letter_by_letter(shelf, run):
    found = model.surprise(shelf, run, " Emma ")
    assert len(found["nats"]) == 5
    assert all(nats > 0 for nats in found["nats"])


def test_the_cut_is_visible(shelf, run):
    found = model.distribution(shelf, run, method="top-k", top_k=3)
    assert sum(p > 0 for p in found["p_final"]) == 3
    assert sum(p > 0 for p in found["p"]) == 27
    assert sum(found["p_final"]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda shelf, run: model.samples(shelf, run, "names", n=0), "choose 1 to"),
        (lambda shelf, run: model.samples(shelf, run, "names", n=10**9), "choose 1 to"),
        (lambda shelf, run: model.samples(shelf, run, "names", seed=-1), "positive whole number"),
        (lambda shelf, run: model.samples(shelf, run, "names", prefix="é"), "not in the vocabulary"),
        (lambda shelf, run: model.samples(shelf, run, "names", prefix="a" * 500), "shorten the prefix"),
        (lambda shelf, run: model.samples(shelf, run, "names", method="best"), "no method"),
        (lambda shelf, run: model.distribution(shelf, run, temperature=-1), "choose 0"),
        (lambda shelf, run: model.embeddings(shelf, run, row=99), "no token"),
        (lambda shelf, run: corpus.count_table(shelf, "names", order=9), "out of range"),
        (lambda shelf, run: corpus.count_table(shelf, "names", k=-1), "needs 0 < k"),
        (lambda shelf, run: corpus.names_with(shelf, "names", (0, 99)), "no cell"),
    ],
)
def test_bad_questions_get_a_sentence(shelf, run, ask, sentence):
    with pytest.raises(LabError, match=sentence):
        ask(shelf, run)
