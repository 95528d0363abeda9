"""Networks of learnt one-dimensional functions: uniform B-splines, SplineLinear and KAN."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .. import checks
from .feedforward import check_features, checked_widths

# of the initial outputs' mean square: small, as in the paper, so that training starts smooth
SPLINE_SHARE = 0.05


def _interval(low: float, high: float) -> tuple[float, float]:
    low, high = checks.real(low, "low"), checks.real(high, "high")
    if low >= high:
        raise ValueError(f"high: found {high}, expected a number above low = {low}")
    return low, high


def _floating(x: Tensor, shape: str) -> Tensor:
    """Return x (...); TypeError, telling the shape expected, unless it is floating-point."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = f"dtype {x.dtype}" if isinstance(x, Tensor) else type(x)
        raise TypeError(f"x: found {kind}, expected a floating-point tensor {shape}")
    return x


def _pieces(f: Tensor, degree: int) -> list[Tensor]:
    """Return the degree + 1 splines (...) by knot, nonzero at the share f (...) of an interval."""
    g = 1 - f
    if degree == 3:
        f2, g2 = f * f, g * g
        f3, g3 = f2 * f / 6, g2 * g / 6
        return [g3, torch.add(2 / 3 - f2, f3, alpha=3), torch.add(2 / 3 - g2, g3, alpha=3), f3]
    pieces = [g, f]
    for p in range(2, degree + 1):  # Cox-de Boor: from degree p - 1 to p
        inner = [((f + (p - m)) * pieces[m - 1] + (g + m) * pieces[m]) / p for m in range(1, p)]
        pieces = [g * pieces[0] / p, *inner, f * pieces[-1] / p]
    return pieces


def _basis(x: Tensor, n_intervals: int, degree: int, low: float, high: float) -> Tensor:
    """Return what `bspline_basis` does, (..., n_intervals + degree) for x (...), unchecked."""
    position = ((x - low) * (n_intervals / (high - low))).clamp(0, n_intervals)
    # the second clamp puts x = high into the last interval and NaN into a valid one
    index = position.to(torch.int64).clamp(0, n_intervals - 1)
    pieces = torch.stack(_pieces(position - index, degree)).movedim(0, -1)
    places = torch.stack([index + m for m in range(degree + 1)]).movedim(0, -1)
    zeros = pieces.new_zeros(()).expand(*x.shape, n_intervals + degree)
    return zeros.scatter(-1, places, pieces)  # not in place: scatter_ is slow under vmap


def bspline_basis(x: Tensor, n_intervals: int, degree: int, low: float, high: float) -> Tensor:
    """Return the values of all uniform B-splines of `degree` at x.

    The knots divide [low, high] into `n_intervals` equal intervals and go on beyond both ends by
    `degree` of them. x (...) is floating-point; the result (..., n_intervals + degree) has its
    type, is not negative and adds up to one. Outside [low, high] each spline keeps its value at the
    nearer end, with gradient zero; the result is finite for every x but NaN.

    Raises TypeError or ValueError for x that is no such tensor, numbers below 1, empty intervals.

    Source: de Boor, A Practical Guide to Splines (1978), chapter X; for degree 3 the closed form.
    """
    checks.positive_int(n_intervals, "n_intervals")
    checks.positive_int(degree, "degree")
    return _basis(_floating(x, "(...)"), n_intervals, degree, *_interval(low, high))


