"""Notebook 10 compares: our networks beside Table 6, and the plotted data of its figures.

Functions of figures return None where the table of runs holds too little for their figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from companion.experiments.tabular_grid import compare_models as compare
from companion.experiments.tabular_grid import settings
from companion.experiments.tabular_grid.compare_models import BEST_SOURCE, SIGNIFICANT

RESAMPLES = 2000  # of the data sets, for the intervals of a mean over them
REFERENCE = "linear"  # whose error is the unit of `error_by_parameters`


def table6() -> pd.DataFrame:
    """Return Table 6 of the predecessor (arXiv 2405.02369): 20 sets, five structures, LN and TN.

    Columns: dataset (names of the registry), metric, structure (S1 to S5), network, mean, std.
    """
    return pd.read_csv(Path(__file__).with_name("table6.csv"))


def beside_table6(
    table: pd.DataFrame, models: Sequence[str] = settings.TASK_DRIVEN
) -> pd.DataFrame:
    """Return our best task-driven network beside the best of Table 6, a row a data set.

    Ours is that of `models` and their budgets with the best mean validation score. Columns:
    dataset, metric, label, mean, std, paper (best mean of TN), paper_std, comparable (no
    stand-in), reached (at or better).
    """
    paper = table6().query("network == 'TN'").rename(columns={"mean": "paper", "std": "paper_std"})
    order = paper["paper"].where(paper["metric"] == "mse", -paper["paper"])
    paper = paper.loc[order.groupby(paper["dataset"]).idxmin(), ["dataset", "paper", "paper_std"]]
    own = compare.chosen_by_validation(table, models)
    both = own[["dataset", "metric", "label", "mean", "std"]].merge(paper, on="dataset")
    reached = (both["mean"] <= both["paper"]).where(
        both["metric"] == "mse", both["mean"] >= both["paper"]
    )
    return both.assign(comparable=~both["dataset"].isin(settings.STAND_INS), reached=reached)


def gains(table: pd.DataFrame) -> pd.DataFrame | None:
    """Return how much smaller the error of TN is than that of LN, and that of the control.

    Columns: model, dataset, budget, gain (share of the larger of both errors), clear (whether the
    test over seeds says so).
    """
    pairs = compare.pairs(table, models=(BEST_SOURCE, *settings.SOURCES, settings.CONTROL))
    if pairs.empty:
        return None
    pairs = pairs.assign(clear=pairs["p_corrected"] < SIGNIFICANT)
    return pairs[["model", "dataset", "budget", "gain", "clear"]]


def over_table6(table: pd.DataFrame) -> pd.DataFrame | None:
    """Return the error of our best TN over that of the best TN of Table 6, by data set.

    Columns: dataset, label (of our model), ratio and spread (mean and standard deviation over the
    seeds, over the paper's mean), paper_spread, linear (error of the linear model over the paper's
    mean, NaN where it has not run), comparable, reached; the smallest ratio first.
    """
    beside = beside_table6(table)
    if beside.empty:
        return None
    unit, own = (beside[name].where(beside["metric"] == "mse", 1 - beside[name])
                 for name in ("paper", "mean"))
    linear = compare.means(table[table["model"] == REFERENCE]).set_index("dataset")["loss"]
    return pd.DataFrame({
        "dataset": beside["dataset"], "label": beside["label"],
        "ratio": own / unit, "spread": beside["std"].fillna(0.0) / unit,
        "paper_spread": beside["paper_std"] / unit,
        "linear": beside["dataset"].map(linear).astype(float) / unit,
        "comparable": beside["comparable"], "reached": beside["reached"],
    }).sort_values("ratio", kind="stable").reset_index(drop=True)


def ranks(table: pd.DataFrame) -> dict[str, pd.DataFrame] | None:
    """Return `ranking` of the models of one size and of each network at its largest budget.

    Of networks at budgets: LN, KAN and the best source of TN.
    """
    table = compare.with_best(table)
    largest = compare.labelled(table).sort_values("budget").groupby("model")["label"].last()
    models = (*settings.OURS, REFERENCE, *settings.BOOSTING, "LN", "KAN", BEST_SOURCE)
    return compare.ranking(table, [largest[model] for model in models if model in largest])


def error_by_parameters(table: pd.DataFrame) -> dict[str, pd.DataFrame] | None:
    """Return errors over that of the linear model, means over the data sets, and their intervals.

    "points": task, model, budget (0 for none), n_parameters (geometric mean), ratio, low, high
    (95 %, resampling the data sets), sets, all_sets (whether these are all). "levels": task, model,
    ratio, of models whose parameters cannot be counted. Sets on which the linear model has not run
    or makes no error are left out.
    """
    rows = compare.means(compare.with_best(table))
    unit = rows[rows["model"] == REFERENCE].set_index("dataset")["loss"]
    rows = rows.assign(ratio=rows["loss"] / rows["dataset"].map(unit[unit > 0]))
    rows = rows[rows["ratio"].notna() & (rows["model"] != REFERENCE)]
    total = rows.groupby("task")["dataset"].nunique()
    counted = rows["model"].isin([*settings.NETWORKS, *settings.OURS, BEST_SOURCE])
    points = []
    for (task, model, budget), group in rows[counted].groupby(
        ["task", "model", "budget"], dropna=False
    ):
        ratio = group["ratio"].to_numpy()
        low, high = _interval(ratio)
        points.append({
            "task": task, "model": model, "ratio": ratio.mean(),
            "budget": 0 if pd.isna(budget) else int(budget),
            "n_parameters": float(np.exp(np.log(group["n_parameters"].astype(float)).mean())),
            "low": low, "high": high, "sets": len(ratio), "all_sets": len(ratio) == total[task],
        })
    trees = rows[rows["model"].isin(settings.BOOSTING)].groupby(["task", "model"])["ratio"]
    levels = trees.agg(lambda ratio: ratio.to_numpy().mean()).reset_index()
    return {"points": pd.DataFrame(points), "levels": levels} if points else None


def _interval(values: np.ndarray) -> np.ndarray:
    """Return the 95 % interval (2,) of the mean of values (n,) by resampling."""
    drawn = np.random.default_rng(0).choice(values, (RESAMPLES, len(values))).mean(axis=1)
    return np.quantile(drawn, [0.025, 0.975])
