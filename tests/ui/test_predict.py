"""Predict, run, the gap: every kind of question, on a page of its own."""

import json
import secrets
from types import SimpleNamespace

import gradio as gr
import pytest
from playwright.sync_api import expect

from lmlab import strings
from lmlab.errors import LabError
from lmlab.ui import theme
from lmlab.ui.context import Context, guarded, light
from lmlab.ui.predict import Question, Told, mark_of, predict_steps
from lmlab.ui.widgets.content import words
from lmlab.ui.work import Entry, Work

QUESTIONS = [
    Question("share", "How many percent?", unit="%", later=("Looks it up.", "Opens after your guess.")),
    Question("which", "Which one?", "choice", options=("left", "right")),
    Question("rank", "Put them in order.", "order", options=("bigram", "MLP", "transformer"), ends=("low", "high")),
    Question("row", "Draw the row.", "drawing", labels=("a", "b", "c", "d"), unit="%", total=100, maximum=100),
    Question("curve", "Draw the curve.", "drawing", labels=("0", "10", "100"), mode="curve", minimum=2, maximum=4),
    Question("slow", "How long?", unit="s"),
]


@pytest.fixture(scope="module")
def address():
    with gr.Blocks() as app:
        ctx = Context(SimpleNamespace())
        ctx.work = gr.BrowserState(Work().to_json(), storage_key="test-work", secret="test")
        ctx.owner, ctx.corpus = gr.State(lambda: secrets.token_hex(16)), gr.State({"source": "names"})
        message = words(elem_id="message")
        predict = predict_steps("demo", QUESTIONS)
        with predict.run:
            end = gr.Button("End the run", elem_id="demo-end")
        log = gr.Textbox(elem_id="log")

        async def reveal(question, answer, owner, corpus):
            gap = "" if question.name == "slow" else f"You said {answer}. Why?"
            return Told(f"Your guess: {answer}", "It was looked up.", gap, "true"), {log: json.dumps(answer)}

        async def finish(owner, stored, state):
            return predict.finish(ctx, owner, stored, state, Told("Your guess", "It ran.", "It took 3 s. Why?", 3.0))

        async def show(stored):
            return json.dumps(stored)

        predict.wire(ctx, message, reveal, [], [log])
        light(
            end.click,
            guarded(message, finish),
            [ctx.owner, ctx.work, predict.state],
            [*predict.outputs, ctx.work, message],
        )
        work = gr.Textbox(elem_id="work")
        ctx.work.change(show, ctx.work, work)
    app.launch(prevent_thread_lock=True, quiet=True, css=theme.css(), theme=theme.theme(), ssr_mode=False)
    yield app.local_url
    app.close()


@pytest.fixture
def page(browser, address):
    page = browser.new_page()
    page.goto(address)
    page.wait_for_selector("#demo-lock")
    yield page
    page.close()


def go_to(page, name: str) -> None:
    """Skip the questions before `name`."""
    for question in QUESTIONS:
        expect(page.locator("#demo-steps .now .ask")).to_have_text(question.text)
        if question.name == name:
            return
        page.click("#demo-skip")
        page.click("#demo-another")


def logged(page):
    expect(page.locator("#demo-steps .steps")).to_have_class("steps at-3")
    return json.loads(page.input_value("#log textarea"))


def entries(page):
    return json.loads(page.input_value("#work textarea"))["entries"]


def test_a_number_is_locked_kept_in_sight_and_explained(page):
    page.locator("#demo-guess input[type=range]").fill("20")
    page.click("#demo-lock")
    assert logged(page) == 20
    expect(page.locator("#demo-steps li").first).to_contain_text("Your guess: 20")
    expect(page.locator("#demo-lock")).to_be_hidden()
    page.click("#demo-keep")
    expect(page.locator("#message [role=alert]")).to_contain_text("Write one sentence")
    page.fill("#demo-why textarea, #demo-why input", "<b>because</b>")
    page.click("#demo-keep")
    expect(page.locator("#demo-keep")).to_be_hidden()
    expect(page.locator("#demo-kept")).to_have_text("Kept. “Save work” lists it.")
    page.wait_for_function("() => document.querySelector('#work textarea').value.includes('because')")
    [entry] = entries(page)
    assert (entry["question"], entry["guess"], entry["truth"], entry["why"]) == (
        "share",
        20.0,
        "true",
        "<b>because</b>",
    )
    assert entry["at"] <= entry["explained_at"]


