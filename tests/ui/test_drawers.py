"""The frame with its drawers, on small levels of its own: rail, keys, glossary, links, the student's work."""

import json
import os
import re
import threading
import time
from dataclasses import dataclass
from types import SimpleNamespace
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import gradio as gr
import pytest
import uvicorn
from conftest import free_port, is_wrong
from playwright.sync_api import expect

from lmlab import __version__
from lmlab.jobs.messages import Limits
from lmlab.runs.cards import owner_key
from lmlab.strings import t
from lmlab.ui import server as lab
from lmlab.ui.context import guarded, light
from lmlab.ui.levels import LEVELS
from lmlab.ui.predict import Question, Told, predict_steps
from lmlab.ui.widgets.content import h, term, words
from lmlab.ui.widgets.frame import glossary

SHA = "8" * 64
HOSTILE = "<img src=x onerror=window.hurt=1>"


def level(name: str) -> SimpleNamespace:
    """A level with one control of each kind, a preset, and one question."""

    def build(ctx):
        words(h("h1", f"The level {name}"), h("p", "Loss in ", term("nat"), "."), elem_classes="lead")
        predict = predict_steps(name, [Question("share", "How many percent?", unit="%")])
        ui = SimpleNamespace(
            predict=predict,
            message=words(elem_classes="message", elem_id=f"{name}-message"),
            order=gr.Slider(1, 8, value=2, step=1, label="Order n", elem_id=f"{name}-order"),
            smoothing=gr.Radio(
                [("None", "mle"), ("Add k", "add-k")], value="add-k", label="Smoothing", elem_id=f"{name}-smoothing"
            ),
            seed=gr.Number(42, precision=0, label="Seed", elem_id=f"{name}-seed"),
            go=gr.Button("Go", elem_id=f"{name}-go"),
            shown=words(elem_id=f"{name}-shown"),
        )
        ctx.controls[name] = {"order": ui.order, "smoothing": ui.smoothing, "seed": ui.seed, "go": ui.go}
        ctx.presets[name] = (["far"], lambda preset: {ui.order: 8, ui.seed: gr.update(value=7)}, [ui.order, ui.seed])
        return ui

    def wire(ctx, ui):
        async def reveal(question, answer, owner, corpus):
            return Told("Your guess.", "It was looked up.", "It is 35 %. Why?", 35.0), {}

        async def show(order, smoothing, seed):
            return {ui.shown: [h("p", f"{order} {smoothing} {seed}")]}

        ui.predict.wire(ctx, ui.message, reveal)
        inputs = [ui.order, ui.smoothing, ui.seed]
        light(ui.go.click, guarded(ui.message, show), inputs, [ui.shown, ui.message])
        ctx.show(name, guarded(ui.message, show), inputs, [ui.shown, ui.message])
        ctx.watch = (watch, [], [ui.shown])

    async def watch():
        """No training is under way."""
        yield gr.skip()

    return SimpleNamespace(build=build, wire=wire)


class NoJobs:
    """A job service that trains nothing and knows one corpus."""

    limits = Limits()

    def __init__(self):
        self.owners, self.jobs, self.discarded = set(), {}, []

    def jobs_of(self, owner):
        self.owners.add(owner)
        return self.jobs.get(owner, [])

    def command(self, job, owner, command, steps=1):
        self.discarded.append((job, command))
        self.jobs[owner].remove(job)

    def poll(self, job, owner, since=0):
        raise AssertionError("nothing is being trained")

    async def call(self, model, owner, name, args, timeout=30.0):
        split = {"train": 8, "validation": 1, "test": 1}
        answers = {
            "corpus": {"name": args["corpus"], "split": split, "longest": 9, "report": "Read.", "sha256": SHA},
            "baselines": {"marks": [["uniform", 3.3], ["bigram", 2.45]], "sha256": SHA, "corpus": args["corpus"]},
        }
        return answers[name]


@dataclass
class Lab:
    url: str
    jobs: NoJobs
    home: object
    apps: dict


