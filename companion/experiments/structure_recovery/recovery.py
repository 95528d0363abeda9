"""Structure recovery: 15 formulas × methods, and which streams are kept or missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from companion.experiments.formula_tasks import formula_tasks, judged_streams, streams_of_fits
from companion.experiments.progress import say
from companion.experiments.shares import with_intervals
from companion.rivals import BASELINES, MODELS, fit_model
from companion.rivals.fitted_model import FittedModel
from nslib import checks
from nslib.data.synthetic import FormulaTask
from nslib.search import METHODS, SearchResult, refit, search_many
from nslib.structure import NeuronStructure

STATES = ("scored", "not representable", "no search")


def methods_on_formulas(
    n_samples: int, n_features: int, noise: float, methods: Mapping[str, Sequence[int]],
    options: Mapping[str, Mapping[str, Any]],
) -> tuple[pd.DataFrame, dict[tuple[str, str, int], SearchResult | FittedModel]]:
    """Fit all 15 formulas with each method, and retrain every structure in the same way.

    `methods`: name (of `companion.rivals.MODELS`) to its data seeds; `options`: name to arguments
    of its own. Returns a row a fit (method, formula, data_seed, structure, truth, state of
    `STATES`, exact, own and retrained: mean squared errors on as many fresh rows, over that of the
    true formula, seconds of the search) and the fits by (method, formula, data seed). A structure
    is "" where none is reported; see `retrained_error` for what is retrained.
    """
    for method in (*methods, *options):
        checks.one_of(method, "method", MODELS)
    rows, models = [], {}
    for method, seeds in methods.items():
        tasks = formula_tasks(2 * n_samples, n_features, noise, seeds)
        train = [(t.X[:n_samples], t.y[:n_samples]) for t in tasks.values()]
        say(f"{method}: {len(tasks)} fits")
        fits = _fitted(method, train, options.get(method, {}))
        for (key, task), model in zip(tasks.items(), fits, strict=True):
            models[(method, *key)] = model
            facts = MODELS[method]
            structure = None if facts.baseline else model.structure
            state = STATES[2 if facts.baseline else 0 if facts.represents(task.structure) else 1]
            own = _error(model, task, n_samples)
            rows.append({
                "method": method, "formula": key[0], "data_seed": key[1],
                **judged_streams(structure, task.structure), "state": state, "own": own,
                "retrained": retrained_error(method, structure, task, n_samples, own),
                "seconds": model.seconds,
            })
    return pd.DataFrame(rows), models


def retrained_error(
    method: str, structure: NeuronStructure | None, task: FormulaTask, n_samples: int, own: float
) -> float:
    """Return the error, over that of the true formula, of the structure refitted by least squares.

    Trained on the first `n_samples` rows, tested on the others. Where the method has fitted its
    weights by least squares already, reports no structure or one with sin, which least squares
    does not fit, it is the model's `own` error.
    """
    if MODELS[method].weights == "least squares" or structure is None or structure.sin:
        return own
    fitted = refit(structure, task.X[:n_samples], task.y[:n_samples], standardize=False)
    return _error(fitted, task, n_samples)


def _error(model: SearchResult | FittedModel, task: FormulaTask, n_samples: int) -> float:
    """Return the error on the rows after the first `n_samples`, over that of the true formula."""
    predicted = model.predict(task.X[n_samples:])
    return float(np.mean((predicted - task.y[n_samples:]) ** 2)) / task.noise_floor


def _fitted(
    method: str, data: list[tuple[np.ndarray, np.ndarray]], options: Mapping[str, Any]
) -> list[SearchResult | FittedModel]:
    """Return a fit for each data set X (N, D), y (N,); searches do all at once where they can."""
    if method not in METHODS:
        return [fit_model(method, X, y, **options) for X, y in data]
    return [result for (result,) in search_many(data, method, standardize=False, **options)]


def by_formula(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each method and formula: state, exact (share), fits, retrained (median)."""
    return fits.groupby(["method", "formula"], sort=False).agg(
        state=("state", "first"), exact=("exact", "mean"), fits=("exact", "size"),
        retrained=("retrained", "median"),
    ).reset_index()


