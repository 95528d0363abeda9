"""How far doubles take the network from its exact values, proved step by step.

One unit is u = 2^-53. A step of the neuron turns an error e of a double near u_r into at most
4e(|1 - 2u_r| + e) + 6u: 4|v - v'||1 - v - v'| for the neuron itself, 4u for v², u for the sum, and
u for what is of higher order. Along an orbit this doubles e on average, one bit a step.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from .construction import Construction
from .digits import Digits
from .intervals import sine_middles
from .logistic_map import angle_at
from .trajectory import DenseTrajectory
from .winding import Winding

UNIT = 2.0**-53
START = 64 * UNIT  # of sin²(π softsign(t)): 2(4.5 π + 4) + 1 units and what is of higher order
WOUND = 20.0  # units a turn of sin²(π w z): (2.5 + 1 + 2) π, and what is of higher order
TAIL = 32 * UNIT  # of |lowest| + range, for the range and each median (24 units)
LEADING = 512  # digits of α that the first steps are read from: doubles are lost long before


def network_precision(
    construction: Construction, dim: int, lowest: float, scale: float, allowed: float
) -> float:
    """Return a proved bound of |module - exact|, in units of f, at whole indices.

    `allowed`: in units of f. ValueError where the bound exceeds it, with what doubles could hold:
    A and B by the error along each cell's orbit, C by 20 w 2^-53.
    """
    tail = TAIL * (dim + 1) * (abs(lowest) + scale)
    room = (allowed - tail) / (scale or 1.0)
    if room <= 0:
        raise ValueError(f"precision: found {allowed:.3g}, expected more than {tail:.3g}, "
                         "by which doubles err in the range alone")
    if not scale:
        return tail  # a constant, whatever the orbit does
    if isinstance(construction, Winding):
        error = WOUND * UNIT * construction.w + 16 * UNIT if construction.bits < 1000 else math.inf
        if error > room:
            raise ValueError(
                f"module: found a winding of {construction.bits} bits, of which doubles leave the "
                f"angle wrong by up to {WOUND:g} w 2^-53; expected at most "
                f"{max(0, math.floor(math.log2(room / (WOUND * UNIT))))} bits for a precision of "
                f"{allowed:.3g}"
            )
    elif isinstance(construction, DenseTrajectory):
        error = _trajectory(construction, room, allowed)
    else:
        error = _digits(construction, room, allowed)
    return error * scale + tail


def next_error(error: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Return the bounds (K,) after one more step, from bounds `error` at exact `value` (K,)."""
    slope = np.abs(1 - 2 * value) + error + 2.0**-50
    return (4 * error * slope + 6 * UNIT) * (1 + 2.0**-40)


def _trajectory(held: DenseTrajectory, room: float, allowed: float) -> float:
    """Return the bound along the orbits of all cells; ValueError where it exceeds `room`."""
    angles = [1 / (held.c + k) for k in range(1, held.cells + 1)]
    error = np.full(held.cells, START)
    for step in range(held.depth):
        value = sine_middles(angle_at(angle, step) for angle in angles)
        error = next_error(error, value)
        if error.max() > room:
            raise ValueError(
                f"module: found {held.depth} repetitions, expected at most {step} for a precision "
                f"of {allowed:.3g}: an orbit of doubles loses one bit of 53 a step or so"
            )
    return float(error.max())


def _digits(held: Digits, room: float, allowed: float) -> float:
    """Return the largest bound at the steps where a word is read; ValueError above `room`."""
    m, error, largest = held.word_bits, np.full(1, 4 * UNIT), 0.0
    size = min(held.bits, LEADING)
    angle = Fraction(held.code >> (held.bits - size), 1 << size)
    for step in range(held.repeats + 1):
        if step % m == 0:
            largest = max(largest, float(error[0]))
            if largest > room:
                raise ValueError(
                    f"module: found {held.cells} words of {m} bits, {held.bits} digits, expected "
                    f"at most {step // m} such words for a precision of {allowed:.3g}: the start "
                    "has 53 bits, and an orbit of doubles loses one a step or so"
                )
        error = next_error(error, sine_middles([angle_at(angle, step)]))
    return largest
