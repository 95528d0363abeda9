"""Moduli of continuity: how much a function may change over a distance, given or estimated."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks
from .bounds import hoelder

GIVEN = "proved for the given modulus"
ESTIMATED = "estimated, not proved"


@dataclass(frozen=True, eq=False)
class Modulus:
    """How much f may change between points no further apart than `reach` in each coordinate.

    `change`: reach -> bound; `status`: what the bound is worth, `GIVEN` or `ESTIMATED`.
    """

    change: Callable[[float], float]
    status: str


def given(modulus: Any, dim: int) -> Modulus:
    """Return the user's modulus of continuity in the Euclidean distance.

    `modulus`: a Lipschitz constant, or a callable h -> ω(h), never decreasing, with
    |f(x) - f(y)| <= ω(h) wherever |x - y| <= h. A constant for the largest coordinate instead of
    the Euclidean distance will do: it is no smaller. Raises TypeError for anything else; using it
    raises ValueError where ω(h) is negative or not finite.
    """
    if not callable(modulus):
        omega = hoelder(checks.real(modulus, "modulus", 0))
    else:
        def omega(h: float) -> float:
            return checks.real(modulus(h), f"modulus({h:.3g})", 0)

    def change(reach: float) -> float:
        return omega(math.nextafter(math.sqrt(dim) * reach, math.inf))

    return Modulus(change, GIVEN)


def estimated(values: np.ndarray) -> Modulus:
    """Return the change seen between points of a regular grid of [0, 1]^d.

    `values` (size, …, size): f there. Over less than the spacing f is taken to change in
    proportion. An estimate: f may do anything between the points.
    """
    from scipy import ndimage

    steps = values.shape[0] - 1

    def change(reach: float) -> float:
        cells = max(1, math.ceil(min(reach, 1.0) * steps))
        window = 2 * cells + 1
        high = ndimage.maximum_filter(values, window, mode="nearest")
        low = ndimage.minimum_filter(values, window, mode="nearest")
        largest = float(np.maximum(high - values, values - low).max())
        return largest * min(1.0, reach * steps)

    return Modulus(change, ESTIMATED)


def refuse_contradicted(modulus: Modulus, values: np.ndarray) -> None:
    """Raise ValueError where f changes more between neighbours of the grid than `modulus` allows.

    `values` (size, …, size): f on a regular grid of [0, 1]^d.
    """
    seen = estimated(values)
    for steps in (1, 8, 64):
        reach = steps / (values.shape[0] - 1)
        if reach > 1:
            break
        allowed, changed = modulus.change(reach), seen.change(reach)
        if changed > allowed * (1 + 1e-9) + 1e-12 * np.abs(values).max():
            raise ValueError(
                f"modulus: found {allowed:.6g} for points {reach:.3g} apart in each coordinate, "
                f"expected at least {changed:.6g}, by which f changes there"
            )
