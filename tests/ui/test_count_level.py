"""The level Count, from its first click to its insight."""

import pytest
from playing import click_point, data_of, seq, set_slider, wait_for_new
from playwright.sync_api import expect

HOSTILE = "<img src=x onerror=window.__owned=1>"


def losses(page) -> str:
    return page.inner_text("#count-losses")


def test_the_screen_is_full_before_any_click(page):
    table = data_of(page, "#count-table")[0]
    assert len(table["z"]) == 27
    expect(page.locator("#count-names li")).to_have_count(8)
    expect(page.locator("#count-losses li")).to_have_count(3)
    page.wait_for_selector("#count-sweep .fig[data-state=drawn]")
    page.wait_for_selector("#count-die .fig[data-state=drawn]")
    assert "23,909 to learn from" in page.inner_text("#corpus")


def test_a_guess_is_locked_and_the_gap_is_shown(page):
    set_slider(page, "#count-guess", 20)
    page.click("#count-lock")
    page.wait_for_selector("#count-steps .at-3")
    gap = page.inner_text("#count-steps .now")
    assert "35.3 %" in gap
    assert "15.3 points more" in gap
    assert "20 %" in page.inner_text("#count-steps .done >> nth=0")
    notes = page.eval_on_selector("#count-table .plot", "plot => plot.layout.annotations.map(n => n.text)")
    assert "<b>you 20 %</b>" in notes  # the guess stays drawn on the result
    expect(page.locator("#count-lock")).to_be_hidden()


def test_a_click_on_a_cell_shows_the_names_behind_it(page):
    before = seq(page, "#count-table")
    q, u = 17, 21
    click_point(page, "#count-table", u, q)
    wait_for_new(page, "#count-table", before)
    expect(page.locator("#count-names h3")).to_have_text("Names with q then u")
    for name in page.locator("#count-names li").all_inner_texts():
        assert "qu" in name
    bars = data_of(page, "#count-table")[1]["y"]
    assert max(bars) == bars[u]
    assert sum(bars) == pytest.approx(100, abs=0.01)


def test_shown_as_share_changes_the_heat_map(page):
    before, counts = seq(page, "#count-table"), data_of(page, "#count-table")[0]["z"]
    page.get_by_role("radio", name="Share of row", exact=True).check()
    wait_for_new(page, "#count-table", before)
    shares = data_of(page, "#count-table")[0]["z"]
    assert shares != counts
    assert max(value for row in shares for value in row if value is not None) <= 1


def test_order_smoothing_and_k_each_change_the_losses(page):
    first = losses(page)
    page.wait_for_selector("#count-sweep .fig[data-state=drawn]")
    before = seq(page, "#count-sweep")
    set_slider(page, "#count-order", 4)
    expect(page.locator("#count-losses")).not_to_have_text(first)
    expect(page.locator("#count-losses")).to_contain_text("2.113")
    wait_for_new(page, "#count-sweep", before)
    set_slider(page, "#count-k", 1)
    expect(page.locator("#count-losses")).not_to_contain_text("2.113")
    page.get_by_role("radio", name="Kneser–Ney", exact=True).check()
    expect(page.locator("#count-losses")).to_contain_text("2.0")
    expect(page.locator("#count-k")).to_be_hidden()
    page.get_by_role("radio", name="None", exact=True).check()
    expect(page.locator("#count-losses")).to_contain_text("∞")


def test_a_name_is_rolled_letter_by_letter(page):
    page.wait_for_selector("#count-die .fig[data-state=drawn]")
    before = seq(page, "#count-die")
    page.click("#count-roll")
    wait_for_new(page, "#count-die", before)
    assert "lands on" in page.inner_text("#count-die [data-part=said]")
    letters = page.inner_text("#count-word").replace("\n", "")
    assert len(letters) >= 2
    page.click("#count-whole")
    page.wait_for_selector("#count-word .verdict")
    whole = page.inner_text("#count-word")
    page.click("#count-again")
    expect(page.locator("#count-word .verdict")).to_have_count(0)
    assert page.inner_text("#count-word") != whole


