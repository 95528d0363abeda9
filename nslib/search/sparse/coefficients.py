"""Coefficients of chosen terms on all rows, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr, solve_triangular

from ..columns import CHUNK_ELEMENTS
from .raw_monomials import monomials

N_BOOTSTRAP = 500
"""Draws of a bootstrap: the ends of a 95 % interval have twelve beyond them on either side."""


@dataclass(frozen=True, eq=False)
class WeightedRows:
    """Rows X (N, D), which may lie on disk, a target y (N,) and weights (N,) of mean one.

    size (D,): the largest absolute value of each feature, in which powers are computed, so that
    they neither overflow nor vanish.
    """

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    size: np.ndarray

    def of(self, rows: np.ndarray) -> WeightedRows:
        """Return the rows of these numbers (n,), in memory."""
        X = np.array(self.X[rows], dtype=np.float64)
        return WeightedRows(X, self.y[rows], self.weights[rows], self.size)

    def columns(self, exponents: np.ndarray) -> np.ndarray:
        """Return the monomials (N, P) of exponents (P, D) in units of `size`, times root weights.

        The rows are in memory.
        """
        return monomials(self.X / self.size, exponents) * np.sqrt(self.weights)[:, None]

    @property
    def target(self) -> np.ndarray:
        """The target (N,) times root weights."""
        return self.y * np.sqrt(self.weights)

    @property
    def total(self) -> float:
        """The weighted squares of the target about its weighted mean."""
        mean = np.average(self.y, weights=self.weights)
        return float(self.weights @ np.square(self.y - mean))

    def chunks(self, n_columns: int) -> Iterator[WeightedRows]:
        """Yield the rows by chunks of which `n_columns` columns fit a processor's cache."""
        step = max(CHUNK_ELEMENTS // max(n_columns, self.X.shape[1]), 1)
        for first in range(0, len(self.y), step):
            yield self.of(np.arange(first, min(first + step, len(self.y))))


def least_squares(rows: WeightedRows, exponents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients (M,) in units of `rows.size`, and the triangle (M, M) of the columns.

    The triangle R is that of an orthogonal decomposition of all rows, merged chunk by chunk.
    """
    m = len(exponents)
    both = np.zeros((0, m + 1))
    for part in rows.chunks(m + 1):
        new = np.column_stack([part.columns(exponents), part.target])
        both = qr(np.vstack([both, new]), mode="r", check_finite=False)[0][: m + 1]
    R = both[:m, :m]
    return solve_triangular(R, both[:m, m], check_finite=False), R


def intervals(
    rows: WeightedRows, exponents: np.ndarray, coefficients: np.ndarray, R: np.ndarray,
    level: float, seed: int,
) -> np.ndarray:
    """Return bootstrap intervals (M, 2) of what `least_squares` returns, percentiles of draws.

    Each draw changes the signs of residuals at random (wild bootstrap, Liu 1988), so that noise may
    differ from row to row; residuals are divided by one less their leverage (HC3 of MacKinnon &
    White 1985). The terms are taken as given.
    """
    m = len(exponents)
    rng = np.random.default_rng(seed)
    moved = np.zeros((m, N_BOOTSTRAP))
    for part in rows.chunks(N_BOOTSTRAP):
        A = part.columns(exponents)
        Q = solve_triangular(R, A.T, trans="T", check_finite=False).T
        leverage = np.einsum("nm,nm->n", Q, Q)
        residual = (part.target - A @ coefficients) / np.maximum(1 - leverage, 1e-3)
        signs = rng.integers(0, 2, (len(A), N_BOOTSTRAP), dtype=np.int8) * 2.0 - 1.0
        moved += (Q * residual[:, None]).T @ signs
    draws = coefficients[:, None] + solve_triangular(R, moved, check_finite=False)
    tail = 50 * (1 - level)
    return np.percentile(draws, [tail, 100 - tail], axis=1).T
