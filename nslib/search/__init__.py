"""`search`: the one door to every method that discovers a neuron's aggregation formula."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from .. import checks
from ..threads import one_thread
from .gated import GatedOptions, search_gated
from .genetic import GeneticOptions, search_genetic
from .least_squares import LeastSquaresOptions, refit, search_least_squares
from .result import SearchResult
from .search_task import SearchTask, make_task
from .threshold import ThresholdOptions, search_threshold

__all__ = ["METHODS", "SearchResult", "refit", "search", "search_many"]


class Method(NamedTuple):
    """A search method: its options, and `run(tasks, seeds, options, report)` -> list of results."""

    options: type
    run: Callable[[Sequence[SearchTask], Sequence[int], Any, Callable], list[SearchResult]]


def one_by_one(search_one: Callable[[SearchTask, int, Any], SearchResult]) -> Callable:
    """Return the `run` of a method that searches every task with every seed in turn."""

    def run(
        tasks: Sequence[SearchTask], seeds: Sequence[int], options: Any, report: Callable
    ) -> list[SearchResult]:
        fits = [(task, seed) for task in tasks for seed in seeds]
        results = []
        for done, (task, seed) in enumerate(fits, start=1):
            results.append(search_one(task, seed, options))
            report(done, len(fits), float(results[-1].history["loss"].iloc[-1]))
        return results

    return run


METHODS = {
    "gated": Method(GatedOptions, search_gated),
    "als": Method(LeastSquaresOptions, one_by_one(search_least_squares)),
    "threshold": Method(ThresholdOptions, one_by_one(search_threshold)),
    "vsr": Method(GeneticOptions, search_genetic),
}


def search(
    X: Any,
    y: Any,
    method: str = "als",
    *,
    seed: int = 0,
    seeds: Sequence[int] | None = None,
    task: str = "auto",
    standardize: bool = True,
    progress: bool = False,
    **options: Any,
) -> SearchResult | list[SearchResult]:
    """Discover the streams of a task-driven neuron for features X (N, D) and target y (N,).

    `method` is a key of `METHODS`, `options` the fields of its options class. With `seeds` one
    fit is made for each, all at once where the method can, and a list is returned. `task` is
    "auto", "regression" or "classification"; `standardize` scales the features to zero mean and
    unit variance (a regression target always is). `progress` prints plain lines to stderr.

    Same seed, same machine: same result, whatever the number of threads. Raises TypeError or
    ValueError naming the argument for data that is not finite, numeric, of equal length or
    varying, and for unknown methods and options.
    """
    found = search_many(
        [(X, y)], method, seeds=[seed] if seeds is None else seeds, task=task,
        standardize=standardize, progress=progress, **options,
    )[0]
    return found[0] if seeds is None else found


def search_many(
    data: Sequence[tuple[Any, Any]],
    method: str = "als",
    *,
    seeds: Sequence[int] = (0,),
    task: str = "auto",
    standardize: bool = True,
    progress: bool = False,
    **options: Any,
) -> list[list[SearchResult]]:
    """Search several data sets (X, y) of one shape with several seeds, as one batch.

    Arguments as in `search`. Returns for each data set a list with one result a seed. Raises
    ValueError also where shapes or numbers of classes differ.
    """
    checks.one_of(method, "method", METHODS)
    chosen = METHODS[method]
    settings = checks.options(options, chosen.options, f"method {method!r}")
    checks.boolean(progress, "progress")
    if not isinstance(seeds, Iterable):
        raise TypeError(f"seeds: found {seeds!r}, expected a sequence of ints")
    seeds = [checks.positive_int(seed, "seed", minimum=0) for seed in seeds]
    if not seeds or not data:
        empty = "data" if seeds else "seeds"
        raise ValueError(f"{empty}: found none, expected at least one")
    for i, pair in enumerate(data):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(f"data: found {type(pair).__name__} at {i}, expected pairs (X, y)")
    tasks = [make_task(X, y, task, standardize) for X, y in data]
    shapes = sorted({(*t.X.shape, t.n_outputs) for t in tasks})
    if len(shapes) > 1:
        raise ValueError(
            f"data: found the (rows, features, outputs) {shapes}, expected one shape for a batch"
        )
    with one_thread():
        results = chosen.run(tasks, seeds, settings, _Lines(method) if progress else _silent)
    return [results[i : i + len(seeds)] for i in range(0, len(results), len(seeds))]


def _silent(done: int, total: int, loss: float) -> None:
    pass


class _Lines:
    """Print a plain line at each tenth of the work, with elapsed and expected seconds."""

    def __init__(self, label: str) -> None:
        self.label, self.start, self.shown = label, time.perf_counter(), 0

    def __call__(self, done: int, total: int, loss: float) -> None:
        tenth = done * 10 // total
        if tenth > self.shown:
            self.shown = tenth
            elapsed = time.perf_counter() - self.start
            print(
                f"{self.label}: {done}/{total}, loss {loss:.4g}, "
                f"{elapsed:.1f} of about {elapsed * total / done:.1f} s",
                file=sys.stderr, flush=True,
            )
