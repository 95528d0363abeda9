"""Which streams a polynomial sums, by its values split by degree, and its text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import sympy as sp

from nslib.formula import MAX_MONOMIALS, feature_symbols, leading_terms
from nslib.structure import NeuronStructure

from .scaled_fit import sizes

LEAST_VARIANCE = 1e-6  # of a stream that counts, in units of the target's variance
LEAST_OF_ERROR = 0.1  # and in units of the model's mean squared error

Polynomial = Callable[..., object]
"""(N, D) to (N,) by + - * ** @ and indexing only, so that it takes arrays, `Graded` and symbols."""


class Graded:
    """The values of polynomials, split by degree: `parts` (K + 1, …), that of degree k at k.

    Arithmetic is that of arrays (…,): indices, sums, products and powers of the values.
    """

    __array_ufunc__ = None  # numpy arrays leave the arithmetic to this class

    def __init__(self, parts: np.ndarray) -> None:
        used = np.flatnonzero([part.any() for part in parts])
        self.parts = parts[: used[-1] + 1 if used.size else 1]

    @classmethod
    def of(cls, Z: np.ndarray) -> Graded:
        """Return the points Z (N, D) as polynomials of degree one in themselves."""
        return cls(np.stack([np.zeros_like(Z), Z]))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the values of one degree."""
        return self.parts.shape[1:]

    def __getitem__(self, index: object) -> Graded:
        index = index if isinstance(index, tuple) else (index,)
        return Graded(self.parts[(slice(None), *index)])

    def __add__(self, other: Graded | np.ndarray | float) -> Graded:
        if not isinstance(other, Graded):
            other = Graded(np.broadcast_to(np.float64(other), self.shape)[None])
        short, long = sorted((self.parts, other.parts), key=len)
        total = long.copy()
        total[: len(short)] += short
        return Graded(total)

    __radd__ = __add__

    def __neg__(self) -> Graded:
        return Graded(-self.parts)

    def __sub__(self, other: Graded | np.ndarray | float) -> Graded:
        return self + -other

    def __rsub__(self, other: np.ndarray | float) -> Graded:
        return -self + other

    def __mul__(self, other: Graded | np.ndarray | float) -> Graded:
        if not isinstance(other, Graded):
            return Graded(self.parts * other)
        product = np.zeros((len(self.parts) + len(other.parts) - 1, *self.parts.shape[1:]))
        for i, mine in enumerate(self.parts):
            if mine.any():
                product[i : i + len(other.parts)] += mine * other.parts
        return Graded(product)

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> Graded:
        power = self
        for _ in range(exponent - 1):
            power = power * self
        return power

    def __matmul__(self, weights: np.ndarray) -> Graded:
        return Graded(self.parts @ weights)


def structure_of(
    polynomial: Polynomial, Z: np.ndarray, target: np.ndarray
) -> NeuronStructure | None:
    """Return the streams of a polynomial fitted to features Z (N, D), target (N,) of variance 1.

    A stream counts where its outputs' variance is at least a tenth of the model's mean squared
    error and 1e-6 of the target's variance. The part of degree k is a pure stream where its cross
    monomials do not count, and both streams where neither kind can be left out; but products of
    linear forms have monomials x_i^k too, so it is an interaction alone where it varies in at
    most max(k, D / 2) directions. The interactions' rank, which streams do not tell, is left at 1.
    None for a constant.
    """
    error = float(np.mean((polynomial(Z) - target) ** 2))
    least = max(LEAST_VARIANCE, LEAST_OF_ERROR * error)
    orders: dict[str, list[int]] = {"pure": [], "interact": []}
    for k, (whole, pure) in homogeneous(polynomial, Z).items():
        has_pure, has_rest = pure.var() >= least, k > 1 and (whole - pure).var() >= least
        if has_pure and has_rest and whole.var() >= least:
            n_directions = max(k, Z.shape[1] // 2)
            confined = _confined(polynomial, Z, k, n_directions)
            has_pure = (whole - confined).var() >= least
        if has_pure:
            orders["pure"].append(k)
        if has_rest:
            orders["interact"].append(k)
    if not any(orders.values()):
        return None
    return NeuronStructure(orders["pure"], orders["interact"], rank=1)


def homogeneous(polynomial: Polynomial, Z: np.ndarray) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Return for each degree k >= 1 the part of degree k at Z (N, D), and its monomials x_i^k.

    Two arrays (N,) a degree. ValueError where powers overflow.
    """
    parts = polynomial(Graded.of(Z)).parts
    coefficients = polynomial(Graded.of(np.eye(Z.shape[1]))).parts
    if not (np.isfinite(parts).all() and np.isfinite(coefficients).all()):
        raise ValueError("polynomial: found values that overflow, expected smaller features")
    by_degree = {}
    for k, part in enumerate(parts[1:], start=1):
        known = k < len(coefficients)
        by_degree[k] = part, Z**k @ coefficients[k] if known else np.zeros(len(Z))
    return by_degree


def _confined(polynomial: Polynomial, Z: np.ndarray, k: int, n_directions: int) -> np.ndarray:
    """Return the part (N,) of degree k at Z (N, D) projected to where it varies most.

    Those directions are the leading eigenvectors of the mean outer product of its gradients, in
    units of the features' sizes.
    """
    size = sizes(Z)
    points = Z[: max(200, 2 * Z.shape[1])] / size

    def part(U: np.ndarray) -> np.ndarray:
        """Return the part of degree k (n,) at scaled points U (n, D)."""
        parts = polynomial(Graded.of(U * size)).parts
        return parts[k] if k < len(parts) else np.zeros(len(U))

    step = 1e-4
    gradients = np.stack([
        part(points + step * e) - part(points - step * e) for e in np.eye(Z.shape[1])
    ])
    directions = np.linalg.svd(gradients, full_matrices=False)[0][:, :n_directions]
    return part((Z / size) @ directions @ directions.T)


def formula_text(polynomial: Polynomial, Z: np.ndarray, names: Sequence[str] | None) -> str:
    """Return the constant and the largest monomials as text, or variances by degree at Z (N, D).

    The variances where there might be more than `nslib.formula.MAX_MONOMIALS` monomials.
    """
    d = Z.shape[1]
    degree = len(polynomial(Graded.of(Z)).parts) - 1
    if math.comb(d + degree, degree) > MAX_MONOMIALS:
        listed = ", ".join(
            f"degree {k} {whole.var():.3g}" for k, (whole, _) in homogeneous(polynomial, Z).items()
        )
        return f"polynomial in {d} features, variances by degree: {listed}"
    symbols = np.array([sp.polys.rings.ring(feature_symbols(names, d), sp.RR)[1:]], dtype=object)
    expanded = polynomial(symbols)[0]
    return written(expanded.as_expr() if hasattr(expanded, "as_expr") else sp.sympify(expanded))


def written(expression: sp.Expr, n_terms: int = 8) -> str:
    """Return the constant and the largest monomials as text, without those of rounding's size."""
    coefficients = expression.as_coefficients_dict()
    least = 1e-12 * max((abs(float(c)) for c in coefficients.values()), default=0.0)
    kept = [c * monomial for monomial, c in coefficients.items() if abs(float(c)) > least]
    return str(leading_terms(sp.Add(*kept), n_terms))
