"""When a single product of k linear forms is found: probability over rows N and dimensions D."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression

from companion.experiments.progress import say
from companion.experiments.shares import power_law
from nslib import checks
from nslib.data import random_formula
from nslib.search import search
from nslib.structure import NeuronStructure

SURE = 2
"""Successive sample sizes at which every fit is right, after which larger ones are not run."""


def phase(
    orders: Sequence[int], features: Sequence[int], samples: Sequence[int], noise: float,
    seeds: Sequence[int],
) -> pd.DataFrame:
    """Return how often least squares finds exactly "interact k" in y = c · I_k + noise.

    `noise` in units of the signal's standard deviation; each of `seeds` draws a formula and data.
    Every order up to the largest of `orders` is a candidate. Columns: order, D, N, share, fits (0
    where, after `SURE` smaller sample sizes without an error, none was run and 1 is assumed).
    """
    highest = max(orders)
    rows = []
    for order in orders:
        structure = NeuronStructure((), (order,), rank=1)
        for d in features:
            sure = 0
            for n in sorted(samples):
                right = []
                for seed in seeds if sure < SURE else ():
                    task = random_formula(structure, n, d, noise, seed)
                    result = search(task.X, task.y, "als", standardize=False, order=highest)
                    right.append(result.structure.same_streams(structure))
                sure = sure + 1 if all(right) else 0
                rows.append({"order": order, "D": d, "N": n, "share": float(np.mean(right or [1])),
                             "fits": len(right)})
            say(f"phase: order {order}, D = {d} done")
    return pd.DataFrame(rows)


def half_points(table: pd.DataFrame) -> pd.DataFrame:
    """Return for each order and D the N at which half of the fits are right.

    `table`: of `phase`. The shares are made non-decreasing in N (isotonic regression), then
    interpolated in log N. Columns: order, D, N; no row where the half is beyond the grid.
    """
    rows = []
    for (order, d), own in table.groupby(["order", "D"], sort=False):
        own = own.sort_values("N")
        x = np.log(own["N"].to_numpy(dtype=float))
        share = IsotonicRegression().fit_transform(x, own["share"])
        if share[0] > 0.5 or share[-1] < 0.5:
            continue
        above = int(np.argmax(share >= 0.5))
        half = x[0]
        if above > 0:
            weight = (0.5 - share[above - 1]) / (share[above] - share[above - 1])
            half = x[above - 1] + weight * (x[above] - x[above - 1])
        rows.append({"order": order, "D": d, "N": float(np.exp(half))})
    return pd.DataFrame(rows, columns=["order", "D", "N"]).astype({"order": int, "D": int})


def exponents(points: pd.DataFrame) -> dict[int, tuple[float, float] | None]:
    """Return for each order the slope of log N over log D and its standard error.

    `points`: of `half_points`. None for an order with fewer than three points.
    """
    return {
        int(order): power_law(own["D"], own["N"]) if len(own) >= 3 else None
        for order, own in points.groupby("order")
    }


def correlational_exponent(order: int) -> float:
    """Return max(k/2, 1): N ≍ D^that is what correlational methods need for an order k.

    Sources: Montanari & Richard (2014), Hopkins, Shi & Steurer (2015) for unfolded tensors; Damian,
    Nichani, Ge & Lee (2023) for models of information exponent k.
    """
    return max(checks.positive_int(order, "order") / 2, 1.0)


def thresholds(
    points: pd.DataFrame, orders: Sequence[int], features: Sequence[int]
) -> pd.DataFrame:
    """Return the known thresholds as lines over D, a row for each order, line and D.

    "weights": N = k D, the number of weights, without a constant to choose. "N ∝ D" and
    "correlational" (D^max(k/2, 1)) are known up to a constant: they go through the measured half
    point at the middle one of the D that have one, and are left out where none has. Columns: order,
    line, D, N, anchor (the D of that point, 0 for none).
    """
    rows = []
    for order in orders:
        own = points[points["order"] == order].reset_index(drop=True)
        lines = [("weights", 1.0, 0, float(order))]
        if len(own):
            middle = own.iloc[len(own) // 2]
            d, n = int(middle["D"]), float(middle["N"])
            slopes = {"N ∝ D": 1.0, "correlational": correlational_exponent(order)}
            lines += [(name, slope, d, n / d**slope) for name, slope in slopes.items()]
        rows += [
            {"order": order, "line": name, "D": d, "N": constant * d**slope, "anchor": anchor}
            for name, slope, anchor, constant in lines for d in features
        ]
    return pd.DataFrame(rows)


def slope_text(slope: Sequence[float] | None) -> str:
    """Return a slope and its standard error as text."""
    return "–" if slope is None else f"{slope[0]:.2f} ± {slope[1]:.2f}"


def metrics(
    table: pd.DataFrame, points: pd.DataFrame, slopes: Mapping[int, tuple[float, float] | None]
) -> dict[str, Any]:
    """Return what a record keeps: slopes by order, half points by order and D, number of fits."""
    orders = [int(order) for order in table["order"].unique()]
    return {
        "slopes": {str(k): list(slopes[k]) if slopes.get(k) else None for k in orders},
        "half": {
            str(k): {str(row.D): row.N for row in points[points["order"] == k].itertuples()}
            for k in orders
        },
        "fits": int(table["fits"].sum()),
    }
