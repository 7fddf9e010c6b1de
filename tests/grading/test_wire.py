"""What goes over the wire comes back the same, and nothing else can be sent."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmlab.grading import wire

PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(max_size=20),
    st.complex_numbers(allow_nan=False, allow_infinity=False),
)
HASHABLE = st.one_of(st.integers(), st.text(), st.tuples(st.integers(), st.text()))
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(HASHABLE, inner, max_size=4),
        st.sets(HASHABLE, max_size=4),
    ),
    max_leaves=12,
)


@given(VALUES)
def test_values_come_back_with_their_types(value):
    found = wire.decode(wire.encode(value))
    assert found == value
    assert type(found) is type(value)
    assert repr(found) == repr(value) or isinstance(value, set | dict | list | tuple)


@pytest.mark.parametrize(
    "kind", ["?", "i1", "u2", "i4", "i8", "f2", "f4", "f8", ">f8", ">i4", "c8", "c16", "U3", "U0"]
)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0), (2, 3), (1, 2, 3)])
def test_arrays_come_back_with_shape_and_dtype(kind, shape):
    array = np.zeros(shape, kind) if kind.startswith("U") else np.arange(math.prod(shape)).reshape(shape).astype(kind)
    found = wire.decode(wire.encode(array))
    assert found.shape == shape
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)
    found[...] = found  # it may be written to


def test_sets_within_sets():
    value = {frozenset({1, 2}), frozenset()}
    assert wire.decode(wire.encode(value)) == value
    assert wire.decode(wire.encode({frozenset({1}): 2})) == {frozenset({1}): 2}


def test_views_and_odd_layouts():
    array = np.arange(24.0).reshape(4, 6)
    for view in (array.T, array[::2, ::-1], np.asfortranarray(array), np.broadcast_to(1.0, (3, 2))):
        assert np.array_equal(wire.decode(wire.encode(view)), view)


def test_what_is_no_number_of_json():
    found = wire.decode(
        wire.encode([math.nan, math.inf, -math.inf, np.float64(math.nan), np.int32(3), np.bool_(True)])
    )
    assert math.isnan(found[0])
    assert found[1:3] == [math.inf, -math.inf]
    assert math.isnan(found[3])
    assert type(found[4]) is np.int32
    assert type(found[5]) is np.bool_


def test_what_is_no_data_is_only_named():
    class Thing:
        pass

    found = wire.decode(
        wire.encode([Thing(), (i for i in range(3)), len, np.array([object()]), np.datetime64("2026")])
    )
    assert [one.kind for one in found[:3]] == ["Thing", "generator", "builtin_function_or_method"]
    assert all(isinstance(one, wire.Foreign) for one in found)


def test_so_many_arrays_and_no_more():
    many = [np.zeros(1)] * (wire.MOST_ARRAYS + 1)
    with pytest.raises(wire.WireError, match="more than 20,000 arrays"):
        wire.encode(many)
    assert len(wire.fresh(many[1:])) == wire.MOST_ARRAYS
    assert len(wire.fresh(['{"a": ['] * len(many))) == len(many)  # a text is none
    body = ("[" + ",".join(['{ "a" : ["<f8", [0], ""]}'] * len(many)) + "]").encode()  # as a forger writes it
    with pytest.raises(wire.WireError, match="more than 20,000 arrays"):
        wire.decode(len(body).to_bytes(4, "big") + body)


def test_nothing_too_large_or_too_deep():
    with pytest.raises(wire.WireError, match="40 MB"):
        wire.encode("x" * 40_000_000)
    deep = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(wire.WireError, match="levels"):
        wire.encode(deep)


def message(body) -> bytes:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return len(text).to_bytes(4, "big") + text


@pytest.mark.parametrize(
    "body",
    [
        {"a": ["f8", [1_000_000_000_000], ""]},
        {"a": ["f8", [-1], ""]},
        {"a": ["<U0", [10**7, 10**7], ""]},
        b"[" + b"[]," * 1_000_000 + b"0]",
        {"a": ["f8", ["x"], ""]},
        {"a": ["O", [1], "AAAAAAAAAAA="]},
        {"a": [[["a", "f8"]], [1], "AAAAAAAAAAA="]},
        {"a": ["(2,)f8", [1], "AAAAAAAAAAA="]},
        {"a": ["nonsense", [1], "AAAAAAAAAAA="]},
        {"a": ["f8", [1], "not base64"]},
        {"a": "f8"},
        {"d": [[[1], 2]]},
        {"s": [{"d": []}]},
        {"f": "minus nothing"},
        {"x": 1},
        {"t": 3},
        {"a": 1, "b": 2},
        {},
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
    ],
    ids=str,
)
def test_nonsense_is_one_kind_of_error(body):
    with pytest.raises(wire.WireError):
        wire.decode(message(body))


def test_reading_stops_where_the_source_does():
    def source(content):
        return lambda size: content.pop(0)[:size] if content else b""

    whole = wire.encode([1, 2])
    assert wire.read(source([whole[i : i + 1] for i in range(len(whole))])) == whole
    assert wire.read(source([])) is None
    assert wire.read(source([whole[:5]])) is None
    with pytest.raises(wire.WireError, match="announced"):
        wire.read(source([bytes([255] * 4)]))
