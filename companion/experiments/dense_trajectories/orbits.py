"""Notebook 07: the conjugacy checked line by line, orbits of the chaotic neuron, and doubles."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import mpmath
import numpy as np
import pandas as pd
import sympy as sp
import torch

from nslib.theory import (
    DEFAULT_C,
    DenseTrajectory,
    Intervals,
    angle_orbit,
    chaotic_neuron,
    orbit_intervals,
    prove_conjugacy,
    start_angles,
)
from nslib.theory.intervals import sin_squared

DIGITS = 60  # of the arithmetic in which the two sides of a step are compared
FORMATS = {"float64": np.float64, "float32": np.float32}


def proof(n_points: int = 100, seed: int = 0) -> pd.DataFrame:
    """Return the steps of Lemma 1, a row each, with a computation beside the proof.

    Columns identity (LaTeX), because, verified (by sympy), gap: the largest |left - right| at
    `n_points` random values of its symbols (r from 0 to 99) in arithmetic of 60 digits.
    """
    draw, rows = np.random.default_rng(seed), []
    for step in prove_conjugacy():
        symbols = sorted((step.left - step.right).free_symbols | step.left.free_symbols, key=str)
        difference = sp.lambdify(symbols, step.left - step.right, "mpmath")
        gaps = []
        with mpmath.workdps(DIGITS):
            for _ in range(n_points):
                point = [int(draw.integers(100)) if symbol.is_integer
                         else mpmath.mpf(int(draw.integers(2**53))) / 2**53 for symbol in symbols]
                gaps.append(abs(difference(*point)))
        rows.append({"identity": step.latex(), "because": step.reason,
                     "verified": step.verified(), "gap": float(max(gaps))})
    return pd.DataFrame(rows)


def markdown(table: pd.DataFrame, formats: dict[str, str]) -> str:
    """Return a table in Markdown, which shows LaTeX wherever a notebook is read.

    `formats`: title of a column to the template of its cells, for example "${identity}$".
    """
    lines = ["| " + " | ".join(formats) + " |", "|" + " --- |" * len(formats)]
    for row in table.to_dict("records"):
        lines.append("| " + " | ".join(form.format(**row) for form in formats.values()) + " |")
    return "\n".join(lines)


def graph(cell: int, steps: int, n_points: int = 201) -> dict[str, pd.DataFrame]:
    """Return the graph of the chaotic neuron and the orbit of the start point u_k of one cell.

    "map" (u, next): the module on a grid; "orbit" (step, u): from exact angles, `steps` steps.
    """
    u = np.linspace(0, 1, n_points)
    with torch.no_grad():
        after = chaotic_neuron()(torch.as_tensor(u)[:, None])[:, 0].numpy()
    angles = angle_orbit(start_angles(DEFAULT_C, cell)[-1], steps)
    values = np.sin(np.pi * np.array([float(angle) for angle in angles])) ** 2
    return {"map": pd.DataFrame({"u": u, "next": after}),
            "orbit": pd.DataFrame({"step": np.arange(steps + 1), "u": values})}


def in_floating_point(starts: np.ndarray, steps: int) -> np.ndarray:
    """Return the orbits (steps + 1, M) of 4u - 4u² from `starts` (M,), in their arithmetic."""
    four = starts.dtype.type(4)
    orbit = [starts]
    for _ in range(steps):
        orbit.append(np.maximum(four * orbit[-1] - four * (orbit[-1] * orbit[-1]), 0))
    return np.array(orbit)


def against_exact(n_starts: int, steps: int, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Compare floating point with certified orbits, from random starts that both formats hold.

    Returns "example" (step, exact, float64, float32: the first start), "errors" (format, step,
    median, low, high: quartiles of |floating point - exact|) and "formats" (format; digits: bits of
    the mantissa; bits_a_step: growth of the median error until it reaches 2^-8; noise: median first
    step whose error exceeds 0.1; width: of the widest certified interval).
    """
    starts = np.random.default_rng(seed).random(n_starts).astype(np.float32)
    certified = [orbit_intervals(Fraction(float(u)), steps) for u in starts]
    exact = np.array([orbit.middle for orbit in certified]).T
    example = {"step": np.arange(steps + 1), "exact": exact[:, 0]}
    errors, formats = [], []
    for name, kind in FORMATS.items():
        orbits = in_floating_point(starts.astype(kind), steps).astype(np.float64)  # (step, start)
        example[name] = orbits[:, 0]
        error = np.abs(orbits - exact)
        low, median, high = np.quantile(error, [0.25, 0.5, 0.75], axis=1)
        errors.append(pd.DataFrame({"format": name, "step": np.arange(steps + 1),
                                    "median": median, "low": low, "high": high}))
        growing = np.flatnonzero((median > 0) & (np.maximum.accumulate(median) < 2.0**-8))
        noise = np.where((error > 0.1).any(axis=0), (error > 0.1).argmax(axis=0), np.inf)
        formats.append({
            "format": name, "digits": np.finfo(kind).nmant + 1,
            "bits_a_step": np.polyfit(growing, np.log2(median[growing]), 1)[0],
            "noise": float(np.median(noise)),
            "width": max(float(orbit.width.max()) for orbit in certified),
        })
    return {"example": pd.DataFrame(example), "errors": pd.concat(errors, ignore_index=True),
            "formats": pd.DataFrame(formats)}


def repeated(result: DenseTrajectory) -> tuple[Intervals, float]:
    """Repeat the neuron itself, `depth` times, in interval arithmetic: another route.

    Returns where it arrives, Intervals (K,), and 2^-(2·depth), a bound of how far the rounding of
    the start points to 4·depth + 64 bits can take it: T stretches at most four times a step.
    """
    starts = sin_squared(start_angles(result.c, result.cells), 4 * result.depth + 64)
    orbits = [orbit_intervals(low, result.depth) for low, _ in starts]
    low, high = np.array([(orbit.low[-1], orbit.high[-1]) for orbit in orbits]).T.copy()
    return Intervals(low, high), 2.0 ** (-2 * result.depth)


def error_in_doubles(result: DenseTrajectory) -> float:
    """Return the largest |value - target| of the network where it runs in doubles."""
    z = np.arange(1, result.cells + 1) + float(result.parameters["offset"])
    orbit = in_floating_point(np.sin(np.pi * z / (1 + z)) ** 2, result.repeats)
    return float(np.abs(orbit[-1] - result.targets).max())


def tent(u: Fraction) -> Fraction:
    """Return ReLU(2u) - ReLU(4u - 2): two linear neurons and their difference, weights up to 4."""
    return max(2 * u, Fraction(0)) - max(4 * u - 2, Fraction(0))


def tent_gap(angles: Sequence[Fraction], steps: int) -> float:
    """Return max |sin²(π t_r/2) - sin²(π 2^r α)| where t_0 = 2 min(α, 1 - α), t_{r+1} = tent(t_r).

    `angles` [K]: α, exact. The map sin²(πt/2) carries the tent over to the neuron.
    """
    largest = 0.0
    for angle in angles:
        t = 2 * min(angle, 1 - angle)
        for exact in angle_orbit(angle, steps):
            largest = max(largest, abs(np.sin(np.pi * float(t) / 2) ** 2
                                       - np.sin(np.pi * float(exact)) ** 2))
            t = tent(t)
    return float(largest)
