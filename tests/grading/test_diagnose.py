"""One sentence, and the one that comes first in the order of diagnosis."""

import re
import time

import numpy as np
import pytest
from grading import EXERCISES, RIGHT, STUB, small_lab

from lmlab.grading.check import Plain, check_exercise, check_file
from lmlab.grading.diagnose import Finding, of_failure, of_loading
from lmlab.grading.exercise import Exercise, Item, Wrong
from lmlab.grading.sandbox import Failure, Reply

LOADED = "your file cannot be loaded:"


def said(source: str, exercise: str = "double") -> list[str]:
    return [result.sentence for result in check_file(small_lab(), source).of(exercise)]


def double(body: str) -> str:
    return RIGHT.replace("return 2 * x", body)


def test_everything_right():
    report = check_file(small_lab(), RIGHT)
    assert report.passed
    assert report.points == report.max_points == 5
    assert [result.sentence for result in report.results] == [""] * 4


def test_not_started_is_no_failure():
    report = check_file(small_lab(), STUB)
    assert {result.status for result in report.results} == {"not started"}
    assert report.status_of("double") == "not started"
    half = check_file(small_lab(), RIGHT.replace("return a[:, None] * b", "raise NotImplementedError"))
    assert half.status_of("double") == "passed"
    assert half.status_of("outer") == "failed"  # its error case is written
    assert half.points == 3


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            "return x.shap",
            "AttributeError: 'numpy.ndarray' object has no attribute 'shap' (your line 5: return x.shap)",
        ),
        ("return y", "NameError: name 'y' is not defined (your line 5: return y)"),
        ("raise ValueError('no')", "ValueError: no (your line 5: raise ValueError('no'))"),
        ("assert False", "AssertionError (your line 5: assert False)"),
        ("return np.ones((10**10,))", "more memory was asked for than a lab needs: Unable to allocate 74.5 GiB"),
        ("return double(x)", "RecursionError: the function calls itself without end (your line 5: return double(x))"),
        ("exit()", "your code ends the program (exit) (your line 5: exit())"),
        ("while True: pass", "took longer than 1 s (infinite loop?)"),
        ("import os; os._exit(1)", "the process ended without an answer"),
        ("print(x)", "expected an array of shape (4,), got None (is a return missing?)"),
        ("return np.zeros((4, 1))", "shape (4, 1), expected (4,) (an axis of length 1 is too many)"),
        ("return x * x", "almost: the square is taken; double it"),
        ("return x + 1", "almost: one is added; double it"),
        ("return x / 0", "4 of 4 values are nan or inf"),
        ("return x * 3", "right shape, wrong values: worst at ("),
        ("import torch", "torch is not for this lab: write it with numpy alone (your line 5: import torch)"),
        ("import lmlab.models", "lmlab.models holds what the labs ask you to write: write it with numpy alone (your"),
        ("from numpy import nothing", "ImportError: cannot import name 'nothing' from 'numpy' (your line 5"),
        ("raise KeyError('a\\nb   c')", "KeyError: 'a\\nb c' (your line"),
        ("raise TypeError('a\\n  b')", "TypeError: a b (your line"),
        (
            "return np.ones((2, 4)) @ np.ones((3, 2))",
            "ValueError: a matrix product of 4 columns with 3 rows",
        ),
        ("import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing' (your line 5"),
    ],
)
def test_the_sentence(body, sentence):
    assert said(double(body))[0].startswith(sentence)


def test_only_the_own_line_is_shown_however_deep_the_error():
    source = double("return helper(x)") + "\ndef helper(x):\n    return np.linalg.inv(x)\n"
    assert said(source)[0].startswith("LinAlgError: ")
    assert "(your line 13: return np.linalg.inv(x))" in said(source)[0]


