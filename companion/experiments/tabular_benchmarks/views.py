"""The plotted data of the figures on tables, read off the table of runs alone.

Functions return None where the table holds too little for their figure.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from companion.experiments.tabular_grid import comparisons, ranks
from companion.experiments.tabular_grid.comparisons import BEST_SOURCE
from companion.experiments.tabular_grid.settings import BOOSTING, CONTROL, NETWORKS, OURS, SOURCES

SIGNIFICANT = 0.05
RESAMPLES = 2000  # of the data sets, for the intervals of a mean over them
REFERENCE = "linear"  # whose error is the unit of `error_by_parameters`


def gains(table: pd.DataFrame) -> pd.DataFrame | None:
    """Return how much smaller the error of TN is than that of LN, and that of the control.

    Columns: model, dataset, budget, gain (share of the larger of both errors), clear (whether the
    test over seeds says so).
    """
    compared = comparisons.pairs(table, models=(BEST_SOURCE, *SOURCES, CONTROL))
    if compared.empty:
        return None
    compared = compared.assign(clear=compared["p_corrected"] < SIGNIFICANT)
    columns = ["model", "dataset", "budget", "gain", "clear"]
    return compared[columns].reset_index(drop=True)


def beside_table6(table: pd.DataFrame) -> pd.DataFrame | None:
    """Return the error of our best TN over that of the best TN of Table 6, by data set.

    Columns: dataset, label (of our model), ratio and spread (mean and standard deviation over the
    seeds, over the paper's mean), paper_spread, linear (error of the linear model over the paper's
    mean, NaN where it has not run), comparable, reached; the smallest ratio first.
    """
    found = comparisons.beside_table6(table)
    if found.empty:
        return None
    unit = found["paper"].where(found["metric"] == "mse", 1 - found["paper"])
    own = found["mean"].where(found["metric"] == "mse", 1 - found["mean"])
    linear = comparisons.means(table[table["model"] == REFERENCE]).set_index("dataset")["loss"]
    return pd.DataFrame({
        "dataset": found["dataset"],
        "label": ranks.labels(found),
        "ratio": own / unit, "spread": found["std"].fillna(0.0) / unit,
        "paper_spread": found["paper_std"] / unit,
        "linear": found["dataset"].map(linear).astype(float) / unit,
        "comparable": found["comparable"], "reached": found["reached"],
    }).sort_values("ratio", kind="stable").reset_index(drop=True)


def ranked(table: pd.DataFrame) -> ranks.Ranking | None:
    """Return the ranking of the models of one size and of each network at its largest budget.

    Of networks at budgets: LN, KAN and the best source of TN. Only data sets on which all of them
    have run are ranked.
    """
    table = comparisons.with_best_source(table)
    own = table[["model", "budget"]].drop_duplicates()
    single = [m for m in (*OURS, *BOOSTING) if m in set(own["model"])]
    largest = own.dropna().groupby("model")["budget"].max()
    largest = [ranks.label(m, largest[m]) for m in ("LN", "KAN", BEST_SOURCE) if m in largest]
    try:
        return ranks.ranking(table, single + largest)
    except ValueError:  # too few models or data sets
        return None


def rank_plot(table: pd.DataFrame) -> dict[str, pd.DataFrame] | None:
    """Return of `ranked` "means" (model, rank, best first), "each" (dataset, model, rank), "test".

    "test": one row, datasets, p (Friedman's test), critical_difference.
    """
    found = ranked(table)
    if found is None:
        return None
    each = found.each.reset_index().melt(id_vars="dataset", var_name="model", value_name="rank")
    means = pd.DataFrame({"model": list(found.ranks.index), "rank": found.ranks.to_numpy()})
    test = {"datasets": found.datasets, "p": found.p,
            "critical_difference": found.critical_difference}
    return {"means": means, "each": each, "test": pd.DataFrame([test])}


def error_by_parameters(table: pd.DataFrame, seed: int = 0) -> dict[str, pd.DataFrame] | None:
    """Return errors over that of the linear model, means over the data sets, and their intervals.

    "points": task, model, budget (0 for none), n_parameters (geometric mean), ratio, low, high
    (95 %, resampling the data sets), sets, all_sets (whether these are all). "levels": task, model,
    ratio, of models whose parameters cannot be counted. Sets on which the linear model has not run
    or makes no error are left out.
    """
    found = comparisons.means(comparisons.with_best_source(table))
    unit = found[found["model"] == REFERENCE].set_index("dataset")["loss"]
    unit = unit[unit > 0]
    found = found[found["dataset"].isin(unit.index) & (found["model"] != REFERENCE)]
    found = found.assign(ratio=found["loss"] / found["dataset"].map(unit))
    points, levels = [], []
    for (task, model, budget), group in found.groupby(["task", "model", "budget"], dropna=False):
        ratio = group["ratio"].to_numpy()
        row = {"task": task, "model": model, "ratio": ratio.mean()}
        if model in BOOSTING:
            levels.append(row)
        elif model in (*NETWORKS, *OURS, BEST_SOURCE):
            total = found.loc[found["task"] == task, "dataset"].nunique()
            low, high = _interval(ratio, seed)
            points.append({
                **row, "budget": 0 if pd.isna(budget) else int(budget),
                "n_parameters": float(np.exp(np.log(group["n_parameters"].astype(float)).mean())),
                "low": low, "high": high, "sets": len(ratio), "all_sets": len(ratio) == total,
            })
    if not points:
        return None
    columns = ["task", "model", "ratio"]
    return {"points": pd.DataFrame(points), "levels": pd.DataFrame(levels, columns=columns)}


def _interval(values: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the 95 % interval of the mean by resampling."""
    rng = np.random.default_rng(seed)
    drawn = rng.choice(values, (RESAMPLES, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)
