"""Notebook 07: waiting times against Kac's mean, and one network that takes every target."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from nslib import checks
from nslib.theory import (
    DenseTrajectory,
    approximate,
    find_depth,
    information_bound,
    waiting_bits,
    waiting_time,
)

from .equidistribution import random_starts


def _rough(x: np.ndarray) -> np.ndarray:
    """Return Weierstrass' sum at points x (M,), cut after eight terms and scaled into [0, 1]."""
    weights = 0.7 ** np.arange(8)
    waves = np.cos(2 * np.pi * 3 ** np.arange(8) * np.asarray(x)[..., None])
    return 0.5 + 0.5 * (waves @ weights) / weights.sum()


# name: the function on [0, 1] with values in [0, 1], and a Lipschitz constant where it is small
FUNCTIONS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float | None]] = {
    "sine": (lambda x: 0.5 + 0.5 * np.sin(2 * np.pi * x), math.pi),
    "kink": (lambda x: np.abs(2 * x - 1), 2.0),
    "parabola": (lambda x: 4 * x * (1 - x), 4.0),
    "rough": (_rough, None),
}


def values(name: str, x: np.ndarray) -> np.ndarray:
    """Return the function of that name at points x (M,), within [0, 1]: (M,)."""
    function, _ = FUNCTIONS[checks.one_of(name, "function", FUNCTIONS)]
    return np.clip(function(x), 0, 1)


def targets(name: str, cells: int) -> np.ndarray:
    """Return the function of that name at the middles of K equal cells (K,)."""
    return values(name, (np.arange(checks.positive_int(cells, "cells")) + 0.5) / cells)


def waiting_times(
    cells: Sequence[int], eps: Sequence[float], n_targets: int, max_bits: float, seed: int = 0
) -> pd.DataFrame:
    """Measure first depths for random targets from random c, beside Kac's mean.

    K and ε are left out where K values of 1/2, the rarest, take more than 2^`max_bits` steps in the
    mean. For the others `n_targets` times: K uniform targets and a new c, so that the waits are
    independent. A row each: cells, eps, steps (positions looked at: first depth + 1), kac, ratio,
    error_ratio (certified error / ε). A scan stops after 60 means; by chance a wait is longer with
    probability e^-60.
    """
    rows = []
    for size, tolerance in itertools.product(cells, eps):
        if waiting_bits(np.full(size, 0.5), tolerance) > max_bits:
            continue
        draw = np.random.default_rng([seed, size, round(1e6 * tolerance)])
        for c in random_starts(n_targets, int(draw.integers(2**63))):
            y = draw.random(size)
            mean = waiting_time(y, tolerance)
            wait = find_depth(y, tolerance, c=c, max_depth=math.ceil(60 * mean))
            rows.append({"cells": size, "eps": tolerance, "steps": wait.scanned, "kac": mean,
                         "ratio": wait.scanned / mean, "error_ratio": wait.error / tolerance})
    if not rows:
        raise ValueError(f"max_bits: found {max_bits}, expected more: no K and ε can be waited for")
    return pd.DataFrame(rows)