def test_a_file_that_cannot_be_loaded_is_said_once_for_all():
    for source, start in (
        (
            "def double(x)\n",
            f"{LOADED} Python cannot read it: expected ':' (your line 1: def double(x))",
        ),
        ("\tx = 1\n  y", f"{LOADED} Python cannot read it: un"),
        (
            "import nump\n" + RIGHT,
            f"{LOADED} ModuleNotFoundError: No module named 'nump' (your line 1",
        ),
        (
            STUB + "\ndouble(3)\n",
            f"{LOADED} it calls a function that is not written yet (your line",
        ),
        ("while True: pass", f"{LOADED} took longer than 5 s (put what trains or draws under:"),
        ("1 / 0", f"{LOADED} ZeroDivisionError: division by zero (your line 1: 1 / 0)"),
    ):
        report = check_file(small_lab(), source, slow=0.5)
        assert {result.sentence for result in report.results} == {report.results[0].sentence}
        assert report.results[0].sentence.startswith(start)
        assert {result.kind for result in report.results} == {"loading"}


def test_a_function_that_is_gone():
    gone = "there is no function double in your file (was it renamed or removed?)"
    assert said(RIGHT.replace("def double", "def doubled")) == [gone] * 2
    assert said("double = 3\ndef outer(a, b): pass\n") == [gone] * 2


def test_a_file_of_something_else():
    for source in ("", "def other(): pass\n"):
        report = check_file(small_lab(), source)
        assert {result.kind for result in report.results} == {"loading"}
        assert report.results[0].sentence.startswith("none of the lab's functions is in your file")


def test_code_that_says_it_is_not_written():
    leftover = STUB.replace("def double(x):\n", "def double(x):\n    y = 2 * x\n")
    assert (
        said(leftover) == ["there is code in it, but line 6 still raises NotImplementedError; delete that line"] * 2
    )
    assert said(RIGHT + STUB)[0].startswith("it is defined twice, in lines 4 and 14, and the last one counts")


def test_small_arguments_are_told():
    exercise = Exercise("f", lambda name, k: len(name) + k, (Item("adds", 1, lambda rng: ("anna", 2)),))
    (found,) = check_exercise(exercise, Plain({"f": lambda name, k: 0}), 1)
    assert found.sentence == "yours 0, expected 6 (for 'anna', 2)"


def test_an_error_that_was_asked_for():
    assert said(RIGHT, "outer") == ["", ""]
    without = RIGHT.replace('raise ValueError("a is empty")', "return np.zeros((0, len(b)))")
    found = said(without, "outer")
    assert found == ["", "expected a ValueError (a is empty), got an array of shape (0, 2)"]
    other = RIGHT.replace('raise ValueError("a is empty")', 'raise KeyError("a")')
    assert said(other, "outer")[1].startswith("expected a ValueError (a is empty), got KeyError: 'a' (your line")
    own = "class Mine(ValueError): pass\n" + RIGHT.replace('ValueError("a', 'Mine("a')
    assert said(own, "outer") == ["", ""]


def test_what_may_not_be_is_the_whole_answer_where_an_error_was_asked_for():
    unfinished = (
        RIGHT.replace('raise ValueError("a is empty")', "return later(a)")
        + "\ndef later(a):\n    raise NotImplementedError\n"
    )
    assert said(unfinished, "outer")[1] == "it calls later, which is not written yet"


class Slow:
    """Answers rightly after a while."""

    def __init__(self, seconds):
        self.seconds = seconds

    def call(self, name, args, seconds=5.0, probe="", keeps=False):
        time.sleep(self.seconds)
        return Reply(args[0])


