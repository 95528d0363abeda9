"""The checks: what passes, and that what does not is named with what was expected."""

import numpy as np
import pandas as pd
import pytest
import torch

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
    found = checks.as_matrix(X)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [[1, 2], [3, 4]])


def test_labels_are_coded_in_order():
    codes, classes = checks.as_labels(["b", "a", "b"], 3)
    assert codes.tolist() == [1, 0, 1] and classes.tolist() == ["a", "b"]
    codes, classes = checks.as_labels(np.array([3.0, 1.0]), 2)
    assert codes.tolist() == [1, 0] and classes.tolist() == [1.0, 3.0]
