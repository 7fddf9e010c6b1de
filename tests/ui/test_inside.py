"""The panel "Inside the network": from opening it to the last step of the walk, with the keyboard."""

import pytest
from playing import click_point, data_of, seq, wait_for_new
from playwright.sync_api import expect

from lmlab.figures.inside import number
from lmlab.jobs import calls
from lmlab.jobs.calls import inside
from lmlab.runs.cards import BUNDLED

NETWORK = "#mlp-network .network"
STEPS = ["lookup", "join", "hidden", "logits", "softmax", "loss", "gradient", "update"]


@pytest.fixture(scope="module")
def shelf():
    return calls.Shelf()


@pytest.fixture(scope="module")
def run(shelf):
    return shelf.run(str(BUNDLED / "plain-finch"))


@pytest.fixture
def panel(new_page):
    page = new_page(level="mlp")
    page.wait_for_selector(f"{NETWORK}[data-state=drawn]")
    page.wait_for_selector("#mlp-slope .fig[data-state=drawn]")
    return page


def drawn_after(page, act) -> None:
    """Wait until a newer picture than the one before `act` stands there."""
    before = page.get_attribute(NETWORK, "data-seq")
    act()
    page.wait_for_function(
        "([box, before]) => { const d = document.querySelector(box).dataset;"
        " return d.seq !== before && d.state === 'drawn'; }",
        arg=[NETWORK, before],
    )


def type_name(page, name: str) -> None:
    field = page.locator("#mlp-inside-name input, #mlp-inside-name textarea")
    field.fill(name)
    field.press("Enter")
    expect(page.locator("#mlp-network [data-part=whole]")).to_contain_text(f"{name.lower()} has {len(name)} letters")
    expect(page.locator(NETWORK)).to_have_attribute("data-state", "drawn")


def test_the_windows_and_the_network_show_the_workers_numbers(panel, shelf, run):
    type_name(panel, "Emma")
    found = inside.picture(shelf, run, "names", "emma")
    expect(panel.locator("#mlp-network .pairs li")).to_have_count(5)
    shares = panel.locator("#mlp-network .pairs .share").all_inner_texts()
    assert shares == [f"{100 * one['p']:.1f} %" for one in found["windows"]]
    bars = panel.locator("#mlp-network .bars .num").all_inner_texts()
    assert bars == [f"{100 * share:.1f}" for share in found["p"]]
    expect(panel.locator("#mlp-network .bars li.target b")).to_have_text("a")
    expect(panel.locator("#mlp-network .unit")).to_have_count(128)


def test_every_step_of_the_walk_by_keyboard(panel, shelf, run):
    type_name(panel, "emma")
    found = inside.walk(shelf, run, "names", "emma", 3, rate=0.01)
    panel.locator("#mlp-walk .stops button").first.focus()
    for key in STEPS:
        expect(panel.locator("#mlp-walk .walk")).to_have_attribute("data-key", key)
        expect(panel.locator("#mlp-inside")).to_have_attribute("data-stage", key)
        said = panel.inner_text("#mlp-walk .step")
        if key == "hidden":
            assert f"= {number(found['sum'])}" in said
        if key == "softmax":
            assert number(100 * found["p"][found["target"]], 2) in said
        if key == "loss":
            assert f"= {number(found['loss'])} nats" in said
            assert all(cost in said for cost in ("0.051", "0.693", "4.605"))  # of P = 0.95, 0.5 and 0.01
        if key == "gradient":
            assert number(found["gradient"]["logits"][found["target"]]) in said
        if key == "update":
            assert number(found["others_before"], 4) in said
            assert number(found["others_after"], 4) in said
        panel.keyboard.press("ArrowRight")
    expect(panel.locator("#mlp-walk [data-go='1']")).to_be_disabled()


def test_the_rate_changes_what_the_update_does(panel, shelf, run):
    type_name(panel, "emma")
    panel.locator("#mlp-walk .stops button").last.click()
    before = panel.inner_text("#mlp-walk .step")
    drawn_after(panel, lambda: panel.locator("#mlp-walk-rate").get_by_role("radio", name="0.1", exact=True).check())
    found = inside.walk(shelf, run, "names", "emma", 3, rate=0.1)
    expect(panel.locator("#mlp-walk .step")).to_contain_text(number(100 * found["p_after"], 1))
    assert panel.inner_text("#mlp-walk .step") != before


def test_a_unit_shows_what_it_looks_for_and_the_walk_follows_it(panel, shelf, run):
    type_name(panel, "emma")
    unit = panel.locator("#mlp-network .unit[data-unit='20']")
    drawn_after(panel, unit.click)
    found = inside.unit(shelf, run, "names", 20)
    box = panel.locator("#mlp-network .favourites")
    expect(box).to_be_visible()
    expect(box).to_contain_text(found["most"][0]["name"])
    panel.locator("#mlp-walk .stops button").nth(2).click()
    expect(panel.locator("#mlp-walk .step")).to_contain_text("Hidden unit 20")


def test_the_windows_move_by_keyboard(panel):
    type_name(panel, "emma")
    panel.locator("#mlp-network .pairs button[aria-current=true]").focus()
    drawn_after(panel, lambda: panel.keyboard.press("ArrowRight"))
    expect(panel.locator("#mlp-network .pairs button[aria-current=true]")).to_contain_text("mma → .")


def test_a_start_that_is_clicked_and_three_times_the_rate(panel):
    click_point(panel, "#mlp-slope", -0.75, 0.75)
    panel.wait_for_function(  # the page may still be drawing the slope that it opens with
        """() => {
            const path = document.querySelector('#mlp-slope .plot').data.find(t => t.name === '0.1');
            return Math.abs(path.x[0] + 0.75) < 0.05 && Math.abs(path.y[0] - 0.75) < 0.05;
        }"""
    )
    panel.locator("#slope-choice").get_by_role("radio", name="lower", exact=True).check()
    before = seq(panel, "#mlp-slope")
    panel.click("#slope-lock")
    wait_for_new(panel, "#mlp-slope", before)
    expect(panel.locator("#slope-steps .now")).to_contain_text("You said lower")
    expect(panel.locator("#slope-lock")).to_be_hidden()  # what was locked is answered once
    expect(panel.locator("button.primary:visible")).to_have_count(1)
    assert {"0.1", "0.3"} <= {trace["name"] for trace in data_of(panel, "#mlp-slope")}


def test_a_letter_that_is_not_known_gets_a_sentence_and_nothing_is_lost(panel):
    before = panel.inner_text("#mlp-network .whole")
    field = panel.locator("#mlp-inside-name input, #mlp-inside-name textarea")
    field.fill("zoé")
    field.press("Enter")
    expect(panel.locator("#mlp-inside-message [role=alert]")).to_contain_text("'é'")
    assert panel.inner_text("#mlp-network .whole") == before


def test_a_phone_has_no_sideways_scroll(new_page):
    page = new_page(level="mlp", width=400)
    page.wait_for_selector(f"{NETWORK}[data-state=drawn]")
    expect(page.locator(NETWORK)).to_have_attribute("data-flow", "down")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
