"""The level Count, from its first click to its insight."""

import re

import pytest
from playing import data_of, open_level, seq, set_slider, wait_for_new
from playwright.sync_api import expect

from lmlab.evaluation.counting import redrawn, row_nats
from lmlab.jobs.calls import Shelf, corpus

HOSTILE = "<img src=x onerror=window.__owned=1>"
TABLE = "#count-table .pair-table"
LETTERS = ".abcdefghijklmnopqrstuvwxyz"


def losses(page) -> str:
    return page.inner_text("#count-losses")


def choose(page, group: str, value: str) -> None:
    page.locator(f"#count-{group} input[value='{value}']").check(force=True)


def cell(page, row: str, column: str):
    return page.locator(f"{TABLE} [data-at='{LETTERS.index(row)},{LETTERS.index(column)}']")


def skip(page) -> None:
    """Open the whole table without a guess, and without waiting for the counting."""
    page.click("#count-skip")
    page.locator("#count-finish").click()
    page.wait_for_selector("#count-steps .at-3")
    page.wait_for_selector(f"{TABLE}[data-tally=done]")


@pytest.fixture
def opened(page):
    skip(page)
    return page


def test_the_screen_is_full_before_any_click_and_tells_nothing_that_is_asked(page):
    expect(page.locator(f"{TABLE} [role=gridcell]")).to_have_count(27 * 27)
    expect(page.locator(f"{TABLE} .running")).to_contain_text("first 6 names")
    assert page.get_attribute(TABLE, "data-tally") == "waiting"
    expect(cell(page, "n", ".")).to_have_attribute("aria-label", re.compile("nothing has been counted|never"))
    expect(page.locator("#count-names li")).to_have_count(8)
    page.wait_for_selector("#count-die .fig[data-state=drawn]")
    held_out = data_of(page, "#count-sweep")[1]["y"]
    assert [y is not None for y in held_out] == [True, True] + [False] * 6
    assert "23,909 to learn from" in page.inner_text("#corpus")


def test_a_guess_is_locked_the_names_are_counted_and_the_gap_is_shown(page):
    set_slider(page, "#count-guess", 20)
    page.click("#count-lock")
    page.wait_for_selector(f"{TABLE}[data-tally=counting]")
    expect(page.locator(f"{TABLE} .strip .in")).to_have_count(2)
    expect(page.locator("#count-steps .at-2")).to_have_count(1)  # the gap waits for the counting
    page.mouse.click(5, 5)  # any click ends it
    page.wait_for_selector("#count-steps .at-3")
    gap = page.inner_text("#count-steps .now")
    assert "35.3 %" in gap
    assert "15.3 points more" in gap
    assert "20 %" in page.inner_text("#count-steps .done >> nth=0")
    expect(page.locator(f"{TABLE} .halo").first).to_contain_text("you 20.0 %")  # the guess stays on the result
    expect(page.locator(f"{TABLE} .running")).to_contain_text("171,739 pairs")
    expect(page.locator("#count-lock")).to_be_hidden()


def test_who_wants_less_motion_sees_the_result_at_once(new_page):
    page = new_page(reduced_motion="reduce")
    page.click("#count-skip")
    page.wait_for_selector("#count-steps .at-3")
    assert page.get_attribute(TABLE, "data-tally") == "done"


def test_the_counting_ends_by_itself_and_can_be_seen_again(opened):
    opened.click(f"{TABLE} [data-do=watch]")
    opened.wait_for_selector(f"{TABLE}[data-tally=counting]")
    expect(cell(opened, "n", ".")).to_have_attribute("aria-label", re.compile("nothing"))
    opened.wait_for_selector(f"{TABLE}[data-tally=done]")
    expect(cell(opened, "n", ".")).to_have_attribute("aria-label", re.compile("4,826 of 13,678"))


