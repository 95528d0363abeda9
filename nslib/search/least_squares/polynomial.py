"""The polynomial that the least-squares search fits, and the tangent columns that it fits with.

    f(x) = b + Σ_k w_k · x^{∘k} + Σ_k Σ_r v_{k,r} Π_m (u_{k,r,m} · x)

The same function as `TaskLinear` computes, with ranks of its own for every order and in double
precision.

Source: NeuronSeek (arXiv 2506.15715 v2), the dual-stream neuron.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from ...neuron import TaskLinear
from ...structure import NeuronStructure, Stream


class Rows:
    """Rows Z (n, D) of features; each element-wise power is computed when first used, and kept.

    `weight` (n,): how much each row counts, None where all count one.
    """

    def __init__(self, Z: Tensor, weight: Tensor | None = None) -> None:
        self.Z, self.weight = Z, weight
        self._powers = {1: Z}

    def __len__(self) -> int:
        return len(self.Z)

    def weighed(self, values: Tensor) -> Tensor:
        """Return values (n,) or (n, m) times the rows' weights."""
        if self.weight is None:
            return values
        return values * (self.weight if values.dim() == 1 else self.weight.unsqueeze(1))

    def power(self, k: int) -> Tensor:
        """Return Z^{∘k} (n, D)."""
        if k not in self._powers:
            self._powers[k] = self.power(k - 1) * self.Z
        return self._powers[k]