@pytest.fixture(scope="module")
def small(browser, tmp_path_factory):
    home, jobs, port = tmp_path_factory.mktemp("small"), NoJobs(), free_port()
    contexts = {}
    build = lab.build_app

    def remembering(jobs, code, *more):
        contexts[code] = build(jobs, code, *more)
        return contexts[code]

    levels = {name: level(name) for name in ("guess", "count", "mlp")}
    environment = {
        "LMLAB_HOME": str(home),
        "GRADIO_TEMP_DIR": str(home / "page"),
        "GRADIO_ANALYTICS_ENABLED": "False",
    }
    with (
        patch.dict(os.environ, environment),
        patch.dict(LEVELS, levels, clear=True),
        patch.object(lab, "build_app", remembering),
    ):
        served = uvicorn.Server(uvicorn.Config(lab.make_server(jobs), port=port, log_level="error", ws="none"))
        thread = threading.Thread(target=served.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + 60
        while not served.started and time.monotonic() < deadline:
            time.sleep(0.05)
        yield Lab(f"http://127.0.0.1:{port}/", jobs, home, contexts)
        served.should_exit = True
        thread.join(10)


@pytest.fixture
def visit(browser, small):
    """Open pages: of a new visitor, or in the browser of `beside`."""
    contexts, wrong = [], []

    def open_page(query="?level=count", width=1400, beside=None, **options):
        if beside is None:
            contexts.append(browser.new_context(viewport={"width": width, "height": 900}, locale="en", **options))
            contexts[-1].set_default_timeout(60_000)
        page = beside.context.new_page() if beside else contexts[-1].new_page()
        page.on("pageerror", lambda error: wrong.append(f"page error: {error}"))
        page.on("console", lambda message: wrong.append(message.text) if is_wrong(message) else None)
        page.goto(small.url + query)
        arrived(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong, wrong


def arrived(page):
    page.wait_for_selector("#frame .frame[data-state=ready]", state="attached")
    page.wait_for_selector("body:not(.arriving)")


def here(page, name):
    expect(page.locator(f"#tab-{name}-button")).to_have_attribute("aria-selected", "true")
    expect(page.locator(f"#tab-{name} h1")).to_be_visible()


def predict(page, guess=20, why="because", on="count"):
    """Answer a level's question and explain the gap."""
    page.locator(f"#{on}-guess input[type=range]").fill(str(guess))
    page.click(f"#{on}-lock")
    page.locator(f"#{on}-why textarea").fill(why)
    page.click(f"#{on}-keep")
    expect(page.locator(f"#{on}-keep")).to_have_count(0)


def open_drawer(page, name):
    page.click(f"#bar-{name}")
    if name == "work":
        page.wait_for_selector("#drawer-work .look")
    if name == "link":
        page.wait_for_selector("#link-text")


def answers(page):
    """What the drawer lists: (question, explanation) of each answer."""
    open_drawer(page, "work")
    found = [
        (entry.locator(".asked").inner_text(), entry.locator("dd").last.inner_text())
        for entry in page.locator("#drawer-work .entry").all()
    ]
    page.keyboard.press("Escape")
    return found


# --- rail, keys, history -------------------------------------------------------------------------------------


def test_the_link_opens_its_level_and_the_page_says_where_it_is(visit):
    page = visit("?level=mlp")
    here(page, "mlp")
    expect(page).to_have_title("MLP · lmlab")
    assert page.evaluate("document.documentElement.lang") == "en"
    expect(page.locator("#notes")).to_have_text("")


def test_back_and_forward_and_reload_follow_the_levels(visit):
    page = visit("?level=count&x=1")
    page.click("#tab-mlp-button")
    here(page, "mlp")
    expect(page).to_have_url(re.compile(r"\?level=mlp&x=1$"))
    page.keyboard.press("1")
    here(page, "guess")
    expect(page).to_have_title("Guess · lmlab")
    page.go_back()
    here(page, "mlp")
    page.go_back()
    here(page, "count")
    page.go_forward()
    here(page, "mlp")
    page.reload()
    arrived(page)
    here(page, "mlp")
    expect(page.locator("#mlp-shown")).to_have_text("2 add-k 42")


def test_keys_go_to_levels_but_not_from_a_field(visit):
    page = visit()
    page.locator("#count-seed input").focus()
    page.keyboard.press("3")
    expect(page.locator("#count-seed input")).to_have_value("423")
    here(page, "count")
    page.locator("#count-smoothing input").first.focus()
    page.keyboard.press("Control+3")
    page.keyboard.press("9")
    here(page, "count")
    page.keyboard.press("3")
    here(page, "mlp")
    expect(page.locator("#tab-mlp-button")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tab-count-button")).to_be_focused()
    page.keyboard.press("Enter")
    here(page, "count")


def test_a_level_is_done_once_its_gap_was_seen_also_after_a_reload(visit):
    page = visit()
    expect(page.locator("#rail [data-done]")).to_have_count(0)
    predict(page)
    stop = page.locator("#tab-count-button")
    expect(stop).to_have_attribute("data-done", "")
    expect(stop).to_have_attribute("aria-label", "Count, done")
    page.reload()
    arrived(page)
    expect(stop).to_have_attribute("data-done", "")
    expect(page.locator("#rail [data-done]")).to_have_count(1)


def test_after_a_reload_the_gap_still_waits_for_its_explanation(visit):
    page = visit()
    page.locator("#count-guess input[type=range]").fill("20")
    page.click("#count-lock")
    expect(page.locator("#count-steps .now .ask")).to_contain_text("It is 35 %. Why?")
    page.reload()
    arrived(page)
    expect(page.locator("#count-steps .now .ask")).to_contain_text("It is 35 %. Why?")
    expect(page.locator("#count-lock")).to_be_hidden()
    page.locator("#count-why textarea").fill("because n is common")
    page.click("#count-keep")
    expect(page.locator("#count-keep")).to_have_count(0)
    assert [why for _, why in answers(page)] == ["because n is common"]  # one entry, not two


def test_switching_a_level_does_not_jump(visit):
    page = visit(width=1400)
    before = page.evaluate("window.scrollY")
    page.keyboard.press("3")
    here(page, "mlp")
    assert page.evaluate("window.scrollY") == before
    # from far below, the new level begins at its top
    page.evaluate("document.querySelector('.levels').style.minHeight = '3000px'; window.scrollTo(0, 1500)")
    page.keyboard.press("2")
    here(page, "count")
    page.wait_for_function("document.querySelector('#rail').getBoundingClientRect().top >= 0")


@pytest.mark.parametrize("width", [360, 400, 760])
def test_a_narrow_rail_names_the_current_level_only(visit, width):
    page = visit(width=width)
    sizes = page.eval_on_selector_all("#rail [role=tab]", "tabs => tabs.map(tab => getComputedStyle(tab).fontSize)")
    assert sizes == ["0px", "13px", "0px"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("3")
    here(page, "mlp")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_skip_link_comes_first_and_goes_to_the_level(visit):
    page = visit()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    assert page.locator(".skip").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    expect(page.locator("#tab-count h1")).to_be_focused()


def test_light_or_dark_is_remembered(visit):
    page = visit(color_scheme="light")
    page.click("#scheme")
    expect(page.locator("body")).to_have_class(re.compile("dark"))
    page.reload()
    arrived(page)
    expect(page.locator("body")).to_have_class(re.compile("dark"))


def test_the_other_language_keeps_the_rest_of_the_address(visit):
    page = visit("?level=mlp&hide=order&set=seed:7&set=order:4")
    page.click("a[hreflang=es]")
    page.wait_for_url(re.compile("/es/"))
    arrived(page)
    here(page, "mlp")
    assert page.evaluate("document.documentElement.lang") == "es"
    query = parse_qs(urlsplit(page.url).query)
    assert query["hide"] == ["order"]
    assert query["set"] == ["seed:7", "order:4"]
    page.click("a[hreflang=en]")
    page.wait_for_function("document.documentElement.lang === 'en'")
    arrived(page)
    here(page, "mlp")


# --- drawers, glossary -----------------------------------------------------------------------------------------


def test_one_drawer_at_a_time_and_escape_gives_the_focus_back(visit):
    page = visit()
    page.click("#bar-words")
    expect(page.locator("#drawer-words")).to_be_visible()
    expect(page.locator("#bar-words")).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#drawer-words h2")).to_be_focused()
    page.click("#bar-work")
    expect(page.locator(".drawer:visible")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".drawer:visible")).to_have_count(0)
    expect(page.locator("#bar-work")).to_be_focused()
    page.locator("#count-go").focus()
    page.keyboard.press("?")
    expect(page.locator("#drawer-words h2")).to_be_focused()
    page.locator("#drawer-words [data-close]").click()
    expect(page.locator("#count-go")).to_be_focused()


def test_the_glossary_lists_every_word_and_finds_one(visit):
    page = visit()
    page.click("#bar-words")
    assert page.locator(".glossary dt").all_inner_texts() == [word for word, _ in glossary()]
    page.fill("#drawer-words input", "PERPLEX")
    expect(page.locator(".glossary > div:visible dt").first).to_have_text("perplexity")
    page.fill("#drawer-words input", "zebra")
    expect(page.locator(".glossary > div:visible")).to_have_count(0)
    expect(page.locator("#drawer-words .none")).to_be_visible()


@pytest.mark.parametrize("width", [400, 1400])
def test_a_word_on_a_level_explains_itself_by_keyboard_and_stays_on_the_page(visit, width):
    page = visit(width=width)
    word = page.locator("#tab-count .term")
    word.focus()
    page.keyboard.press("Enter")
    meaning = page.locator("#tab-count .meaning")
    expect(meaning).to_be_visible()
    expect(meaning).to_have_text(t("glossary.nat.means"))
    box = meaning.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.keyboard.press("Escape")
    expect(meaning).to_be_hidden()
    expect(word).to_be_focused()


@pytest.mark.parametrize("name", ["words", "link", "work"])
def test_a_drawer_fits_a_phone(visit, name):
    page = visit(width=360)
    open_drawer(page, name)
    box = page.locator(f"#drawer-{name}").bounding_box()
    assert (box["x"], box["width"]) == (0, 360)
    assert box["y"] + box["height"] <= 900 - 72
    assert page.eval_on_selector(f"#drawer-{name}", "node => node.scrollWidth <= node.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


# --- links -------------------------------------------------------------------------------------------------------


def test_a_link_opens_exactly_its_view(visit):
    page = visit("?level=count&preset=far&set=smoothing:mle&set=order:4&hide=smoothing&lock=order,go")
    expect(page.locator("#count-order input[type=range]")).to_have_value("4")
    expect(page.locator("#count-seed input")).to_have_value("7")  # the preset's
    expect(page.locator("#count-smoothing")).to_be_hidden()
    expect(page.locator("#count-shown")).to_have_text("4 mle 7")  # what is hidden keeps its value
    order = page.locator("#count-order")
    expect(order).to_be_visible()
    expect(order).to_have_attribute("data-locked", "set by the link")
    assert page.eval_on_selector("#count-order", "node => getComputedStyle(node).opacity") == "0.55"
    page.click("#count-go", force=True)  # nothing happens: it is inert
    reached = set()
    page.locator("#bar-words").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.closest('[id]')?.closest('.block, button')?.id"))
    assert "count-seed" in reached
    assert {"count-order", "count-go", "count-smoothing"}.isdisjoint(reached)
    expect(page.locator("#notes")).to_have_text("")


def test_a_link_reaches_a_level_that_is_looked_at_later(visit):
    page = visit("?level=guess&about=mlp&hide=seed&lock=order&set=order:5")
    page.keyboard.press("3")
    here(page, "mlp")
    expect(page.locator("#mlp-order input[type=range]")).to_have_value("5")
    expect(page.locator("#mlp-seed")).to_be_hidden()
    expect(page.locator("#mlp-order")).to_have_attribute("data-locked", "set by the link")
    expect(page.locator("#mlp-shown")).to_have_text("5 add-k 42")


def test_what_a_link_says_of_one_level_stays_there_after_going_on(visit):
    page = visit("?level=count&hide=order")
    page.keyboard.press("3")
    here(page, "mlp")
    expect(page.locator("#mlp-order")).to_be_visible()
    page.reload()
    arrived(page)
    here(page, "mlp")
    expect(page.locator("#notes")).to_have_text("")
    expect(page.locator("#mlp-order")).to_be_visible()
    page.keyboard.press("2")
    here(page, "count")
    expect(page.locator("#count-order")).to_be_hidden()


def test_a_link_with_a_corpus_changes_the_corpus(visit):
    expect(visit("?level=count&corpus=names_indian").locator("#corpus")).to_contain_text("Indian names")


@pytest.mark.parametrize(
    ("query", "note"),
    [
        ("?level=nowhere", "which is not here; this is Guess"),
        ("?level=count&set=order:99&hide=order", "sets Order n to '99', which does not fit: it goes from 1 to 8."),
        (f"?level=count&hide={HOSTILE}", HOSTILE),
        ("?level=count&preset=near", "a preset 'near'"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(visit, query, note):
    page = visit(query)
    expect(page.locator("#notes [role=alert]")).to_have_count(1)
    expect(page.locator("#notes")).to_contain_text(note)
    assert page.evaluate("window.hurt") is None
    expect(page.locator("#count-order input[type=range]" if "count" in query else "#tab-guess h1")).to_have_count(1)


def test_a_link_is_made_copied_and_opened(visit):
    page = visit()
    page.locator("#count-order input[type=range]").fill("4")
    page.locator("#count-smoothing input").first.check()
    open_drawer(page, "link")
    expect(page.locator("#link-settings")).to_have_text("Order n 4, Smoothing None")
    address = page.locator("#link-text")
    expect(address).to_have_value(re.compile(r"\?level=count&set=order:4&set=smoothing:mle$"))
    page.locator("input[data-control=seed][value=hide]").check()
    page.locator("input[data-control=order][value=lock]").check()
    page.locator("input[data-control=go][value=lock]").check()
    expect(address).to_have_value(re.compile(r"&set=order:4&set=smoothing:mle&hide=seed&lock=order,go$"))
    page.select_option("#link-preset", "far")
    expect(address).to_have_value(re.compile(r"preset=far&set=order:4&set=smoothing:mle&set=seed:42&"))
    page.uncheck("#link-keep")
    expect(address).to_have_value(re.compile(r"\?level=count&preset=far&hide=seed&lock=order,go$"))
    page.check("#link-keep")
    page.click("#link-copy")
    expect(page.locator("#drawer-link .say")).to_have_text(re.compile("Copied|selected"))
    selected = page.evaluate(
        "(({activeElement: at}) => at.value.slice(at.selectionStart, at.selectionEnd))(document)"
    )
    assert selected == address.input_value()
    other = visit("?" + urlsplit(selected).query)
    expect(other.locator("#count-order input[type=range]")).to_have_value("4")
    expect(other.locator("#count-shown")).to_have_text("4 mle 42")
    expect(other.locator("#count-seed")).to_be_hidden()
    expect(other.locator("#notes")).to_have_text("")


def test_without_the_clipboard_the_link_is_selected(visit):
    page = visit()
    page.evaluate("navigator.clipboard.writeText = () => Promise.reject(); document.execCommand = () => false")
    open_drawer(page, "link")
    page.click("#link-copy")
    expect(page.locator("#drawer-link .say")).to_contain_text("press Ctrl+C")
    assert page.evaluate("document.getSelection().toString() || document.activeElement.selectionEnd > 10")


# --- the student's work --------------------------------------------------------------------------------------------


def test_answers_are_listed_as_text_and_stay_after_a_reload(visit):
    page = visit()
    predict(page, why=HOSTILE)
    expected = [("How many percent?", HOSTILE)]
    assert [(asked.split("?")[0] + "?", why) for asked, why in answers(page)] == expected
    page.reload()
    arrived(page)
    assert [(asked.split("?")[0] + "?", why) for asked, why in answers(page)] == expected
    assert page.evaluate("window.hurt") is None


def test_the_work_stays_when_the_server_has_forgotten_it(visit, small):
    page = visit()
    predict(page, why="first")
    small.apps["en"].context.visitors.works.clear()
    page.reload()
    arrived(page)
    assert [why for _, why in answers(page)] == ["first"]


def test_two_tabs_do_not_overwrite_each_other(visit, small):
    one = visit()
    two = visit("?level=mlp", beside=one)
    predict(one, why="in the first tab")
    expect(two.locator("#tab-count-button")).to_have_attribute("data-done", "")  # the other tab has heard of it
    small.apps["en"].context.visitors.works.clear()  # as if the server had been started again
    predict(two, on="mlp", why="in the second tab")
    expect(one.locator("#tab-mlp-button")).to_have_attribute("data-done", "")
    for page in (one, two):
        assert sorted(why for _, why in answers(page)) == ["in the first tab", "in the second tab"]
    one.reload()
    arrived(one)
    assert len(answers(one)) == 2


def test_two_tabs_opened_at_once_become_one_visitor(browser, small):
    """Neither finds an id in the browser, so each gets one of its own; the last one written is that of both."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="en")
    context.set_default_timeout(60_000)
    pages = [context.new_page(), context.new_page()]
    for page in pages:
        page.goto(small.url + "?level=count", wait_until="commit")
    for page in pages:
        arrived(page)
    deadline = time.monotonic() + 60
    while len({page.locator("#frame .frame").get_attribute("data-key") for page in pages}) > 1:
        assert time.monotonic() < deadline, "still two visitors"
        time.sleep(0.1)
    for page in pages:
        arrived(page)
    predict(pages[0], why="first")
    predict(pages[1], why="second")
    pages[0].reload()
    arrived(pages[0])
    assert sorted(why for _, why in answers(pages[0])) == ["first", "second"]
    context.close()


def test_saved_work_comes_back_on_another_machine(visit, tmp_path):
    page = visit()
    predict(page, guess=30, why="n is common")
    open_drawer(page, "work")
    with page.expect_download() as caught:
        page.click("#work-save")
    assert re.fullmatch(r"lmlab-work-\d{4}-\d\d-\d\d\.json", caught.value.suggested_filename)
    file = tmp_path / "work.json"
    caught.value.save_as(file)
    saved = json.loads(file.read_text("utf-8"))
    assert saved["app"] == f"lmlab {__version__}"
    assert [(entry["guess"], entry["truth"], entry["why"]) for entry in saved["entries"]] == [
        (30.0, 35.0, "n is common")
    ]
    assert {card["id"] for card in saved["cards"]} == {"calm-heron", "plain-finch"}
    saved["cards"].append({**saved["cards"][0], "id": "far-away-1a2b", "name": "from afar"})
    file.write_text(json.dumps(saved), "utf-8")

    other = visit()
    predict(other, on="count", why="my own")
    open_drawer(other, "work")
    other.set_input_files("#work-file", file)
    expect(other.locator("#work-told")).to_have_text("Loaded: 1 answer.")
    expect(other.locator("#drawer-work .entry")).to_have_count(2)
    expect(other.locator("#drawer-work")).to_contain_text("from afar")
    expect(other.locator("#drawer-work")).to_contain_text("it is not on this server")
    other.reload()
    arrived(other)
    assert sorted(why for _, why in answers(other)) == ["my own", "n is common"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no json", "This is not a work file"),
        ('{"format": "lmlab work", "schema_version": 99}', "version 99; this lab reads versions 1 to 2"),
        ('{"format": "lmlab work", "schema_version": 1, "entries": [{"level": "count", "question": "q"}, 7]}',
         "Loaded: 1 answer. 1 damaged part was left out."),
        ('{"format": "lmlab work", "schema_version": 0, "entries": []}', "version 0"),
        ("[" * 50_000, "This is not a work file"),
    ],
)  # fmt: skip
def test_other_files_are_refused_or_mended_and_nothing_is_lost(visit, tmp_path, text, told):
    page = visit()
    predict(page, why="stays")
    file = tmp_path / "work.json"
    file.write_text(text, "utf-8")
    open_drawer(page, "work")
    page.set_input_files("#work-file", file)
    expect(page.locator("#work-told")).to_contain_text(told)
    expect(page.locator("#drawer-work")).to_contain_text("stays")


def test_a_file_with_hostile_text_shows_it_as_text(visit, tmp_path):
    entry = {
        "level": HOSTILE,
        "question": HOSTILE,
        "asked": HOSTILE,
        "guess": HOSTILE,
        "said": HOSTILE,
        "why": HOSTILE,
    }
    card = {"id": "x", "name": HOSTILE, "model": {"kind": HOSTILE}, "corpus": {"name": HOSTILE, "sha256": SHA}}
    file = tmp_path / "work.json"
    file.write_text(
        json.dumps({"format": "lmlab work", "schema_version": 2, "entries": [entry], "cards": [card]}), "utf-8"
    )
    page = visit()
    open_drawer(page, "work")
    page.set_input_files("#work-file", file)
    expect(page.locator("#work-told")).to_have_text("Loaded: 1 answer.")
    expect(page.locator("#drawer-work h3").first).to_have_text(HOSTILE)
    expect(page.locator("#drawer-work")).to_contain_text(f"{HOSTILE}, {HOSTILE}")
    expect(page.locator("#drawer-work img")).to_have_count(0)
    assert page.evaluate("window.hurt") is None


def test_a_file_that_is_too_large_does_not_leave_the_browser(visit, tmp_path):
    file = tmp_path / "large.json"
    file.write_bytes(b" " * 3_000_001)
    page = visit()
    open_drawer(page, "work")
    page.set_input_files("#work-file", file)
    expect(page.locator("#work-told")).to_have_text(
        "The file has 3,000,001 bytes; a work file has at most 3,000,000."
    )


@pytest.mark.parametrize("name", ["lmlab", "lmlab-work"])
def test_a_damaged_store_is_an_empty_one_and_the_page_works(visit, name):
    page = visit()
    predict(page, why="before")
    page.evaluate("name => localStorage.setItem(name, 'nonsense')", name)
    page.reload()
    arrived(page)
    page.click("#tab-mlp-button")  # the answered question stands at its gap
    predict(page, why="after", on="mlp")
    assert "after" in [why for _, why in answers(page)]


def test_forget_me_asks_once_and_leaves_nothing(visit, small):
    page = visit()
    other = visit("?level=mlp", beside=page)
    predict(page, why="to be forgotten")
    ctx = small.apps["en"].context
    [owner] = [
        owner
        for owner in small.jobs.owners
        if "to be forgotten" in [entry.why for entry in ctx.work_of(owner).entries]
    ]
    folders = [small.home / kind / owner_key(owner) for kind in ("runs", "corpora", "downloads")]
    for folder in folders:
        (folder / "mine").mkdir(parents=True)
    stranger = small.home / "runs" / owner_key("somebody else")
    stranger.mkdir(parents=True)
    small.jobs.jobs[owner] = ["calm-heron-3f2a"]
    page.evaluate("() => localStorage.setItem('lmlab-unit', 'bits')")  # as if it had been chosen on the ruler
    open_drawer(page, "work")
    page.click("#work-forget")
    expect(page.locator("#work-forget-yes")).to_be_focused()
    page.click("text=Keep everything")
    expect(page.locator("#work-forget-yes")).to_be_hidden()
    assert all(folder.exists() for folder in folders)
    page.click("#work-forget")
    with page.expect_navigation():
        page.click("#work-forget-yes")
    arrived(page)
    expect(page.locator(".told")).to_contain_text("You are forgotten")
    stored = set(page.evaluate("() => Object.keys(localStorage).filter((name) => name.startsWith('lmlab'))"))
    assert stored <= {"lmlab", "lmlab-work"}  # the page has begun anew with these two
    assert small.jobs.discarded == [("calm-heron-3f2a", "discard")]
    assert not any(folder.exists() for folder in folders)
    assert stranger.exists()
    assert answers(page) == []
    expect(page.locator("#rail [data-done]")).to_have_count(0)
    # the other tab has begun anew, too, and cannot bring the old work back
    expect(other.locator("#rail [data-done]")).to_have_count(0)
    arrived(other)
    predict(other, on="mlp", why="somebody new")
    assert [why for _, why in answers(other)] == ["somebody new"]
    assert ctx.work_of(owner).entries == []
