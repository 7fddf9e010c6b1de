"""The level MLP: a guess is drawn, a network learns in the page, the gap is told, and one can go back."""

import json
import re

import pytest
from playing import data_of, open_level, seq, set_number, set_slider, wait_for_new
from playwright.sync_api import expect

from lmlab.runs.cards import BUNDLED, read_card


@pytest.fixture
def train(new_page):
    page = new_page(level="mlp")
    page.wait_for_selector("#mlp-loss .fig[data-state=drawn]")
    page.wait_for_selector("#mlp-drawing svg circle")
    return page


def state(page, name: str) -> None:
    page.wait_for_selector(f"#mlp-steps [data-state={name}]")


def at(page, step: int) -> None:
    """Wait for one of the three steps: 1 predict, 2 run, 3 the gap."""
    page.wait_for_selector(f"#mlp-steps .steps.at-{step}", state="attached")  # the steps have no box of their own


def quick(page, steps: int = 150) -> None:
    """A network that is done in a moment."""
    set_slider(page, "#mlp-steps", steps)
    set_slider(page, "#mlp-hidden", 16)
    # the last step of the drawing says that the page has taken the settings
    page.wait_for_selector(f"#mlp-drawing text.letter:has-text('{steps:,}')")


def run(page, lock: bool = False) -> list[float]:
    """From a question to its gap; returns the training curve."""
    page.click("#mlp-lock" if lock else "#mlp-skip")
    at(page, 3)
    return data_of(page, "#mlp-loss")[0]["y"]


def choose(page, preset: str) -> None:
    page.locator("#mlp-preset").get_by_role("radio", name=preset, exact=True).check()


def standing(page) -> None:
    """A finished network on the chart: a choice is asked, which its curve does not answer."""
    before = seq(page, "#mlp-loss")
    choose(page, "One letter")
    wait_for_new(page, "#mlp-loss", before)


def more(page) -> None:
    page.locator("#mlp-more button").first.click()
    page.wait_for_selector("#mlp-seed-value input")


# --- from the first click to the insight -------------------------------------------------------------------


def test_the_screen_is_full_before_any_click(train):
    # the curve that answers the open question comes after the guess; the tables and the names are there
    assert data_of(train, "#mlp-loss")[0]["x"] == []
    expect(train.locator("#mlp-loss")).to_contain_text("its curve comes after your guess")
    expect(train.locator("#mlp-names tbody tr")).to_have_count(6)
    expect(train.locator("button.primary:visible")).to_have_count(1)
    standing(train)
    curve = data_of(train, "#mlp-loss")[0]
    history = read_card(BUNDLED / "plain-finch")["history"]
    assert curve["y"] == [round(loss, 4) for _, loss in history["batch"]]
    train.wait_for_selector("#mlp-letters .fig[data-state=drawn]")
    expect(train.locator("button.primary:visible")).to_have_count(1)


def test_a_drawn_guess_is_locked_the_network_learns_and_the_gap_is_told(train):
    quick(train, 400)
    first = train.locator("#mlp-drawing circle").first
    first.focus()
    for _ in range(5):  # the keyboard draws, too
        first.press("PageUp")
    train.click("#mlp-lock")
    at(train, 2)
    expect(train.locator("button.primary:visible")).to_have_text("Pause")
    at(train, 3)
    gap = train.inner_text("#mlp-steps .now")
    assert "The loss began at 3.30, as unsure as among 27 letters (ln 27), and ended at" in gap
    assert "Your curve was off by" in gap
    assert gap.strip().endswith("?")
    end = float(re.search(r"ended at (\d\.\d\d)", gap).group(1))
    expect(train.locator("#ruler .rmark.now .label")).to_contain_text(f"{end:.2f}")
    drawn = next(trace for trace in data_of(train, "#mlp-loss") if trace["name"] == "your guess")
    assert drawn["x"] == [1, 4, 20, 80, 400]  # a logarithmic axis begins at 1, where step 0 stands
    assert drawn["y"][0] > drawn["y"][1]
    train.locator("#mlp-why textarea").fill("It learns the frequent letters first.")
    train.click("#mlp-keep")
    expect(train.locator("#mlp-keep")).to_be_hidden()
    expect(train.locator("#mlp-next")).to_have_text("Next: One letter")


