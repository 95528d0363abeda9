"""Many networks of one architecture as one matrix of parameters, one row a network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn import functional as F


class StackedNetworks:
    """Evaluate S networks of one architecture at once, each with its row of a (S, P) matrix.

    Their parameters, flattened in their order, are the columns. Gradients with respect to the
    matrix come from `torch.autograd`, since the rows are only split and viewed. Raises ValueError
    for networks that differ in more than their weights, which must be float32, or are the same.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        template = networks[0]
        kinds = {
            (repr(network), *((name, p.shape, p.dtype) for name, p in network.named_parameters()))
            for network in networks
        }
        if len(kinds) > 1:
            raise ValueError("networks: found several architectures, expected one")
        if len({id(network) for network in networks}) < len(networks):
            raise ValueError("networks: found one twice, expected each to have its own weights")
        dtypes = {parameter.dtype for parameter in template.parameters()}
        if dtypes != {torch.float32}:
            raise ValueError(f"networks: found weights of {dtypes}, expected torch.float32")
        self.names = [name for name, _ in template.named_parameters()]
        self.shapes = [parameter.shape for parameter in template.parameters()]
        self.sizes = [parameter.numel() for parameter in template.parameters()]
        self._call = vmap(lambda parameters, x: functional_call(template, parameters, (x,)))

    def __call__(self, matrix: Tensor, x: Tensor) -> Tensor:
        """Map x (S, N, D), rows for each network, to (S, N, C) or, by k members, (S, N, k, C)."""
        columns = matrix.split(self.sizes, dim=1)
        parameters = {
            name: column.view(-1, *shape)
            for name, column, shape in zip(self.names, columns, self.shapes, strict=True)
        }
        return self._call(parameters, x)

    def stack(self, networks: Sequence[nn.Module]) -> Tensor:
        """Return the parameters of the networks as a matrix (S, P)."""
        return torch.stack([
            torch.cat([parameter.detach().flatten() for parameter in network.parameters()])
            for network in networks
        ])

    def decayed(self) -> Tensor:
        """Return (P,): one for the entries of matrices, which weight decay shrinks, else zero."""
        return torch.cat([
            torch.full((size,), float(len(shape) > 1))
            for size, shape in zip(self.sizes, self.shapes, strict=True)
        ])

    @torch.no_grad()
    def unstack(self, matrix: Tensor, networks: Sequence[nn.Module]) -> None:
        """Copy each row of the matrix (S, P) into its network."""
        for row, network in zip(matrix, networks, strict=True):
            pieces = row.split(self.sizes)
            for parameter, piece in zip(network.parameters(), pieces, strict=True):
                parameter.copy_(piece.view_as(parameter))


def training_loss(outputs: Tensor, y: Tensor) -> Tensor:
    """Return each network's mean loss (S,) for outputs (S, N, C) or (S, N, k, C) and y (S, N).

    Mean squared error of the only output for floating-point y, cross-entropy for class codes; the
    members of an ensemble are trained each on its own loss.
    """
    if outputs.dim() == 4:
        y = y.unsqueeze(2).expand(outputs.shape[:3])
    if y.is_floating_point():
        losses = (outputs.squeeze(-1) - y).square()
    else:
        flat = F.cross_entropy(outputs.flatten(0, -2), y.flatten(), reduction="none")
        losses = flat.view(y.shape)
    return losses.flatten(1).mean(1)


def predictions(outputs: Tensor, regression: bool) -> Tensor:
    """Return (S, N) numbers or (S, N, C) probabilities of outputs (S, N, C) or (S, N, k, C).

    The k members of an ensemble are averaged.
    """
    found = outputs.squeeze(-1) if regression else outputs.softmax(-1)
    return found.mean(2) if outputs.dim() == 4 else found


def prediction_losses(found: Tensor, y: Tensor) -> Tensor:
    """Return the loss (S, N) of each prediction: squared error, or minus log probability."""
    if y.is_floating_point():
        return (found - y).square()
    chosen = found.gather(2, y.unsqueeze(2)).squeeze(2)
    return -chosen.clamp(min=torch.finfo(chosen.dtype).tiny).log()
