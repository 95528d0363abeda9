"""Notebook 08: whole networks from x to value, and an ordinary ReLU network of the same error."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nslib.theory import Approximant, approximate

from .encodings import NAMES
from .recheck import enclosures, recheck

ORDINARY = "ordinary ReLU"
Function = tuple[Callable[[np.ndarray], np.ndarray], float | Callable[[float], float]]


def takagi(x: np.ndarray) -> np.ndarray:
    """Return Takagi's function to about 2^-48 at points x (M,): Σ 2^-i |2^i x - nearest integer|.

    Continuous, nowhere differentiable; values in [0, 2/3].
    """
    rest, total = np.array(x, dtype=float), np.zeros(np.shape(x))
    for i in range(53):
        total += 2.0**-i * np.minimum(rest, 1 - rest)
        rest = 2 * rest % 1
    return total


def takagi_modulus(h: float) -> float:
    """Return Σ min(2^-(i+1), h) >= |takagi(x) - takagi(y)| for |x - y| <= h, term by term.

    Each term changes by at most its height and at most h; 2^-46 is added for rounding.
    """
    return float(np.minimum(2.0 ** -np.arange(1.0, 54.0), h).sum()) + 2.0**-46


def zigzag(seed: int, knots: int = 5) -> Function:
    """Return a piecewise linear function through random values at equal knots, and its slope."""
    heights = np.random.default_rng([seed, 8]).random(knots)
    places = np.linspace(0, 1, knots)
    return (lambda x: np.interp(x, places, heights),
            float(np.abs(np.diff(heights)).max() * (knots - 1) * (1 + 2.0**-40)))


FUNCTIONS: dict[str, Function] = {
    "sine": (lambda x: 0.5 + 0.5 * np.sin(2 * np.pi * x), math.pi * (1 + 2.0**-40)),
    "Takagi": (takagi, takagi_modulus),
}


@dataclass(frozen=True, eq=False)
class Interpolation:
    """Linear neurons through N + 1 points of a function: Σ_j slopes_j ReLU(x - j/N) + offset.

    Every first weight is 1 and the first biases are -j/N; `slopes` (N,) and `offset` follow.
    """

    slopes: np.ndarray
    offset: float

    @property
    def n_parameters(self) -> int:
        """3N + 1: two numbers for each hidden neuron, its slope, the last bias."""
        return 3 * len(self.slopes) + 1

    @property
    def max_weight(self) -> float:
        """The largest magnitude of a weight or bias."""
        return float(max(1.0, np.abs(self.slopes).max(), abs(self.offset)))


def interpolation_of_error(
    f: Callable, error: float, x: np.ndarray, most: int = 1 << 15
) -> tuple[Interpolation, float]:
    """Return the smallest interpolation within `error` of f at points x (M,), and its error."""
    goal = f(x)
    for neurons in range(1, most + 1):
        places = np.linspace(0, 1, neurons + 1)
        heights = f(places)
        for every in (64, 1):  # most numbers of neurons fail at a few points already
            reached = float(np.abs(np.interp(x[::every], places, heights) - goal[::every]).max())
            if reached > error:
                break
        else:
            slopes = np.diff(np.diff(heights) * neurons, prepend=0)
            return Interpolation(slopes, float(heights[0])), reached
    raise ValueError(f"error: found {error}, expected more: {most} neurons do not reach it")


def probes(network: Approximant, n_points: int, seed: int) -> np.ndarray:
    """Return points (M,) of [0, 1]: random, and some at both sides of every border of cells."""
    borders = np.arange(network.n_cells + 1) / network.n_cells
    aside = borders[:, None] + np.array([-1.5, -1e-9, 0, 1e-9, 1.5]) * network.cells.shift
    random = np.random.default_rng([seed, 80]).random(n_points)
    return np.unique(np.clip(np.concatenate([random, aside.ravel()]), 0, 1))


def check_network(network: Approximant, x: np.ndarray) -> dict[str, Any]:
    """Check a network in one dimension against its bound at points x (M,), by two routes.

    The library's route, and another: the values by `recheck`, the cells of x - δ, x and x + δ by
    floor, the median of three. Checked are: what `recheck` checks; the error at every x by each
    route; that both agree to 2^-45 of f's range where no copy lies in a layer. Returns measured
    (the larger error) and the counts checked, violated.
    """
    held = recheck(network.construction)
    _, bounds = enclosures(network.construction)
    values = np.array([float((low + high) / 2) for low, high in bounds])
    cells, goal = network.cells, network.f(x)
    place = (x[:, None] + cells.shift * np.array([-1, 0, 1])) * cells.count
    index = np.clip(np.floor(place), 0, cells.count - 1).astype(int)
    other = network.lowest + network.scale * np.median(values[index], axis=1)
    own = network(x)
    near = np.rint(place)
    inner = (near > 0) & (near < cells.count)
    clear = ~((np.abs(place - near) <= cells.layer * cells.count) & inner).any(axis=1)
    gap = np.abs(own - other)[clear] > 2.0**-45 * (network.scale + abs(network.lowest))
    errors = np.abs(own - goal), np.abs(other - goal)
    violated = sum(int((error > network.bound).sum()) for error in errors) + int(gap.sum())
    return {"measured": float(max(error.max() for error in errors)),
            "checked": held["checked"] + 2 * len(x) + int(clear.sum()),
            "violated": held["violated"] + violated}


def module_entries(network: Approximant) -> int:
    """Return the number of entries of the torch module, or -1 where doubles cannot hold it."""
    try:
        module = network.module()
    except ValueError:
        return -1
    return sum(parameter.numel() for parameter in module.parameters())


def networks(
    functions: Mapping[str, Function], eps: Mapping[str, Sequence[float]],
    n_points: int, max_depth: int, seed: int = 0, ordinary: bool = True,
) -> pd.DataFrame:
    """Build and check a network for each function, construction and ε.

    `eps`: by construction. A row a network: construction, function, eps, cells, bound, parameters,
    module (see `module_entries`), log2_largest (weight), bits, repeats, measured (sup error at
    `probes`), checked, violated. With `ordinary` a second row: the smallest interpolation by linear
    neurons whose measured error at the same points is no larger.
    """
    rows = []
    for name, tolerances in eps.items():
        options = {"max_depth": max_depth} if name == "trajectory" else {}
        for (label, (f, modulus)), tolerance in (
                (one, e) for one in functions.items() for e in tolerances):
            network = approximate(f, tolerance, construction=name, modulus=modulus, share=None,
                                  **options)
            x = probes(network, n_points, seed)
            facts = {"function": label, "eps": tolerance}
            rows.append({
                "construction": NAMES[name], **facts, "cells": network.n_cells,
                "bound": network.bound, "parameters": network.n_parameters,
                "module": module_entries(network),
                "log2_largest": math.log2(network.max_weight), "bits": network.bits,
                "repeats": network.repeats, **check_network(network, x),
            })
            if ordinary:
                plain, reached = interpolation_of_error(f, rows[-1]["measured"], x)
                rows.append({
                    "construction": ORDINARY, **facts, "cells": len(plain.slopes),
                    "bound": math.inf, "parameters": plain.n_parameters, "module": -1,
                    "log2_largest": math.log2(plain.max_weight), "bits": 0, "repeats": 0,
                    "measured": reached, "checked": 0, "violated": 0,
                })
        print(f"networks: {name} done", file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def parameter_counts(networks: pd.DataFrame, held: pd.DataFrame) -> dict[str, int]:
    """Return the number of distinct parameter counts of each construction; 1 is claimed.

    The larger of two: among the networks from x, their torch modules included, and among those from
    the index k, of `held`.
    """
    counts = {}
    for name, part in networks[networks["construction"] != ORDINARY].groupby("construction"):
        whole = {*part["parameters"], *part["module"]} - {-1}
        counts[name] = max(len(whole), held.query("construction == @name")["parameters"].nunique())
    return counts
