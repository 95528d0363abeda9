"""The tensor regression of the package tnlearn 0.2, as it ships, prints and seeds aside.

Source: the predecessor's package https://github.com/NewT123-WM/tnlearn, `PolyTensorRegressor`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from nslib import checks
from nslib.structure import NeuronStructure

from .peers import imported
from .scaled_fit import ScaledFit


@dataclass(frozen=True)
class TensorRegressionOptions:
    """Options of the tensor regression, by default as it ships.

    `rank` and `order` of its interactions, `epochs`, `batch_size` and `learning_rate` of its Adam.
    """

    rank: int = 8
    order: int = 5
    epochs: int = 100
    batch_size: int = 64
    learning_rate: float = 0.01

    def __post_init__(self) -> None:
        for name in ("rank", "order", "epochs"):
            checks.positive_int(getattr(self, name), name)
        checks.positive_int(self.batch_size, "batch_size", minimum=2)
        checks.real(self.learning_rate, "learning_rate", low=1e-12)


def fit_tensor_regression(
    Z: np.ndarray, y: np.ndarray, seed: int, options: TensorRegressionOptions
) -> ScaledFit:
    """Fit tnlearn's regressor to Z (N, D), y (N,); its structure is what it reports.

    Raises ImportError where tnlearn is not installed.
    """
    model = imported("tnlearn").PolyTensorRegressor(
        rank=options.rank, poly_order=options.order, num_epochs=options.epochs,
        batch_size=options.batch_size, learning_rate=options.learning_rate,
        device=torch.device("cpu"), random_state=seed,
    ).fit(torch.as_tensor(Z, dtype=torch.float32), torch.as_tensor(y, dtype=torch.float32))
    pure, interact = model.structure_["pure_indices"], model.structure_["interact_indices"]
    structure = NeuronStructure(pure, interact, options.rank) if pure or interact else None
    return ScaledFit(partial(_predicted, model), polynomial=False, structure=structure)


def _predicted(model: Any, Z: np.ndarray) -> np.ndarray:
    """Return the predictions (N,) of tnlearn's regressor for Z (N, D)."""
    return model.predict(torch.as_tensor(Z, dtype=torch.float32)).double().numpy()
