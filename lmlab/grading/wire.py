"""Values as bytes between the checker and the student's process: JSON with a length in front, never pickle.

Whoever unpickles runs the sender's code; JSON can only be data. What JSON does not know is an object with one tag:

    {"t": [...]}                    a tuple               {"d": [[key, value], ...]}   a dict with any keys
    {"s": [...]}                    a set                 {"b": base64}                bytes
    {"a": [dtype, shape, base64]}   a numpy array         {"n": [dtype, base64]}       a numpy number
    {"f": "nan" | "inf" | "-inf"}   such a float          {"c": [real, imaginary]}     a complex number
    {"?": "generator"}              something else, of which only the name of its type travels

An array says its shape beside its bytes, and the bytes must be as many as the shape needs, so nothing is allocated
that was not sent. This file needs numpy only, because the student's process loads it too.

>>> decode(encode({(1, 2): np.array([0.5, 1.0]), "b": [b"x", None, float("inf")]}))
{(1, 2): array([0.5, 1. ]), 'b': [b'x', None, inf]}
"""

import base64
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

LARGEST = 8_000_000  # bytes of one message
MOST_VALUES = 1_000_000  # in its lists; the numbers of an array are not counted
HEADER = 4  # bytes that hold the length of what follows
KINDS = "biufcU"  # kinds of numpy numbers that travel: no objects, no dates, no records
AS_IT_IS = frozenset({int, str, bool, type(None)})  # what JSON has, too
DEEPEST = 50  # lists within lists
MOST_ARRAYS = 20_000  # of one message: comparing one takes far longer than sending it


class WireError(ValueError):
    """A message that cannot be sent, or bytes that are no message."""


@dataclass(frozen=True)
class Foreign:
    """Stands for a value that is no data: only the name of its type came through."""

    kind: str


def encode(value: Any) -> bytes:
    """A message: the length in 4 bytes, then JSON.

    Raises `WireError` beyond 8 MB, a million values, 50 levels or 20,000 arrays.

    >>> encode([1, "a"])
    b'\\x00\\x00\\x00\\x08[1, "a"]'
    """
    body = json.dumps(to_json(value), allow_nan=False).encode("ascii")
    if body.count(b'{"a": [') > MOST_ARRAYS:  # in a text the quotes would stand behind a backslash
        raise WireError(f"The value has more than {MOST_ARRAYS:,} arrays: put them into one.")
    if len(body) > LARGEST:
        raise WireError(f"The value takes {len(body) / 1e6:,.0f} MB: at most {LARGEST / 1e6:.0f} MB travel.")
    check_values(body)
    return len(body).to_bytes(HEADER, "big") + body


def decode(message: bytes) -> Any:
    """The value of a message. Raises `WireError` when the bytes are not what `encode` makes."""
    length = int.from_bytes(message[:HEADER], "big")
    if len(message) != HEADER + length:
        raise WireError("The message is cut off.")
    check_values(message)
    try:
        return from_json(json.loads(message[HEADER:], object_hook=_counted()))
    except WireError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError, MemoryError) as error:
        raise WireError(f"The message makes no sense ({type(error).__name__}).") from None


def _counted() -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A hook for `json.loads` that lets a message have so many arrays and no more."""
    left = MOST_ARRAYS

    def hook(found: dict[str, Any]) -> dict[str, Any]:
        nonlocal left
        left -= "a" in found
        if left < 0:
            raise WireError(f"The value has more than {MOST_ARRAYS:,} arrays: put them into one.")
        return found

    return hook


def check_values(message: bytes) -> None:
    """Raise `WireError` for more values than anybody reads, counted by commas and brackets before they are made."""
    if message.count(b",") + message.count(b"[") > MOST_VALUES:
        raise WireError(
            f"The value has more than {MOST_VALUES:,} parts: make it smaller, or put numbers into an array."
        )


def fresh(value: Any) -> Any:
    """A copy of a value as it comes out at the other end; nobody can change somebody else's."""
    return decode(encode(value))


def read(receive: Callable[[int], bytes]) -> bytes | None:
    """The next whole message from a source like `file.read` or `os.read`; None where it has ended.

    Raises `WireError` when a length is announced that no message has: nothing is read into memory for it.
    """
    header = _exactly(receive, HEADER)
    if len(header) < HEADER:
        return None
    length = int.from_bytes(header, "big")
    if length > LARGEST:
        raise WireError(f"A message of {length / 1e6:,.0f} MB was announced: at most {LARGEST / 1e6:.0f} MB travel.")
    body = _exactly(receive, length)
    return None if len(body) < length else header + body