def mean_ratios(waits: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of measured over predicted for each K and ε, with its 95 % interval.

    Columns cells, eps, kac (median), n, ratio, low, high (1.96 standard errors).
    """
    table = waits.groupby(["cells", "eps"], sort=False).agg(
        kac=("kac", "median"), n=("ratio", "size"), ratio=("ratio", lambda r: r.mean()),
        half=("ratio", lambda r: 1.96 * r.std() / math.sqrt(len(r)))).reset_index()
    half = table.pop("half")
    return table.assign(low=table["ratio"] - half, high=table["ratio"] + half)


def exponential(waits: pd.DataFrame, least: float = 100.0) -> dict[str, float]:
    """Test whether waits over Kac's mean follow the exponential law: n and Kolmogorov's p-value.

    Only means of at least `least` steps: a wait of few steps is too coarse for the law.
    """
    ratio = waits.loc[waits["kac"] >= least, "ratio"]
    return {"n": len(ratio), "p": float(stats.kstest(ratio, "expon").pvalue)}


def survival(waits: pd.DataFrame) -> pd.DataFrame:
    """Return (cells, ratio, beyond): the share of waits longer than `ratio` times Kac's mean."""
    table = waits[["cells", "ratio"]].sort_values(["cells", "ratio"], ignore_index=True)
    waited = table.groupby("cells")["ratio"]
    return table.assign(beyond=1 - waited.cumcount() / waited.transform("size"))


def search_all(
    asked: Mapping[str, tuple[np.ndarray, float]], max_depth: int = 10**12
) -> tuple[pd.DataFrame, dict[str, DenseTrajectory]]:
    """Find the depth of every set of targets with the same c, and what it costs.

    `asked`: label to (targets (K,), ε). Returns a row each (target, kind, cells, eps, depth,
    depth_bits: log2(depth + 1), kac_bits, bound: K log2(1/(2ε)), error, error_ratio, parameters,
    largest: magnitude of a weight, seconds) and the results by label.
    """
    results = {label: find_depth(y, eps, max_depth=max_depth, progress=True)
               for label, (y, eps) in asked.items()}
    rows = [{
        "target": label, "kind": re.match(r"\w+", label)[0], "cells": one.cells,
        "eps": one.eps, "depth": one.depth,
        "depth_bits": math.log2(one.depth + 1), "kac_bits": waiting_bits(one.targets, one.eps),
        "bound": information_bound(one.cells, one.eps), "error": one.error,
        "error_ratio": one.error / one.eps, "parameters": one.n_parameters,
        "largest": float(one.max_weight), "seconds": one.seconds,
    } for label, one in results.items()]
    return pd.DataFrame(rows), results


def asked_for(
    functions: Sequence[str], settings: Sequence[tuple[int, float]], n_random: int,
    random_settings: Sequence[tuple[int, float]], seed: int = 0,
) -> dict[str, tuple[np.ndarray, float]]:
    """Return what to ask of `search_all`: each function at each (K, ε), then random targets.

    The `n_random` sets of uniform targets take the (K, ε) of `random_settings` in turn.
    """
    asked = {f"{name}, K = {cells}, ε = {eps:g}": (targets(name, cells), eps)
             for cells, eps in settings for name in functions}
    draw = np.random.default_rng(seed)
    for i in range(n_random):
        cells, eps = random_settings[i % len(random_settings)]
        asked[f"random {i}"] = draw.random(cells), eps
    return asked


def pictured(results: Mapping[str, DenseTrajectory], n_points: int = 401
             ) -> dict[str, pd.DataFrame]:
    """Return the data of a figure of results, by the function's name.

    "cells" (function, cell, left, right, target, value, eps, depth) and "curves" (function, x, f).
    """
    x = np.linspace(0, 1, n_points)
    cells = [pd.DataFrame({
        "function": name, "cell": np.arange(1, one.cells + 1),
        "left": np.arange(one.cells) / one.cells, "right": np.arange(1, one.cells + 1) / one.cells,
        "target": one.targets, "value": one.values.middle, "eps": one.eps, "depth": one.depth,
    }) for name, one in results.items()]
    curves = [pd.DataFrame({"function": name, "x": x, "f": values(name, x)}) for name in results]
    return {"cells": pd.concat(cells, ignore_index=True),
            "curves": pd.concat(curves, ignore_index=True)}


def shortest(results: Mapping[str, DenseTrajectory], least: int = 100
             ) -> tuple[str, DenseTrajectory]:
    """Return label and result of the smallest depth above `least`, or of the smallest of all.

    Doubles cannot follow more than `least` repetitions.
    """
    label = min(results, key=lambda name: (results[name].depth <= least, results[name].depth))
    return label, results[label]


def distinct_networks(results: Mapping[str, DenseTrajectory]) -> int:
    """Return the number of different sets of weights among the results."""
    return len({tuple(one.parameters.items()) for one in results.values()})


def from_x(cases: Mapping[str, float], max_depth: int = 10**9) -> pd.DataFrame:
    """Build the whole network, from x to value, for functions with a known Lipschitz constant.

    `cases`: function to ε. A row each: function, eps, cells, depth, entries (number of all weights
    and biases), largest (of their magnitudes), bound (proved), measured (sup error on a grid).
    """
    rows = []
    for name, eps in cases.items():
        function, slope = FUNCTIONS[checks.one_of(name, "function", FUNCTIONS)]
        if slope is None:
            raise ValueError(f"function: found {name}, expected one with a Lipschitz constant")
        network = approximate(function, eps, construction="trajectory", modulus=slope, share=None,
                              max_depth=max_depth)
        rows.append({"function": name, "eps": eps, "cells": network.n_cells,
                     "depth": network.construction.depth, "entries": network.n_parameters,
                     "largest": float(network.max_weight), "bound": network.bound,
                     "measured": network.measured_sup_error()})
    return pd.DataFrame(rows)


def bits_beside_kac(table: pd.DataFrame) -> dict[str, float]:
    """Return mean, error and expected of log2(depth + 1) - log2 of Kac's mean, random targets only.

    log2 of an exponential wait is γ/ln 2 below log2 of its mean, on average (γ: Euler's constant).
    """
    bits = table.loc[table["kind"] == "random", ["depth_bits", "kac_bits"]]
    gap = bits["depth_bits"] - bits["kac_bits"]
    return {"mean": gap.mean(), "error": gap.sem(), "expected": -np.euler_gamma / math.log(2)}


def mean_bits(cells: Sequence[int], eps: Sequence[float]) -> pd.DataFrame:
    """Return log2 of Kac's mean, a row for each K and ε, also where no scan would end.

    Columns eps, cells, kac_bits (mean over FUNCTIONS), low, high (their range).
    """
    table = pd.DataFrame(itertools.product(eps, cells), columns=["eps", "cells"])
    bits = np.array([[waiting_bits(targets(name, row.cells), row.eps) for name in FUNCTIONS]
                     for row in table.itertuples()])
    return table.assign(kac_bits=bits.mean(axis=1), low=bits.min(axis=1), high=bits.max(axis=1))
