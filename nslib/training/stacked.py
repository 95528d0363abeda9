"""Many networks of one architecture as one matrix of parameters, one row a network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn import functional as F

Buffers = dict[str, Tensor]
"""The buffers of S networks by name, (S, ...) each."""

# Of the largest output: sums of float32 in another order are off by 1e-6 to 1e-5.
_TOLERANCE = 1e-4


class StackedNetworks:
    """Evaluate S networks of one architecture at once, each with its row of a (S, P) matrix.

    Their parameters, flattened in their order, are the columns; their buffers, such as running
    statistics, are apart. Raises ValueError for networks of several architectures, weights that are
    shared, frozen, not float32 or not on the CPU.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        template = networks[0]
        if len({_architecture(network) for network in networks}) > 1:
            raise ValueError("networks: found several architectures, expected one")
        parameters = [p for network in networks for p in network.parameters()]
        tensors = parameters + [b for network in networks for b in network.buffers()]
        if len({id(tensor) for tensor in tensors}) < len(tensors):
            raise ValueError("networks: found weights or buffers of one in another, expected each "
                             "to have its own")
        dtypes = {parameter.dtype for parameter in parameters}
        if dtypes != {torch.float32}:
            raise ValueError(f"networks: found weights of {dtypes}, expected torch.float32")
        places = {tensor.device.type for tensor in tensors}
        if places != {"cpu"}:
            raise ValueError(f"networks: found weights on {', '.join(sorted(places))}, expected "
                             "them on the CPU (`device` says where they are trained)")
        if not all(parameter.requires_grad for parameter in parameters):
            raise ValueError("networks: found frozen weights (requires_grad=False), expected that "
                             "all are to be trained; keep constants in buffers")
        self.template = template.eval()
        self.shapes = {name: weight.shape for name, weight in template.named_parameters()}
        self.sizes = [shape.numel() for shape in self.shapes.values()]
        self._evaluated = vmap(self._evaluate_one)

    def __call__(self, matrix: Tensor, buffers: Buffers, x: Tensor) -> Tensor:
        """Map x (S, N, ...), rows of each, by `matrix` (S, P) to (S, N, C) or (S, N, k, C)."""
        return self._run(matrix, buffers, x)[0]

    def in_training_mode(
        self, matrix: Tensor, buffers: Buffers, x: Tensor
    ) -> tuple[Tensor, Buffers]:
        """Return what `__call__` does, but in training mode, and the buffers (S, ...) after it."""
        self.template.train()
        try:
            return self._run(matrix, buffers, x)
        finally:
            self.template.eval()

    def _run(self, matrix: Tensor, buffers: Buffers, x: Tensor) -> tuple[Tensor, Buffers]:
        columns = zip(self.shapes.items(), matrix.split(self.sizes, dim=1), strict=True)
        parameters = {name: column.view(-1, *shape) for (name, shape), column in columns}
        # Copies, since layers write their running statistics into the tensors that they are given.
        copies = {name: buffer.clone() for name, buffer in buffers.items()}
        return self._evaluated(parameters, copies, x)

    def _evaluate_one(
        self, parameters: dict[str, Tensor], buffers: Buffers, x: Tensor
    ) -> tuple[Tensor, Buffers]:
        """Return one network's outputs for x (N, ...), and its buffers after them."""
        state = {**parameters, **buffers}
        outputs = functional_call(self.template, state, (x,))
        return outputs, {name: state[name] for name in buffers}

    def stack(self, networks: Sequence[nn.Module]) -> tuple[Tensor, Buffers]:
        """Return the parameters of the networks as a matrix (S, P), and their buffers (S, ...)."""
        matrix = torch.stack([
            nn.utils.parameters_to_vector(network.parameters()).detach() for network in networks
        ])
        own = [dict(network.named_buffers()) for network in networks]
        return matrix, {name: torch.stack([b[name] for b in own]) for name in own[0]}

    def decayed(self) -> Tensor:
        """Return (P,): one for the entries of matrices, which weight decay shrinks, else zero."""
        return torch.cat([
            torch.full((shape.numel(),), float(len(shape) > 1)) for shape in self.shapes.values()
        ])

    @torch.no_grad()
    def unstack(self, matrix: Tensor, buffers: Buffers, networks: Sequence[nn.Module]) -> None:
        """Copy each row of the matrix (S, P) and of the buffers (S, ...) into its network."""
        for i, network in enumerate(networks):
            pieces = matrix[i].split(self.sizes)
            for parameter, piece in zip(network.parameters(), pieces, strict=True):
                parameter.copy_(piece.view_as(parameter))
            for name, buffer in network.named_buffers():
                buffer.copy_(buffers[name][i])

    @staticmethod
    @torch.no_grad()
    def other_function(networks: Sequence[nn.Module], x: Tensor, outputs: Tensor) -> int | None:
        """Return the first network that alone does not map x (N, ...) to its outputs (S, N, ...).

        Something beside its weights and buffers, say a number that it holds, is then its own.
        """
        for i, (network, stacked) in enumerate(zip(networks, outputs, strict=True)):
            own = network.eval()(x)
            both = own.isfinite() & stacked.isfinite()
            own, stacked = own[both], stacked[both]
            if both.any() and (own - stacked).abs().max() > _TOLERANCE * own.abs().max():
                return i
        return None

    def random_layers(self) -> str:
        """Return the names and kinds of the layers of dropout, else the kind of the network."""
        listed = [f"{name or 'itself'}: {module}" for name, module in self.template.named_modules()
                  if "dropout" in type(module).__name__.lower()]
        return ", ".join(listed) or type(self.template).__name__


def _architecture(network: nn.Module) -> tuple:
    """Return what networks must have in common: their text, names, shapes and types of tensors."""
    tensors = (*network.named_parameters(), *network.named_buffers())
    return repr(network), *((name, tensor.shape, tensor.dtype) for name, tensor in tensors)


def training_loss(outputs: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return each network's mean loss (S,) for outputs (S, N, C) or (S, N, k, C) and y (S, N).

    Squared error for floating-point y, cross-entropy for class codes; each member's own loss. That
    of each row is multiplied by its weight, of weights (S, N), first.
    """
    if outputs.dim() == 4:
        y = y.unsqueeze(2).expand(outputs.shape[:3])
    if y.is_floating_point():
        losses = (outputs.squeeze(-1) - y).square()
    else:
        losses = F.cross_entropy(outputs.flatten(0, -2), y.flatten(), reduction="none")
    losses = losses.reshape(len(y), -1)
    if weights is not None:
        losses = losses * weights.repeat_interleave(losses.shape[1] // weights.shape[1], dim=1)
    return losses.mean(1)


def predictions(outputs: Tensor, regression: bool) -> Tensor:
    """Return (S, N) numbers or (S, N, C) probabilities, means over members, of outputs (S, ...)."""
    values = outputs.squeeze(-1) if regression else outputs.softmax(-1)
    return values.mean(2) if outputs.dim() == 4 else values


def prediction_losses(predicted: Tensor, y: Tensor) -> Tensor:
    """Return squared errors (S, N) of `predicted` (S, N), or -log of probabilities (S, N, C)."""
    if y.is_floating_point():
        return (predicted - y).square()
    chosen = predicted.gather(2, y.unsqueeze(2)).squeeze(2)
    return -chosen.clamp(min=torch.finfo(chosen.dtype).tiny).log()
