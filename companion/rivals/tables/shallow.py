"""The rivals that are no deep networks: the mean, linear models and gradient-boosted trees.

They choose nothing on the validation rows and are trained on these too, trees with the settings
that their packages ship with. Sources: Ke et al., LightGBM (NeurIPS 2017), whose design
scikit-learn's histogram boosting follows; Chen and Guestrin, XGBoost (KDD 2016); Prokhorenkova et
al., CatBoost (NeurIPS 2018).
"""

from __future__ import annotations

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from companion.rivals.peers import imported

from .table_task import Learned, TableTask


def fit_mean(task: TableTask) -> Learned:
    """Return the mean of the target, or the shares of the classes."""
    return _learned(DummyRegressor() if task.regression else DummyClassifier(), task)


def fit_linear(task: TableTask) -> Learned:
    """Return ridge regression, its penalty chosen by leave-one-out, or logistic regression.

    On standardised features; the logistic regression with scikit-learn's own penalty.
    """
    kind = RidgeCV(np.logspace(-3, 4, 15)) if task.regression else LogisticRegression(max_iter=5000)
    learned = _learned(make_pipeline(StandardScaler(), kind), task)
    return learned._replace(n_parameters=np.size(kind.coef_) + np.size(kind.intercept_))


def fit_hist_gradient_boosting(task: TableTask) -> Learned:
    """Return scikit-learn's histogram boosting: 100 rounds, of at most 31 leaves a tree.

    Above 10,000 rows it holds out a tenth of them and stops early by its loss there.
    """
    kind = HistGradientBoostingRegressor if task.regression else HistGradientBoostingClassifier
    return _learned(kind(random_state=task.seed), task)


def fit_xgboost(task: TableTask) -> Learned:
    """Return XGBoost: 100 rounds, trees of depth 6. ImportError without its package."""
    package = imported("xgboost")
    kind = package.XGBRegressor if task.regression else package.XGBClassifier
    return _learned(kind(random_state=task.seed, n_jobs=1, verbosity=0), task)


def fit_lightgbm(task: TableTask) -> Learned:
    """Return LightGBM: 100 rounds, of at most 31 leaves a tree. ImportError without its package.

    `deterministic` and `force_row_wise` are set, as its documentation asks for repeatable results.
    """
    package = imported("lightgbm")
    kind = package.LGBMRegressor if task.regression else package.LGBMClassifier
    return _learned(kind(random_state=task.seed, n_jobs=1, verbosity=-1, deterministic=True,
                         force_row_wise=True), task)


def fit_catboost(task: TableTask) -> Learned:
    """Return CatBoost: 1000 rounds, symmetric trees of depth 6. ImportError without its package."""
    package = imported("catboost")
    kind = package.CatBoostRegressor if task.regression else package.CatBoostClassifier
    return _learned(kind(random_seed=task.seed, thread_count=1, logging_level="Silent",
                         allow_writing_files=False), task)


def _learned(model: object, task: TableTask) -> Learned:
    """Fit a model of scikit-learn's interface to all rows."""
    fitted = model.fit(*task.all_rows())
    return Learned(fitted.predict if task.regression else fitted.predict_proba)
