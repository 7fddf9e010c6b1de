"""The level Train: a network learns in the page."""

import re

import pytest
from playing import data_of, open_level, seq, set_number, set_slider, wait_for_new
from playwright.sync_api import expect


@pytest.fixture
def train(new_page):
    page = new_page()
    open_level(page, "mlp")
    page.wait_for_selector("#mlp-loss .fig[data-state=drawn]")
    return page


def state(page, name: str) -> None:
    page.wait_for_selector(f"#mlp-status [data-state={name}]")


def step(page) -> int:
    return int(re.search(r"Step ([\d,]+)", page.inner_text("#mlp-status .ask")).group(1).replace(",", ""))


def quick(page, steps: int = 150) -> None:
    """A network that is done in a moment."""
    set_slider(page, "#mlp-steps", steps)
    set_slider(page, "#mlp-hidden", 16)


def test_the_screen_is_full_before_any_click(train):
    assert len(data_of(train, "#mlp-loss")[0]["x"]) > 100
    assert "calm-heron" in train.inner_text("#mlp-status")
    expect(train.locator("#mlp-names tbody tr")).to_have_count(8)


def test_an_mlp_learns_in_the_page(train):
    before = seq(train, "#mlp-loss")
    train.click("#mlp-play")
    state(train, "running")
    for _ in range(5):  # the curve streams
        wait_for_new(train, "#mlp-loss", before)
        before = seq(train, "#mlp-loss")
    first = len(data_of(train, "#mlp-loss")[0]["x"])
    longer = "n => document.querySelector('#mlp-loss .plot').data[0].x.length > n"
    train.wait_for_function(longer, arg=first)  # a single tick may bring a measurement alone
    state(train, "done")
    assert step(train) == 4000
    train.wait_for_function("document.querySelectorAll('#bench li').length === 3")
    loss = float(re.search(r"held-out loss (\d\.\d+)", train.inner_text("#mlp-status .ask")).group(1))
    assert 2.0 < loss < 2.2
    expect(train.locator("#ruler .rmark.now .label")).to_contain_text(f"{loss:.2f}")
    expect(train.locator("#mlp-play")).to_have_text("Train")


def test_pause_step_and_go_on(train):
    train.click("#mlp-play")
    state(train, "running")
    expect(train.locator("#mlp-play")).to_have_text("Pause")
    train.click("#mlp-play")
    state(train, "paused")
    at = step(train)
    for button, steps in (("#mlp-one", 1), ("#mlp-ten", 10), ("#mlp-hundred", 100)):
        train.click(button)
        at += steps
        expect(train.locator("#mlp-status .ask b").first).to_have_text(f"{at:,}")
    expect(train.locator("#mlp-play")).to_have_text("Go on")
    train.click("#mlp-play")
    state(train, "running")
    train.click("#mlp-stop")
    state(train, "done")
    assert at < step(train) < 4000


def test_the_same_seed_is_the_same_run_and_another_seed_is_not(train):
    quick(train)
    curves, shown = [], ""
    for button in ("#mlp-play", "#mlp-again", "#mlp-seed"):
        train.click(button)
        name = train.locator("#mlp-status .facts")
        if curves:
            expect(name).not_to_have_text(shown)
        state(train, "done")
        shown = name.inner_text()
        train.wait_for_function("document.querySelector('#mlp-loss .plot').data[0].x.length === 150")
        curves.append(data_of(train, "#mlp-loss")[0]["y"])
    assert curves[0] == curves[1]
    assert curves[0] != curves[2]


def test_too_high_a_learning_rate_stops_with_a_sentence(train):
    quick(train)
    set_number(train, "#mlp-rate", 1000)
    train.locator("#mlp-more button").first.click()
    train.get_by_role("radio", name="SGD", exact=True).check()
    train.click("#mlp-play")
    state(train, "done")
    alert = train.locator("#mlp-message [role=alert]")
    expect(alert).to_contain_text("The learning rate 1000 is too high: try 0.1.")
    expect(alert).to_contain_text("step")


@pytest.mark.parametrize(("rate", "sentence"), [(-1, "choose a number above 0"), ("", "need a number each")])
def test_a_learning_rate_that_cannot_be_gets_a_sentence(train, rate, sentence):
    set_number(train, "#mlp-rate", rate)
    train.click("#mlp-play")
    expect(train.locator("#mlp-message [role=alert]")).to_contain_text(sentence)


def test_a_reload_finds_the_running_training_again(new_page):
    page = new_page()
    open_level(page, "mlp")
    train_context = page.context
    page.wait_for_selector("#mlp-loss .fig[data-state=drawn]")
    page.get_by_role("radio", name="Transformer", exact=True).check()
    page.wait_for_selector("#mlp-layers")
    page.click("#mlp-play")
    state(page, "running")
    name = page.inner_text("#mlp-status .facts").split(" · ")[0]
    page.reload()
    open_level(page, "mlp")
    state(page, "running")
    assert page.inner_text("#mlp-status .facts").startswith(name)
    at = seq(page, "#mlp-loss")
    wait_for_new(page, "#mlp-loss", at)
    second = new_page(context=train_context)  # a second tab of the same visitor
    open_level(second, "mlp")
    state(second, "running")
    second.click("#mlp-stop")
    state(second, "done")
    state(page, "done")


def test_nobody_else_sees_it(new_page):
    mine, other = new_page(), new_page()
    open_level(mine, "mlp")
    open_level(other, "mlp")
    mine.click("#mlp-play")
    state(mine, "running")
    other.reload()
    open_level(other, "mlp")
    other.wait_for_selector("#mlp-status [data-state=idle]")
    mine.click("#mlp-stop")
    state(mine, "done")
    other.reload()
    other.wait_for_selector("#bench li")
    expect(other.locator("#bench li")).to_have_count(2)


