"""Train one kind of network on many seeds of a data set, as one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from nslib.networks import MLP, TaskNet, kan, mlp, n_parameters, task_net
from nslib.structure import NeuronStructure
from nslib.training import FittedNetwork, Part, TrainingOptions, train

from .splits import PARTS, Split

Make = Callable[..., nn.Module]


@dataclass(frozen=True)
class Trained:
    """The network of one seed: that of the candidate with the best validation loss.

    `structure`: of its neurons, "" for other networks. `outputs`: by part, predictions (N,) in the
    units of `Split.y`, or probabilities (N, C).
    """

    network: FittedNetwork
    n_parameters: int
    structure: str
    learning_rate: float
    weight_decay: float
    outputs: dict[str, np.ndarray]


def sized(
    family: str, in_features: int, out_features: int, budget: int,
    structure: NeuronStructure | None = None, width: int | None = None, **options: Any,
) -> Make | None:
    """Return how to make the widest network of a family within the budget, None where none fits.

    `family`: "LN" (linear neurons), "KAN" or "TN". A structure of which nothing fits loses its
    highest interaction, then its highest power, until something does. `width` caps hidden layers.
    """
    if family == "KAN":
        return kan(in_features, out_features, budget, **options)
    if family == "LN":
        make, kind, fixed = mlp(in_features, out_features, budget, **options), MLP, ()
    else:
        make = task_net(in_features, out_features, budget, structure, **options)
        while make is None and len(structure.streams) > 1:
            structure = _smaller(structure)
            make = task_net(in_features, out_features, budget, structure, **options)
        kind, fixed = TaskNet, (structure,)
    if make is None or width is None:
        return make
    hidden = make(generator=torch.Generator()).hidden
    if not hidden or hidden[0] <= width:
        return make
    return partial(kind, in_features, out_features, (width,) * len(hidden), *fixed, **options)


def _smaller(structure: NeuronStructure) -> NeuronStructure:
    if structure.interact:
        return replace(structure, interact=structure.interact[:-1])
    if structure.sin:
        return replace(structure, sin=False)
    return replace(structure, pure=structure.pure[:-1])


def train_networks(
    family: str, splits: Sequence[Split], budget: int, *,
    structure: NeuronStructure | None = None, candidates: Sequence[tuple[float, float]],
    options: TrainingOptions, as_linear: bool = False, n_bins: int = 0,
    width: int | None = None, together: int | None = None, **network: Any,
) -> list[Trained] | None:
    """Return the trained network of each split, None where no network fits into the budget.

    With `as_linear` the budget is what the network of linear neurons of this budget really has.
    All splits, with all candidates (learning rate, weight decay), are one batch, or batches of
    `together` models; for each split the candidate with the best validation loss is taken. Splits
    whose encoding gives fewer columns have columns of zeros behind, so that networks agree.
    """
    encoded = _aligned([split.features(n_bins=n_bins) for split in splits])
    n_inputs, n_outputs = encoded[0]["train"].shape[1], splits[0].n_outputs
    if as_linear:
        budget = linear_size(n_inputs, n_outputs, budget)
    make = sized(family, n_inputs, n_outputs, budget, structure, width, **network)
    if make is None:
        return None
    return _train(make, splits, encoded, candidates, options, together)


def linear_size(in_features: int, out_features: int, budget: int) -> int:
    """Return the parameters of the network of linear neurons of a budget; it, where none fits."""
    make = mlp(in_features, out_features, budget)
    return budget if make is None else n_parameters(make(generator=torch.Generator()))


def _aligned(encoded: list[dict[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
    width = max(features["train"].shape[1] for features in encoded)
    for features in encoded:
        lacking = width - features["train"].shape[1]
        if lacking:
            features.update({p: np.pad(X, ((0, 0), (0, lacking))) for p, X in features.items()})
    return encoded


def _train(
    make: Make, splits: Sequence[Split], encoded: Sequence[dict[str, np.ndarray]],
    candidates: Sequence[tuple[float, float]], options: TrainingOptions, together: int | None,
) -> list[Trained]:
    parts = []
    for split, X in zip(splits, encoded, strict=True):
        y = split.targets()
        parts.append(Part(X["train"], y["train"], X["validation"], y["validation"], split.seed))
    n, parts = len(candidates), [part for part in parts for _ in candidates]
    rates = [pair for _ in splits for pair in candidates]
    networks = [
        make(generator=torch.Generator().manual_seed(split.seed))
        for split in splits for _ in candidates
    ]
    models, size = [], together or len(networks)
    for i in range(0, len(networks), size):
        batch = slice(i, i + size)
        models += train(networks[batch], parts[batch], options, rates=rates[batch]).models
    found = []
    for i, (split, X) in enumerate(zip(splits, encoded, strict=True)):
        own = models[i * n : (i + 1) * n]
        best = min(range(n), key=lambda c: own[c].validation_loss)
        model = own[best]
        outputs = {part: _in_units(split, model.predict(X[part])) for part in PARTS}
        structure = getattr(model.network, "structure", "")
        found.append(Trained(
            model, n_parameters(model.network), str(structure), *candidates[best], outputs
        ))
    return found


def _in_units(split: Split, found: np.ndarray) -> np.ndarray:
    return found * split.scale + split.mean if split.n_classes is None else found