def test_a_slow_answer_is_compared_with_the_reference_on_this_machine():
    def reference(x):
        time.sleep(0.02)
        return x

    items = (Item("in time", 1, lambda rng: (1,), times=1, pace=20, slow="go through it once"),)
    exercise = Exercise("f", reference, items)
    (quick,) = check_exercise(exercise, Slow(0.01), 1)
    assert quick.status == "passed"
    once = Slow(1.6)
    once.call = lambda *args: (setattr(once, "call", quickly), Slow(1.6).call(*args))[1]
    quickly = Slow(0.01).call
    (late,) = check_exercise(exercise, once, 1)
    assert late.status == "passed"  # the machine may have been busy
    (slow,) = check_exercise(exercise, Slow(1.6), 1)
    assert (slow.status, slow.kind) == ("failed", "limit")
    assert re.fullmatch(
        r"right, but \d+ times as slow as the reference \(20 times .*\); go through it once", slow.sentence
    )
    items = (Item("at all", 1, lambda rng: (1.0,), slow="go through it once"),)
    double = "def f(x):\n    while True: pass\n"
    (endless,) = check_file(small_lab([Exercise("f", reference, items, seconds=0.5)]), double).results
    assert endless.sentence == "took longer than 0.5 s (go through it once)"


def test_a_function_that_may_not_change_its_arguments():
    draw = lambda rng: ([3, 1, 2], rng.normal(size=3))  # noqa: E731
    for keeps in (True, False):
        exercise = Exercise("f", lambda a, x: sorted(a), (Item("sorts", 1, draw),), keeps=keeps)
        lab = small_lab([exercise])
        for body in ("a.sort(); return a", "x += 1; return sorted(a)"):
            (found,) = check_file(lab, f"def f(a, x):\n    {body}\n").results
            assert found.status == ("failed" if keeps else "passed")
            assert ("changed what it was given" in found.sentence) == keeps
        (found,) = check_file(lab, "def f(a, x):\n    a = sorted(a); x = x + 1; return a\n").results
        assert found.status == "passed"


def test_the_worst_of_several_draws_is_told():
    # One draw in three is only wrong in its values; a crash in another one says more.
    def sometimes(x):
        if x > 2:
            raise KeyError(x)
        return 0

    exercise = Exercise("f", lambda x: x, (Item("some", 1, lambda rng: (int(rng.integers(1, 4)),), times=20),))
    (found,) = check_exercise(exercise, Plain({"f": sometimes}), 1)
    assert found.sentence == "KeyError: 3"


def test_a_mistake_must_explain_every_draw():
    exercise = Exercise(
        "f",
        abs,
        (Item("some", 1, lambda rng: (int(rng.integers(-9, 10)),), times=20),),
        (Wrong("the sign is kept", lambda x: x), Wrong("it is always negative", lambda x: -abs(x))),
    )

    def one(version):
        return check_exercise(exercise, Plain({"f": version}), 3)[0].sentence

    assert one(lambda x: x) == "almost: the sign is kept"
    assert one(lambda x: -abs(x)) == "almost: it is always negative"
    assert one(lambda x: x if x % 2 else abs(x)).startswith("yours -")


def test_of_two_mistakes_that_agree_here_the_one_that_fits_elsewhere_is_named():
    exercise = Exercise(
        "f",
        lambda x, k: x * k,
        (Item("usual", 1, lambda rng: (3, 5)), Item("k is 0", 1, lambda rng: (7, 0))),
        (Wrong("added", lambda x, k: x + k), Wrong("k is forgotten", lambda x, k: x)),
    )
    for wrong in exercise.wrong:
        found = check_exercise(exercise, Plain({"f": wrong.version}), 3)
        assert {result.sentence for result in found} == {f"almost: {wrong.says}"}


def test_a_mistake_that_forgets_to_refuse_is_known():
    def refuse(k):
        if k < 0:
            raise ValueError("k is negative")
        return k

    exercise = Exercise(
        "f", refuse, (Item("refuses", 1, lambda rng: (-1,)),), (Wrong("a negative k is not refused", lambda k: k),)
    )
    assert check_exercise(exercise, Plain({"f": lambda k: k}), 1)[0].sentence == "almost: a negative k is not refused"


def test_answers_that_are_not_unique():
    def is_root(got, expected, args):
        return abs(got**2 - args[0]) < 1e-9 or "its square is another number"

    exercise = Exercise("root", np.sqrt, (Item("of 4", 1, lambda rng: (4.0,), agrees=is_root),))
    assert check_exercise(exercise, Plain({"root": lambda x: -(x**0.5)}), 1)[0].status == "passed"
    found = check_exercise(exercise, Plain({"root": lambda x: x}), 1)[0]
    assert found.sentence == "its square is another number"