def test_the_next_lesson_asks_its_own_question(train):
    quick(train, 50)
    run(train)
    train.click("#mlp-next")
    at(train, 1)
    expect(train.locator("#mlp-context input[type=range]")).to_have_value("1")
    assert "one letter only" in train.inner_text("#mlp-steps .now")
    train.locator("#mlp-choice").get_by_role("radio", name="At the bigram table", exact=True).check()
    set_slider(train, "#mlp-steps", 2000)  # its own settings again: the question is the general one
    expect(train.locator("#mlp-steps .now")).to_contain_text("Other settings")


# --- lessons -------------------------------------------------------------------------------------------------


def test_too_high_a_learning_rate_makes_the_guard_speak_and_half_of_it_is_one_click(train):
    choose(train, "Too fast")
    expect(train.locator("#mlp-rate input")).to_have_value("30")
    train.locator("#mlp-choice").get_by_role("radio", name="Faster", exact=True).check()
    train.click("#mlp-lock")
    at(train, 3)
    gap = train.inner_text("#mlp-steps .now")
    assert "You said “Faster”; it came out as “It breaks”." in gap
    assert re.search(r"diverged at step \d+: with a learning rate of 30", gap)
    train.click("#mlp-halve")
    expect(train.locator("#mlp-rate input")).to_have_value("15")
    expect(train.locator("#mlp-steps .now")).to_contain_text("learning rate of 15")


def test_zeros_stay_equal_and_learn_letter_frequencies(train):
    choose(train, "All zeros")
    train.locator("#mlp-choice").get_by_role("radio", name="How frequent letters are", exact=True).check()
    train.click("#mlp-lock")
    at(train, 3)
    gap = train.inner_text("#mlp-steps .now")
    assert "All 128 hidden units still have equal weights (largest difference 0.000)" in gap
    assert "You said so" in gap


def test_500_names_are_learned_by_heart(train):
    choose(train, "500 names")
    train.locator("#mlp-choice").get_by_role("radio", name="Fall, then rise", exact=True).check()
    train.click("#mlp-lock")
    at(train, 3)
    gap = train.inner_text("#mlp-steps .now")
    assert "it learned them by heart" in gap
    assert "You said so" in gap


# --- the transport -------------------------------------------------------------------------------------------


def test_pause_step_go_on_and_stop(train):
    train.click("#mlp-skip")
    state(train, "running")
    train.click("#mlp-play")
    state(train, "paused")
    expect(train.locator("#mlp-play")).to_have_text("Go on")
    step = int(re.search(r"step ([\d,]+)", train.inner_text("#mlp-steps .status")).group(1).replace(",", ""))
    for button, steps in (("#mlp-one", 1), ("#mlp-ten", 10), ("#mlp-hundred", 100)):
        train.click(button)
        step += steps
        expect(train.locator("#mlp-steps .status b").first).to_have_text(f"{step:,}")
        state(train, "paused")
    train.click("#mlp-play")
    state(train, "running")
    train.click("#mlp-stop")
    at(train, 3)
    assert "Stopped at step" in train.inner_text("#mlp-steps")


def test_the_same_settings_are_the_same_run_and_another_seed_is_not(train):
    quick(train)
    first = run(train)
    train.locator("#mlp-more button").first.click()
    set_slider(train, "#mlp-hidden", 32)
    set_slider(train, "#mlp-hidden", 16)
    expect(train.locator("#mlp-next")).to_have_text("Train with these settings")
    train.click("#mlp-next")
    at(train, 1)
    assert run(train) == first
    set_number(train, "#mlp-seed-value", 7)
    expect(train.locator("#mlp-next")).to_have_text("Train with these settings")
    train.click("#mlp-next")
    at(train, 1)
    assert run(train) != first


