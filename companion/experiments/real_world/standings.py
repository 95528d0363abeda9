"""What the table of the real-world sets says: our network, the best rival, the paper (C6, TR, TH).

Judged are the four sets of the paper. Our network on a set is the task-driven one whose mean
validation score is best; the best rival is the package's model whose mean test loss is best, a
choice that favours the rival. Costly rivals have run on fewer seeds, and seeds differ in how hard
their test rows are, so two models are only ever compared on the seeds that both have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from companion.experiments.tabular_benchmarks.telling import score
from companion.experiments.tabular_grid.comparisons import (
    chosen_by_validation,
    corrected_t_test,
    loss,
    means,
)
from companion.experiments.tabular_grid.ranks import labels
from companion.experiments.tabular_grid.settings import RIVALS, SOURCES

COLLISION, ASTEROID = "cern_dielectron_sample", "asteroid_diameter"
JUDGED = (COLLISION, ASTEROID, "heart_failure", "stellar_classification")
TASK_DRIVEN = (*SOURCES, "TN")


def standing(found: pd.DataFrame) -> pd.DataFrame:
    """Return our network beside the best rival, a row a data set that has both.

    Columns: dataset, metric, model, rival, seeds (in common; the scores are over these), mean,
    std, rival_mean, rival_std, excess (our mean loss less the rival's, over the rival's standard
    deviation), within (at most 1), place (of our network among it and all rivals), p_corrected
    (t-test). A rival of one seed has the deviation 0.
    """
    rows = []
    for own in _ours(found).itertuples():
        losses = _losses(found, own.dataset)
        rivals = [name for name in losses if name in RIVALS]
        if not rivals:
            continue
        rival = _over_reference(losses, rivals)[1]
        both = losses[[own.label, rival]].dropna().set_axis(["own", "rival"], axis=1)
        scores = both if own.metric == "mse" else 1 - both
        gap = both["own"].mean() - both["rival"].mean()
        spread = both["rival"].std() if len(both) > 1 else 0.0
        rows.append({
            "dataset": own.dataset, "metric": own.metric, "model": own.label, "rival": rival,
            "seeds": len(both), "mean": scores["own"].mean(), "std": scores["own"].std(),
            "rival_mean": scores["rival"].mean(), "rival_std": scores["rival"].std(),
            "excess": gap / spread if spread else float(np.sign(gap)) * np.inf if gap else 0.0,
            "within": bool(gap <= spread),
            "place": 1 + sum(_gain(losses, own.label, name) < 0 for name in rivals),
            "p_corrected": corrected_t_test((both["own"] - both["rival"]).to_numpy()),
        })
    return pd.DataFrame(rows)


def _ours(found: pd.DataFrame) -> pd.DataFrame:
    """Return the row of `means` of our network on each data set, with its label."""
    ours = chosen_by_validation(found, TASK_DRIVEN)
    return ours.assign(label=labels(ours))


def _losses(found: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return the losses on a data set: a row a seed, a column a model (its label), NaN: not run."""
    own = found[found["dataset"] == dataset]
    return own.assign(label=labels(own), loss=loss(own)).pivot(
        index="seed", columns="label", values="loss"
    )


def _over_reference(losses: pd.DataFrame, rivals: Sequence[str]) -> tuple[pd.DataFrame, str]:
    """Return losses over the mean loss of one rival on the same seeds, and the best rival so.

    The reference is the best of the rivals with the most seeds. NaN where it makes no error.
    """
    seeds = losses[rivals].notna().sum()
    reference = losses[losses[seeds.index[seeds == seeds.max()]].mean().idxmin()]
    losses = losses[reference.notna()]
    base = losses.notna().mul(reference.dropna(), axis=0).where(losses.notna()).mean()
    scaled = losses / base.where(base > 0)
    ratios = scaled[rivals].mean()
    return scaled, reference.name if ratios.isna().all() else ratios.idxmin()


def _gain(losses: pd.DataFrame, own: str, other: str) -> float:
    """Return how much less our mean loss is, over the larger of both, on the seeds of both."""
    mean = losses[[own, other]].dropna().mean()
    return (mean[other] - mean[own]) / mean.max() if mean.max() else 0.0


