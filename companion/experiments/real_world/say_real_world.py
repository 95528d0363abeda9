"""Notebook 11 says: tables of text and sentences on where our networks stand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from companion.experiments.tabular_grid import compare_models as compare
from companion.experiments.tabular_grid.compare_models import SIGNIFICANT, score_text
from companion.experiments.tabular_grid.settings import RIVALS

from .compare_rivals import (
    ASTEROID,
    COLLISION,
    kind,
    ours,
    paper_headline,
    paper_table,
    place,
    standing,
    with_every_other,
)


def _with_seeds(row: pd.Series) -> str:
    """Return "mean ± std (seeds)" of a row of `compare_models.means`."""
    return f"{score_text(row['mean'], row['std'])} ({row['seeds']})"


def _crossed(rows: pd.DataFrame, model: str, text: list[str]) -> pd.DataFrame:
    """Return texts (N,) of rows (N): a row a value of the column `model`, a column a data set."""
    cells = rows.assign(text=text).pivot(index=model, columns="dataset", values="text")
    cells = cells[sorted(cells.columns, key=place)].fillna("–")
    return cells.rename_axis(index=None, columns=None)


def scores_by_set(runs: pd.DataFrame) -> pd.DataFrame:
    """Return scores as text, "mean ± std (seeds)": a row a model, a column a data set."""
    rows = compare.means(runs)
    cells = _crossed(rows, "label", [_with_seeds(row) for _, row in rows.iterrows()])
    kinds = ["task-driven", "control", "rival"]
    return cells.loc[sorted(cells.index, key=lambda m: (kinds.index(kind(m.split()[0])), m))]


def gains_by_set(runs: pd.DataFrame) -> pd.DataFrame:
    """Return `with_every_other` as text, "gain (p, seeds)": a row a model, a column a data set."""
    rows = with_every_other(runs)
    text = [  # a gain of -0.0 is "+0%" as well
        f"{gain + 0:+.0%} (p {'–' if np.isnan(p) else format(p, '.2g')}, {n})" for gain, p, n in
        zip(rows["gain"], rows["p_corrected"], rows["seeds"], strict=True)
    ]
    return _crossed(rows, "other", text)


def beside_paper(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the paper's table beside ours, as text: a row a model, columns (data set, source).

    The paper's "TN" stands beside our network chosen by validation; in parentheses our seeds.
    """
    own = compare.means(runs)
    own = pd.concat([own[own["model"].isin(RIVALS)], ours(runs).assign(model="TN")])
    texts = {(row["dataset"], row["model"]): _with_seeds(row) for _, row in own.iterrows()}
    columns: dict[tuple[str, str], dict[str, str]] = {}
    for row in paper_table().itertuples():
        theirs = columns.setdefault((row.dataset, "paper"), {})
        theirs[row.model] = score_text(row.mean, row.std)
        mine = columns.setdefault((row.dataset, "this project"), {})
        mine[row.model] = texts.get((row.dataset, row.model), "not run")
    return pd.DataFrame(columns)


def beside_headline(scores: Mapping[str, float | None]) -> pd.DataFrame:
    """Return the headline scores of the index beside ours of `headline`, as text."""
    listed = paper_headline()
    short = {COLLISION: "collision", ASTEROID: "asteroid", "stellar_classification": "stellar"}
    keys = listed["dataset"].replace(short) + "_" + listed["metric"]
    own = ["not run" if scores[key] is None else f"{scores[key]:.4f}" for key in keys]
    return listed.rename(columns={"value": "headline"}).assign(ours=own)


def sentences(runs: pd.DataFrame) -> list[str]:
    """Return where our networks stand, a sentence a data set, and where they fall short."""
    lines = []
    for row in standing(runs).itertuples():
        verdict = ("at or below the best rival's error" if row.excess <= 0 else
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
