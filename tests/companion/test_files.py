"""Strict YAML, plain JSON values, and files that are written whole or not at all."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion import files

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=50)
@given(json_values)
def test_plain_leaves_json_values_as_they_are(value):
    assert json.loads(files.json_bytes(files.plain(value, "v"))) == value


def test_plain_takes_numpy_and_tuples():
    value = {"a": np.float64(0.5), "b": np.arange(3), "c": (np.bool_(True), np.int64(4))}
    assert files.plain(value, "v") == {"a": 0.5, "b": [0, 1, 2], "c": [True, 4]}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_plain_refuses_numbers_that_are_not_finite_and_says_where(bad):
    with pytest.raises(ValueError, match=r"metrics\.a\[1\]: found (nan|-?inf), expected a finite"):
        files.plain({"a": [1.0, bad]}, "metrics")


@pytest.mark.parametrize(("bad", "where"), [({"a": object()}, r"v\.a"), ({1: 2}, "the key 1"),
                                            ([{1, 2}], r"v\[0\]"), ({"z": 1j}, r"v\.z")])
def test_plain_refuses_what_json_cannot_hold(bad, where):
    with pytest.raises(TypeError, match=where):
        files.plain(bad, "v")


def test_plain_refuses_numbers_that_python_cannot_write():
    assert files.plain([2**13_999], "v") == [2**13_999]
    with pytest.raises(ValueError, match=r"v\[0\]: found an int of 14001 bits"):
        files.plain([-2**14_000], "v")


@settings(deadline=None, max_examples=50)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_yaml_reads_every_float_as_python_writes_it(number):
    read = files.parse_yaml(repr(number), "x")
    assert isinstance(read, float)
    assert read == number


@pytest.mark.parametrize(("text", "value"), [("1e-3", 1e-3), ("-2E6", -2e6), ("1", 1), ("e5", "e5"),
                                             ("true", True), ("[1, 2]", [1, 2]), ("1e", "1e")])
def test_yaml_values(text, value):
    read = files.parse_yaml(text, "x")
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("text", ["a: 1\na: 2", "{a: 1, b: {c: 1, c: 2}}", "[1, 2", "a: b: c"])
def test_yaml_refuses_repeated_keys_and_broken_text(text):
    with pytest.raises(ValueError, match="presets"):
        files.parse_yaml(text, "presets")


@pytest.mark.parametrize(("text", "message"), [
    ("[" * 50_000, "more than 50 lists and mappings within each other, expected at most 50"),
    ("{a: " * 100, "more than 50"),
    ("- " * 100 + "x", "more than 50"),
    ("a: &a [1]\nb: *a", "an alias, expected its value written out"),
    ("&a [*a]", "an alias"),
    ("1" * 5000, "4300 digits"),
    ("x" * 200_001, "200001 characters, expected at most 200000"),
    ("!!int ''", "which is no YAML"),
    ("!!bool x", "which is no YAML"),
    ('"\\UFFFFFFFF"', "which is no YAML"),
], ids=range(10))
def test_yaml_of_more_than_the_caps_or_with_odd_tags_is_refused(text, message):
    with pytest.raises(ValueError, match=f"(?s)^-p x: .*{message}"):
        files.parse_yaml(text, "-p x")


def test_yaml_nested_up_to_the_cap_is_read():
    value = files.parse_yaml("[" * 50 + "]" * 50, "x")
    for _ in range(49):
        value, = value
    assert value == []


def test_yaml_executes_nothing():
    with pytest.raises(ValueError, match="could not determine a constructor"):
        files.parse_yaml("!!python/object/apply:os.getcwd []", "x")
