"""Which features a search needs: repeated ones, a screening of many, and those that carry nothing.

Wide tables have more parameters than rows. There a few features are chosen first, by forward
steps over powers and products of two (orthogonal matching pursuit with an extended BIC), which
see a feature through any low-order term that it is part of.

Sources: matching pursuit: Pati, Rezaiifar & Krishnaprasad (1993); extended BIC: Chen & Chen (2008);
removal by the curvature of the error: LeCun, Denker & Solla (1990).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ..search_task import SearchTask
from .gram import inverse_root, normal_equations, solve, squared_error
from .objective import Fitted, Objective
from .polynomial import Polynomial

SAME = 1e-9
"""Relative distance from the span of other columns below which a column counts as part of it."""

SCREENED = 8
"""Features that a screening keeps at most: enough for the streams of few features, and few enough
that interactions of order 5 can be told from 150 rows."""

ROWS = 15
"""Rows for each feature that is kept."""

TRIPLES = 10**9
"""Most multiplications, n D³, for which products of three different features are tried too."""


def repeated_columns(task: SearchTask) -> dict[int, list[int]]:
    """Return which columns are superfluous, each with the columns that it follows from.

    These are copies of a column up to scale and origin, and of columns with two values those that
    the others determine: a reference level of each one-hot group. A power of such a column is
    linear in it, so that leaving it out changes no stream. (Another linear combination, x₃ =
    x₁ + x₂, has powers of its own and stays.)
    """
    n, d = task.X.shape
    varying = np.flatnonzero(~task.constant)
    sample = task.rows[: min(n, 5000)][:, varying]
    spread = sample.std(axis=0)
    varying, unit = varying[spread > 0], (sample - sample.mean(axis=0))[:, spread > 0]
    unit = unit / spread[spread > 0]
    binary = np.array([len(np.unique(column)) == 2 for column in unit.T], dtype=bool)
    superfluous: dict[int, list[int]] = {}
    gram = unit.T @ unit / len(unit)
    # of the columns that are equal the first stays: pairs come in the order of the earlier one
    for i, j in np.argwhere(np.triu(np.abs(np.abs(gram) - 1) < SAME, 1)):
        if varying[i] not in superfluous:
            superfluous.setdefault(int(varying[j]), [int(varying[i])])
    basis = np.empty((len(unit), 0))
    members: list[int] = []
    for j in np.flatnonzero(binary):
        if varying[j] in superfluous:
            continue
        column = unit[:, j]
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)
        size = np.linalg.norm(rest)
        if size > math.sqrt(SAME) * math.sqrt(len(unit)):
            basis, members = np.column_stack([basis, rest / size]), [*members, j]
            continue
        weights = np.linalg.lstsq(unit[:, members], column, rcond=None)[0]
        sources = [members[i] for i in np.flatnonzero(np.abs(weights) > 1e-6)]
        superfluous[int(varying[j])] = [int(varying[i]) for i in sources]
    return {j: sources for j, sources in superfluous.items() if _follows(task, j, sources)}


def _follows(task: SearchTask, column: int, sources: list[int]) -> bool:
    """Whether in all rows a column is the sum of multiples of others and a constant."""
    weights = None
    for first in range(0, len(task.X), 5000):
        rows = task.rows[first : first + 5000]
        columns = np.column_stack([np.ones(len(rows)), rows[:, sources]])
        if weights is None:
            weights = np.linalg.lstsq(columns, rows[:, column], rcond=None)[0]
        if np.abs(columns @ weights - rows[:, column]).max() > 1e-6:
            return False
    return True


class Dictionary:
    """Powers up to 3 of features Z (n, D), products x_i x_j and x_i² x_j, and x_i x_j x_k.

    Each counts with its part of mean zero, at unit size. The second and the third power are those
    of Hermite, which for normal features have nothing of the lower ones. Matrix products score
    them all without making them, n D² multiplications for the products of two.
    """

    def __init__(self, Z: Tensor) -> None:
        d = Z.shape[1]
        spread = Z.std(0, correction=0)
        self.Z = (Z - Z.mean(0)) / torch.where(spread > 0, spread, 1.0)
        ones = torch.ones(len(Z), 1, dtype=torch.float64)
        square = self.Z.square() - 1
        above = torch.ones(d, d, dtype=torch.float64).triu(1)
        # products of a column of the first and one of the second matrix, where the third is one
        self.families = [
            *((power, ones, torch.ones(d, 1, dtype=torch.float64))
              for power in (self.Z, square, self.Z**3 - 3 * self.Z)),
            (self.Z, self.Z, above), (square, self.Z, above + above.T),
        ]
        self.sizes = [self._sizes(left, right) for left, right, _ in self.families]
        self.of_triples: dict[int, Tensor] = {}
        self.n_terms = sum(int(mask.sum()) for *_, mask in self.families)

    @staticmethod
    def _sizes(left: Tensor, right: Tensor) -> Tensor:
        """Return the squares about the mean of the products of columns (n, p), (n, q): (p, q)."""
        mean = left.T @ right / math.sqrt(len(left))
        return (left.square().T @ right.square() - mean.square()).clamp_min(1e-12)

    def most_correlated(self, residual: Tensor) -> tuple[list[int], Tensor]:
        """Return the features and the values (n,) of the term nearest to the residual (n, C)."""
        best, features, column = -1.0, [], None
        for (left, right, mask), sizes in zip(self.families, self.sizes, strict=True):
            scores = mask * sum(((left * r.unsqueeze(1)).T @ right).square()
                                for r in residual.T) / sizes
            i, j = divmod(int(scores.argmax()), right.shape[1])
            if float(scores[i, j]) > best:
                best, features = float(scores[i, j]), [i, j] if right.shape[1] > 1 else [i]
                column = left[:, i] * right[:, j]
        if len(self.Z) * self.Z.shape[1] ** 3 <= TRIPLES:
            score, triple = self._nearest_triple(residual)
            if score > best:
                features, column = triple, self.Z[:, triple].prod(1)
        column = column - column.mean()
        return features, column / column.norm().clamp_min(1e-150)

    def _nearest_triple(self, residual: Tensor) -> tuple[float, list[int]]:
        """Return the score and the features i < j < k of the product nearest to residual (n, C)."""
        Z, best, features = self.Z, -1.0, [0, 0, 0]
        for i in range(Z.shape[1] - 2):
            rest = Z[:, i + 1 :]
            if i not in self.of_triples:
                self.of_triples[i] = self._sizes(rest * Z[:, i : i + 1], rest)
            scores = sum(((rest * (Z[:, i] * r).unsqueeze(1)).T @ rest).square()
                         for r in residual.T) / self.of_triples[i]
            scores = scores.triu(1)
            nearest = int(scores.argmax())
            if float(scores.flatten()[nearest]) > best:
                j, k = divmod(nearest, rest.shape[1])
                best, features = float(scores.flatten()[nearest]), [i, i + 1 + j, i + 1 + k]
        return best, features


def screened(Z: Tensor, target: Tensor, most: int = SCREENED) -> list[int]:
    """Return the numbers of up to `most` features of Z (n, D) that explain the target (n, C).

    Forward steps over the `Dictionary`, each the column nearest to what is left; they go on a
    little beyond the extended BIC's end, since a feature too many is removed later, one too few is
    lost.
    """
    n = len(Z)
    dictionary = Dictionary(Z)
    price = math.log(n) + 2 * math.log(dictionary.n_terms)
    residual = target - target.mean(0)
    basis = torch.empty(n, 0, dtype=torch.float64)
    features: list[int] = []
    most = min(most, n // ROWS)
    patience, squares = 2, float(residual.square().sum())
    while basis.shape[1] < n // 4:
        nearest, column = dictionary.most_correlated(residual)
        involved = [i for i in nearest if i not in features]
        if len(features) + len(involved) > most:
            break
        column = column - basis @ (basis.T @ column)
        size = column.norm()
        if float(size) < 1e-8:
            break
        basis = torch.cat([basis, (column / size).unsqueeze(1)], 1)
        residual = residual - basis[:, -1:] @ (basis[:, -1:].T @ residual)
        left = float(residual.square().sum())
        paid = n * math.log(max(squares, 1e-300) / max(left, 1e-300)) > price
        patience = 2 if paid else patience - 1
        features += involved
        squares = left
        if patience < 0 or left < 1e-12 * float(target.square().sum()):
            break
    return sorted(features)


def feature_price(n_features: int, n_total: int) -> float:
    """Return what the choice of some of all features costs in -2 log likelihood.

    Source: extended BIC with γ = 1: Chen & Chen (2008).
    """
    return 2 * (math.lgamma(n_total + 1) - math.lgamma(n_features + 1)
                - math.lgamma(n_total - n_features + 1))


def without_idle(
    objective: Objective, fitted: Fitted, columns: np.ndarray, n_total: int
) -> tuple[Objective, Fitted, np.ndarray]:
    """Remove those features, whole, that do not pay for their parameters.

    Parameters
    ----------
    objective, fitted : of least squares, on the features `columns` (d,)
    n_total : how many features there were to choose from

    Returns
    -------
    objective, fit and numbers of the features that remain
    """
    log_n, batch = math.log(objective.data.n_rows), len(columns)
    while batch and len(columns) > 1:
        model, d = fitted.model, len(columns)
        parameters = len(model.pure) + sum(len(f) * k for k, f in model.factors.items())
        # its parameters, and what naming it among all features costs
        price = parameters * log_n + feature_price(d, n_total) - feature_price(d - 1, n_total)
        added = [objective.predicted_loss(fitted, -squares.reshape(1)) - fitted.loss
                 for squares in _squares_without(objective, model)]
        idle = [i for i in np.argsort(added, kind="stable")[: d - 1] if added[i] < price][:batch]
        if not idle:
            break
        kept = np.setdiff1d(np.arange(d), idle)
        fewer = objective.on(kept)
        trial = fewer.fit(model.on(kept))
        saved = feature_price(d, n_total) - feature_price(len(kept), n_total)
        if trial.criterion - saved < fitted.criterion:
            objective, fitted, columns = fewer, trial, columns[kept]
        else:  # together they carried something: fewer at a time
            batch = len(idle) // 2
    return objective, fitted, columns


def _squares_without(objective: Objective, model: Polynomial) -> Tensor:
    """Return by how much the squares grow when a feature is removed, for each of them (d,).

    To second order, all other parameters being free to move.
    """
    gram = normal_equations(model, objective.data, squared_error, 0.0)[0]
    inverse = inverse_root(gram)
    parameters, d = model.parameters(), model.n_features
    rows = torch.arange(1, len(parameters)).view(-1, d)  # the first parameter is the constant
    growth = torch.empty(d, dtype=torch.float64)
    for i in range(d):
        own = rows[:, i]
        covariance = inverse[own] @ inverse[own].T
        growth[i] = parameters[own] @ solve(covariance, parameters[own], 1e-9)
    return growth
