"""The frame: look, safety, and what every screen has in common."""

import re
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.layouts import Form
from playing import open_level
from playwright.sync_api import expect

from lmlab.jobs.messages import Limits
from lmlab.ui.app import build_app
from lmlab.ui.levels import LEVELS
from lmlab.ui.widgets.content import packed
from lmlab.ui.widgets.frame import frame_widget


def luminance(colour: str) -> float:
    channels = [int(v) / 255 for v in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_enough_contrast(new_page, dark):
    page = new_page(color_scheme="dark" if dark else "light", path="?__theme=dark" if dark else "?__theme=light")
    for selector in (
        "#count-lock",
        "#count-keep-model",
        "#tab-count-button",
        "#tab-mlp-button",
        "#bench .diff",
        "#tab-count .look",
        "h1",
    ):
        page.wait_for_selector(selector, state="attached")
        text, ground = page.eval_on_selector(
            selector,
            """node => {
                const text = getComputedStyle(node).color;
                for (let at = node; at; at = at.parentElement) {
                    const ground = getComputedStyle(at).backgroundColor;
                    if (!/, 0\\)$|transparent/.test(ground)) return [text, ground];
                }
                return [text, 'rgb(255, 255, 255)'];
            }""",
        )
        assert contrast(text, ground) >= 4.5, (selector, text, ground)


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("level", LEVELS)
def test_nothing_overflows_and_every_chart_is_drawn(new_page, width, level):
    page = new_page(width=width)
    open_level(page, level)
    for figure in page.locator(f"#tab-{level} .fig[data-seq]:visible").all():
        expect(figure).to_have_attribute("data-state", "drawn")
        for plot in figure.locator(".plot").all():
            box = plot.bounding_box()
            assert box["width"] > 200
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.fixture
def letters(new_page):
    page = new_page(level="embed")
    page.wait_for_selector("#embed-plot .fig[data-state=drawn]")
    return page


def test_a_chart_exists_as_a_table(letters):
    letters.locator("#embed-plot summary", has_text="As a table").click()
    expect(letters.locator("#embed-plot table tr")).to_have_count(28)


def test_light_and_dark_can_be_switched_and_the_charts_follow(letters):
    colour = "document.querySelector('#embed-plot .plot .textpoint text').style.fill"
    before = letters.evaluate(colour)
    letters.click("#scheme")
    letters.wait_for_function(f"before => {colour} !== before", arg=before)


def test_a_click_on_the_bench_chooses_a_model(page):
    page.locator("#bench button", has_text="plain-finch").click()
    expect(page.locator("#bench button[aria-pressed=true]")).to_contain_text("plain-finch")
    expect(page.locator("#ruler .rmark.now .label")).to_contain_text("plain-finch")
    open_level(page, "sample")
    expect(page.locator("#sample-model input")).to_have_value(re.compile("plain-finch"))


def test_the_ruler_has_its_baselines_in_order(page):
    labels = page.locator("#ruler .rmark.base .label").all_text_contents()
    assert [label.split(" ", 1)[1] for label in labels] == ["uniform", "unigram", "bigram", "Kneser–Ney 5"]
    losses = [float(label.split()[0]) for label in labels]
    assert losses == sorted(losses, reverse=True)


def test_a_forged_id_in_the_browser_is_replaced(new_page):
    page = new_page()
    page.evaluate("localStorage.setItem('lmlab', 'nonsense')")
    page.reload()
    page.wait_for_selector("#bench li", state="attached")
    expect(page.locator("#bench li")).to_have_count(2)


def test_the_page_has_a_bounded_number_of_components(page):
    """What a person meets is counted; rows, columns and states are only how it is put together."""
    together = (gr.Row, gr.Column, gr.Tab, gr.Tabs, gr.Group, gr.Accordion, gr.State, gr.BrowserState, Form)
    app = build_app(SimpleNamespace(limits=Limits()))
    met = [block for block in app.blocks.values() if not isinstance(block, together)]
    assert 100 < len(met) <= 300
    assert page.evaluate("document.querySelectorAll('.block').length") < 300  # of them on the page at once


def test_there_are_no_deep_links_that_would_carry_the_visitor(page, app):
    assert page.request.get(app + "gradio_api/deep_link?session_hash=x").status == 404


def test_the_servers_first_word_may_be_there_before_the_script(browser):
    """On a busy machine the page's value may be the second one when its script begins."""
    with gr.Blocks() as app:
        frame = frame_widget([("guess", "Guess"), ("count", "Count")], elem_id="frame")
        frame.value = packed({"seq": 7, "ready": True, "key": "k", "digest": "d"})
    app.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False)
    wrong = []
    context = browser.new_context()
    try:
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.goto(f"{app.local_url}?level=count")
        page.wait_for_selector("#frame .frame[data-state=ready][data-seq='7']", state="attached")
    finally:
        context.close()
        app.close()
    assert not [text for text in wrong if "js_on_load" in text]
