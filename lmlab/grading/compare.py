"""Compare an answer with the expected one: the first difference as a sentence, in the order that helps most.

The type comes first, then the shape, then nan and infinity, then the worst value. Between the shape and the values
the checker looks for a known mistake, so the two halves are two functions: `form` and `difference`.
"""

from typing import Any

import numpy as np

from lmlab.grading.wire import Foreign

NUMBER = (int, float, np.number)
LONGEST = 60  # characters of a value in a sentence


def form(got: Any, expected: Any, where: str = "") -> str | None:
    """What is wrong with the type or the shape; None where both are right.

    >>> form(np.zeros((2, 3)), np.zeros((3, 2)))
    'shape (2, 3), expected (3, 2) (transposed?)'
    >>> form(None, np.zeros((3, 2)))
    'expected an array of shape (3, 2), got None (is a return missing?)'
    >>> form([1.0], np.zeros(1))
    'expected an array of shape (1,), got a list (np.array(...) makes an array of it)'
    >>> form((1, "b"), (1, 2))
    'value 2 of 2: expected a whole number, got a string'
    """
    if isinstance(expected, np.ndarray):
        return _array_form(got, expected, where)
    if isinstance(expected, bool | np.bool_):
        right = isinstance(got, bool | np.bool_) or (_is_array(got, "b") and got.ndim == 0)
    elif isinstance(expected, int | np.integer):
        right = isinstance(got, int | np.integer) and not isinstance(got, bool)
        right = right or (_is_array(got, "iu") and got.ndim == 0)
    elif isinstance(expected, float | np.floating):
        right = isinstance(got, NUMBER) and not isinstance(got, bool | np.complexfloating)
        right = right or (_is_array(got, "iuf") and got.ndim == 0)
    elif isinstance(expected, complex | np.complexfloating):
        right = isinstance(got, (*NUMBER, complex)) and not isinstance(got, bool)
    elif isinstance(expected, str):
        right = isinstance(got, str)
    elif isinstance(expected, tuple) and isinstance(got, list | tuple):
        return _tuple_form(got, expected, where)
    elif isinstance(expected, list):
        if isinstance(got, list | tuple):
            items = enumerate(zip(got, expected, strict=False))
            return next((one for one in (form(g, e, f"{where}item {i}: ") for i, (g, e) in items) if one), None)
        right = False
    elif isinstance(expected, dict) and isinstance(got, dict):
        shared = [key for key in expected if key in got]
        values = (form(got[key], expected[key], f"{where}at {shown(key)}: ") for key in shared)
        return next((one for one in values if one), None)
    else:
        right = type(got) is type(expected)
    return None if right else f"{where}expected {kind_of(expected)}, got {kind_of(got)}{_advice(got, expected)}"


def _is_array(value: Any, kinds: str) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in kinds


def _array_form(got: Any, expected: np.ndarray, where: str) -> str | None:
    if not isinstance(got, np.ndarray):
        if expected.ndim == 0 and isinstance(got, NUMBER):
            return None
        return f"{where}expected {kind_of(expected)}, got {kind_of(got)}{_advice(got, expected)}"
    allowed = {"b": "b", "U": "U", "c": "biufc"}.get(expected.dtype.kind, "iuf")
    if got.dtype.kind not in allowed:
        return f"{where}expected an array of {_numbers(expected)}, got one of {_numbers(got)}"
    if got.shape == expected.shape:
        return None
    said = f"{where}shape {got.shape}, expected {expected.shape}"
    if got.shape == expected.shape[::-1]:
        return f"{said} (transposed?)"
    if sorted(got.shape) == sorted(expected.shape):
        return f"{said} (axes in another order?)"
    if _without_ones(got.shape) == _without_ones(expected.shape):
        return f"{said} (an axis of length 1 is {'missing' if got.ndim < expected.ndim else 'too many'})"
    if got.ndim < expected.ndim:
        return f"{said} ({_axes(expected.ndim - got.ndim)} missing?)"
    if got.ndim > expected.ndim:
        return f"{said} ({_axes(got.ndim - expected.ndim)} too many?)"
    return said


