"""The sentence of the first difference."""

import numpy as np
import pytest

from lmlab.grading.compare import same
from lmlab.grading.wire import Foreign

A = np.arange(6.0).reshape(2, 3)

RIGHT = [
    (1, 1),
    (1, 1.0),
    (np.int64(3), 3),
    (np.array(3.0), 3.0),
    (3.0, np.array(3.0)),
    (0.1 + 0.2, 0.3),
    (True, True),
    (np.bool_(True), True),
    ([1, 2], [1, 2]),
    ((1, 2), [1, 2]),
    ([1, 2], (1, 2)),
    (A.astype("f4"), A),
    (A.astype(int), A),
    (np.array([np.inf, -np.inf, np.nan]), np.array([np.inf, -np.inf, np.nan])),
    (1e9 + 100, 1e9),
    ({"a": [1.0]}, {"a": (1.0,)}),
    ({1, 2}, {2, 1}),
    (None, None),
    (b"ab", b"ab"),
    (np.zeros((0, 3)), np.zeros((0, 3))),
    (np.array(["a", "b"]), np.array(["a", "b"])),
]

WRONG = [
    (2, 1, "yours 2, expected 1"),
    (1.0, True, "expected True or False, got a number"),
    (1, True, "expected True or False, got a whole number"),
    (True, 1, "expected a whole number, got True or False"),
    (1.5, 1, "expected a whole number, got a number (1.5)"),
    ("1", 1, "expected a whole number, got a string"),
    (1, "1", "expected a string, got a whole number"),
    (None, 1.0, "expected a number, got None (is a return missing?)"),
    (np.nan, 1.0, "yours nan, expected 1"),
    (0.1 + 1e-4, 0.1, "yours 0.1001, expected 0.1"),
    (1.0000021, 1.0, "yours 1, expected 1"),
    (A.T, A, "shape (3, 2), expected (2, 3) (transposed?)"),
    (A[:, None], A, "shape (2, 1, 3), expected (2, 3) (an axis of length 1 is too many)"),
    (A[0], A, "shape (3,), expected (2, 3) (an axis missing?)"),
    (A[:, :2], A, "shape (2, 2), expected (2, 3)"),
    (np.zeros((4, 2, 3)), np.zeros((2, 3, 4)), "shape (4, 2, 3), expected (2, 3, 4) (axes in another order?)"),
    (np.zeros(5), np.zeros((2, 3, 4)), "shape (5,), expected (2, 3, 4) (2 axes missing?)"),
    (np.zeros(3), np.zeros((3, 1)), "shape (3,), expected (3, 1) (an axis of length 1 is missing)"),
    (A + 1j, A, "expected an array of numbers, got one of complex numbers"),
    (A > 1, A, "expected an array of numbers, got one of True and False"),
    (A.tolist(), A, "expected an array of shape (2, 3), got a list (np.array(...) makes an array of it)"),
    (A[0, 0], A, "expected an array of shape (2, 3), got a number"),
    (A, [1, 2], "expected a list, got an array of shape (2, 3) (.tolist() makes a list of it)"),
    (Foreign("generator"), [1], "expected a list, got a value of type generator (list(...) makes a list of it)"),
    (A * np.nan, A, "6 of 6 values are nan or inf"),
    (A + np.array([[0, 0, 0], [0, 0.5, 0]]), A, "right shape, wrong values: worst at (1, 1): yours 4.5, expected 4"),
    (A > 9, A > 1, "right shape, wrong values: worst at (0, 2): yours False, expected True"),
    ([1], [1, 2], "1 item, expected 2; the first that is missing is 2"),
    ([1, 2, 3], [1, 2], "3 items, expected 2; the first too many is 3"),
    ([1, 3], [1, 2], "item 1: yours 3, expected 2"),
    ([3, 1, 2], [1, 2], "item 0: yours 3, expected 1 (3 items, expected 2)"),
    ([A, A.T], [A, A], "item 1: shape (3, 2), expected (2, 3) (transposed?)"),
    ((1, 2, 3), (1, 2), "expected 2 values, got 3"),
    (A, (A, A), "expected a tuple of 2, got an array of shape (2, 3)"),
    ((A, A + 1), (A, A), "value 2 of 2: right shape, wrong values: worst at (0, 0): yours 1, expected 0"),
    ({"a": 1, "c": 2}, {"a": 1, "b": 2}, "the key 'b' is missing"),
    ({"a": 1, "c": 2}, {"a": 1}, "the key 'c' does not belong"),
    ({"a": 2}, {"a": 1}, "at 'a': yours 2, expected 1"),
    ({1, 2}, {2, 3}, "3 is missing"),
    ({1, 2}, {2}, "1 does not belong"),
    ("ab" * 100, "a", "yours 'ab"),
    (1, None, "expected None, got a whole number"),
    (10**400, 1.5, "yours 1000000"),
    (10_000_001, 10_000_000, "yours 10000001, expected 10000000"),  # whole numbers agree or do not
    (np.array([10**9 + 1]), np.array([10**9]), "right shape, wrong values: worst at (0): yours 1000000001"),
]


@pytest.mark.parametrize(("got", "expected"), RIGHT, ids=str)
def test_what_agrees(got, expected):
    assert same(got, expected) is None


@pytest.mark.parametrize(("got", "expected", "said"), WRONG, ids=str)
def test_what_differs(got, expected, said):
    found = same(got, expected)
    assert found is not None
    if said == "yours 1, expected 1":  # six digits would not show it
        assert found == "yours 1.0000021, expected 1.0"
    else:
        assert found.startswith(said)
    assert len(found) < 300


def test_every_pair_of_values_has_an_answer():
    values = (
        [value for pair in RIGHT for value in pair] + [pair[0] for pair in WRONG] + [Foreign("x"), 1j, [], {}, ()]
    )
    for got in values:
        for expected in values:
            if not isinstance(expected, Foreign):
                said = same(got, expected)
                assert said is None or said
