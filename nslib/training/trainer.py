"""`train`: one trainer for every network, which trains many models as one batch.

S models of one architecture, each with its own weights, rows and learning rate, are one (S, P)
matrix of parameters, evaluated together by `torch.func.vmap`. AdamW (Loshchilov & Hutter 2019)
with a cosine schedule and clipped gradients steps each as if it were alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from .. import checks
from ..threads import one_thread
from .fitted import FittedNetwork
from .rows import Part, TrainingRows
from .stacked import Buffers, StackedNetworks, training_loss

_BETA1, _BETA2, _EPSILON = 0.9, 0.99, 1e-8
_COMPARED = 16  # rows on which each network alone is compared with its row of the matrix


@dataclass(frozen=True)
class TrainingOptions:
    """How to train; TypeError or ValueError for values out of range.

    Parameters
    ----------
    steps, batch_size : int
        Steps of the optimiser, at most, and rows of one, at most a tenth of the training rows.
    learning_rate, warmup : float
        The highest rate, reached after this share of the steps; then a cosine falls to zero.
    weight_decay : float
        That of AdamW, on matrices only.
    clip : float
        The largest norm of a model's gradient.
    evaluations : int
        How often the validation rows are evaluated; the weights of the best time are kept.
    patience : int
        A model stops after so many evaluations without a better one.
    """

    steps: int = 2000
    batch_size: int = 256
    learning_rate: float = 0.01
    weight_decay: float = 1e-3
    warmup: float = 0.05
    clip: float = 1.0
    evaluations: int = 40
    patience: int = 12

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "evaluations", "patience"):
            most = checks.MAX_REPEATS if name == "steps" else 2**63 - 1
            value = checks.positive_int(getattr(self, name), name, maximum=most)
            object.__setattr__(self, name, value)
        for name in ("learning_rate", "weight_decay", "warmup", "clip"):
            high = 1.0 if name == "warmup" else math.inf
            value = checks.real(getattr(self, name), name, 0.0, high)
            if value == 0.0 and name in ("learning_rate", "clip"):
                raise ValueError(f"{name}: found 0, expected a positive number")
            object.__setattr__(self, name, value)

    def scale(self, step: int) -> float:
        """Return the learning rate of a step, 1 to `steps`, over the highest."""
        done, warm = step / self.steps, self.warmup
        if done < warm:
            return done / warm
        return 0.5 * (1.0 + math.cos(math.pi * (done - warm) / max(1.0 - warm, 1e-12)))


@dataclass(frozen=True)
class Training:
    """What `train` returns: `models`, one for each network, and the wall time of all together.

    `history` has a row a model and evaluation: model, step, learning_rate, training_loss,
    validation_loss.
    """

    models: list[FittedNetwork]
    history: pd.DataFrame
    seconds: float


def train(
    networks: Sequence[nn.Module],
    parts: Sequence[Part],
    options: TrainingOptions | None = None,
    *,
    rates: Sequence[tuple[float, float]] | None = None,
    device: torch.device | str = "cpu",
    report: Callable[[int, int, float], None] | None = None,
) -> Training:
    """Train S networks of one architecture, network s on `parts[s]`, together.

    Each model has the result that it would have alone, up to rounding, where all parts have as
    many training rows (the smallest sets the batch size of all). The same arguments on the same
    machine give the same numbers. A step without a finite gradient is left out for its model.

    Parameters
    ----------
    networks : sequence of S torch modules
        Each maps (N, ...), rows as in the parts, to (N, C) or, with k members, to (N, k, C): one
        output for a regression, one a class else. They differ in weights (float32) and buffers
        alone, are changed in place, and end in evaluation mode with what validated best.
    parts : sequence of S `Part`
        All of one task and one shape of rows.
    rates : sequence of S (learning rate, weight decay), optional
        In place of those of `options`.
    device : torch.device or str
        Where to compute. The networks are given, and come back, on the CPU.
    report : callable, optional
        Called at each evaluation with the steps done, all steps and the mean of the best
        validation losses so far.

    Raises
    ------
    TypeError, ValueError
        For networks of several architectures or functions, with shared or frozen weights or
        something random in training mode (dropout), outputs that do not fit the parts, parts of
        several kinds, rates out of range and a device that cannot be used.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from nslib.networks import MLP
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> part = Part(X[:200], X[:200, 0] * X[:200, 1], X[200:], X[200:, 0] * X[200:, 1])
    >>> networks = [MLP(2, 1, (16,), generator=torch.Generator().manual_seed(i)) for i in range(2)]
    >>> training = train(networks, [part, part], TrainingOptions(steps=500))
    >>> [model.validation_loss < 0.2 for model in training.models]
    [True, True]
    >>> training.models[0].predict(X[200:]).shape
    (100,)
    """
    options = TrainingOptions() if options is None else options
    start = time.perf_counter()
    with one_thread():
        state = _State(networks, parts, options, rates, _usable(device))
        while len(state.alive) and state.step < options.steps:
            state.advance()
            if state.at_evaluation():
                state.evaluate()
                if report is not None:
                    report(state.step, options.steps, float(state.best.mean()))
        state.networks.unstack(state.best_matrix, state.best_buffers, networks)
    models = map(FittedNetwork, networks, state.rows.limits, state.best.tolist(),
                 state.best_step.tolist())
    return Training(list(models), pd.DataFrame(state.history), time.perf_counter() - start)


def _usable(device: torch.device | str) -> torch.device:
    """Return the device; TypeError or ValueError for one that cannot be used here."""
    if not isinstance(device, (str, torch.device)):
        shown = checks.shown(device)
        raise TypeError(f"device: found {shown}, expected a torch.device or its name")
    try:
        place = torch.zeros(1, device=device)
        place.item()  # not so of "meta"
    except (RuntimeError, AssertionError, ImportError) as error:
        raise ValueError(f"device: found {str(device)!r}, expected one that torch can use here "
                         f"({str(error).splitlines()[0]})") from None
    return place.device


class _State:
    """Parameters, moments and records of S models; those that still train are `alive`."""

    def __init__(
        self, networks: Sequence[nn.Module], parts: Sequence[Part], options: TrainingOptions,
        rates: Sequence[tuple[float, float]] | None, device: torch.device,
    ) -> None:
        if rates is None:
            rates = [(options.learning_rate, options.weight_decay)] * len(networks)
        if not (len(networks) == len(parts) == len(rates) >= 1):
            raise ValueError(f"networks, parts, rates: found {len(networks)}, {len(parts)} and "
                             f"{len(rates)}, expected as many of each, at least one")
        rates = [checks.reals(pair, "rates", 0.0) for pair in rates]
        if any(len(pair) != 2 for pair in rates):
            raise ValueError(f"rates: found {rates}, expected pairs (learning rate, weight decay)")
        self.options = options
        self.networks = StackedNetworks(networks)
        self.rows = TrainingRows(parts, device)
        self.batch_size = max(1, min(options.batch_size, min(self.rows.lengths) // 10))
        self.every = max(1, options.steps // options.evaluations)
        self.step = 0
        matrix, buffers = self.networks.stack(networks)
        self.matrix = matrix.to(device)
        self.buffers = {name: buffer.to(device) for name, buffer in buffers.items()}
        self._check(networks, matrix, buffers)
        self.rates, decays = torch.tensor(rates, dtype=torch.float32).to(device).split(1, dim=1)
        self.decays = decays * self.networks.decayed().to(device)
        self.first, self.second = torch.zeros_like(self.matrix), torch.zeros_like(self.matrix)
        self.best_matrix = self.matrix.clone()
        self.best_buffers = {name: buffer.clone() for name, buffer in self.buffers.items()}
        self.alive = torch.arange(len(networks), device=device)
        self.best_step, self.waited = torch.zeros_like(self.alive), torch.zeros_like(self.alive)
        self.best = torch.full(self.alive.shape, math.inf, device=device)
        self.summed_loss = torch.zeros_like(self.best)
        self.history: list[dict[str, Any]] = []

    @torch.no_grad()
    def _check(self, networks: Sequence[nn.Module], matrix: Tensor, buffers: Buffers) -> None:
        """Raise ValueError for networks that fail or do not map the features to what targets need.

        Or where one, alone, is not what the matrix (S, P) and the buffers, on the CPU, say.
        """
        rows, x = self.rows, self.rows.features[:_COMPARED].cpu()
        batch, _ = rows.batch(torch.tensor([0]), 0, self.batch_size)
        try:
            outputs = self.networks(matrix, buffers, x.expand(len(networks), *x.shape))
            other = self.networks.other_function(networks, x, outputs)
            first = {name: buffer[:1] for name, buffer in self.buffers.items()}
            self.networks.in_training_mode(self.matrix[:1], first, batch)
        except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
            if "randomness" in str(error):
                raise ValueError("networks: found something random in training mode "
                                 f"({self.networks.random_layers()}), expected no dropout or the "
                                 "like, since models trained together must not share chance"
                                 ) from None
            raise ValueError(f"networks: found one that fails on rows of shape {rows.shape}, as "
                             f"those of the parts ({str(error).splitlines()[0]})") from error
        if other is not None:
            raise ValueError(f"networks: found that network {other} computes another function than "
                             "network 0 with its weights, expected networks that differ in weights "
                             "and buffers alone")
        n, shape = outputs.shape[-1], tuple(outputs.shape[1:])
        if len(shape) not in (2, 3) or shape[0] != len(x):
            raise ValueError(f"networks: found outputs of shape {shape} for {len(x)} rows, "
                             "expected (N, C), or (N, k, C) with members")
        if rows.regression and n != 1:
            raise ValueError(f"networks: found {n} outputs, expected 1 for a regression")
        if not rows.regression and n < rows.n_classes:
            raise ValueError(f"networks: found {n} outputs, expected one for each of the "
                             f"{rows.n_classes} classes of the parts")

    def at_evaluation(self) -> bool:
        return self.step % self.every == 0 or self.step == self.options.steps

    def advance(self) -> None:
        """Take one step of all models that are alive."""
        options, alive = self.options, self.alive
        x, y = self.rows.batch(alive, self.step, self.batch_size)
        weights = self.rows.batch_weights(alive, self.step, self.batch_size)
        self.step += 1
        matrix = self.matrix.requires_grad_()
        outputs, buffers = self.networks.in_training_mode(matrix, self.buffers, x)
        losses = training_loss(outputs, y, weights)
        (gradient,) = torch.autograd.grad(losses.sum(), matrix)
        self.matrix = matrix.detach()
        norm = gradient.norm(dim=1, keepdim=True)
        usable = norm < math.inf  # not so for NaN
        for name, new in buffers.items():  # so that statistics that overflow are left out too
            lost = self.buffers[name].isfinite() & ~new.isfinite()
            usable &= ~lost.reshape(len(alive), -1).any(1, keepdim=True)
        if not usable.all():
            gradient, norm = torch.where(usable, gradient, 0.0), torch.where(usable, norm, 1.0)
        self.buffers = {
            name: torch.where(usable.view(-1, *(1,) * (new.dim() - 1)), new, self.buffers[name])
            for name, new in buffers.items()
        }
        gradient = gradient * (options.clip / norm).clamp_(max=1.0)
        self.first.lerp_(gradient, 1 - _BETA1)
        self.second.mul_(_BETA2).addcmul_(gradient, gradient, value=1 - _BETA2)
        bias1, bias2 = 1 - _BETA1**self.step, math.sqrt(1 - _BETA2**self.step)
        change = self.first / self.second.sqrt().add_(_EPSILON * bias2)
        change.addcmul_(self.decays, self.matrix, value=bias1 / bias2)
        size = self.rates * (options.scale(self.step) * bias2 / bias1)
        self.matrix.sub_(change.mul_(size * usable))
        self.summed_loss += losses.detach()

    @torch.no_grad()
    def evaluate(self) -> None:
        """Evaluate the validation rows, keep what is best, drop the models that wait too long."""
        alive, since = self.alive, (self.step - 1) % self.every + 1
        losses = self.rows.validation_losses(self.networks, self.matrix, self.buffers, alive)
        losses = torch.where(losses.isfinite(), losses, math.inf)
        better = losses < self.best[alive]
        self.best_matrix[alive[better]] = self.matrix[better]
        for name, buffer in self.buffers.items():
            self.best_buffers[name][alive[better]] = buffer[better]
        self.best[alive[better]] = losses[better]
        self.best_step[alive[better]] = self.step
        self.waited[alive] = torch.where(better, 0, self.waited[alive] + 1)
        rates = self.rates.squeeze(1) * self.options.scale(self.step)
        for i, model in enumerate(alive.tolist()):
            self.history.append({
                "model": model, "step": self.step, "learning_rate": float(rates[i]),
                "training_loss": float(self.summed_loss[i]) / since,
                "validation_loss": float(losses[i]),
            })
        kept = self.waited[alive] < self.options.patience
        if not kept.all():
            for name in ("alive", "rates", "decays", "matrix", "first", "second"):
                setattr(self, name, getattr(self, name)[kept])
            self.buffers = {name: buffer[kept] for name, buffer in self.buffers.items()}
        self.summed_loss = torch.zeros(len(self.alive), device=self.best.device)
