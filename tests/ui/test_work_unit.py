"""The student's work as data: what is kept, what is refused, and what a file holds."""

import json
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmlab import __version__
from lmlab.errors import LabError
from lmlab.runs.cards import list_runs
from lmlab.ui.work import (
    LARGEST_WORK,
    MOST_CARDS,
    MOST_ENTRIES,
    MOST_SCORES,
    Card,
    Entry,
    Score,
    Work,
    _sound,
    card_of,
    cards_elsewhere,
    load_work,
    read_work,
    work_file,
)

SHA = "a" * 64


def entry(**values) -> Entry:
    return Entry(**{"level": "count", "question": "stop", **values})


def score(**values) -> Score:
    return Score(**{"loss": 2.5, "letters": 80, **values})


def a_card(**values) -> dict:
    about = {"kind": "ngram", "options": {"order": 2, "smoothing": "add-k", "k": 0.1}, "parameters": 600}
    return {
        "id": "calm-heron-3f2a",
        "created": 1.0,
        "model": about,
        "corpus": {"name": "names", "sha256": SHA, "split": {"train": 3}},
        "metrics": {"validation": {"nll": 2.4, "perplexity": 11.0}},
        "tokenizer": {"kind": "characters", "alphabet": "abc"},
        "history": {"batch": [[1, 3.2]]},
        **values,
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("entries", "scores", "cards", "schema_version"), JSON)))
def test_whatever_a_browser_holds_becomes_a_work(stored):
    work = read_work(stored)
    assert read_work(work.to_json()) == work


@pytest.mark.parametrize("stored", [None, 7, "work", [], True])
def test_what_is_no_work_at_all_is_an_empty_one(stored):
    assert read_work(stored) == Work()


def test_one_damaged_part_does_not_take_the_others_with_it():
    good = Work(entries=[entry()], scores={SHA: score()}, cards=[card_of(a_card())]).to_json()
    good["entries"] += [{"level": "count"}, {**good["entries"][0], "guess": math.nan, "id": "b" * 16}, 7]
    good["scores"] |= {"x": {"loss": 1.0, "letters": 5}, "b" * 64: {"loss": -1.0, "letters": 5}}
    good["cards"] += [{"id": "../../etc/passwd"}]
    work = read_work(good)
    assert len(work.entries) == len(work.scores) == len(work.cards) == 1


@pytest.mark.parametrize(
    "guess", [None, 20.0, 20, "yes", ["e", "a"], [0.5, 0.5], [0, 1], "<img src=x onerror=alert(1)>"]
)
def test_every_kind_of_answer_survives_the_way_through_a_file(guess):
    work = Work(entries=[entry(guess=guess, truth=guess)])
    assert load_work(work_file(work, [])).work.entries == work.entries


@pytest.mark.parametrize("guess", [math.inf, {"a": 1}, ["e", 1], ["x" * 81], [0.0] * 65, "x" * 1001, 10**400])
def test_an_answer_of_another_kind_is_left_out(guess):
    stored = {**Work().to_json(), "entries": [{"level": "count", "question": "stop", "guess": guess}]}
    loaded = load_work(json.dumps(stored))
    assert (loaded.work.entries, loaded.left_out) == ([], 1)


def test_a_page_left_open_does_not_undo_what_another_one_wrote():
    old = entry(at="2026-01-01T00:00:00+00:00")
    explained = old.model_copy(update={"truth": 35.0, "why": "because", "explained_at": "2026-01-01T00:01:00+00:00"})
    before, after = Work(entries=[old]), Work(entries=[explained])
    assert before.joined(after).entries == after.joined(before).entries == [explained]
    again = explained.model_copy(update={"why": "better", "explained_at": "2026-01-01T00:02:00+00:00"})
    assert after.joined(Work(entries=[again])).entries == [again]


def test_the_later_score_stands():
    early, late = score(loss=3.0, at="2026-01-01T00:00:00+00:00"), score(loss=2.0, at="2026-01-02T00:00:00+00:00")
    for one, other in ((early, late), (late, early)):
        assert Work(scores={SHA: one}).joined(Work(scores={SHA: other})).scores == {SHA: late}


def test_entries_of_two_tabs_stand_in_the_order_of_their_times_and_the_oldest_go():
    at = [f"2026-01-01T00:{i // 60:02}:{i % 60:02}+00:00" for i in range(MOST_ENTRIES + 20)]
    evens = Work(entries=[entry(at=time) for time in at[::2]])
    odds = Work(entries=[entry(at=time) for time in at[1::2]])
    assert [one.at for one in evens.joined(odds).entries] == at[20:]


def test_a_level_is_done_when_a_gap_was_seen():
    seen = [entry(level="count", truth=1.0), entry(level="mlp"), entry(level="guess", truth="e"), entry(truth=2.0)]
    assert Work(entries=seen).done() == ["count", "guess"]


# --- files -------------------------------------------------------------------------------------------------


def test_a_file_says_who_wrote_it_and_holds_the_cards_without_their_histories():
    stored = json.loads(work_file(Work(entries=[entry()], scores={SHA: score()}), list_runs("nobody")))
    assert stored["format"] == "lmlab work"
    assert stored["schema_version"] == 2
    assert stored["app"] == f"lmlab {__version__}"
    assert {card["id"] for card in stored["cards"]} == {"calm-heron", "plain-finch"}
    for card in stored["cards"]:
        assert {"history", "tokenizer", "versions"}.isdisjoint(card)
        assert card["metrics"]["validation"]["nll"] < 3.3
        assert card["recipe"]["learning_rate"] > 0


