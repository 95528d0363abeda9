"""TaskLinear: a layer of task-driven neurons, a drop-in for `torch.nn.Linear`."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import checks, neuron_kernel
from .structure import NeuronStructure, Stream


class TaskLinear(nn.Module):
    r"""A layer of task-driven neurons that share one aggregation formula.

    For D = `in_features`, C = `out_features`, rank R and every output c,

        y_c = b_c + Σ_k w_{k,c} · x^{∘k} + w_{s,c} · sin(x) + Σ_k Σ_r v_{k,r,c} Π_m (u_{k,m,r} · x)

    with the sums over the orders of `structure`; the CP basis u is shared by all outputs. All
    projections u · x are one matrix product and all outputs a second one.

    Parameters
    ----------
    in_features, out_features : int
        D and C, at least 1.
    structure : NeuronStructure, optional
        The streams that are summed, by default x, x^2 and an interaction of order 2. True or False
        in this place is `bias`, so `TaskLinear(10, 5, False)` does what `nn.Linear(10, 5, False)`
        does.
    bias : bool, optional
        Whether to add b, by default True.
    norm : {"batch"}, optional
        Batch normalisation of each stream's output before the sum, as in the paper's search; like
        torch's it needs two rows or more to train. None, the default, normalises nothing.
    generator : torch.Generator, optional
        Makes the initial weights reproducible.
    device, dtype : optional
        Of the parameters, as in `nn.Linear`; the type is a floating-point one of 16 bits or more.

    Attributes
    ----------
    weight : Parameter (C, terms)
        w and v, the columns of which follow `structure.streams`.
    factors : Parameter (R Σ k, D) or None
        u, the rows of order k ordered by mode m, then rank r; None without interactions.
    bias : Parameter (C,) or None

    Raises
    ------
    TypeError, ValueError
        For sizes below 1, more than `nslib.checks.MAX_WEIGHTS` weights, unknown norms, devices
        and types.

    Examples
    --------
    >>> layer = TaskLinear(10, 5, NeuronStructure(pure=(1, 3), interact=(2,), rank=4))
    >>> layer(torch.zeros(7, 10)).shape
    torch.Size([7, 5])
    >>> {stream: tuple(w.shape) for stream, w in layer.stream_weights().items()}
    {'pure 1': (5, 10), 'pure 3': (5, 10), 'interact 2': (5, 4)}

    Source: NeuronSeek (arXiv 2506.15715 v2), stage 2, fully connected layers with shared CP basis.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        structure: NeuronStructure | bool | None = None,
        bias: bool | None = None,
        norm: str | None = None,
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.in_features = checks.positive_int(in_features, "in_features")
        self.out_features = checks.positive_int(out_features, "out_features")
        if isinstance(structure, bool):  # a call written for nn.Linear
            if bias is not None:
                raise TypeError(
                    f"bias: found {structure} as the third argument and {bias!r} too, "
                    "expected one of the two"
                )
            structure, bias = None, structure
        self.structure = NeuronStructure() if structure is None else structure
        if not isinstance(self.structure, NeuronStructure):
            raise TypeError(
                f"structure: found {checks.shown(structure)}, expected a NeuronStructure, "
                "or True or False for bias"
            )
        self.norm = checks.one_of(norm, "norm", ["batch"]) if norm is not None else None

        bias = checks.boolean(True if bias is None else bias, "bias")
        s, make = self.structure, _checked_place(device, dtype, generator)
        n = s.n_parameters(self.in_features, self.out_features)
        if n > checks.MAX_WEIGHTS:
            raise ValueError(
                f"in_features, out_features: found {checks.shown(n)} weights for {in_features} "
                f"features, {out_features} outputs and {s}, expected at most {checks.MAX_WEIGHTS}"
            )
        self._widths = tuple(
            s.rank if stream.kind == "interact" else in_features for stream in s.streams
        )
        self.weight = nn.Parameter(torch.empty(out_features, sum(self._widths), **make))
        self.factors = (
            nn.Parameter(torch.empty(s.rank * sum(s.interact), in_features, **make))
            if s.interact
            else None
        )
        self.bias = nn.Parameter(torch.empty(out_features, **make)) if bias else None
        self.batch_norm = (
            nn.BatchNorm1d(len(s.streams) * out_features, **make) if norm == "batch" else None
        )
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights: for standard normal inputs the output has a variance of about one."""
        with torch.no_grad():
            if self.factors is not None:  # rows of norm one: projections have a variance of one
                self.factors.normal_(0.0, self.in_features**-0.5, generator=generator)
            n_streams = len(self.structure.streams)
            for stream, block in self.stream_weights().items():
                # E x^(2k) = (2k - 1)!! for x ~ N(0, 1); given x the projections of the k modes
                # are independent, each with a variance of about one, and so has their product.
                moment = math.prod(range(1, 2 * stream.order, 2)) if stream.kind == "pure" else 1
                block.normal_(
                    0.0, (n_streams * block.shape[1] * moment) ** -0.5, generator=generator
                )
            if self.bias is not None:
                self.bias.zero_()
            if self.batch_norm is not None:
                self.batch_norm.reset_running_stats()
                self.batch_norm.reset_parameters()

    def stream_weights(self) -> dict[Stream, Tensor]:
        """Return views of `weight` by stream: (C, D) for pure and sin, (C, R) for interactions."""
        blocks = self.weight.split(self._widths, dim=1)
        return dict(zip(self.structure.streams, blocks, strict=True))

    def factor(self, order: int) -> Tensor:
        """Return a view (k, R, D) of u of the interaction of order k; ValueError for others."""
        orders = self.structure.interact
        if order not in orders:
            raise ValueError(f"order: found {checks.shown(order)}, expected one of {orders}")
        rank = self.structure.rank
        blocks = self.factors.split([k * rank for k in orders])
        return blocks[orders.index(order)].view(order, rank, self.in_features)

    def _checked(self, x: Tensor) -> Tensor:
        """Return `x` if it is a tensor (..., D) that the weights can be applied to.

        TypeError or ValueError if not.
        """
        if not isinstance(x, Tensor):
            raise TypeError(f"x: found {type(x)}, expected a floating-point tensor (..., D)")
        if not x.is_floating_point() or x.dim() == 0:
            raise TypeError(
                f"x: found dtype {x.dtype}, shape {tuple(x.shape)}, "
                "expected a floating-point tensor (..., D)"
            )
        if x.shape[-1] != self.in_features:
            raise ValueError(
                f"x: found {x.shape[-1]} features in shape {tuple(x.shape)}, "
                f"expected {self.in_features}"
            )
        if x.layout is not torch.strided:
            raise TypeError(f"x: found layout {x.layout}, expected a dense tensor: x.to_dense()")
        weight = self.weight
        if x.device != weight.device:
            raise ValueError(f"x: found device {x.device}, expected {weight.device}, the layer's")
        if x.dtype != weight.dtype and not _cast_to_one(x, weight):
            raise TypeError(
                f"x: found dtype {x.dtype}, expected that of the layer, {weight.dtype}: "
                f"x.to({weight.dtype}) or layer.to({x.dtype})"
            )
        return x

    def stream_outputs(self, x: Tensor) -> dict[Stream, Tensor]:
        """Return each stream's share (..., C) of the output for x (..., D).

        Without normalisation they and the bias add up to the output.
        """
        return dict(zip(self.structure.streams, self._streams(x), strict=True))

    def _streams(self, x: Tensor) -> list[Tensor]:
        """Return the outputs (..., C) of the streams for x (..., D), in their order."""
        features = neuron_kernel.features(self._checked(x), self.factors, self.structure)
        blocks = self.weight.split(self._widths, dim=1)
        return [F.linear(f, w) for f, w in zip(features, blocks, strict=True)]

    def forward(self, x: Tensor) -> Tensor:
        """Return the output (..., C) for x (..., D); TypeError or ValueError for any other x."""
        if self.batch_norm is None:
            return neuron_kernel.task_linear(
                self._checked(x), self.weight, self.bias, self.factors, self.structure
            )
        return self._normalised(self._streams(x))

    def _normalised(self, streams: list[Tensor]) -> Tensor:
        """Return the sum (..., C) of the streams, (..., C) each, every one normalised."""
        # One BatchNorm1d holds the statistics of all streams, but is applied stream by stream, with
        # the shifts added once at the start: that is faster than one tensor of all streams.
        norm, n = self.batch_norm, len(streams)
        if norm.training:
            norm.num_batches_tracked.add_(1)
        shift = norm.bias.view(n, -1).sum(0)
        total = shift if self.bias is None else shift + self.bias
        parts = (p.chunk(n) for p in (norm.running_mean, norm.running_var, norm.weight))
        for i, (stream, *part) in enumerate(zip(streams, *parts, strict=True)):
            rows = stream.reshape(-1, self.out_features)
            rows = F.batch_norm(rows, *part, None, norm.training, norm.momentum, norm.eps)
            total = total.add_(rows) if i else total + rows
        return total.view_as(streams[0])

    def extra_repr(self) -> str:
        return (
            f"{self.in_features}, {self.out_features}, structure={self.structure}, "
            f"bias={self.bias is not None}, norm={self.norm!r}"
        )


def _cast_to_one(x: Tensor, weight: Tensor) -> bool:
    """Whether autocast brings x (..., D) and weight (C, terms) to one type."""
    kind = x.device.type
    if not torch.amp.is_autocast_available(kind):  # such as "meta"
        return False
    return torch.is_autocast_enabled(kind) and {x.dtype, weight.dtype} <= {
        torch.float32, torch.get_autocast_dtype(kind)
    }


_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def _checked_place(
    device: torch.device | str | None, dtype: torch.dtype | None,
    generator: torch.Generator | None,
) -> dict[str, object]:
    """Return device and dtype by name for torch's factories; TypeError or ValueError if no such."""
    if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype in _DTYPES):
        raise TypeError(f"dtype: found {checks.shown(dtype)}, expected one of "
                        f"{', '.join(map(str, _DTYPES))}")
    if generator is not None and not isinstance(generator, torch.Generator):
        raise TypeError(f"generator: found {checks.shown(generator)}, expected a torch.Generator")
    try:
        device = None if device is None else torch.device(device)
    except (RuntimeError, TypeError):
        raise ValueError(f"device: found {checks.shown(device)}, expected a device of torch such "
                         "as 'cpu'") from None
    return {"device": device, "dtype": dtype}
