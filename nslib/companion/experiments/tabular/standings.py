"""What the table of the real-world sets says: our network, the best rival, the paper (C6, TR, TH).

Judged are the four sets of the paper. Our network on a set is the task-driven one whose mean
validation score is best; the best rival is the package's model whose mean test score is best, a
choice that favours the rival.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .comparisons import chosen_by_validation, corrected_t_test, loss, means
from .ranks import label
from .settings import RIVALS, SOURCES
from .telling import score

COLLISION, ASTEROID = "cern_dielectron_sample", "asteroid_diameter"
JUDGED = (COLLISION, ASTEROID, "heart_failure", "stellar_classification")
TASK_DRIVEN = (*SOURCES, "TN")


def standing(found: pd.DataFrame) -> pd.DataFrame:
    """Return our network beside the best rival, a row a data set that has both.

    Columns: dataset, metric, model, mean, std, seeds, rival, rival_mean, rival_std, rival_seeds,
    excess (our mean loss less the rival's, over the rival's standard deviation), within (at most
    1), place (of our network among it and all rivals), p_corrected (t-test by seeds in common).
    A rival of one seed has the deviation 0.
    """
    summary = means(found)
    ours = chosen_by_validation(found, TASK_DRIVEN)
    rows = []
    for own in ours.itertuples():
        rivals = summary[(summary["dataset"] == own.dataset) & summary["model"].isin(RIVALS)]
        if rivals.empty:
            continue
        best = next(rivals.sort_values(["loss", "model"]).itertuples())
        spread = 0.0 if np.isnan(best.std) else best.std
        gap = own.loss - best.loss
        rows.append({
            "dataset": own.dataset, "metric": own.metric, "model": label(own.model, own.budget),
            "mean": own.mean, "std": own.std, "seeds": own.seeds, "rival": best.model,
            "rival_mean": best.mean, "rival_std": best.std, "rival_seeds": best.seeds,
            "excess": gap / spread if spread else float(np.sign(gap)) * np.inf if gap else 0.0,
            "within": bool(gap <= spread), "place": 1 + int((rivals["loss"] < own.loss).sum()),
            "p_corrected": corrected_t_test(_changes(found, own, best)),
        })
    return pd.DataFrame(rows)


def _changes(found: pd.DataFrame, own: Any, other: Any) -> np.ndarray:
    """Return by how much our losses exceed another's, for the seeds that two rows share."""
    return (_losses(found, own) - _losses(found, other)).dropna().to_numpy()


def _losses(found: pd.DataFrame, row: Any) -> pd.Series:
    """Return the losses by seed that a row of `means` is about."""
    budget = found["budget"].isna() if pd.isna(row.budget) else found["budget"] == row.budget
    same = (found["dataset"] == row.dataset) & (found["model"] == row.model) & budget.fillna(False)
    return loss(found[same]).set_axis(found.loc[same, "seed"])


def tests(found: pd.DataFrame) -> pd.DataFrame:
    """Compare our network with every other model, seed by seed.

    Columns: dataset, model (ours), other (with its budget), seeds (in common), gain (how much less
    our mean loss is, over the larger of both), p_corrected.
    """
    ours, rows = chosen_by_validation(found, TASK_DRIVEN), []
    others = means(found[~found["model"].isin(TASK_DRIVEN)])
    for own in ours.itertuples():
        for other in others[others["dataset"] == own.dataset].itertuples():
            change = _changes(found, own, other)
            larger = max(own.loss, other.loss)
            rows.append({
                "dataset": own.dataset, "model": label(own.model, own.budget),
                "other": label(other.model, other.budget), "seeds": len(change),
                "gain": (other.loss - own.loss) / larger if larger else 0.0,
                "p_corrected": corrected_t_test(change),
            })
    return pd.DataFrame(rows)


