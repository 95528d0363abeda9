"""Certified values: sin²(πα) between two doubles that are proved to enclose it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from mpmath.ctx_iv import MPIntervalContext


@dataclass(frozen=True, eq=False)
class Intervals:
    """Numbers that are proved to lie in [low, high].

    Attributes
    ----------
    low, high : arrays (K,), float64, read-only
    """

    low: np.ndarray
    high: np.ndarray

    def __post_init__(self) -> None:
        self.low.setflags(write=False)
        self.high.setflags(write=False)

    @property
    def middle(self) -> np.ndarray:
        """Midpoints, for drawing (K,)."""
        return self.low + (self.high - self.low) / 2

    @property
    def width(self) -> np.ndarray:
        """high - low (K,)."""
        return self.high - self.low


def context(bits: int) -> MPIntervalContext:
    """Return interval arithmetic of `bits` bits that shares no state with mpmath's own."""
    ctx = MPIntervalContext()
    ctx.prec = bits
    return ctx


def fraction(number: tuple) -> Fraction:
    """Return the exact value of a finite mpmath number (sign, mantissa, exponent, length)."""
    sign, mantissa, exponent, _ = number
    if not mantissa and exponent:
        raise ArithmeticError("interval: found an infinite endpoint, expected a finite one")
    value = -int(mantissa) if sign else int(mantissa)
    return Fraction(value << exponent) if exponent >= 0 else Fraction(value, 1 << -exponent)


def ends(interval) -> tuple[Fraction, Fraction]:
    """Return the exact endpoints of an mpmath interval."""
    low, high = interval._mpi_
    return fraction(low), fraction(high)


def exact(ctx: MPIntervalContext, value: Fraction):
    """Return the narrowest interval of `ctx` around a fraction."""
    return ctx.mpf(value.numerator) / ctx.mpf(value.denominator)


def sin_squared(
    angles: Iterable[Fraction | tuple[Fraction, Fraction]], bits: int = 128
) -> list[tuple[Fraction, Fraction]]:
    """Return exact bounds [K] of sin²(πα) for `angles` [K] in turns, or pairs that enclose one.

    By mpmath's interval arithmetic at `bits` bits: (1 - cos 2πα) / 2, cut to [0, 1].
    """
    ctx = context(bits)
    turn, bounds = 2 * ctx.pi, []
    for angle in angles:
        pair = angle if isinstance(angle, tuple) else (angle, angle)
        alpha = ctx.mpf([exact(ctx, pair[0]).a, exact(ctx, pair[1]).b])
        low, high = ends((1 - ctx.cos(turn * alpha)) / 2)
        bounds.append((max(low, Fraction(0)), min(high, Fraction(1))))
    return bounds


def sine_middles(angles: Iterable[Fraction | tuple[Fraction, Fraction]]) -> np.ndarray:
    """Return the middles (K,) of `sin_squared` as doubles."""
    return np.array([float((low + high) / 2) for low, high in sin_squared(angles)])


def round_down(value: Fraction) -> float:
    """Return the largest double that is at most `value`."""
    near = float(value)
    return near if Fraction(near) <= value else float(np.nextafter(near, -np.inf))


def round_up(value: Fraction) -> float:
    """Return the smallest double that is at least `value`."""
    return 0.0 - round_down(-value)


def outward(bounds: Iterable[tuple[Fraction, Fraction]]) -> Intervals:
    """Return exact bounds [K] as Intervals (K,) of doubles, rounded outward."""
    pairs = [(round_down(low), round_up(high)) for low, high in bounds]
    low, high = np.array(pairs, dtype=np.float64).reshape(-1, 2).T.copy()
    return Intervals(low, high)
