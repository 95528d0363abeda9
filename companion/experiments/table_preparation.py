"""Splits, encoding and scaling of the tabular data sets, learnt from the training rows only."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.base import TransformerMixin
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from nslib import checks
from nslib.data import PiecewiseLinearEncoder, SmoothClipper, TableEncoder, TabularData

_SCALERS = {"standard": StandardScaler, "robust": SmoothClipper}


def split(
    data: TabularData, test_size: float = 0.2, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """Return X_train (N_train, D), X_test (N_test, D), y_train (N_train,) and y_test (N_test,).

    Rows keep their index and classes are stratified; `test_size` is the share of test rows. Raises
    TypeError or ValueError for arguments out of range or a class too small to be split.
    """
    test_size = checks.real(test_size, "test_size", 0.0, 1.0)
    seed = checks.positive_int(seed, "seed", minimum=0, maximum=2**32 - 1)
    try:
        return tuple(train_test_split(
            data.X, data.y, test_size=test_size, random_state=seed,
            stratify=data.y if data.task == "classification" else None,
        ))
    except ValueError as error:
        raise ValueError(
            f"test_size: found {test_size} for the {len(data.y)} rows of {data.name}, expected a "
            f"share that leaves rows of every class on both sides ({error})"
        ) from error


def preprocessor(scaling: str = "standard", n_bins: int = 0) -> Pipeline:
    """Return an unfitted pipeline that makes float64 features (N, columns) of a table (N, D).

    `TableEncoder` with `by_kind`, then "standard" scaling (mean 0, variance 1) or "robust"
    (`SmoothClipper`), then, with `n_bins`, the columns of a `PiecewiseLinearEncoder` behind them.
    """
    checks.one_of(scaling, "scaling", _SCALERS)
    n_bins = checks.positive_int(n_bins, "n_bins", minimum=0)
    steps = [("encode", TableEncoder(by_kind=True)), ("scale", _SCALERS[scaling]())]
    if n_bins:
        steps.append(("bins", PiecewiseLinearEncoder(n_bins)))
    return Pipeline(steps)


def target_scaler(scaling: str) -> TransformerMixin:
    """Return an unfitted transformer of a regression target (N, 1), by the predecessor's protocol.

    "minmax" goes to [-1, 1]; "log-minmax" takes sign(y) log(1 + |y|) first, as the tabular
    benchmark does.
    """
    checks.one_of(scaling, "scaling", ("minmax", "log-minmax"))
    to_range = MinMaxScaler(feature_range=(-1.0, 1.0))
    if scaling == "minmax":
        return to_range
    return Pipeline([("log", FunctionTransformer(_signed_log, validate=True)), ("scale", to_range)])


def _signed_log(y: np.ndarray) -> np.ndarray:
    """Return sign(y) log(1 + |y|) of y (N, 1)."""
    return np.sign(y) * np.log1p(np.abs(y))
