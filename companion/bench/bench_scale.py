"""Seconds, memory and passes of a search from a memory-mapped file, as the rows grow.

Every file (float32, standard normal features, one of the paper's formulas) is written chunk by
chunk to a temporary folder and searched in a fresh process on one thread. Its processor seconds are
compared with those of one Gram-matrix product of the same map in the same process, the least that a
least-squares fit takes. Peak memory is that of the process, with the pages of the map it has read.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from companion.experiments.formula_tasks import FORMULA_KEYS, named_formula
from companion.experiments.progress import say
from nslib.data.synthetic import stream_values
from nslib.search import search
from nslib.structure import NeuronStructure
from nslib.threads import one_thread

from .measuring import bench_parser, show

CHUNK_ROWS = 4096
NOISE = 0.01


def main(argv: list[str]) -> int:
    """Measure and print a row for each number of rows; see --help."""
    parser = bench_parser("scale", __doc__, rows=[100_000, 300_000, 1_000_000], features=100,
                          seed=(0, "of the data"))
    parser.add_argument("--formula", default="hybrid 1", choices=list(FORMULA_KEYS), metavar="NAME",
                        help='of the paper, such as "hybrid 1"')
    options = parser.parse_args(argv)
    table = pd.DataFrame([measure(n, options) for n in options.rows])
    print(f"{options.formula}, D = {options.features}, noise {NOISE:g}, seed {options.seed}")
    show(table, index=False)
    if len(table) > 1:
        for column in ("seconds", "on all rows", "processor s"):
            print(f"{column} grow as N^{exponent(table['rows'], table[column]):.2f}")
    return 0


def exponent(x: pd.Series, y: pd.Series) -> float:
    """Return the slope of log y over log x by least squares."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def measure(n_rows: int, options: argparse.Namespace) -> dict[str, object]:
    """Write a file of n_rows rows and return what `searched` measures in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        truth = write(Path(folder), options.formula, n_rows, options.features, options.seed)
        say(f"{n_rows} rows written")
        fresh = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=fresh) as process:
            return process.submit(searched, Path(folder), truth).result()


def write(
    folder: Path, formula: str, n_rows: int, n_features: int, seed: int
) -> NeuronStructure:
    """Write X.npy (N, D) float32 and y.npy (N,) of a formula, and return its structure."""
    task = named_formula(formula, 2, n_features, NOISE, seed)
    rng = np.random.default_rng(seed)
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float32, (n_rows, n_features))
    y = np.empty(n_rows)
    for first in range(0, n_rows, CHUNK_ROWS):
        part = rng.standard_normal(X[first : first + CHUNK_ROWS].shape, dtype=np.float32)
        X[first : first + CHUNK_ROWS] = part
        clean = sum(stream_values(task.weights, part.astype(np.float64)).values())
        y[first : first + CHUNK_ROWS] = clean + NOISE * rng.standard_normal(len(part))
    X.flush()
    np.save(folder / "y.npy", y)
    return task.structure


def searched(folder: Path, truth: NeuronStructure) -> dict[str, object]:
    """Search the files of a folder and return what it took, in this process."""
    X, y = np.load(folder / "X.npy", mmap_mode="r"), np.load(folder / "y.npy")
    start, worked = time.perf_counter(), time.process_time()
    result = search(X, y, standardize=False)
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    error = np.mean((result.predict(X) - y) ** 2)
    peak = peak_memory()
    with one_thread():
        double, single = (gram_seconds(X, dtype) for dtype in (np.float64, np.float32))
    return {
        "rows": len(X), "right": result.structure.same_streams(truth),
        "error / noise": error / NOISE**2, "peak MB": peak, "passes": result.passes,
        "seconds": seconds, "on all rows": seconds - result.seconds + result.fit_seconds,
        "processor s": worked, "XᵀX processor s": double, "× XᵀX": worked / double,
        "× XᵀX in float32": worked / single,
    }


def gram_seconds(X: np.ndarray, dtype: type) -> float:
    """Return the processor seconds of XᵀX of a map X (N, D), in chunks; the better of two."""
    seconds = []
    for _ in range(2):
        start = time.process_time()
        total = torch.zeros(X.shape[1], X.shape[1], dtype=torch.float64)
        for first in range(0, len(X), CHUNK_ROWS):
            part = torch.from_numpy(np.array(X[first : first + CHUNK_ROWS], dtype=dtype))
            total += part.T @ part
        seconds.append(time.process_time() - start)
    return min(seconds)


def peak_memory() -> float:
    """Return the most memory that this process has held so far, in MB of 10⁶ bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # the operating system's other figure counts the parent process too
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
