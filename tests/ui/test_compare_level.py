"""The level Compare: from the first click to each insight, and the numbers on the screen are lmlab's."""

import json
import math
import re

import pytest
from playing import click_point, data_of, seq, set_slider, wait_for_new
from playwright.sync_api import expect

from lmlab.evaluation.comparison import distinguishable
from lmlab.evaluation.loss import surprisal
from lmlab.evaluation.units import in_units, nats_of
from lmlab.runs.cards import BUNDLED
from lmlab.runs.leaking import with_and_without
from lmlab.runs.measured import measured_ladder, measured_leaks, rungs_of
from lmlab.runs.store import load_run
from lmlab.ui.comparing.one_name import FIRST_NAME
from lmlab.ui.comparing.rows import RANKED, titles

TITLES = titles(RANKED)


@pytest.fixture
def compare(new_page):
    return opened(new_page())


def opened(page):
    page.click("#tab-compare-button")
    page.wait_for_selector("#compare-ladder .fig[data-state=drawn]")
    return page


def part(page, title: str):
    page.locator("#compare-part label", has_text=title).click()
    expect(page.locator("#compare-part label.selected")).to_have_text(title)
    return page


def lock(page) -> str:
    page.click("#compare-lock")
    return gap(page)


def gap(page) -> str:
    step = page.locator("#compare-steps li.now")
    expect(step).to_contain_text("The gap")
    return step.inner_text()


def measured(names):
    return {rung.name: rung for rung in rungs_of(measured_ladder(names.sha256))}


# --- the ladder --------------------------------------------------------------------------------------------


def test_rank_first_then_see(compare, names):
    page = compare
    # before the lock nothing in the figure knows the six losses, nor their order; and no other part of the page
    expect(page.locator("#ruler .ruler")).to_have_attribute(
        "data-veiled", "4"
    )  # two baselines, two models of the lab
    assert set(page.locator("#bench .choose .num").all_inner_texts()) == {"?"}
    waiting = page.eval_on_selector("#compare-ladder .plot", "plot => JSON.stringify(plot.layout.annotations)")
    assert waiting.count('"?"') == len(RANKED)
    assert [title for title in re.findall(r'"text":"([^"?]+)"', waiting) if title in TITLES] == TITLES
    page.locator("#compare-order li").nth(1).focus()  # the bigram goes to the end, with the keyboard
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    expect(page.locator("#compare-order li").nth(5)).to_contain_text("bigram")
    said = lock(page)
    order = [title for title in TITLES if title != "bigram"] + ["bigram"]
    keys = [RANKED[TITLES.index(title)] for title in order]
    rungs = measured(names)
    swapped = sum(
        rungs[a].mean > rungs[b].mean and distinguishable(rungs[a], rungs[b]) is not False
        for i, a in enumerate(keys)
        for b in keys[i + 1 :]
    )
    assert f"{swapped} of 15 pairs" in said
    dots = [trace for trace in data_of(page, "#compare-ladder") if trace["name"] in ("counted", "trained")]
    losses = sorted(loss for trace in dots for loss in trace["x"])
    assert losses == pytest.approx(sorted(rung.mean for rung in rungs.values()))
    # the student's order stays on the picture: six numbers, six lines
    notes, shapes = page.eval_on_selector(
        "#compare-ladder .plot", "plot => [plot.layout.annotations.map(n => n.text), plot.layout.shapes.length]"
    )
    assert [f"<b>{i}</b>" in notes for i in range(1, 7)] == [True] * 6
    assert shapes > 6
    expect(page.locator("#compare-ladder .say")).to_contain_text("cannot be told apart")


