"""A class: results.json each, one table that no spreadsheet runs, and a summary."""

import csv
import json
import os
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from grading import RIGHT, STUB, small_lab
from safetensors.numpy import save

from lmlab.errors import LabError
from lmlab.grading import classroom, experiment, gradescope
from lmlab.grading.labs import ExperimentText, find_lab
from lmlab.grading.package import gradescope_zip, write_zip

WRONG = RIGHT.replace("2 * x", "x + 1")


def hand_in(place, source, weights=None):
    place.mkdir(parents=True)
    (place / "lab.py").write_text(source)
    if weights is not None:
        (place / "weights.safetensors").write_bytes(weights)


@pytest.fixture
def submissions(tmp_path):
    folder = tmp_path / "in"
    hand_in(folder / "ann", RIGHT)
    hand_in(folder / '=HYPERLINK("http:x")', WRONG)
    hand_in(folder / "@bob", STUB)
    hand_in(folder / "carl", "def double(")
    hand_in(folder / "dora" / "some" / "folder", WRONG)
    (folder / "empty").mkdir()
    write_zip(folder / "fritz.zip", [("fritz/lab.py", RIGHT.encode()), ("__MACOSX/._lab.py", b"junk")])
    (folder / "gina.zip").write_bytes(b"no zip")
    (folder / "hugo.py").write_text(RIGHT)
    (folder / "ida").mkdir()
    (folder / "ida" / "lab.py").write_bytes(b"\xff\xfe not UTF-8")
    (folder / "notes.txt").write_text("not a submission")
    (folder / ".hidden").mkdir()
    return folder


