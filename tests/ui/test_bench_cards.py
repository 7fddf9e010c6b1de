"""What the bench says of models: differences from a parent, lines, and what a page is given. No browser."""

from types import SimpleNamespace

import gradio as gr
import pytest
from bench_scenes import INDIAN, MANY, MARKS, NAMES, YOU, network, table
from playing import in_a_thread

from lmlab import strings
from lmlab.runs.cards import BUNDLED, list_runs, read_card
from lmlab.ui.bench import (
    bench_value,
    default_choice,
    detail_of,
    difference_line,
    differences,
    in_order,
    kind_of,
    menu_line,
    parent_of,
    ruler_value,
    settings_of,
)
from lmlab.ui.context import Context
from lmlab.ui.work import Score, Work


def rows_of(cards, chosen=None, **more):
    return {row["id"]: row for row in bench_value(cards, NAMES, chosen, **more)["rows"]}


# --- differences ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("card", "parent", "line"),
    [
        (network("b", 2.0, 3, 7), network("a", 2.1, 1, 42), "context 1 → 3, seed 42 → 7"),
        (network("b", 2.0), network("a", 2.1), "the same settings"),
        (table("b", 2.0, 4), table("a", 2.1, 2), "n 2 → 4"),
        (table("b", 2.0, 2, k=1.5), table("a", 2.1, 2), "k 0.1 → 1.5"),
        (table("b", 2.0, 5, smoothing="kneser-ney"), table("a", 2.1, 2), "n 2 → 5, add k → Kneser–Ney"),
        (table("b", None, 2, smoothing="mle", k=7), table("a", None, 2, smoothing="mle", k=3), "the same settings"),
        (network("b", 2.0, recipe={"steps": 12000}), network("a", 2.1), "steps 4,000 → 12,000"),
        (network("b", 2.0, recipe={"optimizer": "sgd"}), network("a", 2.1), "AdamW → SGD"),
        (network("b", 2.0, recipe={"train_size": 500}), network("a", 2.1, recipe={"train_size": None}),
         "names all → 500"),
        (network("b", 2.0, recipe={"learning_rate": 1e-5}), network("a", 2.1), "rate 0.008 → 1e-05"),
        (network("b", 2.0, recipe={"threads": 8, "validate": False}), network("a", 2.1, recipe={"threads": 1}),
         "the same settings"),
        (network("b", 2.0, sha256=INDIAN, name="names_indian"), network("a", 2.1), "names → names indian"),
        (network("b", 2.0, 1, 7, recipe={"steps": 10, "learning_rate": 1.0}), network("a", 2.1, 3, 42),
         "context 3 → 1, steps 4,000 → 10, rate 0.008 → 1 and 1 more"),
        (network("b", 2.0, 1, 7, recipe={"steps": 10, "learning_rate": 1.0, "optimizer": "sgd"}),
         network("a", 2.1, 3, 42), "context 3 → 1, steps 4,000 → 10, AdamW → SGD and 2 more"),
    ],
)  # fmt: skip
def test_the_line_tells_what_differs_and_nothing_else(card, parent, line):
    assert difference_line(card, parent) == line


def test_a_model_of_another_kind_says_so_first():
    card = network("b", 2.0)
    assert difference_line({**card, "model": {**card["model"], "kind": "transformer"}}, network("a", 2.1)) == (
        "MLP → transformer"
    )


def test_differences_are_plain_data_and_change_no_card():
    card, parent = network("b", 2.0, 3, 7), network("a", 2.1, 1, 42)
    before = repr((card, parent))
    assert differences(card, parent) == [("context", 1, 3), ("seed", 42, 7)]
    assert differences(parent, card) == [("context", 3, 1), ("seed", 7, 42)]
    assert differences(card, card) == []
    assert repr((card, parent)) == before


def test_what_only_one_card_tells_is_no_difference():
    """A card of an older version lacks the later settings."""
    old, new = network("a", 2.1), network("b", 2.0)
    new["model"]["options"]["batch_norm"] = False
    new["recipe"]["warmup"] = 0
    assert differences(new, old) == []


def test_a_budget_of_seconds_is_told_as_the_steps_it_became():
    one = network("a", 2.1, recipe={"steps": None, "seconds": 5.0}, planned_steps=812)
    other = network("b", 2.1, recipe={"steps": None, "seconds": 9.0}, planned_steps=1500)
    assert settings_of(one)["steps"] == 812
    assert difference_line(other, one) == "steps 812 → 1,500"


