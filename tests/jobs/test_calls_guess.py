"""What a worker tells the guessing game."""

import math

import numpy as np
import pytest

from lmlab.data.corpus import load_corpus
from lmlab.evaluation.loss import evaluate, surprisal
from lmlab.jobs import calls
from lmlab.jobs.calls import guess
from lmlab.models.ngram import count
from lmlab.runs.cards import BUNDLED
from lmlab.tokenizers.characters import CharacterTokenizer


@pytest.fixture(scope="module")
def shelf():
    return calls.Shelf()


@pytest.fixture(scope="module")
def heron(shelf):
    return shelf.run(str(BUNDLED / "calm-heron"))


def test_the_keys_are_the_corpus_alphabet(shelf, names_indian):
    assert "".join(guess.game(shelf, "names")["letters"]) == "abcdefghijklmnopqrstuvwxyz"
    found = guess.game(shelf, "names_indian")
    assert found["letters"] == names_indian.alphabet
    assert found["names"] == len(names_indian.part("validation"))


def test_only_held_out_names_are_hidden(shelf, names):
    held_out = names.part("validation")
    found = guess.hidden(shelf, "names", [0, 7, len(held_out) - 1])
    assert [each["name"] for each in found] == [held_out[0], held_out[7], held_out[-1]]


def test_what_the_models_expect_is_what_they_pay(shelf, names, heron):
    """The surprise of each letter, read off the rows, is that of `surprisal`: one row a letter, the end last."""
    each = guess.hidden(shelf, "names", [11])[0]
    name, letters = each["name"], guess.game(shelf, "names")["letters"]
    answers = [*(letters.index(letter) for letter in name), len(letters)]
    tokenizer = CharacterTokenizer(names.alphabet)
    rows = {order: (each["models"][order], count(names, order, "add-k", 0.1)) for order in guess.ORDERS}
    rows["heron"] = (guess.expectations(shelf, heron, [name], letters)[0], heron.model)
    for p, model in rows.values():
        assert np.allclose(np.sum(p, axis=1), 1)
        paid = [-math.log(row[answer]) for row, answer in zip(p, answers, strict=True)]
        assert paid == pytest.approx(surprisal(model, name, tokenizer), rel=1e-4)


def test_the_places_together_are_the_loss_on_the_ruler(shelf, names):
    found = guess.places(shelf, "names")
    tokenizer = CharacterTokenizer(names.alphabet)
    for order in guess.ORDERS:
        model = count(names, order, "add-k", 0.1)
        assert found["models"][order]["mean"] == pytest.approx(
            evaluate(model, names.part("validation"), tokenizer).nll
        )
    four = found["models"][4]
    assert four["first"] > four["middle"] > four["end"]  # what the level's question is about


def test_names_with_letters_that_have_no_key_are_left_out(shelf, tmp_path):
    """Of a hundred letters the 59 most frequent have a key; names are played only where every letter has one."""
    many = [chr(0x4E00 + i) for i in range(100)]
    lines = [letter * 2 for letter in many] + [many[i % 40] + many[(i + 7) % 40] + many[i % 13] for i in range(400)]
    path = tmp_path / "many.txt"
    path.write_text("\n".join(lines), "utf-8")
    about = guess.game(shelf, str(path))
    assert len(about["letters"]) == guess.MOST_KEYS - 1
    assert about["alphabet"] == 100
    indices = list(range(min(about["names"], guess.MOST_NAMES)))
    held_out = load_corpus(str(path)).part("validation")
    found = {each["name"] for each in guess.hidden(shelf, str(path), indices)}
    assert found == {held_out[i] for i in indices if set(held_out[i]) <= set(about["letters"])}


def test_what_cannot_be_played_is_refused(shelf, heron, refused):
    with refused("The game hides names"):
        guess.game(shelf, "shakespeare")
    with refused("at most 50 can be drawn"):
        guess.hidden(shelf, "names", [10**6])
    with refused("at most 50 can be drawn"):
        guess.hidden(shelf, "names", list(range(51)))
    with refused("At most 50 names"):
        guess.expectations(shelf, heron, ["a" * 61], ["a"])
    with refused("not in the vocabulary"):
        guess.expectations(shelf, heron, ["é"], ["é"])


def test_the_questions_are_registered():
    assert set(guess.QUESTIONS) <= set(calls.ABOUT_A_CORPUS)
    assert set(guess.MODEL_QUESTIONS) <= set(calls.ABOUT_A_MODEL)