def test_a_click_on_a_cell_shows_the_names_behind_it_and_lays_its_row_end_to_end(opened):
    cell(opened, "q", "u").click()
    expect(opened.locator("#count-names h3")).to_have_text("Names with q then u")
    expect(opened.locator("#count-names .look")).to_contain_text("Showing 8 of")
    for name in opened.locator("#count-names li").all_inner_texts():
        assert "qu" in name
    share = re.search(r"([\d.]+) %", opened.inner_text(f"{TABLE} [data-part=said]")).group(1)
    counts = corpus.count_table(Shelf(), "names")
    assert share == f"{100 * counts['probabilities'][17, 21]:.1f}"
    expect(opened.locator("#count-die .hit")).to_have_count(1)
    expect(opened.locator("#count-die svg").first).to_have_attribute("aria-label", re.compile("follows q"))


def test_what_is_pointed_at_is_shown_and_leaving_goes_back_to_the_lock(opened):
    said = opened.locator(f"{TABLE} [data-part=said]")
    cell(opened, "q", "u").click()
    locked = said.inner_text()
    cell(opened, "a", "n").hover()
    expect(said).to_contain_text("After a comes n")
    expect(opened.locator("#count-names h3")).to_have_text("Names with a then n")
    assert opened.get_attribute("#count-die .die", "data-state") == "preview"
    opened.mouse.move(5, 5)
    expect(said).to_have_text(locked)
    expect(opened.locator("#count-names h3")).to_have_text("Names with q then u")
    assert opened.get_attribute("#count-die .die", "data-state") == "drawn"


def test_each_view_colours_the_same_table_by_another_number(opened):
    def fills():
        return opened.eval_on_selector_all(
            f"{TABLE} [role=gridcell]", "cells => cells.map(c => c.getAttribute('fill'))"
        )

    seen = [fills()]
    for view, unit in (("share", "share of row"), ("surprise", "surprise, nats")):
        choose(opened, "shown", view)
        expect(opened.locator(f"{TABLE} .plot")).to_contain_text(unit)
        seen.append(fills())
    assert len({tuple(colours) for colours in seen}) == 3
    choose(opened, "smoothing", "mle")
    expect(opened.locator(f"{TABLE} .plot")).to_contain_text("∞")


def test_order_smoothing_and_k_each_change_the_losses(opened):
    first = losses(opened)
    before = seq(opened, "#count-sweep")
    set_slider(opened, "#count-order", 4)
    expect(opened.locator("#count-losses")).not_to_have_text(first)
    expect(opened.locator("#count-losses")).to_contain_text("2.113")
    wait_for_new(opened, "#count-sweep", before)
    expect(opened.locator("#count-sweep [data-part=said]")).to_contain_text("531,441 runs of 4")
    set_slider(opened, "#count-k", 0)
    expect(opened.locator("#count-losses")).not_to_contain_text("2.113")
    expect(opened.locator("#count-k")).to_contain_text("k = 1:")
    choose(opened, "smoothing", "kneser-ney")
    expect(opened.locator("#count-losses")).to_contain_text("2.0")
    expect(opened.locator("#count-k")).to_be_hidden()
    choose(opened, "smoothing", "mle")
    expect(opened.locator("#count-losses")).to_contain_text("∞")
    expect(opened.locator("#count-losses")).to_contain_text("needs it")


def test_the_chart_gets_a_point_for_each_order_that_is_tried_and_all_at_once(opened):
    def tried():
        return [i + 1 for i, y in enumerate(data_of(opened, "#count-sweep")[1]["y"]) if y is not None]

    before = seq(opened, "#count-sweep")
    set_slider(opened, "#count-order", 5)
    wait_for_new(opened, "#count-sweep", before)
    assert tried() == [1, 2, 5]
    before = seq(opened, "#count-sweep")
    opened.click("#count-all")
    wait_for_new(opened, "#count-sweep", before)
    rows = corpus.sweep(Shelf(), "names")
    assert data_of(opened, "#count-sweep")[1]["y"] == pytest.approx([row["validation"]["nll"] for row in rows])
    assert data_of(opened, "#count-sweep")[3]["y"][-1] == 282_429_536_481
    expect(opened.locator("#count-all")).to_be_hidden()


