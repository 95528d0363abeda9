"""Plain symbolic regression by gplearn: trees of + - × over features and constants.

Source: Keijzer, Improving symbolic regression with interval arithmetic and linear scaling (EuroGP
2003), for the fitness by correlation; the trees are evolved by the package gplearn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from nslib import checks

from .peers import imported
from .program_trees import OPERATIONS, evaluate, read, terms
from .scaled_fit import ScaledFit, sizes


@dataclass(frozen=True)
class SymbolicOptions:
    """Options of the symbolic regression.

    `population` trees evolve for `generations` for each of the `parsimonies`, the loss of fitness
    a node; fitness is the correlation with the target, so that a formula's scale and constant cost
    nothing. `tournament`: trees in each. `validation`: share of the rows by which the parsimony is
    chosen.
    """

    population: int = 1000
    generations: int = 20
    tournament: int = 20
    parsimonies: tuple[float, ...] = (1e-4, 1e-3)
    validation: float = 0.2

    def __post_init__(self) -> None:
        checks.positive_int(self.population, "population", minimum=2)
        checks.positive_int(self.generations, "generations")
        checks.positive_int(self.tournament, "tournament", maximum=self.population)
        checks.reals(self.parsimonies, "parsimonies", low=0.0)
        checks.real(self.validation, "validation", low=0.01, high=0.5)


def fit_symbolic(
    Z: np.ndarray, y: np.ndarray, seed: int, options: SymbolicOptions
) -> ScaledFit:
    """Evolve formulas for Z (N, D), y (N,) and return the best, its terms weighted anew.

    Raises ImportError where gplearn is not installed.
    """
    size = sizes(Z)
    Z = Z / size
    rows = np.random.default_rng(seed).permutation(len(Z))
    n_validation = max(1, round(options.validation * len(Z)))
    held_out, training = rows[:n_validation], rows[n_validation:]
    best = None
    for parsimony in options.parsimonies:
        trees = terms(_evolved(Z[training], y[training], seed, parsimony, options))
        weights = _weighted(trees, Z[training], y[training])
        error = float(np.mean((_values(trees, weights, 1.0, Z[held_out]) - y[held_out]) ** 2))
        if best is None or error < best[0]:
            best = error, trees
    weights = _weighted(best[1], Z, y)
    return ScaledFit(partial(_values, best[1], weights, 1 / size))


def _evolved(
    Z: np.ndarray, y: np.ndarray, seed: int, parsimony: float, options: SymbolicOptions
) -> Any:
    """Return the tree of the largest correlation with y (N,) in the last generation."""
    regressor = imported("gplearn.genetic").SymbolicRegressor(
        population_size=options.population, generations=options.generations,
        tournament_size=options.tournament, function_set=tuple(OPERATIONS), metric="pearson",
        stopping_criteria=1.0, parsimony_coefficient=parsimony, n_jobs=1, random_state=seed,
    ).fit(Z, y)
    return read(regressor._program.program)


def _columns(trees: list[Any], Z: np.ndarray) -> np.ndarray:
    """Return the values of the trees at Z (N, D) and a column of ones, (N, trees + 1)."""
    columns = [np.broadcast_to(evaluate(tree, Z), len(Z)) for tree in trees]
    return np.stack([*columns, np.ones(len(Z))], axis=1)


def _weighted(trees: list[Any], Z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the least-squares weights (trees + 1,) of the trees and of the constant."""
    columns = _columns(trees, Z)
    scale = sizes(columns)
    return np.linalg.lstsq(columns / scale, y)[0] / scale


def _values(trees: list[Any], weights: np.ndarray, scale: np.ndarray | float, Z: Any) -> Any:
    """Return the weighted sum (N,) of the trees at Z (N, D) times `scale` (D,)."""
    Z = Z * scale
    values = 0.0 * Z[:, 0] + float(weights[-1])
    for tree, weight in zip(trees, weights, strict=False):
        values = values + float(weight) * evaluate(tree, Z)
    return values
