"""Only what changed is checked again, and a broken file of progress harms nobody."""

import contextlib
import json
import time

import numpy as np
import pytest
from grading import RIGHT, STUB, small_lab

from lmlab.errors import LabError
from lmlab.grading import progress
from lmlab.grading.labs import fingerprint
from lmlab.grading.watch import changes


def check(folder, source, **options):
    return progress.check_changed(small_lab(), folder, source, None, **options)


def test_only_what_changed_is_checked_again(tmp_path):
    report, fresh = check(tmp_path, STUB)
    assert fresh == {"double", "outer"}
    half = STUB.replace("def double(x):\n    raise NotImplementedError", "def double(x):\n    return x + 1")
    report, fresh = check(tmp_path, half)
    assert fresh == {"double"}
    assert report.status_of("outer") == "not started"
    assert report.of("double")[0].sentence == "almost: one is added; double it"
    report, fresh = check(tmp_path, half + "\n# a remark\n")
    assert fresh == set()
    assert report.of("double")[0].sentence == "almost: one is added; double it"
    _, fresh = check(tmp_path, half, again=True)
    assert fresh == {"double", "outer"}
    _, fresh = check(tmp_path, RIGHT, only=["outer"])
    assert fresh == {"outer"}
    report, fresh = check(tmp_path, RIGHT)
    assert fresh == {"double"}
    assert report.passed


def test_what_met_a_limit_is_tried_again(tmp_path):
    slow = RIGHT.replace("return 2 * x", "import time; time.sleep(0.3); return 2 * x")
    report, _ = check(tmp_path, slow, slow=0.2)
    assert "took longer" in report.results[0].sentence
    report, fresh = check(tmp_path, slow, slow=2)
    assert fresh == {"double"}
    assert report.passed


def test_what_an_exercise_depends_on():
    names = ["f", "g"]
    base = "K = 1\ndef help(x):\n    return x\ndef f(x):\n    return help(x)\ndef g(x):\n    return f(x)\n"

    def changed(new):
        return [name for name in names if fingerprint(base, name, names) != fingerprint(new, name, names)]

    assert changed(base.replace("    return x\n", "    return x  # the same\n\n")) == []
    assert changed(base.replace("K = 1", "K = 2")) == ["f", "g"]
    assert changed(base.replace("return x", "return -x")) == ["f", "g"]
    assert changed(base.replace("return f(x)", "return 2")) == ["g"]
    assert changed(base.replace("return help(x)", "return 2")) == ["f", "g"]  # g calls f
    assert changed("def f(x:\n") == ["f", "g"]
    assert changed(base + "y = " + "1 + " * 5000 + "1\n") == ["f", "g"]  # too deep to be looked at


def test_attempts_are_counted(tmp_path):
    wrong = RIGHT.replace("2 * x", "3 * x")
    for _ in range(2):
        check(tmp_path, wrong)
    assert progress.load(tmp_path, "lab99").of("double").attempts == 1  # nothing had changed
    check(tmp_path, RIGHT.replace("2 * x", "4 * x"))
    assert progress.load(tmp_path, "lab99").of("double").attempts == 2
    check(tmp_path, "def broken(")
    check(tmp_path, STUB)
    assert progress.load(tmp_path, "lab99").of("double").attempts == 2


def test_a_shown_answer_has_no_points(tmp_path):
    check(tmp_path, RIGHT)
    found = progress.load(tmp_path, "lab99")
    assert found.points == 5
    found.of("double").revealed = True
    progress.save(tmp_path, found)
    again = progress.load(tmp_path, "lab99")
    assert again.points == 3
    assert again.of("double").status == "revealed"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"schema": 1}',
        '{"schema": 1, "lab": "lab99", "exercises": {"double": {}}}',
        '{"schema": 1, "lab": "lab99", "exercises": {"double": {"fingerprint": "", "attempts": 1, "hints": 0, '
        '"revealed": false, "loss": null, "results": [{"exercise": "double", "item": "x", "status": "great", '
        '"max_points": 1}]}}}',
        '{"schema": 1, "lab": "another", "exercises": {}}',
        '{"schema": "x", "lab": "lab99", "exercises": {}}',
    ],
)
def test_a_broken_file_is_a_new_beginning(tmp_path, content):
    place = tmp_path / progress.PLACE
    place.parent.mkdir()
    place.write_text(content)
    assert progress.load(tmp_path, "lab99").exercises == {}
    report, fresh = check(tmp_path, RIGHT)
    assert fresh == {"double", "outer"}
    assert report.passed


def test_a_newer_file_is_not_overwritten(tmp_path):
    place = tmp_path / progress.PLACE
    place.parent.mkdir()
    place.write_text('{"schema": 2}')
    with pytest.raises(LabError, match="newer lmlab"):
        progress.load(tmp_path, "lab99")
    assert json.loads(place.read_text()) == {"schema": 2}


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / ".lmlab").write_text("a file where a folder should be")
    with pytest.raises(LabError, match="cannot be written"):
        check(tmp_path, RIGHT)


def test_new_checks_make_old_results_stale(tmp_path):
    lab = small_lab()
    before = progress.current(lab, RIGHT, None)
    lab.checks.__file__ = np.__file__
    after = progress.current(lab, RIGHT, None)
    assert not set(before.values()) & set(after.values())


class Over(Exception):
    pass


def test_watching_notices_what_is_saved(tmp_path):
    file, other = tmp_path / "lab.py", tmp_path / "weights"
    file.write_text("1")
    steps = iter(
        [
            lambda: None,
            lambda: file.write_text("12"),
            lambda: None,
            lambda: other.write_text("x"),
            file.unlink,  # an editor puts a new one in its place
            lambda: file.write_text("123"),
            other.unlink,
        ]
    )

    def sleep(seconds):
        assert seconds == 0.5
        step = next(steps, None)
        if step is None:
            raise Over
        time.sleep(0.01)  # for file systems whose clocks are coarse
        step()

    seen = 0
    with contextlib.suppress(Over):
        for _ in changes([file, other], sleep=sleep):
            seen += 1
    assert seen == 5
    assert next(steps, None) is None
