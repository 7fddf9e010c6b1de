"""Reading labs: what lab.toml may say, and what is said when it is wrong."""

import dataclasses
import shutil
import subprocess
import sys

import pytest
from grading import EXERCISES, small_lab

from lmlab.errors import LabError
from lmlab.grading import labs
from lmlab.grading.exercise import Exercise, Item
from lmlab.grading.labs import find_lab, read_lab
from lmlab.grading.package import gradescope_zip
from lmlab.grading.reference import reference
from lmlab.grading.student import reset

TOML = """
title = "A title"
minutes = 45
points = 5
summary = "A summary."

[[exercise]]
name = "double"
number = "99.1"
hints = ["one", "two", "three"]
"""


def lab_with(tmp_path, text):
    folder = tmp_path / "lab99_small"
    folder.mkdir()
    (folder / "lab.toml").write_text(text)
    (folder / "lab.py").write_text("")
    return folder


def test_what_stands_in_a_lab_toml(tmp_path):
    lab = read_lab(lab_with(tmp_path, TOML))
    assert (lab.id, lab.number, lab.title, lab.minutes, lab.points) == ("lab99", 99, "A title", 45, 5)
    assert (lab.experiment, lab.answers, lab.needs, lab.memory, lab.network) == (None, (), (), 1024, False)
    assert lab.files == ("lab.py",)
    assert lab.number_of("double") == "99.1"
    assert lab.number_of("predict") == ""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('title = "A title"\n', "", "lab99_small/lab.toml has no field 'title'"),
        ("minutes = 45", 'minutes = "long"', "lab99_small/lab.toml has a field that cannot be read"),
        ('title = "A title"', "title = 3", "title is 3 and should be a text"),
        ('number = "99.1"\n', "", "has no field 'number'"),
        ("points = 5", "points = ", "lab99_small/lab.toml cannot be read"),
        ("[[exercise]]", "[experiment]", "has no field 'exercise'"),
    ],
)
def test_what_is_wrong_with_a_lab_toml(tmp_path, before, after, said):
    assert before in TOML
    with pytest.raises(LabError, match=r"\.$") as caught:
        read_lab(lab_with(tmp_path, TOML.replace(before, after)))
    assert said in str(caught.value)


def test_points_and_names_agree_with_the_checks():
    lab = small_lab()
    assert [exercise.name for exercise in lab.checked] == ["double", "outer"]
    for changed, said in (
        (dataclasses.replace(lab, points=9), "lab.toml says 9 points, the items and the experiment add up to 5"),
        (
            dataclasses.replace(lab, exercises=lab.exercises[:1]),
            "the exercises double and the checks have double, outer",
        ),
    ):
        changed.__dict__["checks"] = lab.checks
        with pytest.raises(LabError, match=said):
            _ = changed.checked


def test_items_have_names_of_their_own():
    item = Item("same", 1, lambda rng: ())
    with pytest.raises(ValueError, match="differ"):
        Exercise("f", abs, (item, item))
    with pytest.raises(ValueError, match="differ"):
        Exercise("f", abs, ())


@pytest.mark.parametrize("name", ["lab01", "lab1", "1", "01", "LAB01", " lab01 ", "lab01_counting", "lab_1"])
def test_names_of_a_lab(name):
    assert find_lab(name).id == "lab01"


@pytest.mark.parametrize("name", ["", "lab", "lab1x", "0", "lab001x", "../lab01", "lab01/..", "१", "x" * 1000])
def test_what_is_no_name_of_a_lab(name):
    with pytest.raises(LabError, match="There is no lab"):
        find_lab(name)


def test_no_labs_at_all(tmp_path, monkeypatch):
    package = tmp_path / "lmlab"
    package.mkdir()
    monkeypatch.setattr(labs.lmlab, "__file__", str(package / "__init__.py"))
    with pytest.raises(LabError, match="The labs are not there"):
        labs.labs_folder()
    shutil.copytree(labs.Path(__file__).parents[2] / "labs" / "lab01_counting", package / "labs" / "lab01_counting")
    assert [lab.id for lab in labs.all_labs()] == ["lab01"]


def test_the_reference_brings_its_helpers():
    lab = find_lab("1")
    (text,) = [reference(lab, one) for one in lab.checked if one.name == "count_bigrams"]
    for name in ("count_bigrams", "tally", "pairs"):
        assert f"def {name}(" in text
    assert "def to_probs" not in text
    space = {}
    exec("import numpy as np\n" + text, space)
    assert space["count_bigrams"](["a"], [".", "a"]).tolist() == [[0, 1], [1, 0]]
    assert "lambda" in reference(small_lab(), EXERCISES[0])


def test_a_lab_with_a_library_is_not_for_the_zip(tmp_path):
    for lab in (dataclasses.replace(find_lab("1"), needs=("gradio",)), find_lab("13")):
        with pytest.raises(LabError, match=rf"{lab.id} needs gradio|make the zip on Linux"):
            gradescope_zip(lab, tmp_path / "a.zip")
    assert list(tmp_path.iterdir()) == []


def test_reset_keeps_what_stands_around():
    stub = "import numpy\n\n\n@decorated\ndef f(x):\n    '''What.'''\n    raise NotImplementedError"
    mine = "# mine\ndef helper():\n    pass\n\n\ndef f(x):\n    y = 1\n\n    return y\n\n\n# the end"
    found = reset(mine, stub, "f")
    assert found.startswith("# mine\ndef helper():\n    pass\n\n\n@decorated\ndef f(x):\n    '''What.'''\n")
    assert found.endswith("raise NotImplementedError\n\n\n# the end")
    assert "y = 1" not in found
    assert reset(found, stub, "f") == found


def test_grading_needs_numpy_and_safetensors_alone():
    # The autograder of Gradescope has nothing else.
    code = """
import sys

class Only:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in {*sys.stdlib_module_names, "numpy", "safetensors", "lmlab"}:
            raise ImportError(f"{name} is not in the zip")
        return None

sys.meta_path.insert(0, Only())
from lmlab.grading import autograde, check, classroom, package, progress, student, watch
from lmlab.grading.labs import labs_folder
import importlib, pathlib
for path in sorted(labs_folder().glob("lab*")):
    try:
        importlib.import_module(f"lmlab.grading.checks.{path.name[:5]}")
    except ModuleNotFoundError as error:
        assert "grading.checks" in str(error), error
print("fine")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "fine", done.stderr
