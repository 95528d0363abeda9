"""Splits and scikit-learn preprocessing, learnt from the training rows only."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from sklearn.base import TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from .. import checks
from .bounded import PiecewiseLinearEncoder, SmoothClipper
from .tabular import TabularData

SCALINGS = ("standard", "minmax", "robust", "none")
TARGET_SCALINGS = ("standard", "minmax", "log-minmax", "none")
MAX_SEED = 2**32 - 1
ONE_HOT_LIMIT = 10
"""Text columns of at most this many categories become one column a category."""


def split(
    data: TabularData, test_size: float = 0.2, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """Return X_train, X_test, y_train, y_test; the rows keep their index.

    test_size: share of the rows in (0, 1); the predecessor splits 8:2. Classes are stratified.
    seed: 0 to 2**32 - 1, as scikit-learn takes it.
    Raises TypeError or ValueError for arguments out of range or a class too small to be split.
    """
    _check_data(data)
    test_size = checks.real(test_size, "test_size", 0.0, 1.0)
    seed = checks.positive_int(seed, "seed", minimum=0)
    if seed > MAX_SEED:
        raise ValueError(f"seed: found {seed}, expected an int of at most {MAX_SEED}")
    try:
        parts = train_test_split(
            data.X, data.y, test_size=test_size, random_state=seed,
            stratify=data.y if data.task == "classification" else None,
        )
    except ValueError as error:
        raise ValueError(
            f"test_size: found {test_size} for the {len(data.y)} rows of {data.name}, expected a "
            f"share that leaves rows of every class on both sides ({error})"
        ) from error
    return tuple(parts)


def preprocessor(
    data: TabularData | pd.DataFrame, scaling: str = "standard", n_bins: int = 0
) -> Pipeline:
    """Return an unfitted scikit-learn pipeline that makes (rows, columns) float64 out of features.

    `data`: a data set, or the table of its features, whose types say how columns are read. Fit it
    on training rows. Numbers: missing ones become the training median. Text: a missing value is a
    category of its own; columns of up to 10 categories become one column a category, others one
    column of codes; categories unseen in training become zeros or the code -1. Then all columns are
    scaled: "standard" (mean 0, variance 1), "minmax" (to [-1, 1], the predecessor's), "robust"
    (`SmoothClipper`), "none". With `n_bins` the columns of a `PiecewiseLinearEncoder` follow.
    Raises ValueError for another scaling, TypeError for other data.
    """
    X = data
    if not isinstance(X, pd.DataFrame):
        _check_data(data)
        X = data.X
    checks.one_of(scaling, "scaling", SCALINGS)
    n_bins = checks.positive_int(n_bins, "n_bins", minimum=0)
    text = [c for c in X.columns if not is_numeric_dtype(X[c])]
    short = [c for c in text if X[c].nunique(dropna=False) <= ONE_HOT_LIMIT]
    # pd.NA stands for None too, which text of dtype object may hold
    fill = SimpleImputer(missing_values=pd.NA, strategy="constant", fill_value="missing")
    encode = ColumnTransformer(
        [
            (
                "numbers",
                SimpleImputer(strategy="median", keep_empty_features=True),
                [c for c in X.columns if c not in text],
            ),
            (
                "categories",
                Pipeline([
                    ("impute", fill),
                    ("encode", OneHotEncoder(handle_unknown="ignore", sparse_output=False)),
                ]),
                short,
            ),
            (
                "codes",
                Pipeline([
                    ("impute", fill),
                    ("encode", OrdinalEncoder(handle_unknown="use_encoded_value",
                                              unknown_value=-1)),
                ]),
                [c for c in text if c not in short],
            ),
        ],
        verbose_feature_names_out=False,
    )
    steps = [("encode", encode), ("scale", _scaler(scaling))]
    if n_bins:
        steps.append(("bins", PiecewiseLinearEncoder(n_bins)))
    return Pipeline(steps)


def _check_data(data: TabularData) -> None:
    if not isinstance(data, TabularData):
        raise TypeError(
            f"data: found {type(data).__name__}, expected a TabularData (loaded by load_tabular)"
        )


def target_scaler(scaling: str = "minmax") -> TransformerMixin:
    """Return an unfitted scikit-learn transformer for a regression target of shape (rows, 1).

    "standard": mean 0, variance 1. "minmax": to [-1, 1], the predecessor's. "log-minmax":
    sign(y) log(1 + |y|) first, as in the tabular benchmark's versions. "none": as it is. Each has
    `inverse_transform`. Raises ValueError for another scaling.
    """
    checks.one_of(scaling, "scaling", TARGET_SCALINGS)
    if scaling != "log-minmax":
        return _scaler(scaling)
    log = FunctionTransformer(_signed_log, _signed_exp, validate=True)
    return Pipeline([("log", log), ("scale", _scaler("minmax"))])


def _scaler(scaling: str) -> TransformerMixin:
    if scaling == "standard":
        return StandardScaler()
    if scaling == "robust":
        return SmoothClipper()
    if scaling == "minmax":
        return MinMaxScaler(feature_range=(-1.0, 1.0))
    return FunctionTransformer(feature_names_out="one-to-one")


def _signed_log(y: np.ndarray) -> np.ndarray:
    return np.sign(y) * np.log1p(np.abs(y))


def _signed_exp(y: np.ndarray) -> np.ndarray:
    return np.sign(y) * np.expm1(np.abs(y))
