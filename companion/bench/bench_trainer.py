"""Seconds a step of training one seed, and several as one batch or one by one, on one thread.

LN: linear neurons, TN: task-driven ones (pure 1 and 2, interaction of 2), KAN: splines; each of
the widest that a budget of parameters allows. Seconds are those of the processor. All are measured
in turn, several times, and the least is kept, since other work on the machine only adds to it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from nslib.networks import kan, mlp, task_net
from nslib.networks.sizing import Make
from nslib.structure import NeuronStructure
from nslib.threads import one_thread
from nslib.training import Part, TrainingOptions, train

from .measuring import bench_parser, seconds_of, show

SIZED: dict[str, Callable[[int, int, int], Make | None]] = {
    "LN": mlp,
    "TN": lambda *sizes: task_net(*sizes, NeuronStructure()),
    "KAN": kan,
}
TARGET = 3.0
"""Times the seconds of one seed that ten as a batch should take at most."""


def main(argv: list[str]) -> int:
    """Measure and print a table; see --help."""
    options = bench_parser(
        "trainer", __doc__,
        budgets=([300, 1000, 3000, 10_000], "parameters of a network, at most"), features=10,
        rows=(4000, "to train on"), batch=(256, "rows of a step"), seeds=10,
        steps=(100, "of each training"), repeats=5,
    ).parse_args(argv)
    print(f"D = {options.features}, N = {options.rows}, batches of {options.batch}, "
          f"{options.steps} steps, the least of {options.repeats} repeats; ms a step")
    with one_thread():
        rows = [measure(kind, budget, options) for kind in SIZED for budget in options.budgets]
    table = pd.DataFrame(rows).set_index(["network", "parameters"])
    show(table)
    ratios = table["batch / one seed"]
    print(f"{options.seeds} seeds as a batch within {TARGET:g} × one seed: "
          f"{(ratios <= TARGET).sum()} of {len(ratios)}; at most {ratios.max():.2f} ×")
    return 0


def measure(kind: str, budget: int, options: argparse.Namespace) -> dict[str, float]:
    """Return milliseconds a step of one seed, of all as a batch, and of all one by one."""
    make = SIZED[kind](options.features, 1, budget)
    if make is None:
        raise SystemExit(f"--budgets: found {budget}, too few for {kind}")
    seeds = range(options.seeds)
    parts = _parts(options)
    training = TrainingOptions(
        steps=options.steps, batch_size=options.batch, evaluations=2, patience=options.steps
    )

    def networks() -> list[torch.nn.Module]:
        return [make(generator=torch.Generator().manual_seed(seed)) for seed in seeds]

    def one_by_one() -> None:
        for network, part in zip(networks(), parts, strict=True):
            train([network], [part], training)

    runs = {
        "one seed": lambda: train(networks()[:1], parts[:1], training),
        "batch": lambda: train(networks(), parts, training),
        "one by one": one_by_one,
    }
    runs["one seed"]()  # libraries loaded, buffers allocated
    seconds = dict.fromkeys(runs, np.inf)
    for _ in range(options.repeats):
        for name, run in runs.items():
            seconds[name] = min(seconds[name], seconds_of(run, timer=time.process_time))
    ms = {name: 1000 * value / options.steps for name, value in seconds.items()}
    return {
        "network": kind, "parameters": sum(p.numel() for p in make().parameters()), **ms,
        "batch / one seed": ms["batch"] / ms["one seed"],
        "one by one / batch": ms["one by one"] / ms["batch"],
    }


def _parts(options: argparse.Namespace) -> list[Part]:
    """Return rows of a truth with a product for every seed, a fifth of them to validate."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1.5, 1.5, (options.rows * 5 // 4, options.features))
    y = X[:, 0] * X[:, -1] + 0.1 * rng.normal(size=len(X))
    n = options.rows
    return [Part(X[:n], y[:n], X[n:], y[n:], seed) for seed in range(options.seeds)]
