"""What the table of runs says: means, networks in pairs with tests, the paper's Table 6.

All functions take the table of `table.collect` or `table.read` and nothing else of the runs. A
loss is the mean squared error or the share of wrong classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from .settings import CONTROL, LINEAR_NETWORKS, SOURCES, STAND_INS, TEST_SHARE

LINEAR = "pure(1)"
"""The structure of linear neurons: networks that have it are task-driven in name alone."""

BEST_LINEAR = "LN-best"
"""Name of linear neurons whose activation, of LN and `CONTROL`, the validation rows choose."""

BEST_SOURCE = "TN-best"
"""Name of the task-driven networks whose source the validation rows choose, seed by seed."""


def loss(table: pd.DataFrame, column: str = "value") -> pd.Series:
    """Return a column as a loss, of which less is better."""
    return table[column].where(table["metric"] == "mse", 1.0 - table[column])


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each data set, model and budget, over its seeds.

    Columns: dataset, task, metric, model, budget, seeds (their number), mean, std (of a sample),
    validation (mean of the score there), loss, f1, n_parameters (the most), seconds, diverged
    (runs).
    """
    keys = ["dataset", "task", "metric", "model", "budget"]
    return table.assign(loss=loss(table)).groupby(keys, dropna=False).agg(
        seeds=("seed", "size"), mean=("value", "mean"), std=("value", "std"),
        validation=("validation_value", "mean"), loss=("loss", "mean"), f1=("f1", "mean"),
        n_parameters=("n_parameters", "max"), seconds=("seconds", "mean"),
        diverged=("diverged", "sum"),
    ).reset_index()