def test_a_long_table_is_read_page_by_page(opened):
    set_slider(opened, "#count-order", 3)
    expect(opened.locator(f"{TABLE} h3")).to_contain_text("the start and one letter more")
    before = opened.locator("#count-before input, #count-before textarea")
    before.fill("e")  # at once, as pasting does
    expect(opened.locator(f"{TABLE} h3")).to_contain_text("follows e and one letter more")
    cell(opened, "m", "m").click()
    expect(opened.locator("#count-names h3")).to_have_text("Names with em then m")
    for name in opened.locator("#count-names li").all_inner_texts():
        assert "emm" in name


def test_a_name_that_is_rolled_turns_the_pages_and_stays(opened):
    opened.focus(f"{TABLE} [tabindex='0'][role=gridcell]")
    opened.keyboard.press("Escape")
    set_slider(opened, "#count-order", 3)
    expect(opened.locator(f"{TABLE} h3")).to_contain_text("the start and one letter more")
    press(opened, "whole")
    expect(opened.locator("#count-die .verdict")).to_have_count(1)  # the name is whole
    name = opened.inner_text("#count-die .word").replace("\n", "").split(".")[1]
    expect(opened.locator("#count-before input, #count-before textarea")).to_have_value(name[-2])
    expect(opened.locator(f"{TABLE} h3")).to_contain_text(f"follows {name[-2]} and")
    expect(opened.locator("#count-names h3")).to_have_text(f"Names with {name[-2:]} then the end")


def test_a_preset_sets_the_controls(opened):
    choose(opened, "lesson", "kneser-ney")
    expect(opened.locator("#count-losses")).to_contain_text("2.030")
    assert opened.input_value("#count-order input[type=range]") == "5"
    expect(opened.locator("#count-k")).to_be_hidden()
    choose(opened, "lesson", "unseen-pair")
    expect(opened.locator("#count-losses")).to_contain_text("∞")


def test_the_number_of_a_bar_lies_on_no_bar(opened):
    for letter, following in (("n", "."), ("a", "b"), ("m", "a"), ("z", "z")):
        cell(opened, letter, following).click()
        covered = opened.evaluate(
            """() => {
                const chart = document.querySelector('#count-table .halo');
                const box = node => node.getBoundingClientRect();
                const text = box(chart), bars = [...chart.parentNode.querySelectorAll('rect.bar')].map(box);
                const meets = bar => bar.right > text.left + 1 && bar.left < text.right - 1;
                const high = bar => bar.top < text.bottom - 5 && bar.height > 1;
                return bars.length < 20 ? -1 : bars.filter(bar => meets(bar) && high(bar)).length;
            }"""
        )
        assert covered == 0, (letter, following)


# --- a row of one's own ------------------------------------------------------------------------------------


def test_the_page_computes_a_drawn_row_as_lmlab_does(opened):
    rows = [[0.5, 0.25, 0.25], [1.0, 0.0, 0.0], [0.2] * 5, [0.0, 0.1, 0.9]]
    for row in rows:
        for index, share in ((0, 0.75), (1, 0.0), (2, 1.0), (0, 1.5), (1, -1)):
            counts = [3, 0, 7, 2, 1][: len(row)]
            there = opened.evaluate(
                """([row, index, share, counts]) => {
                    const { redrawn, rowNats } = document.querySelector('#count-table .pair-table').mirrors;
                    const drawn = redrawn(row, index, share), nats = rowNats(counts, drawn);
                    return [drawn, Number.isFinite(nats) ? nats : "inf"];
                }""",
                [row, index, share, counts],
            )
            here = redrawn(row, index, share)
            nats = row_nats(counts, here)
            assert there[0] == pytest.approx(here)
            assert there[1] == ("inf" if nats == float("inf") else pytest.approx(nats))


