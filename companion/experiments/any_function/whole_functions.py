"""Notebook 09: `approximate` on several functions: networks, their errors, refusals, doubles."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import sympy as sp
import torch
from pandas.io.formats.style import Styler
from sklearn.datasets import load_digits

from nslib.theory import Approximant, TypedFunction, approximate, parse_function, waiting_bits
from nslib.theory.cube_cells import grid
from nslib.theory.network import weights

from .cell_borders import LETTERS, inside, probes

FORMULAS = {
    "smooth": "(1 + sin(2*pi*x)) / 2",
    "kinked": "abs(x - 0.3) / 0.7",
    "noisy-looking": "0.5 + cos(2*pi*x)/4 + cos(6*pi*x)/8 + cos(18*pi*x)/16 + cos(54*pi*x)/32"
                     " + cos(162*pi*x)/64",
    "bump": "exp(-8*((x - 0.5)**2 + (y - 0.5)**2))",
}
BUDGETS = {"digits": "max_cells", "winding": "max_cells", "trajectory": "max_depth"}


class Image:
    """A digit of 8 x 8 greys in [0, 1] as a function on the square, bilinear between pixels.

    Call it on points (M, 2), x to the right and y up: greys (M,). `slope`: its Lipschitz constant.
    Between four pixels each partial derivative is affine in the other coordinate, so the slope is
    largest at a pixel.
    """

    text = "an image of 8 × 8 pixels"
    dim = 2

    def __init__(self, number: int = 0) -> None:
        self.greys = load_digits().images[number] / 16
        steps = np.array(self.greys.shape) - 1
        down = steps[0] * np.abs(np.diff(self.greys, axis=0))  # along each side of a rectangle
        right = steps[1] * np.abs(np.diff(self.greys, axis=1))
        down = np.maximum(down[:, :-1], down[:, 1:])
        right = np.maximum(right[:-1], right[1:])
        self.slope = float(np.hypot(down, right).max()) * (1 + 2.0**-40)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        rows, columns = self.greys.shape
        place = np.stack([(1 - points[:, 1]) * (rows - 1), points[:, 0] * (columns - 1)])
        low = np.minimum(place.astype(int), [[rows - 2], [columns - 2]])
        (r, c), (i, j) = place - low, low
        g = self.greys
        return ((1 - r) * ((1 - c) * g[i, j] + c * g[i, j + 1])
                + r * ((1 - c) * g[i + 1, j] + c * g[i + 1, j + 1]))


def gallery() -> dict[str, Any]:
    """Return the functions of the notebook by name, each with `dim`, `slope` and `text`."""
    return {**{name: parse_function(text, name) for name, text in FORMULAS.items()},
            "image": Image()}


def largest_error(network: Approximant, number: int = 2000, seed: int = 0) -> float:
    """Return max |network - f| over a regular grid and `number` points at borders of cells."""
    size = 4097 if network.dim == 1 else 129
    near = probes(network.cells, number, seed)
    return max(network.measured_sup_error(size), network.measured_sup_error(near))


def attempt(
    name: str, target: Any, construction: str, eps: float, budgets: Mapping[str, int],
    number: int = 2000, seed: int = 0,
) -> tuple[dict[str, Any], Approximant | None]:
    """Return a row on `approximate` for one function, and the network, or None if it is refused.

    The row has function, construction, eps and outcome: "found" with all numbers, or the words of
    the refusal without. `budgets`: cells for "digits" and "winding", depth for "trajectory";
    `number`, `seed`: of the points of `largest_error`.
    """
    row: dict[str, Any] = {"function": name, "construction": construction, "eps": eps}
    begin = time.perf_counter()
    try:
        network = approximate(target, eps, target.dim, construction, modulus=target.slope,
                              share=None, **{BUDGETS[construction]: budgets[construction]})
    except (ValueError, RuntimeError) as refused:
        return {**row, "outcome": str(refused)}, None
    seconds = time.perf_counter() - begin
    return {
        **row, "outcome": "found", "cells": network.n_cells, "parameters": network.n_parameters,
        "log2_weight": math.log2(network.max_weight), "bits": network.bits,
        "repeats": network.repeats, "measured": largest_error(network, number, seed),
        "bound": network.bound, "range": max(network.scale, abs(network.lowest)),
        "kac_bits": waiting_bits(network.construction.targets, network.construction.eps),
        "seconds": seconds,
    }, network


def every_construction(
    targets: Mapping[str, Any], tolerances: Mapping[str, Sequence[float]],
    budgets: Mapping[str, int], number: int = 2000, seed: int = 0,
) -> tuple[pd.DataFrame, dict[tuple[str, str, float], Approximant]]:
    """Return a row for each function, construction and ε as from `attempt`, and the networks.

    `targets`: name to function, with `dim` and `slope`; `tolerances`: construction to values of ε.
    """
    rows, networks = [], {}
    for name, target in targets.items():
        for construction, values in tolerances.items():
            for eps in values:
                row, network = attempt(name, target, construction, eps, budgets, number, seed)
                rows.append(row)
                if network is not None:
                    networks[name, construction, eps] = network
        if len(targets) > 1:
            print(f"any_function: {name} done", file=sys.stderr, flush=True)
    return pd.DataFrame(rows), networks


def joined(*tables: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of all networks in `tables`, with whole numbers as such."""
    rows = pd.concat(tables, ignore_index=True).query("outcome == 'found'")
    whole = dict.fromkeys(["cells", "parameters", "bits", "repeats"], int)
    return rows.astype(whole).reset_index(drop=True)


