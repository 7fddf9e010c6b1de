"""The level Sample, from its first click to its insight."""

import csv
import io
import re

import pytest
from playing import data_of, open_level, seq, set_number, set_slider
from playwright.sync_api import expect

from lmlab.bench.screen import SLIDE
from lmlab.evaluation.loss import surprisal
from lmlab.generation.generate import generate
from lmlab.generation.sampling import Sampling
from lmlab.jobs.calls import sampling
from lmlab.jobs.calls.shelf import Shelf
from lmlab.runs.cards import BUNDLED

ARRIVED = "#sample-columns .sampler[data-state=drawn]"


@pytest.fixture(scope="module")
def shelf():
    return Shelf()


@pytest.fixture
def open_sample(new_page):
    def ready(**options):
        page = new_page(level="sample", **options)
        page.wait_for_selector(ARRIVED)
        page.wait_for_selector("#sample-names [data-state=rolled] li")
        return page

    return ready


@pytest.fixture
def page(open_sample):
    return open_sample()


# --- reading the page ---------------------------------------------------------------------------------------


def model_of(page, shelf):
    """The run that the page's menu shows."""
    name = page.input_value("#sample-model input").split(" · ")[0]
    return shelf.run(str(next(path for path in BUNDLED.iterdir() if path.name == name)))


def word(page) -> list[str]:
    return page.locator("#sample-word .letter .glyph").all_text_contents()


def at(page) -> int:
    return int(page.get_attribute("#sample-word .surprise", "data-at"))


def numbers(page, column: int) -> dict[str, str]:
    """A column of the table under the columns, by letter."""
    details = page.locator('#sample-columns [data-depth="table"]')
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    rows = page.eval_on_selector_all(
        "#sample-columns tbody tr, #sample-columns table tr",
        "rows => rows.map(r => [...r.children].map(c => c.textContent))",
    )
    return {row[0]: row[column] for row in rows[1:]}


def final(page) -> dict[str, float]:
    return {letter: float(p) for letter, p in numbers(page, 4).items()}


def said(page) -> str:
    return page.inner_text("#sample-columns .say")


def number_of(page, widget: str) -> str:
    return page.get_attribute(f"{widget} [data-seq]", "data-seq")


def after(page, act, widget: str = "#sample-word") -> None:
    """Do something and wait for the answer of the worker."""
    before = number_of(page, widget)
    act()
    expect(page.locator(f"{widget} [data-seq]").first).not_to_have_attribute("data-seq", before)


def moved(page, slider: str, value) -> None:
    """Move a slider and wait until the worker has rolled by it."""
    after(page, lambda: set_slider(page, slider, value))


def names(page) -> list[str]:
    return page.locator("#sample-names li > span:first-child").all_inner_texts()


def roll_hundred(page) -> list[str]:
    before = page.get_attribute("#sample-names .rolled", "data-seq")
    page.click("#sample-hundred")
    expect(page.locator("#sample-names .rolled")).not_to_have_attribute("data-seq", before)
    return names(page)


def more(page) -> None:
    page.get_by_role("button", name="More controls").click()
    expect(page.locator("#sample-seed input")).to_be_visible()


def write_prefix(page, text: str) -> None:
    field = page.locator("#sample-prefix input, #sample-prefix textarea")
    field.fill(text)
    field.press("Enter")


# --- what stands there --------------------------------------------------------------------------------------


def test_the_numbers_on_the_screen_are_those_of_lmlab(page, shelf):
    run = model_of(page, shelf)
    found = sampling.word(shelf, run, "names", temperature=0.8, top_p=0.9, seed=41, at=3)
    letters = [*found["text"], "end"]
    assert word(page) == letters
    shown = page.locator("#sample-word .nats").all_text_contents()
    assert shown == [f"{nats:.1f}" for nats in surprisal(run.model, found["text"], run.tokenizer)]
    total = sum(step["nats"] for step in found["steps"])
    expect(page.locator("#sample-word svg")).to_contain_text(f"{total / len(letters):.2f} nats per character")
    assert page.inner_text("#sample-word .next h3") == f"After {found['text'][:3]}, the next letter"

    begin = run.tokenizer.encode(found["text"][:3])
    tree = sampling.tree(shelf, run, begin, temperature=0.8, top_p=0.9)
    on_screen = final(page)
    for child in tree["root"]["children"]:
        symbol = "end" if child["id"] == 0 else child["symbol"]
        assert on_screen[symbol] == pytest.approx(100 * child["p"], abs=0.006)
    assert sum(on_screen.values()) == pytest.approx(100, abs=0.2)
    assert said(page).startswith(f"{found['steps'][3]['u']:.3f} lands on {letters[3]}")

    made = generate(run.model, run.tokenizer, 24, Sampling(0.8, top_p=0.9), limit=25, seed=41, likeliest_first=True)
    assert names(page) == [sample.text if sample.ended else f"{sample.text}…" for sample in made]


