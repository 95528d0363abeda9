"""The value that a construction's network takes at any index, whole or not.

Within a layer at a cell's border the index is no whole number; the network has a value there too.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from .construction import Construction
from .digits import Digits
from .intervals import context, ends, exact, sin_squared
from .orbit import angle_at
from .trajectory import DenseTrajectory
from .winding import Winding

BITS = 128


def values_at(construction: Construction, whole: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Return the network's values (M,) at the indices k = 1 + whole + rest/2^53, as doubles.

    `whole`, `rest`: int64 (M,), as `Cells.index` returns them. Where `rest` is zero the value is
    the middle of its certified interval. Elsewhere, A: sin²(π 2^r/(c + k)); B: the gate
    ReLU(1 - |step - k|) takes from the two nearest words in proportion; C: sin²(π w/(π + k)).
    Raises TypeError for another construction.
    """
    certified = construction.values.middle
    values, between = certified[whole], np.flatnonzero(rest)
    if isinstance(construction, Digits):
        share = rest[between] * 2.0**-53
        above = certified[whole[between] + 1]
        values[between] = (1 - share) * values[between] + share * above
        return values
    pairs, places = np.unique(
        np.stack([whole[between], rest[between]]), axis=1, return_inverse=True)
    angles = [_angle(construction, 1 + w + Fraction(r, 1 << 53)) for w, r in pairs.T.tolist()]
    found = [float((low + high) / 2) for low, high in sin_squared(angles, BITS)]
    values[between] = np.array(found)[places.ravel()] if found else []
    return values


def _angle(construction: Construction, k: Fraction) -> Fraction | tuple[Fraction, Fraction]:
    if isinstance(construction, DenseTrajectory):
        return angle_at(1 / (construction.c + k), construction.depth)
    if isinstance(construction, Winding):
        return _wound(construction.w, k)
    raise TypeError(f"construction: found {type(construction).__name__}, expected one of "
                    "DenseTrajectory, Digits, Winding")


def _wound(w: int, k: Fraction) -> tuple[Fraction, Fraction]:
    ctx = context(w.bit_length() + BITS)
    low, high = ends(ctx.mpf(w) / (ctx.pi + exact(ctx, k)))
    whole = math.floor(low)
    return low - whole, high - whole

