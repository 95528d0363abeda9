"""A function as seen from outside: its values, how fast it changes, and the cells it needs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks
from .bounds import hoelder, shape_of
from .cube_cells import Cells, reach

GIVEN = "proved for the given modulus"
ESTIMATED = "estimated, not proved"


def evaluate(f: Callable[[np.ndarray], Any], points: np.ndarray) -> np.ndarray:
    """Return f at points (M, d) as finite doubles (M,); f gets (M,) where d = 1.

    Raises TypeError or ValueError where f returns text, another shape, NaN or infinity, and
    ValueError from any error that f raises.
    """
    values = called("f", f, points[:, 0].copy() if points.shape[1] == 1 else points.copy())
    if (shape := shape_of(values, "f")) not in ((len(points),), (len(points), 1)):
        raise ValueError(
            f"f: found values of shape {shape} for points of shape "
            f"{points[:, 0].shape if points.shape[1] == 1 else points.shape}, "
            f"expected ({len(points)},)"
        )
    return checks.as_matrix(np.reshape(values, (-1, 1)), "f", min_rows=0)[:, 0]


def called(name: str, function: Callable[[Any], Any], argument: Any) -> Any:
    """Return function(argument), a user's function; ValueError from whatever error it raises."""
    try:
        return function(argument)
    except Exception as error:
        what = f"points of shape {argument.shape}" if np.ndim(argument) else f"{argument:.3g}"
        raise ValueError(f"{name}: found {type(error).__name__} ({error}) when called on {what}, "
                         "expected values") from error


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
    raises ValueError where ω(h) is negative, not finite or ends in an error.
    """
    omega = modulus if callable(modulus) else hoelder(checks.real(modulus, "modulus", 0))

    def change(reach: float) -> float:
        h = math.nextafter(math.sqrt(dim) * reach, math.inf)
        return checks.real(called("modulus", omega, h), f"modulus({h:.3g})", 0)

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


def choose_cells(
    modulus: Modulus, eps: float, share: float | None, seen: np.ndarray, max_cells: int
) -> Cells:
    """Return the fewest cells over which f changes by at most `share` of eps.

    Without a share, cells over which f changes by less than eps, the values being left the rest:
    those for which K values to within that rest take the fewest bits, K log2(scale/(2 rest)).
    `seen` (size, …, size): f on a regular grid. Raises ValueError where more than `max_cells` cells
    are needed.
    """
    dim, scale = seen.ndim, float(seen.max()) - float(seen.min())
    if not math.isfinite(scale):
        raise ValueError(f"f: found values from {seen.min()} to {seen.max()}, expected a finite "
                         "range")
    digits, change, fewest, chosen = 0, math.inf, math.inf, None
    # each value takes a bit at least: from K = `fewest` on, more cells cannot take fewer bits
    while 1 << digits * dim <= max_cells and 1 << digits * dim <= fewest:
        cells = Cells(digits, dim)
        change = modulus.change(cells.reach)
        if share is not None and change <= share * eps:
            return cells
        if share is None and change < eps:
            bits = cells.count * max(1.0, math.log2(max(scale, eps) / (2 * (eps - change))))
            if bits < fewest:
                fewest, chosen = bits, cells
        digits += 1
    if chosen is not None:
        return chosen
    share = 1.0 if share is None else share
    needed = digits
    while needed * dim < 64 and modulus.change(reach(needed)) > share * eps:
        needed += 1
    cost = f"2^{needed * dim} cells" if needed * dim < 64 else "more than 2^63 cells"
    raise ValueError(
        f"eps: found {eps}, which takes {cost} for f to change by at most {share:g} eps over each; "
        f"expected at most {max_cells} cells (max_cells), over which it changes by {change:.3g}: "
        f"eps of about {change / share:.3g} ({modulus.status})"
    )
