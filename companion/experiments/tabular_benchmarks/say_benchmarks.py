"""Notebook 10 says: what a table of runs holds, as rows of text and as sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from companion.experiments.tabular_grid import compare_models as compare
from companion.experiments.tabular_grid.compare_models import (
    BEST_LINEAR,
    BEST_SOURCE,
    SIGNIFICANT,
    score_text,
)
from companion.experiments.tabular_grid.settings import BOOSTING, CONTROL, SOURCES, TASK_DRIVEN

from .benchmark_tables import REFERENCE, beside_table6, table6


def scores(runs: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Return "mean ± std" over seeds as text: a row a data set, a column a model.

    Models with budgets are shown at the budget with the best mean validation score.
    """
    runs, columns = compare.with_best(runs), {}
    for model in models:
        rows = compare.chosen_by_validation(runs, [model]).set_index(["dataset", "metric"])
        if len(rows):
            columns[model] = pd.Series(_texts(rows["mean"], rows["std"]), rows.index, dtype=object)
    return pd.DataFrame(columns).fillna("–").reset_index()


def _texts(means: pd.Series, deviations: pd.Series) -> list[str]:
    """Return `score_text` of each row."""
    return list(map(score_text, means, deviations))


def table6_rows(runs: pd.DataFrame) -> pd.DataFrame:
    """Return our best TN beside the best of Table 6 as text, with a verdict a row."""
    beside = beside_table6(runs)
    verdicts = np.where(beside["reached"].astype(bool), "at or better", "worse").astype(object)
    return pd.DataFrame({
        "data set": beside["dataset"],
        "unit": np.where(beside["metric"] == "mse", "MSE, target in [−1, 1]", "accuracy"),
        "ours": beside["label"], "value": _texts(beside["mean"], beside["std"]),
        "Table 6": _texts(beside["paper"], beside["paper_std"]),
        "verdict": verdicts + np.where(beside["comparable"], "", " (stand-in, not counted)"),
    })


def against_rows(runs: pd.DataFrame, rival: str) -> pd.DataFrame:
    """Return "TN" beside a rival as text, with the p of the test over seeds and a verdict a row."""
    rows = compare.compared(runs, "TN", rival)
    if rows.empty:
        return rows
    clear = np.where(rows["p_corrected"] < SIGNIFICANT, ", clearly", "")
    return pd.DataFrame({
        "data set": rows["dataset"], "metric": rows["metric"],
        "TN": _texts(rows["own"], rows["own_std"]), rival: _texts(rows["other"], rows["other_std"]),
        "p": rows["p_corrected"].map("{:.2g}".format),
        "verdict": np.where(rows["reached"], "at or better", "worse") + clear,
    })


def won_rows(runs: pd.DataFrame) -> pd.DataFrame:
    """Return `shares_won` as text: of task-driven over linear neurons and their control."""
    pairs = {baseline: compare.pairs(runs, baseline, models) for baseline, models in (
        ("LN", (*SOURCES, BEST_SOURCE, CONTROL)), (CONTROL, (*SOURCES, BEST_SOURCE)),
        (BEST_LINEAR, (BEST_SOURCE,)),
    )}
    parts = [compare.shares_won(part).assign(baseline=name)
             for name, part in pairs.items() if len(part)]
    if not parts:
        return pd.DataFrame()
    rows = pd.concat(parts)
    return pd.DataFrame({
        "network": rows["model"], "against": rows["baseline"], "pairs": rows["pairs"],
        "better": rows["won"].map("{:.0%}".format),
        "clearly": rows["significant"].map("{:.0%}".format),
        "clearly worse": rows["lost_significant"].map("{:.0%}".format),
        "median gain": rows["median_gain"].map("{:+.1%}".format),
        "p over data sets": rows["p_datasets"].map("{:.2g}".format),
    })


def front_rows(runs: pd.DataFrame) -> pd.DataFrame:
    """Return of each model how many of its sets and sizes are on the front of `pareto`."""
    counts = compare.pareto(runs).groupby("model")["front"].agg(["sum", "size"])
    return counts.rename(columns={"sum": "on the front", "size": "sets and sizes"}).reset_index()


def each_table(
    tables: Mapping[str, pd.DataFrame], rows: Callable[..., pd.DataFrame], *options: Any
) -> pd.DataFrame | str:
    """Return the rows of every table, one below another, or words where all have none.

    `rows`: a function of a table of runs and `options` to rows.
    """
    parts = {label: rows(runs, *options) for label, runs in tables.items()}
    parts = {label: part for label, part in parts.items() if len(part)}
    if not parts:
        return "no runs for this table"
    return pd.concat(parts, names=["table", None]).droplevel(1)


