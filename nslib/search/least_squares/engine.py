"""The project's own search: alternating least squares and a parsimonious choice of streams.

Higher orders start from moment tensors (`moments`), all parameters are refined together on Gram
matrices (`gram`), streams and ranks are chosen forward and backward by BIC and a least gain
(`selection`), checked on held-out rows and repeated on resamples (`stability_selection`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from ... import formula
from ...structure import NeuronStructure, Stream
from ..result import SearchResult, without_constants
from ..search_task import SearchTask
from .chooser import Chooser, Clock, StreamChoice, objective_of
from .objective import Fitted
from .options import LeastSquaresOptions
from .outliers import MOST, ROUNDS, outlying, spread, stand_apart
from .polynomial import Rows
from .used_features import repeated_columns

LARGEST_POWER = 1e15
"""Orders whose powers of the data exceed this are left out: beyond, double precision, which has
16 digits, no longer holds such a power and a constant in one sum."""

REACH = 0.5
"""How far beyond the data, in half widths of its range, a polynomial is used."""


def relocated(task: SearchTask) -> SearchTask:
    """Return the task with features moved back by means that are zero up to chance.

    Centring by the sample mean m turns x^k into (z + m)^k, which has all lower orders. So where
    |m| is below four standard errors, the feature is scaled only. A constant feature becomes zero.
    """
    # by chance a mean of zero passes four standard errors in 6 of 100 000 features
    limit = 4 * task.x_scale / np.sqrt(len(task.X))
    mean = np.where(np.abs(task.x_mean) < limit, 0.0, task.x_mean)
    return replace(task, x_mean=np.where(task.constant, task.columns.low, mean))


def candidate_orders(largest: float, order: int) -> int:
    """Return the highest order up to `order` (at least 1) whose powers are not too large."""
    while order > 1 and order * np.log10(max(largest, 1.0)) > np.log10(LARGEST_POWER):
        order -= 1
    return order


def search_least_squares(task: SearchTask, seed: int, options: LeastSquaresOptions) -> SearchResult:
    """Choose the streams of a task by least squares and fit them; see `LeastSquaresOptions`."""
    start, clock = time.perf_counter(), Clock(options.max_seconds)
    task = relocated(task)
    n, d = task.X.shape
    generator = torch.Generator().manual_seed(seed)
    weight = np.ones(n) if task.weight is None else task.weight.copy()
    rows = np.flatnonzero(weight)
    in_use = len(rows)
    if in_use > options.search_rows:
        drawn = torch.randperm(in_use, generator=generator)[: options.search_rows]
        rows = rows[drawn.sort().values.numpy()]
    order = candidate_orders(task.largest, options.order)
    repeated = repeated_columns(task) if options.features == "choose" else {}
    columns = np.setdiff1d(np.arange(d), list(repeated))

    def choose(rows: np.ndarray) -> StreamChoice:
        """Return the choice by some rows, numbers (n,)."""
        return Chooser(task, rows, order, options, generator, clock).explore(columns)

    choice, kept = choose(rows), rows
    if options.outliers == "trim" and task.classes is None:
        choice, kept = _without_outliers(task, rows, choice, choose)
    chosen_at = time.perf_counter()
    outliers = np.setdiff1d(rows, kept)
    if len(rows) < in_use:  # the fit is to rows that had no part in the choice, too
        if len(outliers):
            outliers = np.flatnonzero(outlying(_residual(task, choice)) & (weight > 0))
        weight[outliers] = 0.0
        final, passes = _final(task, choice, weight, options)
    elif choice.chosen is choice.linear:  # shrunk where rows are few: it is not fitted further
        final, passes = choice.chosen, choice.objective.data.passes
    else:
        final = choice.objective.fit(choice.chosen.model, "thorough")
        passes = choice.objective.data.passes
    return _result(task, seed, options, choice, final, {
        "passes": 1 + passes, "fit_seconds": time.perf_counter() - chosen_at,
        "seconds": time.perf_counter() - start, "notes": _notes(task, choice, repeated, clock),
        "outlier_rows": outliers,
    })


def _residual(task: SearchTask, choice: StreamChoice) -> np.ndarray:
    """Return what a choice leaves of the target, in scaled units, (N,)."""
    rows, model, parts = task.part(choice.columns), choice.chosen.model, []
    for first in range(0, len(rows), 4096):
        Z = torch.as_tensor(rows[first : first + 4096])
        parts.append(model.outputs(Rows(Z))[:, 0].numpy())
    return task.target - np.concatenate(parts)


def _without_outliers(
    task: SearchTask, rows: np.ndarray, first: StreamChoice,
    choose: Callable[[np.ndarray], StreamChoice],
) -> tuple[StreamChoice, np.ndarray]:
    """Return the choice without gross outliers of the target, and the rows (m,) that it kept.

    The first choice stands where rows far off are no errors but the tail of what it misses.
    """
    choice, kept, before = first, rows, np.inf
    for _ in range(ROUNDS):
        residual = _residual(task, choice)[rows]
        far, scale = outlying(residual), spread(residual)
        settled = len(kept) == len(rows) - far.sum() and np.array_equal(kept, rows[~far])
        if not far.any() or far.mean() > MOST or settled:
            break
        if scale > 0.9 * before and not stand_apart(residual):
            break  # the typical row is fitted no better: there is nothing to be gained
        choice, kept, before = choose(rows[~far]), rows[~far], scale
    apart = choice is not first and stand_apart(_residual(task, choice)[rows])
    return (choice, kept) if apart else (first, rows)


def _final(
    task: SearchTask, choice: StreamChoice, weight: np.ndarray, options: LeastSquaresOptions
) -> tuple[Fitted, int]:
    """Return the fit of the chosen streams to all rows of weights (N,), and its passes over them.
    """
    weighed = replace(task, weight=None if (weight == 1).all() else weight)
    whole = objective_of(weighed, task.part(choice.columns), slice(None), options.chunk_rows,
                         choice.objective.data)
    return whole.fit(choice.chosen.model), whole.data.passes


def _notes(
    task: SearchTask, choice: StreamChoice, repeated: dict[int, list[int]], clock: Clock
) -> tuple[str, ...]:
    """Return sentences on what the search left out or could not try."""
    names = list(map(str, formula.feature_symbols(task.feature_names, task.X.shape[1])))
    notes = [f"{names[j]} was left out: it follows from " + ", ".join(names[i] for i in sources)
             for j, sources in repeated.items()]
    idle = task.X.shape[1] - len(choice.columns) - len(repeated)
    if idle:
        notes.append(f"{idle} of {task.X.shape[1]} features do not pay for their parameters "
                     "and have no weight")
    if choice.untried:
        notes.append(f"interactions of order {', '.join(map(str, choice.untried))} were not "
                     f"tried: {len(task.X)} rows are fewer than two a parameter")
    notes += [f"{stream} is kept although it was chosen on {choice.frequencies[stream]:.0%} of the "
              "halves of the rows" for stream in choice.chosen.model.streams
              if choice.frequencies[stream] <= 0.5]
    if clock.was_over:
        notes.append("the time was up before the search had ended: this is the best so far")
    return tuple(notes)


def feature_limits(
    task: SearchTask, structure: NeuronStructure
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the scaled features, (D,) lowest and (D,) highest, up to which a fit is used.

    The range of the data, widened on both sides by `REACH` half widths. A polynomial says nothing
    far outside its data: one row ten times as far out as all others would decide the mean error
    of a test set. None for a linear fit, which grows no faster than the features themselves.
    """
    if structure.streams == ("pure 1",):
        return None
    low, high = task.limits
    margin = REACH * (high - low) / 2
    return low - margin, high + margin


def _result(
    task: SearchTask, seed: int, options: LeastSquaresOptions, choice: StreamChoice, final: Fitted,
    told: dict,
) -> SearchResult:
    """Return the result of the `final` fit, with a row of history for each step to it."""
    names = [Stream(kind, k) for kind, lowest in (("pure", 1), ("interact", 2))
             for k in range(lowest, options.order + 1)]
    frequencies = {name: choice.frequencies.get(name, 0.0) for name in names}
    history = pd.DataFrame([
        {"epoch": i, "loss": step.error, "lambda": 0.0,
         **{name: float(name in step.model.streams) for name in names}}
        for i, step in enumerate([*choice.steps, final], start=1)
    ])
    model = final.model.two_classes() if task.n_outputs == 2 else final.model
    neuron = model.among(choice.columns, task.X.shape[1]).to_neuron()
    neuron = without_constants(neuron, task)
    return SearchResult(
        method="als", structure=neuron.structure, gate_probabilities=frequencies, history=history,
        seed=seed, neuron=neuron, scaling=task.scaling,
        limits=feature_limits(task, neuron.structure), selection_frequencies=frequencies, **told,
    )
