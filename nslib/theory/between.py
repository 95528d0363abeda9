"""The value that a construction's network takes at any index, whole or not.

Within a layer at a cell's border the index is no whole number; the network has a value there too.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from .construction import Construction
from .digits import Digits
from .intervals import sin_squared
from .logistic_map import angle_at
from .trajectory import DenseTrajectory
from .winding import Winding, winding_angles

BITS = 128


def values_at(construction: Construction, whole: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Return the network's values (M,) at the indices k = 1 + whole + rest/2^53, as doubles.

    `whole`, `rest` (M,): int64, as `cube_cells.Cells.index` returns them. Where `rest` is zero the
    value is the middle of its certified interval. Elsewhere, A: sin²(π 2^r/(c + k)); B: the gate
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
    middles = np.array([float((low + high) / 2) for low, high in sin_squared(angles, BITS)])
    values[between] = middles[places.ravel()]
    return values


def _angle(construction: Construction, k: Fraction) -> Fraction | tuple[Fraction, Fraction]:
    """Return the angle in turns, or bounds of it, whose sin² the network takes at index k."""
    if isinstance(construction, DenseTrajectory):
        return angle_at(1 / (construction.c + k), construction.depth)
    if isinstance(construction, Winding):
        return winding_angles(construction.w, [k], BITS)[0]
    raise TypeError(f"construction: found {type(construction).__name__}, expected one of "
                    "DenseTrajectory, Digits, Winding")

