"""What the level Sample asks a worker."""

import json
import math
import pickle
from dataclasses import replace

import pytest
import torch

from lmlab.errors import LabError
from lmlab.evaluation.loss import surprisal
from lmlab.generation.generate import generate
from lmlab.generation.sampling import Sampling
from lmlab.jobs import calls
from lmlab.jobs.calls import model, sampling
from lmlab.models.ngram import Ngram, NgramConfig, count_ngrams
from lmlab.runs.cards import BUNDLED
from lmlab.runs.store import Run
from lmlab.tokenizers.characters import CharacterTokenizer

RULES = {"temperature": 0.8, "top_p": 0.9}
LIMIT = 25  # of the bundled names


@pytest.fixture(scope="module")
def shelf():
    return calls.Shelf()


@pytest.fixture(scope="module", params=["plain-finch", "calm-heron"])
def run(request, shelf):
    return shelf.run(str(BUNDLED / request.param))


@pytest.fixture(scope="module")
def certain():
    """Without smoothing "q" is impossible after everything that was counted."""
    tokenizer = CharacterTokenizer("abcdefghijklmnopqrstuvwxyz")
    return Run(Ngram(NgramConfig(2, "mle"), count_ngrams(["anna", "ab"], tokenizer, 2)), tokenizer, {})


def logits_of(step) -> torch.Tensor:
    import base64

    return torch.frombuffer(bytearray(base64.b64decode(step["z"])), dtype=torch.float32)


def test_a_word_is_a_row_of_the_names_that_are_rolled(shelf, run):
    made = generate(
        run.model, run.tokenizer, 5, Sampling(**RULES), prefix="em", limit=LIMIT, seed=9, likeliest_first=True
    )
    for row, sample in enumerate(made):
        found = sampling.word(shelf, run, "names", prefix="Em", row=row, seed=9, **RULES)
        assert (found["text"], found["ended"], found["given"]) == (sample.text, sample.ended, 2)
        assert sum(step["nats"] for step in found["steps"][2:]) == pytest.approx(sample.nats, rel=1e-4)
        assert [step["id"] for step in found["steps"][2:]] == sample.ids
        assert [step["u"] is None for step in found["steps"][:2]] == [True, True]


def test_a_word_has_the_logits_behind_each_letter(shelf, run):
    found = sampling.word(shelf, run, "names", seed=3)
    ids = [0]
    for step in found["steps"]:
        with torch.inference_mode():
            expected, _ = run.model.next(torch.tensor([ids]))
        assert torch.allclose(logits_of(step), expected[0], atol=1e-5)
        ids.append(step["id"])
    nats = surprisal(run.model, found["text"], run.tokenizer)
    assert [step["nats"] for step in found["steps"]] == pytest.approx(nats, abs=1e-4)


def test_what_stands_stays_and_the_rest_keeps_its_dice(shelf, run):
    first = sampling.word(shelf, run, "names", seed=3, **RULES)
    stand = [step["id"] for step in first["steps"][:2]]
    again = sampling.word(shelf, run, "names", stand=stand, seed=3, **RULES)
    assert [step["id"] for step in again["steps"]] == [step["id"] for step in first["steps"]]
    assert [step["u"] for step in again["steps"][2:]] == [step["u"] for step in first["steps"][2:]]
    other = sampling.word(shelf, run, "names", stand=stand, seed=3, row=1, **RULES)
    assert [step["id"] for step in other["steps"][:2]] == stand
    assert other["steps"][2]["u"] != first["steps"][2]["u"]


def test_an_end_that_was_chosen_ends_the_word(shelf, run):
    found = sampling.word(shelf, run, "names", stand=[5, 0])
    assert (found["text"], found["ended"], len(found["steps"])) == ("e", True, 2)


