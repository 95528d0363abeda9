"""`MLP` and `TaskNet`: layers of linear or of task-driven neurons, alone or as ensembles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .. import checks
from ..neuron import TaskLinear
from ..structure import NeuronStructure

ACTIVATIONS = {"relu": F.relu, "sigmoid": torch.sigmoid, "silu": F.silu, "tanh": torch.tanh}


def checked_widths(hidden: Sequence[int]) -> tuple[int, ...]:
    """Return the widths of the hidden layers; TypeError or ValueError unless positive ints."""
    if isinstance(hidden, str) or not isinstance(hidden, Iterable):
        raise TypeError(f"hidden: found {checks.shown(hidden)}, expected a sequence of ints")
    return tuple(checks.positive_int(width, "hidden") for width in hidden)


def check_features(x: Tensor, n: int) -> None:
    """Raise ValueError unless x is (..., n)."""
    if x.dim() == 0 or x.shape[-1] != n:
        raise ValueError(f"x: found shape {tuple(x.shape)}, expected {n} features (..., D)")


class Feedforward(nn.Module):
    """Layers of one kind with an activation between them: (..., D) -> (..., C).

    With `members` k > 1 it is an ensemble, (..., D) -> (..., k, C), whose members share all but a
    scale of each input of the network, at first a random sign, and a scale and shift of each output
    of a layer. Source: BatchEnsemble (Wen et al. 2020) as in TabM (Gorishniy et al. 2025).
    """

    def __init__(
        self, in_features: int, out_features: int, hidden: Sequence[int], activation: str,
        members: int, generator: torch.Generator | None,
        make_layer: Callable[[int, int], nn.Module],
    ) -> None:
        super().__init__()
        self.in_features = checks.positive_int(in_features, "in_features")
        self.out_features = checks.positive_int(out_features, "out_features")
        self.hidden = checked_widths(hidden)
        self.activation = checks.one_of(activation, "activation", ACTIVATIONS)
        self.members = checks.positive_int(members, "members")
        widths = (self.in_features, *self.hidden, self.out_features)
        self.layers = nn.ModuleList(make_layer(a, b) for a, b in pairwise(widths))
        if self.members > 1:
            signs = torch.randint(0, 2, (self.members, widths[0]), generator=generator)
            self.input_scale = nn.Parameter(2.0 * signs - 1.0)
            self.scales = nn.ParameterList(
                1 + 0.1 * torch.randn(self.members, width, generator=generator)
                for width in widths[1:]
            )
            self.shifts = nn.ParameterList(torch.zeros(self.members, w) for w in widths[1:])

    def forward(self, x: Tensor) -> Tensor:
        """Map x (..., D) to (..., C), or to (..., k, C) for k > 1 members."""
        check_features(x, self.in_features)
        if self.members > 1:
            x = x.unsqueeze(-2) * self.input_scale
        for i, layer in enumerate(self.layers):
            x = layer(ACTIVATIONS[self.activation](x) if i else x)
            if self.members > 1:
                x = torch.addcmul(self.shifts[i], x, self.scales[i])
        return x

    def extra_repr(self) -> str:
        return f"activation={self.activation!r}, members={self.members}"


class MLP(Feedforward):
    """A multilayer perceptron of linear neurons, weights by He et al. (2015), biases zero.

    Parameters
    ----------
    in_features, out_features : int
        D and C: the network maps (..., D) to (..., C).
    hidden : sequence of int
        The width of each hidden layer.
    activation : str
        "relu", "sigmoid", "silu" or "tanh".
    members : int
        For k > 1 an ensemble, (..., D) to (..., k, C), as in `Feedforward`.
    generator : torch.Generator, optional
        Makes the weights reproducible.

    Raises TypeError or ValueError for sizes that are not positive ints, unknown activations.
    """

    def __init__(
        self, in_features: int, out_features: int, hidden: Sequence[int] = (64, 64), *,
        activation: str = "relu", members: int = 1, generator: torch.Generator | None = None,
    ) -> None:
        def linear(a: int, b: int) -> nn.Linear:
            layer = nn.utils.skip_init(nn.Linear, a, b)
            nn.init.normal_(layer.weight, 0.0, (2.0 / a) ** 0.5, generator)
            nn.init.zeros_(layer.bias)
            return layer

        super().__init__(
            in_features, out_features, hidden, activation, members, generator, linear
        )


class TaskNet(Feedforward):
    """A task-driven network: all its neurons share one aggregation formula.

    The default activation is bounded, so that no power or product of the next layer leaves its
    range; features should be bounded too (see `nslib.data.SmoothClipper`).

    Parameters
    ----------
    in_features, out_features, hidden, activation, members, generator
        As for `MLP`, with its errors.
    structure : NeuronStructure, optional
        Of every layer, the last too, a `TaskLinear`.

    Source: NeuronSeek (arXiv 2506.15715 v2), stage 2.
    """

    def __init__(
        self, in_features: int, out_features: int, hidden: Sequence[int] = (32, 32),
        structure: NeuronStructure | None = None, *, activation: str = "tanh", members: int = 1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(
            in_features, out_features, hidden, activation, members, generator,
            lambda a, b: TaskLinear(a, b, structure, generator=generator),
        )

    @property
    def structure(self) -> NeuronStructure:
        """The aggregation formula of all neurons."""
        return self.layers[0].structure