def test_a_drawn_row_moves_the_loss_and_never_beats_the_counted_one(opened):
    cell(opened, "n", ".").click()
    opened.click(f"{TABLE} [data-do=draw]")
    told = opened.locator(f"{TABLE} .own p")
    expect(told).to_contain_text("That is the counted row")
    counts = corpus.count_table(Shelf(), "names")
    n, held = counts["counts"][14], counts["held_out"][14]
    least = row_nats(n, n / n.sum()) / n.sum()
    opened.focus(f"{TABLE} [data-bar='4']")
    for _ in range(10):
        opened.keyboard.press("ArrowUp")
    expect(told).to_contain_text("No row you draw can be lower")
    yours = redrawn(counts["probabilities"][14].tolist(), 4, counts["probabilities"][14][4])
    for _ in range(10):
        yours = redrawn(yours, 4, yours[4] + 0.01)
    assert float(opened.get_attribute(f"{TABLE} .own", "data-yours")) == pytest.approx(row_nats(n, yours) / n.sum())
    assert float(opened.get_attribute(f"{TABLE} .own", "data-yours")) > least
    later = counts["validation"]
    table = (
        later["nll"] + (row_nats(held, yours) - row_nats(held, counts["probabilities"][14])) / later["predictions"]
    )
    assert float(opened.get_attribute(f"{TABLE} .own", "data-table")) == pytest.approx(table, rel=1e-5)
    handle = opened.locator(f"{TABLE} [data-bar='1']")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    before = opened.get_attribute(f"{TABLE} .own", "data-yours")
    opened.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 8)
    opened.mouse.down()
    opened.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20, steps=4)
    opened.mouse.up()
    assert opened.get_attribute(f"{TABLE} .own", "data-yours") != before
    shares = [float(h.get_attribute("aria-valuenow")) for h in opened.locator(f"{TABLE} [data-bar]").all()]
    assert sum(shares) == pytest.approx(100, abs=1)
    opened.click(f"{TABLE} [data-do=undraw]")
    expect(opened.locator(f"{TABLE} .own")).to_be_hidden()


# --- rolling -----------------------------------------------------------------------------------------------


def die_seq(page) -> int:
    return int(page.get_attribute("#count-die .die", "data-seq"))


def press(page, what: str) -> None:
    """Press a button of the die and wait for what it shows."""
    before = die_seq(page)
    page.click(f"#count-die [data-do={what}]")
    page.wait_for_function("b => Number(document.querySelector('#count-die .die').dataset.seq) > b", arg=before)


def test_a_name_is_rolled_letter_by_letter_and_the_table_goes_along(page):
    skip(page)
    page.focus(f"{TABLE} [tabindex='0']")
    page.keyboard.press("Escape")  # to the start of a name
    expect(page.locator("#count-die svg").first).to_have_attribute("aria-label", re.compile("the start"))
    page.locator("#count-seed input").fill("5")
    page.locator("#count-seed input").blur()
    made = corpus.roll_row(Shelf(), "names", seed=5)
    sample = made["samples"][0]
    for i, choice in enumerate(sample["trace"][:2]):
        press(page, "roll")
        letter = LETTERS[choice["token"]]
        expect(page.locator("#count-die [data-part=said]")).to_contain_text(f"{choice['u']:.3f} lands on {letter}")
        assert page.inner_text("#count-die .word").replace("\n", "") == f".{sample['text'][: i + 1]}"
        expect(page.locator("#count-names h3")).to_contain_text(f"then {letter}")
    press(page, "whole")
    expect(page.locator("#count-die .word")).to_contain_text(sample["text"])
    expect(page.locator("#count-die .verdict")).to_have_count(1)
    press(page, "roll")  # another name: other dice
    assert page.input_value("#count-seed input") == "6"
    page.click("#count-dice")
    expect(page.locator("#count-seed input")).not_to_have_value("6")


def test_a_hundred_rolls_stand_beside_what_the_row_says(opened):
    cell(opened, "n", ".").click()
    expect(opened.locator("#count-die svg").first).to_have_attribute("aria-label", re.compile("follows n"))
    press(opened, "often")
    made = corpus.roll_often(Shelf(), "names", prefix="n", n=100, seed=1)
    expect(opened.locator("#count-die [data-part=said]")).to_contain_text(
        f"the end came {made['tokens'].count(0)} times"
    )
    expect(opened.locator("#count-die .truth")).to_have_count(27)
    expect(opened.locator("#count-die .plot")).to_contain_text("share of 100 rolls")
    # the same as a table, with the sum, and the code
    depths = opened.locator("#count-die-depths")
    depths.get_by_text("As a table").click()
    expect(depths.locator("tbody tr").first).to_contain_text(str(made["tokens"].count(0)))
    expect(depths.locator("pre.sum")).to_contain_text(f"it came {made['tokens'].count(0)} times")
    expect(depths).to_contain_text("def choose")