def test_the_tree_multiplies_along_its_paths(page, shelf):
    run = model_of(page, shelf)
    begin = run.tokenizer.encode("".join(word(page)[:3]))
    tree = sampling.tree(shelf, run, begin, temperature=0.8, top_p=0.9)
    first = tree["root"]["children"][0]
    node = page.locator(f'#sample-tree [data-path="{first["id"]}"]')
    assert f"p {100 * first['p']:.1f} %" in node.get_attribute("aria-label")
    page.locator('#sample-tree [data-depth="table"] summary').click()
    row = page.locator("#sample-tree table tr").nth(1).locator("td").all_inner_texts()
    product = 1.0
    for factor in row[2].split(" × "):
        product *= float(factor)
    assert float(row[1]) == pytest.approx(100 * product, abs=0.06)
    assert "beam search" in page.inner_text("#sample-tree .say")


# --- the sliders --------------------------------------------------------------------------------------------


def test_every_slider_changes_what_may_be_rolled(page):
    start = final(page)
    moved(page, "#sample-temperature", 0.3)
    assert max(final(page).values()) > max(start.values())
    moved(page, "#sample-temperature", 5)
    assert max(final(page).values()) < max(start.values())
    moved(page, "#sample-temperature", 1)
    moved(page, "#sample-p", 1)
    assert page.locator("#sample-columns .row.cut").count() == 0
    moved(page, "#sample-k", 2)
    assert sum(p > 0 for p in final(page).values()) == 2
    assert page.locator("#sample-columns .row.cut").count() == 25
    assert "25 letters" in page.text_content("#sample-columns svg")
    moved(page, "#sample-k", 27)
    moved(page, "#sample-p", 0.5)
    half = sum(p > 0 for p in final(page).values())
    assert 1 <= half < 27
    moved(page, "#sample-p", 1)
    more(page)
    moved(page, "#sample-min-p", 1)
    assert page.locator("#sample-columns .row:not(.cut)").count() == 1
    moved(page, "#sample-min-p", 0)
    moved(page, "#sample-temperature", 0)
    assert sorted(final(page).values())[-2:] == [0, 100]
    assert "greedy" in page.text_content("#sample-columns svg")
    assert len(set(roll_hundred(page))) == 1


def test_a_slider_answers_in_the_browser(page, record_property):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    times = sorted(page.evaluate(SLIDE, [str(0.5 + i / 100) for i in range(100)]))  # as `lmlab bench` measures it
    moving = len(asked)
    p95 = times[94]
    record_property("slider_p95_ms", p95)
    print(f"slider answers: median {times[49]:.1f} ms, p95 {p95:.1f} ms, most {times[-1]:.1f} ms")
    assert p95 < 250  # generous: a shared machine is slow at times; `lmlab bench` holds the 50 ms
    assert moving <= 2 + sum(times) / 250  # the server hears of it only where the slider rests for a quarter second


# --- the student as the sampler ----------------------------------------------------------------------------


def test_a_row_forces_its_letter_and_a_letter_leads_back(page):
    start = word(page)
    here = at(page)
    row = page.locator("#sample-columns .row").nth(2)
    letter = row.locator("text").first.text_content()
    after(page, lambda: row.click())
    assert word(page)[: here + 1] == [*start[:here], letter]
    assert at(page) == here + 1
    assert page.inner_text("#sample-word .next h3") == f"After {''.join(word(page)[: here + 1])}, the next letter"
    before = seq(page, "#sample-tree")
    page.locator("#sample-word .letter").nth(here).click()
    expect(page.locator("#sample-columns .say")).to_contain_text(f"You chose {letter}")
    page.wait_for_function("n => Number(document.querySelector('#sample-tree .fig').dataset.seq) > n", arg=before)
    after(page, lambda: page.click("#sample-again"))
    assert word(page)[:here] == start[:here]
    expect(page.locator("#sample-columns .say")).to_contain_text("lands on")


def test_a_branch_of_the_tree_is_a_way_to_go(page):
    start, here = word(page), at(page)
    node = page.locator("#sample-tree .node[data-path*='-']").first
    spelled = node.get_attribute("aria-label").split(":")[0].removesuffix(" end")
    after(page, lambda: node.click())
    assert "".join(word(page)).startswith("".join(start[:here]) + spelled)


