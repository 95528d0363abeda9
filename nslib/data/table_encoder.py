"""`TableEncoder`: tables of numbers, text and missing values as numbers, with a plain state."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, is_complex_dtype, is_numeric_dtype, is_object_dtype
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .. import checks

ONE_HOT_LIMIT = 10
"""Text columns of at most this many categories become one column a category."""

MISSING = "missing"
KINDS = ("number", "one-hot", "code")
_NUMBERS = ("boolean", "decimal", "empty", "floating", "integer", "mixed-integer-float")
_TEXT = ("categorical", "mixed", "mixed-integer", "string")


class TableEncoder(TransformerMixin, BaseEstimator):
    """Make (N, columns) float64 of a DataFrame of numbers, booleans, text and categories.

    Numbers and booleans: missing values become the median of the training rows, or 0 where these
    have none. Text and pandas categories, whatever their values: a missing value is a category of
    its own, "missing"; columns of up to 10 categories become one column of zeros and ones a
    category, others one column of codes in alphabetical order. Categories unseen in training become
    zeros, or the code -1. A column of dtype object is of numbers where all its values are numbers.

    With `by_kind` numbers come first, then zeros and ones, then codes, instead of the order of the
    table. `columns_` holds what was learnt of each of the D columns, ready for JSON: {"kind":
    "number", "median": …} or {"kind": "one-hot" or "code", "categories": […]}.
    """

    def __init__(self, by_kind: bool = False) -> None:
        self.by_kind = by_kind

    def fit(self, X: pd.DataFrame, y: Any = None) -> TableEncoder:
        """Learn the columns of X (N, D); errors name a column of dates, infinity or the like."""
        checks.boolean(self.by_kind, "by_kind")
        names = _text_names(X)
        if 0 in X.shape:
            raise ValueError(f"X: found shape {X.shape}, expected at least one row and one column")
        self.columns_ = [_learnt(column, name) for name, column in X.items()]
        self.names_ = names
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Return X (N, D), columns in the order of the training rows, as (N, columns) float64."""
        check_is_fitted(self)
        names, fitted = _text_names(X), getattr(self, "names_", None)
        if X.shape[1] != len(self.columns_):
            raise ValueError(
                f"X: found {X.shape[1]} columns, expected the {len(self.columns_)} of the fit"
            )
        if names and fitted and names != fitted:
            raise ValueError(f"X: found the columns {names}, expected those of the fit, {fitted}")
        encoded = [_encoded(X.iloc[:, i], X.columns[i], self.columns_[i]) for i in self._order()]
        # The layout in memory fixes the order in which later steps sum, so their last digits.
        plain = self.by_kind and all(column["kind"] == "number" for column in self.columns_)
        return np.asfortranarray(np.column_stack(encoded)) if plain else np.column_stack(encoded)

    def names_of(self, names: Sequence[str], joint: str = "=") -> list[str]:
        """Return the name of each encoded column for `names` of the table's D columns.

        A column of zeros and ones is "name=category" (`joint` between), others have their column's
        name.
        """
        check_is_fitted(self)
        return [
            names[i] if category is None else f"{names[i]}{joint}{category}"
            for i in self._order()
            for category in (self.columns_[i]["categories"]
                             if self.columns_[i]["kind"] == "one-hot" else [None])
        ]

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return the names of the encoded columns as scikit-learn joins them, "name_category"."""
        check_is_fitted(self)
        names = input_features if input_features is not None else getattr(self, "names_", None)
        if names is None:
            names = [f"x{i}" for i in range(len(self.columns_))]
        return np.asarray(self.names_of(names, "_"), dtype=object)

    def _order(self) -> list[int]:
        """Return the positions of the D columns in the order of the output."""
        order = range(len(self.columns_))
        if self.by_kind:
            return sorted(order, key=lambda i: KINDS.index(self.columns_[i]["kind"]))
        return list(order)


def _text_names(X: pd.DataFrame) -> list[str] | None:
    """Return the names of the D columns of X (N, D), or None unless all are text.

    Raises TypeError for other data than a DataFrame.
    """
    if not isinstance(X, pd.DataFrame):
        raise TypeError(f"X: found {type(X).__name__}, expected a DataFrame")
    return list(X.columns) if all(isinstance(name, str) for name in X.columns) else None


def _learnt(column: pd.Series, name: Hashable) -> dict[str, Any]:
    """Return what is learnt of a column (N,), as `TableEncoder.columns_` holds it."""
    if _holds_numbers(column, name):
        numbers = _numbers(column, name)
        known = numbers[~np.isnan(numbers)]
        return {"kind": "number", "median": float(np.median(known)) if len(known) else 0.0}
    categories = sorted(set(_texts(column)))
    kind = "one-hot" if len(categories) <= ONE_HOT_LIMIT else "code"
    return {"kind": kind, "categories": categories}


def _encoded(column: pd.Series, name: Hashable, learnt: dict[str, Any]) -> np.ndarray:
    """Return a column (N,) as (N,) or, one-hot, (N, categories) float64."""
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
    """Tell numbers (N,) from text; TypeError for anything else, such as dates."""
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
    """Return a column of numbers as (N,) float64, missing ones as NaN; ValueError for infinity."""
    try:
        numbers = column.astype("Float64" if is_object_dtype(column) else column.dtype)
    except (OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"X: found in the column {name!r} what is no number in float64 "
                         f"({str(error)[:100]})") from None
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
