"""Checking and grading: how long a student waits for a lab's answer, and a teacher for a class.

Who is checked are the full solutions of the tests, which only a clone has: they are not handed out with the package.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Any

from safetensors.numpy import save

import lmlab
from lmlab.bench.rows import Row, seconds
from lmlab.data.corpus import load_corpus
from lmlab.grading.check import check_file
from lmlab.grading.classroom import grade
from lmlab.grading.experiment import WEIGHTS
from lmlab.grading.labs import Lab, all_labs, find_lab

SOLUTIONS = Path(lmlab.__file__).parents[1] / "tests" / "labs" / "solutions"
NO_SOLUTIONS = "The solutions are in a clone only; run this there."
CHECK_TARGET = 5.0  # seconds
CLASS_TARGET = 300.0
CLASS = 200


def check(runs: int = 3, labs: tuple[str, ...] = ()) -> list[Row]:
    """A full solution of each lab with its weights, checked from the beginning as `lmlab check` does; the time of
    the whole check, its three processes included."""
    rows = []
    for lab in all_labs():
        if labs and lab.id not in labs:
            continue
        what = f"Check a full solution of {lab.id} and its experiment"
        if not SOLUTIONS.is_dir():
            rows.append(Row("check", what, "s", None, CHECK_TARGET, note=NO_SOLUTIONS))
            continue
        source, weights = solved(lab)
        times = seconds(lambda lab=lab, s=source, w=weights: check_file(lab, s, seed=1, weights=w), runs)  # type: ignore[misc]
        rows.append(Row("check", what, "s", statistics.median(times), CHECK_TARGET, times, at=lab.number))
    return rows


def class_of(number: int = CLASS, name: str = "lab01") -> list[Row]:
    """Grade so many submissions of one lab, as `lmlab grade` does: a third of them solutions, a third the stub, and a
    third solutions whose first function returns nothing; all but the stubs with weights."""
    lab = find_lab(name)
    what = f"Grade {number} submissions of {lab.id}"
    if not SOLUTIONS.is_dir():
        return [Row("class", what, "s", None, CLASS_TARGET, note=NO_SOLUTIONS)]
    source, weights = solved(lab)
    first = lab.checked[0].name
    broken = f"{source}\n\ndef {first}(*args):\n    return None\n"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "submissions"
        for i in range(number):
            student = place / f"student{i:03}"
            student.mkdir(parents=True)
            (student / "lab.py").write_text((source, lab.stub, broken)[i % 3], "utf-8")
            if i % 3 != 1:
                (student / WEIGHTS).write_bytes(weights)
        (taken,) = seconds(lambda: grade(lab, place, Path(folder) / "grades", seed=1), 1, warm_up=False)
    return [Row("class", what, "s", taken, CLASS_TARGET, (taken,), f"{taken / number:.2f} s each.")]


def solved(lab: Lab) -> tuple[str, bytes]:
    """A full solution and the weights of its experiment."""
    source = (SOLUTIONS / f"{lab.id}.py").read_text("utf-8")
    space: dict[str, Any] = {}
    exec(compile(source, "solution", "exec"), space)
    return source, save(space["weights"](load_corpus("names").part("train")))