def test_settings_changed_during_a_run_are_for_the_next_one(train):
    train.click("#mlp-skip")
    state(train, "running")
    set_slider(train, "#mlp-hidden", 32)
    expect(train.locator("#mlp-message")).to_contain_text("Press Start again to use these")
    train.click("#mlp-again")
    expect(train.locator("#mlp-steps .facts")).to_contain_text(
        "2,153 numbers"
    )  # 27·10 + 30·32 + 32 + 32·27 + 27 = 2,153
    train.click("#mlp-stop")
    at(train, 3)


@pytest.mark.parametrize(("rate", "sentence"), [(-1, "choose a number above 0"), ("", "has no number")])
def test_a_learning_rate_that_cannot_be_gets_a_sentence(train, rate, sentence):
    set_number(train, "#mlp-rate", rate)
    # the lesson is left: the page has heard of the new rate, and its answer will not take the sentence away
    expect(train.locator("#mlp-preset input:checked")).to_have_count(0)
    train.click("#mlp-skip")
    expect(train.locator("#mlp-message [role=alert]")).to_contain_text(sentence)


# --- going back ----------------------------------------------------------------------------------------------


def test_the_mark_goes_back_to_a_stored_step_with_keys_and_mouse(train):
    standing(train)
    moments = read_card(BUNDLED / "plain-finch")["moments"]
    mark = train.locator("#mlp-loss .scrub")
    expect(mark).to_have_attribute("data-at", "now")
    letters = seq(train, "#mlp-letters")
    mark.focus()
    mark.press("Home")
    expect(mark).to_have_attribute("data-at", "0")
    expect(train.locator("#mlp-names tbody tr.now td").first).to_have_text("0")
    names = read_card(BUNDLED / "plain-finch")["history"]["names"][0]["names"]
    shown = [cell.get_attribute("title") for cell in train.locator("#mlp-names tbody tr.now td span").all()]
    assert shown == names  # the stored weights roll the names that were rolled then
    wait_for_new(train, "#mlp-letters", letters)
    assert "Back at step 0" in train.inner_text("#mlp-loss [data-part=said]")
    mark.press("ArrowRight")
    expect(mark).to_have_attribute("data-at", str(moments[1]))
    box = mark.bounding_box()
    train.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + 13)
    expect(train.locator("#mlp-names tbody tr.now td").first).not_to_have_text("0")
    mark.press("End")
    expect(mark).to_have_attribute("data-at", "now")
    expect(train.locator("#mlp-names tbody tr.now td").first).to_have_text("4,000")


def test_a_step_without_a_held_out_loss_says_that_it_was_not_measured(train):
    quick(train, 50)
    run(train)
    assert data_of(train, "#mlp-loss")[1]["x"] == [50]  # a short run measures its end alone
    train.locator("#mlp-loss .scrub").press("Home")
    expect(train.locator("#mlp-loss [data-part=said]")).to_contain_text("held out not measured so early")


def test_going_back_while_it_learns_does_not_stop_it(train):
    train.click("#mlp-skip")
    state(train, "running")
    train.wait_for_function("document.querySelectorAll('#mlp-loss .scrub .ticks i').length > 5")
    mark = train.locator("#mlp-loss .scrub")
    mark.press("Home")
    expect(train.locator("#mlp-names tbody tr.now td").first).to_have_text("0")
    before = seq(train, "#mlp-loss")
    wait_for_new(train, "#mlp-loss", before)
    expect(train.locator("#mlp-names tbody tr.now td").first).to_have_text("0")
    train.click("#mlp-stop")
    at(train, 3)


# --- the page ------------------------------------------------------------------------------------------------


