import math
from collections import Counter, defaultdict

import numpy as np
import pytest
import torch

from lmlab.evaluation.loss import evaluate
from lmlab.models.counts import count_ngrams
from lmlab.models.ngram import Ngram, NgramConfig, count
from lmlab.tokenizers.characters import CharacterTokenizer

SMOOTHINGS = ["mle", "add-k", "kneser-ney"]


class Brute:
    """N-grams straight from the formulas, with dicts and loops; shares no code with the real ones."""

    def __init__(self, documents, tokenizer, order, smoothing, k):
        self.V, self.order, self.smoothing, self.k = tokenizer.vocab_size, order, smoothing, k
        plain = {n: Counter() for n in range(1, order + 1)}
        for document in documents:
            ids = [0] * (order - 1) + tokenizer.encode(document) + [0]
            for end in range(order, len(ids) + 1):
                for n in plain:
                    plain[n][tuple(ids[end - n : end])] += 1
        before = {n: defaultdict(set) for n in plain}
        for n in range(2, order + 1):
            for gram in plain[n]:
                before[n - 1][gram[1:]].add(gram[0])
        self.counts = {}
        for n in plain:
            starts_document = {gram: number for gram, number in plain[n].items() if n > 1 and gram[0] == 0}
            if n == order:
                self.counts[n] = dict(plain[n])
            else:
                self.counts[n] = {gram: len(others) for gram, others in before[n].items()} | starts_document
        self.followers = {n: defaultdict(dict) for n in plain}
        self.discount = {}
        for n, counts in self.counts.items():
            for gram, number in counts.items():
                self.followers[n][gram[:-1]][gram[-1]] = number
            once = sum(number == 1 for number in counts.values())
            twice = sum(number == 2 for number in counts.values())
            self.discount[n] = once / (once + 2 * twice) if once and twice else 0.5

    def p(self, context, token):
        if self.smoothing == "kneser-ney":
            return self.kneser_ney(context, token, self.order)
        seen = self.followers[self.order].get(context)
        if not seen:
            return 1 / self.V
        k = self.k if self.smoothing == "add-k" else 0
        return (seen.get(token, 0) + k) / (sum(seen.values()) + k * self.V)

    def kneser_ney(self, context, token, n):
        if n == 0:
            return 1 / self.V
        shorter = self.kneser_ney(context[1:], token, n - 1)
        seen = self.followers[n].get(context)
        if not seen:
            return shorter
        total, discount = sum(seen.values()), self.discount[n]
        return max(seen.get(token, 0) - discount, 0) / total + discount * len(seen) / total * shorter


