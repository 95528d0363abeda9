"""What the streams and the features of a formula are worth on rows that were held out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from pandas.api.types import is_numeric_dtype

from nslib import checks
from nslib.data import OwnTable
from nslib.data.table_encoder import ONE_HOT_LIMIT
from nslib.search import SearchResult, refit
from nslib.structure import NeuronStructure

from .own_models import SplitFit, score

CANDIDATES = ("pure 1", "pure 2", "pure 3", "interact 2", "interact 3")
"""Streams that are tried beside those of the formula."""

_SHARE = 0.8  # of the training rows in a resample
_FEWEST = 10  # rows of a category that is shown


def frequencies(fits: Sequence[SplitFit]) -> pd.DataFrame:
    """Return for each stream how sure its choice is: stream, split, frequency, found.

    `frequency`: how often the method chooses it on random halves of the rows or, where the method
    draws none, the probability that its gate is open, 1 or 0 for methods without gates. `found`:
    whether the formula of the split has it.
    """
    rows = []
    for fit in fits:
        search = fit.model.search_
        known = search.selection_frequencies or search.gate_probabilities
        rows += [(stream, fit.seed, float(value), stream in search.structure.streams)
                 for stream, value in known.items()]
    return pd.DataFrame(rows, columns=["stream", "split", "frequency", "found"])


def worth(table: OwnTable, fit: SplitFit, resamples: int, seed: int = 0) -> pd.DataFrame:
    """Return what each stream is worth: stream, found, resample, change, share.

    A regression: in every resample the neuron is fitted again to 80 % of the training rows by
    `nslib.search.refit`, with all found streams, without each of them, and with each other one of
    `CANDIDATES`; `change` is the held-out R² that a found stream adds to the others, or another
    one would add. Classes, and formulas with a sine: the output of a found stream becomes its mean
    over the training rows, and `change` is the accuracy (R²) that is lost. `share`: its part of
    the variance of all streams' outputs, NaN for streams that are not found. Test rows are drawn
    with replacement in every resample.
    """
    resamples = checks.positive_int(resamples, "resamples")
    rng = np.random.default_rng(seed)
    measure = _refitted if by_refit(table, fit) else _silenced
    parts = []
    for number in range(resamples):
        test = rng.choice(fit.test, len(fit.test))
        while table.y.iloc[test].nunique() < 2:
            test = rng.choice(fit.test, len(fit.test))
        some = rng.choice(fit.train, max(round(_SHARE * len(fit.train)), 10), replace=False)
        measured = measure(table, fit, np.sort(some), test)
        parts.append(pd.DataFrame(measured, columns=["stream", "found", "change", "share"]))
        parts[-1].insert(2, "resample", number)
    return pd.concat(parts, ignore_index=True)


def by_refit(table: OwnTable, fit: SplitFit) -> bool:
    """Whether `worth` fits the neuron again, which needs a regression and no sine."""
    return table.task == "regression" and not fit.model.search_.structure.sin


def stream_table(chosen: pd.DataFrame, worths: pd.DataFrame) -> pd.DataFrame:
    """Return a row a stream: found, chosen, share and change, the last with its range.

    `chosen` and `worths` as `frequencies` and `worth` return them; means over splits and resamples.
    """
    over = worths.groupby("stream", sort=False)["change"]
    table = pd.DataFrame({
        "chosen": chosen.groupby("stream", sort=False)["frequency"].mean(),
        "share": worths.groupby("stream", sort=False)["share"].mean(),
        "change": over.mean(), "change_min": over.min(), "change_max": over.max(),
    })
    of_formula = set(worths.loc[worths["found"], "stream"])
    order = list(dict.fromkeys([*chosen["stream"], *worths["stream"]]))
    table = table.reindex(order).rename_axis("stream").reset_index()
    table.insert(1, "found", [stream in of_formula for stream in table["stream"]])
    return table


def _refitted(table: OwnTable, fit: SplitFit, some: np.ndarray, test: np.ndarray) -> list[tuple]:
    """Return a row of `worth` a stream by the R² that it adds; some, test: row numbers (rows,)."""
    structure = fit.model.search_.structure
    X, X_test = (fit.model.formula_inputs(table.X.iloc[rows]) for rows in (some, test))
    y, y_test = (table.y.iloc[rows].to_numpy() for rows in (some, test))

    def held_out(streams: Sequence[str]) -> tuple[float, SearchResult | None]:
        if not streams:
            return score(table.task, y_test, np.full(len(y_test), y.mean())), None
        rank = structure.rank if structure.interact else 2
        refitted = refit(NeuronStructure.of(streams, rank), X, y)
        return score(table.task, y_test, refitted.predict(X_test)), refitted

    full, model = held_out(structure.streams)
    shares = model.stream_shares(X_test)
    kept = [(stream, [other for other in structure.streams if other != stream])
            for stream in structure.streams]
    rows = [(stream, True, full - held_out(others)[0], float(shares.get(stream, 0.0)))
            for stream, others in kept]
    return rows + [(stream, False, held_out([*structure.streams, stream])[0] - full, np.nan)
                   for stream in CANDIDATES if stream not in structure.streams]


def _silenced(table: OwnTable, fit: SplitFit, some: np.ndarray, test: np.ndarray) -> list[tuple]:
    """Return a row of `worth` a stream by what is lost without it; some, test: (rows,) as above."""
    search = fit.model.search_
    X, X_test = (fit.model.formula_inputs(table.X.iloc[rows]) for rows in (some, test))
    y = table.y.iloc[test].to_numpy()
    full = np.asarray(search.decision(X_test), dtype=np.float64).reshape(len(y), -1)
    outputs, means = stream_outputs(search, X_test), stream_outputs(search, X)
    shares = search.stream_shares(X_test)

    def held_out(decision: np.ndarray) -> float:
        """Return the score of outputs (test rows, C)."""
        if search.classes is None:
            return score(table.task, y, decision[:, 0])
        return score(table.task, y, search.classes[decision.argmax(axis=1)])

    before = held_out(full)
    return [(stream, True,
             before - held_out(full - outputs[stream] + means[stream].mean(axis=0)),
             float(shares[stream])) for stream in search.structure.streams]


def stream_outputs(search: SearchResult, X: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return what each stream adds to the outputs (N, C) of X (N, D), in their units."""
    Z = (X.to_numpy(dtype=np.float64) - search.scaling.x_mean) / search.scaling.x_scale
    if search.limits is not None:
        Z = np.clip(Z, *search.limits)
    with torch.no_grad():
        parts = search.neuron.stream_outputs(torch.as_tensor(Z, dtype=search.neuron.weight.dtype))
    scale = search.scaling.y_scale if search.classes is None else 1.0
    return {stream: scale * part.double().numpy() for stream, part in parts.items()}


