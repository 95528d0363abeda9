"""`search_prediction`: what a single task-driven neuron predicts best, whatever its formula."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import comb, isqrt

import numpy as np
import pandas as pd

from ...data.bounded import SmoothClipper
from ...structure import Stream
from ..least_squares.engine import LeastSquaresOptions
from ..least_squares.polynomial import Polynomial
from ..result import SearchResult, without_constants
from ..search_task import SearchTask
from . import stacking
from .logistic import NEWTON_WEIGHTS, fit_logistic
from .monomials import Monomial, columns, pairs, polynomial, powers, products
from .ridge import ColumnFit, fit_ridge

REACHES = (np.inf, 6.0, 3.0)
"""How far from its median a feature is used, in robust standard deviations, within its range."""

MOST_COLUMNS = 1000
"""Of a candidate's matrix, or as many rows: its decomposition takes less than a second."""

MOST_NUMBERS = 2 * 10**7
"""Of a candidate's matrix: 160 MB."""

ROWS_PER_COLUMN = 2
"""Fewest rows for each column of the candidates of order 3 and more, whose tails are wild."""

FEWEST_ROWS, FOLDS = 20, 5
"""Below so many rows the prediction is linear; folds on which a stack is judged."""


@dataclass(frozen=True, eq=False)
class PolynomialFit:
    """A fit of some monomials of the scaled features; its kind is "ridge" or "logistic"."""

    name: str
    kind: str
    monomials: list[Monomial]
    fit: ColumnFit