def tests(found: pd.DataFrame) -> pd.DataFrame:
    """Compare our network with every other model, seed by seed.

    Columns: dataset, model (ours), other (with its budget), seeds (in common), gain (how much less
    our mean loss is, over the larger of both), p_corrected.
    """
    rows = []
    for own in _ours(found).itertuples():
        losses = _losses(found, own.dataset)
        for other in losses:
            if other.split()[0] not in TASK_DRIVEN:
                change = (losses[own.label] - losses[other]).dropna().to_numpy()
                rows.append({
                    "dataset": own.dataset, "model": own.label, "other": other,
                    "seeds": len(change), "gain": _gain(losses, own.label, other),
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
    chosen = _ours(found).set_index("dataset")["label"]
    parts = []
    for dataset, rows in _labelled(found).groupby("dataset"):
        rivals = rows.loc[rows["kind"] == "rival", "model"].tolist()
        if not rivals:
            continue
        scaled, best = _over_reference(_losses(found, dataset), rivals)
        unit = scaled[best].mean()
        if not unit > 0:
            continue
        scaled = scaled[rows["model"]] / unit
        spread = scaled[best].std() if scaled[best].count() > 1 else 0.0
        parts.append(rows[["dataset", "metric", "model", "kind"]].assign(
            ratio=scaled.mean().to_numpy(), low=scaled.min().to_numpy(),
            high=scaled.max().to_numpy(), band=1 + spread,
            chosen=rows["model"] == chosen.get(dataset),
        ))
    if not parts:
        return pd.DataFrame(columns=["dataset", "metric", "model", "kind", "ratio", "low", "high",
                                     "band", "chosen"])
    rows = pd.concat(parts).dropna(subset="ratio")
    order = np.log(rows["ratio"]).groupby(rows["model"]).mean()
    rows = rows.assign(order=rows["model"].map(order), set=rows["dataset"].map(_place))
    return rows.sort_values(["order", "model", "set"]).drop(columns=["order", "set"]).reset_index(
        drop=True
    )


def by_parameters(found: pd.DataFrame) -> pd.DataFrame:
    """Return `relative` by size: dataset, metric, model, n_parameters, ratio, low, high.

    Models have no budget in their names; trees have NaN parameters.
    """
    sizes = _labelled(found)[["dataset", "model", "n_parameters"]]
    rows = relative(found).merge(sizes, on=["dataset", "model"])
    rows = rows.assign(set=rows["dataset"].map(_place)).sort_values(["set", "model"]).assign(
        model=lambda rows: rows["model"].str.split(" ").str[0],
        n_parameters=lambda rows: rows["n_parameters"].astype("float64"),
    )
    columns = ["dataset", "metric", "model", "n_parameters", "ratio", "low", "high"]
    return rows[columns].reset_index(drop=True)


def _place(dataset: str) -> str:
    """Return a key that sorts the judged sets first, in their order."""
    return f"{JUDGED.index(dataset)}" if dataset in JUDGED else dataset


def _labelled(found: pd.DataFrame) -> pd.DataFrame:
    """Return `means` with kinds, and models by their labels."""
    rows = means(found)
    kinds = rows["model"].map(
        lambda m: "task-driven" if m in TASK_DRIVEN else "rival" if m in RIVALS else "control"
    )
    return rows.assign(kind=kinds, model=labels(rows))


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
    rows = _labelled(found)
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

    The paper's "TN" stands beside our network chosen by validation; in parentheses our seeds.
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
            m: f"{score(own.loc[m, 'mean'], own.loc[m, 'std'])} ({own.loc[m, 'seeds']})"
            if m in own.index else "not run" for m in rows.index
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
            f"{score(row.rival_mean, row.rival_std)} ({row.metric}, {row.seeds} seeds in common): "
            f"{verdict}; place {row.place}{p}"
        )
    found = tests(found)
    for dataset, rows in found.groupby("dataset", sort=False):
        clear = rows[(rows["gain"] < 0) & (rows["p_corrected"] < 0.05)]
        names = ", ".join(clear["other"]) or "none"
        lines.append(f"{dataset}: clearly better than ours (corrected p < 0.05): {names}")
    return lines