def test_the_students_arguments_are_a_copy():
    def spoil(x):
        x[:] = 0
        return x

    (exercise, _) = EXERCISES
    found = check_exercise(exercise, Plain({"double": spoil}), 1)
    assert found[0].sentence.startswith("right shape, wrong values")


def test_arguments_are_fresh_and_a_seed_repeats_them():
    seen = []

    def note(x):
        seen.append(x)
        return x

    exercise = Exercise(
        "f", lambda x: x, (Item("a", 1, lambda rng: (rng.random(),)), Item("b", 1, lambda rng: (rng.random(),)))
    )
    for seed in (1, 1, 2):
        check_exercise(exercise, Plain({"f": note}), seed)
    assert len(set(seen[:6])) == 6
    assert seen[:6] == seen[6:12]
    assert not set(seen[:6]) & set(seen[12:])


def test_a_probe_looks_at_the_whole_file():
    probe = """
def probe(lab, x):
    calls = []
    lab.helper = lambda y: calls.append(y) or y
    lab.f(x)
    return len(calls)
"""
    exercise = Exercise("f", lambda x: x, (Item("calls its helper x times", 1, lambda rng: (3,)),), probe=probe)
    lab = small_lab([exercise])
    source = "def helper(y): return y\ndef f(x):\n    for i in range(x): helper(i)\n"
    assert check_file(lab, source).passed
    assert not check_file(lab, source.replace("range(x)", "range(1)")).passed
    error = check_file(lab, source.replace("helper(i)", "helper(j)")).results[0].sentence
    assert error.startswith("NameError: name 'j' is not defined (your line 3")


def test_failures_in_words():
    assert of_failure(Failure("garbled")).kind == "limit"
    assert of_loading(Failure("time", seconds=10)).sentence.startswith(f"{LOADED} took longer than 10 s")
    assert Finding().right


def test_a_function_that_stands_on_an_unwritten_one_says_which():
    source = RIGHT.replace("return a[:, None] * b", "raise NotImplementedError").replace(
        "return 2 * x", "return outer(x, x)"
    )
    assert said(source)[0].startswith("it calls outer, which is not written yet")


def test_always_an_error_is_no_refusal():
    exercise = Exercise(
        "half",
        _half,
        (Item("of a number", 1.0, lambda rng: (rng.random(),)), Item("refuses below 0", 1.0, lambda rng: (-1.0,))),
    )

    def always(x):
        raise ValueError("shapes do not fit")

    results = check_exercise(exercise, Plain({"half": always}), 1)
    assert [result.points for result in results] == [0, 0]
    assert "raises an error for good arguments" in results[1].sentence
    assert [result.points for result in check_exercise(exercise, Plain({"half": _half}), 1)] == [1, 1]


def _half(x):
    if x < 0:
        raise ValueError("x is below 0")
    return x / 2


def test_nan_alone_is_no_known_mistake():
    exercise = Exercise(
        "log",
        lambda x: np.log(x),
        (Item("of numbers", 1.0, lambda rng: (rng.random(3) + 0.1,)),),
        (Wrong("the sign is turned", lambda x: np.log(-x)),),
    )
    (result,) = check_exercise(exercise, Plain({"log": lambda x: x * np.nan}), 1)
    assert "nan" in result.sentence
    assert "sign" not in result.sentence


def test_an_agreement_that_breaks_on_an_answer_is_no_crash():
    item = Item("of a number", 1.0, lambda rng: (1.0,), agrees=lambda got, expected, args: 1 / (got - 2) > 0)
    exercise = Exercise("one", lambda x: x, (item,))
    (result,) = check_exercise(exercise, Plain({"one": lambda x: 2.0}), 1)
    assert result.sentence == "yours 2, expected 1"
