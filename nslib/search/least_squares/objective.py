"""What the least-squares search minimises: the interface, and squared errors.

`entropy` holds the cross-entropies of classification.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from .gram import Data, minimise
from .polynomial import Polynomial


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted model: its loss (-2 log likelihood up to a constant), mean error and BIC."""

    model: Polynomial
    loss: float
    error: float
    criterion: float


EFFORTS = {"brief": (4, 1e-3), "normal": (40, 1e-5), "thorough": (200, 1e-10)}
"""Most steps, and relative decrease of the error at which a fit ends."""


class Objective(Protocol):
    """What is minimised: squares or cross-entropy."""

    data: Data
    n_working: int

    def fit(self, model: Polynomial, effort: str = "normal") -> Fitted:
        """Return the model fitted from where it is; effort is a key of `EFFORTS`."""

    def residual(self, model: Polynomial) -> Tensor:
        """Return minus the gradient of the error by the outputs, (N, C)."""

    def predicted_loss(self, fitted: Fitted, gain: Tensor) -> float:
        """Return the loss expected when the residual's squares fall by `gain` (C,)."""

    def working(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return row weights and steps, (n, n_working) each, of the quadratic near the outputs."""

    def row_errors(self, output: Tensor, moved: Tensor, target: Tensor) -> Tensor:
        """Return each row's error (n,) with the outputs moved by `moved` (n, n_working)."""

    def working_loss(self, squares: float, n_rows: int) -> float:
        """Return the loss of a weighted sum of squared steps."""


class Squares:
    """Mean squared error; the loss is N log of it."""

    FLOOR = 1e-16
    n_working = 1

    def __init__(self, data: Data) -> None:
        self.data = data
        centred = data.target - data.target.mean(0)
        self.total = float(centred.square().sum())

    def _loss(self, squares: float) -> float:
        n = self.data.n_rows
        return n * math.log(max(squares, self.FLOOR * self.total, 1e-300) / n)

    def fit(self, model: Polynomial, effort: str = "normal") -> Fitted:
        """Fit all parameters by least squares from where they are."""
        return self._fitted(*minimise(model, self.data, *EFFORTS[effort]))

    def scored(self, model: Polynomial) -> Fitted:
        """Return a model as it is with its scores."""
        return self._fitted(model, float(self.residual(model).square().sum()))

    def _fitted(self, model: Polynomial, squares: float) -> Fitted:
        loss = self._loss(squares)
        error = max(squares, self.FLOOR * self.total) / self.data.n_rows
        return Fitted(model, loss, error, loss + model.n_free * math.log(self.data.n_rows))

    def residual(self, model: Polynomial) -> Tensor:
        """Return target - f(Z), (N, 1)."""
        return self.data.residual(model)

    def predicted_loss(self, fitted: Fitted, gain: Tensor) -> float:
        """Return the loss after the sum of squares fell by `gain` (1,)."""
        return self._loss(fitted.error * self.data.n_rows - float(gain.sum()))

    def working(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return weights of one and the residual, (n, 1) each."""
        return torch.ones_like(output), target - output

    def row_errors(self, output: Tensor, moved: Tensor, target: Tensor) -> Tensor:
        """Return each row's squared error (n,) with the outputs moved."""
        return (target - output - moved)[:, 0].square()

    def working_loss(self, squares: float, n_rows: int) -> float:
        """Return N log of the mean square."""
        return n_rows * math.log(squares / n_rows)
