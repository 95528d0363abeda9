"""A sparse formula as a torch module."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


class SparseNeuron(nn.Module):
    """A neuron that sums M monomials of D inputs, (N, D) -> (N, 1); its weight (M,) can be trained.

    Examples
    --------
    >>> neuron = SparseNeuron(np.array([[2, 1], [0, 0]]), np.array([3.0, -1.0]))
    >>> neuron(torch.tensor([[2.0, 1.0]], dtype=torch.float64)).tolist()
    [[11.0]]
    """

    factors: Tensor

    def __init__(self, terms: np.ndarray, coefficients: np.ndarray) -> None:
        """Terms are exponents (M, D), coefficients (M,)."""
        super().__init__()
        m, d = terms.shape
        # the numbers of each product's factors, filled up with that of a column of ones
        factors = torch.full((m, max(int(terms.sum(axis=1).max(initial=0)), 1)), d)
        for row, exponents in zip(factors, terms, strict=True):
            numbers = torch.as_tensor(np.repeat(np.arange(d), exponents))
            row[: len(numbers)] = numbers
        self.register_buffer("factors", factors)
        self.weight = nn.Parameter(torch.as_tensor(coefficients, dtype=torch.float64).clone())

    def forward(self, x: Tensor) -> Tensor:
        """Return the values (N, 1) at x (N, D)."""
        ones = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
        return (ones[:, self.factors].prod(dim=2) @ self.weight)[:, None]
