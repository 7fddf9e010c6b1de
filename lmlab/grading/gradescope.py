"""Results in the form that Gradescope reads, and the check of a file in that form.

    {"score": 8.0, "tests": [{"name": …, "score": …, "max_score": …, "status": "passed", "output": …}, …],
     "leaderboard": [{"name": …, "value": 2.31, "order": "asc"}], …}

The form is that of the autograder specification: `score` is the sum over `tests`, and a hidden test would hide the
student's total, so extra checks are shown after grades are published.
"""

import json
from typing import Any

import lmlab
from lmlab.errors import LabError
from lmlab.grading.check import Report, Result
from lmlab.grading.labs import Lab

LEADERBOARD = "held-out loss (nats per character)"
VISIBILITIES = ("visible", "after_published", "after_due_date", "hidden")
LARGEST = 1_000_000  # characters of a results.json
MOST = 1e6  # points


def results(lab: Lab, report: Report, *, note: str = "", private: bool = False) -> dict[str, Any]:
    """A report as the content of results.json; checks that are not the lab's own are shown after publishing.

    A student may read the file: with `private` it does not tell the seed.
    """
    tests = [_test(result, "after_published" if result.extra else "visible") for result in report.results]
    seed = {} if private else {"seed": report.seed}
    said = ", ".join([f"lmlab {lmlab.__version__}", lab.id, *(f"{name} {value}" for name, value in seed.items())])
    data: dict[str, Any] = {
        "score": round(report.points, 4),
        "execution_time": round(report.seconds, 2),
        "output_format": "text",
        "test_output_format": "text",
        "output": f"{said}. {note}".strip() if note else said,
        "stdout_visibility": "hidden",
        "visibility": "visible",
        "tests": tests,
        "extra_data": {"lab": lab.id, "title": lab.title, **seed, "version": lmlab.__version__},
    }
    if report.loss is not None:
        data["leaderboard"] = [{"name": LEADERBOARD, "value": round(report.loss, 4), "order": "asc"}]
    return data


def _test(result: Result, visibility: str) -> dict[str, Any]:
    return {
        "number": result.number,
        "name": f"{result.exercise} {result.item}",
        "score": round(result.points, 4),
        "max_score": result.max_points,
        "status": "passed" if result.status == "passed" else "failed",
        "output": result.sentence,
        "tags": [result.exercise],
        "visibility": visibility,
        "extra_data": {"status": result.status, "kind": result.kind},
    }


def read_results(text: str) -> dict[str, Any]:
    """The content of a results.json that may be a stranger's. Raises `LabError` that says what is wrong with it."""
    if len(text) > LARGEST:
        raise LabError(
            f"The file has {len(text):,} characters: a results.json has a few thousand. Is it the right one?"
        )
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise LabError("The file is no JSON. Choose the results.json that check or grade wrote.") from None
    wrong = problem(data)
    if wrong:
        raise LabError(f"This is no results.json of a lab: {wrong}. Choose the one that check or grade wrote.")
    return dict(data)


def problem(data: Any) -> str | None:
    """What is wrong with the content of a results.json; None where it is in form.

    >>> problem({"score": 1.0, "tests": [{"name": "f", "score": 2, "max_score": 1}]})
    'test 1 has 2 of 1 points'
    """
    if not isinstance(data, dict) or not isinstance(data.get("tests"), list):
        return "it has no list of tests"
    if not is_number(data.get("score")):
        return "its score is no number"
    total = 0.0
    for place, test in enumerate(data["tests"], start=1):
        if not isinstance(test, dict) or not isinstance(test.get("name"), str):
            return f"test {place} has no name"
        if not (is_number(test.get("score")) and is_number(test.get("max_score"))):
            return f"test {place} has no score"
        if not 0 <= test["score"] <= test["max_score"]:
            return f"test {place} has {test['score']:g} of {test['max_score']:g} points"
        if test.get("status", "passed") not in ("passed", "failed"):
            return f"test {place} is neither passed nor failed"
        if not isinstance(test.get("output", ""), str):
            return f"test {place} has an output that is no text"
        if test.get("visibility", "visible") not in VISIBILITIES:
            return f"test {place} has an unknown visibility"
        total += test["score"]
    if abs(total - data["score"]) > 1e-3:
        return f"the tests add up to {total:g} and the score is {data['score']:g}"
    board = data.get("leaderboard", [])
    if not isinstance(board, list):
        return "its leaderboard is no list"
    for row in board:
        if not (isinstance(row, dict) and isinstance(row.get("name"), str) and is_number(row.get("value"))):
            return "its leaderboard has a row without name or value"
    return None


def is_number(value: Any) -> bool:
    """Whether a value of JSON is a number as it may stand in a table.

    >>> is_number(2.5), is_number(True), is_number(float("nan")), is_number(10**400)
    (True, False, False, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MOST
