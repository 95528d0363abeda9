"""Polynomials whose terms are known, in raw units: 23 public formulas and random sparse ones.

Sources: AI-Feynman (Udrescu & Tegmark 2020, the table FeynmanEquations.csv): the 16 of its 100
formulas that are polynomials of their variables; Nguyen (Uy et al. 2011) and Jin (Jin et al. 2019)
with the ranges of the benchmark of deep symbolic optimization (Petersen et al. 2021).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from .. import checks
from ..portable import power

if TYPE_CHECKING:
    import sympy as sp

_REFERENCE_ROWS = 10_000


@dataclass(frozen=True)
class SparsePolynomial:
    """A sum of a few monomials, and the distribution of its inputs.

    name: of the formula; variables: the D names of the features.
    exponents: of M terms the D exponents each, all zero for a constant; coefficients: M numbers.
    inputs: of D features ("uniform", low, high) or ("normal", mean, standard deviation).
    """

    name: str
    variables: tuple[str, ...]
    exponents: tuple[tuple[int, ...], ...]
    coefficients: tuple[float, ...]
    inputs: tuple[tuple[str, float, float], ...]

    @property
    def terms(self) -> dict[tuple[int, ...], float]:
        """The coefficient of each term, by its D exponents."""
        return dict(zip(self.exponents, self.coefficients, strict=True))

    def values(self, X: np.ndarray) -> np.ndarray:
        """Return the polynomial (N,) at X (N, D)."""
        total = np.zeros(len(X))
        for exponents, coefficient in self.terms.items():
            total += coefficient * _monomial(X, exponents)
        return total

    def formula(self) -> sp.Expr:
        """Return the polynomial as a sympy expression in its variables."""
        import sympy as sp

        x = [sp.Symbol(name) for name in self.variables]
        return sp.Add(*(coefficient * sp.Mul(*(s**e for s, e in zip(x, exponents, strict=True)))
                        for exponents, coefficient in self.terms.items()))


def _monomial(X: np.ndarray, exponents: Sequence[int]) -> np.ndarray:
    """Return the product (N,) of powers of the columns of X (N, D)."""
    product = np.ones(len(X))
    for i, exponent in enumerate(exponents):
        if exponent:
            product *= power(X[:, i], exponent)
    return product


def _public(name: str, variables: str, terms: Sequence[tuple[float, str]], low: float = 1.0,
            high: float = 5.0) -> SparsePolynomial:
    """Return a formula of terms such as (0.5, "m u u") or (-15, ""), whose x ~ U(low, high)."""
    names = tuple(variables.split())
    exponents = tuple(tuple(map(factors.split().count, names)) for _, factors in terms)
    coefficients = tuple(float(coefficient) for coefficient, _ in terms)
    return SparsePolynomial(name, names, exponents, coefficients,
                            (("uniform", low, high),) * len(names))


_FORMULAS = (
    _public("I.11.19", "x1 y1 x2 y2 x3 y3", [(1, "x1 y1"), (1, "x2 y2"), (1, "x3 y3")]),
    _public("I.12.1", "mu Nn", [(1, "mu Nn")]),
    _public("I.12.5", "q2 Ef", [(1, "q2 Ef")]),
    _public("I.13.4", "m v u w", [(0.5, "m v v"), (0.5, "m u u"), (0.5, "m w w")]),
    _public("I.14.3", "m g z", [(1, "m g z")]),
    _public("I.14.4", "k_spring x", [(0.5, "k_spring x x")]),
    _public("I.24.6", "m omega omega_0 x",
            [(0.25, "m omega omega x x"), (0.25, "m omega_0 omega_0 x x")], high=3.0),
    _public("I.34.27", "h omega", [(0.5 / math.pi, "h omega")]),
    _public("I.39.1", "pr V", [(1.5, "pr V")]),
    _public("I.43.31", "mob kb T", [(1, "mob kb T")]),
    _public("II.8.31", "epsilon Ef", [(0.5, "epsilon Ef Ef")]),
    _public("II.27.16", "epsilon c Ef", [(1, "epsilon c Ef Ef")]),
    _public("II.27.18", "epsilon Ef", [(1, "epsilon Ef Ef")]),
    _public("II.34.2", "q v r", [(0.5, "q v r")]),
    _public("II.37.1", "mom B chi", [(1, "mom B"), (1, "mom B chi")]),
    _public("III.12.43", "n h", [(0.5 / math.pi, "n h")]),
    _public("Nguyen-1", "x", [(1, "x x x"), (1, "x x"), (1, "x")], -1.0, 1.0),
    _public("Nguyen-2", "x", [(1, "x x x x"), (1, "x x x"), (1, "x x"), (1, "x")], -1.0, 1.0),
    _public("Nguyen-3", "x",
            [(1, "x x x x x"), (1, "x x x x"), (1, "x x x"), (1, "x x"), (1, "x")], -1.0, 1.0),
    _public("Nguyen-12", "x y", [(1, "x x x x"), (-1, "x x x"), (0.5, "y y"), (-1, "y")], 0.0, 1.0),
    _public("Jin-1", "x y",
            [(2.5, "x x x x"), (-1.3, "x x x"), (0.5, "y y"), (-1.7, "y")], -3.0, 3.0),
    _public("Jin-2", "x y", [(8, "x x"), (8, "y y y"), (-15, "")], -3.0, 3.0),
    _public("Jin-3", "x y",
            [(0.2, "x x x"), (0.5, "y y y"), (-1.2, "y"), (-0.5, "x")], -3.0, 3.0),
)
PUBLIC_FORMULAS: Mapping[str, SparsePolynomial] = MappingProxyType(
    {formula.name: formula for formula in _FORMULAS}
)
"""The 23 public formulas by name."""


def random_sparse_polynomial(seed: int) -> SparsePolynomial:
    """Return a random polynomial of 2 to 5 terms of 2 to 6 features whose means are not zero.

    Each feature is uniform or normal, has a standard deviation of U(0.5, 2) and a mean of up to 5
    standard deviations on either side. Each term is of degree 1 to 4, and has a coefficient of
    either sign with which its own standard deviation is U(0.5, 5), so that none of the terms drowns
    in the noise that the others allow.

    Examples
    --------
    >>> polynomial = random_sparse_polynomial(0)
    >>> X, y = sample(polynomial, 100, noise=0.01, seed=1)
    >>> len(polynomial.terms) in range(2, 6), X.shape == (100, len(polynomial.variables))
    (True, True)
    """
    rng = np.random.default_rng([checks.positive_int(seed, "seed", minimum=0), 0])
    n_features, n_terms = int(rng.integers(2, 7)), int(rng.integers(2, 6))
    inputs = []
    for _ in range(n_features):
        scale = rng.uniform(0.5, 2.0)
        mean = scale * rng.uniform(-5.0, 5.0)
        if rng.integers(2):
            inputs.append(("normal", float(mean), float(scale)))
        else:
            half = math.sqrt(3.0) * scale
            inputs.append(("uniform", float(mean - half), float(mean + half)))
    exponents: list[tuple[int, ...]] = []
    while len(exponents) < n_terms:
        factors = rng.integers(n_features, size=rng.integers(1, 5))
        drawn = tuple(np.bincount(factors, minlength=n_features).tolist())
        if drawn not in exponents:
            exponents.append(drawn)
    reference = _draw(inputs, _REFERENCE_ROWS, rng)
    coefficients = tuple(
        float(rng.choice((-1.0, 1.0)) * rng.uniform(0.5, 5.0) / _monomial(reference, drawn).std())
        for drawn in exponents
    )
    return SparsePolynomial(f"random {seed}", tuple(f"x{i + 1}" for i in range(n_features)),
                            tuple(exponents), coefficients, tuple(inputs))


def _draw(inputs: Sequence[tuple[str, float, float]], n: int,
          rng: np.random.Generator) -> np.ndarray:
    """Return n rows of inputs, (n, D)."""
    return np.column_stack([
        rng.uniform(a, b, n) if kind == "uniform" else rng.normal(a, b, n) for kind, a, b in inputs
    ])


def sample(
    polynomial: SparsePolynomial, n: int, noise: float = 0.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of a polynomial's inputs and the noisy target of each.

    Parameters
    ----------
    polynomial : SparsePolynomial
        Of D features.
    n : int
        Number of rows, at least two.
    noise : float
        The standard deviation of the noise as a share of that of the target without noise.
    seed : int
        Of inputs and noise; the rows of a seed are the same for every noise.

    Returns
    -------
    X : array (n, D)
    y : array (n,)

    Raises
    ------
    TypeError, ValueError
        For an argument out of range.

    Examples
    --------
    >>> X, y = sample(PUBLIC_FORMULAS["I.14.3"], 50)
    >>> bool(np.allclose(y, X[:, 0] * X[:, 1] * X[:, 2]))
    True
    """
    if not isinstance(polynomial, SparsePolynomial):
        shown = checks.shown(polynomial)
        raise TypeError(f"polynomial: found {shown}, expected a SparsePolynomial")
    n = checks.positive_int(n, "n", minimum=2)
    noise = checks.real(noise, "noise", low=0.0)
    rng = np.random.default_rng([checks.positive_int(seed, "seed", minimum=0), 1])
    X = _draw(polynomial.inputs, n, rng)
    clean = polynomial.values(X)
    return X, clean + noise * clean.std() * rng.standard_normal(n)
