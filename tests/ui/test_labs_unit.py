"""The level Labs without a browser: statements, files, numbers, results, and whose machine it is."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from playing import in_a_thread
from starlette.applications import Starlette
from starlette.testclient import TestClient

from lmlab.errors import LabError
from lmlab.grading.gradescope import LEADERBOARD
from lmlab.grading.labs import all_labs, find_lab
from lmlab.jobs.messages import Limits
from lmlab.ui.app import build_app
from lmlab.ui.labs import own_machine
from lmlab.ui.labs.files import labs_route
from lmlab.ui.labs.own_machine import check_folder, is_own, may_check
from lmlab.ui.labs.words import (
    entry_id,
    experiments,
    list_trees,
    number_entry,
    reached,
    results_entries,
    results_trees,
    statement_of,
)
from lmlab.ui.levels.labs import BOXES
from lmlab.ui.work import Entry, Work

LABS = all_labs()
SOLUTIONS = Path(__file__).parents[1] / "labs" / "solutions"
HOSTILE = "<img src=x onerror=window.hurt=1>"


def flat(trees) -> str:
    """All that trees say, attributes included."""
    return json.dumps(trees, ensure_ascii=False)


# --- statements and files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_every_statement_becomes_trees_with_its_picture_and_nothing_is_left_over(lab):
    said = flat(statement_of(lab))
    assert "<!--" not in said
    assert "**" not in said
    assert f'"src": "lmlab/labs/{lab.id}/' in said
    for title in ("The idea", "Predict first", "What to do"):
        assert title in said


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_the_page_has_room_for_every_number_of_a_lab(lab):
    assert len(lab.answers) <= BOXES
    assert {box.value for box in lab.answers} <= set(lab.checks.ANSWERS)


@pytest.fixture(scope="module")
def files():
    return TestClient(Starlette(routes=[labs_route()]))


def test_starters_notebooks_and_pictures_are_handed_out(files):
    starter = files.get("/lmlab/labs/lab01/lab.py")
    assert starter.text == find_lab("lab01").stub
    assert starter.headers["content-disposition"] == 'attachment; filename="lab01.py"'
    assert files.get("/lmlab/labs/lab01/lab.ipynb").json()["nbformat"] == 4
    picture = files.get("/lmlab/labs/lab01/picture.svg")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in picture.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    ["lab01/lab.toml", "lab01/README.md", "lab99/lab.py", "lab1/lab.py", "lab01/..%2f..%2fREADME.md",
     "lab01/%2fetc%2fpasswd.svg", "..%2flabs/lab.py", "lab01/picture.svg%00"],
)  # fmt: skip
def test_nothing_else_is(files, path):
    assert files.get(f"/lmlab/labs/{path}").status_code == 404


# --- progress ------------------------------------------------------------------------------------------------


def test_a_number_is_kept_once_and_a_right_one_stays():
    lab = find_lab("lab01")
    box = lab.answers[0]
    wrong = number_entry(lab, box.value, box.question, 99.0, False)
    right = number_entry(lab, box.value, box.question, 13.9, True)
    work = Work(entries=[wrong]).joined(Work(entries=[right]))
    assert len(work.entries) == 1
    assert reached(lab, work) == f"1 of {len(lab.answers)} numbers"
    assert reached(lab, work.joined(Work(entries=[wrong]))) == f"1 of {len(lab.answers)} numbers"
    assert reached(find_lab("lab02"), work) == "–"
    assert "1 of" in flat(list_trees(LABS, "lab01", work))


def results(**more):
    test = {"name": f"f {HOSTILE}", "score": 1.0, "max_score": 2.0, "status": "failed", "output": HOSTILE}
    return {"score": 1.0, "tests": [test], "extra_data": {"lab": "lab01"}, **more}


def test_a_results_file_is_shown_as_text_and_its_points_are_kept():
    lab = find_lab("lab01")
    data = results(leaderboard=[{"name": HOSTILE, "value": 2.3}])
    trees = results_trees(data)
    assert "lab01: 1 of 2 points" in flat(trees)
    assert HOSTILE in flat(trees)  # as a text of a tree: the page makes a text node of it
    assert not any(tag in flat(trees) for tag in ('["img"', '["script"'))
    work = Work(entries=results_entries(lab, data))
    assert reached(lab, work) == "1 of 10 points"
    assert [entry.id for entry in work.entries] == [entry_id("lab01", "results")]


def test_the_loss_of_an_experiment_is_kept_if_it_can_be_one():
    lab = find_lab("lab01")
    for value, found in ((2.3, {"lab01": 2.3}), (-1.0, {}), (1e9, {})):
        data = results(leaderboard=[{"name": "another", "value": 9.0}, {"name": LEADERBOARD, "value": value}])
        work = Work(entries=results_entries(lab, data))
        assert experiments(work) == found
    work = Work(entries=results_entries(lab, results(leaderboard=[{"name": LEADERBOARD, "value": 2.3}])))
    assert reached(lab, work) == "1 of 10 points, loss 2.30"
    forged = Entry(level="labs", question="<b>.experiment", truth=2.0)  # from a work that was brought along
    assert experiments(Work(entries=[forged])) == {}


# --- whose machine it is -------------------------------------------------------------------------------------


def request(host="localhost:7860", client="127.0.0.1", **headers):
    return SimpleNamespace(headers={"host": host, **headers}, client=SimpleNamespace(host=client))


def test_a_folder_of_somebody_else_is_not_checked(tmp_path, monkeypatch):
    (tmp_path / "lab.py").write_text("raise SystemExit")
    monkeypatch.setattr(own_machine.os, "getuid", lambda: tmp_path.stat().st_uid + 1, raising=False)
    with pytest.raises(LabError, match="belongs to somebody else"):
        in_a_thread(check_folder("lab01", str(tmp_path)))


def test_only_a_request_from_this_machine_by_its_own_name_may_run_a_file():
    assert is_own(request())
    assert is_own(request("127.0.0.1:7860", origin="http://127.0.0.1:7860"))
    for stranger in (
        request(client="192.168.0.7"),
        request("lab.example.org"),  # a name of elsewhere that points here
        request(origin="https://evil.example"),
        request(origin="http://localhost:8888"),  # another program on this machine
        request(**{"x-forwarded-for": "10.0.0.1"}),
        request(**{"via": "1.1 proxy"}),
        SimpleNamespace(headers={}, client=None),
    ):
        assert not is_own(stranger)


def test_an_app_for_others_never_offers_it(monkeypatch):
    assert may_check("127.0.0.1")
    assert not may_check("0.0.0.0")
    assert not may_check(None)
    monkeypatch.setenv("SPACE_ID", "someone/lmlab")
    assert not may_check("127.0.0.1")


@pytest.mark.parametrize("own", [True, False])
def test_the_page_has_the_button_only_on_ones_own_machine(own):
    app = build_app(SimpleNamespace(limits=Limits()), own_machine=own)
    ids = {block.elem_id for block in app.blocks.values()}
    assert ("labs-check" in ids) == ("labs-folder" in ids) == own


def test_the_handler_asks_again(monkeypatch):
    ran = []
    monkeypatch.setattr("lmlab.ui.levels.labs.check_folder", lambda *args: ran.append(args))
    app = build_app(SimpleNamespace(limits=Limits()), own_machine=True)
    check = next(
        fn.fn for fn in app.fns.values()
        if any(app.blocks[target].elem_id == "labs-check" for target, _ in fn.targets if target in app.blocks)
    )  # fmt: skip
    updates = in_a_thread(check("", None, "lab01", {}, None, "/tmp", request("lab.example.org")))
    assert "only where the app runs on your own machine" in str(list(updates.values()))
    assert ran == []


def test_a_file_on_ones_own_machine_is_checked(tmp_path):
    folder = tmp_path / "lab01_counting"
    folder.mkdir()
    shutil.copy(SOLUTIONS / "lab01.py", folder / "lab.py")
    data = in_a_thread(check_folder("lab01", str(folder)))
    assert data["score"] == pytest.approx(9)  # the experiment's weights are not there
    assert data["extra_data"]["lab"] == "lab01"
    shutil.copy(find_lab("lab01").folder / "lab.py", folder / "lab.py")
    assert in_a_thread(check_folder("lab01", str(folder)))["score"] == 0


@pytest.mark.parametrize("folder", ["", "  ", "/", "/nowhere/at/all", "\x00"])
def test_a_folder_without_a_lab_gets_a_sentence(folder):
    with pytest.raises(LabError, match=r"There is no lab\.py"):
        in_a_thread(check_folder("lab01", folder))


def test_a_check_that_does_not_end_is_stopped(tmp_path, monkeypatch):
    (tmp_path / "lab.py").write_text("")
    monkeypatch.setattr(own_machine, "PATIENCE", 0.05)
    with pytest.raises(LabError, match="took longer"):
        in_a_thread(check_folder("lab01", str(tmp_path)))
