"""Monomials of features: their columns, and a sum of them as the streams of one neuron.

A monomial is the sorted tuple of the numbers of its features: (0, 0, 2) is x_0² x_2. Any polynomial
is a task-driven neuron: powers of one feature are its pure streams; the mixed monomials of order k
that share their first k - 2 features are these times a quadratic form, and a quadratic form of D
features is a sum of at most D rank-one terms, its eigenvectors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, combinations_with_replacement

import numpy as np
import torch

from ..least_squares.polynomial import Polynomial

Monomial = tuple[int, ...]

NEGLIGIBLE = 1e-12
"""Share of the largest eigenvalue below which a rank-one term is rounding."""


def powers(features: Sequence[int], order: int, two_valued: set[int]) -> list[Monomial]:
    """Return the powers 1 to `order` of these features, of those of two values the first only."""
    return [(i,) * k for k in range(1, order + 1) for i in features
            if k == 1 or i not in two_valued]


def products(features: Sequence[int], order: int, two_valued: set[int]) -> list[Monomial]:
    """Return the mixed monomials of order 2 to `order`; features of two values occur once in one.

    For these are ±1 or the like: any power of theirs is a linear function of them.
    """
    return [
        m for k in range(2, order + 1) for m in combinations_with_replacement(features, k)
        if len(set(m)) > 1 and all(m.count(i) == 1 for i in two_valued.intersection(m))
    ]


def pairs(features: Sequence[int], order: int, two_valued: set[int]) -> list[Monomial]:
    """Return the mixed monomials of order 2 to `order` of two features each."""
    return [
        (i,) * a + (j,) * (k - a)
        for i, j in combinations(features, 2) for k in range(2, order + 1) for a in range(1, k)
        if (a == 1 or i not in two_valued) and (k - a == 1 or j not in two_valued)
    ]


def columns(Z: np.ndarray, monomials: Iterable[Monomial]) -> np.ndarray:
    """Return the values (n, p) of p monomials of the rows Z (n, D)."""
    known: dict[Monomial, np.ndarray] = {(i,): Z[:, i] for i in range(Z.shape[1])}

    def value(monomial: Monomial) -> np.ndarray:
        """Return the column (n,) of a monomial, from that of all but its last factor."""
        if monomial not in known:
            known[monomial] = value(monomial[:-1]) * Z[:, monomial[-1]]
        return known[monomial]

    return np.stack([value(monomial) for monomial in monomials], axis=1)


def polynomial(
    weights: Mapping[Monomial, np.ndarray], bias: np.ndarray, n_features: int
) -> Polynomial:
    """Return the sum of monomials, each with weights (C,), and of the bias (C,), as streams.

    It computes the same function, up to rounding.
    """
    n_outputs = len(bias)
    pure: dict[int, np.ndarray] = {1: np.zeros((n_outputs, n_features))}
    mixed: dict[int, dict[Monomial, np.ndarray]] = defaultdict(dict)
    for monomial, weight in weights.items():
        order = len(monomial)
        if not np.any(weight):
            continue
        if len(set(monomial)) == 1:
            pure.setdefault(order, np.zeros((n_outputs, n_features)))[:, monomial[0]] = weight
        else:
            mixed[order][monomial] = weight
    terms = {k: _fewest_terms(part, n_outputs, n_features) for k, part in sorted(mixed.items())}
    if len(pure) > 1 or terms:
        pure = {k: w for k, w in pure.items() if w.any()}
    return Polynomial(
        n_features, torch.as_tensor(np.asarray(bias, dtype=np.float64)),
        {k: torch.as_tensor(w) for k, w in sorted(pure.items())},
        {k: torch.as_tensor(factors) for k, (factors, _) in terms.items()},
        {k: torch.as_tensor(mix) for k, (_, mix) in terms.items()},
    )


def _fewest_terms(
    weights: Mapping[Monomial, np.ndarray], n_outputs: int, n_features: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return factors (R, k, D) and mix (C, R) of mixed monomials of one order k.

    A term a monomial, which all outputs share, or eigenvectors, where these are fewer.
    """
    order = len(next(iter(weights)))
    of_monomials = np.zeros((len(weights), order, n_features))
    for r, monomial in enumerate(weights):
        of_monomials[r, np.arange(order), monomial] = 1.0
    mixes = np.stack(list(weights.values()), axis=1)
    forms: dict[tuple[int, Monomial], np.ndarray] = {}
    for monomial, weight in weights.items():
        *first, i, j = monomial
        for c in range(n_outputs):
            form = forms.setdefault((c, tuple(first)), np.zeros((n_features, n_features)))
            form[i, j] += weight[c] / 2
            form[j, i] += weight[c] / 2
    factors, outputs, sizes = [], [], []
    largest = max(float(np.abs(form).max()) for form in forms.values())
    for (c, first), form in forms.items():
        # only the features that occur: the others' eigenvalues are zero
        used = np.flatnonzero(form.any(axis=0))
        values, vectors = np.linalg.eigh(form[np.ix_(used, used)])
        for value, vector in zip(values, vectors.T, strict=True):
            if abs(value) <= NEGLIGIBLE * largest:
                continue
            factor = np.zeros((order, n_features))
            factor[np.arange(order - 2), first] = 1.0
            factor[order - 2 :, used] = vector
            factors.append(factor)
            outputs.append(c)
            sizes.append(value)
        if len(factors) >= len(weights):
            return of_monomials, mixes
    mix = np.zeros((n_outputs, len(factors)))
    mix[outputs, np.arange(len(factors))] = sizes
    return np.stack(factors), mix
