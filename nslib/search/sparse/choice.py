"""The choice of terms: which few of many columns a target is a combination of.

Source: extended BIC of Chen & Chen (2008); forward choice with swaps and drops is the sequential
floating search of Pudil, Novovičová & Kittler (1994), here with a beam of the best sets of a size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.linalg import qr, solve_triangular

FLOOR = 1e-16
"""Share of the variance of y below which errors count as equal: without noise the logarithm of
rounding errors would choose the terms. That of `Squares` of the least-squares search."""

DEPENDENT = 1e-18
"""Square of the distance of a column of length one to a set's span, below which it adds nothing."""

NEARLY = 1e-6
"""Square of such a distance below which it is computed from the column's part outside the span:
one less the squares of its part inside would have too few digits."""

EVIDENCE = 4.0
"""By how much a term must better the extended BIC: less is no more than "positive" evidence in the
words of Kass & Raftery (1995)."""

ADDED, PATIENCE = 4, 3
"""Additions tried of each set, and sizes without a better criterion before the choice ends."""


@dataclass(frozen=True, eq=False)
class Moves:
    """What single moves would make of the squares of a set of k of P columns.

    added (P,): with one more column; dropped (k,): without one; swapped (k, P): without one and
    with another. Infinite where a column would add nothing.
    """

    squares: float
    added: np.ndarray
    dropped: np.ndarray
    swapped: np.ndarray


