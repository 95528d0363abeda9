"""Binary digits of fractions, exactly and in chunks: what the doubled angles are read from."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from mpmath import libmp

from .. import checks
from .logistic_map import as_fraction

# π to 128 bits with an odd numerator, so that 1/(c + k) has an odd denominator of 130 bits or so.
# No algebraic number would do: for c of degree d, d of the 1/(c + k) and 1 are dependent over the
# rationals. For c = √2, 2/(c + 2) = 1 - 1/(c + 1), so that T(u_2) = u_1.
DEFAULT_C = Fraction(libmp.pi_fixed(128) | 1, 1 << 128)
MAX_WORK = 2**37  # cells times the square of c's bits, as long division takes: some seconds
READ = 8  # bytes read at a time: a window has 57 to 64 valid bits


def start_angles(c: Any, cells: int) -> list[Fraction]:
    """Return the angles 1/(c + k) = 1 - softsign(c + k - 1), k = 1 … K, as exact fractions [K].

    Parameters
    ----------
    c : a number of at least 1, taken exactly; the square of its bits times K is at most 2^37
    cells : K
    """
    c, cells = as_fraction(c, "c"), checks.positive_int(cells, "cells")
    bits, most = max(c.numerator.bit_length(), c.denominator.bit_length()), MAX_WORK // cells
    if bits**2 > most:
        raise ValueError(f"c: found a fraction of {bits} bits, expected at most {math.isqrt(most)} "
                         f"for {cells} cells")
    if c < 1:
        raise ValueError(f"c: found {c}, expected a number of at least 1")
    return [1 / (c + k) for k in range(1, cells + 1)]


def remainder_at(angle: Fraction, position: int) -> int:
    """Return (2^position · numerator) mod denominator: the digits from `position` on start here."""
    return pow(2, position, angle.denominator) * angle.numerator % angle.denominator


def digit_bytes(remainder: int, denominator: int, n_bytes: int) -> np.ndarray:
    """Return the first binary digits of remainder/denominator as bytes, (n_bytes + 8,) uint8."""
    size = n_bytes + READ
    return np.frombuffer(((remainder << 8 * size) // denominator).to_bytes(size, "big"), np.uint8)


def windows(packed: np.ndarray) -> np.ndarray:
    """Return a view (n_bytes,) of `packed` (n_bytes + 8,): the 64 digits from every byte on."""
    return np.ndarray((len(packed) - READ,), ">u8", packed, strides=(1,))  # big-endian, unaligned


def angles_along(c: Any, cells: int, count: int, start: int = 0) -> np.ndarray:
    """Return 2^r/(c + k) mod 1 from exact digits: doubles (K, count), each within 2^-53 below it.

    Parameters
    ----------
    c, cells : as for `start_angles`
    count, start : the repetitions r are start … start + count - 1
    """
    count, start = checks.positive_int(count, "count"), checks.positive_int(start, "start", 0)
    angles = np.empty((checks.positive_int(cells, "cells"), count))
    n_bytes = -(-count // 8)
    for row, angle in zip(angles, start_angles(c, cells), strict=True):
        packed = digit_bytes(remainder_at(angle, start), angle.denominator, n_bytes)
        shifted = windows(packed).astype(np.uint64)[:, None] << np.arange(8, dtype=np.uint64)
        row[:] = (shifted.ravel()[:count] >> np.uint64(11)) * 2.0**-53
    return angles
