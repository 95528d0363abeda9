"""`fit_tabular`: one door to the rivals on tables, from the mean to the deep networks of others.

All have the default or published settings of their packages; the functions that fit them name the
sources.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch

from companion.rivals.peers import imported, undisturbed
from nslib import checks
from nslib.threads import threads as n_threads

from .boosting import fit_catboost, fit_hist_gradient_boosting, fit_lightgbm, fit_xgboost
from .deep import fit_ft_transformer, fit_tabm, fit_tabnet
from .linear import fit_linear, fit_mean
from .table_task import Learned, Task, checked_task

__all__ = ["TABULAR_MODELS", "FittedTabular", "fit_tabular"]


class _Rival(NamedTuple):
    """How a model is fitted, and the packages of the extra `peers` that it takes."""

    fit: Callable[[Task], Learned]
    packages: tuple[str, ...] = ()


_RIVALS = {
    "mean": _Rival(fit_mean),
    "linear": _Rival(fit_linear),
    "hist_gradient_boosting": _Rival(fit_hist_gradient_boosting),
    "xgboost": _Rival(fit_xgboost, ("xgboost",)),
    "lightgbm": _Rival(fit_lightgbm, ("lightgbm",)),
    "catboost": _Rival(fit_catboost, ("catboost",)),
    "tabnet": _Rival(fit_tabnet, ("pytorch_tabnet.tab_model",)),
    "ft_transformer": _Rival(fit_ft_transformer, ("rtdl_revisiting_models",)),
    "tabm": _Rival(fit_tabm, ("tabm", "rtdl_num_embeddings")),
}
TABULAR_MODELS = tuple(_RIVALS)


@dataclass(frozen=True)
class FittedTabular:
    """A fitted model of a table.

    `seconds`: wall time of the fit, imports aside; `n_parameters`: trained weights, None of the
    mean and of trees; `predict`: features X (N, D) to the target (N,), or to class codes (N,)
    int64; `predict_proba`: to probabilities (N, n_classes), None for a regression. Both raise
    ValueError or TypeError for features that are not finite numbers, or not as many as those of
    the fit.
    """

    name: str
    seed: int
    seconds: float
    n_parameters: int | None
    predict: Callable[[Any], np.ndarray] = field(repr=False)
    predict_proba: Callable[[Any], np.ndarray] | None = field(repr=False)


def fit_tabular(
    name: str,
    train: tuple[Any, Any],
    validation: tuple[Any, Any],
    *,
    task: str,
    seed: int = 0,
    threads: int = 1,
    max_epochs: int | None = None,
    patience: int | None = None,
    progress: bool = False,
) -> FittedTabular:
    """Fit the model `name`, one of `TABULAR_MODELS`, on `train` and `validation`, pairs (X, y).

    X (N, D): numbers, encoded and imputed; y (N,): a float target for the task "regression", in
    whose units predictions are, or the codes 0 to C - 1 for "classification". "tabnet",
    "ft_transformer" and "tabm" learn from the training rows and stop early on the validation rows,
    as published; the others choose nothing there and learn from both. `max_epochs` and `patience`,
    epochs without a better one, are read by those three and None leaves them as published; with
    `progress` they print a line an epoch to stderr. Same seed, threads and machine: same result;
    no global random generator is touched and nothing is written.

    Raises ValueError or TypeError naming the argument for data that are not finite, numeric, of
    equal length or varying, for classes that are no such codes, and for unknown names; ImportError
    for a model whose package is not installed.
    """
    checks.one_of(name, "name", TABULAR_MODELS)
    checked = checked_task(
        name, train, validation, task, seed, threads, max_epochs, patience, progress
    )
    rival = _RIVALS[name]
    with undisturbed():
        for package in rival.packages:
            imported(package)
        torch.manual_seed(checked.seed)
        with n_threads(checked.threads):
            start = time.perf_counter()
            learned = rival.fit(checked)
            seconds = time.perf_counter() - start
    outputs = _Outputs(checked.X.shape[1], checked.threads, learned)
    regression = checked.n_classes is None
    return FittedTabular(
        name, checked.seed, seconds, learned.n_parameters,
        predict=outputs if regression else lambda X: outputs.probabilities(X).argmax(axis=1),
        predict_proba=None if regression else outputs.probabilities,
    )


class _Outputs:
    """Check raw features, and evaluate a model at them as it was fitted."""

    def __init__(self, n_features: int, threads: int, learned: Learned) -> None:
        self.n_features, self.threads, self.learned = n_features, threads, learned

    def __call__(self, X: Any) -> np.ndarray:
        X = checks.as_matrix(X, min_rows=1)
        if X.shape[1] != self.n_features:
            raise ValueError(f"X: found {X.shape[1]} features, expected {self.n_features}")
        with n_threads(self.threads), undisturbed(), np.errstate(over="ignore", invalid="ignore"):
            outputs = np.asarray(self.learned.evaluate(X), dtype=np.float64)
        if not np.isfinite(outputs).all():
            raise ValueError("X: found values so far from the training data that sums overflow")
        return outputs

    def probabilities(self, X: Any) -> np.ndarray:
        outputs = self(X)
        return outputs / outputs.sum(axis=1, keepdims=True)
