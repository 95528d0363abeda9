"""Rivals that any network has to beat: the mean or commonest class, and linear models."""

from __future__ import annotations

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .table_task import Learned, TableTask


def fit_mean(task: TableTask) -> Learned:
    """Return the mean of the target, or the shares of the classes."""
    model = DummyRegressor() if task.n_classes is None else DummyClassifier()
    return learned(model.fit(*task.all_rows()), task)


def fit_linear(task: TableTask) -> Learned:
    """Return ridge regression, its penalty chosen by leave-one-out, or logistic regression.

    On standardised features; the logistic regression with scikit-learn's own penalty.
    """
    if task.n_classes is None:
        model = RidgeCV(np.logspace(-3, 4, 15))
    else:
        model = LogisticRegression(max_iter=5000)
    fitted = make_pipeline(StandardScaler(), model).fit(*task.all_rows())
    return learned(fitted, task, np.size(model.coef_) + np.size(model.intercept_))


def learned(model: object, task: TableTask, n_parameters: int | None = None) -> Learned:
    """Return a fitted model of scikit-learn's interface."""
    evaluate = model.predict if task.n_classes is None else model.predict_proba
    return Learned(evaluate, n_parameters)
