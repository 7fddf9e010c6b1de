"""What the level Count says and sends, without a browser."""

import json
import os

import numpy as np
import pytest

from lmlab.errors import LabError
from lmlab.jobs.calls import Shelf, corpus
from lmlab.ui.corpora import MOST_OWN, keep_newest, own_folder, report_trees, save_own_corpus
from lmlab.ui.counting import (
    ALPHABET,
    Asked,
    cell_sums,
    drawn_told,
    gram_of,
    hardest_told,
    losses_trees,
    order_told,
    prefix_of,
    questions,
    stop_told,
    where_infinite,
)
from lmlab.ui.roll_panel import die_trees, often_said, rolled_value, seed_of
from lmlab.ui.widgets.pairs import most_frequent, pairs_value, with_others

OWNER = "a" * 32


@pytest.fixture(scope="module")
def shelf():
    return Shelf()


@pytest.fixture(scope="module")
def pairs(shelf):
    return corpus.count_table(shelf, "names", 2, "mle", 0.0)


def text_of(tree):
    return tree if isinstance(tree, str) else "".join(text_of(part) for part in tree if isinstance(part, str | list))


# --- values of the widgets ---------------------------------------------------------------------------------


def test_the_table_that_is_sent_is_the_table_that_was_counted(pairs):
    value = json.loads(json.dumps(pairs_value(pairs, 2, (14, 0), "count", "key"), allow_nan=False))
    assert value["counts"] == pairs["counts"].tolist()
    assert np.allclose(value["p"], pairs["probabilities"], rtol=1e-6)
    assert value["locked"] == [14, 0]
    assert value["rowNames"][0] == "the start"
    assert value["complete"]


def test_a_large_alphabet_keeps_its_sums():
    wide = np.random.default_rng(0).integers(0, 50, size=(90, 90))
    kept = most_frequent(wide)
    often = wide.sum(axis=0) + wide.sum(axis=1)
    assert len(kept) == 60
    assert kept[0] == 0
    assert min(often[kept[1:]]) >= max(often[i] for i in range(90) if i not in kept)
    assert (with_others(wide, kept).sum(axis=1) == wide.sum(axis=1)).all()


def test_a_guess_is_drawn_on_the_row_it_was_made_for(pairs):
    guess = {"row": "n", "shares": {".": 0.2}}
    value = pairs_value(pairs, 2, (14, 0), "count", "key", guess=guess)
    assert value["guess"]["row"] == 14
    assert value["guess"]["shares"] == [0.2] + [None] * 26
    assert pairs_value(pairs, 2, (14, 0), "count", "key", guess={"row": "é", "shares": {}})["guess"] is None


def test_the_row_that_was_said_to_be_hardest_is_marked(pairs):
    def value(order, guess):
        return pairs_value(pairs, order, (0, 1), "count", "key", guess=guess)

    assert value(2, {"hardest": "u"})["guessedRow"] == pairs["symbols"].index("u")
    assert value(2, {"hardest": "."})["guessedRow"] == 0
    assert value(2, {"hardest": "u"})["guess"] is None
    for nowhere in (value(2, {"hardest": "é"}), value(1, {"hardest": "u"}), value(2, None)):
        assert nowhere["guessedRow"] is None


def texts(tree):
    return [tree] if isinstance(tree, str) else [text for part in tree[2:] for text in texts(part)]


def test_the_die_stands_as_a_table_with_its_sum_and_its_code():
    def words(*about, **more):
        return [text for tree in die_trees([".", "a", "b"], [0.2, 0.5, 0.3], *about, **more) for text in texts(tree)]

    waiting = words()
    for cell in ("the end", "20.00", "0.2000", "0.7000", "1.0000"):
        assert cell in waiting
    assert any("def choose" in text for text in waiting)
    assert any("0.2000 ≤ 0.610 < 0.7000: the number falls on a" in text for text in words(0.61, 1))
    often = words(often=[1] * 60 + [0] * 40)
    assert "expected of a: 100 · 0.5000 = 50.0; it came 60 times" in " ".join(often)
    assert "= 5.0" in " ".join(often)
    assert often.count("60") == 1


