"""What a table of runs says, as rows of text and as sentences."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from companion.experiments.tabular_grid import comparisons, ranks
from companion.experiments.tabular_grid.comparisons import BEST_LINEAR, BEST_SOURCE
from companion.experiments.tabular_grid.settings import BOOSTING, CONTROL, SOURCES

from . import views


def scores(runs: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Return "mean ± std" over seeds as text: a row a data set, a column a model.

    Models with budgets are shown at the budget with the best mean validation score.
    """
    columns = {}
    for model in models:
        found = comparisons.chosen_by_validation(
            comparisons.with_best_source(runs), [model]
        ).set_index(["dataset", "metric"])
        if len(found):
            columns[model] = pd.Series(
                list(map(score, found["mean"], found["std"])), found.index, dtype=object
            )
    return pd.DataFrame(columns).fillna("–").reset_index()


def score(mean: float, std: float) -> str:
    """Return mean and standard deviation as text, as many digits as Table 6 has."""
    return f"{mean:.4f}" + ("" if math.isnan(std) else f" ± {std:.4f}")


def table6_rows(runs: pd.DataFrame) -> pd.DataFrame:
    """Return our best TN beside the best of Table 6 as text, with a verdict a row."""
    found = comparisons.beside_table6(runs)
    verdicts = np.where(found["reached"], "at or better", "worse")
    return pd.DataFrame({
        "data set": found["dataset"],
        "unit": np.where(found["metric"] == "mse", "MSE, target in [−1, 1]", "accuracy"),
        "ours": ranks.labels(found),
        "value": list(map(score, found["mean"], found["std"])),
        "Table 6": list(map(score, found["paper"], found["paper_std"])),
        "verdict": np.where(found["comparable"], verdicts, verdicts + " (stand-in, not counted)")
        if len(found) else [],
    })


def against_rows(runs: pd.DataFrame, rival: str) -> pd.DataFrame:
    """Return "TN" beside a rival as text, with the p of the test over seeds and a verdict a row."""
    found = comparisons.against(runs, "TN", rival)
    if found.empty:
        return found
    clear = np.where(found["p_corrected"] < views.SIGNIFICANT, ", clearly", "")
    return pd.DataFrame({
        "data set": found["dataset"], "metric": found["metric"],
        "TN": list(map(score, found["own"], found["own_std"])),
        rival: list(map(score, found["rival"], found["rival_std"])),
        "p": found["p_corrected"].map("{:.2g}".format),
        "verdict": np.where(found["reached"], "at or better", "worse") + clear,
    })


def won_rows(runs: pd.DataFrame) -> pd.DataFrame:
    """Return `comparisons.won` as text: of task-driven over linear neurons and their control."""
    runs, parts = comparisons.with_best_linear(runs), []
    for baseline, models in (("LN", (*SOURCES, BEST_SOURCE, CONTROL)),
                             (CONTROL, (*SOURCES, BEST_SOURCE)), (BEST_LINEAR, (BEST_SOURCE,))):
        compared = comparisons.pairs(runs, baseline, models)
        if len(compared):
            parts.append(comparisons.won(compared).assign(baseline=baseline))
    if not parts:
        return pd.DataFrame()
    found = pd.concat(parts)
    return pd.DataFrame({
        "network": found["model"], "against": found["baseline"], "pairs": found["pairs"],
        "better": found["won"].map("{:.0%}".format),
        "clearly": found["significant"].map("{:.0%}".format),
        "clearly worse": found["lost_significant"].map("{:.0%}".format),
        "median gain": found["median_gain"].map("{:+.1%}".format),
        "p over data sets": found["p_datasets"].map("{:.2g}".format),
    })


def front_rows(runs: pd.DataFrame) -> pd.DataFrame:
    """Return of each model how many of its sets and sizes are on the front of `ranks.pareto`."""
    found = ranks.pareto(runs).groupby("model")["front"].agg(["sum", "size"])
    found = found.rename(columns={"sum": "on the front", "size": "sets and sizes"})
    return found.reset_index()


def each_table(
    tables: Mapping[str, pd.DataFrame], rows: Callable[..., pd.DataFrame], *options: Any
) -> pd.DataFrame | str:
    """Return the rows of every table, one below another, or words where all have none.

    `rows`: a function of a table of runs and `options` to rows.
    """
    found = {label: rows(runs, *options) for label, runs in tables.items()}
    found = {label: part for label, part in found.items() if len(part)}
    if not found:
        return "no runs for this table"
    return pd.concat(found, names=["table", None]).droplevel(1)


