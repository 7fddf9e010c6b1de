"""A lab of two functions, so that the tests of the checker depend on no real lab."""

import types
from pathlib import Path

import numpy as np

from lmlab.grading.exercise import Exercise, Item, Wrong
from lmlab.grading.labs import ExerciseText, Lab

RIGHT = """
import numpy as np

def double(x):
    return 2 * x

def outer(a, b):
    if len(a) == 0:
        raise ValueError("a is empty")
    return a[:, None] * b
"""

STUB = """
import numpy as np

def double(x):
    raise NotImplementedError

def outer(a, b):
    raise NotImplementedError
"""


def reference(a, b):
    if len(a) == 0:
        raise ValueError("a is empty")
    return np.outer(a, b)


EXERCISES = [
    Exercise(
        "double",
        lambda x: 2 * x,
        (
            Item("of an array", 1, lambda rng: (rng.normal(size=4),)),
            Item("of a number", 1, lambda rng: (float(rng.random()),)),
        ),
        (
            Wrong("the square is taken; double it", lambda x: x * x),
            Wrong("one is added; double it", lambda x: x + 1),
        ),
        seconds=1.0,
    ),
    Exercise(
        "outer",
        reference,
        (
            Item("multiplies each with each", 2, lambda rng: (rng.normal(size=3), rng.normal(size=2))),
            Item("refuses an empty a", 1, lambda rng: (np.zeros(0), rng.normal(size=2))),
        ),
        (Wrong("the sum is taken; multiply", lambda a, b: a[:, None] + b),),
        seconds=1.0,
    ),
]


def small_lab(exercises=EXERCISES, folder=Path(__file__).parent) -> Lab:
    texts = tuple(
        ExerciseText(exercise.name, f"99.{place}", ("first, the idea", "second, the way", "third, the line"))
        for place, exercise in enumerate(exercises, start=1)
    )
    points = sum(exercise.points for exercise in exercises)
    lab = Lab("lab99", folder, "A small lab", 45, points, "Two functions.", texts)
    lab.__dict__["checks"] = types.SimpleNamespace(EXERCISES=list(exercises), __file__=__file__)
    return lab
