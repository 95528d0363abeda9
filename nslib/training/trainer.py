"""`train`: one trainer for every network, which trains many models as one batch.

S models of one architecture, each with its own weights, rows and learning rate, are one (S, P)
matrix of parameters, evaluated together by `torch.func.vmap`. AdamW (Loshchilov & Hutter 2019)
with a cosine schedule and clipped gradients steps each as if it were alone.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import torch
from torch import nn

from .. import checks
from ..threads import one_thread
from . import checkpoint
from .fitted import FittedNetwork
from .rows import Part, Rows
from .stacked import StackedNetworks, training_loss

_BETA1, _BETA2, _EPSILON = 0.9, 0.99, 1e-8
_OF_ALIVE = ("alive", "rates", "decays", "matrix", "first", "second")


@dataclass(frozen=True)
class TrainingOptions:
    """How to train.

    `steps`: of the optimiser, at most. `batch_size`: rows a step, at most a tenth of the training
    rows. `learning_rate`: the highest, reached after `warmup` (share of the steps), then a cosine
    falls to zero. `weight_decay`: of AdamW, on matrices only. `clip`: the largest norm of a
    model's gradient. `evaluations`: how often the validation rows are evaluated; the weights of
    the best one are kept, and a model stops after `patience` of them without a better one.
    Raises TypeError or ValueError for values out of range.
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
            object.__setattr__(self, name, checks.positive_int(getattr(self, name), name))
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
    """What `train` returns.

    `models`: a `FittedNetwork` for each network, in their order. `history`: a row a model and
    evaluation (model, step, learning_rate, training_loss, validation_loss). `seconds`: wall time
    of all models together, without that before a resumed checkpoint.
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
    report: Callable[[int, int, float], None] | None = None,
    checkpoint_file: str | os.PathLike[str] | None = None,
) -> Training:
    """Train S networks of one architecture, network s on `parts[s]`, together.

    The networks are changed in place and end with the weights that were best on their validation
    rows. `rates` gives each its own (learning rate, weight decay) in place of those of `options`.
    `report` is called at each evaluation with steps done, all steps and the mean of the best
    validation losses so far. With `checkpoint_file` the state is kept in that file at each
    evaluation (safetensors); a file that is there is gone on from, and removed at the end.

    Each model has the result that it would have alone, up to rounding, where all parts have as
    many training rows (the smallest sets the batch size of all); same networks, parts and options,
    same machine: the same numbers. A step whose gradient is not finite is left out for its model.

    Raises ValueError or TypeError naming the argument for networks that differ in more than their
    float32 weights, have buffers, or whose outputs are not one number or one a class; for parts of
    different widths or tasks; for rates out of range; and for a checkpoint of another training.
    """
    options = TrainingOptions() if options is None else options
    state = _State(networks, parts, options, rates)
    start = time.perf_counter()
    with one_thread():
        if checkpoint_file is not None:
            checkpoint.resume(checkpoint_file, state)
        while len(state.alive) and state.step < options.steps:
            state.advance()
            if state.at_evaluation():
                state.evaluate()
                if checkpoint_file is not None:
                    checkpoint.save(checkpoint_file, state)
                if report is not None:
                    report(state.step, options.steps, float(state.best.mean()))
        state.networks.unstack(state.best_matrix, networks)
    if checkpoint_file is not None:
        checkpoint.remove(checkpoint_file)
    models = [
        FittedNetwork(network, limits, float(loss), int(step))
        for network, limits, loss, step in zip(
            networks, state.rows.limits(), state.best, state.best_step, strict=True
        )
    ]
    return Training(models, pd.DataFrame(state.history), time.perf_counter() - start)


class _State:
    """Parameters, moments and records of S models; those that still train are `alive`."""

    def __init__(
        self, networks: Sequence[nn.Module], parts: Sequence[Part], options: TrainingOptions,
        rates: Sequence[tuple[float, float]] | None,
    ) -> None:
        if rates is None:
            rates = [(options.learning_rate, options.weight_decay)] * len(networks)
        if not (len(networks) == len(parts) == len(rates) >= 1):
            raise ValueError(
                f"networks, parts, rates: found {len(networks)}, {len(parts)} and "
                f"{len(rates)}, expected as many of each, at least one"
            )
        rates = [tuple(checks.real(value, "rates", 0.0) for value in pair) for pair in rates]
        self.options = options
        self.networks = StackedNetworks(networks)
        self.rows = Rows(parts)
        self.rates, decays = torch.tensor(rates, dtype=torch.float32).split(1, dim=1)
        self.decays = decays * self.networks.decayed()
        self.matrix = self.networks.stack(networks)
        self.check_outputs()
        self.first, self.second = torch.zeros_like(self.matrix), torch.zeros_like(self.matrix)
        self.best_matrix = self.matrix.clone()
        n = len(networks)
        self.best = torch.full((n,), math.inf)
        self.best_step = torch.zeros(n, dtype=torch.int64)
        self.waited = torch.zeros(n, dtype=torch.int64)
        self.alive = torch.arange(n)
        self.summed_loss = torch.zeros(n)
        self.step = 0
        self.history: list[dict[str, Any]] = []
        self.every = max(1, options.steps // options.evaluations)
        self.batch_size = max(1, min(options.batch_size, min(self.rows.lengths) // 10))
        self.identity = {  # what a checkpoint must agree with
            **asdict(options), "rates": [list(pair) for pair in rates],
            "architecture": repr(networks[0]), "parts": self.rows.checksum(),
            "weights": hashlib.sha256(self.matrix.numpy().tobytes()).hexdigest(),
        }

    def check_outputs(self) -> None:
        """Raise ValueError where the networks do not map the features to what targets need."""
        rows = self.rows
        try:
            with torch.no_grad():
                n = self.networks(self.matrix[:1], rows.features[:1].unsqueeze(0)).shape[-1]
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"networks: found one that fails on the {rows.features.shape[1]} features of the "
                f"parts ({error})"
            ) from error
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
        self.step += 1
        matrix = self.matrix.requires_grad_()
        losses = training_loss(self.networks(matrix, x), y)
        (gradient,) = torch.autograd.grad(losses.sum(), matrix)
        self.matrix = matrix.detach()
        norm = gradient.norm(dim=1, keepdim=True)
        usable = norm < math.inf  # not so for NaN
        if not usable.all():
            gradient, norm = torch.where(usable, gradient, 0.0), torch.where(usable, norm, 1.0)
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
        losses = self.rows.validation_losses(self.networks, self.matrix, alive)
        losses = torch.where(losses.isfinite(), losses, math.inf)
        better = losses < self.best[alive]
        self.best_matrix[alive[better]] = self.matrix[better]
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
            for name in _OF_ALIVE:
                setattr(self, name, getattr(self, name)[kept])
        self.summed_loss = torch.zeros(len(self.alive))