def test_the_end_mark_can_be_forced_where_it_is_cut(page):
    after(page, lambda: page.locator("#sample-word .fig button", has_text="New name").click())
    assert at(page) == 0
    after(page, lambda: page.locator("#sample-columns .row[data-i='0']").click())
    assert word(page) == ["end"]
    expect(page.locator("#sample-columns .say")).to_contain_text("You chose end")


def test_it_all_works_with_the_keyboard_alone(page):
    """Predict, see the gap, cool the dice, force a letter, rewind, walk the tree, roll: no mouse."""
    press = page.keyboard.press
    page.locator("#sample-guess input[type=range]").focus()
    press("ArrowRight")
    page.locator("#sample-lock").focus()
    before = page.get_attribute("#sample-names .rolled", "data-seq")
    press("Enter")
    expect(page.locator("#sample-steps")).to_contain_text("copy a training name")
    expect(page.locator("#sample-names .rolled")).not_to_have_attribute("data-seq", before)

    page.locator("#sample-temperature input[type=range]").focus()
    drawn = page.get_attribute("#sample-columns .sampler", "data-t")
    press("ArrowLeft")
    expect(page.locator("#sample-columns .sampler")).not_to_have_attribute("data-t", drawn)

    for _ in range(40):  # on from the sliders to the columns, by Tab alone
        if page.evaluate("document.activeElement.matches('#sample-columns .row')"):
            break
        press("Tab")
    focused = page.evaluate("document.activeElement.dataset.i")
    press("ArrowDown")
    letter = page.evaluate("document.activeElement.querySelector('text').textContent")
    assert page.evaluate("document.activeElement.dataset.i") != focused
    assert said(page).startswith(f"{letter}: logit")
    here = at(page)
    after(page, lambda: press("Enter"))
    assert word(page)[here] == letter

    page.locator("#sample-word .letter[tabindex='0']").focus()
    press("Home")
    press("Enter")
    expect(page.locator("#sample-word .next h3")).to_have_text("The first letter")
    assert at(page) == 0
    expect(page.locator("#sample-tree h3")).to_have_text("The likeliest branches")

    page.locator("#sample-tree .node[tabindex='0']").focus()
    press("ArrowDown")
    press("ArrowRight")
    path = page.evaluate("document.activeElement.dataset.path")
    assert path.count("-") == 1
    after(page, lambda: press("Enter"))
    assert at(page) == 2

    page.locator("#sample-hundred").focus()
    before = page.get_attribute("#sample-names .rolled", "data-seq")
    press("Enter")
    expect(page.locator("#sample-names .rolled")).not_to_have_attribute("data-seq", before)
    assert len(names(page)) == 100


# --- a hundred names ----------------------------------------------------------------------------------------


def test_a_hundred_names_say_how_many_are_copies(page):
    shown = roll_hundred(page)
    assert len(shown) == 100
    known = page.locator("#sample-names li .known").count()
    assert f"{known} of 100" in page.inner_text("#sample-names .look")
    rolled, promised = data_of(page, "#sample-first")[:2]
    assert sum(rolled["y"]) == pytest.approx(100)
    assert sum(promised["y"]) == pytest.approx(100, abs=0.1)
    for letter, share in zip(rolled["x"], rolled["y"], strict=True):
        assert share == sum(name.startswith(letter) for name in shown)


def test_prefix_seed_and_new_dice(page):
    more(page)
    after(page, lambda: write_prefix(page, "Zo"))
    first = names(page)
    assert all(name.startswith("zo") for name in first)
    assert "".join(word(page)).startswith("zo")
    assert page.inner_text("#sample-word .next h3") == "After zo, the next letter"
    after(page, lambda: set_number(page, "#sample-seed", 42))
    second = names(page)
    assert second != first
    after(page, lambda: set_number(page, "#sample-seed", 41))
    assert names(page) == first
    after(page, lambda: page.click("#sample-dice"))
    assert names(page) not in (first, second)
    assert page.input_value("#sample-seed input") != "41"
    page.locator("#sample-word .letter").first.click()
    expect(page.locator("#sample-columns .say")).to_contain_text("You wrote z")
    page.locator("#sample-columns .row").nth(1).click()
    expect(page.locator("#tab-sample [role=alert]")).to_contain_text("Begins with")


