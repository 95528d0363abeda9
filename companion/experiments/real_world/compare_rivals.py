"""Notebook 11 compares: our network with the best rival on each real-world set (C6, TR, TH).

Judged are the four sets of the paper. Our network on a set is the task-driven one whose mean
validation score is best; the best rival is the package's model whose mean test loss is best, a
choice that favours the rival. Costly rivals have run on fewer seeds, and seeds differ in how hard
their test rows are, so two models are only ever compared on the seeds that both have.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from companion.experiments.tabular_grid import compare_models as compare
from companion.experiments.tabular_grid.settings import RIVALS, TASK_DRIVEN

COLLISION, ASTEROID = "cern_dielectron_sample", "asteroid_diameter"
JUDGED = (COLLISION, ASTEROID, "heart_failure", "stellar_classification")
HEADLINE = {  # data set: name of its score in the record
    "california_housing": "california_housing_mse", COLLISION: "collision_mse",
    ASTEROID: "asteroid_mse", "vehicle": "vehicle_accuracy", "phoneme": "phoneme_accuracy",
    "heart_failure": "heart_failure_f1", "stellar_classification": "stellar_f1",
}


def paper_table() -> pd.DataFrame:
    """Return the real-world table of the predecessor: dataset, model, metric, mean, std."""
    return pd.read_csv(Path(__file__).with_name("real_world_paper.csv"))


def paper_headline() -> pd.DataFrame:
    """Return the headline scores that a public index of the paper lists: dataset, metric, value."""
    return pd.read_csv(Path(__file__).with_name("headline_paper.csv"))


def ours(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the row of `compare_models.means` of our network on each data set."""
    return compare.chosen_by_validation(runs, TASK_DRIVEN)


def kind(model: str) -> str:
    """Return "task-driven", "rival" or "control": a network of linear neurons, trained as ours."""
    return "task-driven" if model in TASK_DRIVEN else "rival" if model in RIVALS else "control"


def place(dataset: str) -> str:
    """Return a key that sorts the judged sets first, in their order."""
    return f"{JUDGED.index(dataset)}" if dataset in JUDGED else dataset


