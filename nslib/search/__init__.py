"""`search`: the one door to every method that discovers a neuron's aggregation formula.

The package itself can be called as its function: `nslib.search(X, y)`.
"""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .. import checks
from .methods import METHODS, Method, imported

if TYPE_CHECKING:
    from .least_squares import refit
    from .result import SearchResult
    from .sparse import SparseFormula, sparse_formula

__all__ = [
    "METHODS", "Method", "SearchResult", "SparseFormula", "refit", "search", "search_many",
    "sparse_formula",
]

GOALS = ("formula", "prediction")

_LATE = {
    "SearchResult": "nslib.search.result:SearchResult",
    "SparseFormula": "nslib.search.sparse:SparseFormula",
    "refit": "nslib.search.least_squares:refit",
    "sparse_formula": "nslib.search.sparse:sparse_formula",
}


def __getattr__(name: str) -> Any:
    """Import what needs torch when it is first asked for; names and looks of methods do not."""
    if name in _LATE:
        return imported(_LATE[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def search(
    X: Any,
    y: Any,
    method: str = "als",
    *,
    goal: str = "formula",
    sample_weight: Any = None,
    seed: int = 0,
    seeds: Sequence[int] | None = None,
    task: str = "auto",
    standardize: bool = True,
    limits: str | None = "data",
    progress: bool = False,
    **options: Any,
) -> SearchResult | list[SearchResult]:
    """Discover the streams of a task-driven neuron from data, and fit a neuron of these streams.

    Same seed, same machine: same result, whatever the number of threads.

    Parameters
    ----------
    X : array-like (N, D)
        Features; the column names of a DataFrame name them in formulas.
    y : array-like (N,)
        The target: numbers, or classes.
    method : str
        A key of `METHODS`.
    goal : {"formula", "prediction"}
        What is optimised. "formula": few streams, those that made the data. "prediction", of "als"
        alone: the error on new rows, whatever streams it takes; the neuron is a shrunk polynomial
        of many terms, of features that are held within a range (see
        `nslib.search.prediction.search_prediction`).
    sample_weight : array-like (N,), optional
        Weights of the rows, at least 0; for "als".
    seed : int
        Seed of the one fit.
    seeds : sequence of int, optional
        Seeds of several fits, made all at once where the method can.
    task : {"auto", "regression", "classification"}
        With "auto", text, booleans and pandas categories are classes, numbers a regression target.
    standardize : bool
        Whether features are scaled to zero mean and unit variance (a regression target always is).
    limits : {"data", None}
        Where the formula is used. "data": as the method decides; "als" uses its polynomials up to
        a quarter of each feature's range beyond the data, and a linear formula everywhere, as do
        the other methods. None: everywhere. See `SearchResult.feature_ranges`.
    progress : bool
        Whether plain lines that tell the progress go to stderr.
    **options
        The fields of the method's options class.

    Returns
    -------
    SearchResult, or with `seeds` a list of them

    Raises
    ------
    TypeError, ValueError
        Naming the argument, for data that are not finite, not numeric, not of equal length or do
        not vary, and for unknown methods and options.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((200, 2))
    >>> result = search(X, X[:, 0] ** 2 + X[:, 1])
    >>> str(result.structure)
    'pure(1,2)'
    >>> bool(abs(result.predict([[2.0, 1.0]])[0] - 5) < 1e-6)
    True
    """
    results = search_many(
        [(X, y)], method, goal=goal,
        sample_weights=None if sample_weight is None else [sample_weight],
        seeds=[seed] if seeds is None else seeds, task=task, standardize=standardize,
        limits=limits, progress=progress, **options,
    )[0]
    return results[0] if seeds is None else results


def search_many(
    data: Sequence[tuple[Any, Any]],
    method: str = "als",
    *,
    goal: str = "formula",
    sample_weights: Sequence[Any] | None = None,
    seeds: Sequence[int] = (0,),
    task: str = "auto",
    standardize: bool = True,
    limits: str | None = "data",
    progress: bool = False,
    **options: Any,
) -> list[list[SearchResult]]:
    """Search several data sets of one shape with several seeds, as one batch.

    `data` are pairs of features (N, D) and target (N,), `sample_weights` weights (N,) of each, the
    other arguments those of `search`.
    Returns one list a data set, in it one result a seed. Raises what `search` does, and ValueError
    where shapes or numbers of classes differ.
    """
    from ..threads import one_thread
    from .result import check_limits
    from .search_task import make_task

    checks.one_of(method, "method", METHODS)
    chosen = METHODS[method]
    checks.one_of(goal, "goal", GOALS)
    if goal == "prediction" and chosen.predicting is None:
        raise ValueError(f"goal: found 'prediction' for {method!r}, expected 'formula' for all "
                         "methods but 'als'")
    settings = checks.options(options, chosen.options, f"method {method!r}")
    checks.boolean(progress, "progress")
    check_limits(limits)
    seeds = [checks.positive_int(seed, "seed", minimum=0)
             for seed in checks.sequence(seeds, "seeds", "a sequence of ints")]
    if not seeds or not data:
        empty = "data" if seeds else "seeds"
        raise ValueError(f"{empty}: found none, expected at least one")
    for i, pair in enumerate(data):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(f"data: found {type(pair).__name__} at {i}, expected pairs (X, y)")
    if sample_weights is None:
        sample_weights = [None] * len(data)
    elif not chosen.weighs:
        raise ValueError(f"sample_weight: found weights for {method!r}, expected None for all "
                         "methods but 'als'")
    elif len(sample_weights) != len(data):
        raise ValueError(f"sample_weights: found {len(sample_weights)}, expected one for each of "
                         f"{len(data)} data sets")
    tasks = [make_task(X, y, task, standardize, weight)
             for (X, y), weight in zip(data, sample_weights, strict=True)]
    shapes = sorted({(*t.X.shape, t.n_outputs) for t in tasks})
    if len(shapes) > 1:
        raise ValueError(
            f"data: found the (rows, features, outputs) {shapes}, expected one shape for a batch"
        )
    if tasks[0].classes is not None and not chosen.classifies:
        raise ValueError(f"task: found a classification, expected a regression for {method!r}")
    report = _Lines(method) if progress else _silent
    with one_thread():
        results = chosen.run(tasks, seeds, settings, report, goal)
    results = [replace(result, task=tasks[i // len(seeds)]) for i, result in enumerate(results)]
    if limits is None:
        results = [replace(result, limits=None) for result in results]
    return [results[i : i + len(seeds)] for i in range(0, len(results), len(seeds))]


def _silent(done: int, total: int, loss: float) -> None:
    """Report nothing."""


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


class _CallableModule(ModuleType):
    """A package that is called like its function `search`."""

    def __call__(self, *arguments: Any, **options: Any) -> SearchResult | list[SearchResult]:
        return search(*arguments, **options)


__signature__ = inspect.signature(search)
sys.modules[__name__].__class__ = _CallableModule