def test_the_whole_table_can_be_read_as_one(opened):
    opened.locator("#count-table details.whole summary").click()
    table = opened.locator("#count-table details.whole table")
    expect(table.locator("tbody tr")).to_have_count(27)
    counts = corpus.count_table(Shelf(), "names", smoothing="mle", k=0.0)["counts"]
    row = table.locator("tbody tr").nth(LETTERS.index("n")).locator("td").all_inner_texts()
    assert [int(text.replace(",", "")) for text in row] == list(counts[LETTERS.index("n")])
    choose(opened, "shown", "share")
    expect(table.locator("thead")).to_contain_text("share of row, %")


def test_a_bigram_has_no_memory_and_a_trigram_has_some(opened):
    said = opened.locator("#count-beginnings [data-part=said]")
    expect(said).to_contain_text("Exactly the same row")
    rows = data_of(opened, "#count-beginnings")
    assert rows[0]["y"] == rows[1]["y"]
    set_slider(opened, "#count-order", 3)
    expect(said).to_contain_text("They differ: the table sees ma and za")
    opened.locator("#count-second input, #count-second textarea").fill("gamma")
    expect(said).to_contain_text("Exactly the same row")


def test_a_kept_model_stands_on_the_bench_and_the_ruler(opened):
    models = opened.locator("#bench li").count()
    opened.click("#count-keep-model")
    expect(opened.locator("#bench li")).to_have_count(models + 1)
    expect(opened.locator("#bench")).to_contain_text("bigram")
    expect(opened.locator("#ruler")).to_contain_text("2.46")


# --- questions, keys ---------------------------------------------------------------------------------------


def test_all_four_questions_are_asked_and_their_guesses_stay_on_the_result(page):
    skip(page)
    page.click("#count-another")
    row = corpus.count_table(Shelf(), "names", smoothing="mle", k=0.0)["counts"][LETTERS.index("q")]
    u = row[LETTERS.index("u")] / row.sum()
    page.focus("#count-drawing [data-i='21']")
    page.keyboard.press("End")  # all of it on u
    page.click("#count-lock")
    page.wait_for_selector("#count-steps .at-3")
    expect(page.locator("#count-steps .now")).to_contain_text(f"u takes {100 * u:.1f} %, you gave it 100.0")
    expect(page.locator(f"{TABLE} .halo").first).to_contain_text("you 100.0 %")
    page.click("#count-another")
    choose(page, "choice", "u")
    page.click("#count-lock")
    expect(page.locator("#count-steps .now")).to_contain_text("It is the start: 2.94 nats")
    # the row that was said to be the hardest keeps its frame, beside the locked one that is
    page.wait_for_function(  # the table may be drawn anew between two looks
        """([box, row]) => {
            const [guessed, right] = [box, row].map((one) => document.querySelector(one)?.getBoundingClientRect());
            return guessed?.width && right && Math.abs(guessed.y - right.y) < 4;
        }""",
        arg=[f"{TABLE} .guess-box", f"{TABLE} [data-at='{LETTERS.index('u')},{LETTERS.index('a')}']"],
    )
    expect(page.locator(f"{TABLE} text.halo", has_text="your guess")).to_be_visible()
    page.click("#count-another")
    choose(page, "choice", "8")
    page.click("#count-lock")
    expect(page.locator("#count-steps .now")).to_contain_text("Order 4: 2.113 nats")
    expect(page.locator("#count-sweep .plot")).to_contain_text("you: 8")


