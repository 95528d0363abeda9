"""The equation learner: a small network whose units are powers and products of linear forms.

Source: Martius and Lampert, Extrapolation and learning equations (arXiv 1610.02995, 2016); Sahoo,
Lampert and Martius, Learning equations for extrapolation and control (arXiv 1806.07259, 2018).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from nslib import checks

from .scaled_fit import ScaledFit, sizes

FREE, PENALISED = 0.25, 0.75  # shares of the steps before the penalty, and until its end


@dataclass(frozen=True)
class EqlOptions:
    """Options of the equation learner.

    Each of the `layers` has `units` (None: two a feature, at most 32) of each kind: the powers 1
    to `order` of a linear form, and the product of two. A network is trained for each of
    `restarts` and of the L1 weights `penalties`, all as one batch, by Adam with `learning_rate` on
    `batch_size` rows a step for `epochs`: free in the first quarter, penalised in the next two,
    then with the weights below `threshold` held at zero. The `finalists` of smallest error on the
    share `validation` of the rows are trained on by at most `polish` / 3 steps of L-BFGS, and the
    best of them by `polish` on all rows.
    """

    layers: int = 1
    order: int = 5
    units: int | None = None
    restarts: int = 1
    penalties: tuple[float, ...] = (1e-5, 1e-4, 1e-3)
    epochs: int = 150
    batch_size: int = 128
    learning_rate: float = 0.01
    threshold: float = 0.01
    validation: float = 0.2
    finalists: int = 2
    polish: int = 300

    def __post_init__(self) -> None:
        for name in ("layers", "order", "restarts", "epochs", "batch_size", "finalists"):
            checks.positive_int(getattr(self, name), name)
        if self.units is not None:
            checks.positive_int(self.units, "units")
        checks.positive_int(self.polish, "polish", minimum=0)
        checks.real(self.learning_rate, "learning_rate", low=1e-12)
        checks.real(self.threshold, "threshold", low=0.0)
        checks.real(self.validation, "validation", low=0.01, high=0.5)
        checks.reals(self.penalties, "penalties", low=0.0)


def fit_eql(Z: np.ndarray, y: np.ndarray, seed: int, options: EqlOptions) -> ScaledFit:
    """Train equation learners on Z (N, D) and y (N,), and return the best.

    Raises ValueError where all diverge.
    """
    size = sizes(Z)
    generator = torch.Generator().manual_seed(seed)
    X, y = torch.as_tensor(Z / size), torch.as_tensor(y)
    rows = torch.randperm(len(X), generator=generator)
    n_validation = max(1, round(options.validation * len(X)))
    held_out, training = rows[:n_validation], rows[n_validation:]
    networks = _train(X[training].float(), y[training].float(), options, generator)
    with torch.no_grad():
        errors = _errors(_forward(networks, X[held_out].float(), options.order), y[held_out])
    best, least = None, math.inf
    for index in errors.argsort(stable=True)[: options.finalists]:
        network = [w[index : index + 1].double() for w in networks]
        network = _polish(network, X[training], y[training], options.order, options.polish // 3)
        with torch.no_grad():
            error = float(_errors(_forward(network, X[held_out], options.order), y[held_out]))
        if error < least:
            best, least = network, error
    if best is None:
        raise ValueError("learning_rate: found a training that diverges, expected a smaller rate")
    final = [w[0].numpy() for w in _polish(best, X, y, options.order, options.polish)]
    final[0] = final[0] / size[:, None]
    return ScaledFit(partial(_forward, final, order=options.order))


def _train(
    X: torch.Tensor, y: torch.Tensor, options: EqlOptions, generator: torch.Generator
) -> list[torch.Tensor]:
    """Return the weights of B networks trained on X (N, D), y (N,), small ones being zero."""
    penalties = torch.tensor(options.penalties).repeat_interleave(options.restarts)
    weights = _initial(X.shape[1], len(penalties), options, generator)
    optimizer = torch.optim.Adam(weights, lr=options.learning_rate)
    batch = min(options.batch_size, len(X))
    n_steps = options.epochs * math.ceil(len(X) / batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    free, penalised = int(FREE * n_steps), int(PENALISED * n_steps)
    support = None
    for step in range(n_steps):
        if step == penalised:
            support = [w.detach().abs() >= options.threshold for w in weights]
        chosen = torch.randint(len(X), (batch,), generator=generator)
        loss = _errors(_forward(weights, X[chosen], options.order), y[chosen]).sum()
        if free <= step < penalised:
            sizes = sum(w.abs().sum(dim=(1, 2)) for w in weights[:-1])
            loss = loss + penalties @ sizes
        optimizer.zero_grad()
        loss.backward()
        _clip(weights)
        optimizer.step()
        schedule.step()
        if support:
            _hold(weights, support)
    return [w.detach() for w in weights]


def _initial(
    n_features: int, n_networks: int, options: EqlOptions, generator: torch.Generator
) -> list[torch.Tensor]:
    """Return random weights (B, in, out) of the layers and of the output, and its constant."""
    units = options.units or min(2 * n_features, 32)
    weights, width = [], n_features
    for _ in range(options.layers):
        forms = torch.randn(n_networks, width, units * (options.order + 2), generator=generator)
        weights.append(forms / width**0.5)
        width = units * (options.order + 1)
    output = torch.randn(n_networks, width, 1, generator=generator)
    weights += [0.3 * output / width**0.5, torch.zeros(n_networks, 1, 1)]
    return [w.requires_grad_() for w in weights]


def _clip(weights: Sequence[torch.Tensor], largest: float = 5.0) -> None:
    """Scale the gradients of weights (B, in, out) to a norm of at most `largest` a network."""
    norm = sum(w.grad.square().sum(dim=(1, 2), keepdim=True) for w in weights).sqrt()
    for w in weights:
        w.grad *= (largest / norm).clamp(max=1.0)


@torch.no_grad()
def _hold(weights: Sequence[torch.Tensor], support: Sequence[torch.Tensor]) -> None:
    """Set weights (B, in, out) outside their support (B, in, out) to zero, constants aside."""
    for w, kept in zip(weights[:-1], support[:-1], strict=True):
        w *= kept


def _errors(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the mean squared errors (…,) of outputs (…, N) for y (N,)."""
    return (outputs - y).square().mean(dim=-1)


