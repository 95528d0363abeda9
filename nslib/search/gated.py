"""The paper's search (v2, "NS-TD"): a dual stream with hard-concrete gates, many fits at once.

The M fits of a batch (seeds × data sets of one shape) share every matrix product; each has a random
generator of its own.

Source: NeuronSeek (arXiv 2506.15715 v2); gates: Louizos, Welling & Kingma (2018).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from .. import checks
from ..neuron import TaskLinear
from ..structure import NeuronStructure, Stream
from .result import SearchResult, without_constants
from .search_task import SearchTask, check_powers, check_weights

BETA, GAMMA, ZETA = 0.66, -0.1, 1.1
"""Temperature and ends of the stretched concrete distribution (Louizos et al. 2018, who take 2/3,
-0.1 and 1.1)."""

_LOG_RATIO = BETA * math.log(-GAMMA / ZETA)


@dataclass(frozen=True)
class GatedOptions:
    """Settings of the gated search; the defaults are the paper's.

    order, rank: highest order K and CP rank R.
    penalty: λ_max, the weight of the expected L0 norm.
    epochs, batch_size: passes over the rows, and rows a step.
    warm_up, annealed: shares of the epochs after which λ starts to rise and has risen.
    norm: whether each stream is batch-normalised.
    lr_pure, lr: learning rates of Adam for pure weights and for everything else.
    initial_probability: initial sigmoid(log α), by which gates start open with probability 0.98.
    initial_std: standard deviation of the initial weights.
    weight_decay_pure, weight_decay_factors: as in the authors' code (not in the paper).
    """

    order: int = 5
    rank: int = 8
    penalty: float = 0.05
    epochs: int = 200
    batch_size: int = 64
    warm_up: float = 0.25
    annealed: float = 0.75
    norm: bool = True
    lr_pure: float = 0.005
    lr: float = 0.01
    initial_probability: float = 0.9
    initial_std: float = 0.05
    weight_decay_pure: float = 1e-4
    weight_decay_factors: float = 1e-5

    def __post_init__(self) -> None:
        for name, most in (("order", checks.MAX_ORDER), ("rank", checks.MAX_RANK),
                           ("epochs", checks.MAX_REPEATS)):
            checks.positive_int(getattr(self, name), name, maximum=most)
        checks.positive_int(self.batch_size, "batch_size", minimum=2)
        checks.boolean(self.norm, "norm")
        checks.real(self.penalty, "penalty", 0.0, checks.MAX_RATE)
        checks.real(self.warm_up, "warm_up", 0.0, 1.0)
        checks.real(self.annealed, "annealed", self.warm_up, 1.0)
        checks.real(self.initial_probability, "initial_probability", 1e-6, 1 - 1e-6)
        for name in ("lr", "lr_pure", "initial_std"):
            checks.real(getattr(self, name), name, 1e-12, checks.MAX_RATE)
        for name in ("weight_decay_pure", "weight_decay_factors"):
            checks.real(getattr(self, name), name, 0.0, checks.MAX_RATE)

    def penalty_at(self, epoch: int) -> float:
        """Return λ of an epoch: 0 in the warm-up, then linear up to `penalty`, then constant."""
        start, end = int(self.epochs * self.warm_up), int(self.epochs * self.annealed)
        if epoch < start:
            return 0.0
        return self.penalty * (min(1.0, (epoch - start) / (end - start)) if end > start else 1.0)


def hard_concrete(log_alpha: Tensor, noise: Tensor | None = None) -> Tensor:
    """Return gates in [0, 1] for log_alpha (…) and noise log u - log(1 - u) (…), or without: (…).

    Source: Louizos et al. (2018), equations 10 to 13.
    """
    s = torch.sigmoid(log_alpha if noise is None else (log_alpha + noise) / BETA)
    return (s * (ZETA - GAMMA) + GAMMA).clamp(0.0, 1.0)


def open_probability(log_alpha: Tensor) -> Tensor:
    """Return P(gate > 0) (…) for log_alpha (…), equation 12 of Louizos et al. (2018)."""
    return torch.sigmoid(log_alpha - _LOG_RATIO)


class DualStream(torch.nn.Module):
    """M gated neurons with all streams of orders 1..K, trained side by side.

    Parameters: `factors` (M, D, R·C·Σk), one projection for all factors of all orders (mode by
    mode, the orders that have the mode ascending); `pure` (M, K, D, C); `scale` and `shift`
    (M, S, C), the affine part of the normalisation of the S = 2K streams, pure orders first;
    `log_alpha` (M, S); `bias` (M, C).
    """

    def __init__(
        self, n_features: int, n_outputs: int, options: GatedOptions, seeds: Sequence[int]
    ) -> None:
        super().__init__()
        self.options, self.n_outputs = options, n_outputs
        k, m = options.order, len(seeds)
        self.n_streams, self.width = 2 * k, options.rank * n_outputs
        self.mode_widths = [(k - mode) * self.width for mode in range(k)]
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]

        def drawn(*shape: int) -> torch.nn.Parameter:
            parts = [torch.randn(shape, generator=g) for g in self.generators]
            return torch.nn.Parameter(torch.stack(parts) * options.initial_std)

        self.factors = drawn(n_features, sum(self.mode_widths))
        self.pure = drawn(k, n_features, n_outputs)
        self.scale = torch.nn.Parameter(torch.ones(m, self.n_streams, n_outputs))
        self.shift = torch.nn.Parameter(torch.zeros(m, self.n_streams, n_outputs))
        logit = math.log(options.initial_probability / (1 - options.initial_probability))
        self.log_alpha = torch.nn.Parameter(torch.full((m, self.n_streams), logit))
        self.bias = torch.nn.Parameter(torch.zeros(m, n_outputs))
        channels = m * self.n_streams * n_outputs
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def streams(self, powers: Tensor) -> Tensor:
        """Map x, x², …, x^K as powers (M, K, B, D) to the S streams (B, M, S, C)."""
        pure = powers @ self.pure
        *modes, product = torch.bmm(powers[:, 0], self.factors).split(self.mode_widths, dim=-1)
        for mode in reversed(modes):  # the padding stands for the order whose last mode this is
            product = mode * F.pad(product, (self.width, 0), value=1.0)
        shape = (self.options.order, self.options.rank, self.n_outputs)
        interact = product.unflatten(-1, shape).sum(-2).transpose(1, 2)
        return torch.cat([pure, interact], dim=1).permute(2, 0, 1, 3)

    def forward(self, powers: Tensor, noise: Tensor) -> Tensor:
        """Return training outputs (M, B, C) for powers (M, K, B, D) and logistic noise (M, S)."""
        streams = self.streams(powers)
        if self.options.norm:
            streams = F.batch_norm(
                streams.flatten(1), self.running_mean, self.running_var,
                self.scale.flatten(), self.shift.flatten(), training=True,
            ).view_as(streams)
        gates = hard_concrete(self.log_alpha, noise).unsqueeze(-1)
        return ((streams * gates).sum(2) + self.bias).transpose(0, 1)

    def to_neuron(self, fit: int, kept: Sequence[int]) -> tuple[NeuronStructure, TaskLinear]:
        """Fold the gates and the normalisation of one fit's kept streams into a `TaskLinear`."""
        k, c, rank = self.options.order, self.n_outputs, self.options.rank
        gain = gate = hard_concrete(self.log_alpha[fit]).unsqueeze(-1).expand(-1, c)
        bias = self.bias[fit]
        if self.options.norm:
            shape = (-1, *gate.shape)
            mean, var = self.running_mean.view(shape)[fit], self.running_var.view(shape)[fit]
            unit = self.scale[fit] * (var + 1e-5).rsqrt()
            offset, constant = self.shift[fit] - mean * unit, gate * self.shift[fit]
            mask = torch.zeros(self.n_streams, 1)
            mask[list(kept)] = 1
            gain = gate * unit
            bias = bias + (mask * gate * offset + (1 - mask) * constant).sum(0)

        orders = [i + 1 for i in kept if i < k], [i - k + 1 for i in kept if i >= k]
        structure = NeuronStructure(*orders, rank)
        neuron = TaskLinear(self.pure.shape[2], c, NeuronStructure(*orders, self.width))
        weights = neuron.stream_weights()
        neuron.weight.zero_()
        modes = self.factors[fit].split(self.mode_widths, dim=1)
        for i in kept:
            order = i % k + 1
            if i < k:
                weights[Stream("pure", order)] += (self.pure[fit, i] * gain[i]).T
                continue
            blocks = [modes[m].split(self.width, dim=1)[order - 1 - m].T for m in range(order)]
            if order == 1:
                linear = blocks[0].unflatten(0, (rank, c)).sum(0)
                weights[Stream("pure", 1)] += linear * gain[i].unsqueeze(1)
            else:
                neuron.factor(order).copy_(torch.stack(blocks))
                mix = torch.eye(c).repeat(1, rank)  # each column of the basis is of one class
                weights[Stream("interact", order)].copy_(mix * gain[i].unsqueeze(-1))
        neuron.bias.copy_(bias)
        return structure, neuron


