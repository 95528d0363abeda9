"""A trained network with what is needed to use it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from .. import checks
from ..threads import one_thread
from .stacked import predictions

_ROWS = 4096  # of a forward pass


@dataclass(frozen=True)
class FittedNetwork:
    """A trained network.

    `network`: maps (N, D) to (N, C), or to (N, k, C) with k members. `limits`: the lowest and
    highest target of the training rows, within which predictions of a regression stay; None for
    classes. `validation_loss`: mean squared error or cross-entropy on the validation rows at
    `step`, the best one, whose weights the network has.
    """

    network: nn.Module
    limits: tuple[float, float] | None
    validation_loss: float
    step: int

    @property
    def n_parameters(self) -> int:
        """Number of trained parameters."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return (N,) targets or, for classes, (N, C) probabilities, float64, for features (N, D).

        Raises the errors of `nslib.checks` for X.
        """
        X = checks.as_matrix(X, min_rows=1)
        with one_thread(), torch.no_grad():
            dtype = next(self.network.parameters()).dtype
            chunks = torch.as_tensor(X, dtype=dtype).split(_ROWS)
            regression = self.limits is not None
            found = torch.cat(
                [predictions(self.network(rows).unsqueeze(0), regression)[0] for rows in chunks]
            )
        values = found.double().numpy()
        return np.clip(values, *self.limits) if regression else values
