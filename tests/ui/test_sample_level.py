"""The level Generate."""

import csv
import io
import re

import pytest
from playing import data_of, open_level, seq, set_number, set_slider, wait_for_new
from playwright.sync_api import expect


@pytest.fixture
def generate(new_page):
    page = new_page()
    open_level(page, "sample")
    page.wait_for_selector("#sample-first .fig[data-state=drawn]")
    page.wait_for_selector("#sample-names [data-state=rolled] li")
    return page


def names(page) -> list[str]:
    return page.locator("#sample-names li > span:first-child").all_inner_texts()


def roll(page) -> list[str]:
    before = rolled(page)
    page.click("#sample-roll")
    expect(page.locator("#sample-names .rolled")).not_to_have_attribute("data-seq", before)
    return names(page)


def rolled(page) -> str:
    return page.get_attribute("#sample-names .rolled", "data-seq")


def distribution(page) -> list[float]:
    return data_of(page, "#sample-first")[0]["y"]


def changed(page, act) -> list[float]:
    """The distribution after `act` has changed it."""
    before = seq(page, "#sample-first")
    act()
    wait_for_new(page, "#sample-first", before)
    return distribution(page)


def test_names_and_the_first_letter_stand_there_before_any_click(generate):
    assert len(names(generate)) == 24
    assert sum(distribution(generate)) == pytest.approx(100, abs=0.1)


def test_temperature_and_the_methods_change_what_may_be_rolled(generate):
    page = generate
    first = distribution(page)
    cool = changed(page, lambda: set_slider(page, "#sample-temperature", 0.3))
    assert max(cool) > max(first)
    hot = changed(page, lambda: set_slider(page, "#sample-temperature", 5))
    assert max(hot) < max(first)
    changed(page, lambda: set_slider(page, "#sample-temperature", 1))

    five = changed(page, lambda: page.get_by_role("radio", name="Top-k", exact=True).check())
    assert sum(p > 0 for p in five) == 5
    two = changed(page, lambda: set_slider(page, "#sample-k", 2))
    assert sum(p > 0 for p in two) == 2
    nucleus = changed(page, lambda: page.get_by_role("radio", name="Top-p", exact=True).check())
    half = changed(page, lambda: set_slider(page, "#sample-p", 0.5))
    assert 0 < sum(p > 0 for p in half) < sum(p > 0 for p in nucleus) < 27
    some = changed(page, lambda: page.get_by_role("radio", name="Min-p", exact=True).check())
    few = changed(page, lambda: set_slider(page, "#sample-min-p", 0.5))
    assert 0 < sum(p > 0 for p in few) < sum(p > 0 for p in some)
    one = changed(page, lambda: page.get_by_role("radio", name="Greedy", exact=True).check())
    assert sorted(one)[-2:] == [0, 100]
    expect(page.locator("#sample-temperature")).to_be_hidden()
    assert len(set(roll(page))) == 1


def test_prefix_number_and_seed(generate):
    page = generate
    page.locator("#sample-prefix input, #sample-prefix textarea").fill("Zo")
    set_slider(page, "#sample-number", 7)
    first = roll(page)
    assert len(first) == 7
    assert all(name.startswith("zo") for name in first)
    assert roll(page) == first
    set_number(page, "#sample-seed", 42)
    assert roll(page) != first


def test_a_prefix_with_an_unknown_letter_gets_a_sentence_and_loses_nothing(generate):
    page = generate
    shown = names(page)
    page.locator("#sample-prefix input, #sample-prefix textarea").fill("né")
    page.click("#sample-roll")
    expect(page.locator("#tab-sample [role=alert]")).to_contain_text("'é' is not in the vocabulary")
    assert names(page) == shown


def test_known_names_are_marked(generate):
    page = generate
    set_slider(page, "#sample-number", 100)
    roll(page)
    marked = page.locator("#sample-names li .known").count() - page.locator("#sample-names .look .known").count()
    assert f"{page.locator('#sample-names li .known').count()} of 100" in page.inner_text("#sample-names .look")
    assert marked >= 0


def test_the_samples_can_be_downloaded(generate):
    page = generate
    shown = roll(page)
    with page.expect_download() as download:
        page.click("#sample-download")
    text = download.value.path().read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"] for row in rows] == [name.removesuffix("…") for name in shown]
    assert {row["novelty"] for row in rows} <= {"training", "held out", "new", "cut off"}
    assert all(float(row["nats"]) > 0 for row in rows)


def test_a_count_model_generates_too(generate):
    page = generate
    before, at = names(page), rolled(page)
    open_level(page, "count")
    page.click("#count-keep")  # a kept model is the chosen one
    page.wait_for_function("document.querySelectorAll('#bench li').length === 3")
    open_level(page, "sample")
    expect(page.locator("#sample-model input")).to_have_value(re.compile("bigram"))
    expect(page.locator("#sample-names .rolled")).not_to_have_attribute("data-seq", at)
    assert names(page) != before


def test_another_model_is_chosen_in_the_menu(generate):
    page = generate
    before, at = names(page), rolled(page)
    page.click("#sample-model input")
    page.locator("ul.options li, [role=option]").filter(has_text="plain-finch").first.click()
    expect(page.locator("#sample-names .rolled")).not_to_have_attribute("data-seq", at)
    assert names(page) != before
    expect(page.locator("#bench button[aria-pressed=true]")).to_contain_text("plain-finch")
