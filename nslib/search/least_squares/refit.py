"""`refit`: the weights of a neuron whose streams are given, by least squares."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from ... import checks
from ...structure import NeuronStructure, Stream
from ...threads import one_thread
from ..result import SearchResult, check_limits, without_constants
from ..search_task import SearchTask, make_task
from .chooser import objective_of, prepared
from .engine import feature_limits, relocated
from .objective import Fitted
from .options import LeastSquaresOptions
from .polynomial import Polynomial
from .selection import Candidate, Selection


class _Within(Selection):
    """Selection among the streams of a structure; arrays have the shapes of `Selection`."""

    def __init__(self, structure: NeuronStructure, *arguments: Any) -> None:
        self.allowed = set(structure.streams)
        super().__init__(*arguments)

    def _pure_candidates(self, current: Fitted, residual: Tensor) -> list[Candidate]:
        return [c for c in super()._pure_candidates(current, residual)
                if Stream("pure", c.order) in self.allowed]

    def _interaction_candidates(
        self, current: Fitted, residual: Tensor, orders: Iterable[int], effort: int = 1
    ) -> list[Candidate]:
        orders = [k for k in orders if Stream("interact", k) in self.allowed]
        return super()._interaction_candidates(current, residual, orders, effort)

    def _reduced(self, model: Polynomial) -> list[Polynomial]:
        return [m for m in super()._reduced(model) if self.allowed.issuperset(m.streams)]


def refit(
    structure: NeuronStructure, X: Any, y: Any, *, seed: int = 0, standardize: bool = True,
    limits: str | None = "data",
) -> SearchResult:
    """Fit a neuron of given streams to a regression target by least squares.

    The retraining after a search, the same whatever method chose the streams: starts, fits and
    ranks as in the least-squares search, up to the rank of `structure`. Within these streams it is
    parsimonious too: one that does not pay for its parameters has no weight, and the structure of
    the result names those in use. So a superfluous stream costs time, a missing one costs accuracy.
    Same seed, same result.

    X (N, D), y (N,), a regression target, and the options are as in `nslib.search.search` for the
    method "als". Raises TypeError or ValueError for another structure or a sin stream, and as
    `search` for the data.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((200, 2))
    >>> result = refit(NeuronStructure((1, 2), (2,), rank=1), X, X[:, 0] ** 2 + X[:, 1])
    >>> str(result.structure)
    'pure(1,2)'
    """
    if not isinstance(structure, NeuronStructure):
        raise TypeError(f"structure: found {checks.shown(structure)}, expected a NeuronStructure")
    if structure.sin:
        raise ValueError(f"structure: found {structure}, expected one without the sin stream")
    seed = checks.positive_int(seed, "seed", minimum=0)
    check_limits(limits)
    task = relocated(make_task(X, y, "regression", standardize))
    start = time.perf_counter()
    with one_thread():
        steps = _fit(structure, task, seed)
        neuron = without_constants(steps[-1].model.to_neuron(), task)
    return SearchResult(
        method="refit", structure=neuron.structure,
        gate_probabilities={s: float(s in neuron.structure.streams) for s in structure.streams},
        history=pd.DataFrame([{"epoch": i, "loss": s.error} for i, s in enumerate(steps)]),
        seconds=time.perf_counter() - start, seed=seed, neuron=neuron, scaling=task.scaling,
        limits=feature_limits(task, neuron.structure) if limits == "data" else None,
    )


def _fit(structure: NeuronStructure, task: SearchTask, seed: int) -> list[Fitted]:
    """Return the accepted models in turn, the first a constant, the last the one to use."""
    options = LeastSquaresOptions()
    generator = torch.Generator().manual_seed(seed)
    objective = objective_of(task, task.Z, slice(None), options.chunk_rows)
    starts, start_rows, _, validate = prepared(objective, options, generator)
    selection = _Within(
        structure, objective, starts, start_rows, max(*structure.pure, *structure.interact, 1),
        structure.rank, options.minimum_gain, validate,
    )
    steps = selection.run().steps
    if len(steps) == 1:
        return [*steps, objective.scored(_zero(structure, steps[0].model))]
    return [*steps, objective.fit(steps[-1].model, "thorough")]


def _zero(structure: NeuronStructure, constant: Polynomial) -> Polynomial:
    """Return the constant with the structure's first stream, of zero weights."""
    if structure.pure:
        return constant.with_pure(structure.pure[0])
    factors = torch.ones(structure.interact[0], constant.n_features, dtype=torch.float64)
    return constant.with_term(factors, torch.zeros(1, dtype=torch.float64))
