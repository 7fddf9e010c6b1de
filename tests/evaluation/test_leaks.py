"""A careless split leaks, ours does not, and the leak flatters those who remember."""

import json
from collections import Counter

import pytest

from lmlab.data.corpus import FILES, load_corpus, text_corpus
from lmlab.evaluation.leaks import leak_effect, leak_report, leaky_corpus, without_leaks
from lmlab.evaluation.loss import evaluate
from lmlab.models.ngram import count
from lmlab.tokenizers.characters import CharacterTokenizer


@pytest.fixture(scope="module")
def lines():
    return (FILES / "names.txt").read_text("utf-8").splitlines()


@pytest.fixture(scope="module")
def leaky(lines):
    return leaky_corpus(lines, seed=0)


@pytest.fixture(scope="module")
def tokenizer(leaky):
    return CharacterTokenizer(leaky.alphabet)


def test_a_careless_split_keeps_every_line_once_in_another_order(lines, leaky):
    assert Counter(leaky.texts) == Counter(lines)
    assert leaky.texts != lines
    assert leaky.split == {"train": 25_977, "validation": 3_247, "test": 3_248}


def test_the_dice_decide_and_nothing_else(lines):
    a, b, other = (leaky_corpus(lines[:500], seed) for seed in (1, 1, 2))
    assert (a.texts, a.sides, a.sha256) == (b.texts, b.sides, b.sha256)
    assert a.texts != other.texts
    assert a.sha256 != other.sha256


def test_lines_are_cleaned_as_ever(refused):
    corpus = leaky_corpus([" Ada ", "", "x" * 101] + ["Grace"] * 9)
    assert sorted(corpus.texts) == ["ada"] + ["grace"] * 9
    assert (corpus.report.lines, corpus.report.kept, corpus.report.empty, corpus.report.too_long) == (12, 10, 1, 1)
    with refused("9 usable lines"):
        leaky_corpus(["ada"] * 9)


@pytest.mark.parametrize("seed", range(5))
def test_one_held_out_name_in_eight_leaks(lines, seed):
    report = leak_report(lines, seed)
    assert 0.12 < report.share < 0.135
    assert (report.total, report.repeated) == (32_472, 2_559)


def test_the_report_counts_by_hand():
    corpus = leaky_corpus([str(number) for number in range(15)] + ["0", "1", "2", "3", "4"], seed=2)
    train = corpus.part("train")
    leaked = [name for part in ("validation", "test") for name in corpus.part(part) if name in train]
    report = leak_report(corpus)
    assert len(leaked) == 3
    assert (report.total, report.distinct, report.repeated, report.held_out) == (20, 15, 5, 4)
    assert (report.leaked, report.share) == (len(leaked), len(leaked) / 4)
    assert list(report.examples) == list(dict.fromkeys(leaked))
    json.dumps(report.to_json(), allow_nan=False)


@pytest.mark.parametrize("name", ["names", "names_indian"])
def test_our_own_corpora_do_not_leak(name):
    report = leak_report(load_corpus(name))
    assert (report.leaked, report.share, report.repeated, report.examples) == (0, 0.0, 0, ())
    assert report.held_out > 200


def test_a_text_leaks_long_lines_only():
    long, short = "to be, or not to be, that is the question", "Ay, my lord."
    filler = [f"line {number} of a text that says nothing" for number in range(100)]
    text = "\n".join([long, short, *filler, f"  {long} ", short])
    report = leak_report(text_corpus(text))
    assert (report.leaked, report.examples) == (1, (long,))
    assert report.repeated == 1
    assert "lines of 20 or more characters" in report.sentence()
    assert leak_report(text_corpus("\n".join([short] * 50))).held_out == 0


def test_taking_the_leak_away_leaves_the_exam_as_it_was(leaky):
    sealed = without_leaks(leaky)
    assert leak_report(sealed).leaked == 0
    assert sealed.part("validation") == leaky.part("validation")
    assert sealed.part("test") == leaky.part("test")
    held_out = set(leaky.part("validation") + leaky.part("test"))
    assert sealed.part("train") == [name for name in leaky.part("train") if name not in held_out]
    assert sealed.sha256 != leaky.sha256


