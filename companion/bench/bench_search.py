"""Seconds a fit of the gated and threshold searches, as ratios to the peers, on one thread.

Peers: the PyPI package tnlearn where it is installed (the extra `peers`), and a checkout of the
authors' code given by --official. All get the same data, epochs and batch size in the same run.
"""

from __future__ import annotations

import argparse
import importlib.util

import pandas as pd

from companion.rivals.tensor_regression import TensorRegressionOptions, fit_tensor_regression
from nslib import search, search_many
from nslib.data import make_formula
from nslib.threads import one_thread

from .measuring import add_official, bench_parser, official_searcher, on_path, seconds_of, show


def main(argv: list[str]) -> int:
    """Measure and print a table for each number of features; see --help."""
    parser = bench_parser("search", __doc__, features=[10, 100], rows=2000, epochs=200,
                          fits=(30, "fits in the batch"))
    add_official(parser)
    options = parser.parse_args(argv)
    with one_thread():
        for n_features in options.features:
            table = measure(n_features, options)
            print(f"\nD = {n_features}, N = {options.rows}, {options.epochs} epochs, batches of 64")
            show(table)
    return 0


def measure(n_features: int, options: argparse.Namespace) -> pd.DataFrame:
    """Return seconds a fit of every search, and how many times longer each peer takes."""
    tasks = [make_formula("hybrid", 1, options.rows, n_features, seed=s) for s in range(3)]
    pairs, task = [(t.X, t.y) for t in tasks], tasks[0]
    seeds = range(max(1, options.fits // len(pairs)))
    common = {"epochs": options.epochs, "batch_size": 64, "standardize": False}
    v1 = {"order": 5, "rank": 8, "sin": False, "lr": 0.01, "threshold": 1e-9}  # one round
    search(task.X[:256], task.y[:256], "gated", epochs=2)  # libraries loaded, buffers allocated
    seconds = {
        "gated, one fit": seconds_of(lambda: search(*pairs[0], "gated", **common)),
        f"gated, {len(pairs) * len(seeds)} fits as one batch": seconds_of(
            lambda: search_many(pairs, "gated", seeds=seeds, **common)
        ) / (len(pairs) * len(seeds)),
        "threshold, one round": seconds_of(
            lambda: search(*pairs[0], "threshold", **v1, **common)
        ),
    }
    peers = {}
    if options.official:
        with on_path(options.official):
            searcher = official_searcher(task.X, options.epochs)
            peers["authors' gated"] = seconds_of(lambda: searcher.fit(task.X, task.y))
    if importlib.util.find_spec("tnlearn"):
        settings = TensorRegressionOptions(epochs=options.epochs)
        peers["tnlearn tensor"] = seconds_of(
            lambda: fit_tensor_regression(task.X, task.y, 0, settings)
        )
    table = pd.DataFrame({"seconds a fit": {**seconds, **peers}})
    for peer, value in peers.items():
        table[f"{peer} takes × as long"] = {ours: value / own for ours, own in seconds.items()}
    return table
