"""Sums of powers Σ_i x_i^k and all that least squares on them needs of the data.

A neuron with one formula for all coordinates, ŷ = Σ_i g(x_i) with a polynomial g, is linear in
these sums. They are reduced to a triangular factor, never to a Gram matrix, which would lose half
the digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_ROWS = 512  # so few that LAPACK stays on one thread: the sums are the same on every machine


@dataclass(frozen=True)
class PowerSums:
    """What fitness needs of N rows: `root` (≤ K + 2, K + 2), the R of a QR of [S_0 … S_K, y].

    S_k = Σ_i z_i^k / √D over the D coordinates of z = x / `unit`. `unit` is the root mean square
    of x, one number, so that a shared g stays a shared g; by √D the variance of a sum of
    independent terms is that of one term. `spread` (K + 1,): standard deviation of each S_k.
    """

    root: np.ndarray
    spread: np.ndarray
    n_rows: int
    unit: float

    @classmethod
    def of(cls, Z: np.ndarray, y: np.ndarray, order: int) -> PowerSums:
        """Reduce features Z (N, D) and target y (N,), block by block."""
        size = float(np.abs(Z).max()) or 1.0
        unit = size * (float(np.sqrt(np.square(Z / size).mean())) or 1.0)
        root = np.empty((0, order + 2))
        for start in range(0, len(Z), _ROWS):
            block = slice(start, start + _ROWS)
            sums = power_sums(Z[block] / unit, order) / np.sqrt(Z.shape[1])
            columns = np.column_stack([sums, y[block]])
            root = np.linalg.qr(np.concatenate([root, columns]), mode="r")
        ones = root[:, 0] / np.linalg.norm(root[:, 0])
        centred = root[:, :-1] - np.outer(ones, ones @ root[:, :-1])
        return cls(root, np.linalg.norm(centred, axis=0) / np.sqrt(len(Z)), len(Z), unit)

    def errors(self, polynomials: np.ndarray, linear_scaling: bool = False) -> np.ndarray:
        """Return the mean squared error of Σ_k a_k S_k for coefficients (P, K + 1): (P,).

        With `linear_scaling` that of a + b·Σ_k a_k S_k for the best a and b.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            # einsum, unlike a BLAS product, has one order of summation on every machine
            predicted = np.einsum("pk,jk->pj", polynomials, self.root[:, :-1])
            target = self.root[:, -1]
            if linear_scaling:
                ones = self.root[:, 0] / np.linalg.norm(self.root[:, 0])
                target = target - (target @ ones) * ones
                predicted = predicted - np.einsum("pj,j->p", predicted, ones)[:, None] * ones
                power = np.square(predicted).sum(axis=1)
                slope = np.einsum("pj,j->p", predicted, target) / np.where(power > 0, power, 1.0)
                predicted = predicted * slope[:, None]
            errors = np.square(predicted - target).sum(axis=1) / self.n_rows
        return np.where(np.isfinite(errors), errors, np.inf)

    def refit(self, orders: Sequence[int]) -> tuple[np.ndarray, float]:
        """Return constant and coefficients (1 + k,) of k orders by least squares, and their MSE."""
        columns = self.root[:, [0, *orders]]
        size = np.linalg.norm(columns, axis=0)
        size = np.where(size > 0, size, 1.0)
        solution = np.linalg.lstsq(columns / size, self.root[:, -1], rcond=1e-12)[0]
        residual = columns / size @ solution - self.root[:, -1]
        return solution / size, float(residual @ residual) / self.n_rows

    def used(self, polynomials: np.ndarray, threshold: float) -> np.ndarray:
        """Return which orders 1..K of coefficients (P, K + 1) move ŷ by `threshold`: (P, K)."""
        return (np.abs(polynomials) * self.spread)[:, 1:] >= threshold

    def needed(self, orders: Sequence[int], threshold: float) -> list[int]:
        """Return the orders left when those are dropped, one by one, that the fit does not miss."""
        kept = sorted(orders)
        while len(kept) > 1:
            error = self.refit(kept)[1]
            freedom = max(self.n_rows - len(kept) - 1, 1)
            chance = error * np.log(self.n_rows) / freedom
            losses = {k: self.refit([j for j in kept if j != k])[1] - error for k in kept}
            weakest = min(reversed(kept), key=losses.__getitem__)
            if losses[weakest] >= max(threshold**2, chance):
                break
            kept.remove(weakest)
        return kept


def power_sums(Z: np.ndarray, order: int) -> np.ndarray:
    """Return Σ_i z_i^k for k = 0..order of rows Z (N, D): (N, order + 1)."""
    sums, power = np.empty((len(Z), order + 1)), np.ones_like(Z)
    for k in range(order + 1):
        sums[:, k] = power.sum(axis=1)
        power = power * Z
    return sums
