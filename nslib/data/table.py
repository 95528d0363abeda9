"""`TableEncoder`: tables of numbers, text and missing values as numbers, with a plain state."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, is_complex_dtype, is_numeric_dtype, is_object_dtype
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .preparation import ONE_HOT_LIMIT

MISSING = "missing"
_NUMBERS = ("boolean", "decimal", "empty", "floating", "integer", "mixed-integer-float")
_TEXT = ("categorical", "mixed", "mixed-integer", "string")


class TableEncoder(TransformerMixin, BaseEstimator):
    """Make (rows, columns) float64 of a DataFrame of numbers, booleans, text and categories.

    Numbers and booleans: missing values become the median of the training rows, or 0 where these
    have none. Text and pandas categories, whatever their values: a missing value is a category of
    its own, "missing"; columns of up to 10 categories become one column of zeros and ones a
    category, others one column of codes in alphabetical order. Categories unseen in training become
    zeros, or the code -1. A column of dtype object is of numbers where all its values are numbers.

    `columns_`: what was learnt of each column, as plain dicts in the order of the table, ready for
    JSON: {"kind": "number", "median": …} or {"kind": "one-hot" or "code", "categories": […]}.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> TableEncoder:
        """Learn the columns of X (N, D); TypeError or ValueError name a column that is no such."""
        self.columns_ = [_learnt(column, name) for name, column in X.items()]
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Return X (N, D), columns in the order of the training rows, as (N, columns) float64."""
        check_is_fitted(self)
        if X.shape[1] != len(self.columns_):
            raise ValueError(
                f"X: found {X.shape[1]} columns, expected the {len(self.columns_)} of the fit"
            )
        return np.column_stack([
            _encoded(column, name, learnt)
            for (name, column), learnt in zip(X.items(), self.columns_, strict=True)
        ])

    def names_of(self, names: list[str]) -> list[str]:
        """Return the name of each encoded column for `names` of the table's D columns.

        A column of zeros and ones is "name=category", any other has its column's name.
        """
        check_is_fitted(self)
        return [
            name if category is None else f"{name}={category}"
            for name, learnt in zip(names, self.columns_, strict=True)
            for category in (learnt["categories"] if learnt["kind"] == "one-hot" else [None])
        ]


def _learnt(column: pd.Series, name: Hashable) -> dict[str, Any]:
    if _holds_numbers(column, name):
        numbers = _numbers(column, name)
        known = numbers[~np.isnan(numbers)]
        return {"kind": "number", "median": float(np.median(known)) if len(known) else 0.0}
    categories = sorted(set(_texts(column)))
    kind = "one-hot" if len(categories) <= ONE_HOT_LIMIT else "code"
    return {"kind": kind, "categories": categories}


def _encoded(column: pd.Series, name: Hashable, learnt: dict[str, Any]) -> np.ndarray:
    """Return a column as (N,) or, one-hot, (N, categories) float64."""
    if learnt["kind"] == "number":
        if not _holds_numbers(column, name):
            raise TypeError(f"X: found {column.dtype} in the column {name!r}, expected numbers as "
                            "in the rows of the fit")
        numbers = _numbers(column, name)
        return np.where(np.isnan(numbers), learnt["median"], numbers)
    codes = pd.Index(learnt["categories"]).get_indexer(_texts(column))
    if learnt["kind"] == "code":
        return codes.astype(np.float64)
    return (codes[:, None] == np.arange(len(learnt["categories"]))).astype(np.float64)


def _holds_numbers(column: pd.Series, name: Hashable) -> bool:
    """Tell numbers from text; TypeError for anything else, such as dates."""
    if is_numeric_dtype(column) and not is_complex_dtype(column):
        return True
    kind = infer_dtype(column, skipna=True)
    if is_object_dtype(column) and kind in _NUMBERS:
        return True
    if kind == "categorical" or kind in _TEXT and all(
        isinstance(value, (str, bool, int, float, np.generic)) for value in column.dropna()
    ):
        return False
    raise TypeError(
        f"X: found {kind} values ({column.dtype}) in the column {name!r}, each argument must be a "
        "string or a number; turn dates into numbers first"
    )


def _numbers(column: pd.Series, name: Hashable) -> np.ndarray:
    numbers = column.astype("Float64" if is_object_dtype(column) else column.dtype)
    numbers = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        row = int(np.argmax(np.isinf(numbers)))
        raise ValueError(
            f"X: found infinity in the column {name!r} at row {row}, expected finite numbers or "
            "missing values (NaN)"
        )
    return numbers


def _texts(column: pd.Series) -> np.ndarray:
    """Return the values as (N,) text: whole numbers as ints, whatever type a column holds them in.

    So a category is found again in rows where a missing value made floats of ints.
    """
    codes, values = pd.factorize(np.asarray(column, dtype=object), use_na_sentinel=True)
    whole = [isinstance(v, (float, np.floating)) and float(v).is_integer() for v in values]
    texts = [str(int(v)) if is_whole else str(v) for v, is_whole in zip(values, whole, strict=True)]
    return np.asarray([*texts, MISSING], dtype=object)[codes]
