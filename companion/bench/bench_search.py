"""Seconds a fit of the gated and threshold searches, as ratios to the peers, on one thread.

Peers: the PyPI package tnlearn where it is installed (the extra `peers`), and a checkout of the
authors' code given by --official. All get the same data, epochs and batch size in the same run.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from nslib import search, search_many
from nslib.data import make_formula
from nslib.threads import one_thread


def main(argv: list[str]) -> int:
    """Measure and print a table for each number of features; see --help."""
    parser = argparse.ArgumentParser(prog="nslib bench search", description=__doc__)
    parser.add_argument("--official", type=Path, help="folder of a checkout of the authors' code")
    parser.add_argument("--features", type=int, nargs="+", default=[10, 100], metavar="D")
    parser.add_argument("--rows", type=int, default=2000, metavar="N")
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--fits", type=int, default=30, help="fits in the batch")
    options = parser.parse_args(argv)
    if options.official:
        check_official(parser, options.official)
    with one_thread():
        for n_features in options.features:
            table = measure(n_features, options)
            print(f"\nD = {n_features}, N = {options.rows}, {options.epochs} epochs, batches of 64")
            print(table.to_string(float_format=lambda v: f"{v:.3g}", na_rep=""), flush=True)
    return 0


def measure(n_features: int, options: argparse.Namespace) -> pd.DataFrame:
    """Return seconds a fit of every search, and how many times longer each peer takes."""
    task = make_formula("hybrid", 1, options.rows, n_features)
    common = {"epochs": options.epochs, "batch_size": 64, "standardize": False}
    pairs = [
        (t.X, t.y)
        for t in (make_formula("hybrid", 1, options.rows, n_features, seed=s) for s in range(3))
    ]
    seeds = range(max(1, options.fits // len(pairs)))
    v1 = {"order": 5, "rank": 8, "sin": False, "lr": 0.01, "threshold": 1e-9}  # one round
    search(task.X[:256], task.y[:256], "gated", epochs=2)  # libraries loaded, buffers allocated
    seconds = {
        "gated, one fit": _timed(lambda: search(task.X, task.y, "gated", **common)),
        f"gated, {len(pairs) * len(seeds)} fits as one batch": _timed(
            lambda: search_many(pairs, "gated", seeds=seeds, **common)
        ) / (len(pairs) * len(seeds)),
        "threshold, one round": _timed(
            lambda: search(task.X, task.y, "threshold", **v1, **common)
        ),
    }
    peers = {}
    if options.official:
        with on_path(options.official):
            searcher = official_searcher(task.X, options.epochs)
            peers["authors' gated"] = _timed(lambda: searcher.fit(task.X, task.y))
    if importlib.util.find_spec("tnlearn"):
        peers["tnlearn tensor"] = _timed(_tnlearn(task.X, task.y, options.epochs))
    table = pd.DataFrame({"seconds a fit": {**seconds, **peers}})
    for peer, value in peers.items():
        table[f"{peer} takes × as long"] = {ours: value / own for ours, own in seconds.items()}
    return table


def _timed(function: Callable[[], object]) -> float:
    """Return the seconds of a call, whose prints are swallowed."""
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        function()
    return time.perf_counter() - start


def check_official(parser: argparse.ArgumentParser, folder: Path) -> None:
    """Stop with a usage error where `folder` is no checkout of the authors' code."""
    if not (folder / "neuronseek").is_dir():
        parser.error(f"--official: found no folder neuronseek in {folder}")


@contextlib.contextmanager
def on_path(folder: Path) -> Iterator[None]:
    """Let Python import from `folder` inside."""
    sys.path.insert(0, str(folder.resolve()))
    try:
        yield
    finally:
        sys.path.remove(str(folder.resolve()))


def official_searcher(X: np.ndarray, epochs: int) -> Any:
    """Return the authors' gated searcher for X (N, D); their checkout must be on the path."""
    module = importlib.import_module("neuronseek.searchers.neuronseek_searcher")
    torch.manual_seed(0)
    return module.NeuronSeekSearcher(X.shape[1], 1, epochs=epochs, batch_size=64)


def _tnlearn(X: np.ndarray, y: np.ndarray, epochs: int) -> Callable[[], object]:
    """Return a function that fits tnlearn's tensor regression to X (N, D), y (N,)."""
    module = importlib.import_module("tnlearn")
    regressor = module.PolyTensorRegressor(
        rank=8, poly_order=5, num_epochs=epochs, batch_size=64, random_state=0
    )
    X, y = torch.as_tensor(X, dtype=torch.float32), torch.as_tensor(y, dtype=torch.float32)
    return lambda: regressor.fit(X, y)
