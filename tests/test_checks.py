"""The checks: what passes, and that what does not is named with what was expected."""

import subprocess
import sys
from fractions import Fraction
from importlib import util

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from nslib import checks


def test_suggestions_are_near_names_or_nothing():
    assert checks.suggest("gatd", ["gated", "threshold"]) == " (did you mean 'gated'?)"
    assert checks.suggest("zzz", ["gated", "threshold"]) == ""


@pytest.mark.parametrize("value", ["b", 1, None, np.array(["a"]), ["a"]])
def test_one_of_refuses_other_values_of_any_type(value):
    assert checks.one_of("a", "name", ["a"]) == "a"
    with pytest.raises(ValueError, match="name: found .*expected one of a"):
        checks.one_of(value, "name", ["a"])


@pytest.mark.parametrize(("value", "error"), [
    (0, ValueError), (6, ValueError), (True, TypeError), (2.0, TypeError), ("2", TypeError)
])
def test_positive_int_has_a_range_and_a_type(value, error):
    assert checks.positive_int(np.int64(5), "n", maximum=5) == 5
    with pytest.raises(error, match="n: found"):
        checks.positive_int(value, "n", maximum=5)


@pytest.mark.parametrize(("value", "error"), [
    (np.nan, ValueError), (np.inf, ValueError), (2, ValueError), (True, TypeError), ("1", TypeError)
])
def test_real_is_finite_and_in_range(value, error):
    assert checks.real(1, "x", 0.0, 1.0) == 1.0
    with pytest.raises(error, match="x: found"):
        checks.real(value, "x", 0.0, 1.0)


@pytest.mark.parametrize("X", [
    [[1, 2], [3, 4]], torch.tensor([[1, 2], [3, 4]]), pd.DataFrame({"a": [1, 3], "b": [2, 4]}),
    np.array([[1, 2], [3, 4]], dtype=np.float16), np.array([["1", "2"], ["3", "4"]]),
    pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]),
])
def test_matrices_of_any_kind_become_float64(X):
    matrix = checks.as_matrix(X)
    assert matrix.dtype == np.float64
    np.testing.assert_array_equal(matrix, [[1, 2], [3, 4]])


def test_labels_are_coded_in_order():
    codes, classes = checks.as_labels(["b", "a", "b"], 3)
    assert codes.tolist() == [1, 0, 1] and classes.tolist() == ["a", "b"]
    codes, classes = checks.as_labels(np.array([3.0, 1.0]), 2)
    assert codes.tolist() == [1, 0] and classes.tolist() == [1.0, 3.0]


@pytest.mark.parametrize(("labels", "error", "words"), [
    (["a", "a"], ValueError, "y: found the one class 'a', expected at least two"),
    (["a", None], ValueError, "y: found a missing label at 1"),
    ([1.0, np.nan], ValueError, "y: found a missing label at 1"),
    ([1.0, 2.5], ValueError, "y: found 2.5, expected class names or whole numbers"),
    (["a", 1], TypeError, "y: found labels of types int, str, expected one type"),
    (pd.to_datetime(["2020-01-01", "2021-01-01"]), TypeError, "y: found dtype datetime64"),
    (["a", "b", "c"], ValueError, "y: found 3 values, expected one for each of 2 rows"),
])
def test_bad_labels_are_refused(labels, error, words):
    with pytest.raises(error, match=words):
        checks.as_labels(labels, 2)


@pytest.mark.parametrize(("X", "error", "words"), [
    ([[1.0, np.nan], [0.0, 1.0]], ValueError, r"X: found nan at \(0, 1\) \(1 such\)"),
    ([[1.0, 2.0], [-np.inf, 1.0]], ValueError, r"X: found -inf at \(1, 0\)"),
    ([[1.0, 2.0]], ValueError, "X: found 1 rows, expected at least 2"),
    ([[], []], ValueError, "X: found no column"),
    ([[1.0], [2.0, 3.0]], ValueError, "X: found rows of different length"),
    ([1.0, 2.0], ValueError, r"X: found shape \(2,\), expected \(rows, features\)"),
    (pd.DataFrame({"a": [1, 2], "b": ["u", "v"]}), TypeError, "X column 'b': found text"),
    ([[1j], [2j]], TypeError, "X: found dtype complex128, expected real numbers"),
])
def test_bad_matrices_are_refused(X, error, words):
    with pytest.raises(error, match=words):
        checks.as_matrix(X)


def test_pandas_is_not_imported_before_it_is_needed():
    code = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("checks", {util.find_spec("nslib.checks").origin!r})
checks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(checks)
checks.as_target([1.0, 2.0], 2), checks.as_matrix([[1.0], [2.0]])
assert "pandas" not in sys.modules
assert checks.as_labels(["b", "a"], 2)[0].tolist() == [1, 0]
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def deep(levels=50_000):
    """Return a list in a list in a list …"""
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("value", [10**5000, -(10**5000), deep(), [10**5000], "a" * 10**6],
                         ids=["int", "negative int", "nested", "int in a list", "text"])
