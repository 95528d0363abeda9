"""The choice of streams on given rows: of all features, or of the few that a screening leaves.

A table with few rows a feature cannot carry the streams of all its features. There a few are
screened first, and the better of both choices by an extended BIC is taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from ...portable import root
from ..search_task import ScaledRows, SearchTask
from .entropy import Logistic, Softmax
from .gram import Data
from .held_out import choose, group_numbers, held_out
from .moments import Starts
from .objective import Fitted, Objective, Squares
from .options import LeastSquaresOptions
from .polynomial import Polynomial
from .selection import Selection
from .simpler_streams import LoweringSelection
from .stability_selection import selection_frequencies
from .used_features import SCREENED, feature_price, screened, without_idle

ROWS_A_FEATURE = 14
"""Rows a feature below which a few features are screened: all features in a linear and a pure
stream and in an interaction of order 5 have seven parameters each, two rows a parameter."""

MANY = 64
"""Features beyond which streams of all of them are not tried, for they would take minutes, where a
few features explain half of the target."""


class Clock:
    """Tells whether the seconds that a search may take are over; None: they never are."""

    def __init__(self, seconds: float | None) -> None:
        self.end = None if seconds is None else time.perf_counter() + seconds
        self.was_over = False

    def is_over(self) -> bool:
        """Whether the time is up; `was_over` remembers it."""
        self.was_over = self.was_over or (self.end is not None and time.perf_counter() > self.end)
        return self.was_over


@dataclass(frozen=True, eq=False)
class StreamChoice:
    """Streams chosen for some features, whose numbers are `columns` (d,).

    `objective`: on the rows and features of the choice; `chosen`: the fit; `linear`: the fit of
    the linear model; `steps`: the models on the way; `frequencies`: how often each stream was
    chosen on halves of the rows; `untried`: orders of interactions that the rows cannot carry.
    """

    columns: np.ndarray
    objective: Objective
    chosen: Fitted
    linear: Fitted
    steps: list[Fitted]
    frequencies: dict[str, float]
    untried: list[int]

    def criterion(self, n_total: int) -> float:
        """Return the extended BIC of the choice among `n_total` features."""
        return self.chosen.criterion + feature_price(len(self.columns), n_total)


class Chooser:
    """Chooses streams of a task by some of its rows, numbers (n,)."""

    def __init__(
        self, task: SearchTask, rows: np.ndarray, order: int, options: LeastSquaresOptions,
        generator: torch.Generator, clock: Clock,
    ) -> None:
        self.task, self.rows, self.order, self.options = task, rows, order, options
        self.generator, self.clock = generator, clock

    def explore(self, columns: np.ndarray) -> StreamChoice:
        """Return the best choice among the features `columns` (D,)."""
        d, choices, order = len(columns), [], self.order
        few_rows = len(self.rows) < ROWS_A_FEATURE * d and d > SCREENED
        if self.options.screen and few_rows:
            objective = self._objective(columns)
            picked = screened(torch.as_tensor(objective.data.Z[:]), objective.data.target)
            if picked:
                narrow = self._pruned(self._choice(columns[picked], self.order), d)
                # of many features some explain any target: fewer than none at all is no answer
                constant = objective.fit(Polynomial.constant(d, objective.data.target.shape[1]))
                if narrow.criterion(d) < constant.criterion:
                    choices.append(narrow)
                    if d > MANY and 2 * narrow.chosen.error < constant.error:
                        order = 1
            if 4 * d > len(self.rows):  # nothing but a linear model of all has two rows a parameter
                order = 1
        choices.append(self._pruned(self._choice(columns, order), d))
        return min(choices, key=lambda choice: choice.criterion(d))

    def _objective(self, columns: np.ndarray) -> Objective:
        rows = self.rows if len(self.rows) < len(self.task.X) else slice(None)
        Z = self.task.part(columns)[rows]
        return objective_of(self.task, Z, rows, self.options.chunk_rows)

    def _choice(self, columns: np.ndarray, order: int) -> StreamChoice:
        """Return the choice of streams up to an order for the features `columns` (d,)."""
        options, objective = self.options, self._objective(columns)
        starts, start_rows, groups, validate = prepared(objective, options, self.generator)
        selection = (LoweringSelection if options.lower else Selection)(
            objective, starts, start_rows, order, options.rank, options.minimum_gain, validate,
            self.clock.is_over,
        )
        path = selection.run()
        # the path was chosen by all rows; rows held out may prefer one of its earlier, smaller
        # models, and all of them must be as good as the linear one
        linear = linear_fit(objective, len(columns))
        fits = [linear, *path.steps[1:]]
        chosen = choose(fits, [validate(fit.model) for fit in fits])
        frequencies = selection_frequencies(
            objective, chosen, path.refused, order, options.minimum_gain, options.resamples,
            groups, self.generator,
        )
        reduced = _stable(chosen.model, frequencies)
        if reduced is not chosen.model:  # rows held out have the last word on what resamples drop
            fits = [linear, chosen, objective.fit(reduced)]
            chosen = choose(fits, [validate(fit.model) for fit in fits])
        steps = path.steps[1:] or [linear]
        return StreamChoice(columns, objective, chosen, linear, steps, frequencies,
                            selection.untried(self.order))

    def _pruned(self, choice: StreamChoice, n_total: int) -> StreamChoice:
        """Return the choice without the features that carry nothing, made anew if many went."""
        model, n = choice.chosen.model, len(self.rows)
        follows_noise = 3 * model.n_free > n  # a shrunk linear model has no BIC
        squares = isinstance(choice.objective, Squares)
        if self.options.features == "all" or not squares or follows_noise:
            return choice
        before = len(choice.columns)
        objective, chosen, columns = without_idle(
            choice.objective, choice.chosen, choice.columns, n_total
        )
        if len(columns) == before:
            return choice
        pruned = replace(choice, objective=objective, chosen=chosen, columns=columns,
                         linear=linear_fit(objective, len(columns)))
        if 2 * len(columns) > before or self.clock.is_over():
            return pruned
        again = self._pruned(self._choice(columns, self.order), n_total)
        return min([again, pruned], key=lambda c: c.criterion(n_total))


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
    weight = None if task.weight is None else torch.as_tensor(task.weight[rows])
    data = Data(Z, target.double(), chunk, sample is None, sample, weight)
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


def linear_fit(objective: Objective, n_features: int) -> Fitted:
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
    y, n = data.target[:, 0], data.n_rows
    share = torch.ones(n).double() if data.weight is None else data.weight
    mean, centre = share @ Z / share.sum(), share @ y / share.sum()
    spread = root(share @ (Z - mean).square() / share.sum())
    unit = torch.where(spread > 0, 1 / spread, 0.0)
    y, Z = root(share) * (y - centre), root(share).unsqueeze(1) * (Z - mean)
    U, s, V = torch.linalg.svd(Z * unit, full_matrices=False)
    projected = U.T @ y
    outside = y.square().sum() - projected.square().sum()
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
