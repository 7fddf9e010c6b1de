"""The loss ruler, on a page of its own with scenes of cards: places, labels, units, sentences, the table."""

import math
import re

import pytest
from bench_scenes import MARKS, SCENES, YOU, launch_scenes, network, put, table
from playwright.sync_api import expect

from lmlab.evaluation.loss import Loss

WIDTHS = (1400, 760, 400)


@pytest.fixture(scope="module")
def address(browser):
    app = launch_scenes()
    yield app.local_url
    app.close()


@pytest.fixture
def open_scene(browser, address):
    contexts, wrong = [], []

    def open_page(scene, width=1400, context=None, dark=False, **options):
        if context is None:
            context = browser.new_context(viewport={"width": width, "height": 700}, **options)
            contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{address}?scene={scene}" + ("&__theme=dark" if dark else ""))
        page.wait_for_selector("#ruler .rmark", state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong, wrong


def places(page):
    """The middle of every mark in px by its label or sentence, as it stands when nothing moves any more."""
    page.wait_for_function("!document.querySelector('#ruler').getAnimations({subtree: true}).length")
    return page.eval_on_selector_all(
        "#ruler .rmark",
        """marks => Object.fromEntries(marks.map(mark => {
            const box = mark.querySelector('i, svg').getBoundingClientRect();
            return [mark.getAttribute('aria-label'), box.left + box.width / 2];
        }))""",
    )


def place_of(page, begin):
    [place] = [x for said, x in places(page).items() if said.startswith(begin)]
    return place


# --- what is asked about ----------------------------------------------------------------------------------


def ask(page, veil):
    """A question that asks about something stands on the screen, as the steps of Predict draw it."""
    page.evaluate(
        """veil => {
            const level = Object.assign(document.createElement('div'), {id: 'asked'});
            level.innerHTML = '<ol style="display: contents"><li>How many?</li></ol>';
            level.firstChild.setAttribute('data-veil', veil);
            document.body.append(level);
        }""",
        veil,
    )


def titles(page):
    return page.eval_on_selector_all("#ruler .rmark", "marks => marks.map(mark => mark.getAttribute('aria-label'))")


def test_what_a_question_asks_about_waits_for_the_answer(open_scene):
    page = open_scene("many")
    before = titles(page)
    ask(page, "bigram")
    expect(page.locator("#ruler .ruler")).to_have_attribute(
        "data-veiled", "2"
    )  # the baseline, and a bigram that was kept
    assert len(titles(page)) == len(before) - 2
    assert not [said for said in titles(page) if "igram: " in said and "2.46" in said]
    expect(page.locator("#ruler .better")).to_have_text("some marks wait")
    rows = page.locator("#ruler .panel tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.children].map(c => c.textContent))"
    )
    open_rows = [row for row in rows if "?" in row]
    assert [row[2:] for row in open_rows] == [["?"] * 3] * 2
    assert rows[-2:] == open_rows  # where a row stands tells nothing, either
    bench = page.locator("#bench .choose .num").all_inner_texts()
    assert bench.count("?") == 1
    # another level comes onto the screen, and back; then the answer
    page.evaluate(
        "document.getElementById('asked').className = 'away', document.getElementById('asked').hidden = true"
    )
    expect(page.locator("#ruler .ruler")).to_have_attribute("data-veiled", "0")
    assert titles(page) == before or sorted(titles(page)) == sorted(before)
    page.evaluate("document.getElementById('asked').hidden = false")
    expect(page.locator("#ruler .ruler")).to_have_attribute("data-veiled", "2")
    page.evaluate("document.getElementById('asked').remove()")
    expect(page.locator("#ruler .ruler")).to_have_attribute("data-veiled", "0")
    expect(page.locator("#ruler .better")).to_have_text("better to the right")
    assert "?" not in page.locator("#bench .choose .num").all_inner_texts()


def test_who_ranks_the_models_sees_none_of_their_losses(open_scene):
    page = open_scene("many")
    ask(page, "bigram kneser-ney models")
    expect(page.locator("#ruler .rmark")).to_have_count(3)  # uniform, unigram, the student
    assert set(page.locator("#bench .choose .num").all_inner_texts()) == {"?"}
    assert page.locator("#bench .you .num").inner_text() == "2.58"


def test_with_nothing_to_show_the_ruler_stays_whole(open_scene):
    page = open_scene("few")
    ask(page, "uniform unigram bigram kneser-ney models")
    expect(page.locator("#ruler .rmark")).to_have_count(0)


# --- labels -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scene", SCENES)
def test_labels_touch_nothing_and_stay_in_the_frame(open_scene, scene, width):
    page = open_scene(scene, width)
    for unit in ("nats", "choices"):
        page.select_option("#ruler select", unit)
        rows = page.evaluate(
            """() => {
                const sides = r => [r.left, r.right, r.top, r.bottom];
                const box = node => sides(node.getBoundingClientRect());
                const seen = [...document.querySelectorAll('#ruler .label')].filter(n => !n.hidden && n.textContent);
                const others = [...document.querySelectorAll('#ruler select, #ruler b, #ruler .better')];
                return [...seen, ...others].filter(n => n.checkVisibility()).map(n => [n.textContent, ...box(n)]);
            }"""
        )
        frame = page.locator("#ruler").bounding_box()
        for name, left, right, top, bottom in rows:
            assert left >= -0.5, name
            assert right <= width + 0.5, name
            assert top >= frame["y"] - 0.5, name
            assert bottom <= frame["y"] + frame["height"] + 0.5, name
        for i, (name, left, right, top, bottom) in enumerate(rows):
            for other, left_2, right_2, top_2, bottom_2 in rows[i + 1 :]:
                apart = right <= left_2 or right_2 <= left or bottom <= top_2 + 1 or bottom_2 <= top + 1
                assert apart, (unit, name, other)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_the_model_at_hand_and_the_student_always_have_their_labels(open_scene, width):
    page = open_scene("many", width)
    expect(page.locator("#ruler .rmark.now .label")).to_be_visible()
    expect(page.locator("#ruler .rmark.now .label")).to_have_text("2.23 calm-heron")
    expect(page.locator("#ruler .rmark.you .label")).to_have_text("2.58 you")
    expect(page.locator("#ruler .rmark.you .label")).to_be_visible()


def test_a_phone_keeps_three_baselines(open_scene):
    page = open_scene("mock", 400)
    shown = [label.text_content() for label in page.locator("#ruler .base .label").all() if label.is_visible()]
    assert shown == ["3.30 uniform", "2.46 bigram", "2.03 KN 5"]
    assert page.locator("#ruler .rmark.base").count() == 4
    assert page.locator("#ruler").bounding_box()["height"] <= 74


# --- places and units -------------------------------------------------------------------------------------


def test_marks_stand_where_their_losses_are_and_better_is_right(open_scene):
    """One straight axis in nats: any two baselines say where everything else must stand."""
    page = open_scene("mock")
    found = page.eval_on_selector_all(
        "#ruler .rmark", "marks => marks.map(m => [Number(m.dataset.loss), m.getBoundingClientRect().left + 12])"
    )
    places(page)  # nothing moves any more
    (loss_a, a), (loss_b, b) = found[0], found[-1]
    for loss, x in found:
        assert x == pytest.approx(a + (loss - loss_a) * (b - a) / (loss_b - loss_a), abs=1)
    by_loss = sorted(found)
    assert [x for _, x in by_loss] == sorted((x for _, x in by_loss), reverse=True)


def test_the_student_has_a_triangle_and_the_interval_as_a_bar(open_scene):
    page = open_scene("mock")
    uniform, best = place_of(page, "Uniform"), place_of(page, "Kneser")
    losses = dict(MARKS["marks"])

    def at(loss):
        return uniform + (losses["uniform"] - loss) * (best - uniform) / (losses["uniform"] - losses["Kneser–Ney 5"])

    assert place_of(page, "You") == pytest.approx(at(YOU.loss), abs=1)
    bar = page.locator("#ruler .interval").bounding_box()
    assert bar["x"] == pytest.approx(at(YOU.loss + YOU.spread), abs=1)
    assert bar["x"] + bar["width"] == pytest.approx(at(YOU.loss - YOU.spread), abs=1)
    colours = page.evaluate(
        """() => [getComputedStyle(document.querySelector('#ruler .you svg')).stroke,
                  getComputedStyle(document.querySelector('#ruler .interval')).backgroundColor]"""
    )
    assert set(colours) == {"rgb(21, 23, 26)"}
    said = page.get_attribute("#ruler .rmark.you", "aria-label")
    assert said == (
        "You: 2.58 nats per character, from 61 letters of 10 names. The black bar is the 95 % interval, 2.37 to 2.79."
    )


def test_who_is_far_worse_than_knowing_nothing_stands_at_the_left_end(open_scene):
    page = open_scene("lost")
    expect(page.locator("#ruler .rmark.you .label")).to_have_text("← 5.50 you, from 9 letters")
    expect(page.locator("#ruler .rmark.you")).to_have_attribute("aria-label", re.compile("beyond the left end"))
    assert place_of(page, "You") < place_of(page, "Uniform") - 100


def test_an_infinite_loss_is_told_and_stands_at_the_left_end(open_scene):
    page = open_scene("many")
    marks = places(page)
    [said] = [said for said in marks if said.startswith("bare-table")]
    assert "infinite" in said
    assert marks[said] == min(marks.values())


def test_every_unit_is_told_at_once_and_equals_the_package_and_is_remembered(open_scene):
    page = open_scene("mock")
    before = list(places(page).values())
    losses = {"uniform": 3.296, "unigram": 2.817, "bigram": 2.456, "Kneser–Ney 5": 2.026, "calm-heron": 2.23,
              "mild-wren": 1.99, "you": 2.58}  # fmt: skip
    for unit, shown in (
        ("bits", lambda nats: f"{Loss(nats, 1).bpc:.2f}"),
        ("perplexity", lambda nats: f"{Loss(nats, 1).perplexity:.1f}"),
        ("choices", lambda nats: f"{math.exp(nats):.1f}"),
        ("nats", lambda nats: f"{nats:.2f}"),
    ):
        page.select_option("#ruler select", unit)
        labels = page.locator("#ruler .label").all_text_contents()
        assert sorted(labels) == sorted(f"{shown(loss)} {name}" for name, loss in losses.items())
        assert list(places(page).values()) == pytest.approx(before, abs=0.5)  # the places stay
        says = page.get_attribute("#ruler .rmark.now", "aria-label")
        assert shown(2.23) in says
        expect(page.locator("#ruler .sr[aria-live]")).not_to_be_empty()
    page.select_option("#ruler select", "bits")
    again = open_scene("mock", context=page.context)
    expect(again.locator("#ruler select")).to_have_value("bits")
    expect(again.locator("#ruler .rmark.now .label")).to_have_text("3.22 calm-heron")
    again.evaluate("localStorage.setItem('lmlab-unit', '__proto__')")
    again.reload()
    expect(again.locator("#ruler select")).to_have_value("nats")


def test_the_mark_of_a_training_moves_and_keeps_the_focus(open_scene):
    page = open_scene("mock")
    put(page, "#ruler .ruler", [network("new-lark", 3.1, live=True)], "new-lark")
    mark = page.locator("#ruler .rmark.now.live")
    assert "is learning: 3.10 nats per character so far" in mark.get_attribute("aria-label")
    first = place_of(page, "new-lark")
    mark.focus()
    same = mark.element_handle()
    put(page, "#ruler .ruler", [network("new-lark", 2.4, live=True)], "new-lark")
    assert place_of(page, "new-lark") > first + 200
    assert same.evaluate("node => node.isConnected && node === document.activeElement")
    put(page, "#ruler .ruler", [table("done", 2.4)], "done")
    expect(page.locator("#ruler .rmark.live")).to_have_count(0)


def test_nothing_slides_where_motion_is_unwanted(open_scene):
    page = open_scene("mock", reduced_motion="reduce")
    assert page.eval_on_selector("#ruler .rmark", "mark => getComputedStyle(mark).transitionDuration") == "0s"


# --- sentences --------------------------------------------------------------------------------------------


def test_the_pointer_gets_one_sentence(open_scene):
    page = open_scene("mock")
    expect(page.locator("#ruler .tip")).to_be_hidden()
    page.hover("#ruler .rmark.base >> nth=2")
    expect(page.locator("#ruler .tip p")).to_have_text(
        "Bigram, 2.46 nats per character: a table of letter pairs, looks one letter back."
    )
    box = page.locator("#ruler .tip").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1400
    page.mouse.move(10, 10)
    expect(page.locator("#ruler .tip")).to_be_hidden()


def test_the_keyboard_gets_it_too_and_escape_closes_it(open_scene):
    page = open_scene("mock")
    page.focus("#ruler select")
    page.keyboard.press("Tab")  # As a table
    page.keyboard.press("Tab")  # the first mark
    expect(page.locator("#ruler .tip p")).to_contain_text("You: 2.58")
    page.keyboard.press("Tab")
    expect(page.locator("#ruler .tip p")).to_contain_text("calm-heron, MLP, the model at hand: 2.23")
    page.keyboard.press("Escape")
    expect(page.locator("#ruler .tip")).to_be_hidden()


def test_a_tap_gets_it_and_a_tap_elsewhere_closes_it(open_scene):
    page = open_scene("mock", 400, has_touch=True)
    page.tap("#ruler .rmark.you")
    expect(page.locator("#ruler .tip p")).to_contain_text("You: 2.58")
    box = page.locator("#ruler .tip").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 400
    page.tap("#ruler .tip .open")
    expect(page.locator("#ruler .panel")).to_be_visible()
    page.tap("#ruler .panel .close")
    page.touchscreen.tap(200, 100)
    expect(page.locator("#ruler .tip")).to_be_hidden()


def test_models_of_another_corpus_stand_greyed_with_the_reason(open_scene):
    page = open_scene("greyed")
    greyed = page.locator("#ruler .rmark.other")
    expect(greyed).to_have_count(3)
    page.hover("#ruler .rmark.other >> nth=1")
    expect(page.locator("#ruler .tip p")).to_have_text(
        "other-b, MLP, learned on names_indian: not comparable, its loss was measured on another text."
    )
    marks = places(page)
    assert max(x for said, x in marks.items() if "not comparable" in said) < min(
        x for said, x in marks.items() if "not comparable" not in said
    )
    colour = "mark => getComputedStyle(mark.querySelector('i')).borderTopColor"
    assert greyed.first.evaluate(colour) == "rgb(139, 144, 151)"
    expect(page.locator("#ruler .rmark.model, #ruler .rmark.live")).to_have_count(0)


# --- the table --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
def test_the_same_as_a_table_with_the_keyboard_alone(open_scene, width):
    page = open_scene("greyed", width)
    page.focus("#ruler select")
    page.keyboard.press("Tab")
    expect(page.locator("#ruler .what .open")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#ruler .panel")).to_be_visible()
    rows = [row.split("\t") for row in page.locator("#ruler .panel tbody tr").all_inner_texts()]
    assert [row[0] for row in rows] == [
        "uniform", "unigram", "first-table", "bigram", "Kneser–Ney 5", "other-a", "other-b", "other-c",
    ]  # fmt: skip
    assert [cell.strip() for cell in rows[3]] == ["bigram", "baseline", "2.46", "3.54", "11.7"]
    assert "learned on names_indian" in rows[-1][-1]
    box = page.locator("#ruler .panel").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.keyboard.press("Escape")
    expect(page.locator("#ruler .panel")).to_be_hidden()
    expect(page.locator("#ruler .what .open")).to_be_focused()


@pytest.mark.parametrize("dark", [False, True])
def test_words_on_the_ruler_have_enough_contrast(open_scene, dark):
    from test_frame import contrast

    page = open_scene("many", dark=dark)
    page.hover("#ruler .rmark.now")
    for selector in (".base .label", ".now .label", ".you .label", "select", ".better", ".open", ".tip p"):
        colours = page.eval_on_selector(
            f"#ruler {selector}",
            "node => [node, document.querySelector('#ruler')].map((n, i) =>"
            " getComputedStyle(n)[i ? 'backgroundColor' : 'color'])",
        )
        assert contrast(*colours) >= 4.5, (selector, colours)