def test_a_class(submissions, tmp_path):
    out = tmp_path / "out"
    seen = []
    found = classroom.grade(small_lab(), submissions, out, seed=5, workers=2, done=seen.append)
    points = {one.name: one.report.points for one in found.submissions}
    assert points == {
        '=HYPERLINK("http:x")': 3,
        "@bob": 0,
        "ann": 5,
        "carl": 0,
        "dora": 3,
        "empty": 0,
        "fritz": 5,
        "gina": 0,
        "hugo": 5,
        "ida": 0,
    }
    assert sorted(seen) == sorted(points)
    assert list(points) == sorted(points)
    remarks = {one.name: one.remark for one in found.submissions if one.remark}
    assert remarks["empty"] == "There is no lab.py in what was handed in."
    assert "cannot be unpacked" in remarks["gina"]
    assert "UTF-8" in remarks["ida"]
    for name, reached in points.items():
        data = json.loads((out / name / "results.json").read_text())
        assert gradescope.problem(data) is None
        assert data["score"] == reached
        assert sum(test["max_score"] for test in data["tests"]) == 5
        assert "seed" not in str(data)  # students read it, and the seed is the teacher's
    with (out / "grades.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["name", "points", "of", "double", "outer", "loss", "seconds", "remark"]
    assert len(rows) == 11
    for row in rows[1:]:
        for cell in row:
            assert not cell.startswith(classroom.FORMULA)
    assert {row[0]: row[1] for row in rows[1:]}["'@bob"] == "0"
    assert [row[7] for row in rows if row[0] == "dora"] == ["double: almost: one is added; double it"]
    mistakes = found.mistakes()
    assert ("double", "almost: one is added; double it", 2) in mistakes
    assert ("lab.py", "the file cannot be loaded", 1) in mistakes
    assert ("lab.py", "There is no lab.py in what was handed in.", 1) in mistakes
    assert not any("not reached" in said for _, said, _ in mistakes)  # what is wrong with a whole file counts once
    assert any("almost: one is added" in line for line in found.lines())
    assert json.loads((out / "summary.json").read_text())["seed"] == 5


def test_the_same_seed_gives_the_same_points_and_arguments(submissions, tmp_path):
    first = classroom.grade(small_lab(), submissions / "ann", tmp_path / "a.json", seed=5)
    again = classroom.grade(small_lab(), submissions / "ann", tmp_path / "b.json", seed=5)
    assert first.submissions[0].report.results == again.submissions[0].report.results
    assert first.all_passed
    three = RIGHT.replace("2 * x", "3 * x")
    hand_in(tmp_path / "three", three)
    said = [
        classroom.grade(small_lab(), tmp_path / "three", tmp_path / "c.json", seed=seed)
        .submissions[0]
        .report.results[0]
        for seed in (5, 5, 6)
    ]
    assert said[0].sentence == said[1].sentence != said[2].sentence


def test_private_checks(tmp_path):
    file = tmp_path / "private.py"
    file.write_text(
        "from lmlab.grading.exercise import Exercise, Item\n"
        "EXERCISES = [Exercise('double', lambda x: 2 * x, (Item('of a large number', 2, lambda rng: (1e9,)),)),\n"
        "             Exercise('secret', lambda: 1, (Item('is there', 1, lambda rng: ()),))]\n"
    )
    lab = small_lab()
    extra = classroom.load_extra(file, lab)
    hand_in(tmp_path / "in", RIGHT)
    classroom.grade(lab, tmp_path / "in", tmp_path / "results.json", seed=1, extra=extra)
    data = json.loads((tmp_path / "results.json").read_text())
    assert data["score"] == 7
    assert [test["visibility"] for test in data["tests"]] == ["visible"] * 4 + ["after_published"] * 2
    assert "no function secret" in data["tests"][-1]["output"]
    assert gradescope.problem(data) is None
    for content, match in (
        ("x = 1", "no list EXERCISES"),
        ("1 / 0", "ZeroDivisionError"),
        ("EXERCISES = [3]", "no list"),
    ):
        file.write_text(content)
        with pytest.raises(LabError, match=match):
            classroom.load_extra(file, lab)
    with pytest.raises(LabError, match="no Python file"):
        classroom.load_extra(tmp_path / "nothing.py", lab)


def test_results_are_there_from_the_beginning(tmp_path, monkeypatch):
    hand_in(tmp_path / "in", RIGHT)
    seen = []
    write = classroom.write_whole

    def look(place, text):
        write(place, text)
        seen.append(json.loads(text))

    monkeypatch.setattr(classroom, "write_whole", look)
    classroom.grade(small_lab(), tmp_path / "in", tmp_path / "results.json", seed=1)
    assert [data["score"] for data in seen] == [0, 2, 5, 5]
    assert all(gradescope.problem(data) is None for data in seen)
    assert [test["output"] for test in seen[1]["tests"]] == ["", "", "not reached", "not reached"]
    assert "did not finish" in seen[2]["output"]
    assert "did not finish" not in seen[3]["output"]


def test_links_and_bombs_are_not_followed(tmp_path):
    secret = tmp_path / "secret.py"
    secret.write_text(RIGHT)
    folder = tmp_path / "in" / "eve"
    folder.mkdir(parents=True)
    (folder / "lab.py").symlink_to(secret)
    with pytest.raises(LabError, match=r"no lab\.py"):
        classroom.read_submission(folder)
    (tmp_path / "in" / "outside").symlink_to(tmp_path)
    found = classroom.grade(small_lab(), tmp_path / "in", tmp_path / "out", seed=1)
    assert [one.name for one in found.submissions] == ["eve"]
    write_zip(tmp_path / "bomb.zip", [("lab.py", bytes(50_000_000)), ("../../evil.py", b"x")])
    with pytest.raises(LabError, match="a lab takes a few kB"):
        classroom.read_submission(tmp_path / "bomb.zip")
    assert not (tmp_path.parent / "evil.py").exists()


def test_our_own_fault_with_one_file_costs_the_others_nothing(tmp_path, monkeypatch):
    for name in ("ann", "bob", "carl"):
        hand_in(tmp_path / "in" / name, RIGHT)
    real = classroom.check_file

    def sometimes(lab, source, **options):
        if len(seen) == 1:
            seen.append(2)
            raise RuntimeError("a bug of ours")
        seen.append(1)
        return real(lab, source, **options)

    seen = []
    monkeypatch.setattr(classroom, "check_file", sometimes)
    found = classroom.grade(small_lab(), tmp_path / "in", tmp_path / "out", seed=1, workers=1)
    assert [one.report.points for one in found.submissions] == [5, 0, 5]
    assert "RuntimeError: a bug of ours" in found.submissions[1].remark
    assert "did not finish" in (tmp_path / "out" / "bob" / "results.json").read_text()
    seen[:] = [1]
    with pytest.raises(RuntimeError):
        classroom.grade(small_lab(), tmp_path / "in" / "bob", tmp_path / "one.json", seed=1)


def test_what_is_no_submission(tmp_path):
    with pytest.raises(LabError, match="There is no"):
        classroom.is_single(tmp_path / "nothing")
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    with pytest.raises(LabError, match="neither"):
        classroom.is_single(tmp_path / "a.pdf")
    found = classroom.grade(small_lab(), tmp_path, tmp_path / "out", seed=1)
    assert found.submissions == []
    assert found.lines() == ["Nothing was handed in."]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "＝1", "\r\n=1"])