@dataclass(eq=False)
class Candidates:
    """P columns of length one (m, P) and a target (m,), which stand for `n_rows` rows.

    total: the squares of the target about its mean; cache: moves of sets by set.
    """

    columns: np.ndarray
    target: np.ndarray
    n_rows: int
    total: float
    cache: dict[tuple[int, ...], Moves] = field(default_factory=dict)

    @classmethod
    def of_rows(cls, columns: np.ndarray, target: np.ndarray, total: float) -> Candidates:
        """Return the candidates of columns (n, P), which are not zero, and a target (n,).

        Where rows are many, an orthogonal transformation leaves no more than there are columns.
        """
        n, p = columns.shape
        lengths = np.sqrt(np.einsum("np,np->p", columns, columns))
        both = np.column_stack([columns / lengths, target])
        if n > 1.5 * p:
            both = qr(both, mode="r", overwrite_a=True, check_finite=False)[0][: p + 1]
        return cls(np.ascontiguousarray(both[:, :p]), both[:, p].copy(), n, total)

    @cached_property
    def least(self) -> float:
        """The squares below which all are equal."""
        return max(FLOOR * self.total, 1e-300)

    def criterion(self, squares: float, size: int) -> float:
        """Return the extended BIC of `size` terms that leave these squares."""
        n, p = self.n_rows, self.columns.shape[1]
        at_most = min(size, p // 2)  # sets of more are fewer, but no simpler
        ways = math.lgamma(p + 1) - math.lgamma(at_most + 1) - math.lgamma(p - at_most + 1)
        fit = n * math.log(max(squares, self.least) / n)
        return fit + size * (math.log(n) + EVIDENCE) + 2 * ways

    def moves(self, chosen: tuple[int, ...]) -> Moves:
        """Return what single moves from this set would give."""
        if chosen not in self.cache:
            self.cache[chosen] = self._moves(chosen)
        return self.cache[chosen]

    def _moves(self, chosen: tuple[int, ...]) -> Moves:
        A, y, k = self.columns, self.target, len(chosen)
        Q, R = qr(A[:, chosen], mode="economic", check_finite=False)
        inside = Q.T @ y
        residual = y - Q @ inside
        shares = Q.T @ A
        lengths = 1.0 - np.einsum("kp,kp->p", shares, shares)
        products = residual @ A
        near = np.flatnonzero(lengths < NEARLY)
        outside = A[:, near] - Q @ shares[:, near]
        lengths[near] = np.einsum("mp,mp->p", outside, outside)
        products[near] = residual @ outside
        squares = float(residual @ residual)
        # the part of each chosen column that is orthogonal to the others, of length one
        own = solve_triangular(R, np.eye(k), trans="T", check_finite=False) if k else np.eye(0)
        own /= np.linalg.norm(own, axis=0)
        lost, along = own.T @ inside, own.T @ shares
        dropped = squares + lost**2
        swapped = dropped[:, None] - _gains(products + lost[:, None] * along, lengths + along**2)
        added = squares - _gains(products, lengths)
        added[list(chosen)] = np.inf
        swapped[:, list(chosen)] = np.inf
        return Moves(squares, added, dropped, swapped)


def _gains(products: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return by how much squares fall, minus infinity for columns that add nothing."""
    useful = lengths > DEPENDENT
    return np.where(useful, products**2 / np.where(useful, lengths, 1.0), -np.inf)


def _with(chosen: tuple[int, ...], out: int | None, new: int | None) -> tuple[int, ...]:
    """Return a set without its column number `out` and with the new column, in order."""
    rest = [c for i, c in enumerate(chosen) if i != out]
    return tuple(sorted(rest if new is None else [*rest, int(new)]))


class Choice:
    """The best sets of columns of each size, and the one that the criterion takes."""

    def __init__(self, candidates: Candidates, max_terms: int) -> None:
        # the more columns, the longer a set's moves take, and the fewer sets are kept
        n_columns = candidates.columns.shape[1]
        self.candidates, self.beam = candidates, min(max(3000 // n_columns, 2), 24)
        self.max_terms = min(max_terms, n_columns, candidates.n_rows // 3)
        self.sets: dict[int, dict[tuple[int, ...], float]] = {0: {(): self._squares(())}}

    def _squares(self, chosen: tuple[int, ...]) -> float:
        return self.candidates.moves(chosen).squares

    def best(self, size: int) -> tuple[tuple[int, ...], float]:
        """Return the best set of a size and its squares."""
        return min(self.sets[size].items(), key=lambda pair: pair[1])

    def criterion(self, size: int) -> float:
        """Return the criterion of the best set of a size."""
        return self.candidates.criterion(self.best(size)[1], size)

    @property
    def size(self) -> int:
        """The number of terms that the criterion takes."""
        return min(self.sets, key=lambda size: (self.criterion(size), size))

    def run(self) -> Choice:
        """Choose sets of growing size until the criterion has not fallen for some sizes."""
        size = 0
        while size < min(self.size + PATIENCE, self.max_terms):
            if self.best(size)[1] <= self.candidates.least:
                break
            if not self._grow(size + 1):
                break
            size += 1
            while size > 1 and self._shrink(size):
                size -= 1
        return self

    def _grow(self, size: int) -> bool:
        """Make sets of a size from those of one less; return whether any column adds something."""
        made: dict[tuple[int, ...], float] = {}
        for chosen in self.sets[size - 1]:
            added = self.candidates.moves(chosen).added
            for new in np.argpartition(added, min(ADDED, len(added) - 1))[:ADDED]:
                if np.isfinite(added[new]):
                    made[_with(chosen, None, new)] = float(added[new])
        if made:
            self._keep(size, made)
        return bool(made)

    def _keep(self, size: int, made: dict[tuple[int, ...], float]) -> None:
        """Keep the best sets of a size, each swapped until no swap betters it."""
        made = {**self.sets.get(size, {}), **made}
        best = sorted(made, key=lambda chosen: made[chosen])[: self.beam]
        kept = {}
        for chosen in best:
            chosen = self._swapped(chosen)
            kept[chosen] = self._squares(chosen)
        self.sets[size] = kept

    def _swapped(self, chosen: tuple[int, ...]) -> tuple[int, ...]:
        squares = self._squares(chosen)
        while squares > self.candidates.least:
            swapped = self.candidates.moves(chosen).swapped
            out, new = np.unravel_index(np.argmin(swapped), swapped.shape)
            if not swapped[out, new] < squares * (1 - 1e-9):
                break
            other = _with(chosen, int(out), int(new))
            if not self._squares(other) < squares:
                break
            chosen, squares = other, self._squares(other)
        return chosen

    def _shrink(self, size: int) -> bool:
        """Drop a column of each set; return whether that bettered the sets of one less."""
        before, made = self.best(size - 1)[1], {}
        for chosen in self.sets[size]:
            dropped = self.candidates.moves(chosen).dropped
            out = int(np.argmin(dropped))
            made[_with(chosen, out, None)] = float(dropped[out])
        if not min(made.values()) < before * (1 - 1e-9) or before <= self.candidates.least:
            return False
        self._keep(size - 1, made)
        return self.best(size - 1)[1] < before
