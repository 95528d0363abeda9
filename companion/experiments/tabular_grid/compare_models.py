"""What a table of runs says of models: means, two models seed by seed, corrected tests, ranks.

All functions take the table of `score_table` and nothing else of the runs. A loss is the mean
squared error or the share of wrong classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from .settings import CONTROL, LINEAR_NETWORKS, SOURCES, TEST_SHARE

LINEAR = "pure(1)"  # a structure of linear neurons: its networks are task-driven in name alone
BEST_LINEAR = "LN-best"  # linear neurons whose activation the validation rows choose
BEST_SOURCE = "TN-best"  # task-driven networks whose source they choose, seed by seed
SIGNIFICANT = 0.05  # the p below which a difference is called clear


def loss(table: pd.DataFrame) -> pd.Series:
    """Return the scores of the test rows as losses, of which less is better."""
    return table["value"].where(table["metric"] == "mse", 1.0 - table["value"])


def labelled(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a column `label`: the model, and its budget where it has one."""
    budgets = table["budget"].astype("Int64").astype("str")
    return table.assign(label=table["model"].str.cat(budgets, sep=" ").fillna(table["model"]))


def score_text(mean: float, std: float) -> str:
    """Return mean and standard deviation as text, as many digits as Table 6 has."""
    return f"{mean:.4f}" + ("" if math.isnan(std) else f" ± {std:.4f}")


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each data set, model and budget, over its seeds.

    Columns: dataset, task, metric, model, budget, label (model and budget as text), seeds (their
    number), mean, std (of a sample), validation (mean of the score there), loss, f1, n_parameters
    (the most).
    """
    keys = ["dataset", "task", "metric", "model", "budget", "label"]
    return labelled(table).assign(loss=loss(table)).groupby(keys, dropna=False).agg(
        seeds=("seed", "size"), mean=("value", "mean"), std=("value", "std"),
        validation=("validation_value", "mean"), loss=("loss", "mean"), f1=("f1", "mean"),
        n_parameters=("n_parameters", "max"),
    ).reset_index()


def chosen_by_validation(table: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Return of each data set the row of `means` whose mean validation score is best."""
    rows = means(table[table["model"].isin(models)])
    order = rows["validation"].where(rows["metric"] == "mse", -rows["validation"])
    best = order.fillna(np.inf).groupby(rows["dataset"]).idxmin()
    return rows.loc[best].reset_index(drop=True)