@dataclass(frozen=True, eq=False)
class FittingRows:
    """What all candidates are fitted to.

    `Z` (n, D) within [-1, 1] = (X - middle) / half, `middle` and `half` (D,), where X is moved into
    the range middle ± half first if `bounded`; `target` (n,): standardised numbers or class codes;
    `n_outputs` is 1 or the number of classes; `weights` (n,) > 0; `folds` (n,) numbers.
    """

    Z: np.ndarray
    middle: np.ndarray
    half: np.ndarray
    bounded: bool
    target: np.ndarray
    n_outputs: int
    weights: np.ndarray
    folds: np.ndarray

    @property
    def features(self) -> list[int]:
        """The features that vary."""
        return np.flatnonzero(self.Z.min(axis=0) < self.Z.max(axis=0)).tolist()

    @property
    def two_valued(self) -> set[int]:
        """The features that have two values."""
        low, high = self.Z.min(axis=0), self.Z.max(axis=0)
        return {i for i in self.features
                if ((self.Z[:, i] == low[i]) | (self.Z[:, i] == high[i])).all()}

    def ridge(self, name: str, monomials: list[Monomial]) -> PolynomialFit:
        """Return the ridge fit to the target, or to zeros and ones for each class."""
        y = self.target[:, None] if self.n_outputs == 1 else np.eye(self.n_outputs)[self.target]
        orders = np.array([len(monomial) for monomial in monomials])
        fit = fit_ridge(columns(self.Z, monomials), orders, y, self.weights)
        return PolynomialFit(name, "ridge", monomials, fit)

    def logistic(self, candidate: PolynomialFit) -> list[PolynomialFit]:
        """Return the logistic fit of the monomials of a candidate, if there can be one."""
        if len(np.unique(self.target)) < self.n_outputs:  # no row of a class has any weight
            return []
        A = columns(self.Z, candidate.monomials)
        fit = fit_logistic(A, self.target, self.weights, self.folds)
        name = f"{candidate.name}, logistic"
        return [] if fit is None else [PolynomialFit(name, "logistic", candidate.monomials, fit)]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Candidates of the same rows, their stack, and its mean error on rows held out."""

    rows: FittingRows
    candidates: list[PolynomialFit]
    stack: stacking.Stack
    error: float


def search_prediction(task: SearchTask, seed: int, options: LeastSquaresOptions) -> SearchResult:
    """Fit the neuron that predicts best out of sample, whatever streams it takes.

    Candidates are polynomials of features that are held within a range: linear, powers of single
    features, all products of two, of three and of four, and all monomials of two features, as far
    as rows and time allow. Each is a ridge fit, shrunk the more the higher its orders, with the
    penalty that predicts rows left out best; for classes logistic fits of the smaller ones join.
    A weighted sum of them, by what they say of rows left out, is one neuron again. Where the best
    of them alone, or a linear fit to the features as they are, does better on rows held out, that
    is the answer. Features are scaled by their ranges, whatever `standardize` says.

    task, seed: as of every method; the seed draws rows and folds. options: `order` bounds the
    orders, `search_rows` the rows that are used; ranks are full, and nothing else is used.
    """
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    weights = np.ones(len(task.X)) if task.weight is None else task.weight
    used = np.flatnonzero(weights)
    if len(used) > options.search_rows:
        used = np.sort(rng.choice(used, options.search_rows, replace=False))
    X = np.asarray(task.X[used], dtype=np.float64)
    facts = (task.target[used], task.n_outputs, weights[used] / weights[used].max(),
             _folds(task.target[used], task.n_outputs, rng))
    bounded = [_bounded(X, reach, *facts) for reach in REACHES]
    plain = replace(bounded[0], bounded=False)
    linear = [_linear(plain)]
    if task.n_outputs > 1:
        linear = plain.logistic(linear[0]) or linear
    answer = _stacked(plain, linear)
    if len(used) >= FEWEST_ROWS and plain.features:
        small = [_small(rows, options.order) for rows in bounded]
        chosen = min(range(len(bounded)), key=lambda i: min(c.fit.error for c in small[i]))
        several = list(_candidates(bounded[chosen], small[chosen], options.order))
        answers = [answer, _stacked(bounded[chosen], several)]
        for kind in ("ridge", "logistic"):  # with few rows one of them may do better than all
            alike = [candidate for candidate in several if candidate.kind == kind]
            if alike:
                best = min(alike, key=lambda candidate: candidate.fit.error)
                answers.append(_stacked(bounded[chosen], [best]))
        answer = min(answers, key=lambda a: a.error)
    return _result(task, seed, options, answer, start)


def _folds(target: np.ndarray, n_outputs: int, rng: np.random.Generator) -> np.ndarray:
    """Return the fold (n,) of each row, drawn; each class is spread over all of them."""
    order = rng.permutation(len(target))
    if n_outputs > 1:
        order = order[np.argsort(target[order], kind="stable")]
    folds = np.empty(len(target), dtype=np.int64)
    folds[order] = np.arange(len(target)) % FOLDS
    return folds


def _bounded(X: np.ndarray, reach: float, *facts: object) -> FittingRows:
    """Return rows X (n, D), held within their range and `reach` of their medians."""
    low, high = X.min(axis=0), X.max(axis=0)
    clipper = SmoothClipper().fit(X)
    with np.errstate(over="ignore"):
        low = np.maximum(low, clipper.median_ - reach * clipper.scale_)
        high = np.minimum(high, clipper.median_ + reach * clipper.scale_)
    middle, half = low / 2 + high / 2, high / 2 - low / 2
    half = np.where(half > 0, half, 1.0)
    Z = np.clip((np.clip(X, low, high) - middle) / half, -1.0, 1.0)
    return FittingRows(Z, middle, half, True, *facts)


def _linear(rows: FittingRows) -> PolynomialFit:
    return rows.ridge("linear", powers(rows.features or [0], 1, set()))


def _small(rows: FittingRows, order: int) -> list[PolynomialFit]:
    """Return the candidates by which the range of the features is chosen."""
    features, two, d = rows.features, rows.two_valued, len(rows.features)
    while order > 1 and not _affordable(rows, order * d):
        order -= 1
    single = powers(features, order, two)
    small = [rows.ridge("powers", single)]
    if order > 1:
        if not _affordable(rows, len(single) + d * (d - 1) // 2):  # the strongest features only
            features = _strongest(rows, small[0], isqrt(2 * max(MOST_COLUMNS - len(single), 2)))
        small.append(rows.ridge("powers, products of 2", single + products(features, 2, two)))
    return small


def _affordable(rows: FittingRows, n_columns: int) -> bool:
    n = len(rows.Z)
    return n_columns * n <= MOST_NUMBERS and min(n_columns, n) <= MOST_COLUMNS


def _strongest(rows: FittingRows, candidate: PolynomialFit, number: int) -> list[int]:
    """Return at most `number` features, those with most of a candidate's variance, in order."""
    spread = columns(rows.Z, candidate.monomials).std(axis=0)
    shares = np.square(spread[:, None] * candidate.fit.weights).sum(axis=1)
    total = np.zeros(rows.Z.shape[1])
    for monomial, share in zip(candidate.monomials, shares, strict=True):
        total[monomial[0]] += share
    return sorted(np.argsort(-total, kind="stable")[:number].tolist())


