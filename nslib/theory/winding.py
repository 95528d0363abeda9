"""Construction C: one integer, how often the circle is wound, holds the function.

w/(π + k), k = 1 … K, comes near any angles for some integer w, since 1 and the 1/(π + k) are
independent over the rationals (π is transcendental; Kronecker). w is found by lattice reduction.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from mpmath.ctx_mp import MPContext

from .. import checks
from .bounds import angle_intervals, as_eps, as_targets, waiting_bits
from .construction import AngledConstruction, certificate
from .intervals import context, ends, exact, sin_squared
from .lattice import HAS_FLINT, nearest_planes, reduce, triangular

WORK = 1 << 26  # roundings of one reduced basis, times K²: a fraction of a second
KEPT = 32  # roundings that fit and are certified, the smallest w first
MAX_BITS = 2048  # reductions beyond take hours
MAX_SECONDS = 25.0  # of all reductions, as expected before the search on an idle machine
# (K + 1)^4 times the squared bits of the lattice, reduced in a second: by this, messages give a
# time. Sympy's reduction takes hundreds of times as long as FLINT's.
NOMINAL_RATE = 5e12 if HAS_FLINT else 2e10
MIN_EPS = 1e-12  # doubles hold the scaled lattice to about 2^-50


@dataclass(frozen=True, eq=False)
class Winding(AngledConstruction):
    """|sin²(π w/(π + k)) - targets[k - 1]| <= eps for k = 1 … K, certified.

    Attributes
    ----------
    w : an integer of at least 0
    expected_bits : Σ log2(1/μ_k), what a perfect search would need
    reductions : how often a lattice was reduced
    seconds : of the whole search
    """

    w: int
    expected_bits: float
    reductions: int
    seconds: float

    @property
    def bits(self) -> int:
        """Bits of w."""
        return self.w.bit_length()

    @property
    def parameters(self) -> dict[str, int | float | Fraction]:
        """z = softsign(k + π - 1); value = (sin π(w z))²: w/(π + k) = w - w z."""
        return {"index": 1, "offset": math.pi - 1, "winding": self.w, "angle": math.pi,
                "sine": 1, "square": 1}

    def angle_at(self, k: Fraction) -> tuple[Fraction, Fraction]:
        """w/(π + k) mod 1, to 128 bits."""
        return winding_angles(self.w, [k])[0]


def winding_angles(w: int, indices: Iterable[int | Fraction]) -> list[tuple[Fraction, Fraction]]:
    """Return certified bounds [K] of w/(π + k) mod 1 for `indices` [K], about 2^-128 wide."""
    ctx, bounds = context(w.bit_length() + 128), []
    for k in indices:
        low, high = ends(ctx.mpf(w) / (ctx.pi + exact(ctx, Fraction(k))))
        whole = math.floor(low)
        bounds.append((low - whole, high - whole))
    return bounds


def find_winding(
    targets: Any, eps: float, *, seed: int = 0, max_bits: int = MAX_BITS,
    max_seconds: float = MAX_SECONDS,
) -> Winding:
    """Return an integer w with |sin²(π w/(π + k)) - targets[k - 1]| <= eps for k = 1 … K.

    Target k allows the angles ±θ_k to within δ_k. The lattice of the points (w/(π + k) - n_k)/δ_k,
    with w scaled to the size sought as the last coordinate, is reduced, and many targets ±θ_k/δ_k
    are rounded to it. Where none fits, w may grow and the basis is reduced again. The certificate
    is proved; nothing is proved about the size of w, which need not be the least.

    Parameters
    ----------
    targets : array (K,) in [0, 1]
    eps : tolerance in [1e-12, 1/2)
    seed : of the signs tried; the same seed gives the same w
    max_bits : of w, as expected before the search
    max_seconds : of the reductions, as estimated from K and eps before the search; nothing is
        stopped by a clock, so that the same arguments always give the same result

    Raises
    ------
    TypeError, ValueError : before any search, for bad arguments or where more bits or seconds are
        expected
    RuntimeError : where no w of the bits allowed fits

    Examples
    --------
    >>> winding = find_winding([0.2, 0.9], 0.05)
    >>> winding.w, winding.error <= 0.05
    (74, True)
    """
    y, eps = as_targets(targets), as_eps(eps)
    seed = checks.positive_int(seed, "seed", 0)
    max_bits = checks.positive_int(max_bits, "max_bits")
    max_seconds = checks.real(max_seconds, "max_seconds", 0)
    expected = waiting_bits(y, eps)
    if eps < MIN_EPS:
        raise ValueError(f"eps: found {eps}, expected at least {MIN_EPS}")
    if expected > max_bits:
        raise ValueError(
            f"eps: found {eps} for {len(y)} cells, expected {max_bits} bits of w to do; "
            f"it takes about {math.ceil(expected)} (max_bits)"
        )
    size = int(expected) + 1
    seconds = (len(y) + 1) ** 4 * _precision(y, eps, _limit(size, len(y))) ** 2 / NOMINAL_RATE
    if seconds > max_seconds:
        raise ValueError(
            f"targets: found {len(y)} cells at eps {eps}, whose lattice takes about {seconds:.3g} "
            f"seconds to reduce, expected at most {max_seconds:g} (max_seconds)"
        )
    begin = time.perf_counter()
    search = _Search(y, eps, np.random.default_rng(seed), size)
    while search.size <= search.limit:
        w, fields = search.attempt()
        if fields is not None:
            return Winding(**fields, w=w, expected_bits=expected, reductions=search.reductions,
                           seconds=time.perf_counter() - begin)
        search.grow()
    raise RuntimeError(f"find_winding: found no w of up to {search.limit} bits; give a larger eps")


class _Search:
    """The reduced lattice for w of about 2^`size`, and the roundings tried with it.

    `y` (K,): targets. `rows` [K + 1][K + 1]: the reduced basis in integers; `lower`, `turn`:
    `triangular` of it in units of one tolerance.
    """

    def __init__(self, y: np.ndarray, eps: float, rng: np.random.Generator, size: int) -> None:
        self.y, self.eps, self.rng = y, eps, rng
        self.centre, self.delta = _tolerances(y, eps)
        self.size, self.limit, self.reductions = size, _limit(size, len(y)), 0
        self.trials = min(1 << 15, WORK // len(y) ** 2 + 1)  # of signs and sizes of w
        # the lattice in integers, precise enough for w of `limit` bits
        cells = len(y)
        scale = 2.0**20 * self.delta.max()
        precision = _precision(y, eps, self.limit)
        ctx = MPContext()
        ctx.prec = precision + 32
        weights = [round(scale / d) for d in self.delta.tolist()]
        first = [weight * int(ctx.floor(ctx.ldexp(1 / (ctx.pi + k), precision)))
                 for k, weight in enumerate(weights, 1)]
        self.unit = Fraction(scale) * (1 << precision)  # the length of one tolerance
        self.step = round(self.unit / (1 << self.size))  # the length of w = 1
        rows = [[*first, self.step]]
        for k, weight in enumerate(weights):
            rows.append([*(weight << precision if j == k else 0 for j in range(cells)), 0])
        self._reduce(rows)

    def _reduce(self, rows: list[list[int]]) -> None:
        """Reduce the basis `rows` [K + 1][K + 1] and estimate how often a rounding fits."""
        self.rows = reduce(rows)
        self.reductions += 1
        unit = self.unit
        basis = np.array([[float(value / unit) for value in row] for row in self.rows])
        self.lower, self.turn = triangular(basis)
        variance = (self.turn**2 @ (np.diag(self.lower) ** 2) / 12)[:-1]
        # What rounding leaves is uniform in a box of the lengths on the diagonal; `turn` mixes its
        # K + 1 sides, and the sum is near normal. So this is about log2 of the share of roundings
        # that fit, and only a guide: a certificate decides.
        self.chance = sum(math.log2(max(math.erf(1 / math.sqrt(2 * v)), 1e-300)) for v in variance)

    def grow(self) -> None:
        """Let w have more bits: lengthen all else, and reduce the basis again."""
        cells = len(self.y)
        missing = -math.log2(self.trials) - self.chance
        bits = max(1, cells // 32, min(cells // 4, int(0.35 * missing)))
        self.size += bits
        self.unit *= 1 << bits
        self._reduce([[*(v << bits for v in row[:-1]), row[-1]] for row in self.rows])

    def attempt(self) -> tuple[int, dict[str, object] | None]:
        """Return the least certified w of many roundings and its certificate, or (0, None)."""
        # 6 bits of leave for the guess; below that, growing w costs less than trying
        if self.chance < -math.log2(self.trials) - 6:
            return 0, None
        cells = len(self.y)
        goals = np.empty((self.trials, cells + 1))
        signs = self.rng.choice([-1.0, 1.0], (self.trials, cells))
        # sin² is even, so each angle may have either sign: 2^K targets for one lattice
        goals[:, :-1] = signs * (self.centre / self.delta)
        goals[:, -1] = self.rng.uniform(-1, 1, self.trials)
        left, coefficients = nearest_planes(self.lower, self.turn, goals)
        fits = np.flatnonzero((np.abs(left[:, :-1]) <= 1).all(axis=1))
        size = np.abs(goals[fits, -1] - left[fits, -1])
        fits = fits[np.argsort(size, kind="stable")[:KEPT]]
        # the last coordinate of a lattice point is w · step: w exactly, from integers
        turns = [row[-1] // self.step for row in self.rows]
        candidates = sorted({
            abs(sum(int(x) * n for x, n in zip(row, turns, strict=True)))
            for row in coefficients[fits]
        })
        for w in candidates:
            bounds = sin_squared(winding_angles(w, range(1, cells + 1)))
            fields = certificate(bounds, self.y, self.eps)
            if fields is not None:
                return w, fields
        return 0, None


def _limit(size: int, cells: int) -> int:
    """Return the bits beyond which no w is sought, where `size` bits are expected."""
    return size + 4 * cells + 64


def _precision(y: np.ndarray, eps: float, limit: int) -> int:
    """Return the bits of the lattice in integers for targets y (K,) and w of `limit` bits."""
    return limit + math.ceil(-math.log2(_tolerances(y, eps)[1].min())) + 16


def _tolerances(y: np.ndarray, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """Return centre θ_k and half-width δ_k of the angles that `y` (K,) allow: (K,) each, in turns.

    Where 0 or 1 is allowed, both signs of the angle make one interval around 0 or 1/2.
    """
    low, high = angle_intervals(y, eps).T
    zero, one = y - eps <= 0, y + eps >= 1
    centre = np.where(zero, 0.0, np.where(one, 0.5, (low + high) / 2))
    delta = np.where(zero, high, np.where(one, 0.5 - low, (high - low) / 2))
    return centre, delta
