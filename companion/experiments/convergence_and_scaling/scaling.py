"""Notebook 05, time and error against the number of features D and of rows N."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from companion.experiments.formula_tasks import named_formula
from companion.experiments.progress import say
from companion.experiments.shares import power_law
from companion.rivals import BASELINES, MODELS
from nslib import checks

from .convergence import CLAIMED, Judge, warm_up, with_spread


def measured(
    formula: str, sizes: Mapping[str, Sequence[tuple[int, int]]], n_test: int, noise: float,
    seeds: Sequence[int], slow: Sequence[str] = (),
) -> pd.DataFrame:
    """Fit every method, as by default, to data of each of its sizes (rows N, features D) in turn.

    One data set a size and seed, the same for all methods, with `n_test` further rows to judge on;
    the methods in `slow` see those of the first seed only.
    Returns a row a fit: n_samples, n_features and the keys of `convergence.Judge.row`.
    """
    for method in sizes:
        checks.one_of(method, "sizes", MODELS)
    warm_up(list(sizes))
    rows = []
    for seed in seeds:
        judges: dict[tuple[int, int], Judge] = {}
        for method, pairs in sizes.items():
            for n, d in pairs if seed == seeds[0] or method not in slow else ():
                if (n, d) not in judges:
                    task = named_formula(formula, n + n_test, d, noise, seed)
                    judges[n, d] = Judge(task, n, seed)
                row = judges[n, d].row(method)
                rows.append({"n_samples": n, "n_features": d, **row})
                say(f"seed {seed}, {method}, N = {n}, D = {d}: "
                    f"{row['test_mse'] / row['noise_floor']:.3g} times the noise floor, "
                    f"{row['search_seconds']:.1f} + {row['retrain_seconds']:.1f} s")
    return pd.DataFrame(rows)


def medians(fits: pd.DataFrame, size: str) -> pd.DataFrame:
    """Return a row a method and size ("n_features" or "n_samples"), over the seeds.

    Columns: method, size, the medians seconds (of the search), own and retrained (own_mse and
    test_mse over the noise floor), the ranges of each with the endings _low and _high, and exact
    (share of the seeds).
    """
    fits = pd.DataFrame({
        "method": fits["method"], "size": fits[size], "exact": fits["exact"],
        "seconds": fits["search_seconds"],
        "own": fits["own_mse"] / fits["noise_floor"],
        "retrained": fits["test_mse"] / fits["noise_floor"],
    })
    parts = {}
    for column in ("seconds", "own", "retrained"):
        for ending, statistic in (("", "median"), ("_low", "min"), ("_high", "max")):
            parts[column + ending] = (column, statistic)
    groups = fits.groupby(["method", "size"], sort=False)
    return groups.agg(**parts, exact=("exact", "mean")).reset_index()


def exponents(fits: pd.DataFrame, size: str) -> pd.DataFrame:
    """Fit log seconds = a log size + constant for every method with three sizes or more.

    Baselines, which take milliseconds, are left out. `size`: "n_features" or "n_samples". Returns
    method, exponent and its standard error, from the seconds of the search alone, all seeds
    together.
    """
    laws = [
        (method, *power_law(table[size], table["search_seconds"]))
        for method, table in fits.groupby("method", sort=False)
        if method not in BASELINES and table[size].nunique() >= 3
    ]
    return pd.DataFrame(laws, columns=["method", "exponent", "error"])


def error_ratios(fits: pd.DataFrame) -> dict[str, float | None]:
    """Return td_mse_ratio and als_mse_ratio: median test_mse at the most features over the fewest.

    TD is the gated search; a method that was not run has None.
    """
    medians = fits.groupby(["method", "n_features"])["test_mse"].median().groupby("method")
    ratios = medians.last() / medians.first()
    return {f"{short}_mse_ratio": float(ratios[method]) if method in ratios else None
            for method, short in CLAIMED.items()}


def second_ratios(fits: pd.DataFrame) -> dict[str, Any]:
    """Return td_seconds_ratio and als_seconds_ratio, each with its `_spread`.

    A repetition's ratio is its seconds of the search at the most features over those at the fewest;
    of the repetitions the median, and the least and largest, as in `convergence.with_spread`.
    """
    ratios: dict[str, Any] = {}
    for method, short in CLAIMED.items():
        searched = fits[fits["method"] == method].sort_values("n_features")
        seconds = searched.groupby("seed")["search_seconds"]
        ratios |= with_spread(f"{short}_seconds_ratio", seconds.last() / seconds.first())
    return ratios
