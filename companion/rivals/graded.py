"""Arithmetic with the values of polynomials split by degree."""

from __future__ import annotations

import numpy as np


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
