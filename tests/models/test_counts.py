from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmlab.models.counts import _distinct, count_ngrams
from lmlab.tokenizers.characters import CharacterTokenizer


def tally(documents, tokenizer, order):
    """Count with a dict: every prediction with the order - 1 tokens before it, boundaries before the start."""
    counts = Counter()
    for document in documents:
        ids = [0] * (order - 1) + tokenizer.encode(document) + [0]
        for end in range(order, len(ids) + 1):
            counts[tuple(ids[end - order : end])] += 1
    return counts


def as_dict(counts, order):
    """The same from the table; the n-gram of boundaries alone is left out when it only fills up contexts."""
    pairs = zip(counts.tokens(order).tolist(), counts.levels[order - 1].counts.tolist(), strict=True)
    return {tuple(gram): number for gram, number in pairs if number}


@given(st.lists(st.text("abc.", max_size=9), min_size=1, max_size=12), st.integers(1, 8))
def test_counts_equal_a_dict_filled_in_a_loop(documents, order):
    tokenizer = CharacterTokenizer("abc.")
    counts = count_ngrams(documents, tokenizer, order)
    for n in range(1, order + 1):
        assert as_dict(counts, n) == tally(documents, tokenizer, n)


@pytest.mark.parametrize("order", range(1, 9))
def test_every_prediction_is_counted_once(names_indian, order):
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    documents = names_indian.part("train")
    counts = count_ngrams(documents, tokenizer, order)
    predictions = sum(len(document) + 1 for document in documents)
    assert [int(level.counts.sum()) for level in counts.levels] == [predictions] * order


def test_keys_do_not_overflow_at_order_8_with_1500_characters():
    alphabet = [chr(0x4E00 + i) for i in range(1500)]
    tokenizer = CharacterTokenizer(alphabet)
    generator = np.random.default_rng(0)
    documents = ["".join(generator.choice(alphabet, size=length)) for length in generator.integers(1, 25, size=300)]
    documents.append("".join(alphabet[-1] for _ in range(30)))  # the highest id, again and again
    assert tokenizer.vocab_size**8 > 2**63  # so packing the tokens themselves would not fit
    counts = count_ngrams(documents, tokenizer, 8)
    for n in (2, 5, 8):
        assert as_dict(counts, n) == tally(documents, tokenizer, n)
    for level in counts.levels:
        assert (np.diff(level.keys) > 0).all()
        assert level.keys[0] >= 0


@given(st.lists(st.text("abc", max_size=6), min_size=1, max_size=6), st.integers(1, 5))
def test_rows_finds_what_was_counted_and_nothing_else(documents, order):
    tokenizer = CharacterTokenizer("abc")
    counts = count_ngrams(documents, tokenizer, order)
    grams = counts.tokens(order)
    assert counts.rows(grams).tolist() == list(range(len(grams)))
    known = {tuple(gram) for gram in grams.tolist()}
    anything = np.random.default_rng(0).integers(0, 4, size=(50, order))
    for gram, row in zip(anything.tolist(), counts.rows(anything).tolist(), strict=True):
        assert (row >= 0) == (tuple(gram) in known)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.sampled_from([41, 10_000]))
def test_the_fast_tally_equals_sorting(keys, below):
    distinct, row_of, counts = _distinct(np.array(keys), below)
    expected = np.unique(np.array(keys), return_inverse=True, return_counts=True)
    for got, wanted in zip((distinct, row_of, counts), expected, strict=True):
        assert got.tolist() == wanted.tolist()


def test_no_documents_are_no_counts():
    counts = count_ngrams([], CharacterTokenizer("ab"), 3)
    assert [int(level.counts.sum()) for level in counts.levels] == [0, 0, 0]
