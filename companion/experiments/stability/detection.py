"""Which streams data can show at all, and how sure one search is of the streams it keeps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution

from companion.experiments.formula_tasks import named_formula
from nslib.data.synthetic import stream_values
from nslib.search import search
from nslib.structure import Stream

from .consensus import wilson
from .formula_stability import stream_seed


def detectable(
    formulas: Sequence[str], noise_levels: Sequence[float], n_samples: int, n_features: int,
    n_sets: int, data_seed: int,
) -> pd.DataFrame:
    """Ask an oracle, who knows the formula but not its coefficients, which streams the data show.

    For each true stream the true formula is compared with the one without that stream, refitted,
    on `n_sets` data sets of N rows. An element-wise power is fitted with its D weights; of an
    interaction the oracle knows the factors, but BIC charges all its parameters.

    Returns a row a formula, noise level and stream: share (of the variance of y without noise),
    bic_gain (least over the data sets; the true formula is preferred where it is positive),
    p_value (of the F test, largest over the data sets), detectable (share of data sets with
    bic_gain > 0).
    """
    rows = []
    for formula, noise in itertools.product(formulas, noise_levels):
        task = named_formula(formula, n_sets * n_samples, n_features, noise,
                             stream_seed(formula, data_seed))
        values = stream_values(task.weights, task.X)
        total = np.var(sum(values.values()))
        parts = np.split(np.arange(len(task.X)), n_sets)
        for stream in values:
            gains, p_values = np.array([
                _without(stream, task.X[part], task.y[part],
                         {name: value[part] for name, value in values.items()})
                for part in parts
            ]).T
            rows.append({
                "formula": formula, "noise": float(noise), "stream": stream,
                "share": float(np.var(values[stream]) / total),
                "bic_gain": float(gains.min()), "p_value": float(p_values.max()),
                "detectable": float((gains > 0).mean()),
            })
    return pd.DataFrame(rows)


def _without(
    stream: Stream, X: np.ndarray, y: np.ndarray, values: Mapping[Stream, np.ndarray]
) -> tuple[float, float]:
    """Return the BIC gain of the true formula over the one without `stream`, and the F test's p.

    X (N, D), y (N,); `values`: what each true stream contributes, (N,) each.
    """
    blocks = {
        name: X**name.order if name.kind == "pure" else value[:, None]
        for name, value in values.items()
    }
    n, d = X.shape
    order = stream.order
    price = d if stream.kind == "pure" else order * d - (order - 1)
    full, n_full = _residual(list(blocks.values()), y)
    less, n_less = _residual([b for name, b in blocks.items() if name != stream], y)
    gain = n * math.log(less / full) - price * math.log(n)
    ratio = (less - full) / (n_full - n_less) / (full / (n - n_full))
    return gain, float(f_distribution.sf(ratio, n_full - n_less, n - n_full))


def _residual(blocks: Sequence[np.ndarray], y: np.ndarray) -> tuple[float, int]:
    """Return the residual sum of squares of y (N,) on a constant and the blocks (N, ·).

    Beside it the number of columns, the constant among them.
    """
    design = np.column_stack([np.ones(len(y)), *blocks])
    design = design / np.linalg.norm(design, axis=0)
    left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    rounding = np.finfo(float).eps ** 2 * float(y @ y)  # without noise the truth leaves nothing
    return max(float(left @ left), rounding), design.shape[1]


def stated_and_found(
    formulas: Sequence[str], noise: Sequence[float], n_samples: Sequence[int], n_features: int,
    n_sets: int, data_seed: int, options: Mapping[str, Any],
) -> pd.DataFrame:
    """Compare how often a search chooses a stream on resamples with how often fresh data show it.

    `noise` in standard deviations of the weakest stream; `options`: of the search "als", by which
    each of `n_sets` data sets is searched once, and which repeats its choice on random halves.

    Returns a row a search and stream that any search of the setting chose or any resample did:
    formula, noise, n_samples, run, stream, true, stated (share of the run's resamples that choose
    it), kept (by this run), elsewhere (share of the other data sets whose run keeps it).
    """
    tables = []
    for formula, level, n in itertools.product(formulas, noise, n_samples):
        seed = stream_seed(formula, data_seed)
        clean = named_formula(formula, 10_000, n_features, 0.0, seed)
        weakest = min(v.std() for v in stream_values(clean.weights, clean.X).values())
        task = named_formula(formula, n_sets * n, n_features, level * weakest, seed)
        parts = [slice(run * n, (run + 1) * n) for run in range(n_sets)]
        results = [search(task.X[part], task.y[part], "als", standardize=False, **options)
                   for part in parts]
        table = pd.DataFrame([
            {"formula": formula, "noise": float(level), "n_samples": int(n), "run": run,
             "stream": stream, "true": stream in task.structure.streams,
             "stated": result.selection_frequencies[stream],
             "kept": stream in result.structure.streams}
            for run, result in enumerate(results) for stream in result.gate_probabilities
        ])
        groups = table.groupby("stream")
        table["elsewhere"] = (groups["kept"].transform("sum") - table["kept"]) / (n_sets - 1)
        seen = groups["stated"].transform("max") + groups["kept"].transform("max") > 0
        tables.append(table[seen])
    return pd.concat(tables, ignore_index=True)


def calibration(runs: pd.DataFrame) -> pd.DataFrame:
    """Return for each setting and stream what single runs state, and what data sets show.

    `runs`: of `stated_and_found`. Columns: formula, noise, n_samples, stream, true, stated (median
    over the runs) with its quartiles stated_low and stated_high, found (share of the data sets on
    which the stream is kept) with its Wilson interval found_low and found_high.
    """
    def quantile(share: float) -> tuple[str, Any]:
        return "stated", lambda stated: stated.quantile(share)

    keys = ["formula", "noise", "n_samples", "stream", "true"]
    table = runs.groupby(keys, sort=False).agg(
        stated=quantile(0.5), stated_low=quantile(0.25), stated_high=quantile(0.75),
        found=("kept", "mean"), runs=("kept", "size"),
    ).reset_index()
    low, high = zip(*map(wilson, table["found"], table.pop("runs")), strict=True)
    return table.assign(found_low=low, found_high=high)


def calibration_bins(runs: pd.DataFrame, bins: int = 5) -> pd.DataFrame:
    """Return for equal bins of the stated share how often other data sets show the stream.

    A row a bin that is not empty: stated (mean), elsewhere (mean), entries (runs × streams).
    """
    edges = np.linspace(0, 1, bins + 1)
    place = np.digitize(runs["stated"], edges[1:-1])
    return runs.groupby(place).agg(
        stated=("stated", "mean"), elsewhere=("elsewhere", "mean"), entries=("run", "size")
    ).reset_index(drop=True)


def calibration_error(bins: pd.DataFrame) -> float:
    """Return the mean difference of stated and found over the entries of `calibration_bins`."""
    gaps = (bins["stated"] - bins["elsewhere"]).abs()
    return float((gaps * bins["entries"]).sum() / bins["entries"].sum())
