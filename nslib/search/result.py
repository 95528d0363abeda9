"""What a search returns, and the scaling between raw data and the units the search works in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import sympy as sp
import torch

from .. import checks, formula
from ..neuron import TaskLinear
from ..structure import NeuronStructure, Stream
from ..threads import one_thread
from .columns import Columns, finite_chunks, finite_columns


@dataclass(frozen=True)
class Scaling:
    """How raw data and the units of a search belong together.

    `x_mean`, `x_scale` (D,), `y_mean`, `y_scale`: raw = mean + scale · scaled; `classes` (C,) or
    None; `feature_names` where the data had names. A constant feature has scale 1.
    """

    x_mean: np.ndarray
    x_scale: np.ndarray
    y_mean: float
    y_scale: float
    classes: np.ndarray | None
    feature_names: tuple[str, ...] | None


class ScaledRows:
    """Features (N, D) in scaled units: indexing by rows reads these and returns (n, D) float64."""

    def __init__(self, X: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> None:
        self.X, self.shape = X, X.shape
        # most tasks need only one or neither of the two
        self.mean = mean if mean.any() else None
        self.scale = scale if (scale != 1).any() else None

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        Z = np.array(self.X[rows], dtype=np.float64)
        if self.mean is not None:
            Z -= self.mean
        if self.scale is not None:
            Z /= self.scale
        return Z


@dataclass(frozen=True)
class Task(Scaling):
    """A validated search task.

    `X` (N, D): raw features in float32 or float64, which may lie on disk; `columns`: their
    statistics; `target` (N,) float64, standardised, or (N,) int64 class codes.
    """

    X: np.ndarray
    columns: Columns
    target: np.ndarray

    @property
    def n_outputs(self) -> int:
        """One for regression, the number of classes for classification."""
        return 1 if self.classes is None else len(self.classes)

    @property
    def scaling(self) -> Scaling:
        """The scaling without the data, for results to keep."""
        return Scaling(**{field.name: getattr(self, field.name) for field in fields(Scaling)})

    @property
    def rows(self) -> ScaledRows:
        """The features in scaled units, read where they are asked for."""
        return ScaledRows(self.X, self.x_mean, self.x_scale)

    @cached_property
    def Z(self) -> np.ndarray:
        """All features in scaled units, (N, D) float64, kept in memory once asked for."""
        return self.rows[:]

    @property
    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and highest scaled features, (D,) each."""
        low, high = self.columns.low, self.columns.high
        return (low - self.x_mean) / self.x_scale, (high - self.x_mean) / self.x_scale

    @property
    def largest(self) -> float:
        """The largest absolute value of a scaled feature."""
        return float(np.abs(self.limits).max())

    @property
    def constant(self) -> np.ndarray:
        """Which scaled features have one value, (D,) bool."""
        low, high = self.limits
        return low == high


def feature_names(X: Any) -> tuple[str, ...] | None:
    """Return the column names of a DataFrame, None for other data; ValueError for repeated ones."""
    if not isinstance(X, pd.DataFrame):
        return None
    names = tuple(map(str, X.columns))
    if len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"X: found the column name {repeated!r} twice, expected distinct names")
    return names


def _task_of(y: Any) -> str:
    """Tell the task from the target's type; ValueError for numbers that are given as text."""
    if isinstance(y, torch.Tensor):
        return "regression"
    kind = getattr(y, "dtype", None)
    kind = pd.Series(y).dtype if kind is None else kind
    if pd.api.types.is_bool_dtype(kind):
        return "classification"
    if pd.api.types.is_numeric_dtype(kind):
        return "regression"
    text = pd.api.types.is_string_dtype(kind) or pd.api.types.is_object_dtype(kind)
    if text and pd.to_numeric(pd.Series(np.ravel(y)), errors="coerce").notna().all():
        raise ValueError(
            "y: found numbers given as text, expected numbers for a regression; "
            'pass task="classification" if they are class names'
        )
    return "classification"