def test_where_the_table_is_sure_the_view_of_surprise_speaks_of_infinity(shelf, pairs):
    smoothed = corpus.count_table(shelf, "names")
    assert "∞" in pairs_value(pairs, 2, (0, 1), "surprise", "key")["look"]
    assert "∞" not in pairs_value(smoothed, 2, (0, 1), "surprise", "key")["look"]


# --- words -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("smoothing", "k", "last"),
    [
        ("mle", 0.0, "(count"),
        ("add-k", 0.1, "(4,826 + 0.1) / (13,678 + 0.1·27)"),
        ("kneser-ney", 0.0, "max(count − D"),
    ],
)
def test_the_sum_of_a_cell_comes_to_its_probability(shelf, smoothing, k, last):
    cell = corpus.cell_sum(shelf, "names", (14, 0), 2, smoothing, k)
    lines = cell_sums(cell, "n", "the end", {"smoothing": smoothing, "k": k})
    assert any(f"= {cell['p']:.4f}" in line for line in lines)
    assert smoothing == "mle" or any(last in line for line in lines)
    assert f"{-np.log(cell['p']):.3f} nats" in lines[-1]


def test_what_is_impossible_surprises_without_limit(shelf):
    cell = corpus.cell_sum(shelf, "names", (17, 11), 2, "mle", 0.0)  # q, then k
    assert cell["p"] == 0
    assert "∞" in cell_sums(cell, "q", "k", {"smoothing": "mle", "k": 0.0})[-1]


def test_losses_in_words_are_those_of_the_sweep(shelf, pairs):
    said = text_of(losses_trees(corpus.count_table(shelf, "names", 4), 4))
    assert f"{corpus.sweep(shelf, 'names')[3]['validation']['nll']:.3f}" in said
    assert "3.6 m a side" in said
    unsmoothed = text_of(losses_trees(pairs, 2))
    where = pairs["validation"]["infinite_at"]
    assert all(where[part] in unsmoothed for part in ("document", "after"))
    assert ("the end" if where["next"] == "." else where["next"]) in unsmoothed
    assert "∞" in unsmoothed


def test_before_all_is_counted_the_losses_say_of_what_they_are(pairs):
    """The table beside them holds six names by then."""
    said = text_of(losses_trees(pairs, 2, counted=False))
    assert f"Once all {pairs['names']:,} training names are counted" in said
    assert "Once all" not in text_of(losses_trees(pairs, 2))


def test_the_end_is_named_where_a_dot_would_look_like_a_full_stop():
    assert where_infinite({"infinite_at": {"document": "ivy", "after": ".ivy", "next": "."}})["next"] == "the end"


def test_the_gaps_are_what_the_counts_say(shelf, pairs):
    n = pairs["counts"][pairs["symbols"].index("n")]
    told = stop_told(pairs, 20)
    assert told.truth == pytest.approx(100 * n[0] / n.sum(), abs=0.01)
    assert f"{told.truth - 20:.1f} points more" in told.gap
    assert "points" not in stop_told(pairs, None).gap
    level = [100 / 27] * 27
    drawn = drawn_told(pairs, level)
    assert drawn.truth[ALPHABET.index("u")] == max(drawn.truth)
    assert sum(drawn.truth) == pytest.approx(100, abs=0.1)
    rows = corpus.row_surprise(shelf, "names")
    assert hardest_told(rows, "u").truth == "the start"
    assert "your u has" in hardest_told(rows, "u").gap
    sweep = corpus.sweep(shelf, "names")
    losses = [row["validation"]["nll"] for row in sweep]
    assert order_told(sweep, "8").truth == str(1 + losses.index(min(losses)))