def test_an_impossible_letter_has_no_number(shelf, certain):
    found = sampling.word(shelf, certain, "names", stand=[17])
    assert found["steps"][0]["nats"] is None
    assert found["text"].startswith("q")
    json.dumps(calls.plain(found), allow_nan=False)


def test_of_a_large_vocabulary_only_the_step_looked_at_is_sent(shelf, run, monkeypatch):
    monkeypatch.setattr(sampling, "MOST_NUMBERS", 30)
    found = sampling.word(shelf, run, "names", seed=3, at=1)
    assert [step["z"] is None for step in found["steps"]][:3] == [True, False, True]


def test_the_branches_are_probabilities_and_their_products(shelf, run):
    found = sampling.tree(shelf, run, [13, 1], **RULES)
    assert found["begin"] == "ma"

    def check(node):
        assert sum(child["p"] for child in node["children"]) <= 1 + 1e-9
        likely = [child["p"] for child in node["children"]]
        assert likely == sorted(likely, reverse=True)
        for child in node["children"]:
            assert child["path"] == pytest.approx(node["path"] * child["p"])
            assert child["ids"] == [*node["ids"], child["id"]]
            assert not (child["id"] == 0 and child["children"])
            check(child)

    check(found["root"])
    about = model.distribution(shelf, run, prefix="ma", **RULES)
    top = max(about["p_final"])
    assert found["root"]["children"][0]["p"] == pytest.approx(top, abs=1e-5)
    assert found["best"]["p"] >= found["greedy"]["p"] - 1e-12


def test_greedy_leaves_one_branch(shelf, run):
    found = sampling.tree(shelf, run, temperature=0.0)
    assert [child["p"] for child in found["root"]["children"]] == [1.0]
    assert found["greedy"] == found["best"]


def test_names_at_a_temperature_are_counted_as_they_are(shelf, run):
    found = sampling.at_temperature(shelf, run, "names", 0.5, n=40, seed=5)
    made = model.samples(shelf, run, "names", n=40, temperature=0.5, seed=5, likeliest_first=True)
    texts = [sample["text"] for sample in made["samples"]]
    assert found["known"] == sum(sample["novelty"] == "training" for sample in made["samples"]) / 40
    assert found["length"] == sum(map(len, texts)) / 40
    usual = sampling.reference(shelf.corpus("names"))
    nats = sum(sum(surprisal(usual.model, text, usual.tokenizer)) for text in texts)
    assert found["nats"] == pytest.approx(nats / sum(len(text) + 1 for text in texts))
    assert made["first"] == [sum((text[:1] or ".") == symbol for text in texts) for symbol in run.tokenizer.symbols]


def test_hot_names_are_new_and_odd(shelf, run):
    cold, hot = (sampling.at_temperature(shelf, run, "names", t) for t in (0.5, 2.0))
    assert cold["known"] > hot["known"]
    assert cold["nats"] < hot["nats"]


def test_the_usual_names_are_the_held_out_ones(shelf):
    usual = sampling.usual_names(shelf, "names")
    assert usual["nats"] == pytest.approx(2.03, abs=0.01)
    assert 6 < usual["length"] < 7


def test_the_temperature_for_a_half_gives_a_half(shelf, run):
    found = sampling.temperature_for(shelf, run, 0.5)
    about = model.distribution(shelf, run, temperature=found["temperature"])
    assert about["p_final"][found["id"]] == pytest.approx(0.5, abs=1e-4)
    assert about["p"][found["id"]] == pytest.approx(found["usual"], abs=1e-5)
    assert about["symbols"][found["id"]] == found["symbol"]


def test_no_temperature_separates_equals(shelf):
    tokenizer = CharacterTokenizer("ab")
    equal = Run(Ngram(NgramConfig(2, "mle"), count_ngrams(["ab", "ba"], tokenizer, 2)), tokenizer, {})
    assert sampling.temperature_for(shelf, equal, 0.6)["temperature"] is None