def test_a_skipped_question_is_written_down_as_skipped(page):
    page.click("#demo-skip")
    assert logged(page) is None
    expect(page.locator("#demo-steps li").first).to_contain_text("You skipped the guess.")
    page.wait_for_function("() => document.querySelector('#work textarea').value.includes('share')")
    assert entries(page)[0]["guess"] is None


def test_a_choice_must_be_made(page):
    go_to(page, "which")
    page.click("#demo-lock")
    expect(page.locator("#message [role=alert]")).to_contain_text("Nothing is chosen yet")
    page.get_by_role("radio", name="right").check()
    page.click("#demo-lock")
    assert logged(page) == "right"


def test_an_order_is_made_with_the_keyboard_and_with_buttons(page):
    go_to(page, "rank")
    rows = page.locator("#demo-order li")
    rows.nth(2).focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(rows.nth(0)).to_contain_text("transformer")
    expect(rows.nth(0)).to_be_focused()
    page.get_by_role("button", name="Move bigram down").click()
    page.click("#demo-lock")
    assert logged(page) == ["transformer", "MLP", "bigram"]


def test_an_order_is_made_by_dragging(page):
    go_to(page, "rank")
    first, last = (page.locator("#demo-order li").nth(i).bounding_box() for i in (0, 2))
    page.mouse.move(first["x"] + 60, first["y"] + 10)
    page.mouse.down()
    page.mouse.move(last["x"] + 60, last["y"] + 20, steps=8)
    page.mouse.up()
    page.click("#demo-lock")
    assert logged(page) == ["MLP", "transformer", "bigram"]


def test_bars_add_up_whatever_is_drawn(page):
    go_to(page, "row")
    handle = page.locator("#demo-drawing [role=slider]").nth(1)
    handle.focus()
    for _ in range(5):
        page.keyboard.press("PageUp")
    page.click("#demo-lock")
    answer = logged(page)
    assert answer[1] == pytest.approx(75, abs=0.01)
    assert sum(answer) == pytest.approx(100, abs=0.01)
    assert answer[0] == pytest.approx(answer[2]) == pytest.approx(answer[3])


def test_a_curve_follows_the_pointer(page):
    go_to(page, "curve")
    box = page.locator("#demo-drawing svg").bounding_box()
    first, last = (
        getattr(page.locator("#demo-drawing [role=slider]"), end).bounding_box() for end in ("first", "last")
    )
    page.mouse.move(first["x"] + first["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(last["x"] + last["width"] / 2, box["y"] + box["height"] - 36, steps=20)
    page.mouse.up()
    page.click("#demo-lock")
    first, middle, last = logged(page)
    assert first > middle > last
    assert 3.7 < first <= 4
    assert 2 <= last < 2.3


def test_a_run_that_takes_time_shows_its_buttons_until_it_ends(page):
    go_to(page, "slow")
    expect(page.locator("#demo-end")).to_be_hidden()
    page.click("#demo-lock")
    expect(page.locator("#demo-steps .steps")).to_have_class("steps at-2")
    page.click("#demo-end")
    expect(page.locator("#demo-steps .now .ask")).to_contain_text("It took 3 s.")
    page.wait_for_function("() => document.querySelector('#work textarea').value.includes('It took 3 s')")
    assert entries(page)[-1]["truth"] == 3.0


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (QUESTIONS[0], 101), (QUESTIONS[0], float("nan")), (QUESTIONS[0], "7"), (QUESTIONS[1], "up"),
        (QUESTIONS[2], ["bigram", "bigram", "MLP"]), (QUESTIONS[2], "bigram"), (QUESTIONS[3], [1, 2, 3]),
        (QUESTIONS[3], [1, 2, 3, None]), (QUESTIONS[3], [90, 90, 90, 90]), (QUESTIONS[3], [0, 0, 0, 0]),
    ],
)  # fmt: skip
def test_what_no_page_would_send_is_refused_in_a_sentence(question, answer):
    with pytest.raises(LabError) as english:
        question.checked(answer)
    with strings.speaking("es"), pytest.raises(LabError) as spanish:
        question.checked(answer)
    assert str(spanish.value) != str(english.value)


