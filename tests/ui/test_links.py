"""Teacher links on the real levels: whatever a level offers can be hidden, locked and set."""

import re

import pytest
from playwright.sync_api import expect

from lmlab import strings
from lmlab.ui import recipes
from lmlab.ui.levels import LEVELS


def offered(page):
    """The controls that the drawer lists, as (name, label)."""
    page.click("#bar-link")
    page.wait_for_selector("#link-text")
    rows = page.locator("#drawer-link .choices tr").all()
    return [
        (row.locator("input").first.get_attribute("data-control"), row.locator("th").inner_text()) for row in rows
    ]


@pytest.mark.parametrize("level", LEVELS)
def test_everything_a_level_offers_can_be_hidden_and_locked(new_page, level):
    page = new_page(level=level)
    page.wait_for_selector(f"#tab-{level} h1")
    controls = offered(page)
    assert controls, "a teacher can set nothing here"
    names = [name for name, _ in controls]
    assert len({label for _, label in controls}) == len(controls), "two controls read the same"
    # the first ones are locked: what stands further down may be on a part of the level that is not open yet
    locked, hidden = names[: (len(names) + 1) // 2], names[(len(names) + 1) // 2 :]
    for kind, chosen in (("lock", locked), ("hide", hidden)):
        for name in chosen:
            page.locator(f"input[data-control='{name}'][value={kind}]").check()
    address = page.locator("#link-text").input_value()
    other = new_page(level=level, path="?" + re.sub(r"^.*\?level=\w+&", "", address))
    other.wait_for_selector(f"#tab-{level} h1")
    expect(other.locator("#notes")).to_have_text("")
    sheet = other.evaluate("[...document.adoptedStyleSheets].flatMap(s => [...s.cssRules]).map(r => r.selectorText)")
    assert len([rule for rule in sheet if rule.startswith("#")]) == len(hidden)
    for rule in sheet:
        for node in other.locator(rule).all():
            expect(node).to_be_hidden()
    expect(other.locator("[data-locked]").first).to_be_attached()
    for node in other.locator("[data-locked]").all():
        assert node.evaluate("node => node.inert")


def test_a_link_sets_the_order_and_the_names_of_count(new_page):
    page = new_page(level="count", path="?set=order:4&corpus=names_indian&lock=order")
    expect(page.locator("#count-order input[type=range]")).to_have_value("4")
    expect(page.locator("#corpus")).to_contain_text("Indian names")
    expect(page.locator("#count-order")).to_have_attribute("data-locked", strings.t("widget.frame.locked"))


def test_a_link_sets_a_rule_of_sampling(new_page):
    page = new_page(level="sample", path="?set=top-k:3&hide=min-p")
    page.wait_for_selector("#tab-sample h1")
    page.click("#bar-link")
    page.wait_for_selector("#link-text")
    expect(page.locator("#link-text")).to_have_value(re.compile("set=top-k:3"))


def test_a_link_to_the_transformer_is_that_screen_and_the_drawer_makes_the_same_link(new_page):
    page = new_page(level="mlp", path="?set=model:transformer&set=inside-name:priya&set=slope-directions:weights")
    expect(page.locator("#mlp-layers")).to_be_visible()
    expect(page.locator("#mlp-context")).to_be_hidden()
    expect(page.locator("#mlp-preset label")).to_have_count(len(recipes.SHOWN["transformer"]))
    expect(page.locator("#mlp-preset").get_by_role("radio", name="Sensible", exact=True)).to_be_checked()
    expect(page.locator("#mlp-steps .now")).to_contain_text(strings.t("mlp.ask.goal"))
    expect(page.locator("#mlp-network [data-part=whole]")).to_contain_text("priya has 5 letters")
    expect(page.locator("#mlp-slope-rate").get_by_role("radio", name="10", exact=True)).to_be_checked()
    page.locator("#mlp-preset").get_by_role("radio", name="Small", exact=True).check()
    expect(page.locator("#mlp-layers input[type=range]")).to_have_value("1")
    page.click("#bar-link")
    page.wait_for_selector("#link-text")
    address = page.locator("#link-text").input_value()
    assert "set=preset:transformer-one-block" in address
    other = new_page(level="mlp", path="?" + re.sub(r"^.*\?level=\w+&", "", address))
    expect(other.locator("#mlp-preset").get_by_role("radio", name="Small", exact=True)).to_be_checked()
    expect(other.locator("#mlp-layers input[type=range]")).to_have_value("1")
    expect(other.locator("#notes")).to_have_text("")


def test_a_setting_on_top_of_a_lesson_leaves_no_lesson_and_draws_to_its_steps(new_page):
    page = new_page(level="mlp", path="?preset=mlp-sensible&set=context:1&set=steps:500")
    expect(page.locator("#mlp-context input[type=range]")).to_have_value("1")
    expect(page.locator("#mlp-steps .now")).to_contain_text(strings.t("mlp.ask.again"))
    expect(page.locator("#mlp-preset input:checked")).to_have_count(0)
    expect(page.locator("#mlp-drawing text.letter").last).to_have_text("500")


def test_a_link_opens_a_lab(new_page):
    page = new_page(level="labs", path="?preset=lab06&hide=hints&lock=list")
    expect(page.locator("#labs-head h2")).to_contain_text("6 ·")
    expect(page.locator("#labs-hints")).to_be_hidden()
    assert page.locator("#labs-list").evaluate("node => node.inert || node.closest('[inert]') !== null")