def batches(n_rows: int, batch_size: int) -> list[int]:
    """Return the sizes of an epoch's batches: never one row, which cannot be normalised."""
    full, rest = divmod(n_rows, batch_size)
    sizes = [batch_size] * full
    if rest == 1 and sizes:
        sizes[-1] += 1
        return sizes
    return [*sizes, rest] if rest else sizes


def _clip(parameters: Sequence[Tensor], max_norm: float = 1.0) -> None:
    """Scale the gradients of each fit, along M in (M, …), to a joint norm of at most `max_norm`."""
    gradients = [p.grad.flatten(1) for p in parameters if p.grad is not None]
    norm = torch.linalg.vector_norm(torch.cat(gradients, dim=1), dim=1, keepdim=True)
    factor = (max_norm / (norm + 1e-6)).clamp_(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)


def search_gated(
    tasks: Sequence[SearchTask],
    seeds: Sequence[int],
    options: GatedOptions,
    report: Callable[[int, int, float], None],
) -> list[SearchResult]:
    """Fit every task, all of one shape, with every seed at once; results task by task.

    `report(epoch, epochs, mean loss)` is called after each epoch.
    """
    check_powers(tasks, options.order)
    check_weights(tasks, len(seeds), options.order, options.rank)
    start = time.perf_counter()
    n_rows, n_features = tasks[0].X.shape
    n_outputs = tasks[0].n_outputs
    fits = [(task, seed) for task in tasks for seed in seeds]
    model = DualStream(n_features, n_outputs, options, [seed for _, seed in fits])
    Z = torch.as_tensor(np.stack([t.Z for t in tasks]), dtype=torch.float32)
    powers = torch.stack([Z**k for k in range(1, options.order + 1)], dim=1)
    target = torch.as_tensor(np.stack([t.target for t in tasks]))
    target = target.float() if n_outputs == 1 else target
    task_of_fit = torch.arange(len(tasks)).repeat_interleave(len(seeds)).unsqueeze(1)

    groups = [
        {"params": [model.pure], "lr": options.lr_pure, "weight_decay": options.weight_decay_pure},
        {"params": [model.factors], "weight_decay": options.weight_decay_factors},
        {"params": [model.scale, model.shift, model.log_alpha, model.bias]},
    ]
    optimizer = torch.optim.Adam(groups, lr=options.lr, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs, eta_min=1e-5)
    sizes = batches(n_rows, options.batch_size)
    losses, gates = [], []
    for epoch in range(options.epochs):
        penalty = options.penalty_at(epoch)
        model.log_alpha.requires_grad_(epoch >= int(options.epochs * options.warm_up))
        order = torch.stack([torch.randperm(n_rows, generator=g) for g in model.generators])
        uniform = [torch.rand(len(sizes), model.n_streams, generator=g) for g in model.generators]
        noise = torch.logit(torch.stack(uniform), eps=1e-7)
        total, first = torch.zeros(len(fits)), 0
        for step, size in enumerate(sizes):
            rows = order[:, first : first + size]
            first += size
            output = model(_gather(powers, task_of_fit, rows), noise[:, step])
            loss = _loss(output, target[task_of_fit, rows])
            total += loss.detach() * (size / n_rows)
            if penalty > 0:
                loss = loss + penalty * open_probability(model.log_alpha).sum(1)
            optimizer.zero_grad()
            loss.sum().backward()
            _clip(list(model.parameters()))
            optimizer.step()
        schedule.step()
        losses.append(total)
        gates.append(open_probability(model.log_alpha.detach()))
        report(epoch + 1, options.epochs, float(total.mean()))
    seconds = (time.perf_counter() - start) / len(fits)
    return _results(model, fits, options, torch.stack(losses), torch.stack(gates), seconds)