def test_an_unknown_letter_gets_a_sentence_and_loses_nothing(page):
    more(page)
    shown, spelled = names(page), word(page)
    write_prefix(page, "né")
    expect(page.locator("#tab-sample [role=alert]")).to_contain_text("'é' is not in the vocabulary")
    assert (names(page), word(page)) == (shown, spelled)
    write_prefix(page, "<img src=x onerror=alert(1)>")
    expect(page.locator("#tab-sample [role=alert]")).to_contain_text("'<' is not in the vocabulary")
    assert (names(page), word(page)) == (shown, spelled)


def test_the_samples_can_be_downloaded(page):
    shown = roll_hundred(page)
    with page.expect_download() as download:
        page.click("#sample-download")
    text = download.value.path().read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"] or "(end at once)" for row in rows] == [name.removesuffix("…") for name in shown]
    assert {row["novelty"] for row in rows} <= {"training", "held out", "new", "cut off"}
    assert all(float(row["nats"]) > 0 for row in rows)


# --- over T, presets, the lecture ----------------------------------------------------------------------------


def test_what_t_changes_is_measured_and_marked(page, shelf):
    page.wait_for_selector("#sample-over .fig[data-state=drawn]")
    run = model_of(page, shelf)
    known = next(trace for trace in data_of(page, "#sample-over") if trace["name"] == "known")
    found = sampling.at_temperature(shelf, run, "names", 0.5, seed=41)
    assert known["y"][known["x"].index(0.5)] == pytest.approx(100 * found["known"])
    before = seq(page, "#sample-over")
    set_slider(page, "#sample-temperature", 2)
    page.wait_for_function("n => Number(document.querySelector('#sample-over .fig').dataset.seq) > n", arg=before)
    lines = page.eval_on_selector("#sample-over .plot", "plot => plot.layout.shapes.map(shape => shape.x0)")
    assert lines == [2, 2, 2]
    assert "At T = 2" in page.inner_text("#sample-over .say")


def test_a_link_with_own_logits_shows_their_box(new_page):
    page = new_page(level="sample", path="?set=logits:own&set=own-logits:3,2,1&set=temperature:2")
    page.wait_for_selector(ARRIVED)
    expect(page.locator("#sample-own input, #sample-own textarea")).to_have_value("3,2,1")
    expect(page.locator("#sample-own")).to_be_visible()
    expect(page.locator("#sample-preset input:checked")).to_have_count(0)
    expect(page.locator("#sample-temperature input[type=number]")).to_have_value("2")
    assert list(numbers(page, 1).values()) == ["3", "2", "1"] or list(numbers(page, 1)) == ["1", "2", "3"]


def test_settings_by_name(page):
    choose = lambda name: page.locator("#sample-preset").get_by_role("radio", name=name, exact=True).check()  # noqa: E731
    after(page, lambda: choose("Greedy"))
    assert page.input_value("#sample-temperature input[type=number]") == "0"
    after(page, lambda: choose("Wild"))
    assert page.input_value("#sample-temperature input[type=number]") == "2"
    assert page.input_value("#sample-p input[type=number]") == "1"
    moved(page, "#sample-temperature", 1.7)
    expect(page.locator("#sample-preset input:checked")).to_have_count(0)
    moved(page, "#sample-temperature", 1)
    expect(page.locator("#sample-preset input:checked")).to_have_value("plain")


def test_the_lectures_four_logits(page):
    after(page, lambda: page.get_by_role("radio", name="Four tokens").check())
    expect(page.locator("#sample-word .word-figure")).to_be_hidden()
    expect(page.locator("#sample-tree .fig")).to_be_hidden()
    table = page.locator("#sample-exact tbody tr")
    assert [table.nth(i).locator("td").all_inner_texts() for i in range(4)] == [
        ["1", "2", "0.8282", "0.5745", "0.4056"],
        ["2", "1", "0.1121", "0.2114", "0.2460"],
        ["3", "0.5", "0.0412", "0.1282", "0.1916"],
        ["4", "0.1", "0.0185", "0.0859", "0.1569"],
    ]
    moved(page, "#sample-p", 1)
    for t, column in ((0.5, 2), (1, 3), (2, 4)):
        moved(page, "#sample-temperature", t)
        expected = [table.nth(i).locator("td").nth(column).inner_text() for i in range(4)]
        assert list(numbers(page, 3).values()) == expected
    expect(page.locator("#sample-k input[type=number]")).to_have_value("4")
    page.locator('#sample-columns [data-depth="sum"] summary').click()
    # e to the logits over 2 adds up to 6.7024
    assert "/ 6.702" in page.inner_text("#sample-columns pre.sum")
    page.locator("#sample-columns .row").nth(3).click()
    expect(page.locator("#sample-columns .say")).to_contain_text("You chose 4")
    before = seq(page, "#sample-first")
    page.click("#sample-hundred")
    page.wait_for_function("n => Number(document.querySelector('#sample-first .fig').dataset.seq) > n", arg=before)
    assert sum(data_of(page, "#sample-first")[0]["y"]) == pytest.approx(100)


