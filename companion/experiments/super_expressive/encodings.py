"""Notebook 08: digits of one parameter, winding of one weight, and the bits that K values cost."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nslib.theory import (
    Construction,
    Digits,
    angle_intervals,
    encode,
    find_depth,
    find_winding,
    information_bound,
    waiting_bits,
    word_bits,
)
from nslib.theory.lattice import nearest_planes, reduce, triangular

from .recheck import recheck, repeated

NAMES = {"trajectory": "A, depth", "digits": "B, digits", "winding": "C, magnitude"}


def draws(count: int, cells: int, seed: int) -> np.ndarray:
    """Return uniform targets (count, cells); the same for the same seed and number of cells."""
    return np.random.default_rng([seed, cells]).random((count, cells))


def walked(encoded: Digits) -> dict[str, pd.DataFrame]:
    """Return construction B in tables: its digits, its orbit, and the values that are read.

    "digits" (place, word, digit), "orbit" (step, u: by repeating the neuron exactly), "cells"
    (cell, target, word: its binary digits, value, error, bound: π 2^-m).
    """
    m = encoded.word_bits
    text = f"{encoded.code:0{encoded.bits}b}"
    points = [float(low + high) / 2 for low, high in repeated(encoded.angle, encoded.repeats)]
    place, cell = np.arange(encoded.bits), np.arange(encoded.cells)
    read = np.array(points[::m])
    return {
        "digits": pd.DataFrame({"place": place, "word": place // m + 1,
                                "digit": [int(c) for c in text]}),
        "orbit": pd.DataFrame({"step": np.arange(len(points)), "u": points}),
        "cells": pd.DataFrame({"cell": cell + 1, "target": encoded.targets,
                               "word": [f"0.{text[m * k:m * k + m]}" for k in cell],
                               "value": read, "error": np.abs(read - encoded.targets),
                               "bound": encoded.eps}),
    }


def words_in_doubles(encoded: Digits) -> int:
    """Return how many words, from the first, the neuron decodes within π 2^-m in doubles."""
    u = float(encoded.start().middle[0])
    for k, target in enumerate(encoded.targets):
        if abs(u - target) > encoded.eps:
            return k
        for _ in range(encoded.word_bits):
            u = 4 * u * (1 - u)
    return encoded.cells


def errors_by_bits(
    bits: Sequence[int], cells: int, n_targets: int, seed: int = 0
) -> pd.DataFrame:
    """Return the largest error of each of `n_targets` draws at each number of bits a word.

    Columns bits, draw, bound (π 2^-m), and what `recheck` returns.
    """
    cases = itertools.product(bits, enumerate(draws(n_targets, cells, seed)))
    encoded = [(draw, encode(y, m)) for m, (draw, y) in cases]
    return pd.DataFrame([{"bits": one.word_bits, "draw": draw, "bound": one.eps, **recheck(one)}
                         for draw, one in encoded])


def lattice_rows(targets: Any, eps: float, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return basis and reduced basis of the lattice of construction C, and θ_k/δ_k (K,).

    The lattice of the points ((w/(π + k) - n_k)/δ_k, …, w/2^size) for whole w, n_k. Both bases
    (K + 1, K + 1) have a vector a row; the first row given is that of w = 1. `targets` (K,);
    θ_k ± δ_k: the angles in [0, 1/2] that target k allows, in turns.
    """
    low, high = angle_intervals(targets, eps).T
    centre, delta = (low + high) / 2, (high - low) / 2
    cells = len(delta)
    basis = np.zeros((cells + 1, cells + 1))
    basis[0] = [*(1 / (math.pi + np.arange(1, cells + 1)) / delta), 2.0**-size]
    basis[np.arange(1, cells + 1), np.arange(cells)] = 1 / delta
    grain = 2.0**-40
    whole = [[round(v / grain) for v in row] for row in basis.tolist()]
    return basis, np.array(reduce(whole)) * grain, centre / delta