def _forward(weights: Sequence[Any], X: Any, order: int) -> Any:
    """Return the outputs (…, N) of networks at X (…, N, D), tensors, arrays or `Graded` values.

    `weights` (…, in, out): the linear forms of each layer, the output's, and its constant.
    """
    blocks, width = [X], X.shape[-1]
    for layer, forms in enumerate(weights[:-1]):
        z = sum(b @ forms[..., i * width : (i + 1) * width, :] for i, b in enumerate(blocks))
        if layer < len(weights) - 2:
            width = forms.shape[-1] // (order + 2)
            kinds = [z[..., i * width : (i + 1) * width] for i in range(order + 2)]
            powers = [form**k for k, form in enumerate(kinds[:order], start=1)]
            blocks = [*powers, kinds[-2] * kinds[-1]]
    return (z + weights[-1])[..., 0]


def _polish(
    network: Sequence[torch.Tensor], X: torch.Tensor, y: torch.Tensor, order: int, n_steps: int
) -> list[torch.Tensor]:
    """Return a network, weights (1, in, out), trained on X (N, D), y (N,) within its support."""
    support = [w != 0 for w in network[:-1]] + [torch.ones_like(network[-1])]
    weights = [w.clone().requires_grad_() for w in network]
    optimizer = torch.optim.LBFGS(
        weights, max_iter=n_steps, history_size=50, line_search_fn="strong_wolfe",
        tolerance_grad=1e-10, tolerance_change=1e-14,
    )

    def held() -> list[torch.Tensor]:
        return [w * kept for w, kept in zip(weights, support, strict=True)]

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = _errors(_forward(held(), X, order), y).sum()
        loss.backward()
        return loss

    if n_steps:
        optimizer.step(closure)
    return [w.detach() for w in held()]