def test_the_zoom_is_kept_while_points_stream(train):
    set_slider(train, "#mlp-steps", 5000)
    train.click("#mlp-play")
    state(train, "running")
    # later the loss axis moves no more, and no redrawing comes between the mouse's down and up
    train.wait_for_function("document.querySelector('#mlp-loss .plot').data[0].x.at(-1) > 400")
    box = train.locator("#mlp-loss .nsewdrag.drag").first.bounding_box()
    train.mouse.move(box["x"] + 40, box["y"] + 40)
    train.mouse.down()
    train.mouse.move(box["x"] + 200, box["y"] + 160, steps=5)
    train.mouse.up()
    zoomed = "plot => plot._fullLayout.xaxis.range.map(v => Math.round(v))"
    before = train.eval_on_selector("#mlp-loss .plot", zoomed)
    assert before[0] > 0
    at = seq(train, "#mlp-loss")
    wait_for_new(train, "#mlp-loss", at)
    wait_for_new(train, "#mlp-loss", at + 1)
    assert train.eval_on_selector("#mlp-loss .plot", zoomed) == before
    train.click("#mlp-stop")
    state(train, "done")


def test_the_step_axis_can_be_logarithmic(train):
    before = seq(train, "#mlp-loss")
    train.get_by_role("radio", name="Log steps", exact=True).check()
    wait_for_new(train, "#mlp-loss", before)
    assert train.eval_on_selector("#mlp-loss .plot", "plot => plot._fullLayout.xaxis.type") == "log"


def parameters(page) -> int:
    return int(re.search(r"([\d,]+) parameters", page.inner_text("#mlp-status .facts")).group(1).replace(",", ""))


def run_once(page) -> int:
    """Train one step and read the number of parameters of the network that did it."""
    before = page.locator("#mlp-status .facts").inner_text() if page.locator("#mlp-status .facts").count() else ""
    page.click("#mlp-again")
    expect(page.locator("#mlp-status .facts")).not_to_have_text(before)
    page.wait_for_function("/[1-9][\\d,]* parameters/.test(document.querySelector('#mlp-status .facts').textContent)")
    found = parameters(page)
    page.click("#mlp-stop")
    state(page, "done")
    return found


def test_each_control_of_the_mlp_changes_the_network(train):
    def expected(context, embed, hidden):
        return 27 * embed + context * embed * hidden + hidden + hidden * 27 + 27

    assert run_once(train) == expected(3, 10, 128)
    set_slider(train, "#mlp-context", 5)
    assert run_once(train) == expected(5, 10, 128)
    set_slider(train, "#mlp-embed", 4)
    assert run_once(train) == expected(5, 4, 128)
    set_slider(train, "#mlp-hidden", 64)
    assert run_once(train) == expected(5, 4, 64)


def test_each_control_of_the_transformer_changes_the_network(train):
    train.get_by_role("radio", name="Transformer", exact=True).check()
    train.wait_for_selector("#mlp-layers")
    sizes = [run_once(train)]
    assert sizes[0] == 205_595
    set_slider(train, "#mlp-width", 32)
    sizes.append(run_once(train))
    set_slider(train, "#mlp-layers", 1)
    sizes.append(run_once(train))
    train.get_by_role("radio", name="sinusoidal", exact=True).check()
    sizes.append(run_once(train))
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 4


def final_curve(page) -> list[float]:
    shown = page.locator("#mlp-status .facts").inner_text()
    page.click("#mlp-again")
    expect(page.locator("#mlp-status .facts")).not_to_have_text(shown)
    state(page, "done")
    return data_of(page, "#mlp-loss")[0]["y"]


def test_every_other_control_changes_the_run(train):
    quick(train, 50)
    train.locator("#mlp-more button").first.click()
    train.click("#mlp-play")
    state(train, "done")
    curves = [data_of(train, "#mlp-loss")[0]["y"]]
    set_number(train, "#mlp-rate", 0.02)
    curves.append(final_curve(train))
    set_slider(train, "#mlp-batch", 64)
    curves.append(final_curve(train))
    train.get_by_role("radio", name="Cosine", exact=True).check()
    curves.append(final_curve(train))
    train.get_by_role("radio", name="Muon", exact=True).check()
    curves.append(final_curve(train))
    set_number(train, "#mlp-seed-value", 7)
    curves.append(final_curve(train))
    set_number(train, "#mlp-size", 100)
    curves.append(final_curve(train))
    set_slider(train, "#mlp-steps", 100)
    curves.append(final_curve(train))
    assert len({tuple(curve) for curve in curves}) == len(curves)


def test_heads_change_the_run_of_a_transformer(train):
    train.get_by_role("radio", name="Transformer", exact=True).check()
    train.wait_for_selector("#mlp-layers")
    set_slider(train, "#mlp-steps", 50)
    set_slider(train, "#mlp-width", 16)
    set_slider(train, "#mlp-layers", 1)
    train.click("#mlp-play")
    state(train, "done")
    first = data_of(train, "#mlp-loss")[0]["y"]
    train.locator("#mlp-heads").get_by_label("1", exact=True).check()
    assert final_curve(train) != first


def test_presets_fill_in_the_controls(train):
    train.get_by_role("radio", name="Too fast", exact=True).check()
    expect(train.locator("#mlp-rate input")).to_have_value("30")
    expect(train.locator("#mlp-lesson")).to_contain_text("jumps past the goal")
    train.get_by_role("radio", name="Transformer", exact=True).check()
    train.get_by_role("radio", name="500 names", exact=True).check()
    expect(train.locator("#mlp-lesson")).to_contain_text("by heart")
    train.locator("#mlp-more button").first.click()
    expect(train.locator("#mlp-size input")).to_have_value("500")
