"""The quick loss of count models is the loss; no row beats the counted one where it was counted."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmlab.data.corpus import load_corpus
from lmlab.errors import LabError
from lmlab.evaluation.counting import cell, counted_loss, of_order, redrawn, row_nats
from lmlab.evaluation.loss import evaluate
from lmlab.models.counts import count_ngrams
from lmlab.tokenizers.characters import CharacterTokenizer

SHARES = st.lists(st.floats(0, 1), min_size=2, max_size=8).filter(lambda row: sum(row) > 0.01)


@pytest.fixture(scope="module")
def names():
    corpus = load_corpus("names_indian")
    tokenizer = CharacterTokenizer(corpus.alphabet)
    parts = {part: corpus.part(part) for part in ("train", "validation")}
    return parts, {part: count_ngrams(texts, tokenizer, 8) for part, texts in parts.items()}, tokenizer


@pytest.mark.parametrize("order", [1, 2, 3, 5, 8])
@pytest.mark.parametrize(("smoothing", "k"), [("mle", 0.0), ("add-k", 0.1), ("kneser-ney", 0.0)])
def test_it_is_the_loss_that_evaluate_gives(names, order, smoothing, k):
    parts, counts, tokenizer = names
    model = of_order(counts["train"], order, smoothing, k)
    for part in parts:
        quick = counted_loss(model, counts[part], parts[part], tokenizer)
        slow = evaluate(model, parts[part], tokenizer)
        assert quick.predictions == slow.predictions
        assert quick.unseen == slow.unseen
        assert quick.nll == pytest.approx(slow.nll, rel=1e-9)
        assert (quick.infinite_at is None) == (slow.infinite_at is None) == math.isfinite(slow.nll)


def test_what_is_impossible_is_named_with_its_document():
    tokenizer = CharacterTokenizer("abz")
    model = of_order(count_ngrams(["ab", "aa"], tokenizer, 2), 2, "mle", 0)
    held_out = ["ab", "abba", "za"]
    found = counted_loss(model, count_ngrams(held_out, tokenizer, 2), held_out, tokenizer)
    assert found.infinite_at == {"document": "abba", "after": "b", "next": "b"}
    assert found.to_json()["nll"] is None
    start = counted_loss(model, count_ngrams(["za"], tokenizer, 2), ["za"], tokenizer)
    assert start.infinite_at == {"document": "za", "after": ".", "next": "z"}


def test_an_order_that_was_not_counted_is_refused():
    with pytest.raises(LabError, match="only 2 letters"):
        of_order(count_ngrams(["ab"], CharacterTokenizer("ab"), 2), 3, "mle", 0)


@given(SHARES, st.integers(0, 7), st.floats(-1, 2))
def test_a_row_that_is_drawn_still_adds_up_to_1(row, index, share):
    row = [p / sum(row) for p in row]
    drawn = redrawn(row, index % len(row), share)
    assert sum(drawn) == pytest.approx(1)
    assert all(p >= 0 for p in drawn)
    assert drawn[index % len(row)] == pytest.approx(min(1, max(0, share)))


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=8).filter(any), SHARES)
def test_no_row_is_better_on_the_counted_names_than_the_counted_one(counts, row):
    row = (row * 4)[: len(counts)]
    row = [p / (sum(row) or 1) for p in row]
    counted = [count / sum(counts) for count in counts]
    assert row_nats(counts, counted) <= row_nats(counts, row) + 1e-9


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize(("smoothing", "k"), [("mle", 0.0), ("add-k", 0.5), ("kneser-ney", 0.0)])
def test_the_numbers_behind_a_cell_make_its_probability(names, order, smoothing, k):
    _, counts, tokenizer = names
    model = of_order(counts["train"], order, smoothing, k)
    ngrams = counts["validation"].tokens(order)[:200]
    for ngram, p in zip(ngrams.tolist(), model.chances(ngrams), strict=True):
        found = cell(model, ngram)
        if found.total and smoothing == "kneser-ney":
            rest = found.discount * found.kinds / found.total
            made = max(found.count - found.discount, 0) / found.total + rest * found.shorter
            assert 0 <= found.shorter <= 1
        elif found.total:
            made = (found.count + k) / (found.total + k * tokenizer.vocab_size)
        else:
            made = found.shorter if smoothing == "kneser-ney" else 1 / tokenizer.vocab_size
        assert found.p == pytest.approx(p)
        assert made == pytest.approx(p)


def test_what_the_longest_order_leaves_is_the_shorter_one_of_the_same_model(names):
    """Kneser-Ney's shorter probability, from its formula: after how many different letters does the pair come?"""
    _, counts, tokenizer = names
    model = of_order(counts["train"], 3, "kneser-ney", 0)
    a, n, k = (tokenizer.encode(letter)[0] for letter in "ank")
    different = (counts["train"].tokens(3)[counts["train"].levels[2].counts > 0])[:, 1:].tolist()
    after_a = [pair[1] for pair in different if pair[0] == a]
    D, kinds = model.discount(2), len(set(after_a))
    unigram = cell(of_order(counts["train"], 2, "kneser-ney", 0), [a, n]).shorter
    by_hand = (after_a.count(n) - D) / len(after_a) + D * kinds / len(after_a) * unigram
    assert cell(model, [k, a, n]).shorter == pytest.approx(by_hand)
