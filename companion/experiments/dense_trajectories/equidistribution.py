"""Notebook 07: Lemma 2 step by step, and tests of whether the orbit is equidistributed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np
import pandas as pd
import sympy as sp
from scipy import stats

from nslib import checks
from nslib.theory import DEFAULT_C, angles_along

# Integer vectors m of Weyl's criterion: short ones, with and without cancellation
VECTORS = ((1, 0, 0), (1, -1, 0), (1, 2, 0), (2, -3, 0), (1, -2, 1), (3, 1, -4))


def random_starts(count: int, seed: int) -> list[Fraction]:
    """Return `count` random numbers c in [1, 2] of 128 binary digits, the last of them a one."""
    draw = np.random.default_rng(seed)
    return [1 + Fraction(int.from_bytes(draw.bytes(16), "big") | 1, 1 << 128)
            for _ in range(checks.positive_int(count, "count"))]


def root_of_two(bits: int) -> Fraction:
    """Return √2 to `bits` binary digits, for which Lemma 2 fails, since T(u_2) = u_1."""
    return Fraction(isqrt(2 << 2 * checks.positive_int(bits, "bits")), 1 << bits)


def combination(vector: Sequence[int]) -> tuple[sp.Expr, sp.Symbol]:
    """Return g_m(c) = Σ m_k/(c + k) and the symbol c."""
    c = sp.Symbol("c", real=True)
    return sp.Add(*(sp.Rational(m) / (c + k) for k, m in enumerate(vector, 1))), c


def rational_functions(vectors: Sequence[Sequence[int]] = VECTORS) -> pd.DataFrame:
    """Return what Lemma 2 needs of g_m, a row for each vector m.

    Columns vector, formula (LaTeX), residues (at the poles c = -k, where they are m_k) and slopes:
    the number of zeros of its derivative in c >= 1, finite unless the derivative vanishes.
    """
    rows = []
    for vector in vectors:
        g, c = combination(vector)
        slope = sp.Poly(sp.numer(sp.together(sp.diff(g, c))), c)
        residues = (int(sp.limit(g * (c + k), c, -k)) for k in range(1, len(vector) + 1))
        rows.append({"vector": str(tuple(vector)), "formula": sp.latex(g),
                     "residues": str(tuple(residues)), "slopes": int(slope.count_roots(1, None))})
    return pd.DataFrame(rows)


def curves(vectors: Sequence[Sequence[int]] = VECTORS, high: float = 4.0) -> pd.DataFrame:
    """Return (vector, c, g): g_m on a grid of c from 1 to `high`."""
    grid = np.linspace(1, high, 61)
    tables = []
    for vector in vectors:
        g, c = combination(vector)
        tables.append(pd.DataFrame({"vector": str(tuple(vector)), "c": grid,
                                    "g": sp.lambdify(c, g, "numpy")(grid)}))
    return pd.concat(tables, ignore_index=True)


def weyl_sums(
    count: int, c: Any = DEFAULT_C, vectors: Sequence[Sequence[int]] = VECTORS
) -> pd.DataFrame:
    """Return (vector, steps, size): |Σ exp(2πi 2^r g_m(c))| / N over the first N steps.

    N grows by halves of a power of two up to `count`.
    """
    angles = angles_along(c, max(map(len, vectors)), count)
    steps = np.unique(np.append(2 ** np.arange(6, np.log2(count), 0.5), count).astype(int))
    tables = []
    for vector in vectors:
        turns = np.array(vector) @ angles[:len(vector)]
        sums = np.cumsum(np.exp(2j * np.pi * turns))[steps - 1]
        tables.append(pd.DataFrame({"vector": str(tuple(vector)), "steps": steps,
                                    "size": np.abs(sums) / steps}))
    return pd.concat(tables, ignore_index=True)


def random_sums(steps: np.ndarray) -> pd.DataFrame:
    """Return (steps, low, high): where 90 % of such sums over independent random points lie.

    `steps` (M,): values of N. By Rayleigh's law, their limit: P(size > s) = exp(-N s²).
    """
    low, high = (np.sqrt(-np.log(share) / steps) for share in (0.95, 0.05))
    return pd.DataFrame({"steps": steps, "low": low, "high": high})


def scaled_last(sums: pd.DataFrame) -> float:
    """Return the largest size · √N over the vectors at the last N of `weyl_sums`."""
    last = sums[sums["steps"] == sums["steps"].max()]
    return float((last["size"] * np.sqrt(last["steps"])).max())


def filling(counts: Sequence[int], c: Any = DEFAULT_C) -> pd.DataFrame:
    """Return the first points of the orbit of (u_1, u_2), rounded to four decimals, for drawing.

    As many as the largest of `counts`. Columns step, u_1, u_2, angle_1, angle_2, and the angles for
    the exception c = √2: root_1, root_2.
    """
    count = max(counts)
    angles, root = angles_along(c, 2, count), angles_along(root_of_two(count + 64), 2, count)
    columns = {"u": np.sin(np.pi * angles) ** 2, "angle": angles, "root": root}
    return pd.DataFrame({"step": np.arange(count),
                         **{f"{name}_{i + 1}": pair[i] for name, pair in columns.items()
                            for i in range(2)}}).round(4)


def folded(c: Any, cells: int, count: int, every: int = 1) -> np.ndarray:
    """Return the arcsine law's distribution function at every `every`-th step, (count, K).

    At u = sin²(πα) it is 2α for α <= 1/2 and 2(1 - α) beyond: uniform if the orbit has that law.
    """
    angles = angles_along(c, cells, count * every)[:, ::every]
    return (2 * np.minimum(angles, 1 - angles)).T


def chi_square(c: Any, cells: int, digits: int, count: int) -> dict[str, float]:
    """Test the orbit against the product of arcsine laws by Pearson's chi-square.

    Each of the K coordinates has 2^`digits` bins of equal measure, read from digits + 1 binary
    digits of the angle. Of the steps every (digits + 1)-th is taken, `count` in all: no digit is
    read twice, since Pearson's law does not hold for counts of overlapping words. Returns bins,
    expected (points in a bin), statistic, p.
    """
    points = folded(c, cells, count, digits + 1)
    place = np.minimum((points * 2**digits).astype(np.int64), 2**digits - 1)
    index = place @ (2 ** (digits * np.arange(cells)))
    bins = 2 ** (digits * cells)
    statistic, p = stats.chisquare(np.bincount(index, minlength=bins))
    return {"bins": bins, "expected": count / bins, "statistic": float(statistic), "p": float(p)}


def tested(
    cells: Sequence[int], count: int, n_random: int, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Test the notebook's c = π, random c, and two c for which the lemma fails.

    Returns a row for each K and each of π, 2 and √2 (c, cells, bins, expected, statistic, p), and
    one for each K over the random c: cells, rejected (share with p < 0.05), low and high (its 95 %
    interval, Clopper and Pearson), uniform (p-value of the hypothesis that the p are uniform).
    """
    digits = {size: max(1, 6 // size) for size in cells}
    root = root_of_two(count * (max(digits.values()) + 1) + 64)
    rows = [{"c": name, "cells": size, **chi_square(c, size, digits[size], count)}
            for name, c in (("π", DEFAULT_C), ("2", 2), ("√2", root)) for size in cells]
    shares = []
    for size in cells:
        p = np.array([chi_square(c, size, digits[size], count)["p"]
                      for c in random_starts(n_random, seed)])
        share = stats.binomtest(int((p < 0.05).sum()), n_random)
        low, high = share.proportion_ci()
        shares.append({"cells": size, "rejected": share.statistic, "low": low, "high": high,
                       "uniform": stats.kstest(p, "uniform").pvalue})
    return pd.DataFrame(rows), pd.DataFrame(shares)


def discrepancies(
    cells: Sequence[int], counts: Sequence[int], n_random: int, seed: int = 0
) -> pd.DataFrame:
    """Return the L2 star discrepancy of the first N points, beside that of random points.

    A row for each K and N: cells, steps, orbit (c = π), rms (root mean square over random c), low,
    high (5 % and 95 % of these), expected (of N independent uniform points: √((2^-K - 3^-K)/N)).
    """
    starts = random_starts(n_random, seed)
    rows = []
    for size in cells:
        whole = [folded(c, size, max(counts)) for c in (DEFAULT_C, *starts)]
        for count in counts:
            orbit, *others = (float(stats.qmc.discrepancy(points[:count], method="L2-star"))
                              for points in whole)
            low, high = np.quantile(others, [0.05, 0.95])
            rows.append({"cells": size, "steps": count, "orbit": orbit,
                         "rms": float(np.sqrt(np.mean(np.square(others)))),
                         "low": low, "high": high,
                         "expected": float(np.sqrt((2.0**-size - 3.0**-size) / count))})
    return pd.DataFrame(rows)
