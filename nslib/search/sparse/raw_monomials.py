"""Monomials of features: which there are up to a degree, and their values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np

MAX_CANDIDATES = 4000
"""Monomials among which terms are chosen: their matrix of some thousand rows takes 0.1 GB."""


def count_up_to(highest: Sequence[int], degree: int) -> int:
    """Return the number of monomials of degrees 0 to `degree`.

    The exponent of feature i is at most `highest[i]`, D numbers.

    Examples
    --------
    >>> count_up_to([5] * 6, 5), count_up_to([2, 1], 2)
    (462, 5)
    """
    of_degree = [1] + [0] * degree
    for most in highest:
        of_degree = [sum(of_degree[max(k - most, 0) : k + 1]) for k in range(degree + 1)]
    return sum(of_degree)


def exponents_up_to(highest: Sequence[int], degree: int) -> np.ndarray:
    """Return the exponents (P, D) of the monomials that `count_up_to` counts, by degree.

    The first monomial is the constant.

    Examples
    --------
    >>> exponents_up_to([2, 1], 2).tolist()
    [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1]]
    """
    features = [i for i, most in enumerate(highest) if most > 0]
    rows = []
    for total in range(degree + 1):
        for factors in combinations_with_replacement(features, total):
            row = np.bincount(np.array(factors, dtype=np.int64), minlength=len(highest))
            if (row <= highest).all():
                rows.append(row)
    return np.array(rows, dtype=np.int64)


def powers_up_to(highest: Sequence[int], degree: int) -> np.ndarray:
    """Return the exponents (P, D) of the constant and of the powers of single features."""
    d = len(highest)
    rows = [np.zeros(d, dtype=np.int64)]
    for k in range(1, degree + 1):
        rows += [k * np.eye(1, d, i, dtype=np.int64)[0] for i in range(d) if highest[i] >= k]
    return np.array(rows)


def monomials(X: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """Return the values (N, P) of monomials with exponents (P, D) at X (N, D).

    Each is a product of features in a fixed order: no `**`, whose last bits depend on the
    processor.
    """
    known: dict[tuple[int, ...], np.ndarray] = {}
    values = np.ones((len(exponents), len(X)))
    for row, wanted in zip(values, exponents.tolist(), strict=True):
        product, key = None, ()
        for i in (i for i, exponent in enumerate(wanted) for _ in range(exponent)):
            key += (i,)
            if key not in known:
                known[key] = X[:, i] if product is None else product * X[:, i]
            product = known[key]
        if product is not None:
            row[:] = product
    return values.T