def test_the_lectures_logits_by_hand(shelf):
    rows = sampling.shares(shelf, [2.0, 1.0, 0.5, 0.1])["p"]
    assert [[round(p, 4) for p in row] for row in rows] == [
        [0.8282, 0.1121, 0.0412, 0.0185],
        [0.5745, 0.2114, 0.1282, 0.0859],
        [0.4056, 0.2460, 0.1916, 0.1569],
    ]


def test_rolls_of_logits_follow_the_dice_and_the_rules(shelf):
    found = sampling.roll_logits(shelf, [2.0, 1.0, 0.5, 0.1], row=2, n=1000, seed=1, top_k=3)
    assert sum(found["counts"]) == 1000
    assert found["counts"][3] == 0
    assert found["p_final"] == pytest.approx([0.6285, 0.2312, 0.1402, 0], abs=1e-4)
    for count, p in zip(found["counts"], found["p_final"], strict=True):
        assert abs(count - 1000 * p) <= 4 * math.sqrt(1000 * p * (1 - p))
    again = sampling.roll_logits(shelf, [2.0, 1.0, 0.5, 0.1], row=2, n=10, seed=1, top_k=3)
    assert (again["u"], again["id"]) == (found["u"], found["id"])


def test_the_answers_are_plain_data(shelf, run):
    for value in (
        sampling.word(shelf, run, "names"),
        sampling.tree(shelf, run),
        sampling.at_temperature(shelf, run, "names", n=5),
        sampling.temperature_for(shelf, run),
        sampling.roll_logits(shelf, [1.0, 2.0]),
        sampling.usual_names(shelf, "names"),
    ):
        assert b"torch" not in pickle.dumps(calls.plain(value))
        json.dumps(calls.plain(value), allow_nan=False)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda shelf, run: sampling.word(shelf, run, "names", prefix="é"), "not in the vocabulary"),
        (lambda shelf, run: sampling.word(shelf, run, "names", stand=[99]), "no token"),
        (lambda shelf, run: sampling.word(shelf, run, "names", stand=["<b>"]), "no token"),
        (lambda shelf, run: sampling.word(shelf, run, "names", stand=[0, 1]), "after its end"),
        (lambda shelf, run: sampling.word(shelf, run, "names", stand=[1] * 99), "shorten it"),
        (lambda shelf, run: sampling.word(shelf, run, "names", row=-1), "Take new dice"),
        (lambda shelf, run: sampling.word(shelf, run, "names", row=10**9), "Take new dice"),
        (lambda shelf, run: sampling.word(shelf, run, "names", seed=-1), "choose 0 or"),
        (lambda shelf, run: sampling.word(shelf, run, "names", temperature=-1), "choose 0"),
        (lambda shelf, run: sampling.tree(shelf, run, [0]), "after its end"),
        (lambda shelf, run: sampling.tree(shelf, run, deep=9), "too large"),
        (lambda shelf, run: sampling.at_temperature(shelf, run, "names", n=10**6), "choose 1 to"),
        (lambda shelf, run: sampling.temperature_for(shelf, run, 1.0), "less than 1"),
        (lambda shelf, run: sampling.shares(shelf, [1.0]), "choose 2 to"),
        (lambda shelf, run: sampling.shares(shelf, [1.0, math.nan]), "out of range"),
        (lambda shelf, run: sampling.shares(shelf, [1.0, math.inf]), "out of range"),
        (lambda shelf, run: sampling.roll_logits(shelf, [1.0, 2.0], row=10**9), "Take new dice"),
    ],
)
def test_wrong_questions_get_a_sentence(shelf, run, ask, sentence):
    with pytest.raises(LabError, match=sentence):
        ask(shelf, run)


def test_a_model_that_only_places_tokens_cannot_be_rolled(shelf, run):
    mute = replace(run, model=object())
    for ask in (sampling.word, sampling.at_temperature):
        with pytest.raises(LabError, match="cannot write"):
            ask(shelf, mute, "names")
