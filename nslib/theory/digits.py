"""Construction B: the digits of one number hold the function, word after word.

θ_k = arcsin(√y_k)/π to m bits, α = Σ_k θ_k 2^{-m(k-1)}, s = sin²(πα): m repetitions of the
chaotic neuron move the next word to the front.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from mpmath import libmp
from mpmath.ctx_mp import MPContext

from .. import checks
from .bounds import as_eps, as_targets
from .construction import Construction, certificate
from .intervals import Intervals, outward, round_up, sin_squared

MAX_WORD = 4096
MAX_BITS = 1 << 24
MAX_WORDS = 1 << 18  # a minute or two, as for the most bits
GUARD = 64
PI_BELOW = Fraction(libmp.pi_fixed(126), 1 << 126)  # π, cut


@dataclass(frozen=True, eq=False)
class Digits(Construction):
    """|T^{m(k-1)}(s) - targets[k - 1]| <= π 2^{-m} for k = 1 … K, certified.

    Attributes
    ----------
    word_bits : m
    code : the integer of K words of m bits, the first in front: α = code / 2^{mK}
    eps : the double next above π 2^{-m}
    """

    word_bits: int
    code: int

    @property
    def angle(self) -> Fraction:
        """α, exactly."""
        return Fraction(self.code, 1 << self.bits)

    def start(self) -> Intervals:
        """Return s = sin²(πα), the one parameter that holds the targets, as an interval (1,)."""
        return outward(sin_squared([self.angle]))

    def _between(self, whole: np.ndarray, rest: np.ndarray) -> np.ndarray:
        # the gate takes from the two nearest words in proportion
        certified, share = self.values.middle, rest * 2.0**-53
        return (1 - share) * certified[whole] + share * certified[whole + 1]

    @property
    def bits(self) -> int:
        """m·K: the digits of α."""
        return self.word_bits * self.cells

    @property
    def repeats(self) -> int:
        """m(K - 1): until the last word is in front."""
        return self.word_bits * (self.cells - 1)

    @property
    def parameters(self) -> dict[str, int | float | Fraction]:
        """A recurrent network that keeps (u, step, out), started at (s, 1, 0) for every index k.

        Each of its K steps adds gate · u to `out`, an interaction of order 2, with
        gate = ReLU(1 - ReLU(z) - ReLU(-z)) and z = step - k; then repeats the neuron m times.
        The start is shown as a double; the network needs s to 2mK bits or fewer.
        """
        return {
            "start": Fraction(self.start().middle[0]), "neuron, order 1": 4, "neuron, order 2": -4,
            "first step": 1, "next step": 1, "z, step": 1, "z, index": -1, "above": 1, "below": -1,
            "gate": 1, "gate, above": -1, "gate, below": -1, "out, gate": 1, "out, u": 1,
            "out, gate times u": 1,
        }


def word_bits(eps: float) -> int:
    """Return the least m with π 2^{-m} <= eps: the bits a word that `encode` needs for `eps`.

    Parameters
    ----------
    eps : tolerance in (0, 1/2)
    """
    return math.ceil(math.log2(math.pi / as_eps(eps)))


def encode(targets: Any, bits: int) -> Digits:
    """Return the digits of one number that hold `targets` in words of m = `bits` bits.

    θ_k is cut, not rounded, and what follows it adds less than 2^{-m}. So the angle errs by less
    than 2^{-m}, and sin²(πα), of slope at most π, by at most π 2^{-m}.

    Parameters
    ----------
    targets : array (K,) in [0, 1], K at most 2^18
    bits : m, at most 4096 and at most 2^24 in all words; see `word_bits`

    Raises
    ------
    TypeError, ValueError : for bad targets or bits

    Examples
    --------
    >>> digits = encode([0.2, 0.9], bits=8)
    >>> digits.bits, digits.error <= digits.eps
    (16, True)
    """
    y, m = as_targets(targets), checks.positive_int(bits, "bits", 1, MAX_WORD)
    if len(y) > MAX_WORDS:
        raise ValueError(f"targets: found {len(y)} cells, expected at most {MAX_WORDS}")
    if m * len(y) > MAX_BITS:
        raise ValueError(
            f"bits: found {m} for {len(y)} cells, {m * len(y)} in all, expected at most {MAX_BITS} "
            f"in all: {MAX_BITS // len(y)} a word or {MAX_BITS // m} cells"
        )
    text = "".join(f"{word:0{m}b}" for word in _words(y.tolist(), m))
    bounds = sin_squared(_angles(text, m, len(y)), m + GUARD)
    fields = certificate(bounds, y, round_up(PI_BELOW / (1 << m)))
    if fields is None:
        raise ArithmeticError(f"digits: the error exceeds π 2^-{m}, which the proof excludes")
    return Digits(**fields, word_bits=m, code=int(text, 2))


def _words(targets: list[float], m: int) -> list[int]:
    """Return floor(2^m arcsin(√y)/π) for each of `targets` [K]."""
    ctx = MPContext()
    ctx.prec = m + GUARD
    angles = (ctx.asin(ctx.sqrt(ctx.mpf(y))) / ctx.pi for y in targets)
    # 2^-32 more, so that rounding does not cut a whole number to the one below
    return [int(ctx.floor(ctx.ldexp(angle, m) + ctx.ldexp(1, -GUARD // 2))) for angle in angles]


def _angles(text: str, m: int, cells: int) -> list[tuple[Fraction, Fraction]]:
    """Return bounds [K] of the angle at every word of m digits, from the m + 64 that begin there.

    `text`: all mK digits of α.
    """
    bounds, size = [], m + GUARD
    for k in range(cells):
        read = text[m * k:m * k + size]
        low = Fraction(int(read, 2), 1 << len(read))
        whole = m * k + size >= len(text)
        bounds.append((low, low if whole else low + Fraction(1, 1 << size)))
    return bounds
