"""The predecessor's own 30 sets: which orders a search finds, and which can be found at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from companion.experiments.formula_tasks import judged_streams
from companion.experiments.progress import say
from companion.rivals import MODELS, fit_model
from nslib import checks
from nslib.structure import NeuronStructure

from .predecessor_sets import (
    NOISES,
    PREDECESSOR_FORMULAS,
    PredecessorSet,
    clean_target,
    load_predecessor_synthetic,
    make_predecessor_sets,
)

SOURCES = ("generated", "published")
TRAIN_SHARE = 0.8


def load_sets(source: str, noises: Sequence[str], seed: int = 0) -> list[PredecessorSet]:
    """Return the sets at these levels of noise, from the published file or made like them.

    Raises FileNotFoundError where the published file is asked for and not found.
    """
    checks.one_of(source, "source", SOURCES)
    for noise in noises:
        checks.one_of(noise, "noise", NOISES)
    published = source == "published"
    sets = load_predecessor_synthetic() if published else make_predecessor_sets(seed=seed)
    return [s for s in sets if s.noise in noises]


def detectable_orders(X: np.ndarray, y: np.ndarray, orders: Sequence[int]) -> tuple[int, ...]:
    """Return those of the true orders that data X (N, D), y (N,) can tell from noise.

    Least squares on the power sums of the true orders, one coefficient each, as only one who knows
    the formula can do; as long as BIC falls, the order whose loss is least is dropped. An order
    that is dropped here cannot be found by any search that knows less.
    """
    size = np.abs(X).max()

    def bic(kept: tuple[int, ...]) -> float:
        columns = [np.ones(len(X)), *(((X / size) ** k).sum(axis=1) for k in kept)]
        design = np.stack(columns, axis=1)
        residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
        return len(X) * np.log(residual @ residual) + design.shape[1] * np.log(len(X))

    kept = tuple(sorted(orders))
    while len(kept) > 1:
        best = min((tuple(k for k in kept if k != dropped) for dropped in kept), key=bic)
        if bic(best) >= bic(kept):
            break
        kept = best
    return kept


def orders_found(
    sets: Sequence[PredecessorSet], methods: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    """Fit each set with each method on the first 80 % of its rows.

    `methods`: label to the arguments of `companion.rivals.fit_model`, `name` among them. Columns:
    noise, formula, method, true and detectable (structures as text), found ("" where the model
    chooses no streams), exact and as_detectable (whether found is the one or the other), error
    (mean squared distance from the target without noise on the other rows, over the variance of
    the noise there), seconds.
    """
    rows = []
    for data in sets:
        n_train = int(TRAIN_SHARE * len(data.y))
        train, test = slice(None, n_train), slice(n_train, None)
        clean = clean_target(data.formula, data.X)
        detectable = NeuronStructure(
            detectable_orders(data.X[train], data.y[train], data.structure.pure), ()
        )
        for label, arguments in methods.items():
            model = fit_model(X=data.X[train], y=data.y[train], **arguments)
            structure = None if MODELS[arguments["name"]].baseline else model.structure
            error = np.mean((model.predict(data.X[test]) - clean[test]) ** 2)
            judged = judged_streams(structure, data.structure)
            rows.append({
                "noise": data.noise, "formula": data.formula, "method": label,
                "true": judged["truth"], "detectable": str(detectable),
                "found": judged["structure"], "exact": judged["exact"],
                "as_detectable": judged_streams(structure, detectable)["exact"],
                "error": error / np.mean((data.y - clean)[test] ** 2), "seconds": model.seconds,
            })
        if data.formula == len(PREDECESSOR_FORMULAS):
            say(f"predecessor: noise {data.noise} done")
    return pd.DataFrame(rows)


def short(structure: str) -> str:
    """Return a structure as its orders, those of interactions marked by ×, for narrow cells."""
    if not structure:
        return ""
    parsed = NeuronStructure.parse(structure)
    return " ".join(map(str, (*parsed.pure, *(f"×{k}" for k in parsed.interact))))


def scores_by_noise(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each noise and method: shares exact and as detectable, median error.

    Columns: noise, method, exact, as_detectable (NaN for models that choose no streams), error.
    """
    columns = ["exact", "as_detectable"]
    shares = table[columns].where(table["found"] != "").astype(float)
    groups = table.assign(**shares).groupby(["noise", "method"], sort=False)
    return groups.agg(dict.fromkeys(columns, "mean") | {"error": "median"}).reset_index()


def metrics(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return for each method what a record keeps: the means over all sets and by noise.

    None for the shares of models that choose no streams.
    """
    rows = pd.concat([scores_by_noise(table.assign(noise="all")), scores_by_noise(table)])
    return {
        str(method): {
            f"{column}_{row['noise']}": None if pd.isna(row[column]) else float(row[column])
            for row in own.to_dict("records") for column in ("exact", "as_detectable", "error")
        }
        for method, own in rows.groupby("method", sort=False)
    }


def shown(table: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """Return the rows of these methods with structures as short texts, for a figure."""
    rows = table[table["method"].isin(methods)].drop(columns=["error", "seconds"])
    texts = rows[["true", "detectable", "found"]].map(short)
    return rows.assign(**texts).reset_index(drop=True)