def with_best(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with rows of the models `BEST_SOURCE` and `BEST_LINEAR` added.

    For each data set, budget and seed that is the run, of the sources or of LN and `CONTROL`, whose
    validation loss is least; of the latter only where `CONTROL` has run.
    """
    keys = ["dataset", "budget", "seed"]
    ordered = table.sort_values(["validation_loss", "model"], kind="stable")
    controlled = ordered.loc[ordered["model"] == CONTROL, keys]
    sources, linear = (ordered[ordered["model"].isin(m)] for m in (SOURCES, LINEAR_NETWORKS))
    best = [part.drop_duplicates(keys).assign(model=name) for name, part in (
        (BEST_SOURCE, sources), (BEST_LINEAR, linear.merge(controlled, on=keys)),
    )]
    rows = pd.concat([table, *best]).sort_values(["dataset", "model", "budget", "seed"])
    return rows.reset_index(drop=True)


def compared(table: pd.DataFrame, model: str, other: str) -> pd.DataFrame:
    """Compare two models on every data set, and at every budget, where both have run, by seed.

    Columns: model, dataset, metric, budget, own, own_std, other, other_std (scores), n_own, n_other
    (the most parameters), linear (all own networks have the structure `LINEAR`) and those of
    `difference`.
    """
    cell = ["dataset", "metric", "budget"]
    table = table.assign(loss=loss(table), linear=table["structure"] == LINEAR)
    both = table[table["model"] == model].merge(
        table[table["model"] == other], on=[*cell, "seed"], suffixes=("", "_other")
    )
    return pd.DataFrame([{
        "model": model, **dict(zip(cell, values, strict=True)),
        "own": group["value"].mean(), "own_std": group["value"].std(),
        "other": group["value_other"].mean(), "other_std": group["value_other"].std(),
        "n_own": group["n_parameters"].max(), "n_other": group["n_parameters_other"].max(),
        "linear": bool(group["linear"].all()),
        **difference(*group[["loss", "loss_other"]].to_numpy().T),
    } for values, group in both.groupby(cell, dropna=False)])


def difference(own: np.ndarray, other: np.ndarray) -> dict[str, Any]:
    """Compare the losses (n,) of two models on the same seeds.

    Returns seeds (their number), gain (how much less the mean of `own` is, over the larger of both
    means), won (it is less), reached (it is no more), p_corrected (of `corrected_t_test`).
    """
    change, larger = own - other, max(own.mean(), other.mean())
    return {"seeds": len(change), "gain": -change.mean() / larger if larger else 0.0,
            "won": bool(change.mean() < 0), "reached": bool(change.mean() <= 0),
            "p_corrected": corrected_t_test(change)}


def pairs(
    table: pd.DataFrame, baseline: str = "LN", models: Sequence[str] = (*SOURCES, BEST_SOURCE)
) -> pd.DataFrame:
    """Return `compared` of the task-driven networks at a budget, or other `models`, with one model.

    `BEST_SOURCE` and `BEST_LINEAR` are models too. Raises ValueError for a network of more
    parameters than the baseline's.
    """
    table = with_best(table)
    parts = [compared(table, model, baseline) for model in models]
    rows = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    large = rows[rows["n_own"] > rows["n_other"]] if len(rows) else rows
    for row in large.itertuples():
        raise ValueError(f"{row.model} on {row.dataset} at {row.budget}: found {row.n_own} "
                         f"parameters, expected at most the {row.n_other} of {baseline}")
    return rows


def shares_won(compared: pd.DataFrame) -> pd.DataFrame:
    """Return, for each model of `pairs`, what share it wins and what tests say of that.

    Columns: model, pairs, won (share), significant (share of pairs won with p_corrected < 0.05),
    lost_significant, median_gain, p_datasets (Wilcoxon test of the gains, means over budgets, over
    data sets).
    """
    if compared.empty:
        return pd.DataFrame()
    won, clear = compared["won"], compared["p_corrected"] < SIGNIFICANT
    groups = compared.assign(clear=won & clear, lost=~won & clear).groupby("model", sort=False)
    gains = compared.groupby(["model", "dataset"])["gain"].mean()
    return groups.agg(
        pairs=("won", "size"), won=("won", "mean"), significant=("clear", "mean"),
        lost_significant=("lost", "mean"), median_gain=("gain", "median"),
    ).assign(p_datasets=gains.groupby("model").agg(wilcoxon)).reset_index()


def of_linear_structure(pairs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of `pairs` of a source whose networks are linear neurons, and the others."""
    pairs = pairs[pairs["model"] != BEST_SOURCE]
    return pairs[pairs["linear"]], pairs[~pairs["linear"]]


def wilcoxon(change: np.ndarray | pd.Series) -> float:
    """Return the p of the signed-rank test of differences (n,), 1 for none, NaN for one pair."""
    if len(change) < 2:
        return float("nan")
    return float(stats.wilcoxon(change).pvalue) if np.any(change) else 1.0


def corrected_t_test(change: np.ndarray) -> float:
    """Return the two-sided p of the t-test of differences (n,) that allows for overlapping splits.

    The variance of the mean of n differences is (1 / n + n_test / n_train) times theirs. Source:
    Nadeau and Bengio, Inference for the Generalization Error (2003). 1 where nothing differs;
    NaN where nothing is known of the variance: one difference, or all alike.
    """
    n = len(change)
    if n < 2:
        return float("nan")
    if np.ptp(change) <= 1e-9 * np.max(np.abs(change)):  # alike but for rounding
        return float("nan") if np.any(change) else 1.0
    variance = np.var(change, ddof=1) * (1 / n + TEST_SHARE / (1 - TEST_SHARE))
    return float(2 * stats.t.sf(abs(np.mean(change)) / np.sqrt(variance), n - 1))


def ranking(table: pd.DataFrame, models: Sequence[str]) -> dict[str, pd.DataFrame] | None:
    """Rank models, by their labels, on the data sets where all of them have run; 1 is the best.

    Returns "means" (model, rank; best first), "each" (dataset, model, rank; ties share the mean
    rank) and "test", one row: datasets (their number), p (of Friedman's test),
    critical_difference (mean ranks closer than this do not differ: Nemenyi's test, 5 %); None for
    fewer than three models or two data sets.
    Source: Demšar, Statistical Comparisons of Classifiers over Multiple Data Sets (2006).
    """
    rows = means(table)
    losses = rows.pivot(index="dataset", columns="label", values="loss")[list(models)].dropna()
    n, k = losses.shape
    if k < 3 or n < 2:
        return None
    each = losses.rank(axis=1)
    ranks = each.mean().sort_values(kind="stable").rename_axis("model")
    q = stats.studentized_range.ppf(0.95, k, np.inf) / np.sqrt(2)
    p = float(stats.friedmanchisquare(*losses.to_numpy().T).pvalue)
    difference = float(q * np.sqrt(k * (k + 1) / (6 * n)))
    return {
        "means": ranks.reset_index(name="rank"),
        "each": each[ranks.index].melt(ignore_index=False, var_name="model", value_name="rank")
        .reset_index(),
        "test": pd.DataFrame([{"datasets": n, "p": p, "critical_difference": difference}]),
    }


def pareto(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `means` of models with parameters, and whether each is at the front.

    Column `front`: no other model on the data set has both fewer or as many parameters and a
    smaller or equal loss, one of them strictly.
    """
    rows = means(table).dropna(subset=["n_parameters"]).reset_index(drop=True)
    both = rows.reset_index().merge(rows, on="dataset", suffixes=("", "_other"))
    size, change = (both[f"{name}_other"] - both[name] for name in ("n_parameters", "loss"))
    beaten = both.loc[(size <= 0) & (change <= 0) & ((size < 0) | (change < 0)), "index"]
    return rows.assign(front=~rows.index.isin(beaten))