def test_formulas_are_harmless(name):
    assert classroom.harmless(name) == f"'{name}"


def test_results_of_strangers():
    good = {"score": 1, "tests": [{"name": "f", "score": 1, "max_score": 2, "status": "passed"}]}
    assert gradescope.read_results(json.dumps(good)) == good
    for content, match in (
        ("{", "no JSON"),
        ("[]", "no list of tests"),
        ('{"score": 1}', "no list of tests"),
        ('{"score": "1", "tests": []}', "score is no number"),
        ('{"score": NaN, "tests": []}', "score is no number"),
        ('{"score": 1, "tests": []}', "add up to 0"),
        ('{"score": 1, "tests": [3]}', "test 1 has no name"),
        ('{"score": 1, "tests": [{"name": "f"}]}', "test 1 has no score"),
        ('{"score": 3, "tests": [{"name": "f", "score": 3, "max_score": 2}]}', "3 of 2 points"),
        ('{"score": 0, "tests": [], "leaderboard": [3]}', "leaderboard"),
        ('{"score": 0, "tests": [], "leaderboard": null}', "leaderboard is no list"),
        (f'{{"score": {10**400}, "tests": []}}', "score is no number"),
        ('{"score": 0, "tests": [{"name": "f", "score": 0, "max_score": 1, "output": 3}]}', "no text"),
        ("[" * 200_000, "no JSON"),
        (" " * 2_000_000, "characters"),
    ):
        with pytest.raises(LabError, match=match):
            gradescope.read_results(content)


# --- the experiment --------------------------------------------------------------------------------------------

PREDICT = "import numpy as np\ndef predict(weights, contexts):\n    return weights['table'][contexts[:, -1]]\n"
UNIFORM = np.full((27, 27), -np.log(27), dtype=np.float32)


def with_experiment(target=3.4, parameters=1000):
    lab = small_lab()
    text = ExperimentText("Be good.", 3, parameters, target, number="99.3")
    return type(lab)(**{**{name: getattr(lab, name) for name in lab.__dataclass_fields__}, "experiment": text})


def measured(source, weights, lab=None):
    return experiment.evaluate(lab or with_experiment(), source, weights, 1)


def test_names_that_collide_or_are_no_text_cost_nobody_anything(tmp_path):
    folder = tmp_path / "in"
    for name in ("ann", "grades.csv", "summary.json"):
        hand_in(folder / name, RIGHT)
    (folder / "ann.py").write_text(WRONG)
    os.mkdir(os.fsencode(folder) + b"/caf\xe9")
    hand_in(folder / "red\x1b[31m", STUB)
    found = classroom.grade(small_lab(), folder, tmp_path / "out", seed=1)
    names = [one.name for one in found.submissions]
    assert sorted(names) == ["ann", "ann-2", "caf\\xe9", "grades.csv-2", "red_[31m", "summary.json-2"]
    points = {one.name: one.report.points for one in found.submissions}
    assert points["ann"] == points["grades.csv-2"] == 5
    assert points["ann-2"] < 5
    for name in names:
        assert gradescope.problem(json.loads((tmp_path / "out" / name / "results.json").read_text())) is None
    rows = list(csv.reader((tmp_path / "out" / "grades.csv").open()))
    assert len(rows) == 7
    assert "\x1b" not in str(rows)