def table6_itself() -> str:
    """Return what Table 6 says by itself, as a sentence."""
    wide = comparisons.table6().pivot(
        index=["dataset", "metric", "structure"], columns="network", values=["mean", "std"]
    ).reset_index()
    sign = np.where(wide["metric"] == "mse", 1.0, -1.0)
    gain = sign * (wide["mean"]["LN"] - wide["mean"]["TN"])
    within = gain < np.maximum(wide["std"]["LN"], wide["std"]["TN"])
    return (f"Table 6: TN better in {(gain > 0).sum()} of {len(wide)} pairs, equal in "
            f"{(gain == 0).sum()}; in {within.sum()} the gain is smaller than the larger of both "
            f"standard deviations, and that of LN is the larger in "
            f"{(wide['std']['LN'] > wide['std']['TN']).sum()}.")


def shortfalls(runs: pd.DataFrame) -> list[str]:
    """Return sentences on where task-driven networks fall short, read off the table."""
    found = [
        _lost(runs, "LN"), _activation(runs), _lost(runs, CONTROL),
        _lost(runs, BEST_LINEAR), _neurons_of_degree_one(runs), _at_table6(runs),
        _linear_neurons_at_table6(runs), _against_boosting(runs), _bins_alone(runs),
        _against_linear(runs),
        f"Runs that diverged: {int(runs['diverged'].sum())} of {len(runs)}.",
    ]
    return [sentence for sentence in found if sentence]


def _lost(runs: pd.DataFrame, baseline: str) -> str:
    compared = comparisons.pairs(comparisons.with_best_linear(runs), baseline)
    if compared.empty:
        return ""
    texts = []
    for model, group in compared.groupby("model", sort=False):
        clear = group["p_corrected"] < views.SIGNIFICANT
        lost, clearly = ~group["won"], int((~group["won"] & clear).sum())
        texts.append(f"{model} in {lost.sum()} of {len(group)} ({clearly} clearly)")
    return (f"Pairs (data set, budget) in which {baseline} is at least as good: "
            + "; ".join(texts) + ".")


def _activation(runs: pd.DataFrame) -> str:
    found = comparisons.pairs(runs, "LN", [CONTROL])
    if found.empty:
        return ""
    return (f"Linear neurons gain by the activation of the task-driven networks alone: {CONTROL} "
            f"is better than LN in {found['won'].sum()} of {len(found)} pairs, by "
            f"{found['gain'].median():+.1%} in the median.")


def _neurons_of_degree_one(runs: pd.DataFrame) -> str:
    compared = comparisons.pairs(runs)
    if compared.empty:
        return ""
    compared = compared[compared["model"] != BEST_SOURCE]
    own, others = compared[compared["linear"]], compared[~compared["linear"]]
    if own.empty:
        return ""
    return (f"Where the search found linear neurons ({comparisons.LINEAR}), TN is LN but for its "
            f"activation and its start: better in {own['won'].sum()} of {len(own)} such pairs, "
            f"against {others['won'].sum()} of {len(others)} of the others.")


def _at_table6(runs: pd.DataFrame) -> str:
    found = comparisons.beside_table6(runs)
    found = found[found["comparable"]]
    if found.empty:
        return ""
    return f"Our best TN does not reach the best TN of Table 6 on {_sets(found, 'reached')}."


def _linear_neurons_at_table6(runs: pd.DataFrame) -> str:
    found = comparisons.beside_table6(runs, ["LN", "MLP"])
    found = found[found["comparable"]]
    if found.empty:
        return ""
    return (f"Networks of linear neurons (LN, MLP) trained our way reach the best TN of Table 6 on "
            f"{found['reached'].sum()} of {len(found)} sets: that much is training and encoding, "
            "and not the neuron.")


def _against_boosting(runs: pd.DataFrame) -> str:
    texts = []
    for rival in BOOSTING:
        found = comparisons.against(runs, "TN", rival)
        if rival != "linear" and len(found):
            texts.append(f"{rival} on {_sets(found, 'reached')}")
    return "TN with bins is behind " + "; ".join(texts) + "." if texts else ""


def _bins_alone(runs: pd.DataFrame) -> str:
    found = comparisons.against(runs, "TN", "MLP")
    if found.empty:
        return ""
    clear = found["p_corrected"] < views.SIGNIFICANT
    return ("The same network with linear neurons (MLP, with bins and members too) is better than "
            f"TN on {_sets(found, 'reached')}; the difference is clear, in either direction, on "
            f"{clear.sum()}.")


def _against_linear(runs: pd.DataFrame) -> str:
    linear = comparisons.means(runs[runs["model"] == "linear"]).set_index("dataset")["loss"]
    own = comparisons.chosen_by_validation(runs, (*SOURCES, "TN"))
    own = own[own["dataset"].isin(linear.index)]
    if own.empty:
        return ""
    own = own.assign(reached=own["loss"] < own["dataset"].map(linear))
    return f"A linear model is at least as good as our best TN on {_sets(own, 'reached')}."


def _sets(found: pd.DataFrame, reached: str) -> str:
    """Return "n of m sets (names)" of those that were not reached."""
    names = [name.replace("_", " ") for name in found.loc[~found[reached].astype(bool), "dataset"]]
    return f"{len(names)} of {len(found)} sets" + (f" ({', '.join(names)})" if names else "")