def test_what_the_page_draws_may_miss_its_total_by_rounding():
    assert sum(QUESTIONS[3].checked([33.3333, 33.3333, 33.3333, 0.0])) == pytest.approx(100, abs=0.01)


# --- after a reload ------------------------------------------------------------------------------------------

NAMES, OTHER = {"source": "names"}, {"source": "/somewhere/corpora/3f2a.txt"}


@pytest.fixture(scope="module")
def demo():
    with gr.Blocks():
        return predict_steps("demo", QUESTIONS[:3])


def said(question, minute, corpus="names", **values):
    at = f"2026-01-01T00:{minute:02}:00+00:00"
    plain = {"guess": 20.0, "truth": 35.0, "said": "It is 35 %. Why?"}
    return Entry(level="demo", question=question, at=at, corpus=corpus, **{**plain, **values})


def explained(question, minute, **values):
    return said(question, minute, why="because", explained_at=f"2026-01-01T01:{minute:02}:00+00:00", **values)


def test_a_gap_that_waits_for_its_explanation_stands_there_again(demo):
    entry = said("share", 1)
    updates = demo.resumed(Work(entries=[explained("which", 0), entry]), NAMES)
    assert updates[demo.state] == {"at": "gap", "index": 0, "entry": entry.model_dump()}
    text = json.dumps(updates[demo.said])
    assert "Your guess: 20 %." in text
    assert "It is 35 %. Why?" in text
    assert updates[demo.why]["visible"]
    assert updates[demo.text]["interactive"]
    assert not updates[demo.ask]["visible"]


def test_a_skipped_question_stands_at_its_gap_too(demo):
    updates = demo.resumed(Work(entries=[said("share", 1, guess=None)]), NAMES)
    assert "You skipped the guess." in json.dumps(updates[demo.said])


def test_the_first_question_that_is_not_answered_comes_next(demo):
    updates = demo.resumed(Work(entries=[explained("share", 0), explained("rank", 1, guess=["a"])]), NAMES)
    assert updates[demo.state] == {"at": "ask", "index": 1, "entry": None, "replaces": None}


def test_a_run_that_was_not_seen_to_its_end_is_asked_again_in_the_same_entry(demo):
    entry = said("share", 1, truth=None, said="")
    updates = demo.resumed(Work(entries=[entry]), NAMES)
    assert updates[demo.state] == {"at": "ask", "index": 0, "entry": None, "replaces": entry.id}


def test_when_all_is_answered_the_last_answer_stands_there(demo):
    entries = [explained(question.name, i) for i, question in enumerate(QUESTIONS[:3])]
    updates = demo.resumed(Work(entries=entries), NAMES)
    assert updates[demo.state]["at"] == "kept"
    assert updates[demo.text]["value"] == "because"
    assert not updates[demo.keep]["visible"]
    assert "Save work" in json.dumps(updates[demo.reply])
    assert demo.asked(0)[demo.reply] == []


def test_what_was_said_of_another_corpus_or_level_is_none_of_this_page(demo):
    work = Work(entries=[said("share", 0, corpus="names"), said("share", 1, corpus=""), said("strange", 2)])
    assert demo.resumed(work, OTHER) == {}
    assert demo.resumed(Work(), NAMES) == {}
    assert demo.resumed(Work(entries=[said("share", 0, corpus=mark_of(OTHER))]), OTHER) != {}
    assert demo.resumed(work, NAMES)[demo.state]["at"] == "gap"


def test_a_guess_from_a_file_is_checked_before_it_is_drawn(demo):
    assert demo.guess_of(said("share", 0)) == 20.0
    assert demo.guess_of(said("share", 0, guess="<b>")) is None
    assert demo.guess_of(said("rank", 0, guess=["a", "b"])) is None
    assert demo.resumed(Work(entries=[said("rank", 0, guess=7.5, said="", truth=None)]), NAMES)
    assert demo.resumed(Work(entries=[said("rank", 0, guess=[0.5, 1.0])]), NAMES)
