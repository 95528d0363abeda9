"""A trained network with what is needed to use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .. import checks
from ..stored_weights import load_weights
from ..threads import one_thread
from .rows import rows_at_once
from .stacked import predictions

_ROWS = 4096  # of a forward pass


@dataclass(frozen=True)
class FittedNetwork:
    """A trained network, (N, ...) to (N, C) or with k members (N, k, C), of its best step.

    Predictions of a regression stay within the `limits`, the lowest and highest target of the
    training rows; None for classes. `validation_loss` is the mean squared error or cross-entropy.
    """

    network: nn.Module
    limits: tuple[float, float] | None
    validation_loss: float
    step: int

    def predict(self, X: Any) -> np.ndarray:
        """Return (N,) targets or, for classes, (N, C) probabilities, float64, for rows X (N, ...).

        In evaluation mode. Raises TypeError or ValueError for X that is not finite numbers, and
        ValueError where the network's numbers overflow.
        """
        X = checks.as_batch(X)
        network, regression = self.network.eval(), self.limits is not None
        weight = next(network.parameters())
        size = rows_at_once(X.shape[1:], _ROWS)
        outputs = []
        with one_thread(), torch.no_grad():
            for i in range(0, len(X), size):
                # a copy, since X may be read-only or have strides that torch lacks
                rows = torch.as_tensor(np.array(X[i : i + size])).to(weight)
                outputs.append(predictions(network(rows).unsqueeze(0), regression)[0])
        values = torch.cat(outputs).cpu().double().numpy()
        values = np.clip(values, *self.limits) if regression else values
        if not np.isfinite(values).all():
            raise ValueError("X: found rows for which the numbers of the network overflow")
        return values

    def to_state(self) -> dict[str, Any]:
        """Return all but the network as plain values."""
        return {"limits": self.limits, "validation_loss": self.validation_loss, "step": self.step}

    @classmethod
    def from_state(
        cls, state: Mapping[str, Any], network: nn.Module, weights: Mapping[str, Tensor]
    ) -> FittedNetwork:
        """Return the model of a state; `network` of its architecture gets the weights, by name.

        The network may be on torch's device "meta": it takes the tensors as they are. Raises
        RuntimeError for other names and shapes, ValueError for numbers that are not finite.
        """
        load_weights(network, weights)
        limits = state["limits"]
        if limits is not None:
            limits = tuple(checks.finite_numbers(limits, "limits", (2,)).tolist())
            if limits[0] > limits[1]:
                raise ValueError(f"limits: found {limits}, expected the lower one first")
        network = network.eval().requires_grad_(False)
        return cls(network, limits, state["validation_loss"], state["step"])