def _losses(runs: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return the losses on a data set: a row a seed, a column a model (its label), NaN: not run."""
    own = compare.labelled(runs[runs["dataset"] == dataset])
    return own.assign(loss=compare.loss(own)).pivot(index="seed", columns="label", values="loss")


def _over_reference(losses: pd.DataFrame, rivals: Sequence[str]) -> tuple[pd.DataFrame, str]:
    """Return `losses` over the mean loss of one rival on the same seeds, and the best rival so.

    The reference is the best of the rivals with the most seeds. NaN where it makes no error.
    """
    seeds = losses[rivals].notna().sum()
    reference = losses[losses[seeds.index[seeds == seeds.max()]].mean().idxmin()]
    losses = losses[reference.notna()]
    base = losses.notna().mul(reference.dropna(), axis=0).where(losses.notna()).mean()
    scaled = losses / base.where(base > 0)
    ratios = scaled[rivals].mean()
    return scaled, reference.name if ratios.isna().all() else ratios.idxmin()


def with_every_other(runs: pd.DataFrame) -> pd.DataFrame:
    """Compare our network with every other model, seed by seed.

    Columns: dataset, model (ours), other (with its budget) and those of `compare_models.difference`
    on the seeds that both have.
    """
    rows = []
    for own in ours(runs).itertuples():
        losses = _losses(runs, own.dataset)
        for other in losses:
            if kind(other.split()[0]) != "task-driven":
                both = losses[[own.label, other]].dropna().to_numpy()
                rows.append({"dataset": own.dataset, "model": own.label, "other": other,
                             **compare.difference(*both.T)})
    columns = ["dataset", "model", "other", "seeds", "gain", "won", "reached", "p_corrected"]
    return pd.DataFrame(rows, columns=columns)


def standing(runs: pd.DataFrame) -> pd.DataFrame:
    """Return our network beside the best rival, on the seeds that both have, a row a data set.

    Columns: dataset, metric, model, rival, mean, std, rival_mean, rival_std (scores), seeds,
    p_corrected, reached (our mean loss is no more than the rival's), within (nor more than that and
    its standard deviation, which is 0 for one seed), place (ours among it and all rivals).
    """
    rows, others = [], with_every_other(runs)
    for own in ours(runs).itertuples():
        losses = _losses(runs, own.dataset)
        rivals = [name for name in losses if name in RIVALS]
        if not rivals:
            continue
        rival = _over_reference(losses, rivals)[1]
        compared = others[others["dataset"] == own.dataset].set_index("other").loc[rivals]
        both = losses[[own.label, rival]].dropna()
        scores = both if own.metric == "mse" else 1 - both
        (mean, rival_mean), (std, rival_std) = scores.mean(), scores.std()
        gap = both[own.label].mean() - both[rival].mean()
        rows.append({
            "dataset": own.dataset, "metric": own.metric, "model": own.label, "rival": rival,
            "mean": mean, "std": std, "rival_mean": rival_mean, "rival_std": rival_std,
            "reached": gap <= 0, "within": gap <= (both[rival].std() if len(both) > 1 else 0.0),
            "place": 1 + (~compared["reached"]).sum(), "seeds": len(both),
            "p_corrected": compared.loc[rival, "p_corrected"],
        })
    return pd.DataFrame(rows)


def _ratios(runs: pd.DataFrame) -> pd.DataFrame:
    """Return `compare_models.means` with each model's loss over the best rival's mean loss.

    Added are the columns of `relative` and place. Data sets without a rival, or whose best makes no
    error, are left out.
    """
    rows = compare.means(runs)
    own = ours(runs).set_index("dataset")["label"]
    rows = rows.assign(kind=rows["model"].map(kind), place=rows["dataset"].map(place),
                       chosen=rows["label"] == rows["dataset"].map(own))
    parts = []
    for dataset, part in rows.groupby("dataset"):
        rivals = part.loc[part["kind"] == "rival", "label"].tolist()
        scaled, best = _over_reference(_losses(runs, dataset), rivals) if rivals else (None, None)
        if best and scaled[best].mean() > 0:
            scaled = scaled[part["label"]] / scaled[best].mean()
            spread = scaled[best].std() if scaled[best].count() > 1 else 0.0
            ratios = scaled.agg(["mean", "min", "max"]).to_numpy()
            parts.append(part.assign(**dict(zip(("ratio", "low", "high"), ratios, strict=True)),
                                     band=1 + spread))
    if not parts:
        return rows.iloc[:0].assign(ratio=np.nan, low=np.nan, high=np.nan, band=np.nan)
    return pd.concat(parts).dropna(subset="ratio")


def relative(runs: pd.DataFrame) -> pd.DataFrame:
    """Return each model's loss over the best rival's mean loss, models in order of their ratios.

    Columns: dataset, metric, model (with its budget), kind, ratio, low, high (range over the
    seeds), band (1 plus the best rival's standard deviation), chosen.
    """
    rows = _ratios(runs).assign(model=lambda rows: rows["label"])
    order = np.log(rows["ratio"]).groupby(rows["model"]).mean()
    rows = rows.assign(order=rows["model"].map(order)).sort_values(["order", "model", "place"])
    columns = ["dataset", "metric", "model", "kind", "ratio", "low", "high", "band", "chosen"]
    return rows[columns].reset_index(drop=True)


def by_parameters(runs: pd.DataFrame) -> pd.DataFrame:
    """Return `relative` by size: dataset, metric, model, n_parameters, ratio, low, high.

    Models have no budget in their names; trees have NaN parameters.
    """
    rows = _ratios(runs).sort_values(["place", "label"]).astype({"n_parameters": "float64"})
    columns = ["dataset", "metric", "model", "n_parameters", "ratio", "low", "high"]
    return rows[columns].reset_index(drop=True)


def metrics(runs: pd.DataFrame) -> dict[str, Any]:
    """Return the metrics of claims C6 and TR; None where a set has not run."""
    rows = standing(runs)
    rows = rows[rows["dataset"].isin(JUDGED)] if len(rows) else rows
    complete = len(rows) == len(JUDGED)
    scores = headline(runs)
    diverged = runs[runs["diverged"]]
    return {
        "sets_competitive": int(rows["within"].sum()) if complete else None,
        "sets_first": int((rows["place"] == 1).sum()) if complete else None,
        "collision_mse": scores["collision_mse"], "asteroid_mse": scores["asteroid_mse"],
        "runs": len(runs), "diverged_runs": len(diverged),
        "diverged_task_driven": int(diverged["model"].isin(TASK_DRIVEN).sum()),
    }


def headline(runs: pd.DataFrame, tabular: pd.DataFrame | None = None) -> dict[str, float | None]:
    """Return the metrics of claim TH, of our networks chosen by validation; None where not run.

    `tabular`: the table of the benchmark, which has California housing, vehicle and phoneme.
    """
    rows = ours(runs if tabular is None else pd.concat([runs, tabular])).set_index("dataset")
    scores = {name: rows["f1" if name.endswith("_f1") else "mean"].get(dataset, np.nan)
              for dataset, name in HEADLINE.items()}
    return {name: None if np.isnan(score) else float(score) for name, score in scores.items()}