def relative(found: pd.DataFrame) -> pd.DataFrame:
    """Return each model's loss over the best rival's mean loss, models in order of their ratios.

    Columns: dataset, metric, model (with its budget), kind ("task-driven", "control" of linear
    neurons, "rival"), ratio, low, high (range over the seeds), band (1 plus the best rival's
    standard deviation), chosen. Data sets without a rival, or whose best makes no error, are left
    out.
    """
    stand = standing(found).set_index("dataset")
    ends = _ranges(found)
    best = ends[ends["kind"] == "rival"].groupby("dataset")["loss"].min()
    best = best[best > 0]
    ends = ends[ends["dataset"].isin(best.index)].reset_index(drop=True)
    scale = ends["dataset"].map(best)
    band = 1 + ends["dataset"].map(stand["rival_std"]).fillna(0.0) / scale
    rows = ends[["dataset", "metric", "model", "kind"]].assign(
        ratio=ends["loss"] / scale, low=ends["low"] / scale, high=ends["high"] / scale, band=band,
        chosen=ends["model"] == ends["dataset"].map(stand["model"]),
    )
    order = np.log(rows["ratio"]).groupby(rows["model"]).mean()
    rows = rows.assign(order=rows["model"].map(order), set=rows["dataset"].map(_place))
    return rows.sort_values(["order", "model", "set"]).drop(columns=["order", "set"]).reset_index(
        drop=True
    )


def by_parameters(found: pd.DataFrame) -> pd.DataFrame:
    """Return loss and parameters: dataset, metric, model, n_parameters, loss, low, high.

    Models have no budget in their names; trees have NaN parameters.
    """
    rows = _ranges(found).assign(set=lambda rows: rows["dataset"].map(_place))
    rows = rows.sort_values(["set", "model"]).assign(
        model=lambda rows: rows["model"].str.split(" ").str[0],
        n_parameters=lambda rows: rows["n_parameters"].astype("float64"),
    )
    columns = ["dataset", "metric", "model", "n_parameters", "loss", "low", "high"]
    return rows[columns].reset_index(drop=True)


def _place(dataset: str) -> str:
    """Return a key that sorts the judged sets first, in their order."""
    return f"{JUDGED.index(dataset)}" if dataset in JUDGED else dataset


def _ranges(found: pd.DataFrame) -> pd.DataFrame:
    """Return `means` with labels, kinds and the range of the losses over the seeds."""
    keys = ["dataset", "model", "budget"]
    ends = found.assign(each=loss(found)).groupby(keys, dropna=False)["each"].agg(
        low="min", high="max"
    )
    rows = means(found).merge(ends.reset_index(), on=keys)
    kinds = rows["model"].map(
        lambda m: "task-driven" if m in TASK_DRIVEN else "rival" if m in RIVALS else "control"
    )
    names = [label(m, b) for m, b in zip(rows["model"], rows["budget"], strict=True)]
    return rows.assign(kind=kinds, model=names)


def paper() -> pd.DataFrame:
    """Return the real-world table of the predecessor: dataset, model, metric, mean, std."""
    return pd.read_csv(Path(__file__).with_name("real_world_paper.csv"))


def headline_paper() -> pd.DataFrame:
    """Return the headline scores that a public index of the paper lists: dataset, metric, value."""
    return pd.read_csv(Path(__file__).with_name("headline_paper.csv"))


def metrics(found: pd.DataFrame) -> dict[str, Any]:
    """Return the metrics of claims C6 and TR; None where a set has not run."""
    stand = standing(found)
    stand = stand.set_index("dataset") if len(stand) else stand
    ours = chosen_by_validation(found, TASK_DRIVEN).set_index("dataset")
    complete = all(name in stand.index for name in JUDGED)
    judged = stand.reindex([name for name in JUDGED if name in stand.index])
    return {
        "sets_competitive": int(judged["within"].sum()) if complete else None,
        "sets_first": int((judged["place"] == 1).sum()) if complete else None,
        "collision_mse": _value(ours, COLLISION, "mean"),
        "asteroid_mse": _value(ours, ASTEROID, "mean"),
        "runs": len(found), "diverged_runs": int(found["diverged"].sum()),
        "diverged_task_driven": int(
            found.loc[found["model"].isin(TASK_DRIVEN), "diverged"].sum()
        ),
    }


def headline(found: pd.DataFrame, tabular: pd.DataFrame | None = None) -> dict[str, float | None]:
    """Return the metrics of claim TH, of our networks chosen by validation; None where not run.

    `tabular`: the table of the benchmark, which has California housing, vehicle and phoneme.
    """
    both = found if tabular is None else pd.concat([found, tabular])
    ours = chosen_by_validation(both, TASK_DRIVEN).set_index("dataset")
    return {
        "california_housing_mse": _value(ours, "california_housing", "mean"),
        "collision_mse": _value(ours, COLLISION, "mean"),
        "asteroid_mse": _value(ours, ASTEROID, "mean"),
        "vehicle_accuracy": _value(ours, "vehicle", "mean"),
        "phoneme_accuracy": _value(ours, "phoneme", "mean"),
        "heart_failure_f1": _value(ours, "heart_failure", "f1"),
        "stellar_f1": _value(ours, "stellar_classification", "f1"),
    }


