"""Models ranked over data sets, with the critical difference, and error against parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from .comparisons import means


class Ranking(NamedTuple):
    """Mean ranks of models over data sets, 1 the best.

    `ranks`: by model, best first. `datasets`: their number. `p`: of Friedman's test that all are
    equal. `critical_difference`: mean ranks closer than this do not differ (Nemenyi's test, 5 %).
    `each`: ranks by data set (rows) and model.
    """

    ranks: pd.Series
    datasets: int
    p: float
    critical_difference: float
    each: pd.DataFrame


def label(model: str, budget: int | None) -> str:
    """Return the name of a model at a budget."""
    return model if pd.isna(budget) else f"{model} {int(budget)}"


def labels(rows: pd.DataFrame) -> pd.Series:
    """Return `label` of every row, which has a model and a budget."""
    names = map(label, rows["model"], rows["budget"])
    return pd.Series(list(names), rows.index, dtype="str")


def ranking(table: pd.DataFrame, models: Sequence[str] | None = None) -> Ranking:
    """Rank models, by `label`, on the data sets where all of them have run.

    `models`: labels; None for all in the table. Ties share the mean rank. Raises ValueError for
    fewer than three models or two data sets in common. Source: Demšar, Statistical Comparisons of
    Classifiers over Multiple Data Sets (2006).
    """
    found = means(table)
    found["label"] = labels(found)
    losses = found.pivot(index="dataset", columns="label", values="loss")
    losses = losses[losses.columns if models is None else list(models)].dropna()
    n, k = losses.shape
    if k < 3 or n < 2:
        raise ValueError(
            f"table: found {k} models and {n} data sets that all have run on, "
            "expected at least 3 and 2"
        )
    each = losses.rank(axis=1)
    ranks = each.mean().sort_values(kind="stable").rename("rank")
    p = float(stats.friedmanchisquare(*losses.to_numpy().T).pvalue)
    return Ranking(ranks, n, p, critical_difference(k, n), each[ranks.index])


def critical_difference(n_models: int, n_datasets: int, level: float = 0.05) -> float:
    """Return Nemenyi's critical difference of mean ranks."""
    q = stats.studentized_range.ppf(1 - level, n_models, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(n_models * (n_models + 1) / (6 * n_datasets)))


def pareto(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `means` of models with parameters, and whether each is at the front.

    Column `front`: no other model on the data set has both fewer or as many parameters and a
    smaller or equal loss, one of them strictly.
    """
    found = means(table).dropna(subset=["n_parameters"]).reset_index(drop=True)
    front = []
    for row in found.itertuples():
        same = found[found["dataset"] == row.dataset]
        smaller = (same["n_parameters"] <= row.n_parameters) & (same["loss"] <= row.loss)
        strictly = (same["n_parameters"] < row.n_parameters) | (same["loss"] < row.loss)
        front.append(not (smaller & strictly).any())
    return found.assign(front=front)