def with_best_source(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with rows of the model `BEST_SOURCE` added.

    For each data set, budget and seed it is the run of that source in `SOURCES` whose validation
    loss is least.
    """
    return _with_best(table, table["model"].isin(SOURCES), BEST_SOURCE)


def with_best_linear(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with rows of the model `BEST_LINEAR` added, where LN and `CONTROL` ran."""
    keys = ["dataset", "budget", "seed"]
    controls = pd.MultiIndex.from_frame(table.loc[table["model"] == CONTROL, keys])
    there = pd.MultiIndex.from_frame(table[keys]).isin(controls)
    return _with_best(table, table["model"].isin(LINEAR_NETWORKS) & there, BEST_LINEAR)


def _with_best(table: pd.DataFrame, chosen: pd.Series, name: str) -> pd.DataFrame:
    own = table[chosen].reset_index(drop=True)
    if own.empty:
        return table
    ordered = own.sort_values(["validation_loss", "model"], kind="stable")
    best = ordered.drop_duplicates(["dataset", "budget", "seed"]).assign(model=name)
    found = pd.concat([table, best])
    return found.sort_values(["dataset", "model", "budget", "seed"]).reset_index(drop=True)


def pairs(
    table: pd.DataFrame, baseline: str = "LN", models: Sequence[str] = (*SOURCES, BEST_SOURCE)
) -> pd.DataFrame:
    """Compare the task-driven networks at a budget, or other `models`, with `baseline` by seed.

    A row for each model, data set and budget. Columns: model, dataset, task,
    budget, seeds, baseline and own (mean scores), n_baseline and n_own (the most parameters),
    gain (how much less the mean loss is, over the larger of both), won (own is less), p_corrected
    (of `corrected_t_test` over seeds), linear (all own networks have the structure `LINEAR`).
    Raises ValueError for a task-driven network of more parameters than the baseline's of the same
    seed.
    """
    table = with_best_source(table)
    keys = ["dataset", "task", "budget", "seed"]
    columns = [*keys, "value", "loss", "n_parameters", "structure"]
    table = table.assign(loss=loss(table))
    base = table.loc[table["model"] == baseline, columns]
    rows = []
    for model in models:
        own = table.loc[table["model"] == model, columns]
        both = own.merge(base, on=keys, suffixes=("", "_base"))
        large = both[both["n_parameters"] > both["n_parameters_base"]]
        if len(large):
            first = large.iloc[0]
            raise ValueError(
                f"{model} on {first['dataset']} at {first['budget']}: found "
                f"{first['n_parameters']} parameters, expected at most the "
                f"{first['n_parameters_base']} of {baseline}"
            )
        for (dataset, task, budget), group in both.groupby(["dataset", "task", "budget"]):
            change = (group["loss"] - group["loss_base"]).to_numpy()
            larger = max(group["loss"].mean(), group["loss_base"].mean())
            rows.append({
                "model": model, "dataset": dataset, "task": task, "budget": budget,
                "seeds": len(group), "baseline": group["value_base"].mean(),
                "own": group["value"].mean(), "n_baseline": group["n_parameters_base"].max(),
                "n_own": group["n_parameters"].max(),
                "gain": -change.mean() / larger if larger else 0.0,
                "won": bool(change.mean() < 0),
                "p_corrected": corrected_t_test(change),
                "linear": bool((group["structure"] == LINEAR).all()),
            })
    return pd.DataFrame(rows)


def wilcoxon(change: np.ndarray) -> float:
    """Return the two-sided p of the signed-rank test, 1 where nothing differs; NaN for one pair."""
    if len(change) < 2:
        return float("nan")
    return float(stats.wilcoxon(change).pvalue) if np.any(change) else 1.0


def corrected_t_test(change: np.ndarray, test_share: float = TEST_SHARE) -> float:
    """Return the two-sided p of the t-test whose variance allows for overlapping random splits.

    The variance of the mean of n differences is (1 / n + n_test / n_train) times theirs. Source:
    Nadeau and Bengio, Inference for the Generalization Error (2003). 1 where nothing differs;
    NaN where nothing is known of the variance: one difference, or all alike.
    """
    n = len(change)
    if n < 2:
        return float("nan")
    if np.ptp(change) <= 1e-9 * np.max(np.abs(change)):  # alike but for rounding
        return float("nan") if np.any(change) else 1.0
    variance = np.var(change, ddof=1) * (1 / n + test_share / (1 - test_share))
    return float(2 * stats.t.sf(abs(np.mean(change)) / np.sqrt(variance), n - 1))


def won(compared: pd.DataFrame) -> pd.DataFrame:
    """Summarise `pairs` for each model: pairs, share won, and tests over data sets.

    Columns: model, pairs, won (share), significant (share of pairs won with p_corrected < 0.05),
    lost_significant, median_gain, p_datasets (Wilcoxon test of the gains, means over budgets, over
    data sets).
    """
    rows = []
    for model, group in compared.groupby("model", sort=False):
        clear = group["p_corrected"] < 0.05
        gains = group.groupby("dataset")["gain"].mean().to_numpy()
        rows.append({
            "model": model, "pairs": len(group), "won": group["won"].mean(),
            "significant": (group["won"] & clear).mean(),
            "lost_significant": (~group["won"] & clear).mean(),
            "median_gain": group["gain"].median(), "p_datasets": wilcoxon(gains),
        })
    return pd.DataFrame(rows)


def table6() -> pd.DataFrame:
    """Return Table 6 of the predecessor (arXiv 2405.02369): 20 sets, five structures, LN and TN.

    Columns: dataset (names of the registry), metric, structure (S1 to S5), network, mean, std.
    """
    return pd.read_csv(Path(__file__).with_name("table6.csv"))


def chosen_by_validation(table: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Return of each data set the row of `means` whose mean validation score is best."""
    found = means(table[table["model"].isin(models)])
    order = found["validation"].where(found["metric"] == "mse", -found["validation"])
    rows = found.assign(order=order).sort_values(["dataset", "order", "model"], kind="stable")
    return rows.drop_duplicates("dataset").drop(columns="order").reset_index(drop=True)


def beside_table6(table: pd.DataFrame, models: Sequence[str] = (*SOURCES, "TN")) -> pd.DataFrame:
    """Return our best task-driven network beside the best of Table 6, a row a data set.

    Ours is that of `models` and their budgets with the best mean validation score. Columns:
    dataset, metric, model, budget, mean, std, paper (best mean of TN), paper_std, comparable (no
    stand-in), reached (at or better).
    """
    paper = table6()
    paper = paper[paper["network"] == "TN"].rename(columns={"mean": "paper", "std": "paper_std"})
    order = paper["paper"].where(paper["metric"] == "mse", -paper["paper"])
    paper = paper.assign(order=order).sort_values("order", kind="stable")
    paper = paper.drop_duplicates("dataset")[["dataset", "paper", "paper_std"]]
    own = chosen_by_validation(table, models)[
        ["dataset", "metric", "model", "budget", "mean", "std"]
    ]
    found = own.merge(paper, on="dataset")
    better = (found["mean"] <= found["paper"]).where(
        found["metric"] == "mse", found["mean"] >= found["paper"]
    )
    return found.assign(comparable=~found["dataset"].isin(STAND_INS), reached=better)


def against(table: pd.DataFrame, model: str = "TN", rival: str = "xgboost") -> pd.DataFrame:
    """Compare two models that have no budget on all data sets where both have run.

    Columns: dataset, task, metric, own, own_std, rival, rival_std, p_corrected, reached (at or
    better).
    """
    table = table.assign(loss=loss(table))
    keys = ["dataset", "task", "metric", "seed"]
    columns = [*keys, "value", "loss"]
    both = table.loc[table["model"] == model, columns].merge(
        table.loc[table["model"] == rival, columns], on=keys, suffixes=("", "_rival")
    )
    rows = []
    for (dataset, task, metric), group in both.groupby(["dataset", "task", "metric"]):
        change = (group["loss"] - group["loss_rival"]).to_numpy()
        rows.append({
            "dataset": dataset, "task": task, "metric": metric, "own": group["value"].mean(),
            "own_std": group["value"].std(), "rival": group["value_rival"].mean(),
            "rival_std": group["value_rival"].std(), "p_corrected": corrected_t_test(change),
            "reached": bool(change.mean() <= 0),
        })
    return pd.DataFrame(rows)