def test_what_is_shown_of_a_value_is_short_and_always_there(value):
    assert 0 < len(checks.shown(value)) < 300
    for check in (checks.positive_int, checks.boolean, checks.real):
        with pytest.raises((TypeError, ValueError), match="n: found"):
            check(value, "n")


def test_integers_beyond_double_precision_are_no_real_numbers():
    assert checks.real(10**30, "x") == 1e30
    with pytest.raises(ValueError, match="x: found an int of 1329 bits, expected a finite number"):
        checks.real(10**400, "x")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float8_e5m2])
def test_tensors_of_few_bits_are_numbers(dtype):
    X = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).to(dtype).requires_grad_()
    np.testing.assert_array_equal(checks.as_matrix(X), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(checks.as_target(X[:, 0], 2), [1, 3])


@pytest.mark.parametrize(("X", "words"), [
    (torch.eye(2).to_sparse(), "X: found a sparse tensor"),
    (torch.eye(2).to_sparse_csr(), "X: found a sparse tensor"),
    (sparse.csr_matrix(np.eye(2)), "X: found a sparse csr_matrix"),
    (torch.ones(2, 2, device="meta"), "X: found a tensor of torch.float32 on meta"),
    ([torch.ones(2, requires_grad=True)] * 2, "X: found list that makes no array"),
    ([[1, 10**400]], "X: found an int of 1329 bits, expected numbers"),
    ([["a", 1.0]], "X: found text 'a', expected numbers"),
    (np.array([[[1], [2, 3]]], dtype=object), r"X: found list \[1\], expected numbers"),
])
def test_what_makes_no_array_of_numbers_is_named(X, words):
    with pytest.raises(TypeError, match=words):
        checks.as_rows(X, min_rows=1)


def test_masked_numbers_count_as_missing():
    X = np.ma.masked_equal([[1, 2], [3, 4]], 3)
    with pytest.raises(ValueError, match=r"X: found nan at \(1, 0\)"):
        checks.as_matrix(X)


@pytest.mark.parametrize("value", [10**30, Fraction(10**30), np.float32(1e30)])
def test_any_real_number_within_the_doubles_is_one(value):
    assert checks.real(value, "x") == pytest.approx(1e30)


@pytest.mark.parametrize("value", [10**400, -10**5000, Fraction(10**5000, 3)], ids=range(3))
def test_numbers_beyond_the_doubles_are_named(value):
    with pytest.raises(ValueError, match="x: found .*expected a finite number"):
        checks.real(value, "x")


def test_what_is_found_is_shown_briefly_whatever_its_size():
    class Broken:
        def __repr__(self):
            raise RuntimeError("no")

    many = [[0]]
    for _ in range(60):  # 2^60 numbers if written out
        many = [many, many]
    assert checks.shown(Broken()).startswith("<Broken instance")
    for value in (many, 10**5000, [10**5000], "a" * 10**6, list(range(10**6))):
        assert len(checks.shown(value)) < 400
        with pytest.raises(ValueError, match="name: found .*expected one of a"):
            checks.one_of(value, "name", ["a"])
    with pytest.raises(ValueError, match="n: found an int of 16610 bits, expected an int of at mo"):
        checks.positive_int(10**5000, "n")


@pytest.mark.parametrize("weights", [[1, 0, 2.5], pd.Series([1, 0, 2.5], index=[7, 8, 9]),
                                     torch.tensor([1, 0, 2.5], requires_grad=True)])
def test_weights_of_rows_are_as_given(weights):
    np.testing.assert_array_equal(checks.sample_weights(weights, 3), [1.0, 0.0, 2.5])


@pytest.mark.parametrize(("weights", "error", "words"), [
    ([1, -2, 1], ValueError, "found -2 at 1, expected no negative weight"),
    ([0, 0, 0], ValueError, "found zeros only"),
    ([1, 2], ValueError, r"found shape \(2,\), expected \(3,\)"),
    ([[1], [1], [1]], ValueError, r"found shape \(3, 1\)"),
    (1.0, ValueError, r"found shape \(\)"),
    ([1, np.nan, 1], ValueError, "found nan at 1"),
    ([1, np.inf, 1], ValueError, "found inf at 1"),
    ([1e300, 1, 1], ValueError, "found a largest weight of 1e[+]300"),
    ([5e-324, 0, 0], ValueError, "found a largest weight of .*e-324"),
    (["a", "b", "c"], TypeError, "found text 'a'"),
])
def test_bad_weights_of_rows_are_named(weights, error, words):
    with pytest.raises(error, match=f"sample_weight: {words}"):
        checks.sample_weights(weights, 3)