def _value(rows: pd.DataFrame, dataset: str, column: str) -> float | None:
    if dataset not in rows.index or np.isnan(rows.loc[dataset, column]):
        return None
    return float(rows.loc[dataset, column])


def wide(found: pd.DataFrame) -> pd.DataFrame:
    """Return scores as text, "mean ± std (seeds)": a row a model, a column a data set."""
    rows = _ranges(found)
    rows = rows.assign(text=[
        f"{score(mean, std)} ({seeds})"
        for mean, std, seeds in rows[["mean", "std", "seeds"]].itertuples(index=False)
    ])
    table = rows.pivot(index="model", columns="dataset", values="text").fillna("–")
    table = table[sorted(table.columns, key=_place)]
    order = rows.groupby("model")["kind"].first().map(["task-driven", "control", "rival"].index)
    names = sorted(table.index, key=lambda name: (order[name], name))
    return table.loc[names].rename_axis(index=None, columns=None)


def beside_paper(found: pd.DataFrame) -> pd.DataFrame:
    """Return the paper's table beside ours, as text: a row a model, columns (data set, source).

    The paper's "TN" stands beside our network chosen by validation.
    """
    listed, summary = paper(), means(found)
    ours = chosen_by_validation(found, TASK_DRIVEN).assign(model="TN")
    summary = pd.concat([summary[summary["model"].isin(RIVALS)], ours])
    columns = {}
    for dataset, rows in listed.groupby("dataset", sort=False):
        own = summary[summary["dataset"] == dataset].set_index("model")
        rows = rows.set_index("model")
        columns[dataset, "paper"] = {m: score(r["mean"], r["std"]) for m, r in rows.iterrows()}
        columns[dataset, "this project"] = {
            m: score(own.loc[m, "mean"], own.loc[m, "std"]) if m in own.index else "not run"
            for m in rows.index
        }
    return pd.DataFrame(columns)


def beside_headline(scores: Mapping[str, float | None]) -> pd.DataFrame:
    """Return the headline scores of the index beside ours of `headline`, as text."""
    listed = headline_paper()
    short = {COLLISION: "collision", ASTEROID: "asteroid", "stellar_classification": "stellar"}
    keys = listed["dataset"].replace(short) + "_" + listed["metric"]
    ours = ["not run" if scores[key] is None else f"{scores[key]:.4f}" for key in keys]
    return listed.rename(columns={"value": "headline"}).assign(ours=ours)


def tests_text(compared: pd.DataFrame) -> pd.DataFrame:
    """Return `tests` as text, "gain (p, seeds)": a row a model, a column a data set."""
    text = [
        f"{gain:+.0%} (p {'–' if np.isnan(p) else format(p, '.2g')}, {n})" for gain, p, n in
        zip(compared["gain"], compared["p_corrected"], compared["seeds"], strict=True)
    ]
    cells = compared.assign(text=text).pivot(index="other", columns="dataset", values="text")
    cells = cells[sorted(cells.columns, key=_place)]
    return cells.fillna("–").rename_axis(index=None, columns=None)


def sentences(found: pd.DataFrame) -> list[str]:
    """Return where our networks stand, a sentence a data set, and where they fall short."""
    lines = []
    for row in standing(found).itertuples():
        verdict = ("at or below the best rival's error" if row.excess <= 0 else
                   "within one standard deviation of the best rival" if row.within else
                   "behind the best rival by more than its standard deviation")
        p = "" if np.isnan(row.p_corrected) else f", corrected p = {row.p_corrected:.2g}"
        lines.append(
            f"{row.dataset}: {row.model} {score(row.mean, row.std)}, {row.rival} "
            f"{score(row.rival_mean, row.rival_std)} ({row.metric}): {verdict}; place {row.place}"
            f"{p}"
        )
    found = tests(found)
    for dataset, rows in found.groupby("dataset", sort=False):
        clear = rows[(rows["gain"] < 0) & (rows["p_corrected"] < 0.05)]
        names = ", ".join(clear["other"]) or "none"
        lines.append(f"{dataset}: clearly better than ours (corrected p < 0.05): {names}")
    return lines