def test_with_the_keyboard_alone_from_the_guess_to_a_rolled_name(page):
    page.focus("#count-guess input[type=range]")
    page.keyboard.press("Home")
    page.focus("#count-lock")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{TABLE}[data-tally=counting]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#count-steps .at-3")
    page.focus("#count-why textarea, #count-why input")
    page.keyboard.type("Names end in n.")
    page.focus("#count-keep")
    page.keyboard.press("Enter")
    expect(page.locator("#count-keep")).to_be_hidden()
    here = page.locator(f"{TABLE} [tabindex='0'][role=gridcell]")
    expect(here).to_have_count(1)
    here.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(f"{TABLE} [data-part=said]")).to_contain_text("After n comes a")
    page.keyboard.press("Enter")
    expect(page.locator("#count-names h3")).to_have_text("Names with n then a")
    page.focus("#count-die [data-do=whole]")
    page.keyboard.press("Enter")
    expect(page.locator("#count-die .verdict")).to_have_count(1)


# --- other names -------------------------------------------------------------------------------------------


def test_another_corpus_changes_everything_and_asks_again(opened):
    choose(opened, "source", "names_indian")
    expect(opened.locator("#corpus")).to_contain_text("924 to learn from")
    expect(opened.locator("#corpus")).to_contain_text("Indian names")
    expect(opened.locator(f"{TABLE} .running")).to_contain_text("924 training names")
    expect(opened.locator("#count-steps .at-1")).to_have_count(1)
    expect(opened.locator("#count-report")).to_contain_text("kept 1,145")


def paste(page, text: str) -> None:
    choose(page, "source", "own")
    page.locator("#count-text textarea").fill(text)
    page.click("#count-use")


def test_names_in_any_script_work(opened):
    paste(opened, "प्रिया\nनिपुण\nआबिद\n😀😃\nزهرة\nÅsa\nzeel\n")
    expect(opened.locator("#corpus")).to_contain_text("your names")
    expect(opened.locator("#count-report")).to_contain_text("kept 7")
    press(opened, "whole")
    expect(opened.locator("#count-die .verdict")).to_have_count(1)


def test_hostile_names_are_shown_as_text_everywhere(opened):
    paste(opened, "\n".join(HOSTILE + letter for letter in "abcdefgh"))
    expect(opened.locator("#corpus")).to_contain_text("your names")
    expect(opened.locator("#count-names li").first).to_contain_text("img src=x onerror")
    press(opened, "whole")
    expect(opened.locator("#count-die .verdict")).to_have_count(1)
    open_level(opened, "sample")
    assert opened.evaluate("window.__owned") is None
    assert opened.locator("img[src='x']").count() == 0


@pytest.mark.parametrize(
    ("text", "sentence"), [("", "nothing to learn from"), ("emma", "at least 3"), ("a" * 600_000, "at most 500,000")]
)
def test_bad_text_gets_a_sentence_and_loses_nothing(page, text, sentence):
    before = page.inner_text("#corpus")
    choose(page, "source", "own")
    page.wait_for_selector("#count-text textarea")
    page.eval_on_selector(
        "#count-text textarea",
        "(area, text) => { area.value = text; area.dispatchEvent(new Event('input', {bubbles: true})); }",
        text,
    )
    page.click("#count-use")
    expect(page.locator("#tab-count [role=alert]")).to_contain_text(sentence)
    assert page.inner_text("#corpus") == before
    assert page.input_value("#count-text textarea") == text


def test_a_file_that_is_not_utf8_gets_a_sentence(page, tmp_path):
    file = tmp_path / "latin.txt"
    file.write_bytes("josé\nzoë\nrené\n".encode("latin-1"))
    choose(page, "source", "own")
    page.set_input_files("#count-upload input[type=file]", str(file))
    page.wait_for_selector("#count-upload :text('latin')")
    page.click("#count-use")
    expect(page.locator("#tab-count [role=alert]")).to_contain_text("is not UTF-8")


def test_a_failed_download_falls_back_to_the_bundled_names_with_a_note(page):
    choose(page, "source", "own")
    page.locator("#count-hub input, #count-hub textarea").fill("nobody/nothing-here")
    page.click("#count-use")
    expect(page.locator("#tab-count [role=alert]")).to_contain_text("The bundled US names are in use", timeout=60_000)
    expect(page.locator("#corpus")).to_contain_text("23,909")


def test_on_a_phone_nothing_goes_beyond_the_screen(new_page):
    page = new_page(width=400)
    skip(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
