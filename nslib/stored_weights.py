"""Weights that come from a file, checked before a module takes them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def load_weights(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Give a module these tensors, by name, of the shapes of its own and finite.

    RuntimeError for other names or shapes; ValueError for NaN, infinity or several types.
    """
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise ValueError(f"{name}: found NaN or infinity, expected finite numbers")
    kinds = {t.dtype for name, t in weights.items() if not name.endswith("num_batches_tracked")}
    if not kinds <= {torch.float32} and not kinds <= {torch.float64}:
        raise ValueError(f"weights: found {sorted(map(str, kinds))}, expected float32 or float64")
    module.load_state_dict(weights, assign=True)
