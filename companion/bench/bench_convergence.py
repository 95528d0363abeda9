"""Time to an error of the authors' searches, gated and genetic, in their convergence experiment.

The searches run from a checkout of the authors' code (--official): the gated one, the predecessor's
vectorised symbolic regression (VSR) and MetaSymNet; VSR also as tnlearn publishes it, where that
is installed (the extra `peers`). The last two run in the first repetition only. As in the authors'
experiment a search is looked at every few steps, and the structure that it then has is retrained
and judged by their procedure; the time is that of the search alone, in processor seconds on one
thread. Every repetition has new data, the same for all.
With --save the curves and the ratios become the record that notebook 05 and claim C2 read.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import io
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import torch
from sympy.core.cache import clear_cache

from companion.experiments.convergence_and_scaling.convergence import time_to, with_spread
from companion.experiments.formula_tasks import named_formula
from companion.experiments.progress import say
from companion.run import Run
from nslib.data import FormulaTask
from nslib.threads import one_thread

from .bench_vsr import polynomial
from .measuring import add_official, bench_parser, on_path, show

NOTEBOOK, RECORD = "05_convergence_and_scaling", "authors_code"
FORMULA, NOISE = "hybrid 3", 0.01
EPOCHS, POPULATION, RETRAINING_EPOCHS = 50, 1000, 100  # of the authors' experiment
RIVALS = {"vsr": "authors' VSR", "tnlearn": "tnlearn's VSR", "metasymnet": "MetaSymNet"}
"""The searches that the gated one is compared with, as the ratios and as the table name them; the
first is judged by claim C2, the others run in the first repetition only."""
GATED = "authors' gated"


def main(argv: list[str]) -> int:
    """Measure and print the curves and the ratios of times; see --help."""
    parser = bench_parser(
        "convergence", __doc__, features=100, rows=(2000, "to train on, and half as many to test"),
        repetitions=3, seconds=(100.0, "of the processor after which a search is stopped"),
    )
    add_official(parser, required=True)
    parser.add_argument("--save", action="store_true", help="write the record")
    options = parser.parse_args(argv)
    with one_thread(), on_path(options.official):
        curves = pd.concat([measure(seed, options) for seed in range(options.repetitions)],
                           ignore_index=True)
    ratios = time_ratios(curves)
    show(curves.groupby(["search", "seed"], sort=False).last())
    for name, value in ratios.items():
        print(f"{name}: {value}")
    if options.save:
        folder = options.official / "neuronseek" / "searchers"
        metrics = curves.drop(columns="seconds").to_dict("list")
        path = Run(NOTEBOOK, {}, "paper", by="nslib bench convergence").record(
            RECORD,
            config={"formula": FORMULA, "noise": NOISE, "n_features": options.features,
                    "n_train": options.rows, "n_test": options.rows // 2, "epochs": EPOCHS,
                    "population": POPULATION, "retraining_epochs": RETRAINING_EPOCHS,
                    "seconds": options.seconds, "seeds": list(range(options.repetitions))},
            metrics={"looks": metrics},
            timing={"looks": {"seconds": curves["seconds"].tolist()}, **ratios},
            data={path.stem: path for path in sorted(folder.glob("*_searcher*.py"))},
        )
        print(f"wrote {path.name}")
    return 0


def measure(seed: int, options: argparse.Namespace) -> pd.DataFrame:
    """Return a row for each look at each search: search, seed, seconds, error, structure.

    `error` is the mean squared error on the test rows of the structure retrained by the authors'
    procedure. MetaSymNet has its own training error, the least so far: retrained by them, whatever
    it finds is a line in the first feature.
    """
    task = named_formula(FORMULA, options.rows + options.rows // 2, options.features, NOISE, seed)
    retrained = Retraining(task, options.rows, seed)
    searches = {GATED: gated, RIVALS["vsr"]: genetic}
    if seed == 0:
        searches[RIVALS["metasymnet"]] = metasymnet
    if seed == 0 and importlib.util.find_spec("tnlearn"):
        searches[RIVALS["tnlearn"]] = tnlearn
    with contextlib.redirect_stdout(io.StringIO()):
        gated(task.X[:64], task.y[:64], 0.0)  # libraries loaded, buffers allocated
    rows = []
    for name, search in searches.items():
        clear_cache()  # of formulas: the genetic searches begin with the same ones every time
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002  the authors' code draws from the global generators
        torch.manual_seed(seed)
        X, y = task.X[:options.rows], task.y[:options.rows]
        with contextlib.redirect_stdout(io.StringIO()):
            looks = search(X, y, options.seconds)
        for seconds, state in looks:
            error = retrained(state) if isinstance(state, dict) else state
            rows.append({"search": name, "seed": seed, "seconds": seconds, "error": error,
                         "structure": str(_orders(state)) if isinstance(state, dict) else ""})
        say(f"seed {seed}, {name}: error {rows[-1]['error']:.3g} after {rows[-1]['seconds']:.1f} s")
    return pd.DataFrame(rows)


def time_ratios(curves: pd.DataFrame) -> dict[str, Any]:
    """Return the times of each rival over those of the gated search to the same error.

    `curves`: the rows of `measure`. Keys, each with its `_spread` over the repetitions:
    vsr_over_td, to the error that the rival ends at, 0 where the gated search never reaches it; and
    vsr_over_td_to_td_error, to the error that the gated search ends at, where a rival that never
    reaches it counts with all its time, so that the ratio is the least it can be. In the same way
    tnlearn_… and metasymnet_…; None for a rival that was not run.
    """
    ratios: dict[str, Any] = {}
    for short, rival in RIVALS.items():
        first, second = {}, {}
        for seed, part in curves.groupby("seed"):
            td, theirs = (part[part["search"] == name] for name in (GATED, rival))
            if theirs.empty:
                continue
            reached = time_to(td, theirs["error"].iloc[-1])
            own = theirs["seconds"].iloc[-1]
            first[seed] = 0.0 if reached is None else (
                time_to(theirs, theirs["error"].iloc[-1]) / reached)
            last = td["error"].iloc[-1]
            second[seed] = (time_to(theirs, last) or own) / time_to(td, last)
        ratios |= with_spread(f"{short}_over_td", pd.Series(first, dtype=float))
        ratios |= with_spread(f"{short}_over_td_to_td_error", pd.Series(second, dtype=float))
    return ratios


class Looks:
    """What the authors' searches call after a step: keeps seconds and state, says when to stop.

    `state()` returns the structure that the search has, as their code writes it, or an error.
    """

    def __init__(self, state: Callable[[], Any], seconds: float, every: int = 1) -> None:
        self.state, self.limit, self.every = state, seconds, every
        self.kept: list[tuple[float, Any]] = []
        self.steps, self.start = 0, time.process_time()

    def __call__(self, **_: Any) -> bool:
        seconds = time.process_time() - self.start
        if self.steps % self.every == 0:
            self.kept.append((seconds, self.state()))
        self.steps += 1
        return seconds > self.limit


class Retraining:
    """The authors' retraining of a structure on the first rows of a task, once for each."""

    def __init__(self, task: FormulaTask, n_train: int, seed: int) -> None:
        self.parts = [part for rows in (slice(None, n_train), slice(n_train, None))
                      for part in (task.X[rows], task.y[rows])]
        self.seed, self.known = seed, {}

    def __call__(self, structure: Mapping[str, Any]) -> float:
        """Return the mean squared error on the other rows."""
        if str(structure) not in self.known:
            module = importlib.import_module("experiments.common.structure_evaluator")
            torch.manual_seed(self.seed)
            self.known[str(structure)] = float(module.retrain_and_evaluate(
                None, structure, *self.parts, epochs=RETRAINING_EPOCHS))
        return self.known[str(structure)]