def effects(
    table: OwnTable, fits: Sequence[SplitFit], n_features: int, seed: int = 0, n_points: int = 15,
    n_rows: int = 200,
) -> pd.DataFrame:
    """Return partial effects of the features that move the first network most, the largest first.

    In up to `n_rows` of its test rows the feature is set to each value of a grid (from its 5 % to
    its 95 % quantile, or its categories) and the predictions are averaged. Columns: feature,
    output (the target, or a class, whose probability it is), model ("network" or "found formula"),
    split, x, label (the category, else ""), effect. Of three or more classes the one that moves
    most is shown.
    """
    n_features = checks.positive_int(n_features, "n_features")
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(fits[0].test)[:n_rows])
    grids = {name: grid for name in table.X if len(grid := _grid(table.X[name], n_points)) > 1}
    curves = {name: _curve(fits[0], table.X.iloc[rows], name, grid, "network")
              for name, grid in grids.items()}
    moves = {name: np.ptp(curve, axis=0) for name, curve in curves.items()}
    strongest = sorted(moves, key=lambda name: -moves[name].max())[:n_features]
    parts = []
    for name in strongest:
        output, title = int(np.argmax(moves[name])), table.target
        if table.task == "classification":
            output = 1 if len(moves[name]) == 2 else output
            title = str(fits[0].model.classes_[output])
        text = not is_numeric_dtype(table.X[name])
        grid = grids[name]
        for fit in fits:
            for model in ("network", "found formula"):
                curve = _curve(fit, table.X.iloc[rows], name, grid, model)[:, output]
                parts.append(pd.DataFrame({
                    "feature": str(name), "output": title, "model": model, "split": fit.seed,
                    "x": np.arange(len(grid), dtype=float) if text else np.array(grid, float),
                    "label": [str(x) if text else "" for x in grid], "effect": curve,
                }))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _grid(column: pd.Series, n_points: int) -> list:
    """Return the values at which the effect of a column (N,) is shown."""
    if not is_numeric_dtype(column):
        counts = column.dropna().value_counts()
        return list(counts.index[counts >= _FEWEST]) if len(counts) <= ONE_HOT_LIMIT else []
    known = column.dropna().astype(np.float64)
    if known.nunique() <= n_points:
        return sorted(known.unique())
    return list(np.unique(np.quantile(known, np.linspace(0.05, 0.95, n_points))))


def _curve(fit: SplitFit, X: pd.DataFrame, name: str, grid: list, model: str) -> np.ndarray:
    """Return the mean prediction (points, outputs) of rows X (N, D) at each value of the grid."""
    many = pd.concat([X.assign(**{name: value}) for value in grid], ignore_index=True)
    many[name] = many[name].astype(X[name].dtype if X[name].dtype.kind not in "iub" else float)
    estimator = fit.model
    classes = estimator.search_.classes is not None
    if model == "network":
        values = estimator.predict_proba(many) if classes else estimator.predict(many)
    else:
        values = estimator.search_.decision(estimator.formula_inputs(many))
        if classes:
            values = np.exp(values - values.max(axis=1, keepdims=True))
            values /= values.sum(axis=1, keepdims=True)
    return np.asarray(values).reshape(len(grid), len(X), -1).mean(axis=1)
