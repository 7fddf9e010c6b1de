"""What the level Count asks of a worker: pages of a large table, rolls, beginnings."""

import numpy as np
import pytest

from lmlab.errors import LabError
from lmlab.jobs import calls
from lmlab.jobs.calls import corpus
from lmlab.models.ngram import count
from lmlab.tokenizers.characters import CharacterTokenizer

LETTERS = ".abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def shelf():
    return calls.Shelf()


def test_a_page_of_a_long_table_holds_the_rows_of_its_context(shelf):
    page = corpus.count_table(shelf, "names", order=4, smoothing="mle", before="zem")
    train = shelf.corpus("names").part("train")
    assert page["before"] == [LETTERS.index("e"), LETTERS.index("m")]
    for last, follows in (("m", "a"), ("i", "l"), ("a", ".")):
        gram = ("em" + last + follows).replace(".", "\n")
        often = sum((name + "\n")[i:].startswith(gram) for name in train for i in range(len(name)))
        assert page["counts"][LETTERS.index(last), LETTERS.index(follows)] == often > 0
    row = page["counts"][LETTERS.index("m")]
    assert page["probabilities"][LETTERS.index("m")] == pytest.approx(row / row.sum())


def test_a_short_beginning_is_the_beginning_of_a_name(shelf):
    page = corpus.count_table(shelf, "names", order=4, before="e")
    assert page["before"] == [0, LETTERS.index("e")]
    names = [name for part in ("train",) for name in shelf.corpus("names").part(part)]
    row, column = LETTERS.index("m"), LETTERS.index("m")
    assert page["counts"][row, column] == sum(name.startswith("emm") for name in names)


def test_order_one_is_a_single_row_and_counts_every_letter(shelf):
    page = corpus.count_table(shelf, "names", order=1, smoothing="mle")
    assert page["counts"].shape == (1, 27)
    assert page["counts"].sum() == page["pairs"]
    assert page["pairs"] == sum(len(name) + 1 for name in shelf.corpus("names").part("train"))


def test_the_held_out_counts_belong_to_the_held_out_names(shelf):
    page = corpus.count_table(shelf, "names")
    held_out = shelf.corpus("names").part("validation")
    n = LETTERS.index("n")
    assert page["held_out"][n, 0] == sum(name.endswith("n") for name in held_out)


@pytest.mark.parametrize("gram", ["emma", "..em", "ia.", "q", "."])
def test_names_with_a_longer_gram_really_hold_it(shelf, gram):
    found = corpus.names_with(shelf, "names", [LETTERS.index(letter) for letter in gram])
    shown = gram.replace("..", ".")
    assert found["names"]
    for name, begin, end in found["names"]:
        assert f".{name}."[begin:end] == shown
    assert found["total"] == sum(shown in f"{'.' * len(gram)}{n}." for n in shelf.corpus("names").part("train"))


def test_a_hundred_rolls_come_near_the_row_and_the_seed_repeats_them(shelf):
    rolled = corpus.roll_often(shelf, "names", prefix="n", n=1000, seed=3)
    assert rolled == corpus.roll_often(shelf, "names", prefix="n", n=1000, seed=3)
    assert rolled["tokens"] != corpus.roll_often(shelf, "names", prefix="n", n=1000, seed=4)["tokens"]
    observed = np.bincount(rolled["tokens"], minlength=27) / 1000
    assert np.abs(observed - rolled["p"]).max() < 0.05
    line = np.cumsum(rolled["p"])
    for u, token in zip(rolled["u"], rolled["tokens"], strict=True):
        assert line[token] - rolled["p"][token] <= u < line[token]


def test_a_bigram_has_no_memory_and_a_trigram_has_some(shelf):
    texts = ("emma", "xqza")
    two = corpus.beginnings(shelf, "names", texts, order=2)
    assert two["contexts"] == ["a", "a"]
    assert np.array_equal(*two["probabilities"])
    three = corpus.beginnings(shelf, "names", texts, order=3)
    assert three["contexts"] == ["ma", "za"]
    assert np.abs(np.subtract(*three["probabilities"])).max() > 0.05
    five = corpus.beginnings(shelf, "names", texts, order=5)
    assert five["unseen"] == [False, True]
    assert five["probabilities"][1] == pytest.approx([1 / 27] * 27)


def test_the_row_after_q_is_the_easiest_and_the_start_the_hardest(shelf):
    rows = sorted(corpus.row_surprise(shelf, "names"), key=lambda row: row[1])
    assert rows[0][0] == "q"
    assert rows[-1][0] == "."


def test_kept_models_name_their_parent_and_score_what_the_sweep_says(shelf, tmp_path, monkeypatch):
    monkeypatch.setenv("LMLAB_HOME", str(tmp_path))
    card = corpus.keep_count(shelf, "f" * 32, "names", order=3, smoothing="kneser-ney", parent="plain-finch")
    assert card["parent"] == "plain-finch"
    row = corpus.sweep(shelf, "names", "kneser-ney")[2]
    assert card["metrics"]["validation"]["nll"] == row["validation"]["nll"]


def test_the_sweep_counts_what_could_be_and_what_is(shelf):
    rows = corpus.sweep(shelf, "names")
    assert rows[-1]["possible"] == 27**8 == 282_429_536_481
    loaded = shelf.corpus("names")
    model = count(loaded, 3, tokenizer=CharacterTokenizer(loaded.alphabet))
    assert rows[2]["grams"] == (model.counts.levels[-1].counts > 0).sum()


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda shelf: corpus.count_table(shelf, "names", order=3, before="é"), "not in the vocabulary"),
        (lambda shelf: corpus.names_with(shelf, "names", ()), "no cell"),
        (lambda shelf: corpus.cell_sum(shelf, "names", (1, 2, 3)), "no cell"),
        (lambda shelf: corpus.cell_sum(shelf, "names", (1, 99)), "no cell"),
        (lambda shelf: corpus.roll_often(shelf, "names", n=0), "choose 1 to"),
        (lambda shelf: corpus.roll_often(shelf, "names", seed=-1), "positive whole"),
        (lambda shelf: corpus.beginnings(shelf, "names", ["é"]), "not in the vocabulary"),
    ],
)
def test_bad_questions_get_a_sentence(shelf, ask, sentence):
    with pytest.raises(LabError, match=sentence):
        ask(shelf)
