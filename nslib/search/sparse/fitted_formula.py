"""SparseFormula: a polynomial of few terms in raw units, with intervals and a front of others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import sympy as sp

from ... import checks, formula
from ..columns import finite_chunks
from ..search_task import feature_names
from . import exports
from .raw_monomials import monomials

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .sparse_module import SparseNeuron

MAX_DIGITS = 6
"""Significant digits of coefficients in print: more are only of use to a computer."""


@dataclass(frozen=True, eq=False)
class SparseFormula:
    """A sum of M monomials of D features, in raw units; its text, `str`, is the formula.

    terms: exponents (M, D), all zero for the constant, which is there if the data ask for it.
    coefficients: (M,); intervals: (M, 2), the ends of their bootstrap intervals of this level,
        which take the terms as given.
    r2: on a quarter of the rows, of what is chosen and fitted on the others in the same way.
    path: the front of complexity against error, a row a number of terms. Each formula is the best
        of so many terms on three quarters of the rows; `error` (root mean square) and `r2` are
        those on the last quarter; `chosen` tells the number that the criterion takes there;
        `formula` is a sympy expression.
    feature_names: of the D features, None where the data had none.
    n_rows: on which the coefficients were fitted.

    Examples
    --------
    >>> from nslib.search import sparse_formula
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame({"m": rng.uniform(1, 5, 500), "v": rng.uniform(1, 5, 500)})
    >>> energy = sparse_formula(table, table["m"] * table["v"] ** 2 / 2 + rng.normal(0, .1, 500))
    >>> energy.terms.tolist(), energy.path["terms"].tolist()[0]
    ([[1, 2]], 1)
    >>> bool(energy.intervals[0, 0] < 0.5 < energy.intervals[0, 1])
    True
    """

    terms: np.ndarray
    coefficients: np.ndarray
    intervals: np.ndarray = field(repr=False)
    level: float = field(repr=False)
    r2: float
    path: pd.DataFrame = field(repr=False)
    feature_names: tuple[str, ...] | None
    n_rows: int = field(repr=False)

    def __str__(self) -> str:
        m = len(self.terms)
        held_out = f"{m} term{'' if m == 1 else 's'}, R² {self.r2:.4f} on held-out rows"
        return f"y = {exports.sum_text(self.rounded(), self._names(), self.terms)}\n{held_out}"

    def _repr_latex_(self) -> str:
        terms = [sp.latex(term) for term in self._ordered(np.array(self.rounded(), dtype=float))]
        text = " + ".join(terms).replace("+ -", "- ") or "0"
        return rf"$\displaystyle y = {text}$"

    def _ordered(self, coefficients: np.ndarray) -> list[sp.Expr]:
        symbols = formula.feature_symbols(self.feature_names, self.terms.shape[1])
        return [expression(self.terms[i : i + 1], coefficients[i : i + 1], symbols)
                for i in range(len(self.terms))]

    def _names(self) -> list[str]:
        return list(map(str, formula.feature_symbols(self.feature_names, self.terms.shape[1])))

    def rounded(self) -> list[str]:
        """Return the M coefficients as text, with the digits that their intervals leave."""
        halves = np.diff(self.intervals, axis=1)[:, 0] / 2
        return [f"{c:.{_digits(c, half)}g}"
                for c, half in zip(self.coefficients, halves, strict=True)]

    def predict(self, X: Any) -> np.ndarray:
        """Return the formula's values (N,) at raw X (N, D).

        Raises ValueError for other features than those of the data, and where powers overflow.
        """
        names, d = feature_names(X), self.terms.shape[1]
        if None not in (names, self.feature_names) and names != self.feature_names:
            raise ValueError(f"X: found the columns {list(names)}, expected "
                             f"{list(self.feature_names)}")
        X = checks.as_rows(X, min_rows=1)
        if X.shape[1] != d:
            raise ValueError(f"X: found {X.shape[1]} features, expected {d}")
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.concatenate([monomials(part, self.terms) @ self.coefficients
                                     for part in finite_chunks(X, "X")])
        if not np.isfinite(values).all():
            raise ValueError("X: found values so far from the data that powers overflow")
        return values

    def formula(self) -> sp.Expr:
        """Return the formula as a sympy expression with all digits of its coefficients."""
        symbols = formula.feature_symbols(self.feature_names, self.terms.shape[1])
        return expression(self.terms, self.coefficients, symbols)

    def latex_table(self) -> str:
        """Return a LaTeX table of terms, coefficients and intervals, for the package booktabs."""
        halves = np.diff(self.intervals, axis=1)[:, 0] / 2
        ends = [[f"{end:.{_digits(end, half)}g}" for end in pair]
                for pair, half in zip(self.intervals, halves, strict=True)]
        return exports.latex_table(self._names(), self.terms, self.rounded(), ends, self.level)

    def to_python(self) -> str:
        """Return the source text of a function `formula(X)`, X (N, D), that needs numpy alone."""
        return exports.python_source(self._names(), self.terms, self.coefficients)

    def to_torch(self) -> SparseNeuron:
        """Return a torch module, float64, from X (N, D) to (N, 1); coefficients are parameters."""
        from .sparse_module import SparseNeuron

        return SparseNeuron(self.terms, self.coefficients)

    def plot_path(self, ax: Axes | None = None) -> Axes:
        """Draw the held-out error against the number of terms; return the axes.

        ax : matplotlib axes, by default new ones.
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots(figsize=(5, 3.2))[1]
        chosen = self.path[self.path["chosen"]]
        ax.plot(self.path["terms"], self.path["error"], "o-", color="#0072B2", label="best of size")
        ax.plot(chosen["terms"], chosen["error"], "o", ms=11, mfc="none", color="#D55E00",
                label="chosen")
        if (self.path["error"] > 0).all():
            ax.set_yscale("log")
        ax.set(xlabel="terms", ylabel="error on held-out rows", xticks=self.path["terms"])
        ax.legend()
        return ax


def _digits(value: float, half: float) -> int:
    """Return how many significant digits of a value its interval's half width leaves, 2 to 6."""
    if not half > 0 or value == 0:
        return MAX_DIGITS
    digits = math.floor(math.log10(abs(value))) - math.floor(math.log10(half)) + 1
    return min(max(digits, 2), MAX_DIGITS)


def expression(
    terms: np.ndarray, coefficients: np.ndarray, symbols: Sequence[sp.Symbol]
) -> sp.Expr:
    """Return the sum of monomials (M, D) with coefficients (M,) in D symbols."""
    return sp.Add(*(
        float(c) * sp.Mul(*(s**e for s, e in zip(symbols, exponents, strict=True) if e))
        for c, exponents in zip(coefficients, terms.tolist(), strict=True)
    ))
