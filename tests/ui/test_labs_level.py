"""Labs: a lab is read, its numbers are found, its results are looked at, and one's own file is checked."""

import json
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from lmlab.grading.gradescope import LEADERBOARD
from lmlab.grading.labs import all_labs, find_lab

SOLUTIONS = Path(__file__).parents[1] / "labs" / "solutions"
HOSTILE = "<img src=x onerror=window.hurt=1>"


@pytest.fixture
def page(new_page):
    page = new_page(level="labs")
    page.wait_for_selector("#labs-head h2")
    return page


def test_a_lab_is_chosen_read_and_started(page):
    rows = page.locator("#labs-list tbody tr")
    expect(rows).to_have_count(len(all_labs()))
    page.focus("#labs-list [data-do=lab03]")
    page.keyboard.press("Enter")
    lab = find_lab("lab03")
    expect(page.locator("#labs-head h2")).to_have_text(f"3 · {lab.title}")
    expect(page.locator("#labs-statement h3").first).to_have_text("The idea")
    page.wait_for_function("document.querySelector('#labs-statement img').naturalWidth > 0")
    with page.expect_download() as started:
        page.click("#labs-head a >> nth=0")
    assert started.value.suggested_filename == "lab03.py"
    assert Path(started.value.path()).read_text("utf-8") == lab.stub
    first = lab.exercises[0]
    hint = page.locator("#labs-hints .hints").first
    hint.locator("summary").first.click()
    expect(hint).to_contain_text(first.hints[0][:40])
    expect(hint.get_by_text(first.hints[1][:40])).to_be_hidden()  # the next one opens by itself


def test_a_number_is_right_or_not_yet_and_stays_after_a_reload(page):
    lab = find_lab("lab01")
    right = lab.checks.ANSWERS[lab.answers[0].value]()
    box = page.locator("#labs-number-0 input")
    box.fill("99")
    page.click("#labs-tell")
    expect(page.locator("#labs-verdicts")).to_contain_text("not yet")
    expect(page.locator("#labs-verdicts")).to_contain_text("still empty")
    assert f"{right:.2f}" not in page.content()
    box.fill(f"{right:.2f}")
    page.click("#labs-tell")
    expect(page.locator("#labs-verdicts li").first).to_contain_text("right")
    expect(page.locator("#labs-list tr.now")).to_contain_text(f"1 of {len(lab.answers)} numbers")
    expect(page.locator("#tab-labs-button")).to_have_attribute("data-done", "")
    page.reload()
    expect(page.locator("#labs-list tr.now")).to_contain_text(f"1 of {len(lab.answers)} numbers")


def test_a_results_file_is_shown_and_a_wrong_one_gets_a_sentence(page):
    test = {"name": f"f {HOSTILE}", "score": 1, "max_score": 2, "status": "failed", "output": HOSTILE}
    board = [{"name": LEADERBOARD, "value": 2.3456, "order": "asc"}]
    data = {"score": 1, "tests": [test], "extra_data": {"lab": "lab02"}, "leaderboard": board}

    def choose(text):
        page.set_input_files("#labs-load input", {"name": "x.json", "mimeType": "", "buffer": text.encode()})

    choose(json.dumps(data))
    expect(page.locator("#labs-results")).to_contain_text("lab02: 1 of 2 points")
    expect(page.locator("#labs-results td .said")).to_have_text(HOSTILE)
    expect(page.locator("#labs-list tbody tr").nth(1)).to_contain_text("1 of 10 points, loss 2.35")
    expect(page.locator("#ruler .rmark[data-loss='2.3456']")).to_contain_text("2.35 lab 2")
    choose("[]")
    expect(page.locator("#labs-message")).to_contain_text("no results.json")
    expect(page.locator("#labs-results")).to_contain_text("lab02: 1 of 2 points")  # nothing is lost
    assert page.evaluate("window.hurt") is None


def test_a_file_on_this_machine_is_checked(page, tmp_path):
    shutil.copy(SOLUTIONS / "lab01.py", tmp_path / "lab.py")
    page.fill("#labs-folder textarea, #labs-folder input", str(tmp_path / "nowhere"))
    page.click("#labs-check")
    expect(page.locator("#labs-message")).to_contain_text("There is no lab.py")
    page.fill("#labs-folder textarea, #labs-folder input", str(tmp_path))
    page.click("#labs-check")
    expect(page.locator("#labs-results")).to_contain_text("lab01: 9 of 10 points", timeout=60_000)
    expect(page.locator("#labs-list tr.now")).to_contain_text("9 of 10 points")


def test_on_a_phone_nothing_scrolls_sideways(new_page):
    page = new_page(level="labs", width=400)
    page.wait_for_selector("#labs-head h2", state="attached")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