def test_where_a_letter_never_came_there_is_no_truth(pairs):
    without = {**pairs, "symbols": [".", "x"], "counts": np.array([[0, 1], [1, 0]])}
    assert stop_told(without, 20).truth is None
    assert drawn_told(without, [100 / 27] * 27).truth is None


def test_each_answer_that_can_be_given_is_an_answer():
    for question in questions():
        assert question.later[0]
        assert question.checked(
            {"number": 20, "choice": (*question.options, "")[0], "drawing": [100 / 27] * 27}[question.kind]
        )


def test_a_row_that_nothing_follows_cannot_be_rolled(shelf):
    page = corpus.count_table(shelf, "names", 3, before="e")
    assert prefix_of(page, 3, 13) == "em"
    assert gram_of(page, 3, 13, 1) == (5, 13, 1)
    with pytest.raises(LabError, match="Nothing follows"):
        prefix_of(page, 3, 0)


@pytest.mark.parametrize("seed", [-1, 1.5, None, "7", 2**60, float("nan")])
def test_what_is_no_seed_gets_a_sentence(seed):
    with pytest.raises(LabError, match="no whole number"):
        seed_of(seed)


def test_what_was_rolled_is_said_with_its_numbers(shelf):
    made = corpus.roll_row(shelf, "names", seed=3)
    trace = made["samples"][0]["trace"]
    rolled = {
        "trace": trace,
        "at": 1,
        "prefix": "",
        "letters": ["", *ALPHABET[1:]],
        "symbols": ALPHABET,
        "novelty": "new",
    }
    value = rolled_value(rolled, "the start", 2)
    assert value["said"].startswith(f"{trace[0]['u']:.3f} lands on {ALPHABET[trace[0]['token']]}")
    assert value["verdict"] is None
    assert rolled_value({**rolled, "at": len(trace)}, "a", 2)["verdict"].startswith("new")
    often = corpus.roll_often(shelf, "names", prefix="n", n=100, seed=1)
    assert f"the end came {often['tokens'].count(0)} times" in often_said(ALPHABET, often)


@pytest.mark.parametrize("smoothing", ["", "ADD", None])
def test_a_smoothing_that_there_is_not_gets_a_sentence(smoothing):
    with pytest.raises(LabError, match="There is no smoothing"):
        Asked({"source": "names"}, 2, smoothing, -1)


# --- the visitor's own texts -------------------------------------------------------------------------------


def test_of_a_visitors_own_texts_the_newest_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("LMLAB_HOME", str(tmp_path))
    first = save_own_corpus("ada\ngrace\nalan", None, OWNER)["source"]
    os.utime(first, ns=(1, 1))
    for i in range(MOST_OWN):
        save_own_corpus(f"ada\ngrace\nalan{i}", None, OWNER)
    kept = list(own_folder(OWNER).glob("*.txt"))
    assert len(kept) == MOST_OWN
    assert not os.path.exists(first)


def test_a_text_that_is_used_again_is_new_again(tmp_path, monkeypatch):
    monkeypatch.setenv("LMLAB_HOME", str(tmp_path))
    text = "ada\ngrace\nalan"
    source = save_own_corpus(text, None, OWNER)["source"]
    os.utime(source, ns=(1, 1))
    save_own_corpus("other\nnames\nhere", None, OWNER)
    save_own_corpus(text, None, OWNER)
    keep_newest(own_folder(OWNER), most=1)
    assert [str(path) for path in own_folder(OWNER).glob("*.txt")] == [source]


def test_the_report_says_what_was_dropped():
    cleaning = {"lines": 9, "kept": 5, "empty": 1, "duplicates": 2, "too_long": 1, "by_rank": True}
    said = text_of(report_trees(cleaning))
    assert "Read 9 lines, kept 5." in said
    assert "2 came again" in said
    assert "1 was empty" in said
    assert "1 was too long" in said
    assert "each tenth" in said
