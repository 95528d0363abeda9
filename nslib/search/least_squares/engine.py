"""The project's own search: alternating least squares and a parsimonious choice of streams.

Higher orders start from moment tensors (`moments`), all parameters are refined together on Gram
matrices (`gram`), streams and ranks are chosen forward and backward by BIC and a least gain
(`selection`), checked on held-out rows and repeated on resamples (`stability_selection`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ... import checks
from ...structure import NeuronStructure, Stream
from ..result import SearchResult, without_constants
from ..search_task import ScaledRows, SearchTask
from .entropy import Logistic, Softmax
from .gram import Data
from .held_out import choose, group_numbers, held_out
from .moments import Starts
from .objective import Fitted, Objective, Squares
from .polynomial import Polynomial
from .selection import Selection
from .stability_selection import selection_frequencies

LARGEST_POWER = 1e15
"""Orders whose powers of the data exceed this are left out: beyond, double precision, which has
16 digits, no longer holds such a power and a constant in one sum."""

REACH = 0.5
"""How far beyond the data, in half widths of its range, a polynomial is used."""


@dataclass(frozen=True)
class LeastSquaresOptions:
    """Settings of the least-squares search.

    order, rank: highest order K, and most rank-one terms of an interaction.
    minimum_gain: share of the remaining error that a term must remove, to be read in a formula.
    restarts: random starts of every interaction.
    sweeps: most sweeps of alternating least squares from the best of the starts.
    resamples: random halves of the rows on which the choice is repeated.
    search_rows: rows by which the streams are chosen; the final fit uses all.
    chunk_rows: rows in memory at a time.
    """

    order: int = 5
    rank: int = 8
    minimum_gain: float = 0.01
    restarts: int = 16
    sweeps: int = 60
    resamples: int = 20
    search_rows: int = 20_000
    chunk_rows: int = 4096

    def __post_init__(self) -> None:
        for name, most in (("order", checks.MAX_ORDER), ("rank", checks.MAX_RANK),
                           ("restarts", checks.MAX_REPEATS), ("sweeps", checks.MAX_REPEATS),
                           ("resamples", checks.MAX_REPEATS)):
            checks.positive_int(getattr(self, name), name, maximum=most)
        checks.positive_int(self.search_rows, "search_rows", minimum=100)
        checks.positive_int(self.chunk_rows, "chunk_rows", minimum=16)
        checks.real(self.minimum_gain, "minimum_gain", 0.0, 0.99)


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


def objective_of(
    task: SearchTask, Z: np.ndarray | ScaledRows, rows: np.ndarray | slice, chunk: int,
    sample: Data | None = None,
) -> Objective:
    """Return the objective on rows (n,), numbers or a slice, of the task, with features Z (n, D).

    Without a `sample` they are kept in memory.
    """
    target = torch.as_tensor(task.target[rows])
    if task.n_outputs > 2:  # two classes need one output only, the log odds
        target = torch.nn.functional.one_hot(target, task.n_outputs)
    else:
        target = target.unsqueeze(1)
    data = Data(Z, target.double(), chunk, sample is None, sample)
    if task.classes is None:
        return Squares(data)
    return Logistic(data) if task.n_outputs == 2 else Softmax(data)


def prepared(
    objective: Objective, options: LeastSquaresOptions, generator: torch.Generator
) -> tuple[Starts, Tensor, Tensor, Callable[[Polynomial], Tensor]]:
    """Return starts, the numbers of their rows (n,), the group of each row (N,), and `validate`.

    validate: model -> error of each row when held out, (N,), computed once a model.
    """
    Z = objective.data.Z
    # starts need rows in proportion to D (see `moments`), not all of them
    n_starts = min(len(Z), max(2000, 40 * Z.shape[1]))
    start_rows = torch.randperm(len(Z), generator=generator)[:n_starts].sort().values
    starts = Starts(torch.as_tensor(Z)[start_rows], options.restarts, options.sweeps, generator)
    groups = group_numbers(len(Z), generator)
    return starts, start_rows, groups, cache(lambda model: held_out(objective, model, groups))


def search_least_squares(task: SearchTask, seed: int, options: LeastSquaresOptions) -> SearchResult:
    """Choose the streams of a task by least squares and fit them; see `LeastSquaresOptions`."""
    start = time.perf_counter()
    task = relocated(task)
    n, d = task.X.shape
    generator = torch.Generator().manual_seed(seed)
    rows = np.arange(n)
    if n > options.search_rows:
        drawn = torch.randperm(n, generator=generator)[: options.search_rows]
        rows = drawn.sort().values.numpy()
    Z = task.rows[rows if len(rows) < n else slice(None)]
    objective = objective_of(task, Z, rows, options.chunk_rows)
    order = candidate_orders(task.largest, options.order)

    starts, start_rows, groups, validate = prepared(objective, options, generator)
    selection = Selection(
        objective, starts, start_rows, order, options.rank, options.minimum_gain, validate
    )
    path = selection.run()
    # the path was chosen by all rows; rows held out may prefer one of its earlier, smaller models,
    # and all of them must be as good as the linear one
    linear = _linear(objective, d)
    fits = [linear, *path.steps[1:]]
    chosen = choose(fits, [validate(fit.model) for fit in fits])
    frequencies = selection_frequencies(
        objective, chosen, path.refused, order, options.minimum_gain, options.resamples, groups,
        generator,
    )
    reduced = _stable(chosen.model, frequencies)
    if reduced is not chosen.model:  # rows held out have the last word on what resamples drop
        fits = [linear, chosen, objective.fit(reduced)]
        chosen = choose(fits, [validate(fit.model) for fit in fits])
    whole, chosen_at = objective, time.perf_counter()
    if len(rows) < n:
        whole = objective_of(task, task.rows, slice(None), options.chunk_rows, objective.data)
        final = whole.fit(chosen.model)
    else:
        final = chosen if chosen is linear else objective.fit(chosen.model, "thorough")
    return _result(
        task, seed, options, final, path.steps[1:] or [linear], frequencies,
        1 + whole.data.passes, start, chosen_at,
    )


def _linear(objective: Objective, n_features: int) -> Fitted:
    """Return the linear model, the least that a search returns.

    With fewer than three rows a parameter least squares would follow the noise: there it is shrunk.
    """
    model = Polynomial.constant(n_features, objective.n_working).with_pure(1)
    if isinstance(objective, Squares) and 3 * model.n_free > objective.data.n_rows:
        return objective.scored(_ridge(objective.data, model))
    return objective.fit(model)


def _ridge(data: Data, model: Polynomial) -> Polynomial:
    """Return the linear model of few rows, shrunk by generalised cross-validation.

    Source: Golub, Heath & Wahba (1979).
    """
    Z = torch.cat([rows.Z for rows, _ in data.chunks()])
    y = data.target[:, 0]
    mean, centre = Z.mean(0), y.mean()
    spread = (Z - mean).std(0, correction=0)
    unit = torch.where(spread > 0, 1 / spread, 0.0)
    U, s, V = torch.linalg.svd((Z - mean) * unit, full_matrices=False)
    projected, n = U.T @ (y - centre), len(y)
    outside = (y - centre).square().sum() - projected.square().sum()
    candidates = []
    # from next to no shrinking of unit-variance features to nearly all, four steps a power of ten
    for penalty in torch.logspace(-6, 6, 49, dtype=torch.float64) * n:
        shrink = s.square() / (s.square() + penalty)
        left = outside.clamp_min(0) + ((1 - shrink) * projected).square().sum()
        # their V up to a factor: squares over (n - degrees of freedom)²; one is the mean
        score = float(left / (n - 1 - shrink.sum()).clamp_min(1e-9) ** 2)
        candidates.append((score, V.T @ (s / (s.square() + penalty) * projected) * unit))
    weights = min(candidates, key=lambda scored: scored[0])[1]
    return replace(model, bias=(centre - mean @ weights).reshape(1), pure={1: weights[None]})


def _stable(model: Polynomial, frequencies: dict[str, float]) -> Polynomial:
    """Return the model without the streams chosen on at most half of the resamples.

    The bound on falsely chosen streams (Meinshausen & Bühlmann 2010, theorem 1) needs a threshold
    above one half. The most frequent stream always stays.
    """
    best = max(model.streams, key=lambda name: frequencies[name])
    for name in model.streams:
        if frequencies[name] <= 0.5 and name != best:
            model = model.without_stream(name)
    return model


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
    task: SearchTask, seed: int, options: LeastSquaresOptions, final: Fitted, steps: list[Fitted],
    frequencies: dict[str, float], passes: int, start: float, chosen_at: float,
) -> SearchResult:
    """Return the result of the `final` fit, with a row of history for each of the `steps` to it."""
    kept = final.model.streams
    names = [Stream(kind, k) for kind, lowest in (("pure", 1), ("interact", 2))
             for k in range(lowest, options.order + 1)]
    frequencies = {name: frequencies.get(name, 0.0) for name in names}
    # scores above one half mean kept, whatever the method. Where the halves of the rows say
    # otherwise than the fit to all rows, that fit decides, and the score is set just on its side
    scores = {
        name: max(share, 0.55) if name in kept else min(share, 0.5)
        for name, share in frequencies.items()
    }
    history = pd.DataFrame([
        {"epoch": i, "loss": step.error, "lambda": 0.0,
         **{name: float(name in step.model.streams) for name in names}}
        for i, step in enumerate([*steps, final], start=1)
    ])
    model = final.model.two_classes() if task.n_outputs == 2 else final.model
    neuron = without_constants(model.to_neuron(), task)
    now = time.perf_counter()
    return SearchResult(
        method="als", structure=neuron.structure, gate_probabilities=scores, history=history,
        seconds=now - start, seed=seed, neuron=neuron, scaling=task.scaling,
        limits=feature_limits(task, neuron.structure),
        selection_frequencies=frequencies, passes=passes, fit_seconds=now - chosen_at,
    )
