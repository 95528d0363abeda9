"""What the least-squares search minimises: the interface, and squared errors (see `entropy`)."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .gram import Data, minimise, squared_error
from .polynomial import Polynomial


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted model: its loss (-2 log likelihood up to a constant), mean error and BIC."""

    model: Polynomial
    loss: float
    error: float
    criterion: float


EFFORTS = {"brief": (4, 1e-3), "longer": (8, 1e-3), "normal": (40, 1e-5), "thorough": (200, 1e-10)}
"""Most steps, and relative decrease of the error at which a fit ends: brief to see whether a term
is worth a fit, longer for that where tails make first steps poor, normal to compare models,
thorough for the one that is returned."""


class Objective(ABC):
    """What is minimised: squares or cross-entropy, summed over the data's rows.

    `data.target` is (N, C), one-hot for C > 1; one column of 0 and 1 stands for two classes.
    """

    def __init__(self, data: Data) -> None:
        self.data, self.n_working = data, data.target.shape[1]

    def on(self, columns: np.ndarray) -> Objective:
        """Return the objective on some of the features only, whose numbers are `columns` (d,)."""
        data = self.data
        Z = data.Z[:][:, columns]
        return type(self)(Data(Z, data.target, data.chunk_rows, keep=True, weight=data.weight))

    @abstractmethod
    def fit(self, model: Polynomial, effort: str = "normal") -> Fitted:
        """Return the model fitted from where it is; effort is a key of `EFFORTS`."""

    @abstractmethod
    def predicted_loss(self, fitted: Fitted, gain: Tensor) -> float:
        """Return the loss expected when the residual's squares fall by `gain` (C,)."""

    @abstractmethod
    def working(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return row weights w and steps z, both (n, C): near output (n, C) the error of target
        (n, C) is that of w-weighted least squares on z, up to a constant."""

    @abstractmethod
    def row_errors(self, output: Tensor, moved: Tensor, target: Tensor) -> Tensor:
        """Return each row's error (n,) with output moved by `moved`; all arguments are (n, C)."""

    @abstractmethod
    def mean(self, output: Tensor) -> Tensor:
        """Return the target (n, C) that output (n, C) predicts."""

    def working_loss(self, squares: float, n_rows: int) -> float:
        """Return the loss of a weighted sum of squared steps."""
        return squares

    def residual(self, model: Polynomial) -> Tensor:
        """Return minus the gradient of the error by the outputs, (N, C), rows being weighed."""
        chunks = self.data.chunks()
        return torch.cat([
            rows.weighed(target - self.mean(model.outputs(rows))) for rows, target in chunks
        ])

    def _fitted(self, model: Polynomial, loss: float, error: float) -> Fitted:
        return Fitted(model, loss, error, loss + model.n_free * math.log(self.data.n_rows))


class Squares(Objective):
    """Mean squared error of one output; the loss is N log of it, the Gaussian -2 log likelihood
    with the variance at its best value, up to a constant."""

    FLOOR = 1e-16
    """Share of the variance of y below which errors count as equal: without noise the logarithm of
    rounding errors would choose the streams."""

    def __init__(self, data: Data) -> None:
        super().__init__(data)
        share = torch.ones(data.n_rows).double() if data.weight is None else data.weight
        mean = (share @ data.target) / share.sum()
        self.total = float(share @ (data.target - mean).square().sum(1))

    def _loss(self, squares: float) -> float:
        n = self.data.n_rows
        return n * math.log(max(squares, self.FLOOR * self.total, 1e-300) / n)

    def fit(self, model: Polynomial, effort: str = "normal") -> Fitted:
        return self._scored(*minimise(model, self.data, *EFFORTS[effort]))

    def scored(self, model: Polynomial) -> Fitted:
        """Return a model as it is with its scores."""
        squares = sum(
            squared_error(model.outputs(rows)[:, 0], target[:, 0], rows.weight)[2]
            for rows, target in self.data.chunks()
        )
        return self._scored(model, squares)

    def _scored(self, model: Polynomial, squares: float) -> Fitted:
        error = max(squares, self.FLOOR * self.total) / self.data.n_rows
        return self._fitted(model, self._loss(squares), error)

    def mean(self, output: Tensor) -> Tensor:
        return output

    def predicted_loss(self, fitted: Fitted, gain: Tensor) -> float:
        return self._loss(fitted.error * self.data.n_rows - float(gain.sum()))

    def working(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        return torch.ones_like(output), target - output

    def row_errors(self, output: Tensor, moved: Tensor, target: Tensor) -> Tensor:
        return (target - output - moved)[:, 0].square()

    def working_loss(self, squares: float, n_rows: int) -> float:
        return n_rows * math.log(squares / n_rows)
