"""Logistic regression on few columns, with the logits of rows held out."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression

from .ridge import ColumnFit
from .stacking import cross_entropies

STRENGTHS = np.logspace(-3, 2, 6)
"""Inverse penalties of columns of unit variance."""

NEWTON_WEIGHTS = 200
"""Up to so many weights a Newton step costs less than the steps that it saves."""

MOST_NUMBERS = 10**7
"""BoundedRows times columns times classes: a second for all fits."""


def fit_logistic(
    columns: np.ndarray, codes: np.ndarray, row_weights: np.ndarray, folds: np.ndarray
) -> ColumnFit | None:
    """Fit the logits of class codes 0 … C - 1 (n,) to columns (n, p), rows weighed by (n,) > 0.

    The penalty is the one with the least cross-entropy on folds held out; folds (n,) are numbers.
    None where a class is not in the rows of every fit, or the fits would take long.
    """
    n_classes, numbers = int(codes.max()) + 1, np.unique(folds)
    if columns.size * n_classes > MOST_NUMBERS or any(
        len(np.unique(codes[folds != fold])) < n_classes for fold in numbers
    ):
        return None
    total = row_weights.sum()
    mean = row_weights @ columns / total
    spread = np.sqrt(row_weights @ (columns - mean) ** 2 / total)
    unit = np.where(spread > 1e-9 * np.maximum(np.abs(mean), 1.0), 1 / np.maximum(spread, 1e-300),
                    0.0)
    A = (columns - mean) * unit
    few = A.shape[1] * n_classes <= NEWTON_WEIGHTS
    solver = "newton-cholesky" if few else "lbfgs"

    def fitted(strength: float, rows: np.ndarray | slice) -> LogisticRegression:
        """Return the model of some rows."""
        model = LogisticRegression(C=strength, solver=solver, max_iter=200)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a fit that stops early is a fit of another penalty
            return model.fit(A[rows], codes[rows], row_weights[rows] * (len(A) / total))

    best = None
    for strength in STRENGTHS:
        left_out = np.empty((len(A), n_classes))
        for fold in numbers:
            outside = folds == fold
            left_out[outside] = _both(fitted(strength, ~outside).decision_function(A[outside]))
        error = float(row_weights @ cross_entropies(left_out, codes) / total)
        if best is not None and error >= best[0]:
            break  # weaker penalties, whose fits take longest, would follow the noise still more
        best = error, strength, left_out
    error, strength, left_out = best
    model = fitted(strength, slice(None))
    weights = (_both(model.coef_[0]) if n_classes == 2 else model.coef_.T) * unit[:, None]
    bias = _both(model.intercept_)[0] if n_classes == 2 else model.intercept_
    return ColumnFit(weights, bias - mean @ weights, left_out, error)


def _both(values: np.ndarray) -> np.ndarray:
    """Return log odds (n,) as the logits (n, 2) of both classes; logits (n, C) as they are."""
    return np.stack([-values / 2, values / 2], axis=1) if values.ndim == 1 else values