def gated(X: np.ndarray, y: np.ndarray, seconds: float) -> list[tuple[float, Any]]:
    """Return the looks at the authors' gated search, one in five epochs; X (N, D), y (N,)."""
    module = importlib.import_module("neuronseek.searchers.neuronseek_searcher_expand")
    searcher = module.NeuronSeekSearcherExpand(X.shape[1], 1, epochs=EPOCHS)
    looks = Looks(searcher.get_structure_info, seconds, every=5)
    searcher.fit(X, y, callback=looks)
    return looks.kept


def genetic(X: np.ndarray, y: np.ndarray, seconds: float) -> list[tuple[float, Any]]:
    """Return the looks at the predecessor's search as the authors ship it; X (N, D), y (N,)."""
    module = importlib.import_module("neuronseek.searchers.tnsr_searcher")
    searcher = module.TNSRSearcher(X.shape[1], population_size=POPULATION, generations=10**6)

    def state() -> dict[str, Any]:
        searcher.engine.neuron = searcher.engine.best_prog
        return searcher.get_structure_info()

    looks = Looks(state, seconds)
    searcher.fit(X, y, callback=looks)
    return looks.kept


def metasymnet(X: np.ndarray, y: np.ndarray, seconds: float) -> list[tuple[float, Any]]:
    """Return the looks at MetaSymNet as the authors ship it; X (N, D), y (N,)."""
    module = importlib.import_module("neuronseek.searchers.official_metasymnet_searcher")
    searcher = module.OfficialMetaSymNetSearcher(
        X.shape[1], iterations=10**6, time_limit=float("inf"))
    looks = Looks(lambda: float((1 - searcher.engine.global_best_r2) * y.var()), seconds)
    searcher.fit(X, y, callback=looks)
    return looks.kept


def tnlearn(X: np.ndarray, y: np.ndarray, seconds: float) -> list[tuple[float, Any]]:
    """Return the looks at the predecessor's search as tnlearn publishes it; X (N, D), y (N,)."""
    module = importlib.import_module("tnlearn.regressor")
    regressor = module.VecSymRegressor(
        random_state=42, pop_size=POPULATION, max_generations=10**6, tournament_size=10)
    looks = Looks(lambda: _pure(polynomial(regressor.best_prog or "0")), seconds)

    def generations(steps: Iterable[int], **_: Any) -> Iterator[int]:
        for step in steps:
            if step and looks():  # the generation before this one is done
                return
            yield step

    with mock.patch.object(module, "tqdm", generations):
        regressor.fit(X, y)
    return looks.kept


def _pure(orders: Iterable[int]) -> dict[str, Any]:
    """Return pure streams as the authors' code writes a structure; a constant is none."""
    pure = sorted(order for order in orders if order)
    return {"type": "neuronseek", "pure_indices": pure, "interact_indices": [], "rank": 1}


def _orders(structure: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return the orders of a structure of the authors' code, pure and of interactions."""
    return {name: list(map(int, structure[f"{name}_indices"])) for name in ("pure", "interact")}