def test_close_up_shows_the_spread_and_a_click_tells_a_rung(compare, names):
    page = compare
    page.click("#compare-skip")
    gap(page)
    before = seq(page, "#compare-ladder")
    page.locator("#compare-zoom label", has_text="Close up").click()
    wait_for_new(page, "#compare-ladder", before)
    rungs = measured(names)
    best = min(rung.mean for rung in rungs.values())
    shown = [loss for trace in data_of(page, "#compare-ladder")[:2] for loss in trace["x"]]
    assert max(shown) < best + 0.25 < max(rung.mean for rung in rungs.values())
    spreads = page.eval_on_selector("#compare-ladder .plot", "plot => plot.data[1].error_x.array")
    assert max(spreads) == pytest.approx(
        max(rung.deviation for rung in rungs.values() if not rung.deterministic and rung.mean < best + 0.22)
    )
    before = seq(page, "#compare-ladder")
    click_point(page, "#compare-ladder", rungs["kneser-ney"].mean, row_of(page, "Kneser–Ney 5"))
    wait_for_new(page, "#compare-ladder", before)
    expect(page.locator("#compare-ladder .say")).to_contain_text(f"Kneser–Ney 5: {rungs['kneser-ney'].mean:.3f} nats")
    expect(page.locator("#compare-ladder .say")).to_contain_text("no luck in it")
    page.locator("#compare-ladder summary", has_text="See the sum").click()
    expect(page.locator("#compare-ladder pre.sum")).to_contain_text(f"{rungs['kneser-ney'].perplexity:.2f}")
    page.locator("#compare-ladder summary", has_text="Code").click()
    expect(page.locator("#compare-ladder pre.code")).to_contain_text("def p_value")


def row_of(page, title: str) -> float:
    return page.eval_on_selector(
        "#compare-ladder .plot",
        "(plot, title) => plot.layout.annotations.find(n => n.text.replace(/<.?b>/g, '') === title).y",
        title,
    )


def test_a_row_can_be_looked_at_without_a_click_on_its_dot(compare):
    page = compare
    page.click("#compare-skip")
    gap(page)
    expect(page.locator("#ruler .ruler")).to_have_attribute("data-veiled", "0")
    choose(page, "#compare-look", "Kneser–Ney 5")
    expect(page.locator("#compare-ladder .say")).to_contain_text("Kneser–Ney 5")


def choose(page, menu: str, text: str) -> None:
    page.click(f"{menu} input")
    page.locator("ul.options li, [role=option]").filter(has_text=text).first.click()


def test_what_the_bench_remembers_is_measured_on_demand(compare):
    page = compare
    page.click("#compare-skip")
    gap(page)
    copies = lambda: next(t for t in data_of(page, "#compare-ladder") if t["name"] == "copies")["x"]  # noqa: E731
    before = len(copies())
    page.click("#compare-remember")
    page.wait_for_function(
        "n => document.querySelector('#compare-ladder .plot').data.find(t => t.name === 'copies').x.length === n",
        arg=before + 2,
    )
    expect(page.locator("#compare-ladder .say")).to_contain_text("with no memory at all")


# --- one name ----------------------------------------------------------------------------------------------


def spelled(page, name: str):
    before = seq(page, "#compare-surprise")
    page.fill("#compare-name input", name)
    wait_for_new(page, "#compare-surprise", before)
    expect(page.locator("#compare-surprise h3")).to_contain_text(name)