def test_only_what_counts_is_read_from_a_zip(tmp_path, monkeypatch):
    many = [(f"d{i}/weights.safetensors", b"\0" * 1_000_000) for i in range(30)]
    write_zip(tmp_path / "many.zip", [("a/lab.py", RIGHT.encode()), ("a/weights.safetensors", b"mine"), *many])
    opened = []
    real = zipfile.ZipFile.open
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *args: opened.append(args[1].filename) or real(*args))
    work = classroom.read_submission(tmp_path / "many.zip")
    assert (work.source, work.weights) == (RIGHT, b"mine")
    assert opened == ["a/lab.py", "a/weights.safetensors"]


def test_a_zip_that_is_damaged_inside(tmp_path):
    write_zip(tmp_path / "bad.zip", [("lab.py", RIGHT.encode() * 20)])
    content = bytearray((tmp_path / "bad.zip").read_bytes())
    content[45:60] = bytes(15)
    (tmp_path / "bad.zip").write_bytes(content)
    with pytest.raises(LabError, match="cannot be unpacked"):
        classroom.read_submission(tmp_path / "bad.zip")


def test_the_experiment_measures_on_the_ruler():
    found = measured(PREDICT, save({"table": UNIFORM}))
    assert found.finding.right
    assert found.loss == pytest.approx(np.log(27), abs=1e-5)
    found = measured(PREDICT, save({"table": UNIFORM}), with_experiment(target=2.5))
    assert found.loss == pytest.approx(3.2958, abs=1e-4)
    assert found.finding.sentence == "the loss is 3.2958 nats per character; the point needs 2.5 or less"


CHEAT = """
def predict(weights, contexts):
    from lmlab.data.corpus import load_corpus
    return load_corpus("names").part("validation")
"""
CHEAT_BY_FILE = """
def predict(weights, contexts):
    import importlib.util, os
    place = os.path.dirname(importlib.util.find_spec("lmlab").origin)
    return open(os.path.join(place, "data", "files", "names.txt")).read()
"""


@pytest.mark.parametrize(
    ("source", "weights", "said"),
    [
        (STUB + "\ndef predict(weights, contexts):\n    raise NotImplementedError\n", None, "not started"),
        (PREDICT, None, "weights.safetensors is not beside lab.py"),
        (PREDICT, b"junk", "weights.safetensors cannot be read"),
        (PREDICT, b"\xff" * 1000, "weights.safetensors cannot be read"),
        (PREDICT, save({"table": np.zeros((40, 27), np.float32)}), "has 1,080 numbers; at most 1,000 are allowed"),
        (PREDICT, save({"table": np.zeros((400, 270), np.float32)}), "has 432"),
        (PREDICT, save({"table": UNIFORM.astype("f8")}), "'table' in weights.safetensors is float64"),
        (PREDICT, save({str(i): np.zeros(0, np.float32) for i in range(1100)}), "has 1,100 arrays"),
        (PREDICT + "# " + "x" * 60_000, save({"table": UNIFORM}), "what was learned belongs into"),
        (CHEAT, save({"table": UNIFORM}), "predict knows your weights and the contexts, and no corpus"),
        (CHEAT_BY_FILE, save({"table": UNIFORM}), "Your file reads the lab's own code"),
        (PREDICT, save({"other": UNIFORM}), "KeyError: 'table' (your line 3"),
        (PREDICT, save({"table": UNIFORM + 1}), "the probabilities of a row sum to 2.71828"),
        (
            PREDICT.replace("return ", "return 0 * "),
            save({"table": UNIFORM}),
            "the probabilities of a row sum to 27",
        ),
        (PREDICT, save({"table": UNIFORM[:, :5]}), "predict: shape ("),
        (PREDICT.replace("return", "return 0 *"), save({"table": UNIFORM * np.float32("inf")}), "predict: "),
        (
            PREDICT.replace("weights['table'][contexts[:, -1]]", "np.log(np.eye(27))[np.zeros(len(contexts), int)]"),
            save({"table": UNIFORM}),
            "the loss is infinite",
        ),
        (PREDICT.replace("return", "while True: pass\n    return"), save({"table": UNIFORM}), "took longer than"),
        ("def other(): pass", save({"table": UNIFORM}), "AttributeError"),
    ],
)
def test_what_is_wrong_with_an_experiment(source, weights, said, monkeypatch):
    monkeypatch.setattr(experiment, "SECONDS", 1.0)
    found = measured(source, weights)
    assert found.loss is None
    assert said in found.finding.sentence
    assert not found.finding.right