def test_own_logits_are_checked(page):
    page.get_by_role("radio", name="Your own").check()
    field = page.locator("#sample-own input, #sample-own textarea")
    expect(field).to_be_visible()
    after(page, lambda: (field.fill("1, 1; -2"), field.press("Enter")), "#sample-columns")
    assert page.locator("#sample-columns .row").count() == 3
    for text, sentence in (
        ("1, two", "“two” is no number"),
        ("1", "1 logits are there"),
        ("1, 1e9", "out of range"),
        ("<b>, 2", "“<b>” is no number"),
    ):
        field.fill(text)
        field.press("Enter")
        expect(page.locator("#tab-sample [role=alert]")).to_contain_text(sentence)
        assert page.locator("#sample-columns .row").count() == 3


# --- predict ------------------------------------------------------------------------------------------------


def lock(page) -> str:
    page.click("#sample-lock")
    expect(page.locator("#sample-steps .steps.at-3")).to_be_visible()
    return page.inner_text("#sample-steps")


def test_the_first_guess_stays_on_the_result(page):
    set_slider(page, "#sample-guess", 60)
    told = lock(page)
    known = int(re.search(r"(\d+) names? of 100", told)[1])
    assert f"{abs(known - 60)} {'more' if known > 60 else 'fewer'} than you said" in told
    assert page.locator("#sample-names li .known").count() == known
    assert "You said 60" in page.inner_text("#sample-names .guessed")
    assert page.input_value("#sample-temperature input[type=number]") == "1.5"
    page.wait_for_function("document.querySelector('#sample-over .plot')?.data?.some(trace => trace.name === 'you')")
    you = next(trace for trace in data_of(page, "#sample-over") if trace["name"] == "you")
    assert (you["x"], you["y"]) == ([1.5], [60])
    # why it is so, in one's own words, goes into the work
    page.locator("#sample-why textarea, #sample-why input").fill("A flat die copies little.")
    page.click("#sample-keep")
    expect(page.locator("#sample-keep")).to_be_hidden()
    page.click("#bar-work")
    expect(page.locator("#drawer-work")).to_contain_text("A flat die copies little.")


def test_the_other_questions(page, shelf):
    run = model_of(page, shelf)
    page.click("#sample-skip")
    page.click("#sample-another")
    expect(page.locator("#sample-steps")).to_contain_text("about 50 %")
    set_slider(page, "#sample-guess", 0.6)
    truth = sampling.temperature_for(shelf, run, 0.5)["temperature"]
    assert f"50 % needs T = {truth:.2f}" in lock(page)
    assert page.locator("#sample-columns .you").count() == 1
    page.click("#sample-another")
    expect(page.locator("#sample-drawing")).to_be_visible()
    told = lock(page)
    assert "40.6, 24.6, 19.2, 15.7 %" in told
    assert page.locator("#sample-columns .you").count() == 4


# --- other models -------------------------------------------------------------------------------------------


def test_a_count_model_can_be_sampled_too(page):
    before = number_of(page, "#sample-word")
    open_level(page, "count")
    page.wait_for_selector("#count-table .fig")
    page.click("#count-keep-model")
    page.wait_for_function("document.querySelectorAll('#bench li').length === 3")
    open_level(page, "sample")
    expect(page.locator("#sample-model input")).to_have_value(re.compile("bigram"))
    expect(page.locator("#sample-word .surprise")).not_to_have_attribute("data-seq", before)
    after(page, lambda: page.click("#sample-again"))


def test_another_model_is_chosen_in_the_menu(page):
    before = word(page), names(page)
    chosen = page.input_value("#sample-model input").split(" · ")[0]
    other = "plain-finch" if chosen != "plain-finch" else "calm-heron"
    page.click("#sample-model input")
    after(page, lambda: page.locator("ul.options li, [role=option]").filter(has_text=other).first.click())
    assert (word(page), names(page)) != before
    expect(page.locator("#bench button[aria-pressed=true]")).to_contain_text(other)


def test_on_a_phone_nothing_scrolls_sideways(open_sample):
    page = open_sample(width=400)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    expect(page.locator("#sample-columns .row text.number").first).to_be_visible()
    expect(page.locator("#sample-columns svg")).not_to_contain_text("logit")  # p, p final and the sum only