def test_a_kept_model_stands_on_the_bench_and_the_ruler(page):
    models = page.locator("#bench li").count()
    page.click("#count-keep")
    expect(page.locator("#bench li")).to_have_count(models + 1)
    expect(page.locator("#bench")).to_contain_text("bigram, k 0.1")
    expect(page.locator("#ruler .rmark.now")).to_have_count(1)
    assert "2.46" in page.inner_text("#ruler .rmark.now .label")


def test_another_corpus_changes_everything_and_greys_the_bench(page):
    before = seq(page, "#count-table")
    page.get_by_role("radio", name="Indian names", exact=True).check()
    wait_for_new(page, "#count-table", before)
    expect(page.locator("#corpus")).to_contain_text("924 to learn from")
    expect(page.locator("#bench li.other")).to_have_count(2)
    expect(page.locator("#bench")).to_contain_text("learned on names")
    expect(page.locator("#ruler .rmark.model, #ruler .rmark.now")).to_have_count(0)


def paste(page, text: str) -> None:
    page.get_by_role("radio", name="Your own", exact=True).check()
    page.locator("#count-text textarea").fill(text)
    page.click("#count-use")


def test_names_in_any_script_work(page):
    before = seq(page, "#count-table")
    paste(page, "प्रिया\nनिपुण\nआबिद\n😀😃\nزهرة\nÅsa\nzeel\n")
    wait_for_new(page, "#count-table", before)
    expect(page.locator("#corpus")).to_contain_text("your names")
    expect(page.locator("#count-report")).to_contain_text("kept 7")


def test_hostile_names_are_shown_as_text_everywhere(page):
    before = seq(page, "#count-table")
    paste(page, "\n".join(HOSTILE + letter for letter in "abcdefgh"))
    wait_for_new(page, "#count-table", before)
    click_point(page, "#count-table", 4, 0)  # the start, then "<"
    expect(page.locator("#count-names li").first).to_contain_text("img src=x onerror")
    page.click("#count-whole")
    page.wait_for_selector("#count-word .verdict")
    page.click("#tab-mlp-button")
    page.wait_for_selector("#mlp-play")
    set_slider(page, "#mlp-steps", 50)
    page.click("#mlp-play")
    page.wait_for_selector("#mlp-status [data-state=done]")
    page.click("#tab-sample-button")
    page.click("#sample-roll")
    page.wait_for_selector("#sample-names [data-state=rolled] li")
    assert page.evaluate("window.__owned") is None
    assert page.locator("img[src='x']").count() == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "nothing to learn from"),
        ("emma", "at least 3"),
        ("a" * 5_000_000, "at most 500,000"),
    ],
)
def test_bad_text_gets_a_sentence_and_loses_nothing(page, text, sentence):
    table = data_of(page, "#count-table")[0]["z"]
    page.get_by_role("radio", name="Your own", exact=True).check()
    page.wait_for_selector("#count-text textarea")
    page.eval_on_selector(
        "#count-text textarea",
        "(area, text) => { area.value = text; area.dispatchEvent(new Event('input', {bubbles: true})); }",
        text,
    )
    page.click("#count-use")
    expect(page.locator("#tab-count [role=alert]")).to_contain_text(sentence)
    assert data_of(page, "#count-table")[0]["z"] == table
    assert page.input_value("#count-text textarea") == text


def test_a_file_that_is_not_utf8_gets_a_sentence(page, tmp_path):
    file = tmp_path / "latin.txt"
    file.write_bytes("josé\nzoë\nrené\n".encode("latin-1"))
    page.get_by_role("radio", name="Your own", exact=True).check()
    page.set_input_files("#count-upload input[type=file]", str(file))
    page.wait_for_selector("#count-upload :text('latin')")
    page.click("#count-use")
    expect(page.locator("#tab-count [role=alert]")).to_contain_text("is not UTF-8")


def test_a_failed_download_falls_back_to_the_bundled_names_with_a_note(page):
    page.get_by_role("radio", name="Your own", exact=True).check()
    page.locator("#count-hub input, #count-hub textarea").fill("nobody/nothing-here")
    page.click("#count-use")
    expect(page.locator("#tab-count [role=alert]")).to_contain_text("The bundled US names are in use", timeout=60_000)
    expect(page.locator("#corpus")).to_contain_text("23,909")