def test_the_fullest_work_can_be_loaded_again():
    full = entry(asked="?" * 1000, guess="g" * 1000, truth="t" * 1000, said="s" * 1000, why="w" * 1000)
    entries = [full.model_copy(update={"id": f"{i:016x}"}) for i in range(MOST_ENTRIES)]
    options = {f"{i:080}": "x" * 80 for i in range(20)}
    cards = [a_card(id=f"run-{i}", recipe=options) for i in range(MOST_CARDS)]
    text = work_file(Work(entries=entries, scores={f"{i:064x}": score() for i in range(20)}), cards)
    assert len(text) < LARGEST_WORK
    loaded = load_work(text)
    assert (len(loaded.work.entries), len(loaded.work.cards), loaded.left_out) == (MOST_ENTRIES, MOST_CARDS, 0)


def test_a_file_of_the_first_version_is_read():
    old = {
        "format": "lmlab work",
        "schema_version": 1,
        "entries": [{"level": "count", "question": "stop", "guess": 20.0, "at": "2026-01-01T00:00:00+00:00"}],
        "scores": {SHA: {"loss": 2.5, "letters": 80}},
    }
    loaded = load_work(json.dumps(old))
    assert loaded.left_out == 0
    assert loaded.work.entries[0].guess == 20.0
    assert loaded.work.scores[SHA].at == ""
    assert load_work(json.dumps({name: old[name] for name in ("format", "schema_version", "entries")})).work.entries
    # a score that has no time is older than any that has one
    assert Work(scores={SHA: score(loss=1.0)}).joined(loaded.work).scores[SHA].loss == 1.0


@pytest.mark.parametrize("version", [0, 3, "2", None, True, [1], {"a": 1}, 2.5])
def test_a_file_of_an_unknown_version_is_refused_with_a_sentence(version):
    with pytest.raises(LabError, match="this lab reads versions 1 to 2"):
        load_work(json.dumps({"format": "lmlab work", "schema_version": version}))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"format": "other"}', "[" * 100_000, '{"entries": ' + "9" * 5000 + "}", "\ud800"]
)
def test_what_is_no_work_file_is_refused_with_a_sentence(text):
    with pytest.raises(LabError, match='Choose one that "Save work" made'):
        load_work(text)


def test_a_file_that_is_too_large_is_not_even_read():
    with pytest.raises(LabError, match="at most 3,000,000"):
        load_work(" " * (LARGEST_WORK + 1))


def test_hostile_text_stays_text_and_hostile_structure_is_left_out():
    script = "<script>alert(1)</script>"
    deep: dict = {}
    for _ in range(500):
        deep = {"guess": deep}
    stored = {
        **Work().to_json(),
        "entries": [
            {"level": script, "question": script, "asked": script, "guess": script, "why": "\u202e" + script},
            {"level": "count", "question": "stop", "guess": deep},
            {"level": "count", "question": "stop", "at": script},
            {"level": "count", "question": "stop", "id": "../../x"},
            {"level": "count", "question": "lone \ud800 half"},
        ],
    }
    loaded = load_work(json.dumps(stored))
    assert (len(loaded.work.entries), loaded.left_out) == (1, 4)
    assert loaded.work.entries[0].asked == script


# --- cards -------------------------------------------------------------------------------------------------


def test_models_that_this_server_does_not_have_stay_in_the_work():
    work = Work(cards=[card_of(a_card()), card_of(a_card(id="plain-finch"))])
    assert [card.id for card in cards_elsewhere(work, list_runs("nobody"))] == ["calm-heron-3f2a"]


def test_the_card_of_a_running_or_an_infinite_model_is_kept_too():
    assert card_of(a_card(metrics={"validation": {"nll": None}})).metrics["validation"].nll is None
    live = {key: a_card()[key] for key in ("id", "model", "corpus", "metrics")}
    assert card_of({**live, "live": True}) is not None


@pytest.mark.parametrize(
    "change",
    [{"id": "../x"}, {"corpus": {"name": "x"}}, {"model": {"kind": 7}}, {"metrics": {"validation": {"nll": -1}}}],
)
def test_a_card_that_says_too_little_is_none(change):
    assert card_of(a_card(**change)) is None


def test_a_card_keeps_single_values_only():
    kept = card_of(a_card(recipe={"seed": 3, "layers": [1, 2], "rate": 0.1, "none": None}))
    assert isinstance(kept, Card)
    assert kept.recipe == {"seed": 3, "rate": 0.1, "none": None}


def test_millions_of_bad_parts_are_not_looked_at():
    """To check each of them would hold up everybody's page; they are counted, and the newest parts are kept."""
    good = Entry(level="count", question="stop").model_dump()
    stored = {
        "format": "lmlab work",
        "schema_version": 2,
        "entries": [{}] * 1_000_000 + [good],
        "cards": [{}] * 10_000,
    }
    begin = time.process_time()
    loaded = _sound(stored)
    assert time.process_time() - begin < 2
    assert [entry.question for entry in loaded.work.entries] == ["stop"]
    assert loaded.left_out == 1_010_000
    assert (
        len(read_work({"scores": {f"{i:064x}": {"loss": 1.0, "letters": 5} for i in range(99)}}).scores)
        <= MOST_SCORES
    )