def test_one_name_under_two_models(compare):
    page = part(compare, "One name")
    page.wait_for_selector("#compare-surprise .fig[data-state=drawn]")
    spelled(page, "zoe")
    cells = data_of(page, "#compare-surprise")[0]["z"]
    for row, run_id in ((1, "calm-heron"), (0, "plain-finch")):
        run = load_run(BUNDLED / run_id)
        assert cells[row] == pytest.approx(surprisal(run.model, "zoe", run.tokenizer), abs=1e-5)
    before = seq(page, "#compare-surprise")
    click_point(page, "#compare-surprise", 2, 1)
    wait_for_new(page, "#compare-surprise", before)
    expect(page.locator("#compare-surprise .say")).to_contain_text(
        f"After zo, e: calm-heron gave it {100 * math.exp(-cells[1][2]):.1f} %"
    )
    before = seq(page, "#compare-surprise")  # the same with the keyboard
    page.locator("#compare-letters button", has_text="z").focus()
    page.keyboard.press("Enter")
    wait_for_new(page, "#compare-surprise", before)
    expect(page.locator("#compare-surprise .say")).to_contain_text("After the start, z:")
    # what no model knows gets a sentence, and the picture stays
    page.fill("#compare-name input", "zoé")
    expect(page.locator("#compare-message")).to_contain_text("not in the vocabulary")
    expect(page.locator("#compare-surprise h3")).to_contain_text("zoe")
    page.fill("#compare-name input", "<b>x</b>")
    expect(page.locator("#compare-message")).to_contain_text("not in the vocabulary")


def test_where_they_differ_most_can_be_clicked(compare, names):
    page = part(compare, "One name")
    first = page.locator("#compare-differ .differ button").first
    name = first.inner_text()
    assert name in names.part("validation")
    first.click()
    expect(page.locator("#compare-surprise h3")).to_contain_text(name)
    expect(page.locator("#compare-name input")).to_have_value(name)
    row = page.locator("#compare-differ li", has_text=name).inner_text()
    a, b = (sum(line) for line in data_of(page, "#compare-surprise")[0]["z"][::-1])
    assert f"{b - a:.1f} nats less" in row


def test_a_model_is_never_compared_with_itself(compare):
    page = part(compare, "One name")
    page.wait_for_selector("#compare-surprise .fig[data-state=drawn]")
    page.locator("#bench button", has_text="plain-finch").first.click()
    expect(page.locator("#compare-first input")).to_have_value(re.compile("plain-finch"))
    expect(page.locator("#compare-second input")).to_have_value(re.compile("calm-heron"))


# --- the converter -----------------------------------------------------------------------------------------


def fields(page) -> dict[str, float]:
    return page.eval_on_selector_all(
        "#compare-converter input[data-unit]",
        "fields => Object.fromEntries(fields.map(f => [f.dataset.unit, Number(f.dataset.exact)]))",
    )


