"""Networks of a given number of parameters, so that comparisons are at equal or smaller count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import nn

from .. import checks
from ..structure import NeuronStructure
from .feedforward import MLP, TaskNet
from .spline import KAN

NARROWEST = 4  # of two hidden layers: narrower ones hold too little

Make = Callable[..., nn.Module]
"""Called with `generator=`, returns a network with fresh weights."""


def n_parameters(network: nn.Module) -> int:
    """Return the number of parameters, also of a fitted network, whose gradients are off."""
    return sum(parameter.numel() for parameter in network.parameters())


def mlp(in_features: int, out_features: int, budget: int, **options: Any) -> Make | None:
    """Return how to make the widest `MLP` of at most `budget` parameters, None where none fits.

    It has two hidden layers of one width, at least 4; else one hidden layer, else none.

    Parameters
    ----------
    in_features, out_features, **options
        Those of `MLP`.
    budget : int
        The most parameters.

    Returns
    -------
    callable or None
        Called with `generator=`, it returns a network with fresh weights.

    Examples
    --------
    >>> n_parameters(mlp(3, 1, budget=100)())
    92
    """
    return _widest(
        lambda hidden: partial(MLP, in_features, out_features, hidden, **options), budget, (2, 1, 0)
    )


def task_net(
    in_features: int, out_features: int, budget: int, structure: NeuronStructure, **options: Any
) -> Make | None:
    """Return how to make the widest `TaskNet` of at most `budget` parameters, as `mlp` does.

    The CP rank of the interactions is that of `structure`, but no larger than the width.
    """

    def make(hidden: Sequence[int]) -> Make:
        rank = min(structure.rank, *hidden) if hidden else 1
        small = replace(structure, rank=rank)
        return partial(TaskNet, in_features, out_features, hidden, small, **options)

    return _widest(make, budget, (2, 1, 0))


def kan(in_features: int, out_features: int, budget: int, **options: Any) -> Make | None:
    """Return how to make the widest `KAN` of at most `budget` parameters, with one hidden layer.

    Where none fits, its splines have fewer intervals, from 5 down to 1, and then no hidden layer;
    None where even that is too large.
    """
    for depth, n in product((1, 0), (5, 3, 2, 1)):
        kind = partial(KAN, in_features, out_features, n_intervals=n, **options)
        make = _widest(lambda hidden, kind=kind: partial(kind, hidden=hidden), budget, (depth,))
        if make is not None:
            return make
    return None


def _widest(
    make: Callable[[Sequence[int]], Make], budget: int, depths: Sequence[int]
) -> Make | None:
    """Return `make` of the widest hidden layers, of the first depth that fits the budget."""
    budget = checks.positive_int(budget, "budget")

    def fits(width: int, layers: int) -> bool:
        return n_parameters(make((width,) * layers)(generator=torch.Generator())) <= budget

    for layers in depths:
        low = NARROWEST if layers > 1 else 1
        if not fits(low, layers):
            continue
        high = 2 * low
        while layers and high <= budget and fits(high, layers):
            low, high = high, 2 * high
        while layers and high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fits(middle, layers) else (low, middle)
        return make((low,) * layers)
    return None