def contexts_to_ask(documents, tokenizer, width, number):
    """Contexts as they stand in documents, and random ones that were never seen."""
    generator = np.random.default_rng(width)
    rows = []
    for document in documents:
        ids = [0] * width + tokenizer.encode(document) + [0]
        rows += [ids[i : i + width] for i in range(len(ids) - width + 1)]
    rows = [rows[i] for i in generator.permutation(len(rows))[:number]]
    rows += generator.integers(0, tokenizer.vocab_size, size=(number // 2, width)).tolist()
    return np.array(rows, dtype=np.int64).reshape(len(rows), width)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", range(1, 9))
def test_probabilities_equal_the_formulas_computed_with_dicts(names_indian, order, smoothing):
    documents = names_indian.texts[:120]
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    model = Ngram(NgramConfig(order, smoothing, k=0.3), count_ngrams(documents, tokenizer, order))
    brute = Brute(documents, tokenizer, order, smoothing, k=0.3)
    contexts = contexts_to_ask(documents[:20] + names_indian.texts[500:520], tokenizer, order - 1, 60)
    expected = [[brute.p(tuple(row), token) for token in range(tokenizer.vocab_size)] for row in contexts.tolist()]
    assert model.probabilities(contexts) == pytest.approx(np.array(expected), abs=1e-12)


@pytest.mark.parametrize("documents", [["a"], ["aa", "aa", "aa"], ["ab", "ba", "ab", "c"], ["", "a"], ["abcabcabc"]])
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_kneser_ney_holds_where_counts_of_one_or_two_are_missing(documents, order):
    tokenizer = CharacterTokenizer("abc")
    model = Ngram(NgramConfig(order, "kneser-ney"), count_ngrams(documents, tokenizer, order))
    brute = Brute(documents, tokenizer, order, "kneser-ney", 0)
    contexts = contexts_to_ask(documents, tokenizer, order - 1, 20)
    expected = [[brute.p(tuple(row), token) for token in range(4)] for row in contexts.tolist()]
    assert model.probabilities(contexts) == pytest.approx(np.array(expected), abs=1e-12)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", range(1, 9))
def test_rows_sum_to_one_for_seen_and_unseen_contexts(names_indian, order, smoothing):
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    model = count(names_indian, order, smoothing, k=0.5)
    contexts = contexts_to_ask(names_indian.texts[:300], tokenizer, order - 1, 1000)
    p = model.probabilities(contexts)
    assert p.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    assert (p >= 0).all()
    if smoothing != "mle":
        assert (p > 0).all()


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_order_8_with_1500_characters_is_exact(smoothing):
    alphabet = [chr(0x4E00 + i) for i in range(1500)]
    tokenizer = CharacterTokenizer(alphabet)
    generator = np.random.default_rng(1)
    documents = ["".join(generator.choice(alphabet[-40:], size=12)) for _ in range(60)] + ["".join(alphabet)]
    model = Ngram(NgramConfig(8, smoothing), count_ngrams(documents, tokenizer, 8))
    brute = Brute(documents, tokenizer, 8, smoothing, k=0.1)
    contexts = contexts_to_ask(documents, tokenizer, 7, 12)
    p = model.probabilities(contexts)
    assert p.sum(axis=1) == pytest.approx(1.0)
    for row, context in zip(p, contexts.tolist(), strict=True):
        for token in [0, 1, 1500, *brute.followers[8].get(tuple(context), {})]:
            assert row[token] == pytest.approx(brute.p(tuple(context), token), abs=1e-12)


# --- known answers --------------------------------------------------------------------------------------


def tiny(order, smoothing, k=1.0):
    """The documents `ab` and `aa`; tokens: boundary, a, b."""
    return Ngram(NgramConfig(order, smoothing, k), count_ngrams(["ab", "aa"], CharacterTokenizer("ab"), order))


ROWS = np.array([[0], [1], [2]])


def test_the_table_of_pairs_of_a_tiny_corpus():
    assert tiny(2, "mle").table().tolist() == [[0, 2, 0], [1, 1, 1], [1, 0, 0]]
    assert tiny(2, "mle").probabilities(ROWS) == pytest.approx(np.array([[0, 1, 0], [1 / 3] * 3, [1, 0, 0]]))


def test_adding_one_to_every_pair_of_a_tiny_corpus():
    expected = [[1 / 5, 3 / 5, 1 / 5], [2 / 6] * 3, [2 / 4, 1 / 4, 1 / 4]]
    assert tiny(2, "add-k", 1.0).probabilities(ROWS) == pytest.approx(np.array(expected))


def test_kneser_ney_on_a_tiny_corpus_by_hand():
    # Pairs: .a twice; aa, ab, a., b. once: D = 4 / (4 + 2). After how many tokens: a 2, b 1, end 2 of 5: D = 1/5.
    end, a, b = (2 - 0.2) / 5 + 0.04, (2 - 0.2) / 5 + 0.04, (1 - 0.2) / 5 + 0.04
    start = [1 / 3 * end, (2 - 2 / 3) / 2 + 1 / 3 * a, 1 / 3 * b]
    after_a = [1 / 9 + 2 / 3 * p for p in (end, a, b)]
    after_b = [1 / 3 + 2 / 3 * end, 2 / 3 * a, 2 / 3 * b]
    assert tiny(2, "kneser-ney").probabilities(ROWS) == pytest.approx(np.array([start, after_a, after_b]))


def test_the_famous_number_of_the_bigram(names):
    """2.454 nats per character: maximum likelihood on its own training names."""
    tokenizer = CharacterTokenizer(names.alphabet)
    model = count(names, 2, "mle")
    loss = evaluate(model, names.part("train"), tokenizer)
    assert round(loss.nll, 3) == 2.454
    assert loss.unseen == 0
    # The same from the table alone: the mean of -ln p over all pairs, each as often as it was counted.
    pairs = model.table()
    p = pairs / pairs.sum(axis=1, keepdims=True)
    assert loss.nll == pytest.approx(-np.sum(pairs[pairs > 0] * np.log(p[pairs > 0])) / pairs.sum())
    assert loss.predictions == pairs.sum() == sum(len(name) + 1 for name in names.part("train"))


@pytest.mark.parametrize("order", [3, 5, 8])
def test_the_table_of_pairs_is_the_same_for_every_order(names_indian, order):
    assert (count(names_indian, order).table() == count(names_indian, 2).table()).all()


def test_a_unigram_has_no_table_of_pairs(refused, names_indian):
    with refused("Choose order 2 or more"):
        count(names_indian, 1).table()


# --- lessons --------------------------------------------------------------------------------------------


def test_more_context_always_helps_maximum_likelihood_on_its_own_training_names(names_indian):
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    losses = [evaluate(count(names_indian, n, "mle"), names_indian.part("train"), tokenizer).nll for n in range(1, 9)]
    assert losses == sorted(losses, reverse=True)
    assert len(set(losses)) == 8


def test_without_smoothing_held_out_names_are_soon_impossible_and_with_it_never(names_indian):
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    held_out = names_indian.part("validation")
    assert math.isinf(evaluate(count(names_indian, 4, "mle"), held_out, tokenizer).nll)
    for smoothing in ("add-k", "kneser-ney"):
        assert math.isfinite(evaluate(count(names_indian, 8, smoothing), held_out, tokenizer).nll)


def test_kneser_ney_does_not_overfit_where_add_k_does(names_indian):
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    held_out = names_indian.part("validation")
    loss = {s: evaluate(count(names_indian, 5, s), held_out, tokenizer).nll for s in ("add-k", "kneser-ney")}
    assert loss["kneser-ney"] < loss["add-k"] - 0.1


def test_an_infinite_loss_names_the_pair():
    model = tiny(2, "mle")
    tokenizer = CharacterTokenizer("ab")
    loss = evaluate(model, ["ab", "abb"], tokenizer)
    assert math.isinf(loss.nll)
    assert loss.infinite_at == {"document": "abb", "after": "b", "next": "b"}
    assert loss.to_json()["nll"] is None
    assert evaluate(model, ["aab"], tokenizer).infinite_at is None


def test_an_infinite_loss_names_as_many_letters_as_the_model_sees():
    model = Ngram(NgramConfig(3, "mle"), count_ngrams(["abc"], CharacterTokenizer("abc"), 3))
    loss = evaluate(model, ["abb"], CharacterTokenizer("abc"))
    assert loss.infinite_at == {"document": "abb", "after": "ab", "next": "b"}


@pytest.mark.parametrize("smoothing", ["mle", "add-k"])
def test_an_unseen_context_is_uniform_and_counted(smoothing):
    tokenizer = CharacterTokenizer("abc")
    model = Ngram(NgramConfig(3, smoothing), count_ngrams(["ab"], tokenizer, 3))
    ids = torch.tensor([[0, 1, 2, 3, 3, 1]])  # . a b are known pairs; bc, cc, ca are not, and nothing follows b-end
    assert model.unseen(ids).tolist() == [[False, False, False, True, True, True]]
    logits = model.logits(ids)[0, 3:]
    assert logits.numpy() == pytest.approx(math.log(1 / 4))
    loss = evaluate(model, ["cc"], tokenizer)
    assert loss.unseen == 2  # after .c and after cc; the start itself is known


def test_a_context_that_only_ever_ended_a_document_is_unseen():
    tokenizer = CharacterTokenizer("ab")
    model = Ngram(NgramConfig(2, "mle"), count_ngrams(["a"], tokenizer, 2))
    assert model.probabilities(np.array([[2]])).tolist() == [[1 / 3] * 3]
    longer = Ngram(NgramConfig(3, "mle"), count_ngrams(["a"], tokenizer, 3))
    assert longer.probabilities(np.array([[1, 0]])).tolist() == [[1 / 3] * 3]


def test_kneser_ney_answers_an_unseen_context_with_the_longest_one_it_knows(names_indian):
    model = count(names_indian, 4, "kneser-ney")
    shorter = Brute(names_indian.part("train"), CharacterTokenizer(names_indian.alphabet), 4, "kneser-ney", 0)
    strange = np.array([[25, 25, 1]])
    assert model.counts.rows(strange) == [-1]
    expected = [shorter.kneser_ney((25, 1), token, 3) for token in range(model.vocab_size)]
    assert model.probabilities(strange)[0] == pytest.approx(np.array(expected))


def test_k_and_order_and_smoothing_each_change_the_answer(names_indian):
    ids = torch.tensor([[0, 1, 14]])
    base = count(names_indian, 3, "add-k", k=0.1).logits(ids)
    for other in (
        count(names_indian, 2, "add-k", k=0.1),
        count(names_indian, 3, "add-k", k=2.0),
        count(names_indian, 3, "kneser-ney"),
    ):
        assert not torch.allclose(base, other.logits(ids))


def test_as_k_grows_the_table_forgets_what_it_counted(names_indian):
    row = np.array([[1]])
    p = [count(names_indian, 2, "add-k", k=k).probabilities(row)[0] for k in (1e-9, 1.0, 1000.0)]
    assert p[0] == pytest.approx(count(names_indian, 2, "mle").probabilities(row)[0], abs=1e-6)
    assert np.abs(p[2] - 1 / 26).max() < np.abs(p[1] - 1 / 26).max()


def test_a_model_can_be_counted_on_another_side(names_indian):
    held_out = count(names_indian, 2, part="validation").table()
    assert held_out.sum() == sum(len(name) + 1 for name in names_indian.part("validation"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"order": 0}, "Order 0 is out of range"),
        ({"order": 9}, "Order 9 is out of range"),
        ({"smoothing": "magic"}, "'magic' is unknown"),
        ({"k": 0.0}, "k is 0"),
        ({"k": -1.0}, "k is -1"),
        ({"k": math.nan}, "k is nan"),
        ({"k": math.inf}, "k is inf"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(refused, options, said):
    with refused(said):
        NgramConfig(**options)


def test_k_has_no_meaning_for_the_others_and_is_not_checked_there():
    assert NgramConfig(2, "mle", k=0.0).k == NgramConfig(2, "kneser-ney", k=0.0).k == 0.0