def test_the_rate_of_the_matrices_counts_under_muon_only():
    def change(optimizer):
        recipes = [{"optimizer": optimizer, "matrix_learning_rate": rate} for rate in (0.02, 0.04)]
        return difference_line(network("b", 2.0, recipe=recipes[1]), network("a", 2.0, recipe=recipes[0]))

    assert change("adamw") == "the same settings"
    assert change("muon") == "matrix rate 0.02 → 0.04"


def test_the_parent_is_the_one_that_is_named_or_the_newest_older_of_its_kind():
    cards = [network("d", 2.0), table("c", 2.1), network("b", 2.2, sha256=INDIAN), network("a", 2.3)]
    assert parent_of(cards[0], cards)["id"] == "a"
    named = {**cards[0], "parent": "b"}
    assert parent_of(named, [named, *cards[1:]])["id"] == "b"
    gone = {**cards[0], "parent": "deleted"}
    assert parent_of(gone, [gone, *cards[1:]])["id"] == "a"
    assert parent_of(cards[3], cards) is None
    assert parent_of(cards[2], cards) is None
    itself = {**cards[0], "parent": "d"}
    assert parent_of(itself, [itself]) is None


def test_all_words_of_settings_are_in_the_catalogue():
    """A setting of a bundled run that has no word would be shown as the code calls it."""
    known = strings.section("bench.setting")
    for card in map(read_card, BUNDLED.iterdir()):
        told = set(settings_of(card))
        assert told <= set(known), told - set(known)


# --- the rows ---------------------------------------------------------------------------------------------


def test_a_row_says_what_the_mock_says():
    row = rows_of(MANY)["calm-heron-0003"]
    assert (row["name"], row["loss"], row["kind"]) == ("calm-heron", "2.23", "MLP, 7,721 parameters")
    assert row["detail"] == "context 1 → 3 · seed 42"
    assert row["made_from"] == "Made from slow-otter."
    assert rows_of(MANY)["long-table-0004"]["detail"] == "n 2 → 4 · 611 counts"
    assert rows_of(MANY)["long-table-0004"]["kind"] == "4-gram, k 0.1"
    assert rows_of(MANY)["bare-table-0006"]["loss"] == "∞"


def test_a_training_stands_first_and_says_that_it_learns():
    rows = bench_value([network("old", 2.0, pinned=True), network("new", None, live=True)], NAMES, "old")["rows"]
    assert [row["id"] for row in rows] == ["new", "old"]
    assert rows[0]["detail"].startswith("learning · ")
    assert rows[0]["loss"] == "…"
    assert rows[0]["actions"] == []


def test_a_training_that_has_not_begun_is_not_greyed():
    live = network("new", None, sha256="", live=True)
    assert not rows_of([live])["new"]["other"]
    assert rows_of([{**live, "corpus": {"name": "names_indian", "sha256": INDIAN}}])["new"]["other"]


def test_pinned_models_come_before_newer_ones():
    cards = [table("c", 2.1), table("b", 2.2, pinned=True), table("a", 2.3)]
    assert [card["id"] for card in in_order(cards)] == ["b", "c", "a"]
    assert rows_of(cards)["b"]["detail"].startswith("pinned · ")


def test_what_can_be_done_depends_on_whose_it_is_and_where_its_controls_are():
    cards = [table("mine", 2.1), network("calm-heron", 2.0), network("pinned", 2.0, pinned=True)]
    rows = rows_of(cards, levels={"count"})
    assert rows["mine"]["actions"] == ["duplicate", "pin", "rename", "export", "delete"]
    assert rows["calm-heron"]["actions"] == ["export"]
    assert rows["pinned"]["actions"] == ["unpin", "rename", "export", "delete"]
    assert rows_of(cards, levels={"count", "mlp"})["calm-heron"]["actions"] == ["duplicate", "export"]


@pytest.mark.parametrize(
    ("score", "kind", "detail"),
    [
        (YOU, "10 names guessed", "± 0.21, few names yet"),
        (Score(loss=2.5, spread=0.1, letters=500, names=60), "60 names guessed", "± 0.10"),
        (Score(loss=2.5, letters=40, names=2), "2 names guessed", "too few names for an interval"),
        (Score(loss=2.5, letters=9, names=1), "1 name guessed", "provisional: from 9 letters only"),
        (Score(loss=0.97, spread=0.3, letters=3), "3 letters guessed", "provisional: from 3 letters only"),
    ],
)
def test_the_student_has_a_row(score, kind, detail):
    you = bench_value([], NAMES, None, score)["you"]
    assert (you["name"], you["loss"], you["kind"], you["detail"]) == ("you", f"{score.loss:.2f}", kind, detail)
    assert bench_value([], NAMES, None)["you"] is None


