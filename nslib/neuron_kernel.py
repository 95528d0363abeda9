"""The streams of `TaskLinear` as one differentiable operation, and the plain formulation of it.

Both give the same numbers up to rounding. The plain one, a few ordinary operations, works under
every transform of torch and is the faster one for few rows; the other writes its features into
one buffer, keeps fewer tensors and adds up the gradient of x in place.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F

from .structure import NeuronStructure

_FEW = 2**15  # entries of x below which the plain formulation was the faster one when measured


def features(x: Tensor, factors: Tensor | None, structure: NeuronStructure) -> list[Tensor]:
    """Return what each stream sums before its weights: (..., D) or (..., R) a stream.

    `x` is (..., D), `factors` (R Σ k, D) as in `TaskLinear`; None without interactions.
    """
    found, power = [], x
    for k in range(1, max(structure.pure, default=0) + 1):
        power = x if k == 1 else power * x
        if k in structure.pure:
            found.append(power)
    if structure.sin:
        found.append(torch.sin(x))
    if structure.interact:
        projections = iter(F.linear(x, factors).split(structure.rank, dim=-1))
        for k in structure.interact:
            product = next(projections)
            for _ in range(k - 1):
                product = product * next(projections)
            found.append(product)
    return found


def plain(
    x: Tensor, weight: Tensor, bias: Tensor | None, factors: Tensor | None,
    structure: NeuronStructure,
) -> Tensor:
    """Return the output (..., C) of the neurons for x (..., D) by ordinary operations."""
    return F.linear(torch.cat(features(x, factors, structure), dim=-1), weight, bias)


def task_linear(
    x: Tensor, weight: Tensor, bias: Tensor | None, factors: Tensor | None,
    structure: NeuronStructure,
) -> Tensor:
    """Return the output (..., C) of the neurons for x (..., D), the faster way of the two.

    `weight` is (C, terms), `bias` (C,) or None, `factors` (R Σ k, D) or None, as in `TaskLinear`.
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
    """Whether something is at work that takes ordinary operations only.

    `x` is (..., D), `parameters` are those of `task_linear`, of any shape.
    """
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

    Written for few calls: one after a large matrix product costs several times its usual time.
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor | None, factors: Tensor | None,
        structure: NeuronStructure,
    ) -> Tensor:
        pure, rank, d = structure.pure, structure.rank, x.shape[1]
        widths = [d] * (len(pure) - 1 + structure.sin) + [rank] * len(structure.interact)
        w_x, w_rest = weight.split([d, sum(widths)], 1)
        rest = x.new_empty(x.shape[0], sum(widths))
        slots = iter(rest.split(widths, 1))
        power = x
        for k in range(2, pure[-1] + 1):
            power = torch.mul(power, x, out=next(slots) if k in pure else None)
        if structure.sin:
            torch.sin(x, out=next(slots))
        prefixes, modes, start = [], (), 0
        if structure.interact:
            modes = F.linear(x, factors).split(rank, 1)
        for k in structure.interact:
            product = modes[start]
            for m in range(1, k):
                prefixes.append(product)
                out = next(slots) if m == k - 1 else None
                product = torch.mul(product, modes[start + m], out=out)
            start += k
        ctx.structure, ctx.widths = structure, widths
        ctx.save_for_backward(x, weight, bias, factors, w_x, w_rest, rest, *modes, *prefixes)
        return F.linear(x, w_x, bias).addmm_(rest, w_rest.t())

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, factors, w_x, w_rest, rest, *kept = ctx.saved_tensors
        structure, needed = ctx.structure, ctx.needs_input_grad
        if torch.is_grad_enabled():  # the gradient is to be differentiated again
            return _plain_backward((x, weight, bias, factors), structure, needed, grad)
        d_x = d_weight = d_bias = d_factors = None
        grad = grad.contiguous()
        if needed[1]:
            d_weight = torch.cat([torch.mm(grad.t(), x), torch.mm(grad.t(), rest)], 1)
        if needed[2]:
            d_bias = grad.sum(0)
        if needed[0]:
            d_x = torch.mm(grad, w_x)
        d_rest = iter(torch.mm(grad, w_rest).split(ctx.widths, 1))
        power = x
        for k in range(2, structure.pure[-1] + 1):
            if k in structure.pure:
                d_power = next(d_rest)
                if needed[0]:
                    d_x.addcmul_(power, d_power, value=k)
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
    """Return the gradient (N, R Σ k) of the projections from that of their products, (N, R) each.

    `kept` are the projections, (N, R) each, then p_1, p_1 p_2 … p_1 … p_(k-1) of every order k.
    """
    modes, prefixes = iter(kept[: sum(orders)]), iter(kept[sum(orders) :])
    found = []
    for k in orders:
        d, later = next(d_products), []
        factors, products = [next(modes) for _ in range(k)], [next(prefixes) for _ in range(k - 1)]
        while products:
            later.append(d * products.pop())
            d = d * factors.pop()
        found += [d, *reversed(later)]
    return torch.cat(found, 1)


def _plain_backward(inputs, structure, needed, grad):
    """Return the gradients by differentiating the plain formulation, itself differentiable."""
    x, weight, bias, factors = inputs
    wanted = [t for t, need in zip(inputs, needed, strict=False) if need]
    with torch.enable_grad():
        y = plain(x, weight, bias, factors, structure)
    found = iter(torch.autograd.grad(y, wanted, grad, create_graph=torch.is_grad_enabled()))
    return *(next(found) if need else None for need in needed[:4]), None
