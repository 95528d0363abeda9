"""What a search returns: the streams, the fitted neuron, and the range in which it is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import sympy as sp
import torch

from .. import checks, formula
from ..neuron import TaskLinear
from ..structure import NeuronStructure, Stream
from ..threads import one_thread
from .columns import finite_chunks
from .search_task import Scaling, SearchTask, feature_names


@torch.no_grad()
def without_constants(neuron: TaskLinear, task: SearchTask) -> TaskLinear:
    """Return the neuron, frozen; the weights of constant features, which see zeros, are zero."""
    constant = torch.as_tensor(task.constant)
    for stream, weights in neuron.stream_weights().items():
        if stream.kind != "interact":
            weights[:, constant] = 0
    if neuron.factors is not None:
        neuron.factors[:, constant] = 0
    return neuron.requires_grad_(False)


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    `structure`: the streams kept. `gate_probabilities`: for each candidate stream the score in
    [0, 1] by which it was kept or dropped. `history`: a row an epoch (epoch, loss, penalty weight
    `lambda`, and a column a stream). `seconds`: wall time, a batch's time shared equally by its
    fits. `neuron`: the fitted `TaskLinear` (D → 1 or classes) on scaled features; with C > 1
    classes, which have CP factors of their own, its basis has rank C·R.
    `limits`: the lowest and highest scaled features (D,) up to which the neuron is used, values
    beyond them being moved there; None for no limits.
    `selection_frequencies`: for each candidate stream the share of random halves of the rows on
    which it was chosen (stability selection, Meinshausen & Bühlmann 2010); None for methods that
    do not resample. `passes`: how often all rows were read, once to scale them, then to fit;
    `fit_seconds`: the part of `seconds` after the streams were chosen. None where not counted.
    """

    method: str
    structure: NeuronStructure
    gate_probabilities: dict[str, float]
    history: pd.DataFrame = field(repr=False)
    seconds: float
    seed: int
    neuron: TaskLinear = field(repr=False)
    scaling: Scaling = field(repr=False)
    limits: tuple[np.ndarray, np.ndarray] | None = field(repr=False, default=None)
    selection_frequencies: dict[str, float] | None = field(repr=False, default=None)
    passes: int | None = field(repr=False, default=None)
    fit_seconds: float | None = field(repr=False, default=None)

    @property
    def ranks(self) -> dict[int, int]:
        """The number of rank-one terms of each interaction's order that are not zero.

        `structure.rank` is the largest; that of a classification counts the terms of all classes.
        """
        found, weights = {}, self.neuron.stream_weights()
        for k in self.structure.interact:
            mixed = (weights[Stream("interact", k)] != 0).any(dim=0)
            present = (self.neuron.factor(k) != 0).any(dim=2).all(dim=0)
            found[k] = int((mixed & present).sum())
        return found

    @property
    def classes(self) -> np.ndarray | None:
        """The class names in the order of the neuron's outputs; None for regression."""
        return self.scaling.classes

    def _scaled(self, X: Any, min_rows: int = 1) -> Iterator[torch.Tensor]:
        """Yield raw X (N, D) in the neuron's units, chunk by chunk."""
        names, known = feature_names(X), self.scaling.feature_names
        if None not in (names, known) and names != known:
            raise ValueError(f"X: found the columns {list(names)}, expected {list(known)}")
        X = checks.as_rows(X, min_rows=min_rows)
        if X.shape[1] != self.neuron.in_features:
            raise ValueError(
                f"X: found {X.shape[1]} features, expected {self.neuron.in_features}"
            )
        for Z in finite_chunks(X, "X"):
            Z -= self.scaling.x_mean
            Z /= self.scaling.x_scale
            if self.limits is not None:
                np.clip(Z, *self.limits, out=Z)
            yield torch.as_tensor(Z, dtype=self.neuron.weight.dtype)

    def decision(self, X: Any) -> np.ndarray:
        """Return the neuron's outputs for raw X (N, D): (N,) in y's units, or (N, C) logits.

        X may be an array on disk, which is read chunk by chunk. Raises ValueError for other
        features than those of the search, and where powers overflow.
        """
        with torch.no_grad(), one_thread():
            parts = [self.neuron(Z).double().numpy() for Z in self._scaled(X)]
        outputs = np.concatenate(parts)
        if not np.isfinite(outputs).all():
            raise ValueError("X: found values so far from the training data that powers overflow")
        if self.classes is not None:
            return outputs
        return outputs[:, 0] * self.scaling.y_scale + self.scaling.y_mean

    def predict(self, X: Any) -> np.ndarray:
        """Return predictions (N,) for raw X (N, D): values in y's units, or class names."""
        outputs = self.decision(X)
        return outputs if self.classes is None else self.classes[outputs.argmax(axis=1)]

    def formula(self, raw: bool = False, expand: bool = True) -> sp.Expr | dict[Any, sp.Expr]:
        """Return the fitted formula as a sympy expression; for classes, a dict of logits.

        In the scaled units of the search, or with `raw` in the units of the data. With `expand`
        a sum of monomials, else of products of linear forms. Raises ValueError where the
        expansion would have more than `nslib.formula.MAX_MONOMIALS` monomials.
        """
        s = self.scaling
        units = (
            {"x_mean": s.x_mean, "x_scale": s.x_scale, "y_mean": s.y_mean, "y_scale": s.y_scale}
            if raw
            else {}
        )
        found = formula.expressions(self.neuron, s.feature_names, expand=expand, **units)
        return found[0] if s.classes is None else dict(zip(s.classes.tolist(), found, strict=True))

    def stream_shares(self, X: Any) -> pd.Series:
        """Return each stream's share of the summed variance of all streams' outputs on raw X.

        The streams of a polynomial are correlated, so shares describe this neuron on this data;
        they are not a decomposition of the variance of y.
        """
        with torch.no_grad(), one_thread():
            parts = [self.neuron.stream_outputs(Z) for Z in self._scaled(X, min_rows=2)]
        outputs = {k: torch.cat([part[k] for part in parts]) for k in parts[0]}
        variance = pd.Series({k: float(v.var(dim=0).sum()) for k, v in outputs.items()})
        return (variance / variance.sum()).rename("share")