def test_a_leak_flatters_the_model_that_remembers(leaky, tokenizer):
    model = count(leaky, 5, "kneser-ney", tokenizer=tokenizer)
    effect = leak_effect(model, leaky, tokenizer)
    assert effect.leaked.nll == pytest.approx(1.673, abs=0.001)
    assert effect.clean.nll == pytest.approx(2.047, abs=0.001)
    assert effect.all.nll == pytest.approx(2.002, abs=0.001)
    # Most of the gap is the leak: had it not read them, the same names would have cost it nearly as much as others.
    honest = leak_effect(count(without_leaks(leaky), 5, "kneser-ney", tokenizer=tokenizer), leaky, tokenizer)
    assert honest.leaked.nll == pytest.approx(1.990, abs=0.001)
    assert abs(honest.clean.nll - effect.clean.nll) < 0.01
    assert honest.all.nll - effect.all.nll == pytest.approx(0.041, abs=0.001)


def test_the_more_a_model_can_remember_the_more_it_gains(leaky, tokenizer):
    gains = []
    for order, smoothing in ((1, "add-k"), (2, "add-k"), (3, "add-k"), (5, "kneser-ney")):
        read, not_read = (
            count(side, order, smoothing, tokenizer=tokenizer) for side in (leaky, without_leaks(leaky))
        )
        effects = [leak_effect(model, leaky, tokenizer) for model in (read, not_read)]
        gains.append(effects[1].leaked.nll - effects[0].leaked.nll)
    assert gains == sorted(gains)
    assert gains[0] < 0.002
    assert gains[-1] > 0.3


def test_the_parts_make_the_whole(leaky, tokenizer):
    model = count(leaky, 3, tokenizer=tokenizer)
    for part in ("validation", "test"):
        effect = leak_effect(model, leaky, tokenizer, part)
        whole = evaluate(model, leaky.part(part), tokenizer)
        assert effect.all == whole
        assert effect.leaked.nats + effect.clean.nats == pytest.approx(whole.nats, rel=1e-12)
        assert effect.leaked.predictions + effect.clean.predictions == whole.predictions
        assert effect.documents_leaked + effect.documents_clean == len(leaky.part(part))
        json.dumps(effect.to_json(), allow_nan=False)


def test_a_network_can_be_asked_too(shaken, names_indian):
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    corpus = leaky_corpus(names_indian.texts * 2, seed=0)
    model = shaken("mlp", {"d_hidden": 8}, tokenizer.vocab_size)
    effect = leak_effect(model, corpus, tokenizer)
    assert effect.leaked.nats + effect.clean.nats == pytest.approx(effect.all.nats, rel=1e-6)
    # It has read nothing at all, so what leaked is as new to it as the rest.
    assert effect.leaked.nll == pytest.approx(effect.clean.nll, rel=0.1)


def test_without_a_leak_there_is_nothing_to_gain(names_indian):
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    effect = leak_effect(count(names_indian, 3, tokenizer=tokenizer), names_indian, tokenizer)
    assert (effect.documents_leaked, effect.leaked) == (0, None)
    assert effect.all == effect.clean


def test_an_infinite_loss_stays_named(leaky, tokenizer):
    effect = leak_effect(count(leaky, 5, "mle", tokenizer=tokenizer), leaky, tokenizer)
    assert effect.leaked.infinite_at is None  # it has read them: nothing in them is impossible
    assert effect.all.infinite_at is not None
    assert effect.clean.infinite_at is not None
    json.dumps(effect.to_json(), allow_nan=False)


def test_one_long_text_is_refused(refused):
    corpus = text_corpus("to be or not to be, that is the question")
    with refused("one long text"):
        leak_effect(None, corpus, CharacterTokenizer(corpus.alphabet))
