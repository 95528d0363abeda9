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
"""Most steps, and relative decrease of the error at which a fit ends: brief to see whether a term
is worth a fit, normal to compare models, thorough for the one that is returned."""


class Objective(Protocol):
    """What is minimised: squares or cross-entropy, of C outputs.

    `n_working`: how many outputs the quadratic approximation of `working` has.
    """

    data: Data
    n_working: int

    def fit(self, model: Polynomial, effort: str = "normal") -> Fitted:
        """Return the model fitted from where it is; effort is a key of `EFFORTS`."""

    def residual(self, model: Polynomial) -> Tensor:
        """Return minus the gradient of the error by the outputs, (N, C)."""

    def predicted_loss(self, fitted: Fitted, gain: Tensor) -> float:
        """Return the loss expected when the residual's squares fall by `gain` (C,)."""

    def working(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return row weights w and steps z, (n, n_working) each: near output (n, C) the error of
        target (n, C) is that of w-weighted least squares on z, up to a constant."""

    def row_errors(self, output: Tensor, moved: Tensor, target: Tensor) -> Tensor:
        """Return each row's error (n,) with output (n, C) moved by `moved` (n, n_working)."""

    def working_loss(self, squares: float, n_rows: int) -> float:
        """Return the loss of a weighted sum of squared steps."""


class Squares:
    """Mean squared error of one output; the loss is N log of it, the Gaussian -2 log likelihood
    with the variance at its best value, up to a constant."""

    FLOOR = 1e-16
    """Share of the variance of y below which errors count as equal: without noise the logarithm of
    rounding errors would choose the streams."""

    n_working = 1

    def __init__(self, data: Data) -> None:
        """`data.target` is (N, 1)."""
        self.data = data
        centred = data.target - data.target.mean(0)
        self.total = float(centred.square().sum())

    def _loss(self, squares: float) -> float:
        """Return N log of the mean of summed squares."""
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
        """Return weights of one and the residual, (n, 1) each, of output and target (n, 1)."""
        return torch.ones_like(output), target - output

    def row_errors(self, output: Tensor, moved: Tensor, target: Tensor) -> Tensor:
        """Return each row's squared error (n,), output, moved and target being (n, 1)."""
        return (target - output - moved)[:, 0].square()

    def working_loss(self, squares: float, n_rows: int) -> float:
        """Return N log of the mean square."""
        return n_rows * math.log(squares / n_rows)