def _without_ones(shape: tuple[int, ...]) -> list[int]:
    return [size for size in shape if size != 1]


def _axes(number: int) -> str:
    return "an axis" if number == 1 else f"{number} axes"


def _tuple_form(got: Any, expected: tuple[Any, ...], where: str) -> str | None:
    if len(got) != len(expected):
        return f"{where}expected {len(expected)} values, got {len(got)}"
    pairs = enumerate(zip(got, expected, strict=True), start=1)
    said = (form(g, e, f"{where}value {i} of {len(expected)}: ") for i, (g, e) in pairs)
    return next((one for one in said if one), None)


def difference(got: Any, expected: Any, tolerance: float, where: str = "") -> str | None:
    """What is wrong with the values, where type and shape are right; None where they agree.

    >>> difference(np.array([[0.5, 0.25]]), np.array([[0.5, 0.375]]), 1e-6)
    'right shape, wrong values: worst at (0, 1): yours 0.25, expected 0.375'
    >>> difference(np.array([1.0, np.nan]), np.array([1.0, 2.0]), 1e-6)
    '1 of 2 values is nan or inf'
    >>> difference([3, 1], [3, 1, 2], 0)
    '2 items, expected 3; the first that is missing is 2'
    >>> difference("ann", "anna", 0)
    "yours 'ann', expected 'anna'"
    >>> difference({"a": 1}, {"a": 1, "b": 2}, 0)
    "the key 'b' is missing"
    """
    if isinstance(expected, np.ndarray | np.generic | int | float | complex):
        return _array_difference(np.asarray(got), np.asarray(expected), tolerance, where)
    if isinstance(expected, tuple):
        pairs = enumerate(zip(got, expected, strict=True), start=1)
        said = (difference(g, e, tolerance, f"{where}value {i} of {len(expected)}: ") for i, (g, e) in pairs)
        return next((one for one in said if one), None)
    if isinstance(expected, list):
        return _list_difference(got, expected, tolerance, where)
    if isinstance(expected, dict):
        return _dict_difference(got, expected, tolerance, where)
    if isinstance(expected, set):
        for says, items in (("is missing", expected - got), ("does not belong", got - expected)):
            if items:
                return f"{where}{shown(min(items, key=repr))} {says}"
        return None
    return None if got == expected else f"{where}yours {shown(got)}, expected {shown(expected)}"


def _array_difference(got: np.ndarray, expected: np.ndarray, tolerance: float, where: str) -> str | None:
    whole = expected.dtype.kind in "iu" and got.dtype.kind in "biu"
    endless = "O" in (got.dtype.kind, expected.dtype.kind)  # whole numbers beyond 64 bits
    if whole or endless or expected.dtype.kind in "bU" or not expected.size:
        wrong = np.asarray(got != expected)
    else:
        with np.errstate(all="ignore"):
            off = np.abs(got.astype(complex if expected.dtype.kind == "c" else float) - expected)
            near = off <= tolerance * np.maximum(1.0, np.abs(expected))
        equal = (got == expected) | (np.isnan(got) & np.isnan(expected))
        wrong = ~(near & np.isfinite(expected)) & ~equal
    if not wrong.any():
        return None
    number = not endless and expected.dtype.kind in "iufc" and got.dtype.kind in "iufc"
    strange = ~np.isfinite(got) & np.isfinite(expected) if number else np.zeros_like(wrong)
    if not expected.ndim:
        return f"{where}{_both(got[()], expected[()])}"
    if strange.any():
        return f"{where}{int(strange.sum())} of {got.size} values {'is' if strange.sum() == 1 else 'are'} nan or inf"
    measured = number and not whole
    worst = np.unravel_index(int(np.argmax(np.where(wrong, off, -1.0) if measured else wrong)), wrong.shape)
    place = ", ".join(str(int(i)) for i in worst)
    return f"{where}right shape, wrong values: worst at ({place}): {_both(got[worst], expected[worst])}"


