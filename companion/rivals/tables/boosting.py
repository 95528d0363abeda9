"""Gradient-boosted trees by four packages, each with the settings that it ships with.

They are trained on training and validation rows together, since they choose nothing on the latter.
Sources: Ke et al., LightGBM (NeurIPS 2017), whose design scikit-learn's histogram boosting follows;
Chen and Guestrin, XGBoost (KDD 2016); Prokhorenkova et al., CatBoost (NeurIPS 2018).
"""

from __future__ import annotations

from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from companion.rivals.peers import imported

from .linear import learned
from .table_task import Learned, TableTask


def fit_hist_gradient_boosting(task: TableTask) -> Learned:
    """Return scikit-learn's histogram boosting: 100 rounds, of at most 31 leaves a tree.

    Above 10,000 rows it holds out a tenth of them and stops early by its loss there.
    """
    regression = task.n_classes is None
    kind = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    return learned(kind(random_state=task.seed).fit(*task.all_rows()), task)


def fit_xgboost(task: TableTask) -> Learned:
    """Return XGBoost: 100 rounds, trees of depth 6. ImportError without its package."""
    package = imported("xgboost")
    kind = package.XGBRegressor if task.n_classes is None else package.XGBClassifier
    model = kind(random_state=task.seed, n_jobs=task.threads, verbosity=0)
    return learned(model.fit(*task.all_rows()), task)


def fit_lightgbm(task: TableTask) -> Learned:
    """Return LightGBM: 100 rounds, of at most 31 leaves a tree. ImportError without its package.

    `deterministic` and `force_row_wise` are set, as its documentation asks for repeatable results.
    """
    package = imported("lightgbm")
    kind = package.LGBMRegressor if task.n_classes is None else package.LGBMClassifier
    model = kind(
        random_state=task.seed, n_jobs=task.threads, verbosity=-1,
        deterministic=True, force_row_wise=True,
    )
    return learned(model.fit(*task.all_rows()), task)


def fit_catboost(task: TableTask) -> Learned:
    """Return CatBoost: 1000 rounds, symmetric trees of depth 6. ImportError without its package."""
    package = imported("catboost")
    kind = package.CatBoostRegressor if task.n_classes is None else package.CatBoostClassifier
    model = kind(
        random_seed=task.seed, thread_count=task.threads, logging_level="Silent",
        allow_writing_files=False,
    )
    return learned(model.fit(*task.all_rows()), task)
