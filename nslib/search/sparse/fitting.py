"""From rows to a sparse formula: which terms, their coefficients, and the front of complexity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ... import checks, formula
from ...threads import threads
from ..search_task import SearchTask, make_task
from .choice import Candidates, Choice
from .coefficients import WeightedRows, intervals, least_squares
from .fitted_formula import SparseFormula, expression
from .raw_monomials import MAX_CANDIDATES, count_up_to, exponents_up_to

MAX_ROWS, MAX_ELEMENTS = 4000, 6_000_000
"""Rows on which terms are chosen, of which at least half are taken, and the elements of their
columns: of more rows, so many are drawn at random."""

MIN_ROWS = 8
HELD_OUT = 4
"""One of so many of these rows is held out to tell the error of formulas."""

MAX_DEGREE = 20


def sparse_formula(
    X: Any,
    y: Any,
    *,
    degree: int = 5,
    max_terms: int = 20,
    sample_weight: Any = None,
    level: float = 0.95,
    seed: int = 0,
) -> SparseFormula:
    """Return the polynomial in raw units with as few terms as the data ask for.

    Terms are chosen among all monomials of the features, the constant among them, by an extended
    BIC; no shift or scaling of the features takes part in it.

    Parameters
    ----------
    X : array-like (N, D)
        Features; the column names of a DataFrame name them in the formula.
    y : array-like (N,)
        A regression target.
    degree : int
        Highest degree of a monomial, from 1 to 20.
    max_terms : int
        Most terms of the formula.
    sample_weight : array-like (N,), optional
        Weights of the rows, not negative; rows of weight zero are left out.
    level : float
        Of the coefficients' intervals, between 0.5 and 0.999.
    seed : int
        Of the rows that are held out, and of the bootstrap.

    Returns
    -------
    SparseFormula

    Raises
    ------
    TypeError, ValueError
        Naming the argument, for data that are not finite, not numeric or not of equal length, for
        classes, fewer than 8 rows, weights that are negative, all zero or of another length, and
        where there are more than `nslib.search.sparse.raw_monomials.MAX_CANDIDATES` monomials.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).uniform(1, 5, (300, 3))
    >>> y = X[:, 0] * X[:, 1] * X[:, 2] - 2 * X[:, 0] ** 2
    >>> print(sparse_formula(X, y))
    y = -2*x_1**2 + x_1*x_2*x_3
    2 terms, R² 1.0000 on held-out rows
    """
    degree = checks.positive_int(degree, "degree", maximum=MAX_DEGREE)
    seed = checks.positive_int(seed, "seed", minimum=0)
    task = regression(X, y)
    rows = weighted_rows(task, sample_weight)
    highest = highest_exponents(rows, degree, seed)
    count = count_up_to(highest, degree)
    if count > MAX_CANDIDATES:
        raise ValueError(
            f"degree: found {degree}, with which {len(highest)} features have {count} monomials, "
            f"expected at most {MAX_CANDIDATES}; use `nslib.search(X, y).simplify()`, which takes "
            "the features and orders that a search kept, give fewer features or lower the degree"
        )
    return chosen_formula(rows, exponents_up_to(highest, degree), task.feature_names,
                          max_terms=max_terms, level=level, seed=seed)


def regression(X: Any, y: Any) -> SearchTask:
    """Return the checked task of X (N, D) and y (N,); ValueError for classes."""
    task = make_task(X, y, standardize=False)
    check_regression(task.classes)
    return task


def check_regression(classes: np.ndarray | None) -> None:
    """Raise ValueError for the names of classes (C,), of which there would be one formula each."""
    if classes is not None:
        raise ValueError(f"y: found {len(classes)} classes, expected the numbers of a regression, "
                         "which have one formula")


def weighted_rows(
    task: SearchTask, sample_weight: Any = None, without: np.ndarray | None = None
) -> WeightedRows:
    """Return the rows of a regression in raw units, less those of weight zero.

    sample_weight (N,) or None; without: numbers of rows that are left out too.
    """
    n = len(task.target)
    weights = np.ones(n)
    if sample_weight is not None:
        weights = checks.sample_weights(sample_weight, n)
    if without is not None and len(without):
        weights = weights.copy()
        weights[np.asarray(without)] = 0.0
    kept = np.flatnonzero(weights)
    if len(kept) < MIN_ROWS:
        raise ValueError(f"X: found {len(kept)} rows of weight above 0, expected at least "
                         f"{MIN_ROWS}")
    X = task.X if len(kept) == n else task.X[kept]
    size = np.maximum(np.abs(task.columns.low), np.abs(task.columns.high))
    return WeightedRows(X, (task.y_mean + task.y_scale * task.target)[kept],
                        weights[kept] / weights[kept].mean(), np.where(size > 0, size, 1.0))


def _rows_of_choice(n_rows: int, seed: int, n_columns: int = 1) -> np.ndarray:
    """Return the numbers of the rows on which terms are chosen, in random order."""
    n = min(max(MAX_ELEMENTS // n_columns, MAX_ROWS // 2), MAX_ROWS)
    return np.random.default_rng([seed, 0]).permutation(n_rows)[:n]


def highest_exponents(rows: WeightedRows, degree: int, seed: int) -> list[int]:
    """Return up to which power each of the D features is tried.

    A feature of v values has v - 1 powers that are not combinations of lower ones: a binary one
    has one.
    """
    X = rows.of(np.sort(_rows_of_choice(len(rows.y), seed))).X
    return [min(len(np.unique(X[:, i])) - 1, degree) for i in range(X.shape[1])]


def chosen_formula(
    rows: WeightedRows, exponents: np.ndarray, names: tuple[str, ...] | None, *, max_terms: int,
    level: float, seed: int,
) -> SparseFormula:
    """Return the formula of rows whose terms are chosen among exponents (P, D).

    In one thread, so that the number of threads decides nothing.
    """
    max_terms = checks.positive_int(max_terms, "max_terms")
    level = checks.real(level, "level", 0.5, 0.999)
    with threads(1):
        return _chosen_formula(rows, exponents, names, max_terms, level, seed)


def _chosen_formula(
    rows: WeightedRows, exponents: np.ndarray, names: tuple[str, ...] | None, max_terms: int,
    level: float, seed: int,
) -> SparseFormula:
    drawn = _rows_of_choice(len(rows.y), seed, len(exponents))
    held_out, rest = np.split(drawn, [len(drawn) // HELD_OUT])
    path, r2 = _path(rows.of(np.sort(rest)), rows.of(np.sort(held_out)), exponents, names,
                     max_terms)
    terms = _choice(rows.of(np.sort(drawn)), exponents, max_terms)[0]
    # the constant stands first among the candidates and last in a formula
    terms = np.array(sorted(terms.tolist(), key=lambda e: not any(e)), dtype=np.int64)
    terms = terms.reshape(-1, exponents.shape[1])
    coefficients, R = least_squares(rows, terms)
    ends = intervals(rows, terms, coefficients, R, level, seed)
    units = _units(rows, terms)
    return SparseFormula(terms, coefficients / units, ends / units[:, None], level, r2, path, names,
                         len(rows.y))


def _units(rows: WeightedRows, terms: np.ndarray) -> np.ndarray:
    """Return what monomials (M, D) are where all features have their largest size, (M,)."""
    with np.errstate(over="ignore", under="ignore"):
        units = monomial_sizes(rows.size, terms)
    if not (np.isfinite(units).all() and (units > 1e-300).all()):
        raise ValueError("X: found features of a size whose powers leave float64, expected other "
                         "units or a lower degree")
    return units


def monomial_sizes(size: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Return the values (M,) of monomials (M, D) at one point (D,)."""
    return np.prod(size ** terms, axis=1)


