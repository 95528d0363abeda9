"""Gross outliers of a regression target: rows that no choice of streams should follow."""

from __future__ import annotations

import numpy as np

BEYOND = 4.5
"""Robust standard deviations beyond which a row is an outlier; chance puts 7 of a million there."""

MOST = 0.25
"""Share of the rows beyond which they are no outliers but a formula that fits badly."""

ROUNDS = 4
"""How often the streams are chosen anew without the outliers of the fit before."""


def spread(residual: np.ndarray) -> float:
    """Return the standard deviation of residuals (n,) that outliers leave as it is.

    The median absolute deviation, scaled to normal numbers (Hampel 1974).
    """
    return 1.4826 * float(np.median(np.abs(residual - np.median(residual))))


def outlying(residual: np.ndarray) -> np.ndarray:
    """Return which residuals (n,) are far off all others, (n,) bool; none where most are zero."""
    return np.abs(residual - np.median(residual)) > BEYOND * max(spread(residual), 1e-300)


def stand_apart(residual: np.ndarray) -> bool:
    """Whether the outliers of residuals (n,) are apart from the rest.

    Where a formula misses a part of the target, or noise has long tails, residuals thin out little
    by little: there are as many between three standard deviations and the limit as beyond it.
    Gross errors leave a gap.
    """
    size = np.abs(residual - np.median(residual)) / max(spread(residual), 1e-300)
    beyond = int((size > BEYOND).sum())
    # chance puts 27 of 10 000 normal residuals beyond three standard deviations
    between = int(((size > 3) & (size <= BEYOND)).sum()) - 0.0027 * len(residual)
    return beyond > 0 and between < beyond / 2
