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
from .table_task import Learned, TableTask, checked_task

__all__ = ["TABULAR_RIVALS", "FittedTabular", "TabularRival", "fit_tabular"]


class TabularRival(NamedTuple):
    """All that experiments and figures know of a rival: a new one is its function and an entry.

    `kind`: "constant"; "linear"; "boosting", trees, which have no trained weights to count; "deep",
    networks, which stop early on the validation rows. `packages`: of the extra `peers`. `label`,
    `colour`, `marker`: in figures; "C5" is the sixth colour of the companion's palette. `slow`:
    whether a fit takes as long as that of a large network.
    """

    fit: Callable[[TableTask], Learned]
    kind: str
    label: str
    packages: tuple[str, ...] = ()
    colour: str = "black"
    marker: str = "o"
    slow: bool = False


TABULAR_RIVALS = {
    "mean": TabularRival(fit_mean, "constant", "mean"),
    "linear": TabularRival(fit_linear, "linear", "linear", colour="0.3", marker="x"),
    "hist_gradient_boosting": TabularRival(
        fit_hist_gradient_boosting, "boosting", "HistGradientBoosting"
    ),
    "xgboost": TabularRival(fit_xgboost, "boosting", "XGBoost", ("xgboost",)),
    "lightgbm": TabularRival(fit_lightgbm, "boosting", "LightGBM", ("lightgbm",)),
    "catboost": TabularRival(fit_catboost, "boosting", "CatBoost", ("catboost",), slow=True),
    "tabnet": TabularRival(
        fit_tabnet, "deep", "TabNet", ("pytorch_tabnet.tab_model",), "C5", "p", slow=True
    ),
    "ft_transformer": TabularRival(
        fit_ft_transformer, "deep", "FT-Transformer", ("rtdl_revisiting_models",), "C1", "h",
        slow=True,
    ),
    "tabm": TabularRival(
        fit_tabm, "deep", "TabM", ("tabm", "rtdl_num_embeddings"), "C6", "o", slow=True
    ),
}


@dataclass(frozen=True)
class FittedTabular:
    """A fitted model of a table.

    `seconds`: wall time of the fit, imports aside; `n_parameters`: trained weights, None of the
    mean and of trees; `predict`: features X (N, D) to the target (N,), or to class codes (N,)
    int64; `predict_proba`: to probabilities (N, n_classes), None for a regression. Both raise
    ValueError or TypeError for features that are not finite numbers, or not as many as those of
    the fit. A fitted model can be pickled.
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
    """Fit the model `name`, one of `TABULAR_RIVALS`, on `train` and `validation`, pairs (X, y).

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
    checks.one_of(name, "name", TABULAR_RIVALS)
    checked = checked_task(
        name, train, validation, task, seed, threads, max_epochs, patience, progress
    )
    rival = TABULAR_RIVALS[name]
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
        predict=outputs if regression else outputs.codes,
        predict_proba=None if regression else outputs.probabilities,
    )


class _Outputs:
    """Check raw features, and evaluate a model at them as it was fitted."""

    def __init__(self, n_features: int, threads: int, learned: Learned) -> None:
        self.n_features, self.threads, self.learned = n_features, threads, learned

    def __call__(self, X: Any) -> np.ndarray:
        """Return targets (N,), or shares of classes (N, C) up to rounding, for X (N, D)."""
        X = checks.as_matrix(X, min_rows=1)
        if X.shape[1] != self.n_features:
            raise ValueError(f"X: found {X.shape[1]} features, expected {self.n_features}")
        with n_threads(self.threads), undisturbed(), np.errstate(over="ignore", invalid="ignore"):
            outputs = np.asarray(self.learned.evaluate(X), dtype=np.float64)
        if not np.isfinite(outputs).all():
            raise ValueError("X: found values so far from the training data that sums overflow")
        return outputs

    def probabilities(self, X: Any) -> np.ndarray:
        """Return shares (N, C) that add up to one, for X (N, D)."""
        outputs = self(X)
        return outputs / outputs.sum(axis=1, keepdims=True)

    def codes(self, X: Any) -> np.ndarray:
        """Return the code (N,) of the most probable class, for X (N, D)."""
        return self.probabilities(X).argmax(axis=1)