def summary(table: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers of a record from the rows of `every_construction`."""
    rows = joined(table)
    by = rows.groupby("construction")
    return {
        "networks": len(rows), "refused": len(table) - len(rows),
        "violated_bounds": int((rows["measured"] > rows["bound"]).sum()),
        "bounds_above_eps": int((rows["bound"] > rows["eps"]).sum()),
        "largest_measured_over_bound": (rows["measured"] / rows["bound"]).max(),
        "parameter_counts_per_construction": int(by["parameters"].nunique().max()),
        "parameters": by["parameters"].max().to_dict(),
        "largest_log2_weight": by["log2_weight"].max().to_dict(),
        "most_bits": by["bits"].max().to_dict(), "most_repeats": by["repeats"].max().to_dict(),
    }


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of all networks for a record, without seconds."""
    return joined(table).drop(columns=["outcome", "seconds"]).to_dict("records")


def finest(
    networks: Mapping[tuple[str, str, float], Approximant],
) -> dict[tuple[str, str], Approximant]:
    """Return the network of the smallest ε for each function and construction.

    Raises ValueError where there is none.
    """
    if not networks:
        raise ValueError("tolerances: found none that a network reaches within the budgets, "
                         "expected larger tolerances or budgets")
    falling = sorted(networks, key=lambda key: -key[2])
    finest = {key[:2]: networks[key] for key in falling}
    return {key[:2]: finest[key[:2]] for key in networks}


def curves(chosen: Mapping[tuple[str, str], Approximant], size: int = 513) -> pd.DataFrame:
    """Return function, construction, x, f, network, bound, eps, cells: those of one variable.

    Without rows where there is none.
    """
    x = np.linspace(0, 1, size)
    parts = [
        pd.DataFrame({"function": name, "construction": LETTERS[construction], "x": x,
                      "f": one.f(x), "network": one(x), "bound": one.bound, "eps": one.eps,
                      "cells": one.n_cells})
        for (name, construction), one in chosen.items() if one.dim == 1
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def surfaces(chosen: Mapping[tuple[str, str], Approximant], construction: str = "digits",
             size: int = 97) -> pd.DataFrame:
    """Return function, x, y, f, network, error, bound, cells: those of two variables.

    By `construction`, or the first other one where it has none; without rows where none has.
    """
    points = grid(2, size)
    kinds = [kind for (_, kind), one in chosen.items() if one.dim == 2]
    construction = construction if construction in kinds else next(iter(kinds), construction)
    parts = [
        pd.DataFrame({"function": name, "x": points[:, 0], "y": points[:, 1], "f": one.f(points),
                      "network": one(points), "bound": one.bound, "cells": one.n_cells})
        for (name, kind), one in chosen.items() if one.dim == 2 and kind == construction
    ]
    if not parts:
        return pd.DataFrame()
    table = pd.concat(parts, ignore_index=True)
    table.insert(5, "error", (table["network"] - table["f"]).abs())
    return table


def in_doubles(
    networks: Mapping[tuple[str, str, float], Approximant], size: int = 301
) -> pd.DataFrame:
    """Return a row for each network: its torch module beside the exact values.

    Columns function, construction, eps, bits, outcome ("held", or the words of the refusal), gap
    (the largest |module - exact| on a grid) and precision (the proved bound of the gap).
    """
    rows = []
    for (name, construction, eps), one in networks.items():
        row = {"function": name, "construction": LETTERS[construction], "eps": eps,
               "bits": one.bits}
        try:
            module = one.module()
        except ValueError as refused:
            rows.append({**row, "outcome": str(refused)})
            continue
        points = inside(one.cells, grid(one.dim, size if one.dim == 1 else 33))
        gap = np.abs(module(torch.from_numpy(points)).numpy() - one(points)).max()
        rows.append({**row, "outcome": "held", "gap": gap, "precision": module.precision})
    columns = ["function", "construction", "eps", "bits", "outcome", "gap", "precision"]
    return pd.DataFrame(rows, columns=columns)


def typed(
    text: str, eps: float, budgets: Mapping[str, int], number: int = 2000, seed: int = 0
) -> tuple[Any, pd.DataFrame, dict[tuple[str, str], Approximant]]:
    """Return a typed function, a row for each construction as from `attempt`, and the networks.

    Raises ValueError for what `parse_function` refuses, for a function of x, y and z, and where
    every construction refuses, with their reasons.
    """
    f = parse_function(text)
    if f.dim > 2:
        raise ValueError(f"function: found {text!r} in 3 variables, expected x, or x and y: the "
                         "figures show no more (nslib.theory.approximate takes up to 8)")
    table, networks = every_construction({"typed": f}, dict.fromkeys(LETTERS, [eps]), budgets,
                                         number, seed)
    if not networks:
        raise ValueError("\n".join(table["construction"] + ": " + table["outcome"]))
    return f, table, finest(networks)


def entries(network: Approximant) -> pd.DataFrame:
    """Return every neuron's weights and biases: neuron, entries, number."""
    def short(number: int | float) -> str:
        long = isinstance(number, int) and abs(number) >= 10**9
        return f"a whole number of {number.bit_length()} bits" if long else f"{number:.6g}"

    return pd.DataFrame([
        {"neuron": name, "entries": ", ".join(map(short, numbers)), "number": len(numbers)}
        for name, numbers in weights(network).items()
    ])


def waiting(table: pd.DataFrame) -> pd.DataFrame:
    """Return what A would need for the cells and tolerances of B: Kac's mean, and a time."""
    def span(bits: float) -> str:
        seconds = bits * math.log10(2) - 8
        years = seconds - math.log10(365.25 * 24 * 3600)
        return f"{10**seconds:.1g} s" if years < 0 else f"10^{years:.0f} years"

    met = joined(table).query("construction == 'digits'").reset_index(drop=True)
    return met[["function", "eps", "cells", "bits", "repeats"]].assign(**{
        "A: log2 of Kac's mean": met["kac_bits"],
        "A: at 1e8 positions a second": met["kac_bits"].map(span)})


def latex(f: TypedFunction) -> str:
    """Return the formula for display."""
    return sp.latex(f.expression)


def styled(table: pd.DataFrame) -> Styler:
    """Return the rows of `attempt` for display, without times."""
    shown = {"function": "{}", "construction": "{}", "eps": "{:g}", "cells": "{:,.0f}",
             "parameters": "{:.0f}", "log2 weight": "{:.1f}", "bits": "{:,.0f}",
             "repeats": "{:,.0f}", "measured": "{:.4f}", "bound": "{:.4f}"}
    table = table.rename(columns={"log2_weight": "log2 weight"})[list(shown)]
    return table.style.format(shown, na_rep="refused").hide(axis="index")


def pictured(networks: Mapping[tuple[str, str], Approximant]) -> pd.DataFrame:
    """Return the data of a figure: `curves` for one variable, else `surfaces` of the first."""
    (_, construction), first = next(iter(networks.items()))
    return curves(networks) if first.dim == 1 else surfaces(networks, construction)


def scattered(table: pd.DataFrame) -> pd.DataFrame:
    """Return function, construction, bound, measured of all networks."""
    rows = joined(table)[["function", "construction", "bound", "measured"]]
    return rows.assign(construction=rows["construction"].map(LETTERS))