def _both(got: Any, expected: Any) -> str:
    yours, wanted = shown(got), shown(expected)
    if yours == wanted:  # they differ after the sixth digit
        yours, wanted = (repr(value.item()) for value in (got, expected))
    return f"yours {yours}, expected {wanted}"


def _list_difference(got: Any, expected: list[Any], tolerance: float, where: str) -> str | None:
    for i, (g, e) in enumerate(zip(got, expected, strict=False)):
        if form(g, e) or difference(g, e, tolerance):
            if isinstance(e, np.ndarray | list | tuple | dict):
                return form(g, e, f"{where}item {i}: ") or difference(g, e, tolerance, f"{where}item {i}: ")
            many = f" ({len(got)} items, expected {len(expected)})" if len(got) != len(expected) else ""
            return f"{where}item {i}: yours {shown(g)}, expected {shown(e)}{many}"
    if len(got) == len(expected):
        return None
    said = f"{where}{len(got)} item{'' if len(got) == 1 else 's'}, expected {len(expected)}"
    if len(got) < len(expected):
        return f"{said}; the first that is missing is {shown(expected[len(got)])}"
    return f"{said}; the first too many is {shown(got[len(expected)])}"


def _dict_difference(got: dict[Any, Any], expected: dict[Any, Any], tolerance: float, where: str) -> str | None:
    for key in expected:
        if key not in got:
            return f"{where}the key {shown(key)} is missing"
    for key in got:
        if key not in expected:
            return f"{where}the key {shown(key)} does not belong"
    said = (difference(got[key], expected[key], tolerance, f"{where}at {shown(key)}: ") for key in expected)
    return next((one for one in said if one), None)


def same(got: Any, expected: Any, tolerance: float = 1e-6) -> str | None:
    """The first difference between an answer and the expected one as a sentence; None where they agree.

    Lists and tuples count as the same, and so do whole numbers and decimal ones where decimal ones are expected.

    >>> same(np.float32(0.5), 0.5) is None
    True
    >>> same(2, 3)
    'yours 2, expected 3'
    """
    return form(got, expected) or difference(got, expected, tolerance)


def kind_of(value: Any) -> str:
    """A value's type in words.

    >>> kind_of(np.zeros((2, 3))), kind_of(1.5), kind_of([]), kind_of(Foreign("generator"))
    ('an array of shape (2, 3)', 'a number', 'a list', 'a value of type generator')
    """
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" if value.ndim else "a number"
    names = (
        (bool | np.bool_, "True or False"),
        (int | np.integer, "a whole number"),
        (float | np.floating, "a number"),
        (complex | np.complexfloating, "a complex number"),
        (str, "a string"),
        (bytes, "bytes"),
        (list, "a list"),
        (dict, "a dict"),
        (set, "a set"),
    )
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    if isinstance(value, Foreign):
        return f"a value of type {value.kind}"
    return next((name for kind, name in names if isinstance(value, kind)), str(value))


def _numbers(array: np.ndarray) -> str:
    return {"b": "True and False", "U": "strings", "c": "complex numbers"}.get(array.dtype.kind, "numbers")


def _advice(got: Any, expected: Any) -> str:
    if got is None:
        return " (is a return missing?)"
    if isinstance(expected, np.ndarray) and isinstance(got, list):
        return " (np.array(...) makes an array of it)"
    if isinstance(expected, list) and isinstance(got, np.ndarray):
        return " (.tolist() makes a list of it)"
    if isinstance(expected, list) and isinstance(got, Foreign):
        return " (list(...) makes a list of it)"
    if isinstance(expected, int | np.integer) and isinstance(got, float | np.floating):
        return f" ({float(got)!r})"
    return ""


def shown(value: Any) -> str:
    """A value for a sentence: numbers with six digits, long things cut.

    >>> shown(np.float64(0.1234567)), shown("ab"), shown(10**30)
    ('0.123457', "'ab'", '1000000000000000000000000000000')
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, np.ndarray):
        value = value.tolist()
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