def test_a_reload_and_a_second_tab_find_the_running_training_with_its_guess(new_page):
    page = new_page(level="mlp")
    page.wait_for_selector("#mlp-drawing svg circle")
    page.click("#mlp-lock")
    state(page, "running")
    name = page.inner_text("#mlp-steps .facts").split(" · ")[0]
    page.reload()
    state(page, "running")
    assert page.inner_text("#mlp-steps .facts").startswith(name)
    assert "You drew the curve" in page.inner_text("#mlp-steps .done")
    second = new_page(level="mlp", context=page.context)
    state(second, "running")
    second.click("#mlp-stop")
    at(second, 3)
    at(page, 3)


def test_nobody_else_sees_it(new_page):
    mine, other = new_page(level="mlp"), new_page(level="mlp")
    mine.wait_for_selector("#mlp-drawing svg circle")
    mine.click("#mlp-skip")
    state(mine, "running")
    other.reload()
    other.wait_for_selector("#mlp-drawing svg circle")
    expect(other.locator("#bench li")).to_have_count(2)
    mine.click("#mlp-stop")
    at(mine, 3)


def test_the_step_axis_can_be_linear(train):
    before = seq(train, "#mlp-loss")
    train.get_by_role("radio", name="Linear", exact=True).first.check()
    wait_for_new(train, "#mlp-loss", before)
    assert train.eval_on_selector("#mlp-loss .plot", "plot => plot._fullLayout.xaxis.type") == "linear"


def test_the_transformer_learns_on_the_same_screen(train):
    train.locator("#mlp-model").get_by_role("radio", name="Transformer", exact=True).check()
    train.wait_for_selector("#mlp-layers")
    expect(train.locator("#mlp-context")).to_be_hidden()
    choose(train, "Small")
    train.click("#mlp-skip")
    expect(train.locator("#mlp-steps .facts")).to_contain_text("numbers")
    train.click("#mlp-stop")
    at(train, 3)


def test_every_control_changes_the_run(train):
    quick(train, 50)
    curves = [run(train)]
    more(train)
    for change in (
        lambda: set_number(train, "#mlp-rate", 0.02),
        lambda: train.locator("#mlp-rate-slider input").fill("-30"),
        lambda: set_slider(train, "#mlp-context", 2),
        lambda: set_slider(train, "#mlp-embed", 4),
        lambda: train.get_by_role("radio", name="ReLU", exact=True).check(),
        lambda: train.locator("#mlp-init").get_by_role("radio", name="Too large", exact=True).check(),
        lambda: train.locator("#mlp-norm input").check(),
        lambda: set_slider(train, "#mlp-batch", 64),
        lambda: train.get_by_role("radio", name="Cosine", exact=True).check(),
        lambda: set_number(train, "#mlp-decay", 1),
        lambda: train.get_by_role("radio", name="Muon", exact=True).check(),
        lambda: set_number(train, "#mlp-size", 100),
    ):
        change()
        expect(train.locator("#mlp-next")).to_have_text("Train with these settings")
        train.click("#mlp-next")
        at(train, 1)
        curves.append(run(train))
    assert len({json.dumps(curve) for curve in curves}) == len(curves)


@pytest.mark.parametrize("width", [400, 1400])
def test_it_fits_the_page_and_all_five_names_are_there(new_page, width):
    page = new_page(level="mlp", width=width)
    page.wait_for_selector("#mlp-loss .fig[data-state=drawn]")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("#mlp-names tbody tr.now td span:visible")).to_have_count(5)
    right = page.eval_on_selector_all(
        "#mlp-names td span", "spans => Math.max(...spans.map(span => span.getBoundingClientRect().right))"
    )
    assert right <= width


def test_embed_moves_while_it_learns(train):
    train.click("#mlp-skip")
    state(train, "running")
    open_level(train, "embed")
    train.wait_for_selector("#embed-plot .fig[data-state=drawn]")
    wait_for_new(train, "#embed-plot", seq(train, "#embed-plot"))
