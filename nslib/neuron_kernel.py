"""The streams of `TaskLinear` as one differentiable operation, and the plain formulation of it.

Both give the same numbers up to rounding. The plain one, a few ordinary operations, works under
every transform of torch and is the faster one for few rows; the other writes its features into
one buffer, keeps fewer tensors and adds up the gradient of x in place. It is used for many rows
outside of transforms. The choice shows in time and rounding only.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F

from .structure import NeuronStructure

_FEW = 2**15  # entries of x; below, the plain formulation was the faster one when measured


def features(x: Tensor, factors: Tensor | None, structure: NeuronStructure) -> list[Tensor]:
    """Return what each stream of `structure` sums before its weights.

    `x` is (..., D), `factors` (R Σ k, D) as in `TaskLinear`; None without interactions. The
    results are (..., D) for pure and sin, (..., R) for interactions.
    """
    terms, power = [], x
    for k in range(1, max(structure.pure, default=0) + 1):
        power = x if k == 1 else power * x
        if k in structure.pure:
            terms.append(power)
    if structure.sin:
        terms.append(torch.sin(x))
    if structure.interact:
        projections = iter(F.linear(x, factors).split(structure.rank, dim=-1))
        for k in structure.interact:
            product = next(projections)
            for _ in range(k - 1):
                product = product * next(projections)
            terms.append(product)
    return terms


def plain(
    x: Tensor, weight: Tensor, bias: Tensor | None, factors: Tensor | None,
    structure: NeuronStructure,
) -> Tensor:
    """Return the output (..., C) of `task_linear` by ordinary operations."""
    return F.linear(torch.cat(features(x, factors, structure), dim=-1), weight, bias)


def task_linear(
    x: Tensor, weight: Tensor, bias: Tensor | None, factors: Tensor | None,
    structure: NeuronStructure,
) -> Tensor:
    """Return the output (..., C) of the neurons, the faster way of the two.

    `x` is (..., D), `weight` (C, terms), `bias` (C,) or None, `factors` (R Σ k, D) or None, as in
    `TaskLinear`.
    """
    # A program that is recorded is to serve every number of rows, so it must not ask for theirs.
    recorded = torch.compiler.is_compiling() or torch.jit.is_tracing()
    if recorded or x.numel() < _FEW or 1 not in structure.pure or _transformed(
        x, weight, bias, factors
    ):
        return plain(x, weight, bias, factors, structure)
    if x.dim() == 2:
        return _Streams.apply(x, weight, bias, factors, structure)
    rows = _Streams.apply(x.reshape(-1, x.shape[-1]), weight, bias, factors, structure)
    return rows.view(*x.shape[:-1], -1)


def _transformed(x: Tensor, *parameters: Tensor | None) -> bool:
    """Whether for x (..., D) or parameters of any shape only ordinary operations are allowed."""
    return (
        torch._C._are_functorch_transforms_active()  # as torch.autograd.Function itself asks
        or torch._C._len_torch_dispatch_stack() > 0  # a mode sees each operation, as make_fx's does
        or torch.is_autocast_enabled(x.device.type)
        or any(  # forward-mode differentiation outside of torch.func
            forward_ad.unpack_dual(t).tangent is not None for t in (x, *parameters) if t is not None
        )
    )


class _Streams(torch.autograd.Function):
    """`plain` for rows (N, D) and structures with x itself, which is not copied to the others.

    The features other than x, T of them, lie side by side in one buffer (N, T), so that the output
    takes two matrix products: one with x, one with the buffer. It makes few calls: a call after a
    large matrix product costs several times its usual time.
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor | None, factors: Tensor | None,
        structure: NeuronStructure,
    ) -> Tensor:
        """Return the output (N, C): x (N, D), weight (C, D + T), bias (C,), factors (R Σ k, D)."""
        pure, rank, d = structure.pure, structure.rank, x.shape[1]
        widths = [d] * (len(pure) - 1 + structure.sin) + [rank] * len(structure.interact)
        w_x, w_rest = weight.split([d, sum(widths)], 1)  # (C, D), (C, T): x is the first stream
        rest = x.new_empty(x.shape[0], sum(widths))  # (N, T)
        slots = iter(rest.split(widths, 1))  # the part of each stream, written where it is computed
        power = x
        for k in range(2, pure[-1] + 1):
            power = torch.mul(power, x, out=next(slots) if k in pure else None)
        if structure.sin:
            torch.sin(x, out=next(slots))
        prefixes, modes, start = [], (), 0
        if structure.interact:
            modes = F.linear(x, factors).split(rank, 1)  # Σ k projections, (N, R) each
        for k in structure.interact:
            product = modes[start]
            for m in range(1, k):
                prefixes.append(product)  # p_1 … p_m, needed by the backward pass
                out = next(slots) if m == k - 1 else None
                product = torch.mul(product, modes[start + m], out=out)
            start += k
        ctx.structure, ctx.widths = structure, widths
        ctx.save_for_backward(x, weight, bias, factors, w_x, w_rest, rest, *modes, *prefixes)
        return F.linear(x, w_x, bias).addmm_(rest, w_rest.t())

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the inputs, in their shapes or None, from grad (N, C)."""
        x, weight, bias, factors, w_x, w_rest, rest, *kept = ctx.saved_tensors
        structure, needed = ctx.structure, ctx.needs_input_grad
        if torch.is_grad_enabled():  # the gradient is to be differentiated again
            return _plain_backward((x, weight, bias, factors), structure, needed, grad)
        d_x = d_weight = d_bias = d_factors = None
        grad = grad.contiguous()  # that of a sum is one number, expanded
        if needed[1]:
            d_weight = torch.cat([torch.mm(grad.t(), x), torch.mm(grad.t(), rest)], 1)
        if needed[2]:
            d_bias = grad.sum(0)
        if needed[0]:
            d_x = torch.mm(grad, w_x)  # to which the other streams add theirs in place
        d_rest = iter(torch.mm(grad, w_rest).split(ctx.widths, 1))  # (N, T), stream by stream
        power = x  # x^(k-1) in turn k, computed again
        for k in range(2, structure.pure[-1] + 1):
            if k in structure.pure:
                d_power = next(d_rest)
                if needed[0]:
                    d_x.addcmul_(power, d_power, value=k)  # d x^k / dx = k x^(k-1)
            if k < structure.pure[-1]:
                power = power * x
        if structure.sin:
            d_sin = next(d_rest)
            if needed[0]:
                d_x.addcmul_(torch.cos(x), d_sin)
        if structure.interact:
            d_projections = _d_projections(kept, d_rest, structure.interact)
            if needed[3]:
                d_factors = torch.mm(d_projections.t(), x)
            if needed[0]:
                d_x.addmm_(d_projections, factors)
        return d_x, d_weight, d_bias, d_factors, None


def _d_projections(
    kept: list[Tensor], d_products: Iterator[Tensor], orders: tuple[int, ...]
) -> Tensor:
    """Return the gradient (N, R Σ k) of the projections from that of their products.

    `kept` are the Σ k projections, then p_1, p_1 p_2, …, p_1 … p_(k-1) of every order k, and
    `d_products` the gradient of the product of each order; all are (N, R).
    """
    modes, prefixes = iter(kept[: sum(orders)]), iter(kept[sum(orders) :])
    d_projections = []
    for k in orders:
        factors, products = [next(modes) for _ in range(k)], [next(prefixes) for _ in range(k - 1)]
        # From the last factor to the first: d is the gradient of p_1 … p_m, so that of p_m is d
        # times p_1 … p_(m-1), and d p_m is the gradient of p_1 … p_(m-1).
        d, later = next(d_products), []
        while products:
            later.append(d * products.pop())
            d = d * factors.pop()
        d_projections += [d, *reversed(later)]
    return torch.cat(d_projections, 1)


def _plain_backward(
    inputs: tuple[Tensor | None, ...], structure: NeuronStructure, needed: tuple[bool, ...],
    grad: Tensor,
) -> tuple[Tensor | None, ...]:
    """Return what `_Streams.backward` does by differentiating `plain`, itself differentiable.

    `inputs` are x (N, D), weight (C, terms), bias (C,) or None and factors (R Σ k, D) or None;
    `needed` says for each whether its gradient is; `grad` is (N, C).
    """
    x, weight, bias, factors = inputs
    wanted = [t for t, need in zip(inputs, needed, strict=False) if need]
    with torch.enable_grad():
        y = plain(x, weight, bias, factors, structure)
    gradients = iter(torch.autograd.grad(y, wanted, grad, create_graph=torch.is_grad_enabled()))
    return *(next(gradients) if need else None for need in needed[:4]), None
