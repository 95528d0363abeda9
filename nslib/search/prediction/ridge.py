"""Ridge regression on many columns, with what it predicts of each row when that is left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PENALTIES = np.logspace(-8, 2, 21)
"""Times the sum of the weights: from next to no shrinking of columns of unit variance to nearly
all, two steps a power of ten."""

SHRINKING = 0.5
"""Scale of the columns of a monomial of order k, to the power k - 1: higher orders are shrunk
more."""

_NO_SPREAD = 1e-9
_NEAR_ONE = 1 - 1e-6  # of a row's leverage: it alone decides its own prediction


@dataclass(frozen=True, eq=False)
class ColumnFit:
    """A fit of p columns to C outputs.

    `weights` (p, C), `bias` (C,); `left_out` (n, C): the outputs of fits without this row;
    `error`: the mean error of these.
    """

    weights: np.ndarray
    bias: np.ndarray
    left_out: np.ndarray
    error: float


def fit_ridge(
    columns: np.ndarray, orders: np.ndarray, targets: np.ndarray, row_weights: np.ndarray
) -> ColumnFit:
    """Fit columns (n, p), of monomials of orders (p,), to targets (n, C), rows weighed by (n,) > 0.

    Columns are scaled to unit variance and then shrunk by their order; the penalty is the one of
    `PENALTIES` with the least error on rows left out, which one decomposition gives for all rows
    and penalties (Golub, Heath & Wahba 1979). The bias is not shrunk.
    """
    n, p = columns.shape
    total = row_weights.sum()
    mean = row_weights @ columns / total
    centred = columns - mean
    spread = np.sqrt(row_weights @ centred**2 / total)
    size = np.maximum(np.abs(mean), 1.0)
    unit = np.where(spread > _NO_SPREAD * size, SHRINKING ** (orders - 1.0), 0.0)
    unit /= np.where(spread > _NO_SPREAD * size, spread, 1.0)
    root = np.sqrt(row_weights)[:, None]
    A = centred * (unit * root)
    centre = row_weights @ targets / total
    y = (targets - centre) * root
    penalties = PENALTIES * total
    if p <= n:  # A = T Vᵀ with T = A V
        values, V = np.linalg.eigh(A.T @ A)
        values = np.clip(values, 0.0, None)
        T = A @ V
        projected = T.T @ y
        scales = 1 / (values[:, None] + penalties)
    else:  # A Aᵀ = T diag(values) Tᵀ
        values, T = np.linalg.eigh(A @ A.T)
        values = np.clip(values, 0.0, None)
        projected = T.T @ y
        scales = values[:, None] / (values[:, None] + penalties)
    leverage = (T * T) @ scales + (row_weights / total)[:, None]  # (n, penalties)
    best = None
    for i in range(len(penalties)):
        residual = (y - T @ (projected * scales[:, [i]])) / (
            1 - np.minimum(leverage[:, [i]], _NEAR_ONE))
        error = float(np.square(residual).sum() / total)
        if best is None or error < best[0]:
            best = error, i, residual
    error, i, residual = best
    if p <= n:
        w = V @ (projected * scales[:, [i]])
    else:
        w = A.T @ (T @ (projected / (values + penalties[i])[:, None]))
    weights = w * unit[:, None]
    return ColumnFit(weights, centre - mean @ weights, targets - residual / root, error)
