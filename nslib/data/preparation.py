"""Splits and scikit-learn preprocessing, learnt from the training rows only."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.base import TransformerMixin
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from .. import checks
from .bounded import PiecewiseLinearEncoder, SmoothClipper
from .table_encoder import TableEncoder
from .tabular_loading import TabularData

SCALINGS = ("standard", "minmax", "robust", "none")
TARGET_SCALINGS = ("standard", "minmax", "log-minmax", "none")


def split(
    data: TabularData, test_size: float = 0.2, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """Return training and test rows of a data set, which keep their index; classes are stratified.

    Parameters
    ----------
    data : as `load_tabular` returns it, of N rows.
    test_size : share of the rows in (0, 1); the predecessor splits 8:2.
    seed : 0 to 2**32 - 1, as scikit-learn takes it.

    Returns
    -------
    X_train (N_train, D), X_test (N_test, D), y_train (N_train,), y_test (N_test,).

    Raises
    ------
    TypeError, ValueError : for arguments out of range or a class too small to be split.
    """
    if not isinstance(data, TabularData):
        raise TypeError(
            f"data: found {type(data).__name__}, expected a TabularData (loaded by load_tabular)"
        )
    test_size = checks.real(test_size, "test_size", 0.0, 1.0)
    seed = checks.positive_int(seed, "seed", minimum=0, maximum=2**32 - 1)
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


def preprocessor(scaling: str = "standard", n_bins: int = 0) -> Pipeline:
    """Return an unfitted scikit-learn pipeline that makes float64 features of a table.

    To be fitted on training rows: `TableEncoder` with `by_kind`, a scaling of all its columns,
    then, with `n_bins`, the columns of a `PiecewiseLinearEncoder` behind them.

    Parameters
    ----------
    scaling : "standard" (mean 0, variance 1), "minmax" (to [-1, 1], the predecessor's), "robust"
        (`SmoothClipper`) or "none".
    n_bins : bins of each feature; 0 for none.

    Returns
    -------
    Pipeline whose `transform` takes a DataFrame (N, D) and returns (N, columns).

    Raises
    ------
    ValueError, TypeError : for another scaling or number of bins.

    Examples
    --------
    >>> from nslib.data import load_tabular, preprocessor
    >>> data = load_tabular("iris")
    >>> preprocessor("robust").fit_transform(data.X).shape
    (150, 4)
    """
    checks.one_of(scaling, "scaling", SCALINGS)
    n_bins = checks.positive_int(n_bins, "n_bins", minimum=0)
    steps = [("encode", TableEncoder(by_kind=True)), ("scale", _scaler(scaling))]
    if n_bins:
        steps.append(("bins", PiecewiseLinearEncoder(n_bins)))
    return Pipeline(steps)


def target_scaler(scaling: str = "minmax") -> TransformerMixin:
    """Return an unfitted scikit-learn transformer for a regression target of shape (N, 1).

    Parameters
    ----------
    scaling : "standard" (mean 0, variance 1), "minmax" (to [-1, 1], the predecessor's),
        "log-minmax" (sign(y) log(1 + |y|) first, as in the tabular benchmark's versions) or "none".

    Returns
    -------
    Transformer of (N, 1) to (N, 1), with `inverse_transform`.

    Raises
    ------
    ValueError : for another scaling.
    """
    checks.one_of(scaling, "scaling", TARGET_SCALINGS)
    if scaling != "log-minmax":
        return _scaler(scaling)
    log = FunctionTransformer(_signed_log, _signed_exp, validate=True)
    return Pipeline([("log", log), ("scale", _scaler("minmax"))])


def _scaler(scaling: str) -> TransformerMixin:
    """Return an unfitted scaler of the columns of a matrix (N, columns)."""
    if scaling == "standard":
        return StandardScaler()
    if scaling == "robust":
        return SmoothClipper()
    if scaling == "minmax":
        return MinMaxScaler(feature_range=(-1.0, 1.0))
    return FunctionTransformer(feature_names_out="one-to-one")


def _signed_log(y: np.ndarray) -> np.ndarray:
    """Return sign(y) log(1 + |y|) of y (N, 1)."""
    return np.sign(y) * np.log1p(np.abs(y))


def _signed_exp(y: np.ndarray) -> np.ndarray:
    """Return the inverse of `_signed_log` for y (N, 1)."""
    return np.sign(y) * np.expm1(np.abs(y))