def test_rows_that_look_at_each_other_are_found():
    # All contexts of a name together spell it: a model that peeks would be perfect.
    peeking = """
import numpy as np
def predict(weights, contexts):
    seen = {tuple(row[1:]) + (0,): None for row in contexts}
    rows = np.full((len(contexts), 27), np.log(1e-9))
    after = {}
    for row in contexts:
        after.setdefault(tuple(row[:-1]), []).append(row[-1])
    for i, row in enumerate(contexts):
        known = after.get(tuple(row[1:]), [0])
        rows[i, known] = 0
    rows -= np.log(np.exp(rows).sum(axis=1, keepdims=True))
    return rows
"""
    found = measured(peeking, save({"table": UNIFORM}))
    assert "a row changes with the rows around it" in found.finding.sentence


def test_every_held_out_letter_counts_once():
    contexts, _, targets = experiment.held_out(3)
    from lmlab.data.corpus import load_corpus

    names = load_corpus("names").part("validation")
    assert len(targets) == sum(len(name) + 1 for name in names)
    assert len(np.unique(contexts, axis=0)) == len(contexts)
    alone = experiment.one_a_name(with_experiment().experiment, np.random.default_rng(1))
    assert len(alone) == len(names)


# --- Gradescope ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="the autograder runs on Linux")
def test_the_zip_grades_without_a_network_and_without_lmlab(tmp_path):
    lab = find_lab("lab01")
    extra = tmp_path / "extra.py"
    extra.write_text(
        "from lmlab.grading.exercise import Exercise, Item\n"
        "EXERCISES = [Exercise('build_vocab', lambda names: ['.', 'z'],\n"
        "                      (Item('of zz', 1, lambda rng: (['zz'],)),))]\n"
    )
    size = gradescope_zip(lab, tmp_path / "grader.zip", seed=7, extra=extra)
    assert 1e6 < size < 80e6
    root = tmp_path / "autograder"
    source = root / "source"
    with zipfile.ZipFile(tmp_path / "grader.zip") as zipped:
        names = zipped.namelist()
        zipped.extractall(source)
        for name in ("setup.sh", "run_autograder"):
            assert zipped.getinfo(name).external_attr >> 16 == 0o755
    assert "packages/lmlab/data/corpus.py" in names
    assert not [name for name in names if name.startswith("packages/lmlab/grading/checks")]
    shutil.copy(source / "run_autograder", root / "run_autograder")
    (root / "submission").mkdir()
    shutil.copy(os.path.join("tests", "labs", "solutions", "lab01.py"), root / "submission" / "lab.py")
    environment = {
        "PATH": os.environ["PATH"],
        "LMLAB_STUDENT_PACKAGES": str(tmp_path / "open"),
        "LMLAB_AUTOGRADER": str(root),
        "LMLAB_STUDENT_USER": "",  # no user is added to the machine of a test
    }
    for script in (source / "setup.sh", root / "run_autograder"):
        done = subprocess.run(["bash", str(script)], env=environment, capture_output=True, text=True, cwd=root)
        assert done.returncode == 0, done.stderr
    data = json.loads((root / "results" / "results.json").read_text())
    assert gradescope.problem(data) is None
    assert data["score"] == 10  # nine of the lab's, without the weights, and the extra one
    assert "seed" not in str(data)
    assert [test["visibility"] for test in data["tests"]].count("after_published") == 1