def table6_itself() -> str:
    """Return what Table 6 says by itself, as a sentence."""
    wide = table6().pivot(
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
    pairs = {name: compare.pairs(runs, name) for name in ("LN", CONTROL, BEST_LINEAR)}
    sentences = [
        _lost(pairs["LN"], "LN"), _activation(compare.pairs(runs, "LN", [CONTROL])),
        _lost(pairs[CONTROL], CONTROL), _lost(pairs[BEST_LINEAR], BEST_LINEAR),
        _linear_structures(pairs["LN"]), *_at_table6(runs), *_against_others(runs),
        f"Runs that diverged: {int(runs['diverged'].sum())} of {len(runs)}.",
    ]
    return [sentence for sentence in sentences if sentence]


def _lost(pairs: pd.DataFrame, baseline: str) -> str:
    texts = []
    for model, group in pairs.groupby("model", sort=False) if len(pairs) else ():
        lost = ~group["won"]
        clearly = (lost & (group["p_corrected"] < SIGNIFICANT)).sum()
        texts.append(f"{model} in {lost.sum()} of {len(group)} ({clearly} clearly)")
    start = f"Pairs (data set, budget) in which {baseline} is at least as good: "
    return start + "; ".join(texts) + "." if texts else ""


def _activation(pairs: pd.DataFrame) -> str:
    return "" if pairs.empty else (
        f"Linear neurons gain by the activation of the task-driven networks alone: {CONTROL} is "
        f"better than LN in {pairs['won'].sum()} of {len(pairs)} pairs, by "
        f"{pairs['gain'].median():+.1%} in the median."
    )


def _linear_structures(pairs: pd.DataFrame) -> str:
    if pairs.empty:
        return ""
    pairs = pairs[pairs["model"] != BEST_SOURCE]
    own, others = pairs[pairs["linear"]], pairs[~pairs["linear"]]
    return "" if own.empty else (
        f"Where the search found linear neurons ({compare.LINEAR}), TN is LN but for its "
        f"activation and its start: better in {own['won'].sum()} of {len(own)} such pairs, against "
        f"{others['won'].sum()} of {len(others)} of the others."
    )


def _at_table6(runs: pd.DataFrame) -> Iterator[str]:
    ours, linear = (beside.loc[beside["comparable"]] for beside in
                    (beside_table6(runs), beside_table6(runs, ["LN", "MLP"])))
    if len(ours):
        yield f"Our best TN does not reach the best TN of Table 6 on {_not_reached(ours)}."
    if len(linear):
        yield ("Networks of linear neurons (LN, MLP) trained our way reach the best TN of Table 6 "
               f"on {linear['reached'].sum()} of {len(linear)} sets: that much is training and "
               "encoding, and not the neuron.")


def _against_others(runs: pd.DataFrame) -> Iterator[str]:
    """Yield where boosting, MLP and the linear model are better than TN."""
    rows = {rival: compare.compared(runs, "TN", rival) for rival in (*BOOSTING, "MLP")}
    mlp = rows.pop("MLP")
    texts = [f"{rival} on {_not_reached(part)}" for rival, part in rows.items() if len(part)]
    if texts:
        yield "TN with bins is behind " + "; ".join(texts) + "."
    if len(mlp):
        clear = (mlp["p_corrected"] < SIGNIFICANT).sum()
        yield ("The same network with linear neurons (MLP, with bins and members too) is better "
               f"than TN on {_not_reached(mlp)}; the difference is clear, in either direction, on "
               f"{clear}.")
    linear = compare.means(runs[runs["model"] == REFERENCE]).set_index("dataset")["loss"]
    own = compare.chosen_by_validation(runs, TASK_DRIVEN)
    own = own.assign(reached=own["loss"] < own["dataset"].map(linear))
    own = own[own["dataset"].isin(linear.index)]
    if len(own):
        yield f"A linear model is at least as good as our best TN on {_not_reached(own)}."


def _not_reached(rows: pd.DataFrame) -> str:
    """Return "n of m sets (names)" of the rows, a data set each, that are not `reached`."""
    names = rows.loc[~rows["reached"].astype(bool), "dataset"].str.replace("_", " ").tolist()
    return f"{len(names)} of {len(rows)} sets" + (f" ({', '.join(names)})" if names else "")
