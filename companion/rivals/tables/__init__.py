"""`fit_tabular`: one door to the rivals on tables, from the mean to the deep networks of others.

All have the default or published settings of their packages; the functions that fit them name the
sources.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from companion.rivals.peers import imported, undisturbed
from nslib import checks
from nslib.threads import threads

from .deep import fit_ft_transformer, fit_tabm, fit_tabnet
from .shallow import (
    fit_catboost,
    fit_hist_gradient_boosting,
    fit_lightgbm,
    fit_linear,
    fit_mean,
    fit_xgboost,
)
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
    """A fitted model of a table, which can be pickled.

    `n_parameters`: trained weights, None of the mean and of trees; `evaluate`: features (N,
    n_features) to targets (N,) or to shares of classes (N, n_classes), up to rounding. Its methods
    raise ValueError or TypeError for features that are not finite numbers, or of another number.
    """

    n_parameters: int | None
    n_features: int
    n_classes: int | None
    evaluate: Callable[[np.ndarray], np.ndarray]

    def predict(self, X: Any) -> np.ndarray:
        """Return the target (N,), or class codes (N,) int64, for features X (N, D)."""
        if self.n_classes is None:
            return self._outputs(X)
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities (N, n_classes) of a classification for features X (N, D)."""
        outputs = self._outputs(X)
        return outputs / outputs.sum(axis=1, keepdims=True)

    def _outputs(self, X: Any) -> np.ndarray:
        """Return what `evaluate` gives for raw features X (N, D), checked."""
        X = checks.as_matrix(X, min_rows=1)
        if X.shape[1] != self.n_features:
            raise ValueError(f"X: found {X.shape[1]} features, expected {self.n_features}")
        with threads(1), undisturbed(), np.errstate(over="ignore", invalid="ignore"):
            outputs = np.asarray(self.evaluate(X), dtype=np.float64)
        if not np.isfinite(outputs).all():
            raise ValueError("X: found values so far from the training data that sums overflow")
        return outputs


def fit_tabular(
    name: str, train: tuple[Any, Any], validation: tuple[Any, Any], *, task: str, seed: int = 0
) -> FittedTabular:
    """Fit the model `name`, one of `TABULAR_RIVALS`, on `train` and `validation`, pairs (X, y).

    X (N, D): numbers, encoded and imputed; y (N,): a float target for the task "regression", in
    whose units predictions are, or the codes 0 to C - 1 for "classification". "tabnet",
    "ft_transformer" and "tabm" learn from the training rows and stop early on the validation rows,
    as published; the others choose nothing there and learn from both. All compute in one thread.
    Same seed and machine: same result; no global random generator is touched and nothing is
    written.

    Raises ValueError or TypeError naming the argument for data that are not finite, numeric, of
    equal length or varying, for classes that are no such codes, and for unknown names; ImportError
    for a model whose package is not installed.
    """
    checks.one_of(name, "name", TABULAR_RIVALS)
    checked = checked_task(name, train, validation, task, seed)
    rival = TABULAR_RIVALS[name]
    with undisturbed():
        for package in rival.packages:
            imported(package)
        torch.manual_seed(checked.seed)
        with threads(1):
            evaluate, n_parameters = rival.fit(checked)
    return FittedTabular(n_parameters, checked.X.shape[1], checked.n_classes, evaluate)