def by_method(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row a method: how often its structure is exact, its errors over the floor.

    Columns: method, fits, scored (fits of formulas it can represent), exact_share (of these; NaN
    for no search), exact_of_all, own and retrained (medians of all fits), retrained_exact (median
    where the structure is exact; NaN where it never is).
    """
    scored, baseline = fits["state"] == "scored", fits["method"].isin(BASELINES)
    exact = fits["exact"].astype(float)
    return fits.assign(
        scored=scored, share=exact.where(scored), of_all=exact.where(~baseline),
        retrained_exact=fits["retrained"].where(fits["exact"]),
    ).groupby("method", sort=False).agg(
        fits=("exact", "size"), scored=("scored", "sum"), exact_share=("share", "mean"),
        exact_of_all=("of_all", "mean"), own=("own", "median"), retrained=("retrained", "median"),
        retrained_exact=("retrained_exact", "median"),
    ).reset_index()


def plain(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return a table, its index the keys, as nested mappings with None for what is missing."""
    return {
        key: {name: None if pd.isna(value) else value for name, value in row.items()}
        for key, row in table.to_dict("index").items()
    }


def sentences(fits: pd.DataFrame) -> list[str]:
    """Return for each method that searches how its structures are right or wrong, in words."""
    streams = fits[["structure", "truth"]].map(
        lambda text: set(NeuronStructure.parse(text).streams) if text else set())
    both = list(zip(streams["structure"], streams["truth"], strict=True))
    table = fits.assign(more=[kept > true for kept, true in both],
                        missing=[not kept >= true for kept, true in both])
    counts = table[table["state"] == "scored"].groupby("method", sort=False).agg(
        of=("exact", "size"), exact=("exact", "sum"), more=("more", "sum"),
        missing=("missing", "sum"),
    )
    return [
        f"{row.Index}: exact on {row.exact} of {row.of} data sets, all true streams and more on "
        f"{row.more}, a true stream missing on {row.missing}" for row in counts.itertuples()
    ]


def confusion(fits: pd.DataFrame, candidates: Sequence[str]) -> pd.DataFrame:
    """Return for each method and stream how often it is missed where true and kept where not.

    `fits`: method, formula, structure, truth. Columns: method, stream, error ("missed" or "kept in
    vain"), count, of (fits in which that error could happen), share, and its 95 % Wilson interval
    low, high; streams that are never true have no "missed" row, and the other way round.
    """
    kept = streams_of_fits(fits, candidates)
    groups = kept.assign(wrong=kept["kept"] != kept["true"]).groupby(
        ["method", "stream", "true"], sort=False)["wrong"]
    table = groups.agg(count="sum", of="size", share="mean").reset_index()
    table.insert(2, "error", table.pop("true").map({True: "missed", False: "kept in vain"}))
    return with_intervals(table, "count", "of")


def rates(errors: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return for each method recall, precision and the stream most often kept in vain.

    `errors`: of `confusion`. Precision is None where nothing was kept, the stream where none was
    kept in vain.
    """
    by_method = {}
    for method, own in errors.groupby("method", sort=False):
        missed, extra = (own[own["error"] == e] for e in ("missed", "kept in vain"))
        true, false = missed["of"].sum() - missed["count"].sum(), extra["count"].sum()
        by_method[method] = {
            "true_positives": int(true), "false_positives": int(false),
            "false_negatives": int(missed["count"].sum()),
            "recall": float(true / missed["of"].sum()),
            "precision": float(true / (true + false)) if true + false else None,
            "most_often_in_vain":
                extra.loc[extra["share"].idxmax(), "stream"] if false else None,
        }
    return by_method