def make_task(X: Any, y: Any, task: str = "auto", standardize: bool = True) -> Task:
    """Check X (N, D) and y (N,), tell regression from classification and scale both.

    With task="auto", text, boolean and pandas categorical targets are classes, numbers are a
    regression target. A regression target is always standardised; `standardize` says whether the
    features are. Raises the errors of `nslib.checks`.
    """
    checks.one_of(task, "task", ["auto", "regression", "classification"])
    checks.boolean(standardize, "standardize")
    names = feature_names(X)
    X = checks.as_rows(X)
    task = _task_of(y) if task == "auto" else task
    columns, d = finite_columns(X, "X"), X.shape[1]
    x_mean, x_scale = (columns.mean, columns.scale) if standardize else (np.zeros(d), np.ones(d))
    if task == "classification":
        codes, classes = checks.as_labels(y, len(X))
        return Task(x_mean, x_scale, 0.0, 1.0, classes, names, X, columns, codes)
    target = checks.as_target(y, len(X))
    moments = finite_columns(target, "y")
    y_mean, y_scale = float(moments.mean), float(moments.scale)
    target = (target - y_mean) / y_scale
    return Task(x_mean, x_scale, y_mean, y_scale, None, names, X, columns, target)


def check_powers(tasks: Sequence[Task], order: int) -> None:
    """Raise ValueError where x^order would leave the range in which single precision is safe."""
    largest = max(task.largest for task in tasks)
    if order * np.log10(max(largest, 1.0)) > 15:
        raise ValueError(
            f"X: found values up to {largest:.3g} in the search's units, whose power {order} "
            "is beyond 1e15; use standardize=True, clip outliers, or lower the order"
        )


@torch.no_grad()
def without_constants(neuron: TaskLinear, task: Task) -> TaskLinear:
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

    def to_state(self) -> dict[str, Any]:
        """Return all but classes and the neuron's weights, its `state_dict`, as plain values."""
        neuron, scaling = self.neuron, self.scaling
        return {
            "neuron": {"sizes": [neuron.in_features, neuron.out_features],
                       "structure": str(neuron.structure), "bias": neuron.bias is not None,
                       "norm": neuron.norm, "double": neuron.weight.dtype == torch.float64},
            "scaling": {"x_mean": scaling.x_mean.tolist(), "x_scale": scaling.x_scale.tolist(),
                        "y_mean": scaling.y_mean, "y_scale": scaling.y_scale,
                        "feature_names": scaling.feature_names},
            "method": self.method, "structure": str(self.structure), "seconds": self.seconds,
            "seed": self.seed, "gate_probabilities": self.gate_probabilities,
            "selection_frequencies": self.selection_frequencies, "passes": self.passes,
            "fit_seconds": self.fit_seconds, "history": self.history.to_dict("list"),
            "limits": None if self.limits is None else [end.tolist() for end in self.limits],
        }

    @classmethod
    def from_state(
        cls, state: dict[str, Any], weights: dict[str, torch.Tensor], classes: np.ndarray | None
    ) -> SearchResult:
        """Return the result of a state, the neuron's weights by name and the classes (C,)."""
        of_neuron, scaling, limits = state["neuron"], dict(state["scaling"]), state["limits"]
        neuron = TaskLinear(
            *of_neuron["sizes"], NeuronStructure.parse(of_neuron["structure"]), of_neuron["bias"],
            of_neuron["norm"], dtype=torch.float64 if of_neuron["double"] else torch.float32,
        ).eval().requires_grad_(False)
        neuron.load_state_dict(weights)
        names = scaling["feature_names"]
        scaling["feature_names"] = None if names is None else tuple(names)
        for name in ("x_mean", "x_scale"):
            scaling[name] = np.asarray(scaling[name])
        return cls(**{
            **state, "neuron": neuron, "scaling": Scaling(**scaling, classes=classes),
            "structure": NeuronStructure.parse(state["structure"]),
            "history": pd.DataFrame(state["history"]),
            "limits": None if limits is None else tuple(np.asarray(end) for end in limits),
        })
