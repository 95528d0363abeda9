"""Positions a second of the dense trajectory, lattice seconds over K, bits over the bound.

Seconds are those of the processor on one thread, digits included. Targets are those of a sine,
or drawn uniformly with --random SEED. The bound is K log2(1/(2ε)).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from nslib.theory import (
    DenseTrajectory,
    Winding,
    encode,
    find_depth,
    find_winding,
    information_bound,
    waiting_bits,
    word_bits,
)


def main(argv: list[str]) -> int:
    """Measure and print three tables; see --help."""
    parser = argparse.ArgumentParser(prog="nslib bench theory", description=__doc__)
    parser.add_argument("--cells", type=int, nargs="+", default=[8, 16, 32, 48, 64], metavar="K",
                        help="of the constructions B and C")
    parser.add_argument("--eps", type=float, nargs="+", default=[1e-2, 1e-3])
    parser.add_argument("--scan-cells", type=int, nargs="+", default=[2, 4, 8], metavar="K",
                        help="of the construction A")
    parser.add_argument("--scan-bits", type=float, default=26.0,
                        help="log2 of the mean waiting time of the scans, which sets their ε")
    parser.add_argument("--random", type=int, metavar="SEED", help="random targets")
    options = parser.parse_args(argv)
    sizes = {cells: targets(cells, options.random) for cells in options.cells + options.scan_cells}
    cases = [(sizes[cells], eps) for eps in options.eps for cells in options.cells]
    scans = [(sizes[cells], eps_of(sizes[cells], options.scan_bits))
             for cells in options.scan_cells]
    find_depth([0.5], 0.4)  # libraries loaded
    tables = {
        "A, dense trajectory": [
            measured(find_depth, y, eps, max_depth=10**12) for y, eps in scans],
        "B, digits": [measured(lambda y, eps: encode(y, word_bits(eps)), y, eps)
                      for y, eps in cases],
        "C, winding": [measured(find_winding, y, eps) for y, eps in cases],
    }
    for title, rows in tables.items():
        print(f"\n{title}")
        print(pd.DataFrame(rows).to_string(index=False, float_format=lambda v: f"{v:.4g}"),
              flush=True)
    return 0


def targets(cells: int, seed: int | None) -> np.ndarray:
    """Return the values (K,) of a sine at the middles of K cells, or random ones of a seed."""
    if seed is not None:
        return np.random.default_rng(seed).random(cells)
    return 0.5 + 0.5 * np.sin(2 * np.pi * (np.arange(cells) + 0.5) / cells)


def eps_of(y: np.ndarray, bits: float) -> float:
    """Return the ε at which the mean waiting time of targets y (K,) is about 2^`bits`."""
    low, high = 1e-12, 0.49
    for _ in range(60):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if waiting_bits(y, middle) > bits else (low, middle)
    return high


def measured(hold: Callable, y: np.ndarray, eps: float, **options: int) -> dict[str, float]:
    """Return what it costs to hold targets y (K,) to within ε by a construction."""
    begin = time.process_time()
    held = hold(y, eps, **options)
    seconds = time.process_time() - begin
    row = {"K": held.cells, "eps": eps, "error/eps": held.error / eps, "bits": held.bits,
           "bits/bound": held.bits / information_bound(held.cells, eps), "repeats": held.repeats}
    if isinstance(held, DenseTrajectory):
        row |= {"depth": held.depth, "mean wait": held.waiting_time,
                "positions/s": held.scanned / seconds}
    if isinstance(held, Winding):
        row |= {"if perfect": held.expected_bits, "reductions": held.reductions}
    return {**row, "seconds": seconds}
