"""Near points of a lattice: reduction (LLL) and randomised rounding by nearest planes (Babai)."""

from __future__ import annotations

import importlib.util

import numpy as np

HAS_FLINT = importlib.util.find_spec("flint") is not None


def reduce(rows: list[list[int]]) -> list[list[int]]:
    """Return an LLL-reduced basis [n][n] of the lattice of integer `rows` [n][n].

    By FLINT where python-flint is installed, else by sympy in pure Python: the same guarantee,
    hundreds of times slower. Source: Lenstra, Lenstra and Lovász (1982).
    """
    if HAS_FLINT:
        from flint import fmpz_mat

        # δ = 0.999, near the limit of 1: shorter vectors for little more time
        return [[int(value) for value in row] for row in fmpz_mat(rows).lll(delta=0.999).tolist()]
    from sympy import ZZ
    from sympy.polys.matrices import DomainMatrix

    matrix = DomainMatrix([[ZZ(v) for v in row] for row in rows], (len(rows), len(rows[0])), ZZ)
    return [[int(value) for value in row] for row in matrix.lll().to_list()]


def triangular(basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (R, Q) with `basis` = R Qᵀ, R lower triangular, Q orthogonal; all (n, n) doubles.

    R holds the rows of the basis in the orthonormal directions Q (Gram and Schmidt).
    """
    q, upper = np.linalg.qr(basis.T)
    return upper.T, q


def nearest_planes(
    lower: np.ndarray, turn: np.ndarray, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Round every target to a near lattice point, many targets at once.

    `lower`, `turn` (n, n): of `triangular`; `targets` (M, n). Returns what is left of each target,
    (M, n), and the integer coefficients of the lattice point as doubles (M, n). Source: Babai
    (1986), "On Lovász' lattice reduction and the nearest lattice point problem".
    """
    # From the last basis vector to the first: only vector i still reaches direction i, so the
    # nearest of its planes is chosen there, and what is left is at most half its length.
    left = targets @ turn
    coefficients = np.empty_like(left)
    for i in range(len(lower) - 1, -1, -1):
        coefficients[:, i] = np.rint(left[:, i] / lower[i, i])
        left[:, :i + 1] -= coefficients[:, i, None] * lower[i, :i + 1]
    return left @ turn.T, coefficients
