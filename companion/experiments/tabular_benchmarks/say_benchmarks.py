"""Notebook 10 says: what a table of runs holds, as rows of text and as sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from companion.experiments.tabular_grid import compare_models as compare
from companion.experiments.tabular_grid.compare_models import BEST_LINEAR, BEST_SOURCE, SIGNIFICANT
from companion.experiments.tabular_grid.settings import BOOSTING, CONTROL, SOURCES, TASK_DRIVEN

from .benchmark_tables import REFERENCE, beside_table6, table6


def scores(runs: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Return "mean ± std" over seeds as text: a row a data set, a column a model.

    Models with budgets are shown at the budget with the best mean validation score.
    """
    runs = compare.with_best(runs)
    rows = pd.concat([compare.chosen_by_validation(runs, [model]) for model in models])
    texts = rows.assign(text=_texts(rows["mean"], rows["std"])).pivot(
        index=["dataset", "metric"], columns="model", values="text"
    ).rename_axis(columns=None)
    return texts[[model for model in models if model in texts]].fillna("–").reset_index()


def _texts(means: pd.Series, deviations: pd.Series) -> list[str]:
    """Return `score_text` of each row."""
    return list(map(compare.score_text, means, deviations))


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
    return rows if rows.empty else pd.DataFrame({
        "data set": rows["dataset"], "metric": rows["metric"],
        "TN": _texts(rows["own"], rows["own_std"]), rival: _texts(rows["other"], rows["other_std"]),
        "p": rows["p_corrected"].map("{:.2g}".format),
        "verdict": np.where(rows["reached"], "at or better", "worse")
        + np.where(rows["p_corrected"] < SIGNIFICANT, ", clearly", ""),
    })


def won_rows(runs: pd.DataFrame) -> pd.DataFrame:
    """Return `shares_won` as text: of task-driven over linear neurons and their control."""
    rows = pd.concat([
        compare.shares_won(compare.pairs(runs, baseline, models)).assign(baseline=baseline)
        for baseline, models in (("LN", (*SOURCES, BEST_SOURCE, CONTROL)),
                                 (CONTROL, (*SOURCES, BEST_SOURCE)), (BEST_LINEAR, (BEST_SOURCE,)))
    ])
    return rows if rows.empty else pd.DataFrame({
        "network": rows["model"], "against": rows["baseline"], "pairs": rows["pairs"].astype(int),
        "better": rows["won"].map("{:.0%}".format),
        "clearly": rows["significant"].map("{:.0%}".format),
        "clearly worse": rows["lost_significant"].map("{:.0%}".format),
        "median gain": rows["median_gain"].map("{:+.1%}".format),
        "p over data sets": rows["p_datasets"].map("{:.2g}".format),
    })


def front_rows(runs: pd.DataFrame) -> pd.DataFrame:
    """Return of each model how many of its sets and sizes are on the front of `pareto`."""
    groups = compare.pareto(runs).groupby("model")["front"]
    return groups.agg(**{"on the front": "sum", "sets and sizes": "size"}).reset_index()


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
    gain = (wide["mean"]["LN"] - wide["mean"]["TN"]) * np.where(wide["metric"] == "mse", 1.0, -1.0)
    return (f"Table 6: TN better in {(gain > 0).sum()} of {len(wide)} pairs, equal in "
            f"{(gain == 0).sum()}; in {(gain < wide['std'].max(axis=1)).sum()} the gain is smaller "
            f"than the larger of both standard deviations, and that of LN is the larger in "
            f"{(wide['std']['LN'] > wide['std']['TN']).sum()}.")


def shortfalls(runs: pd.DataFrame) -> list[str]:
    """Return sentences on where task-driven networks fall short, read off the table."""
    pairs = {name: compare.pairs(runs, name) for name in ("LN", CONTROL, BEST_LINEAR)}
    diverged = f"Runs that diverged: {int(runs['diverged'].sum())} of {len(runs)}."
    return [
        *_lost(pairs["LN"], "LN"), *_activation(compare.pairs(runs, "LN", [CONTROL])),
        *_lost(pairs[CONTROL], CONTROL), *_lost(pairs[BEST_LINEAR], BEST_LINEAR),
        *_linear_structures(pairs["LN"]), *_at_table6(runs), *_against_others(runs), diverged,
    ]


def _lost(pairs: pd.DataFrame, baseline: str) -> Iterator[str]:
    if len(pairs):
        lost = pairs.assign(lost=~pairs["won"], clear=pairs["p_corrected"] < SIGNIFICANT)
        texts = [f"{model} in {rows['lost'].sum()} of {len(rows)} "
                 f"({(rows['lost'] & rows['clear']).sum()} clearly)"
                 for model, rows in lost.groupby("model", sort=False)]
        yield (f"Pairs (data set, budget) in which {baseline} is at least as good: "
               f"{'; '.join(texts)}.")


def _activation(pairs: pd.DataFrame) -> Iterator[str]:
    if len(pairs):
        yield ("Linear neurons gain by the activation of the task-driven networks alone: "
               f"{CONTROL} is better than LN in {pairs['won'].sum()} of {len(pairs)} pairs, by "
               f"{pairs['gain'].median():+.1%} in the median.")


def _linear_structures(pairs: pd.DataFrame) -> Iterator[str]:
    own, others = compare.of_linear_structure(pairs) if len(pairs) else (pairs, pairs)
    if len(own):
        yield (f"Where the search found linear neurons ({compare.LINEAR}), TN is LN but for its "
               f"activation and its start: better in {own['won'].sum()} of {len(own)} such pairs, "
               f"against {others['won'].sum()} of {len(others)} of the others.")


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
    rows = {rival: compare.compared(runs, "TN", rival) for rival in BOOSTING}
    texts = [f"{rival} on {_not_reached(part)}" for rival, part in rows.items() if len(part)]
    if texts:
        yield "TN with bins is behind " + "; ".join(texts) + "."
    if len(mlp := compare.compared(runs, "TN", "MLP")):
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