class SplineLinear(nn.Module):
    r"""A layer of learnt one-dimensional functions, one for each input i and output c.

    For D = `in_features`, C = `out_features` and the J = `n_intervals` + `degree` B-splines B_j
    on [`low`, `high`],

        y_c = b_c + Σ_i [ v_{c,i} · silu(x_i) + Σ_j w_{c,i,j} · B_j(x_i) ],

    two matrix products. The splines are constant outside [`low`, `high`], silu is not.

    `weight` (C, D (1 + J)) is first v, then w with j running fastest; `bias` is (C,). `generator`
    makes them reproducible. Raises TypeError or ValueError as `bspline_basis` does.

    Source: Liu et al., KAN (arXiv 2404.19756), section 2.2, each spline's scale in its weights.
    """

    def __init__(
        self, in_features: int, out_features: int, n_intervals: int = 5, degree: int = 3, *,
        low: float = -3.0, high: float = 3.0, generator: torch.Generator | None = None,
        device: torch.device | str | None = None, dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.in_features = checks.positive_int(in_features, "in_features")
        self.out_features = checks.positive_int(out_features, "out_features")
        self.n_intervals = checks.positive_int(n_intervals, "n_intervals")
        self.degree = checks.positive_int(degree, "degree")
        self.low, self.high = _interval(low, high)
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError(f"dtype: found {dtype}, expected a floating-point type")
        columns = in_features * (1 + n_intervals + degree)
        self.weight = nn.Parameter(torch.empty(out_features, columns, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(out_features, device=device, dtype=dtype))
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights: for standard normal inputs the outputs have a mean square of one.

        The splines' share in it is `SPLINE_SHARE`, silu has the rest; the bias is zero.
        """
        with torch.no_grad():
            normal = torch.special.ndtri((torch.arange(1000, dtype=torch.float64) + 0.5) / 1000)
            shares = (1 - SPLINE_SHARE, SPLINE_SHARE)
            features = self._features(normal[:, None])
            for block, share, feature in zip(self._blocks(), shares, features, strict=True):
                mean_square = self.in_features * feature.square().sum(-1).mean().item()
                block.normal_(0.0, (share / mean_square) ** 0.5, generator=generator)
            self.bias.zero_()

    def _blocks(self) -> tuple[Tensor, Tensor]:
        """Return views of `weight`: v (C, D) and w (C, D J)."""
        return self.weight[:, : self.in_features], self.weight[:, self.in_features :]

    def _features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return silu(x) and the splines of x (..., D): (..., D) and (..., D J)."""
        basis = _basis(x, self.n_intervals, self.degree, self.low, self.high)
        return F.silu(x), basis.flatten(-2)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (..., D) to (..., C)."""
        check_features(_floating(x, "(..., D)"), self.in_features)
        base, splines = self._features(x)
        v, w = self._blocks()
        return F.linear(base, v) + F.linear(splines, w, self.bias)

    def extra_repr(self) -> str:
        return (f"{self.in_features}, {self.out_features}, n_intervals={self.n_intervals}, "
                f"degree={self.degree}, low={self.low:g}, high={self.high:g}")


class KAN(nn.Module):
    r"""A Kolmogorov-Arnold network: stacked `SplineLinear` layers with splines on [-3, 3].

    Between two layers the features of a row are normalised by their mean square m, as
    x / sqrt(1 + m / 9): their root mean square stays below 3, where the splines end. Unlike
    x / sqrt(m) this keeps the size of a row, and is smooth at zero.

    Parameters
    ----------
    in_features, out_features, hidden, generator
        As for `MLP`, with its errors; without `hidden` it is a sum of one-dimensional functions.
    n_intervals, degree : int
        Of the splines.

    Source: Liu et al., KAN: Kolmogorov-Arnold Networks (arXiv 2404.19756), on a fixed grid.
    """

    def __init__(
        self, in_features: int, out_features: int, hidden: Sequence[int], n_intervals: int = 5,
        degree: int = 3, *, generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        widths = in_features, *checked_widths(hidden), out_features
        self.layers = nn.ModuleList(
            SplineLinear(a, b, n_intervals, degree, generator=generator)
            for a, b in pairwise(widths)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map x (..., D) to (..., C)."""
        first, *others = self.layers
        x = first(x)
        for layer in others:
            mean_square = x.square().mean(-1, keepdim=True)
            x = layer(x * torch.rsqrt(1 + mean_square / layer.high**2))
        return x