def reduction(
    targets: Any, eps: float, sizes: Sequence[int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reduce the lattice of few cells for w of about 2^size, and round all signs of the angles.

    `targets` (K,). The first sign is +, since -w is as good as w. Returns the vectors before and
    after (size, stage, vector, c1 … : coordinates in tolerances, the last one w/2^size; length) and
    the roundings (size, signs, w, error: the largest, fits).
    """
    y = np.asarray(targets, dtype=float)
    vectors, roundings = [], []
    for size in sizes:
        before, after, goal = lattice_rows(y, eps, size)
        for stage, rows in (("given", before), ("reduced", after)):
            for i, row in enumerate(rows, 1):
                vectors.append({"size": size, "stage": stage, "vector": i,
                                **{f"c{j}": v for j, v in enumerate(row, 1)},
                                "length": float(np.linalg.norm(row))})
        for signs in itertools.product((1,), *[(1, -1)] * (len(y) - 1)):
            left, _ = nearest_planes(*triangular(after), np.array([[*(signs * goal), 0.0]]))
            w = round(abs(float(left[0, -1])) * 2.0**size)
            error = float(np.abs(winding_values(w, len(y)) - y).max())
            roundings.append({"size": size, "signs": "".join("+" if s > 0 else "-" for s in signs),
                              "w": w, "error": error, "fits": error <= eps})
    return pd.DataFrame(vectors), pd.DataFrame(roundings)


def winding_values(w: Any, cells: int) -> np.ndarray:
    """Return sin²(π w/(π + k)) in doubles, (K,) for one w and (M, K) for w (M,), all below 2^50."""
    return np.sin(np.pi * (np.asarray(w)[..., None] / (np.pi + np.arange(1, cells + 1)) % 1)) ** 2


def torus(targets: Any, eps: float, steps: int) -> dict[str, pd.DataFrame]:
    """Return two cells' angles for w = 0 … `steps` - 1, and the boxes that `targets` (2,) allow.

    "points" (w, x, y: in turns, hit: in a box) and "boxes" (left, right, low, high), one for each
    choice of signs.
    """
    w = np.arange(steps)
    angle = w[:, None] / (np.pi + np.arange(1, 3)) % 1
    hit = (np.abs(winding_values(w, 2) - targets) <= eps).all(axis=1)
    ranges = [[(a, b), (1 - b, 1 - a)] for a, b in angle_intervals(targets, eps)]
    boxes = [{"left": x[0], "right": x[1], "low": y[0], "high": y[1]}
             for x, y in itertools.product(*ranges)]
    return {"points": pd.DataFrame({"w": w, "x": angle[:, 0], "y": angle[:, 1], "hit": hit}),
            "boxes": pd.DataFrame(boxes)}


def plane(target: float, eps: float, size: int) -> dict[str, pd.DataFrame]:
    """Return the lattice of one cell, which lies in a plane: points, bases and the target.

    "points" (x: angle over tolerance, y: w/2^size), "vectors" (stage, x, y), "goal" (x, y).
    """
    before, after, goal = lattice_rows([target], eps, size)
    most = 5 * 2**size
    w, n = np.meshgrid(np.arange(-most, most + 1), np.arange(-most, most + 1))
    x, y = (np.stack([w.ravel(), n.ravel()], axis=1) @ before).T
    shown = (x >= -3) & (x <= before[:, 0].max() + 1) & (np.abs(y) <= 4.6)
    vectors = [{"stage": stage, "x": row[0], "y": row[1]}
               for stage, rows in (("given", before), ("reduced", after)) for row in rows]
    return {"points": pd.DataFrame({"x": x[shown], "y": y[shown]}),
            "vectors": pd.DataFrame(vectors),
            "goal": pd.DataFrame({"x": goal, "y": np.zeros(1)})}


# name: how targets (K,) are held within ε, and in how many bits: log2(r + 1), m·K, or log2 w
HOLD: dict[str, tuple[Callable[..., Construction], Callable[[Any], float]]] = {
    "trajectory": (lambda y, eps: find_depth(y, eps, max_depth=10**12),
                   lambda result: math.log2(result.depth + 1)),
    "digits": (lambda y, eps: encode(y, word_bits(eps)), lambda result: float(result.bits)),
    "winding": (find_winding, lambda result: math.log2(max(result.w, 1))),
}


def held(
    cells: Mapping[str, Sequence[int]], eps: Sequence[float], n_targets: int,
    waiting_limit: float, seed: int = 0,
) -> pd.DataFrame:
    """Hold `n_targets` draws by each construction at each K and ε, and recheck every bound.

    `cells`: K by construction. A leaves out K and ε where K values of 1/2, the rarest, would take
    more than 2^`waiting_limit` steps in the mean. A row each: construction, cells, eps, draw, bits,
    bound (K log2(1/(2ε))), ratio, repeats, parameters, log2_largest (weight), and what `recheck`
    returns.
    """
    rows = []
    for name, sizes in cells.items():
        hold, bits_of = HOLD[name]
        for size, tolerance in itertools.product(sizes, eps):
            rarest = waiting_bits(np.full(size, 0.5), tolerance)
            if name == "trajectory" and rarest > waiting_limit:
                continue
            for draw, y in enumerate(draws(n_targets, size, seed)):
                result = hold(y, tolerance)
                bits, bound = bits_of(result), information_bound(size, tolerance)
                rows.append({
                    "construction": NAMES[name], "cells": size, "eps": tolerance, "draw": draw,
                    "bits": bits, "bound": bound, "ratio": bits / bound,
                    "repeats": result.repeats, "parameters": result.n_parameters,
                    "log2_largest": result.log2_max_weight, **recheck(result),
                })
        print(f"held: {name} done", file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Return bits over the bound, a row for each construction: over all, and at its largest bound.

    "3 bits below": the share of the sets held by more than 3 bits less than the bound.
    """
    rows = {}
    for name, part in table.groupby("construction", sort=False):
        last = part[part["bound"] == part["bound"].max()]
        rows[name] = {
            "sets of targets": len(part), "least": part["ratio"].min(),
            "median": part["ratio"].median(), "largest": part["ratio"].max(),
            "largest bound, bits": last["bound"].iloc[0], "there (mean)": last["ratio"].mean(),
            "bits a cell above": ((part["bits"] - part["bound"]) / part["cells"]).mean(),
            "3 bits below": (part["bits"] < part["bound"] - 3).mean(),
        }
    return pd.DataFrame(rows).T
