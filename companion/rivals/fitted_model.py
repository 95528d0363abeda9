"""The fitted model that users get, by a search of the package or by a rival."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np

from nslib import checks
from nslib.search import SearchResult, search
from nslib.search.methods import ComparedModel, imported
from nslib.search.search_task import Scaling, SearchTask, feature_names, make_task
from nslib.structure import NeuronStructure
from nslib.threads import one_thread

from .peers import undisturbed
from .polynomial_streams import formula_text, structure_of, written
from .scaled_fit import ScaledFit


@dataclass(frozen=True)
class FittedModel:
    """A fitted regression model, which pickles with its formula but without the training rows.

    `name`: of the model; `seconds`: wall time of the fit; `structure`: the streams of its formula,
    None where it is not known to be a polynomial neuron; `predict`: features X (N, D) to (N,) in
    the units of y, ValueError for other features than those of the fit; `write`: to the formula.
    """

    name: str
    seed: int
    seconds: float
    structure: NeuronStructure | None
    predict: Callable[[object], np.ndarray] = field(repr=False)
    write: Callable[[], str] = field(repr=False)

    @cached_property
    def formula(self) -> str:
        """The formula as text, at most a constant and the eight largest terms; "" for none."""
        return self.write()

    def __getstate__(self) -> dict[str, Any]:
        # `write` may hold the training rows; its text is all that it is for
        return {**vars(self), "formula": self.formula, "write": None}


def by_search(
    name: str, X: Any, y: Any, seed: int, standardize: bool, options: Mapping[str, Any]
) -> FittedModel:
    """Return the model of a search method of this package; X (N, D), y (N,)."""
    with undisturbed():
        result = search(
            X, y, name, seed=seed, task="regression", standardize=standardize, **options
        )
    write = partial(_search_formula, result)
    return FittedModel(name, result.seed, result.seconds, result.structure, result.predict, write)


def by_rival(
    rival: ComparedModel, X: Any, y: Any, seed: int, standardize: bool, options: Any
) -> FittedModel:
    """Return the model of a rival; X (N, D), y (N,), `options` of its options class."""
    seed = checks.positive_int(seed, "seed", minimum=0, maximum=2**32 - 1)
    task = make_task(X, y, "regression", standardize)
    Z, fit = task.Z, imported(rival.function)
    start = time.perf_counter()
    with one_thread(), undisturbed():
        fitted = fit(Z, task.target, seed, options)
    seconds = time.perf_counter() - start
    structure = fitted.structure
    if fitted.polynomial:
        structure = structure_of(fitted.evaluate, Z, task.target)
    return FittedModel(
        rival.name, seed, seconds, structure,
        partial(_predicted, task.scaling, fitted.evaluate),
        partial(_formula, task, fitted),
    )


def _predicted(s: Scaling, evaluate: Callable[[np.ndarray], np.ndarray], X: Any) -> np.ndarray:
    """Check raw features X (N, D) and return predictions (N,) in the units of y; `s`: scaling."""
    names, known = feature_names(X), s.feature_names
    if None not in (names, known) and names != known:
        raise ValueError(f"X: found the columns {list(names)}, expected {list(known)}")
    X = checks.as_matrix(X, min_rows=1)
    if X.shape[1] != len(s.x_mean):
        raise ValueError(f"X: found {X.shape[1]} features, expected {len(s.x_mean)}")
    with np.errstate(over="ignore", invalid="ignore"):
        outputs = evaluate((X - s.x_mean) / s.x_scale)
    if not np.isfinite(outputs).all():
        raise ValueError("X: found values so far from the training data that powers overflow")
    return outputs * s.y_scale + s.y_mean


def _formula(task: SearchTask, fitted: ScaledFit) -> str:
    """Return the rival's formula in the units of the data."""
    if not fitted.polynomial:
        return "" if fitted.structure is None else str(fitted.structure)

    def raw(X: Any) -> Any:
        Z = (X - task.x_mean) * (1 / task.x_scale)
        return fitted.evaluate(Z) * task.y_scale + task.y_mean

    return formula_text(raw, checks.as_matrix(task.X), task.feature_names)


def _search_formula(result: SearchResult) -> str:
    """Return a search's formula in the units of the data, or its structure where it is too long."""
    try:
        return written(result.formula(raw=True))
    except ValueError:
        return str(result.structure)