def test_the_converter_is_the_python_one(compare):
    page = part(compare, "One name")
    page.wait_for_selector("#compare-converter [data-state=drawn]")
    predictions = len(FIRST_NAME) + 1
    for unit, value in (("nats", 3.2958), ("bits", 1), ("perplexity", 27), ("total", 14.7), ("nats", 0), ("bits", 8)):
        page.fill(f"#compare-converter input[data-unit={unit}]", str(value))
        wanted = in_units(nats_of(value, unit, predictions), predictions)
        assert fields(page) == pytest.approx(wanted, rel=1e-12)
    page.fill("#compare-converter input[data-unit=perplexity]", "0.5")
    expect(page.locator("#compare-converter .said")).to_contain_text("perplexity 1 or more")
    assert fields(page)["bits"] == pytest.approx(8)  # nothing else has moved
    page.locator("#compare-converter .typical button", has_text="all letters").click()
    assert fields(page)["perplexity"] == pytest.approx(27)
    page.locator("#compare-converter input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    assert fields(page)["nats"] > math.log(2)


def test_the_converter_answers_within_50_ms(compare):
    page = part(compare, "One name")
    page.wait_for_selector("#compare-converter [data-state=drawn]")
    took = page.evaluate(
        """() => {
            const field = document.querySelector('#compare-converter input[data-unit=nats]');
            const times = [];
            for (let i = 0; i < 100; i++) {
                const begin = performance.now();
                field.value = String(1 + i / 100);
                field.dispatchEvent(new Event('input', { bubbles: true }));
                times.push(performance.now() - begin);
            }
            return times.sort((a, b) => a - b)[94];
        }"""
    )
    assert took < 50


def test_the_sum_of_a_name_shows_n_plus_1_and_the_classic_mistake(compare):
    page = part(compare, "One name")
    page.wait_for_selector("#compare-converter [data-state=drawn]")
    run = load_run(BUNDLED / "calm-heron")
    total = sum(surprisal(run.model, FIRST_NAME, run.tokenizer))
    rows = page.locator("#compare-converter .sums tr")
    expect(rows.nth(0)).to_contain_text(f"{total:.2f} / 5")
    expect(rows.nth(0)).to_contain_text(f"{total / 5:.3f} nats per character, perplexity {math.exp(total / 5):.2f}")
    expect(rows.nth(1)).to_contain_text(f"{total / 4:.3f} nats")
    expect(rows.nth(1)).to_contain_text("forgot the end")
    expect(rows.nth(2)).to_contain_text(f"{total / 3:.3f} nats")
    assert fields(page)["nats"] == pytest.approx(total / 5, abs=1e-6)


def test_always_half_sure_is_a_perplexity_of_two(compare):
    page = part(compare, "One name")
    page.wait_for_selector("#compare-converter [data-state=drawn]")
    expect(page.locator("#compare-guess input[type=range]")).to_have_attribute("max", "27")
    coin = page.locator("#compare-converter .typical button", has_text="a fair coin")
    expect(coin).to_have_count(0)  # it is the answer
    said = lock(page)
    expect(coin).to_have_count(1)
    assert "It is 2, and you said 14" in said
    expect(page.locator("#compare-converter text.you")).to_have_text("your guess: perplexity 14")
    page.wait_for_function(
        "() => Math.abs(document.querySelector('#compare-converter [data-unit=perplexity]').dataset.exact - 2) < 1e-9"
    )


# --- real or generated -------------------------------------------------------------------------------------


def test_real_or_generated_with_the_keyboard_alone(compare, names):
    page = part(compare, "Real or generated")
    answers = []
    page.on("response", lambda answer: answers.append(answer))
    page.locator("#compare-lock").focus()
    page.keyboard.press("Enter")
    for number in range(10):
        expect(page.locator("#compare-quiz .progress")).to_have_text(f"Name {number + 1} of 10")
        page.keyboard.press("g" if number % 2 else "r")
    said = gap(page)
    # of all that was sent, each state knows the truth about what was judged, and the one name that is asked
    states = quiz_states(answers)
    assert [len(state["done"]) for state in states] == list(range(11))
    everything = states[-1]["done"]
    for state, asked in zip(states, everything, strict=False):
        assert state["name"] == asked["name"]
        assert set(state) == {"seq", "token", "number", "of", "name", "verdict", "done", "again", "score"}
        assert not any(later["name"] in json.dumps(state) for later in everything[state["number"] :])
    right = sum((one["said"] == "real") == one["real"] for one in everything)
    assert f"You told {right} of 10 apart" in said
    real = {one["name"] for one in everything if one["real"]}
    assert len(real) == 5
    assert real <= set(names.part("validation"))
    expect(page.locator("#compare-quiz tr")).to_have_count(11)
    part(page, "Ladder")
    part(page, "Real or generated")
    assert gap(page) == said
    page.locator("#compare-quiz button", has_text="Ten other names").click()
    expect(page.locator("#compare-lock")).to_be_visible()
    expect(page.locator("#compare-quiz .quiz")).to_be_hidden()


def test_the_quiz_is_rolled_by_the_model_of_its_menu_and_the_bench_reaches_the_menu(compare):
    page = part(compare, "Real or generated")
    menu = page.locator("#compare-quiz-model input")
    expect(menu).to_have_value(re.compile("calm-heron"))
    page.locator("#bench .choose", has_text="plain-finch").click()
    expect(menu).to_have_value(re.compile("plain-finch"))
    choose(page, "#compare-quiz-model", "calm-heron")
    choose(page, "#compare-quiz-model", "plain-finch")
    set_slider(page, "#compare-guess", 7)
    page.click("#compare-lock")
    for number in range(10):
        expect(page.locator("#compare-quiz .progress")).to_have_text(f"Name {number + 1} of 10")
        page.keyboard.press("r")
    expect(page.locator("#compare-steps")).to_contain_text("plain-finch rolled five")
    # the score, with the guess kept on it; all real: five of ten
    expect(page.locator("#compare-quiz .score")).to_contain_text(
        "5 of 10 right (the dot). You said 7 (the triangle)."
    )
    expect(page.locator("#compare-quiz .score path.you")).to_be_visible()
    intro = page.locator("#compare-quiz-intro")
    intro.get_by_text("See the sum").click()
    expect(intro.locator("pre.sum")).to_contain_text("(252 + 210 + 120 + 45 + 10 + 1) / 1024")
    intro.get_by_text("Code", exact=True).click()
    expect(intro).to_contain_text("def at_least")


def quiz_states(answers) -> list[dict]:
    """The states of the quiz in what the server has sent."""
    states = []
    for answer in answers:
        if "/run/" in answer.url and answer.request.method == "POST":
            for value in answer.json().get("data", []):
                if isinstance(value, str) and value.startswith('{"seq"') and '"token"' in value:
                    states.append(json.loads(value))
    return states


# --- leaks -------------------------------------------------------------------------------------------------


def test_a_leak_flatters_what_remembers(compare, names):
    from lmlab.data.corpus import raw_lines
    from lmlab.evaluation.leaks import leak_report, leaky_corpus

    page = part(compare, "Leaks")
    expect(page.locator("#compare-guess")).to_be_visible()
    expect(page.locator("#compare-leaks")).to_have_count(0)
    said = lock(page)
    row = with_and_without("kneser-ney", leaky_corpus(raw_lines("names")))
    report = leak_report(raw_lines("names"))
    assert f"It looks {row['flattery']:.3f} nats better" in said
    expect(page.locator("#compare-steps")).to_contain_text(f"{report.leaked:,} of {report.held_out:,}")
    expect(page.locator("#compare-leaks-intro")).to_contain_text("0 of 6,004 held-out names")
    page.wait_for_selector("#compare-leaks .fig[data-state=drawn]")
    _, leaky, you = (trace["x"] for trace in data_of(page, "#compare-leaks"))
    assert leaky[2] == pytest.approx(row["with_leak"])
    assert you == [pytest.approx(row["without_leak"] - 0.2)]  # the guess, where the loss would be then
    # a network was trained with and without, once, and says how
    network = measured_leaks(names.sha256)["leaks"][0]
    assert leaky[3] == pytest.approx(network["with_leak"])
    intro = page.locator("#compare-leaks-intro")
    expect(intro).to_contain_text(f"MLP, 3 letters, seed 0, trained with the repeats and without what leaked, gains "
                                  f"{network['flattery']:.3f} nats")  # fmt: skip
    expect(intro).to_contain_text("lmlab leaks --models mlp")


def test_after_a_reload_the_ladder_and_its_gap_stand_as_they_were(new_page):
    page = opened(new_page())
    page.click("#compare-skip")
    said = gap(page)
    page.reload()
    page.wait_for_selector("#bench li")
    opened(page)
    assert gap(page) == said
    expect(page.locator("#compare-look")).to_be_visible()
    page.fill("#compare-why textarea", "because")
    page.click("#compare-keep")
    expect(page.locator("#compare-keep")).to_have_count(0)


# --- the test split ----------------------------------------------------------------------------------------


def test_the_test_split_opens_once(new_page):
    page = new_page()
    page.click("#count-keep-model")
    expect(page.locator("#bench li")).to_have_count(3)
    opened(page)
    part(page, "Test split")
    expect(page.locator("#compare-opened")).to_contain_text("None of your models")
    page.locator("#compare-choice label", has_text="the same").click()
    page.click("#compare-lock")
    expect(page.locator("#compare-steps li.now")).to_contain_text("can be done once")
    page.click("#compare-open")
    said = gap(page)
    test = float(re.search(r"test (\d\.\d{3})", said)[1])
    expect(page.locator("#compare-opened .opened")).to_contain_text(
        f"test {test:.3f} nats per character, opened on 20"
    )
    # a reload: the gap still waits for its explanation
    page.reload()
    page.wait_for_selector("#bench li")
    part(opened(page), "Test split")
    assert f"test {test:.3f}" in gap(page)
    page.fill("#compare-why textarea", "because")
    page.click("#compare-keep")
    expect(page.locator("#compare-keep")).to_have_count(0)
    # another one, and another try: the old number stands
    page.reload()
    page.wait_for_selector("#bench li")
    part(opened(page), "Test split")
    expect(page.locator("#compare-opened .opened")).to_contain_text(f"test {test:.3f}")
    page.click("#compare-skip")
    page.click("#compare-open")
    assert "The old number stands" in gap(page)
    assert f"test {test:.3f}" in gap(page)


def test_the_run_step_of_the_test_split_names_the_model_of_its_menu(new_page):
    page = new_page()
    page.click("#count-keep-model")
    expect(page.locator("#bench li")).to_have_count(3)
    set_slider(page, "#count-order", 3)
    expect(page.locator("#count-losses")).to_contain_text("2.2")
    page.click("#count-keep-model")
    expect(page.locator("#bench li")).to_have_count(4)
    part(opened(page), "Test split")
    page.click("#compare-skip")
    menu, step = page.locator("#compare-test-model input"), page.locator("#compare-steps")
    names = [menu.input_value().split(" · ")[0]]
    expect(step).to_contain_text(names[0])
    own = page.locator("#bench .choose > .row > :first-child").all_inner_texts()
    other = next(name for name in own if name not in (*names, "calm-heron", "plain-finch"))
    choose(page, "#compare-test-model", other)
    expect(step).to_contain_text(f"for {other}?")


def test_without_an_own_model_nothing_can_be_opened(compare):
    page = part(compare, "Test split")
    page.click("#compare-skip")
    expect(page.locator("#compare-steps li.now")).to_contain_text("no model of your own")
    expect(page.locator("#compare-open")).to_have_count(0)
    expect(page.locator("#compare-opened")).to_contain_text("calm-heron, plain-finch")


# --- all parts ---------------------------------------------------------------------------------------------


def test_what_was_said_is_there_when_one_comes_back(compare):
    page = compare
    said = lock(page)
    page.fill("#compare-why textarea, #compare-why input", "because it sees everything")
    page.click("#compare-keep")
    expect(page.locator("#compare-keep")).to_have_count(0)
    part(page, "Leaks")
    expect(page.locator("#compare-guess")).to_be_visible()
    part(page, "Ladder")
    assert gap(page) == said
    expect(page.locator("#compare-why textarea, #compare-why input")).to_have_value("because it sees everything")
    expect(page.locator("#compare-keep")).to_have_count(0)


def test_another_corpus_is_counted_at_once(new_page):
    page = new_page()
    page.locator("#count-source label", has_text="Indian").click()
    expect(page.locator("#corpus")).to_contain_text("Indian")
    opened(page)
    expect(page.locator("#compare-order li")).to_have_count(6)
    expect(page.locator("#compare-order")).to_contain_text("trigram")
    said = lock(page)
    assert "of 15 pairs" in said
    expect(page.locator("#compare-about")).to_contain_text("Counted just now")
    assert len(data_of(page, "#compare-ladder")[0]["x"]) == 6


@pytest.mark.parametrize("width", [400, 1400])
def test_every_part_fits(new_page, width):
    page = opened(new_page(width=width))
    for title in ("One name", "Real or generated", "Leaks", "Test split", "Ladder"):
        part(page, title)
        expect(page.locator("#compare-lock")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#tab-compare button.primary:visible").count() == 1