@dataclass(frozen=True, eq=False)
class Polynomial:
    """Weights of the streams for D features and C outputs, all float64.

    `bias` (C,); `pure`: order -> (C, D); `factors`: order k -> (R_k, k, D); `mix`: order ->
    (C, R_k), all ones for one output, where the factors carry the scale.
    """

    n_features: int
    bias: Tensor
    pure: dict[int, Tensor] = field(default_factory=dict)
    factors: dict[int, Tensor] = field(default_factory=dict)
    mix: dict[int, Tensor] = field(default_factory=dict)

    @classmethod
    def constant(cls, n_features: int, n_outputs: int) -> Polynomial:
        """Return the polynomial without streams, zero everywhere."""
        return cls(n_features, torch.zeros(n_outputs, dtype=torch.float64))

    @property
    def terms(self) -> list[tuple[str, int, int]]:
        """The parts that can be removed: (kind, order, number of the rank-one term)."""
        interact = [("interact", k, r) for k, f in self.factors.items() for r in range(len(f))]
        return [("pure", k, 0) for k in self.pure] + interact

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams, pure orders first."""
        pure = (Stream("pure", k) for k in self.pure)
        return (*pure, *(Stream("interact", k) for k in self.factors))

    @property
    def n_free(self) -> int:
        """Number of free parameters: scales shared between the factors of a term count once.

        With C > 1 outputs the softmax fixes one of them.
        """
        outputs = max(len(self.bias) - 1, 1)
        free = outputs * (1 + len(self.pure) * self.n_features)
        for k, f in self.factors.items():
            free += len(f) * (k * (self.n_features - 1) + outputs)
        return free

    def with_pure(self, order: int) -> Polynomial:
        """Return the polynomial with a further pure stream of zero weights."""
        weights = torch.zeros(len(self.bias), self.n_features, dtype=torch.float64)
        return replace(self, pure=dict(sorted({**self.pure, order: weights}.items())))

    def with_term(self, factors: Tensor, mix: Tensor) -> Polynomial:
        """Return the polynomial with a further rank-one term: factors (k, D), mix (C,)."""
        order = len(factors)
        if len(mix) == 1:
            factors, mix = torch.cat([factors[:1] * mix, factors[1:]]), torch.ones_like(mix)
        new, weights = balanced(factors.unsqueeze(0)), mix.unsqueeze(1)
        if order in self.factors:
            new = torch.cat([self.factors[order], new])
            weights = torch.cat([self.mix[order], weights], dim=1)
        return replace(
            self, factors=dict(sorted({**self.factors, order: new}.items())),
            mix=dict(sorted({**self.mix, order: weights}.items())),
        )

    def without(self, term: tuple[str, int, int]) -> Polynomial:
        """Return the polynomial without one of its `terms`."""
        kind, order, number = term
        if kind == "pure":
            return replace(self, pure={k: w for k, w in self.pure.items() if k != order})
        factors, mix = dict(self.factors), dict(self.mix)
        keep = [r for r in range(len(factors[order])) if r != number]
        if keep:
            factors[order], mix[order] = factors[order][keep], mix[order][:, keep]
        else:
            del factors[order], mix[order]
        return replace(self, factors=factors, mix=mix)

    def without_stream(self, stream: Stream) -> Polynomial:
        """Return the polynomial without a stream."""
        if stream.kind == "pure":
            return self.without((stream.kind, stream.order, 0))
        factors = {k: f for k, f in self.factors.items() if k != stream.order}
        return replace(self, factors=factors, mix={k: self.mix[k] for k in factors})

    def on(self, columns: np.ndarray) -> Polynomial:
        """Return the polynomial of some of its features, `columns` (d,), the others being zero."""
        return replace(
            self, n_features=len(columns), pure={k: w[:, columns] for k, w in self.pure.items()},
            factors={k: f[:, :, columns] for k, f in self.factors.items()},
        )

    def among(self, columns: np.ndarray, n_features: int) -> Polynomial:
        """Return the polynomial of `n_features` features of which these are `columns` (d,)."""

        def spread(weights: Tensor) -> Tensor:
            """Return weights (…, d) in their places of (…, n_features)."""
            wide = torch.zeros(*weights.shape[:-1], n_features, dtype=torch.float64)
            wide[..., columns] = weights
            return wide

        return replace(
            self, n_features=n_features, pure={k: spread(w) for k, w in self.pure.items()},
            factors={k: spread(f) for k, f in self.factors.items()},
        )

    def outputs(self, rows: Rows) -> Tensor:
        """Return f at the rows, (n, C)."""
        total = self.bias.expand(len(rows), -1)
        for k, w in self.pure.items():
            total = total + rows.power(k) @ w.T
        for k, f in self.factors.items():
            products = (rows.Z @ f.flatten(0, 1).T).unflatten(1, (-1, k)).prod(2)
            total = total + products @ self.mix[k].T
        return total

    def tangent(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """Return the derivatives by all parameters but `mix`, (n, p), and the outputs (n, C).

        `mix` is left out since for one output it is 1, the scale being in the factors.
        Columns: the constant, the pure streams, then for every order, rank-one term and factor the
        features times the product of the term's other factors (for a mix of one).
        """
        n, columns, total = len(rows), [], self.bias.expand(len(rows), -1)
        columns.append(torch.ones(n, 1, dtype=torch.float64))
        for k, w in self.pure.items():
            columns.append(rows.power(k))
            total = total + rows.power(k) @ w.T
        for k, f in self.factors.items():
            projections = (rows.Z @ f.flatten(0, 1).T).unflatten(1, (-1, k))
            for m in range(k):
                others = [projections[:, :, j] for j in range(k) if j != m]
                rest = torch.stack(others).prod(0)
                columns.extend(rows.Z * rest[:, r : r + 1] for r in range(len(f)))
            total = total + (rest * projections[:, :, k - 1]) @ self.mix[k].T
        return torch.cat(columns, dim=1), total

    def pulled_back(self, rows: Rows) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Return the outputs (n, C) and the map s (n,) -> tangentᵀ s (p,), without the tangent."""
        total, wide = self.bias.expand(len(rows), -1), []
        for k, w in self.pure.items():
            total = total + rows.power(k) @ w.T
        for k, f in self.factors.items():
            projections = (rows.Z @ f.transpose(0, 1).flatten(0, 1).T).unflatten(1, (k, -1))
            one = torch.ones_like(projections[:, 0])
            before, after = [one], [one]  # products of the factors before and after each one
            for m in range(k - 1):
                before.append(before[-1] * projections[:, m])
                after.append(after[-1] * projections[:, k - 1 - m])
            wide += [b * a for b, a in zip(before, reversed(after), strict=True)]
            total = total + (before[-1] * projections[:, -1]) @ self.mix[k].T

        def pull(s: Tensor) -> Tensor:
            """Return tangentᵀ s (p,) for s (n,)."""
            parts = [s.sum().reshape(1)]
            parts += [rows.power(k).T @ s for k in self.pure]
            if wide:
                parts.append((rows.Z.T @ (torch.cat(wide, dim=1) * s.unsqueeze(1))).T.flatten())
            return torch.cat(parts)

        return total, pull

    def moved(self, step: Tensor) -> Polynomial:
        """Return the polynomial of one output after a step (p,) in the order of `tangent`."""
        sizes = [1] + [self.n_features] * len(self.pure)
        sizes += [f.numel() for f in self.factors.values()]
        bias, *parts = step.split(sizes)
        pure = {k: w + part for (k, w), part in zip(self.pure.items(), parts, strict=False)}
        factors = {}
        for (k, f), part in zip(self.factors.items(), parts[len(pure) :], strict=True):
            factors[k] = balanced(f + part.view(k, len(f), -1).transpose(0, 1))
        return replace(self, bias=self.bias + bias, pure=pure, factors=factors)

    def parameters(self) -> Tensor:
        """Return the parameters (p,) in the order of `tangent`, `mix` left out."""
        parts = [*self.pure.values(), *(f.transpose(0, 1) for f in self.factors.values())]
        return torch.cat([self.bias, *(part.flatten() for part in parts)])

    def two_classes(self) -> Polynomial:
        """Return a polynomial of two outputs, zero and this one."""

        def below_zero(values: Tensor) -> Tensor:
            """Return values (1, …) below zeros of their shape, (2, …)."""
            return torch.cat([torch.zeros_like(values), values])

        return replace(
            self, bias=below_zero(self.bias),
            pure={k: below_zero(w) for k, w in self.pure.items()},
            mix={k: below_zero(v) for k, v in self.mix.items()},
        )

    def to_neuron(self) -> TaskLinear:
        """Return the polynomial as a `TaskLinear`, its rank the largest rank of an order."""
        rank = max((len(f) for f in self.factors.values()), default=1)
        structure = NeuronStructure(tuple(self.pure), tuple(self.factors), rank)
        neuron = TaskLinear(
            self.n_features, len(self.bias), structure, dtype=torch.float64
        ).requires_grad_(False)
        weights = neuron.stream_weights()
        neuron.weight.zero_()
        neuron.bias.copy_(self.bias)
        for k, w in self.pure.items():
            weights[Stream("pure", k)].copy_(w)
        if neuron.factors is not None:
            neuron.factors.zero_()
        for k, f in self.factors.items():
            weights[Stream("interact", k)][:, : len(f)] = self.mix[k]
            neuron.factor(k)[:, : len(f)] = f.transpose(0, 1)
        return neuron


def balanced(factors: Tensor) -> Tensor:
    """Return factors (R, k, D) with equal norms inside every term and the same products."""
    norms = factors.norm(dim=2, keepdim=True).clamp_min(1e-150)
    logarithms = torch.as_tensor(np.log(norms.numpy()))  # not MKL's, as in `nslib.portable.root`
    return factors / norms * logarithms.mean(dim=1, keepdim=True).exp()