def _exactly(receive: Callable[[int], bytes], length: int) -> bytes:
    parts = []
    while length > 0:
        part = receive(min(length, 1 << 20))
        if not part:
            break
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def to_json(value: Any, depth: int = 0) -> Any:
    """A value as JSON with tags."""
    if depth > DEEPEST:
        raise WireError(f"The value is nested more than {DEEPEST} levels deep.")
    if isinstance(value, np.generic):  # before float and str: np.float64 and np.str_ are both
        return _array(np.asarray(value), scalar=True)
    if value is None or isinstance(value, bool | str):
        return value if value is None or isinstance(value, bool) else str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"f": repr(float(value))}
    if isinstance(value, complex):
        return {"c": [to_json(value.real), to_json(value.imag)]}
    if isinstance(value, np.ndarray):
        return _array(np.asarray(value), scalar=False)
    if isinstance(value, bytes | bytearray):
        return {"b": base64.b64encode(bytes(value)).decode("ascii")}
    if isinstance(value, list):
        return _all_to_json(value, depth + 1)
    if isinstance(value, tuple):
        return {"t": _all_to_json(value, depth + 1)}
    if isinstance(value, set | frozenset):
        return {"s": _all_to_json(value, depth + 1)}
    if isinstance(value, dict):
        return {"d": [[to_json(key, depth + 1), to_json(item, depth + 1)] for key, item in value.items()]}
    return {"?": value.kind if isinstance(value, Foreign) else type(value).__name__}


def _all_to_json(values: Iterable[Any], depth: int) -> list[Any]:
    # Most of what travels are long lists of plain values: no call for each of them.
    return [value if type(value) in AS_IT_IS else to_json(value, depth) for value in values]


def _array(array: np.ndarray, scalar: bool) -> Any:
    if array.dtype.kind not in KINDS:
        return {"?": f"numpy array of dtype {array.dtype}"}
    if array.dtype.kind in "fc" and array.dtype.itemsize > (8 if array.dtype.kind == "f" else 16):
        array = array.astype("f8" if array.dtype.kind == "f" else "c16")  # long doubles differ between machines
    content = base64.b64encode(array.tobytes()).decode("ascii")
    return {"n": [array.dtype.str, content]} if scalar else {"a": [array.dtype.str, list(array.shape), content]}


def from_json(data: Any) -> Any:
    """The value that `to_json` made this of."""
    if data is None or isinstance(data, bool | int | float | str):
        return data
    if isinstance(data, list):
        return _all_from_json(data)
    ((tag, content),) = data.items()
    match tag:
        case "t":
            return tuple(_all_from_json(content))
        case "d":
            return {_frozen(from_json(key)): from_json(item) for key, item in content}
        case "s":
            return {_frozen(from_json(item)) for item in content}
        case "b":
            return base64.b64decode(content, validate=True)
        case "f":
            return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[content]
        case "c":
            return complex(from_json(content[0]), from_json(content[1]))
        case "a":
            return _from_bytes(*content)
        case "n":
            return _from_bytes(content[0], [], content[1])[()]
        case "?":
            return Foreign(str(content)[:100])
    raise WireError(f"The tag {str(tag)[:20]!r} is unknown.")


def _all_from_json(items: list[Any]) -> list[Any]:
    return [item if type(item) in AS_IT_IS else from_json(item) for item in items]


def _frozen(value: Any) -> Any:
    return frozenset(value) if isinstance(value, set) else value


def _from_bytes(kind: str, shape: list[int], content: str) -> np.ndarray:
    dtype = np.dtype(kind)
    if dtype.kind not in KINDS or dtype.fields is not None or dtype.subdtype is not None:
        raise WireError(f"Arrays of dtype {str(dtype)[:40]} do not travel.")
    if not all(isinstance(size, int) and size >= 0 for size in shape):
        raise WireError("The array has no shape.")
    raw = base64.b64decode(content, validate=True)
    if len(raw) != math.prod(shape) * dtype.itemsize:
        raise WireError("The array has another number of values than its shape says.")
    if dtype.itemsize == 0:  # strings of length 0, of which no bytes say how many there are
        if math.prod(shape) > MOST_VALUES:
            raise WireError("The array has too many empty strings.")
        return np.zeros(shape, dtype)
    return np.frombuffer(raw, dtype).reshape(shape).copy()  # a copy may be written to
