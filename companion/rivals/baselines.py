"""Trivial, linear and regularised models that any search has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from .scaled_fit import ScaledFit

POWERS = (1, 2, 3)


@dataclass(frozen=True)
class BaselineOptions:
    """The baselines have no options."""


def fit_mean(Z: np.ndarray, y: np.ndarray, seed: int, options: BaselineOptions) -> ScaledFit:
    """Return the mean of the target y (N,)."""
    return ScaledFit(partial(_constant, constant=float(y.mean())))


def fit_linear(Z: np.ndarray, y: np.ndarray, seed: int, options: BaselineOptions) -> ScaledFit:
    """Return ordinary least squares of y (N,) on Z (N, D)."""
    model = LinearRegression().fit(Z, y)
    return ScaledFit(partial(_linear, weights=model.coef_, constant=float(model.intercept_)))


def fit_ridge(Z: np.ndarray, y: np.ndarray, seed: int, options: BaselineOptions) -> ScaledFit:
    """Return ridge regression of y (N,) on Z (N, D), Z², Z³, the penalty by leave-one-out."""
    _, scaler, ridge = ridge_on_powers().fit(Z, y).named_steps.values()
    weights = (ridge.coef_ / scaler.scale_).reshape(len(POWERS), -1)
    constant = float(ridge.intercept_ - scaler.mean_ @ weights.ravel())
    return ScaledFit(partial(_of_powers, weights=weights, constant=constant))


def _constant(Z: Any, constant: float) -> Any:
    """Return the constant for each row of Z (N, D), (N,); this and the next are `Polynomial`s."""
    return 0.0 * Z[:, 0] + constant


def _linear(Z: Any, weights: np.ndarray, constant: float) -> Any:
    """Return the linear function of Z (N, D) with weights (D,), (N,)."""
    return Z @ weights + constant


def _of_powers(Z: Any, weights: np.ndarray, constant: float) -> Any:
    """Return the sum of the powers of Z (N, D) with weights (powers, D), (N,)."""
    return sum(Z**k @ w for k, w in zip(POWERS, weights, strict=True)) + constant


def ridge_on_powers() -> Pipeline:
    """Return ridge regression on the standardised powers 1 to 3, not yet fitted."""
    return _on_powers(RidgeCV(np.logspace(-3, 4, 15)))


def _on_powers(model: Any) -> Pipeline:
    """Return a model on the standardised powers 1 to 3 of features (N, D), not yet fitted."""
    powers = FunctionTransformer(lambda Z: np.concatenate([Z**k for k in POWERS], axis=1))
    return make_pipeline(powers, StandardScaler(), model)


def fitted_baselines(task: str, X: np.ndarray, y: np.ndarray | pd.Series) -> dict[str, Any]:
    """Return fitted scikit-learn models by label, for features X (N, D) and target y (N,).

    The trivial predictor, the linear model and the regularised model on the powers 1 to 3; `task`
    is "regression" or "classification".
    """
    if task == "classification":
        logistic = LogisticRegression(max_iter=5000)
        models = {
            "commonest class": DummyClassifier(),
            "logistic": logistic,
            "logistic on x, x², x³": _on_powers(
                GridSearchCV(logistic, {"C": np.logspace(-3, 2, 6)})
            ),
        }
    else:
        models = {
            "mean": DummyRegressor(),
            "linear": LinearRegression(),
            "ridge on x, x², x³": ridge_on_powers(),
        }
    return {name: model.fit(X, y) for name, model in models.items()}