def test_a_given_name_stands_everywhere():
    card = table("calm-heron-0001", 2.1, title="<b>my table</b>")
    assert rows_of([card])["calm-heron-0001"]["name"] == "<b>my table</b>"
    assert ruler_value([card], MARKS, None)["models"][0]["title"] == "<b>my table</b>"
    assert menu_line(card) == "<b>my table</b> · bigram, k 0.1 · 2.10"


@pytest.mark.parametrize(
    ("order", "smoothing", "kind"),
    [(1, "mle", "unigram, no smoothing"), (3, "kneser-ney", "trigram, Kneser–Ney"), (8, "add-k", "8-gram, k 0.1")],
)
def test_kinds_of_count_models(order, smoothing, kind):
    assert kind_of(table("x", 2.0, order, smoothing=smoothing)) == kind


def test_the_bundled_models_say_what_they_are_built_of():
    cards = {card["id"]: card for card in list_runs("nobody")}
    assert detail_of(cards["calm-heron"]) == "4 layers of 64 · seed 42"
    assert detail_of(cards["plain-finch"]) == "context 3 letters · seed 42"


# --- the ruler --------------------------------------------------------------------------------------------


def test_the_ruler_places_what_is_comparable_and_names_the_rest():
    cards = [network("live", 2.3, live=True), network("waits", None, live=True), table("t", 2.4), table("inf", None)]
    cards.append(network("far", 2.1, sha256=INDIAN, name="names_indian"))
    value = ruler_value(cards, MARKS, "t", YOU)
    assert [(model["id"], model["loss"], model["now"]) for model in value["models"]] == [
        ("live", 2.3, False),
        ("t", 2.4, True),
        ("inf", None, False),
    ]
    assert [(other["id"], other["corpus"]) for other in value["others"]] == [("far", "names_indian")]
    assert value["you"] == {"loss": 2.58, "spread": 0.21, "letters": 61, "names": 10, "few": False}
    assert [base["title"] for base in value["baselines"]] == ["uniform", "unigram", "bigram", "Kneser–Ney 5"]
    assert value["baselines"][-1]["short"] == "KN 5"


def test_the_experiments_of_labs_stand_on_the_ruler_of_the_corpus_they_are_measured_on():
    (mark,) = ruler_value([], MARKS, None, None, {"lab06": 2.1})["models"]
    assert (mark["title"], mark["what"], mark["loss"], mark["now"]) == ("lab 6", "your open experiment", 2.1, False)
    assert ruler_value([], {**MARKS, "corpus": "names_indian"}, None, None, {"lab06": 2.1})["models"] == []


def test_a_loss_from_a_few_letters_is_shown_as_provisional():
    """Two lucky bets beat every model: neither the ruler nor the bench may call that the best loss there is."""
    for letters, few in ((2, True), (29, True), (30, False)):
        score = Score(loss=0.97, letters=letters)
        assert ruler_value([], MARKS, None, score)["you"]["few"] is few
        assert bench_value([], NAMES, None, score)["you"]["few"] is few


def test_the_model_to_look_at_first_is_the_best_of_the_corpus():
    cards = [table("a", 2.4), table("b", 2.3), network("far", 1.0, sha256=INDIAN)]
    assert default_choice(cards, NAMES) == "b"
    assert default_choice([cards[2]], NAMES) == "far"
    assert default_choice([], NAMES) is None


def test_a_page_is_given_the_score_of_the_corpus_at_hand_and_of_no_other(home):
    """From the student's work to the mark on the ruler and the row on the bench."""

    async def answer(*_):
        return MARKS

    jobs = SimpleNamespace(call=answer, jobs_of=lambda owner: [])
    with gr.Blocks():
        ctx = Context(jobs)
        ctx.bench, ctx.ruler, ctx.chosen = gr.HTML(), gr.HTML(), gr.State()
        ctx.work_of("ada", Work(scores={NAMES: YOU, INDIAN: Score(loss=1.0, letters=5)}).to_json())
        for owner, you in (("ada", 2.58), ("eve", None)):
            shown = in_a_thread(ctx.refresh(owner, {"source": "class.txt", "name": "x"}, None))
            mark = shown[ctx.ruler]["you"]
            assert (mark and mark["loss"]) == you
            assert bool(shown[ctx.bench]["you"]) == bool(you)