def _gather(powers: Tensor, task_of_fit: Tensor, rows: Tensor) -> Tensor:
    """Return the powers of each fit's batch: (T, K, N, D), (M, 1), (M, B) -> (M, K, B, D)."""
    orders = torch.arange(powers.shape[1]).view(1, -1, 1)
    return powers[task_of_fit.unsqueeze(1), orders, rows.unsqueeze(1)]


def _loss(output: Tensor, target: Tensor) -> Tensor:
    """Return each fit's mean loss (M,) for output (M, B, C) and target (M, B), values or codes."""
    if target.is_floating_point():
        return (output.squeeze(-1) - target).square().mean(1)
    losses = F.cross_entropy(output.flatten(0, 1), target.flatten(), reduction="none")
    return losses.view_as(target).mean(1)


@torch.no_grad()
def _results(
    model: DualStream, fits: Sequence[tuple[SearchTask, int]], options: GatedOptions,
    losses: Tensor, gates: Tensor, seconds: float,
) -> list[SearchResult]:
    """Return each fit's result, from losses (epochs, M) and open probabilities (epochs, M, S)."""
    orders = range(1, options.order + 1)
    names = [Stream(kind, k) for kind in ("pure", "interact") for k in orders]
    penalties = [options.penalty_at(epoch) for epoch in range(options.epochs)]
    results = []
    for fit, (task, seed) in enumerate(fits):
        probability = gates[-1, fit]
        kept = [i for i in range(model.n_streams) if probability[i] > 0.5]
        kept = kept or [int(probability.argmax())]  # a neuron has at least one stream
        structure, neuron = model.to_neuron(fit, kept)
        history = pd.DataFrame({
            "epoch": np.arange(1, options.epochs + 1), "loss": losses[:, fit].double().numpy(),
            "lambda": penalties,
            **dict(zip(names, gates[:, fit].double().numpy().T, strict=True)),
        })
        results.append(SearchResult(
            method="gated", structure=structure,
            gate_probabilities=dict(zip(names, probability.tolist(), strict=True)),
            history=history, seconds=seconds, seed=seed, neuron=without_constants(neuron, task),
            scaling=task.scaling,
        ))
    return results
