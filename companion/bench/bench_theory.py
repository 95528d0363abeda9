"""Positions a second of the dense trajectory, lattice seconds over K, bits over the bound.

Seconds are those of the processor on one thread, digits included. Targets are those of a sine,
or drawn uniformly with --random SEED. The bound is K log2(1/(2ε)).
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd

from nslib.theory import (
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
    tables = {
        "A, dense trajectory": [scan(options, cells) for cells in options.scan_cells],
        "B, digits": [store(options, cells, eps) for eps in options.eps for cells in options.cells],
        "C, winding": [wind(options, cells, eps) for eps in options.eps for cells in options.cells],
    }
    for title, rows in tables.items():
        print(f"\n{title}")
        print(pd.DataFrame(rows).to_string(index=False, float_format=lambda v: f"{v:.4g}"),
              flush=True)
    return 0


def targets(options: argparse.Namespace, cells: int) -> np.ndarray:
    """Return the values (K,) of a sine at the middles of K cells, or random ones."""
    if options.random is not None:
        return np.random.default_rng(options.random).random(cells)
    return 0.5 + 0.5 * np.sin(2 * np.pi * (np.arange(cells) + 0.5) / cells)


def scan(options: argparse.Namespace, cells: int) -> dict[str, float]:
    """Return what a scan costs whose mean waiting time is about 2^`scan_bits`."""
    y, low, high = targets(options, cells), 1e-12, 0.49
    for _ in range(60):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if waiting_bits(y, middle) > options.scan_bits else (low, middle)
    find_depth(y[:1], 0.4)  # libraries loaded
    begin = time.process_time()
    code = find_depth(y, high, max_depth=10**12)
    seconds = time.process_time() - begin
    return {**_bits(code), "depth": code.depth, "mean wait": code.waiting_time,
            "seconds": seconds, "positions/s": code.scanned / seconds}


def store(options: argparse.Namespace, cells: int, eps: float) -> dict[str, float]:
    """Return what it costs to hold the targets in digits, in words as short as ε allows."""
    begin = time.process_time()
    code = encode(targets(options, cells), word_bits(eps))
    return {**_bits(code, eps), "seconds": time.process_time() - begin}


def wind(options: argparse.Namespace, cells: int, eps: float) -> dict[str, float]:
    """Return what it costs to find the winding number of the targets."""
    begin = time.process_time()
    code = find_winding(targets(options, cells), eps)
    return {**_bits(code), "if perfect": code.expected_bits, "reductions": code.reductions,
            "seconds": time.process_time() - begin}


def _bits(code: Any, eps: float | None = None) -> dict[str, float]:
    """Return the facts that the three kinds of code share; `eps`: the one asked for."""
    eps = code.eps if eps is None else eps
    bound = information_bound(code.cells, eps)
    return {"K": code.cells, "eps": eps, "error/eps": code.error / eps, "bits": code.bits,
            "bits/bound": code.bits / bound, "repeats": code.repeats}
