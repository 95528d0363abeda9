"""Real tables for the benches: 25 sets, their splits, and the polynomial rivals of one neuron.

Twelve regressions and thirteen classifications of the registry of `nslib.data`. Those that
scikit-learn bundles are always there, the others where the environment variable NSLIB_DATA names a
folder that has them; sets that are not there are left out, and said to be.
"""

from __future__ import annotations

import itertools
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from companion.experiments.progress import say
from nslib.data import load_tabular
from nslib.data.table_encoder import TableEncoder
from nslib.data.tabular_registry import REGISTRY
from nslib.search import search
from nslib.threads import one_thread

REGRESSIONS = (
    "abalone", "airfoil_self_noise", "asteroid_diameter", "bike_sharing", "california_housing",
    "cern_dielectron_sample", "diabetes", "diamonds", "fifa", "house_sales", "space_ga",
    "wine_quality",
)
# not among them: samples, versions and stand-ins of these, generated data, iris (38 rows to test),
# and digits (2144 quadratic columns for ten classes take the rival minutes a split)
CLASSIFICATIONS = (
    "bank_marketing", "breast_cancer", "credit", "credit_g", "electricity_balanced",
    "eye_movements", "heart_failure", "heloc", "magic_telescope", "phoneme",
    "stellar_classification", "vehicle", "wine",
)
MOST_TRAINING_ROWS, MOST_TEST_ROWS, TRAINING_SHARE = 3000, 5000, 0.75

PENALTIES = np.logspace(-3, 5, 25)
"""Of ridges on columns of unit variance, three a power of ten."""

STRENGTHS = np.logspace(-4, 2, 7)
"""Inverse penalties of logistic regressions on such columns."""


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to fit, X (N, D) and y (N,), and rows to test, X_test (M, D) and y_test (M,).

    All features are numbers, encoded as the training rows say. `task`: the kind of y.
    """

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    task: str


def split(name: str, seed: int) -> Split:
    """Draw a split of a set; FileNotFoundError where its data are not there.

    Where the predecessor took the logarithm of a target (see the registry), so is it here.
    """
    data, scaled = load_tabular(name, download=False), REGISTRY[name].log_scaled
    y = data.y.to_numpy()
    n = min(MOST_TRAINING_ROWS, int(TRAINING_SHARE * len(y)))
    training, test = train_test_split(
        np.arange(len(y)), train_size=n, test_size=min(MOST_TEST_ROWS, len(y) - n),
        random_state=seed, stratify=y if data.task == "classification" else None,
    )
    y = np.sign(y) * np.log1p(np.abs(y)) if scaled else y
    encoder = TableEncoder().fit(data.X.iloc[training])
    X, X_test = (encoder.transform(data.X.iloc[rows]) for rows in (training, test))
    return Split(X, y[training], X_test, y[test], data.task)


def rival(order: int) -> Callable[[Split], np.ndarray]:
    """Return a function that predicts y_test (M,) by a penalised polynomial of this order.

    A ridge, its penalty chosen by leaving out each row, or a logistic regression, its penalty
    chosen on five folds; all columns are standardised. Numbers stay within the range of y, without
    which one row far from all others decides the mean of a set.
    """

    def predicted(rows: Split) -> np.ndarray:
        """Return the predictions (M,)."""
        columns = [StandardScaler()]
        if order > 1:
            columns += [PolynomialFeatures(order, include_bias=False), StandardScaler()]
        if rows.task == "regression":
            model = make_pipeline(*columns, RidgeCV(PENALTIES)).fit(rows.X, rows.y)
            return np.clip(model.predict(rows.X_test), rows.y.min(), rows.y.max())
        last = LogisticRegressionCV(Cs=STRENGTHS, cv=5, max_iter=300)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ConvergenceWarning, and what becomes of defaults
            return make_pipeline(*columns, last).fit(rows.X, rows.y).predict(rows.X_test)

    return predicted


def neuron(goal: str) -> Callable[[Split], np.ndarray]:
    """Return a function that predicts y_test (M,) by the neuron of a search with this goal."""
    return lambda rows: search(rows.X, rows.y, goal=goal, task=rows.task).predict(rows.X_test)


MODELS: dict[str, Callable[[Split], np.ndarray]] = {
    "linear": rival(1), "quadratic": rival(2),
    "formula": neuron("formula"), "prediction": neuron("prediction"),
}


def score(rows: Split, predicted: np.ndarray) -> float:
    """Return the accuracy, or R² on the test rows, of predictions (M,)."""
    if rows.task == "classification":
        return float(np.mean(predicted == rows.y_test))
    return float(1 - np.mean((predicted - rows.y_test) ** 2) / np.var(rows.y_test))


def measure(
    n_splits: int, first_seed: int, sets: Sequence[str] = (*REGRESSIONS, *CLASSIFICATIONS),
    models: Sequence[str] = tuple(MODELS),
) -> pd.DataFrame:
    """Return a row a split, set and model: task, set, seed, model, score, seconds.

    score: R² of a regression, accuracy of a classification, on rows that no model saw; seconds: of
    processor time, to fit and predict. Sets whose data are not there are left out.
    """
    measured, absent = [], set()
    with one_thread():
        for seed, name in itertools.product(range(first_seed, first_seed + n_splits), sets):
            if name in absent:
                continue
            try:
                rows = split(name, seed)
            except FileNotFoundError:
                absent.add(name)
                say(f"{name}: no data, left out")
                continue
            for model in models:
                start = time.process_time()
                predicted = MODELS[model](rows)
                seconds = time.process_time() - start
                measured.append({"task": rows.task, "set": name, "seed": seed, "model": model,
                                 "score": score(rows, predicted), "seconds": seconds})
            say(f"{name}, seed {seed}: " + ", ".join(
                f"{row['model']} {row['score']:.4f}" for row in measured[-len(models):]))
    return pd.DataFrame(measured)


def by_set(table: pd.DataFrame) -> pd.DataFrame:
    """Return what `measure` did by set: the mean score of each model and its median seconds."""
    grouped = table.groupby(["task", "set", "model"], sort=False)
    values = grouped.agg(score=("score", "mean"), seconds=("seconds", "median")).unstack("model")
    values.columns = [model if kind == "score" else f"{model} s" for kind, model in values.columns]
    return values.reset_index()


def summary(table: pd.DataFrame, model: str = "prediction") -> pd.DataFrame:
    """Return the mean difference between a model's score and each other's, over sets, by task.

    Columns task, rival, sets, difference, low and high (Student's 95 % interval over sets, whose
    means over splits are the values), worst (the least difference of a set) and worst_set.
    """
    sets, rows = by_set(table), []
    others = [other for other in dict.fromkeys(table["model"]) if other != model]
    kinds = [*sets.groupby("task", sort=False), ("all", sets)]
    for (task, part), other in itertools.product(kinds, others):
        difference = (part[model] - part[other]).to_numpy()
        half = np.nan
        if len(difference) > 1:
            half = stats.t.ppf(0.975, len(difference) - 1) * stats.sem(difference)
        worst = int(np.argmin(difference))
        rows.append({"task": task, "rival": other, "sets": len(part),
                     "difference": difference.mean(), "low": difference.mean() - half,
                     "high": difference.mean() + half, "worst": difference[worst],
                     "worst_set": part["set"].iloc[worst]})
    return pd.DataFrame(rows)