def _choice(
    rows: WeightedRows, exponents: np.ndarray, max_terms: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the chosen exponents (M, D), and the best ones of each size from one term on."""
    columns = rows.columns(exponents)
    present = columns.any(axis=0)  # products of one-hot columns are zero
    known = exponents[present]
    choice = Choice(Candidates.of_rows(columns[:, present], rows.target, rows.total), max_terms)
    choice.run()
    sizes = [known[list(choice.best(size)[0])] for size in sorted(choice.sets) if size]
    return known[list(choice.best(choice.size)[0])], sizes


def _path(
    rest: WeightedRows, held_out: WeightedRows, exponents: np.ndarray,
    names: tuple[str, ...] | None, max_terms: int,
) -> tuple[pd.DataFrame, float]:
    """Return the front of formulas that are chosen and fitted on `rest`, and R² of the chosen one.

    Columns: terms, error (root mean square on the rows held out), r2 of these, chosen, formula.
    """
    chosen, sizes = _choice(rest, exponents, max_terms)
    symbols = formula.feature_symbols(names, exponents.shape[1])
    lines, weight = [], held_out.weights.sum()
    for terms in sizes if len(chosen) else [chosen, *sizes]:
        coefficients, _ = least_squares(rest, terms)
        squares = float(np.square(held_out.target - held_out.columns(terms) @ coefficients).sum())
        lines.append({
            "terms": len(terms), "error": np.sqrt(squares / weight),
            "r2": 1 - squares / held_out.total if held_out.total else np.nan,
            "chosen": len(terms) == len(chosen),
            "formula": expression(terms, coefficients / _units(rest, terms), symbols),
        })
    path = pd.DataFrame(lines)
    return path, float(path.loc[path["chosen"], "r2"].iloc[0])
