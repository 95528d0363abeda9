"""The paper's first search (v1): polynomial tensor regression with a sequential threshold.

    f(x) = b + Σ_n c_n W^[n] ×_1 x … ×_n x + c_s w_s · sin(x)

with each coefficient tensor W^[n] in CP or Tucker form. Rounds of a regularised gradient fit and
a ridge regression on the terms, each dropping the terms whose |c| is below the threshold.

Source: NeuronSeek (arXiv 2506.15715 v1); sequential-threshold ridge: Rudy et al. (2017).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import tensorly as tl
import torch
from torch import Tensor
from torch.nn import functional as F

from .. import checks
from ..neuron import TaskLinear
from ..structure import NeuronStructure, Stream
from .result import SearchResult, without_constants
from .search_task import SearchTask, check_powers, check_weights


@dataclass(frozen=True)
class ThresholdOptions:
    """Settings of the threshold search.

    order, rank: highest order K, and rank of every mode.
    decomposition: form of the coefficient tensors, "cp" or "tucker".
    sin: whether sin(x) is a candidate.
    threshold: smallest |c| kept, in standard deviations of y, for terms of unit variance.
    ridge: penalty on c.
    penalty: weight of the mean square of the tensors' factors.
    epochs, batch_size, lr: of Adam in each round.
    """

    order: int = 5
    rank: int = 3
    decomposition: str = "cp"
    sin: bool = True
    threshold: float = 0.1
    ridge: float = 1e-3
    penalty: float = 1e-3
    epochs: int = 60
    batch_size: int = 256
    lr: float = 0.01

    def __post_init__(self) -> None:
        for name, most in (("order", checks.MAX_ORDER), ("rank", checks.MAX_RANK),
                           ("epochs", checks.MAX_REPEATS)):
            checks.positive_int(getattr(self, name), name, maximum=most)
        checks.positive_int(self.batch_size, "batch_size")
        checks.boolean(self.sin, "sin")
        checks.one_of(self.decomposition, "decomposition", ["cp", "tucker"])
        if self.decomposition == "tucker" and self.rank**self.order > checks.MAX_RANK:
            most = max(r for r in range(1, self.rank) if r**self.order <= checks.MAX_RANK)
            raise ValueError(
                f"rank: found {self.rank} in a Tucker form of order {self.order}, expected at most "
                f"{most}, so that rank to the power of order is at most {checks.MAX_RANK}"
            )
        checks.real(self.threshold, "threshold", 1e-12)
        checks.real(self.ridge, "ridge", 0.0, checks.MAX_RATE)
        checks.real(self.penalty, "penalty", 0.0, checks.MAX_RATE)
        checks.real(self.lr, "lr", 1e-12, checks.MAX_RATE)


class TensorTerms(torch.nn.Module):
    """The terms ⟨W^[n], x ⊗ … ⊗ x⟩ of orders 1..K, and w · sin(x), for C outputs.

    Parameters by order n: n factor matrices (D, R), shared by the outputs, and a core: CP weights
    (R, C) or the unfolded Tucker core (R^n, C). No D^n tensor is ever formed.
    """

    def __init__(
        self, n_features: int, n_outputs: int, options: ThresholdOptions, seed: int
    ) -> None:
        super().__init__()
        self.options = options
        generator = torch.Generator().manual_seed(seed)

        def drawn(*shape: int, std: float) -> torch.nn.Parameter:
            return torch.nn.Parameter(std * torch.randn(shape, generator=generator))

        self.factors, self.cores = torch.nn.ModuleDict(), torch.nn.ParameterDict()
        for n in range(1, options.order + 1):
            self.factors[f"{n}"] = torch.nn.ParameterList(
                drawn(n_features, options.rank, std=n_features**-0.5) for _ in range(n)
            )
            width = options.rank ** (n if options.decomposition == "tucker" else 1)
            self.cores[f"{n}"] = drawn(width, n_outputs, std=0.1 * width**-0.5)
        if options.sin:
            self.cores["sin"] = drawn(n_features, n_outputs, std=0.1 * n_features**-0.5)

    def features(self, x: Tensor, name: str) -> Tensor:
        """Return what a core weighs, for x (N, D): CP (N, R), Tucker (N, R^n), "sin" (N, D)."""
        if name == "sin":
            return torch.sin(x)
        projections = [x @ factor for factor in self.factors[name]]
        if self.options.decomposition == "cp":
            return torch.stack(projections).prod(0)
        if len(projections) == 1:
            return projections[0]
        with tl.backend_context("pytorch", local_threadsafe=True):
            return tl.tenalg.khatri_rao([p.T for p in projections]).T

    def forward(self, x: Tensor, name: str) -> Tensor:
        """Return one term for x (N, D): (N, C)."""
        return self.features(x, name) @ self.cores[name]

    def to_neuron(self, coefficients: dict[str, Tensor], constant: Tensor) -> TaskLinear:
        """Return Σ c_n · term_n + constant as a `TaskLinear`; c_n and constant are (C,).

        A Tucker form of order n is the CP form of rank R^n with every combination of columns.
        """
        widths = [len(self.cores[name]) for name in coefficients if name not in ("1", "sin")]
        structure = NeuronStructure.of(map(_stream, coefficients), max(widths, default=1))
        neuron = TaskLinear(len(self.factors["1"][0]), len(constant), structure)
        neuron.weight.zero_()
        if neuron.factors is not None:
            neuron.factors.zero_()  # orders of a lower rank leave columns unused
        neuron.bias.copy_(constant)
        weights = neuron.stream_weights()
        for name, c in coefficients.items():
            core = (self.cores[name] * c).T
            core = core @ self.factors["1"][0].T if name == "1" else core
            weights[_stream(name)][:, : core.shape[1]] = core
            if name not in ("1", "sin"):
                for mode, columns in enumerate(self._columns(name)):
                    neuron.factor(int(name))[mode, : core.shape[1]] = columns.T
        return neuron

    def _columns(self, name: str) -> list[Tensor]:
        """Return for each mode the columns (D, width) whose products `features` lists."""
        factors = list(self.factors[name])
        if self.options.decomposition == "cp":
            return factors
        grid = torch.cartesian_prod(*[torch.arange(self.options.rank)] * len(factors))
        return [f[:, grid[:, mode]] for mode, f in enumerate(factors)]


def _fit(model: TensorTerms, names: Sequence[str], bias: Tensor, Z: Tensor, target: Tensor,
         generator: torch.Generator) -> float:
    """Train the named terms by Adam, cosine-annealed, on bias (C,), Z (N, D) and target (N,).

    Returns the last epoch's mean loss.
    """
    options = model.options
    parameters = [bias, *(model.cores[n] for n in names)]
    factors = [f for n in names if n != "sin" for f in model.factors[n]]
    optimizer = torch.optim.Adam([*parameters, *factors], lr=options.lr, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs)
    for _ in range(options.epochs):
        losses = []
        order = torch.randperm(len(Z), generator=generator)
        for rows in order.split(options.batch_size):
            output = bias + sum(model(Z[rows], n) for n in names)
            error = _loss(output, target[rows])
            shrink = sum(f.square().mean() for f in [*factors, *parameters[1:]])
            optimizer.zero_grad()
            (error + options.penalty * shrink).backward()
            torch.nn.utils.clip_grad_norm_([*parameters, *factors], 1.0)
            optimizer.step()
            losses.append(float(error.detach()))
        schedule.step()
    return float(np.mean(losses))


def _loss(output: Tensor, target: Tensor) -> Tensor:
    """Return the mean loss, a scalar, of output (N, C) for target (N,), values or class codes."""
    if target.is_floating_point():
        return F.mse_loss(output[:, 0], target)
    return F.cross_entropy(output, target)


@torch.no_grad()
def _strengths(
    model: TensorTerms, names: Sequence[str], bias: Tensor, Z: Tensor, target: Tensor
) -> tuple[dict[str, float], dict[str, Tensor], Tensor]:
    """Return |c| of each term, the coefficients of the raw terms, each (C,), and the constant (C,).

    bias (C,), Z (N, D), target (N,). Regression: ridge regression of y on the terms at unit
    variance. Classes: the spread of the term's logits relative to that of all terms, the trained
    coefficients being kept.
    """
    terms = torch.stack([model(Z, n) for n in names]).double()
    mean, std = terms.mean(1), terms.std(1, correction=0).clamp_min(1e-12)
    if target.is_floating_point():
        unit = ((terms - mean.unsqueeze(1)) / std.unsqueeze(1)).squeeze(-1)
        gram = unit @ unit.T / len(Z) + model.options.ridge * torch.eye(len(names))
        c = torch.linalg.solve(gram, unit @ target.double() / len(Z)).unsqueeze(1)
        strength, scaled = c.abs().squeeze(1), c / std
        constant = target.double().mean() - (scaled * mean).sum(0)
    else:
        spread = std.square().mean(1).sqrt()
        strength, scaled = spread / spread.square().sum().sqrt(), torch.ones_like(std)
        constant = bias.detach().double()
    coefficients = {n: c.float() for n, c in zip(names, scaled, strict=True)}
    return dict(zip(names, strength.tolist(), strict=True)), coefficients, constant.float()


def search_threshold(task: SearchTask, seed: int, options: ThresholdOptions) -> SearchResult:
    """Alternate gradient fit, ridge regression and thresholding until no more term is dropped."""
    check_powers([task], options.order)
    check_weights([task], 1, options.order, options.rank)
    start = time.perf_counter()
    Z = torch.as_tensor(task.Z, dtype=torch.float32)
    target = torch.as_tensor(task.target)
    target = target.float() if task.classes is None else target
    model = TensorTerms(Z.shape[1], task.n_outputs, options, seed)
    generator = torch.Generator().manual_seed(seed)
    bias = torch.zeros(task.n_outputs, requires_grad=True)
    names, scores, rows = list(model.cores), {}, []
    while True:
        loss = _fit(model, names, bias, Z, target, generator)
        strength, coefficients, constant = _strengths(model, names, bias, Z, target)
        # a score in [0, 1] that is one half at the threshold, as gate probabilities are
        scores |= {n: s / (s + options.threshold) for n, s in strength.items()}
        rows.append({"epoch": (len(rows) + 1) * options.epochs, "loss": loss, "lambda": 0.0,
                     **{_stream(n): scores[n] if n in names else 0.0 for n in model.cores}})
        strongest = max(strength, key=strength.get)
        kept = [n for n in names if strength[n] >= options.threshold or n == strongest]
        if kept == names:
            break
        names = kept
    with torch.no_grad():
        neuron = model.to_neuron(coefficients, constant)
    # the neuron holds a Tucker core of rank R as a CP form of rank R^n; the structure names R
    structure = replace(neuron.structure, rank=options.rank)
    return SearchResult(
        method="threshold", structure=structure,
        gate_probabilities={_stream(n): s for n, s in scores.items()},
        history=pd.DataFrame(rows), seconds=time.perf_counter() - start, seed=seed,
        neuron=without_constants(neuron, task), scaling=task.scaling,
    )


def _stream(name: str) -> Stream:
    """Return the stream of a term: "1" is pure 1, "2" interact 2, "sin" sin."""
    if name == "sin":
        return Stream("sin")
    return Stream("pure", 1) if name == "1" else Stream("interact", int(name))
