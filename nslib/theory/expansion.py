"""Binary digits of fractions, exactly and in chunks: what the doubled angles are read from."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from mpmath import libmp

from .. import checks
from .orbit import as_fraction

# π to 128 bits with an odd numerator, so that 1/(c + k) has an odd denominator of 130 bits or so.
# No algebraic number would do: for c of degree d, d of the 1/(c + k) and 1 are dependent over the
# rationals. For c = √2, 2/(c + 2) = 1 - 1/(c + 1), so that T(u_2) = u_1.
DEFAULT_C = Fraction(libmp.pi_fixed(128) | 1, 1 << 128)
READ = 8  # bytes read at a time: a window has 57 to 64 valid bits


def start_angles(c: Any, cells: int) -> list[Fraction]:
    """Return the angles 1/(c + k), k = 1 … K, exactly; ValueError for c below 1.

    1/(c + k) = 1 - softsign(c + k - 1).
    """
    c, cells = as_fraction(c, "c"), checks.positive_int(cells, "cells")
    if c < 1:
        raise ValueError(f"c: found {c}, expected a number of at least 1")
    return [1 / (c + k) for k in range(1, cells + 1)]


def remainder_at(angle: Fraction, position: int) -> int:
    """Return (2^position · numerator) mod denominator: the digits from `position` on start here."""
    return pow(2, position, angle.denominator) * angle.numerator % angle.denominator


def digits(remainder: int, denominator: int, n_bytes: int) -> np.ndarray:
    """Return the first 8·(n_bytes + 8) binary digits of remainder/denominator as bytes."""
    size = n_bytes + READ
    return np.frombuffer(((remainder << 8 * size) // denominator).to_bytes(size, "big"), np.uint8)


def words(packed: np.ndarray) -> np.ndarray:
    """Return a view (bytes - 8,) of the 64 digits from every byte on, big-endian, unaligned."""
    return np.ndarray((len(packed) - READ,), ">u8", packed, strides=(1,))


def angles_along(c: Any, cells: int, count: int, start: int = 0) -> np.ndarray:
    """Return 2^r/(c + k) mod 1 for r = start … start + count - 1 as doubles (K, count).

    Digits are exact; each double is within 2^-53 below the angle.
    """
    count, start = checks.positive_int(count, "count"), checks.positive_int(start, "start", 0)
    found = np.empty((checks.positive_int(cells, "cells"), count))
    n_bytes = -(-count // 8)
    for row, angle in zip(found, start_angles(c, cells), strict=True):
        packed = digits(remainder_at(angle, start), angle.denominator, n_bytes)
        windows = words(packed).astype(np.uint64)[:, None] << np.arange(8, dtype=np.uint64)
        row[:] = (windows.ravel()[:count] >> np.uint64(11)) * 2.0**-53
    return found
