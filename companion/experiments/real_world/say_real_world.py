"""Notebook 11 says: tables of text and sentences on where our networks stand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from companion.experiments.tabular_grid import compare_models as compare
from companion.experiments.tabular_grid.compare_models import SIGNIFICANT, score_text
from companion.experiments.tabular_grid.settings import RIVALS

from . import compare_rivals
from .compare_rivals import HEADLINE, kind, ours, standing, with_every_other


def _with_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of `compare_models.means` with a column `text`, "mean ± std (seeds)"."""
    return rows.assign(text=[f"{score_text(mean, std)} ({seeds})" for mean, std, seeds in
                             rows[["mean", "std", "seeds"]].itertuples(index=False)])


def _crossed(rows: pd.DataFrame, model: str) -> pd.DataFrame:
    """Return the column `text`: a row a value of the column `model`, a column a data set."""
    cells = rows.pivot(index=model, columns="dataset", values="text")
    cells = cells[sorted(cells.columns, key=compare_rivals.place)].fillna("–")
    return cells.rename_axis(index=None, columns=None)


def scores_by_set(runs: pd.DataFrame) -> pd.DataFrame:
    """Return scores as text, "mean ± std (seeds)": a row a model, a column a data set."""
    cells = _crossed(_with_seeds(compare.means(runs)), "label")
    kinds = ["task-driven", "control", "rival"]
    return cells.loc[sorted(cells.index, key=lambda m: (kinds.index(kind(m.split()[0])), m))]


def gains_by_set(runs: pd.DataFrame) -> pd.DataFrame:
    """Return `with_every_other` as text, "gain (p, seeds)": a row a model, a column a data set."""
    rows = with_every_other(runs)
    text = [  # a gain of -0.0 is "+0%" as well
        f"{gain + 0:+.0%} (p {'–' if np.isnan(p) else format(p, '.2g')}, {n})" for gain, p, n in
        rows[["gain", "p_corrected", "seeds"]].itertuples(index=False)
    ]
    return _crossed(rows.assign(text=text), "other")


def beside_paper(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the paper's table beside ours, as text: a row a model, columns (data set, source).

    The paper's "TN" stands beside our network chosen by validation; in parentheses our seeds.
    """
    own = compare.means(runs)
    own = _with_seeds(pd.concat([own[own["model"].isin(RIVALS)], ours(runs).assign(model="TN")]))
    rows = compare_rivals.paper_table().merge(
        own[["dataset", "model", "text"]], on=["dataset", "model"], how="left"
    ).set_index("model")
    rows["paper"] = list(map(score_text, rows["mean"], rows["std"]))
    rows["this project"] = rows["text"].fillna("not run")
    parts = {name: part[["paper", "this project"]]
             for name, part in rows.groupby("dataset", sort=False)}
    return pd.concat(parts, axis=1).rename_axis(None)


def beside_headline(scores: Mapping[str, float | None]) -> pd.DataFrame:
    """Return the headline scores of the index beside ours of `headline`, as text."""
    listed = compare_rivals.paper_headline()
    own = [scores[HEADLINE[dataset]] for dataset in listed["dataset"]]
    return listed.rename(columns={"value": "headline"}).assign(
        ours=["not run" if score is None else f"{score:.4f}" for score in own]
    )


def sentences(runs: pd.DataFrame) -> list[str]:
    """Return where our networks stand, a sentence a data set, and where they fall short."""
    lines = []
    for row in standing(runs).itertuples():
        verdict = ("at or below the best rival's error" if row.reached else
                   "within one standard deviation of the best rival" if row.within else
                   "behind the best rival by more than its standard deviation")
        p = "" if np.isnan(row.p_corrected) else f", corrected p = {row.p_corrected:.2g}"
        lines.append(
            f"{row.dataset}: {row.model} {score_text(row.mean, row.std)}, {row.rival} "
            f"{score_text(row.rival_mean, row.rival_std)} ({row.metric}, {row.seeds} seeds in "
            f"common): {verdict}; place {row.place}{p}"
        )
    for dataset, rows in with_every_other(runs).groupby("dataset", sort=False):
        clear = rows[(rows["gain"] < 0) & (rows["p_corrected"] < SIGNIFICANT)]
        names = ", ".join(clear["other"]) or "none"
        lines.append(f"{dataset}: clearly better than ours (corrected p < 0.05): {names}")
    return lines
