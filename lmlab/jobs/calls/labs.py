"""Questions about the labs' number boxes: the right numbers are computed here and never stored on a page."""

from collections.abc import Callable
from typing import Any

from lmlab.errors import LabError
from lmlab.grading.labs import find_lab
from lmlab.jobs.calls.shelf import Shelf


def lab_number(shelf: Shelf, lab: str, value: str) -> float:
    """The number that a box of a lab asks for, by its name in lab.toml. Raises `LabError` where there is none.

    >>> round(lab_number(Shelf(), "lab01", "begin_with_a"), 1)
    13.9
    """
    answers: dict[str, Callable[[], float]] = find_lab(lab).checks.ANSWERS
    if value not in answers:
        raise LabError(f"{lab} has no number '{value[:40]}'.")
    return float(answers[value]())


QUESTIONS: dict[str, Callable[..., Any]] = {"lab_number": lab_number}
