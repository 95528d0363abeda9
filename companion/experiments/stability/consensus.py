"""How far runs agree on a formula, and how many are right.

Tables of runs are those of `formula_stability`: method, formula, run, structure, truth, exact,
written, and noise and varied, or dimension.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from nslib import checks
from nslib.structure import NeuronStructure

from .formula_stability import streams_text


def wilson(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return the Wilson interval of a share of n trials, by default at 95 %.

    Source: Wilson (1927). `share` need not be a whole number of trials.
    """
    checks.real(share, "share", 0.0, 1.0)
    checks.positive_int(n, "n")
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(min(centre - half, share), 0.0), min(max(centre + half, share), 1.0)


def agreement_by(runs: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return how the runs of each group agree, and how many are right.

    Columns: those of `by`, runs, data_sets, distinct (number of formulas), written (number of
    them as written), commonest, right (whether the commonest is the true one), agreement (its
    share of the runs), exact (share of runs with exactly the true streams), and `_low`, `_high` of
    both: Wilson intervals for as many trials as there are data sets, since runs on the same rows
    are not independent. For the commonest formula, chosen after the fact, they are optimistic.
    """
    rows = []
    for key, group in runs.groupby(list(by), sort=False):
        counts = group["structure"].value_counts()
        commonest = min(counts.index[counts == counts.max()])  # of several: the first by name
        n_sets = _n_data_sets(group)
        rows.append({
            **dict(zip(by, key, strict=True)), "runs": len(group), "data_sets": n_sets,
            "distinct": len(counts), "written": group["written"].nunique(),
            "commonest": commonest, "right": commonest == group["truth"].iloc[0],
            **_shares(n_sets, agreement=counts.max() / len(group), exact=group["exact"].mean()),
        })
    return pd.DataFrame(rows)


def _shares(n: int, **shares: float) -> dict[str, float]:
    """Return shares of n trials by name, each with the ends of its Wilson interval."""
    return {name + end: value for name, share in shares.items() for end, value in zip(
        ("", "_low", "_high"), (float(share), *wilson(float(share), n)), strict=True)}


def _n_data_sets(runs: pd.DataFrame) -> int:
    """Return how many data sets the runs were made on: runs that vary the seed share one."""
    table = runs.assign(run=runs["run"].where(runs["varied"] != "seed", -1)
                        if "varied" in runs else runs["run"])
    columns = ["formula", "noise", "dimension", "run"]
    return len(table[table.columns.intersection(columns)].drop_duplicates())


def overall(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row a method: means over the formulas of `agreement_by` by method and formula.

    Columns: method, runs (of a formula), agreement, exact, their Wilson intervals for all data
    sets together, distinct, written.
    """
    each = agreement_by(runs, ["method", "formula"])
    return pd.DataFrame([
        {"method": method, "runs": int(group["runs"].iloc[0]),
         **_shares(int(group["data_sets"].sum()), agreement=group["agreement"].mean(),
                   exact=group["exact"].mean()),
         "distinct": group["distinct"].mean(), "written": group["written"].mean()}
        for method, group in each.groupby("method", sort=False)
    ])


def causes(runs: pd.DataFrame) -> pd.DataFrame:
    """Return what changes the formula: agreement where one thing varies and the rest is fixed.

    A row a method: `seed` and `rows`, the share of the commonest formula among runs that differ in
    nothing else, mean over formulas and noise levels; `noise`, among the commonest formulas of the
    noise levels, mean over formulas.
    """
    cells = agreement_by(runs, ["method", "formula", "noise", "varied"])
    within = cells.pivot_table(index="method", columns="varied", values="agreement", sort=False)
    levels = agreement_by(runs, ["method", "formula", "noise"])
    among = levels.groupby(["method", "formula"], sort=False)["commonest"].agg(
        lambda formulas: formulas.value_counts().max() / len(formulas)
    )
    noise = among.groupby("method", sort=False).mean().rename("noise")
    table = within[["seed", "rows"]].join(noise).reset_index()
    return table.rename_axis(columns=None)


def verdict(agreement: float, exact: float) -> str:
    """Return in words how stable and how right a method is, by the thresholds of the claims."""
    stable = "stable" if agreement >= 0.9 else "partly stable" if agreement >= 0.5 else "unstable"
    right = "right" if exact >= 0.9 else "partly right" if exact >= 0.5 else "mostly wrong"
    return f"{stable}, {right}"


def tiles(runs: pd.DataFrame, group: str) -> pd.DataFrame:
    """Return method, formula, `group`, column, structure, truth: the place of each run in a strip.

    The column is the number of the run; runs with other rows come after those with other seeds.
    """
    table = runs[["method", "formula", group, "run", "structure", "truth"]].copy()
    if "varied" in runs:
        table["run"] += (int(runs["run"].max()) + 1) * (runs["varied"] == "rows").astype(int)
    return table.rename(columns={"run": "column"}).reset_index(drop=True)


def claim_metrics(means: pd.DataFrame) -> dict[str, float | None]:
    """Return the values that claim C1 is judged by, from `overall` with the method as its index.

    TD is the paper's gated search, SR the predecessor's as published, als ours. td_agreement,
    td_exact, sr_agreement, sr_exact, als_agreement, als_exact: means over the formulas.
    sr_formulas_per_td_formula: mean number of distinct formulas of SR over that of TD. None for a
    method that was not run.
    """
    metrics = {
        f"{name}_{share}": float(means.loc[method, share]) if method in means.index else None
        for name, method in (("td", "gated"), ("sr", "vsr"), ("als", "als"))
        for share in ("agreement", "exact")
    }
    both = {"gated", "vsr"} <= set(means.index)
    ratio = means.loc["vsr", "distinct"] / means.loc["gated", "distinct"] if both else None
    return {**metrics, "sr_formulas_per_td_formula": float(ratio) if both else None}


def claim_sentences(means: pd.DataFrame) -> list[str]:
    """Return what `claim_metrics` says in words, as far as its methods were run."""
    metrics, lines = claim_metrics(means), []
    if metrics["td_agreement"] is not None:
        lines.append(f"TD agrees in {metrics['td_agreement']:.0%} of its runs and is right in "
                     f"{metrics['td_exact']:.0%}.")
    if (ratio := metrics["sr_formulas_per_td_formula"]) is not None:
        distinct = means["distinct"]
        lines.append(f"SR finds {distinct['vsr']:.1f} distinct formulas for one, TD "
                     f"{distinct['gated']:.1f}: {ratio:.1f} times as many.")
    return lines or ["TD (gated) was not run."]


def commonest(
    runs: pd.DataFrame, method: str, record: Mapping[str, Any] | None
) -> pd.DataFrame:
    """Return formula, truth, the method's commonest structure and that of the authors' code.

    `record`: the record of the authors' code (metrics.structures: formula to text), or None.
    """
    others = record["metrics"]["structures"] if record else {}
    own = runs[runs["method"] == method]
    here = agreement_by(own, ["method", "formula"]).set_index("formula")["commonest"]
    return pd.DataFrame([
        {"formula": formula, "truth": truth, f"{method}, here": here[formula],
         "authors' code": streams_text(NeuronStructure.parse(others[formula]))
         if formula in others else "not run"}
        for formula, truth in own.groupby("formula", sort=False)["truth"].first().items()
    ])
