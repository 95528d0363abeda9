"""Construction A: one network that never changes; the number of repetitions holds the function.

The start points are u_k = sin²(π/(c + k)). For almost every real c the orbit of (u_1, …, u_K) under
the chaotic neuron comes near every point of the cube, so some depth takes any targets.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .. import checks
from .bounds import angle_intervals, arcsine_measure, as_eps, as_targets, waiting_bits, waiting_time
from .construction import AngledConstruction, certificate
from .expansion import DEFAULT_C, digit_bytes, remainder_at, start_angles, windows
from .intervals import sin_squared
from .logistic_map import angle_at, as_fraction

CHUNK = 1 << 22  # positions whose digits are held at a time
HELD = 1 << 31  # digits of all cells held at a time: a quarter of a gigabyte
MAX_CELLS_HELD = 1 << 16  # a minute for the certificate of one depth
MAX_DEPTH = 10**14  # weeks on one core: beyond it no scan is started
NOMINAL_RATE = 1e8  # positions a second by which messages give a time
BLOCK = 1 << 14  # bytes compared at a time: the buffers stay in the cache
CERTIFY_BITS = 192
SLACK = np.uint64(1 << 20)  # of 2^64, covers 57-bit windows and the doubles of the angle bounds


@dataclass(frozen=True, eq=False)
class DenseTrajectory(AngledConstruction):
    """|T^depth(sin²(π/(c + k))) - targets[k - 1]| <= eps for k = 1 … K, certified.

    Attributes
    ----------
    depth : the first such number of repetitions
    c : the start parameter, exact, so that sin²(π 2^depth/(c + k)) can be rechecked
    waiting_time : Kac's mean, in steps
    scanned : positions looked at
    seconds : of scanning
    """

    depth: int
    c: Fraction
    waiting_time: float
    scanned: int
    seconds: float

    @property
    def bits(self) -> int:
        """Bits of the depth."""
        return self.depth.bit_length()

    @property
    def repeats(self) -> int:
        """The depth."""
        return self.depth

    @property
    def parameters(self) -> dict[str, int | float | Fraction]:
        """z = softsign(k + c - 1); u = (sin πz)²; then `depth` times u = ReLU(4u - 4u²)."""
        return {"index": 1, "offset": self.c - 1, "angle": math.pi, "sine": 1, "square": 1,
                "neuron, order 1": 4, "neuron, order 2": -4}

    def angle_at(self, k: Fraction) -> Fraction:
        """2^depth/(c + k) mod 1."""
        return angle_at(1 / (self.c + k), self.depth)


def find_depth(
    targets: Any, eps: float, *, c: Any = DEFAULT_C, max_depth: int = 10**9, progress: bool = False,
) -> DenseTrajectory:
    """Return the first depth r with |sin²(π 2^r/(c + k)) - targets[k - 1]| <= eps for all k.

    "First" is proved up to angles within 2^-180 of the border of a tolerance, which count as
    outside. For almost every real c some depth will do. For a given fraction that is not proved:
    its digits repeat, though most likely only after about as many steps as its denominator, 2^130.

    Parameters
    ----------
    targets : array (K,) in [0, 1], K at most 2^16
    eps : tolerance in (0, 1/2)
    c : a number of at least 1, taken exactly; π to 128 bits by default
    max_depth : the last depth looked at
    progress : whether to print a line to stderr about every ten seconds

    Raises
    ------
    ValueError : before any scanning, for bad arguments and where Kac's mean waiting time exceeds
        `max_depth`
    RuntimeError : where no depth up to `max_depth` will do

    Examples
    --------
    >>> result = find_depth([0.2, 0.9], 0.05)
    >>> result.depth, result.error <= 0.05
    (135, True)
    """
    y, eps = as_targets(targets), as_eps(eps)
    if len(y) > MAX_CELLS_HELD:
        raise ValueError(f"targets: found {len(y)} cells, expected at most {MAX_CELLS_HELD}")
    c = as_fraction(c, "c")
    angles = start_angles(c, len(y))
    max_depth = checks.positive_int(max_depth, "max_depth", 0, MAX_DEPTH)
    checks.boolean(progress, "progress")
    _refuse_hopeless(y, eps, max_depth)
    scan, mean = _Scan(angles, y, eps), waiting_time(y, eps)
    begin, told = time.perf_counter(), 0.0
    size = min(CHUNK, 1 << 14)  # small at first: many depths are
    while scan.position <= max_depth:
        hit = scan.first(min(size, max_depth + 1 - scan.position))
        seconds = time.perf_counter() - begin
        if hit is not None:
            depth, fields = hit
            return DenseTrajectory(**fields, depth=depth, c=c, scanned=depth + 1, seconds=seconds,
                                   waiting_time=mean)
        size = min(4 * size, CHUNK, max(size, HELD // len(y)))
        if progress and seconds - told >= 10:
            told = seconds
            print(f"find_depth: {scan.position:.3g} positions in {seconds:.0f} s, "
                  f"mean waiting time {mean:.3g}", file=sys.stderr, flush=True)
    raise RuntimeError(
        f"find_depth: found no depth up to {max_depth}, where Kac's mean waiting time is "
        f"{mean:.3g}; give a larger max_depth, a larger eps or another c"
    )


def _refuse_hopeless(y: np.ndarray, eps: float, max_depth: int) -> None:
    """Raise ValueError where targets y (K,) take more than `max_depth` steps in the mean."""
    bits = waiting_bits(y, eps)
    if bits <= math.log2(max_depth + 1):
        return
    seconds = bits - math.log2(NOMINAL_RATE)
    years = math.log2(3600 * 24 * 365.25)
    span = (f"{2**seconds:.2g} seconds" if seconds < years
            else f"10^{(seconds - years) * math.log10(2):.1f} years")
    mean = f"{2**bits:.3g}" if bits < 1000 else f"2^{bits:.0f}"
    budget = f"max_depth of at least {mean}" if bits < math.log2(MAX_DEPTH) else (
        f"fewer cells or a larger eps: no scan goes beyond {MAX_DEPTH:.0e}")
    raise ValueError(
        f"eps: found {eps} for {len(y)} cells, a mean waiting time (Kac) of {mean} steps, about "
        f"{span} at {NOMINAL_RATE:.0e} positions a second, above max_depth = {max_depth}; "
        f"expected {budget}"
    )


class _Scan:
    """The comparison of binary digits with the targets, cell after cell on what is left.

    `angles` [K]: 1/(c + k); `targets` (K,). Doubling an angle moves its digits by one place, so
    the 64 digits from place r on are the angle after r repetitions, to 2^-64.
    """

    def __init__(self, angles: list[Fraction], targets: np.ndarray, eps: float) -> None:
        self.angles, self.targets, self.eps = angles, targets, eps
        self.order = np.argsort(arcsine_measure(targets, eps), kind="stable")  # rarest first
        self.bounds = []  # of each cell's angle as a whole number of 2^-64: lowest, width
        for low, high in angle_intervals(targets, eps):
            low, high = np.uint64(math.ldexp(low, 64)), np.uint64(math.ldexp(high, 64))
            low = low - min(low, SLACK)  # wider than allowed: the certificate has the last word
            self.bounds.append((low, high + SLACK - low))
        self.position, self.remainders = 0, [remainder_at(angle, 0) for angle in angles]

    def first(self, count: int) -> tuple[int, dict[str, object]] | None:
        """Return the first certified depth of the next `count` positions and its certificate."""
        position, n_bytes = self.position, -(-count // 8)
        cells, moved = [], []
        for angle, remainder in zip(self.angles, self.remainders, strict=True):
            cells.append(windows(digit_bytes(remainder, angle.denominator, n_bytes)))
            moved.append(remainder * pow(2, count, angle.denominator) % angle.denominator)
        self.position, self.remainders = position + count, moved
        for begin in range(0, n_bytes, BLOCK):
            places = self._survivors([cell[begin:begin + BLOCK] for cell in cells]) + 8 * begin
            for place in np.sort(places[places < count]).tolist():
                bounds = sin_squared(
                    (angle_at(a, position + place) for a in self.angles), CERTIFY_BITS)
                certified = certificate(bounds, self.targets, self.eps)
                if certified is not None:
                    return position + place, certified
        return None

    def _survivors(self, cells: list[np.ndarray]) -> np.ndarray:
        """Return the places (M,), 8·byte + shift, where every cell may be near its target.

        `cells` [K] of (bytes,) uint64: the 64 digits of each cell from every byte of a block on.
        """
        low, width = self.bounds[self.order[0]]
        first = cells[self.order[0]].astype(np.uint64)
        window, other = np.empty_like(first), np.empty_like(first)
        inside = np.empty(len(first), dtype=bool)
        hits = []
        for shift in range(8):  # the digits between two bytes
            np.left_shift(first, np.uint64(shift), out=window)
            _fold(window, other)
            np.subtract(window, low, out=window)
            np.less_equal(window, width, out=inside)
            hits.append(8 * np.flatnonzero(inside) + shift)
        places = np.concatenate(hits)
        for k in self.order[1:]:
            low, width = self.bounds[k]
            window = cells[k][places >> 3].astype(np.uint64)
            window <<= (places & 7).astype(np.uint64)
            _fold(window, np.empty_like(window))
            # unsigned: what is below `low` wraps around to a huge number, so one comparison does
            places = places[window - low <= width]
        return places


def _fold(window: np.ndarray, buffer: np.ndarray) -> None:
    """Mirror the upper half of the circle onto the lower: sin² is the same there.

    `window` (M,) uint64: angles in 2^-64 turns, changed in place; `buffer` (M,): overwritten.
    """
    # 1 - α is, but for one unit of 2^-64, the complement of α's digits; the shift by 63 of a
    # signed number is all ones where α >= 1/2, else zero. No branch, no copy.
    signed, mask = window.view(np.int64), buffer.view(np.int64)
    np.right_shift(signed, 63, out=mask)
    np.bitwise_xor(signed, mask, out=signed)
