"""A search task: checked data, and the scaling between them and the units of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch

from .. import checks
from .columns import Columns, finite_columns


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

    def __init__(
        self, X: np.ndarray, mean: np.ndarray, scale: np.ndarray, columns: np.ndarray | None = None
    ) -> None:
        """X (N, D) raw features; mean, scale (D,); columns (d,): those that are read, or all."""
        self.X, self.columns = X, columns
        if columns is not None:
            mean, scale = mean[columns], scale[columns]
        self.shape = (len(X), len(mean))
        # most tasks need only one or neither of the two
        self.mean = mean if mean.any() else None
        self.scale = scale if (scale != 1).any() else None

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Return the rows of a slice or of numbers (n,), scaled: (n, D)."""
        rows = self.X[rows]
        Z = np.array(rows if self.columns is None else rows[:, self.columns], dtype=np.float64)
        if self.mean is not None:
            Z -= self.mean
        if self.scale is not None:
            Z /= self.scale
        return Z


@dataclass(frozen=True)
class SearchTask(Scaling):
    """A validated search task.

    `X` (N, D): raw features in float32 or float64, which may lie on disk; `columns`: their
    statistics; `target` (N,) float64, standardised, or (N,) int64 class codes; `weight` (N,): how
    much each row counts, one in the mean, or None for one each.
    """

    X: np.ndarray
    columns: Columns
    target: np.ndarray
    weight: np.ndarray | None = None

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
        """The features in scaled units (N, D), of which each use reads the rows that it needs."""
        return self.part()

    def part(self, columns: np.ndarray | None = None) -> ScaledRows:
        """Return the scaled rows of some features, `columns` (d,), or of all."""
        return ScaledRows(self.X, self.x_mean, self.x_scale, columns)

    @cached_property
    def Z(self) -> np.ndarray:
        """All features in scaled units, (N, D) float64, kept in memory from the first use on."""
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
    y = y if hasattr(y, "dtype") else checks.as_given(y)
    kind = y.dtype
    if pd.api.types.is_bool_dtype(kind):
        return "classification"
    if pd.api.types.is_numeric_dtype(kind):
        return "regression"
    text = pd.api.types.is_string_dtype(kind) or pd.api.types.is_object_dtype(kind)
    try:
        numbers = text and pd.to_numeric(pd.Series(np.ravel(y)), errors="coerce").notna().all()
    except OverflowError:  # an int beyond 1e308, which the check of a regression names
        return "regression"
    if numbers:
        raise ValueError(
            "y: found numbers given as text, expected numbers for a regression; "
            'pass task="classification" if they are class names'
        )
    return "classification"


def make_task(
    X: Any, y: Any, task: str = "auto", standardize: bool = True, weight: Any = None
) -> SearchTask:
    """Check X (N, D) and y (N,), tell regression from classification and scale both.

    With task="auto", text, boolean and pandas categorical targets are classes, numbers are a
    regression target. A regression target is always standardised; `standardize` says whether the
    features are. `weight` (N,): of the rows, or None. Raises the errors of `nslib.checks`.
    """
    checks.one_of(task, "task", ["auto", "regression", "classification"])
    checks.boolean(standardize, "standardize")
    names = feature_names(X)
    X = checks.as_rows(X)
    task = _task_of(y) if task == "auto" else task
    columns, d = finite_columns(X, "X"), X.shape[1]
    X, target, classes = checks.as_data(X, y, task)
    x_mean, x_scale = (columns.mean, columns.scale) if standardize else (np.zeros(d), np.ones(d))
    if weight is not None:
        weight = checks.sample_weights(weight, len(X))
        weight = weight / weight.mean()
    if task == "classification":
        return SearchTask(x_mean, x_scale, 0.0, 1.0, classes, names, X, columns, target, weight)
    moments = finite_columns(target, "y")
    y_mean, y_scale = float(moments.mean), float(moments.scale)
    target = (target - y_mean) / y_scale
    return SearchTask(x_mean, x_scale, y_mean, y_scale, None, names, X, columns, target, weight)


def check_weights(tasks: Sequence[SearchTask], n_seeds: int, order: int, rank: int) -> None:
    """Raise ValueError where neurons of all orders and C·R columns are too large to be trained."""
    d, c = tasks[0].X.shape[1], tasks[0].n_outputs
    if rank * c > checks.MAX_RANK:
        raise ValueError(f"rank: found {rank} for {c} classes, expected at most "
                         f"{checks.MAX_RANK // c}, so that their product is at most "
                         f"{checks.MAX_RANK}")
    n = len(tasks) * n_seeds * d * c * rank * order * (order + 1) // 2
    if n > checks.MAX_WEIGHTS:
        raise ValueError(f"order, rank: found {order} and {rank}, which with {d} features, {c} "
                         f"outputs and {len(tasks) * n_seeds} fits take {n} weights, expected at "
                         f"most {checks.MAX_WEIGHTS}")


def check_powers(tasks: Sequence[SearchTask], order: int) -> None:
    """Raise ValueError where x^order would leave the range in which single precision is safe."""
    largest = max(task.largest for task in tasks)
    # 1e15 leaves room for its square and for gradients below 3e38, the end of single precision
    if order * np.log10(max(largest, 1.0)) > 15:
        raise ValueError(
            f"X: found values up to {largest:.3g} in the search's units, whose power {order} "
            "is beyond 1e15; use standardize=True, clip outliers, or lower the order"
        )
