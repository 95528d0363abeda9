"""Plain symbolic regression by gplearn: trees of + - × over features and constants.

Source: Keijzer, Improving symbolic regression with interval arithmetic and linear scaling (EuroGP
2003), for the fitness by correlation; the trees are evolved by the package gplearn. A tree is
("add" | "sub" | "mul", left, right), the index of a feature (int) or a constant (float).
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from nslib import checks

from .peers import imported
from .scaled_fit import ScaledFit, sizes

OPERATIONS = {"add": operator.add, "sub": operator.sub, "mul": operator.mul}


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


def read(program: Iterable[Any]) -> Any:
    """Return the tree of a program in prefix order, as gplearn keeps it.

    Its nodes are functions of two arguments, told by their attribute `name`, feature indices and
    constants. Raises ValueError for another function and for a program that is no one tree.
    """
    stack: list[Any] = []
    for node in reversed(list(program)):
        if hasattr(node, "name"):
            checks.one_of(node.name, "function", OPERATIONS)
            if len(stack) < 2:
                raise ValueError(f"program: found {node.name!r} without its two arguments")
            stack.append((node.name, stack.pop(), stack.pop()))
        else:
            stack.append(node)
    if len(stack) != 1:
        raise ValueError(f"program: found {len(stack)} trees, expected one")
    return stack[0]


def evaluate(tree: Any, Z: Any) -> Any:
    """Return the values (N,) of a tree at Z (N, D), an array or `Graded`; a constant as it is."""
    if isinstance(tree, tuple):
        return OPERATIONS[tree[0]](evaluate(tree[1], Z), evaluate(tree[2], Z))
    return tree if isinstance(tree, float) else Z[:, tree]


def terms(tree: Any) -> list[Any]:
    """Return the distinct trees of which a tree is a weighted sum, constants left out."""
    if isinstance(tree, float):
        return []
    if isinstance(tree, tuple):
        name, left, right = tree
        if name in ("add", "sub"):
            return list(dict.fromkeys(terms(left) + terms(right)))
        if isinstance(left, float) or isinstance(right, float):
            return terms(left) + terms(right)
    return [tree]
