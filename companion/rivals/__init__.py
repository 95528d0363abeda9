"""`fit_model`: one door to every regression model that experiments compare."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from nslib import checks
from nslib.search import METHODS, SearchResult, search
from nslib.search.result import Scaling, Task, feature_names, make_task
from nslib.threads import one_thread

from .baselines import BaselineOptions, fit_linear, fit_mean, fit_ridge
from .eql import EqlOptions, fit_eql
from .fitted_model import FittedModel, ScaledModel
from .peers import undisturbed
from .polynomial_streams import formula_text, structure_of, written
from .symbolic import SymbolicOptions, fit_symbolic
from .tensor_regression import TensorRegressionOptions, fit_tensor_regression

__all__ = ["MODELS", "RIVALS", "FittedModel", "fit_model"]


class Rival(NamedTuple):
    """A model that is no search of this package: its options, and how it is fitted to a task."""

    options: type
    fit: Callable[[np.ndarray, np.ndarray, int, Any], ScaledModel]


RIVALS = {
    "mean": Rival(BaselineOptions, fit_mean),
    "linear": Rival(BaselineOptions, fit_linear),
    "ridge": Rival(BaselineOptions, fit_ridge),
    "eql": Rival(EqlOptions, fit_eql),
    "gplearn": Rival(SymbolicOptions, fit_symbolic),
    "tnlearn": Rival(TensorRegressionOptions, fit_tensor_regression),
}
MODELS = (*METHODS, *RIVALS)


def fit_model(
    name: str, X: Any, y: Any, *, seed: int = 0, standardize: bool = False, **options: Any
) -> FittedModel:
    """Fit the model `name`, one of `MODELS`, to features X (N, D) and a regression target y (N,).

    `options` are the fields of the options class of the search method or rival; `standardize`
    scales the features to zero mean and unit variance first, and the streams are then those of the
    scaled features. Same seed, same machine: same result; no global random generator is touched.

    Raises ValueError or TypeError naming the argument for data that is not finite, numeric, of
    equal length or varying, for fewer than two rows, and for unknown names and options;
    ImportError for a model whose package is not installed.
    """
    checks.one_of(name, "name", MODELS)
    if name in METHODS:
        with undisturbed():
            result = search(
                X, y, name, seed=seed, task="regression", standardize=standardize, **options
            )
        return FittedModel(
            name, result.seed, result.seconds, result.structure, result.predict,
            partial(_search_formula, result),
        )
    rival = RIVALS[name]
    settings = checks.options(options, rival.options, f"model {name!r}")
    seed = checks.positive_int(seed, "seed", minimum=0, maximum=2**32 - 1)
    task = make_task(X, y, "regression", standardize)
    Z = task.Z
    start = time.perf_counter()
    with one_thread(), undisturbed():
        model = rival.fit(Z, task.target, seed, settings)
    seconds = time.perf_counter() - start
    structure = model.structure
    if model.polynomial:
        structure = structure_of(model.evaluate, Z, task.target)
    return FittedModel(
        name, seed, seconds, structure, _Predictor(task.scaling, model.evaluate),
        partial(_formula, task, model),
    )


class _Predictor:
    """Check raw features and return predictions in the units of y."""

    def __init__(
        self, scaling: Scaling, evaluate: Callable[[np.ndarray], np.ndarray]
    ) -> None:
        self.scaling, self.evaluate = scaling, evaluate

    def __call__(self, X: Any) -> np.ndarray:
        """Return predictions (N,) for X (N, D)."""
        s, names = self.scaling, feature_names(X)
        known = s.feature_names
        if None not in (names, known) and names != known:
            raise ValueError(f"X: found the columns {list(names)}, expected {list(known)}")
        X = checks.as_matrix(X, min_rows=1)
        if X.shape[1] != len(s.x_mean):
            raise ValueError(f"X: found {X.shape[1]} features, expected {len(s.x_mean)}")
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = self.evaluate((X - s.x_mean) / s.x_scale)
        if not np.isfinite(outputs).all():
            raise ValueError("X: found values so far from the training data that powers overflow")
        return outputs * s.y_scale + s.y_mean


def _formula(task: Task, model: ScaledModel) -> str:
    """Return the rival's formula in the units of the data."""
    if not model.polynomial:
        return "" if model.structure is None else str(model.structure)

    def raw(X: Any) -> Any:
        Z = (X - task.x_mean) * (1 / task.x_scale)
        return model.evaluate(Z) * task.y_scale + task.y_mean

    return formula_text(raw, checks.as_matrix(task.X), task.feature_names)


def _search_formula(result: SearchResult) -> str:
    """Return a search's formula in the units of the data, or its structure where it is too long."""
    try:
        return written(result.formula(raw=True))
    except ValueError:
        return str(result.structure)