def _candidates(
    rows: FittingRows, small: list[PolynomialFit], order: int
) -> Iterator[PolynomialFit]:
    """Yield all candidates up to an order, the small ones among them."""
    features, two, d = rows.features, rows.two_valued, len(rows.features)
    linear = _linear(rows)
    yield from (linear, *small)
    if rows.n_outputs > 1:
        yield from rows.logistic(linear)
        if len(small[0].monomials) * rows.n_outputs <= NEWTON_WEIGHTS:
            yield from rows.logistic(small[0])
    if order == 1 or len(small) == 1:
        return
    mixed = [monomial for monomial in small[1].monomials if len(set(monomial)) > 1]
    yield rows.ridge("squares, products of 2", powers(features, 2, two) + mixed)
    most = min(MOST_COLUMNS, len(rows.Z) // ROWS_PER_COLUMN, MOST_NUMBERS // len(rows.Z))
    single = powers(features, order, two)
    for k in range(3, min(order, 4) + 1):
        if comb(d, k) <= most:  # before they are written out
            monomials = single + products(features, k, two)
            if len(monomials) <= most:
                yield rows.ridge(f"powers, products of {k}", monomials)
    for k in range(order, 2, -1):
        if comb(d, 2) <= most:
            monomials = single + pairs(features, k, two)
            if len(monomials) <= most:
                yield rows.ridge(f"powers, pairs up to order {k}", monomials)
                break


def _stacked(rows: FittingRows, candidates: list[PolynomialFit]) -> Prediction:
    """Return the candidates with the stack of their scores of rows left out.

    Its error is that on rows that it did not see either, where there are enough.
    """
    scores = np.stack([candidate.fit.left_out for candidate in candidates])
    fit, errors_of = ((stacking.squares, stacking.squared_errors) if rows.n_outputs == 1
                      else (stacking.entropy, stacking.cross_entropies))
    stack = fit(scores, rows.target, rows.weights)
    if len(rows.Z) < FEWEST_ROWS:
        errors = errors_of(stack.outputs(scores), rows.target)
    else:
        errors = stacking.held_out_errors(
            fit, errors_of, scores, rows.target, rows.weights, rows.folds)
    return Prediction(rows, candidates, stack, float(rows.weights @ errors / rows.weights.sum()))


def _summed(answer: Prediction) -> Polynomial:
    """Return the weighed sum of the candidates as one polynomial."""
    weights: dict[Monomial, np.ndarray] = {}
    rows, bias = answer.rows, answer.stack.bias.copy()
    for share, candidate in zip(answer.stack.weights, answer.candidates, strict=True):
        bias += share * candidate.fit.bias
        for monomial, values in zip(candidate.monomials, candidate.fit.weights, strict=True):
            weights[monomial] = weights.get(monomial, 0.0) + share * values
    if rows.n_outputs == 2:  # the log odds are all that counts
        odds = {monomial: values[1:] - values[:1] for monomial, values in weights.items()}
        return polynomial(odds, bias[1:] - bias[:1], rows.Z.shape[1]).two_classes()
    return polynomial(weights, bias, rows.Z.shape[1])


def _result(
    task: SearchTask, seed: int, options: LeastSquaresOptions, answer: Prediction, start: float
) -> SearchResult:
    """Return the result; its history has a row a candidate, and one of the whole."""
    rows, neuron = answer.rows, without_constants(_summed(answer).to_neuron(), task)
    scaling = replace(task.scaling, x_mean=rows.middle, x_scale=rows.half)
    varies = rows.Z.min(axis=0) < rows.Z.max(axis=0)
    limits = (np.where(varies, -1.0, 0.0), np.where(varies, 1.0, 0.0)) if rows.bounded else None
    history = pd.DataFrame([
        {"epoch": i, "candidate": name, "weight": weight, "loss": loss}
        for i, (name, weight, loss) in enumerate([
            *((candidate.name, weight, candidate.fit.error) for candidate, weight
              in zip(answer.candidates, answer.stack.weights, strict=True)),
            ("all", 1.0, answer.error),
        ], start=1)
    ])
    names = [Stream(kind, k) for kind, lowest in (("pure", 1), ("interact", 2))
             for k in range(lowest, options.order + 1)]
    return SearchResult(
        method="als", structure=neuron.structure,
        gate_probabilities={name: float(name in neuron.structure.streams) for name in names},
        history=history, seconds=time.perf_counter() - start, seed=seed, neuron=neuron,
        scaling=scaling, limits=limits,
    )
