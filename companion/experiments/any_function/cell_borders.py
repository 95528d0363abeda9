"""Notebook 09: what a network does at the borders of cells, with and without the medians."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from nslib.theory import Approximant
from nslib.theory.cube_cells import Cells

LETTERS = {"trajectory": "A trajectory", "digits": "B digits", "winding": "C winding"}


def probes(cells: Cells, number: int, seed: int) -> np.ndarray:
    """Return points (number, d) at borders of cells, where a network is most likely wrong.

    Each coordinate, or that of a shifted copy, lies near the layer of a border.
    """
    draw = np.random.default_rng(seed)
    shape = (number, cells.dim)
    border = draw.integers(0, 2**cells.digits + 1, shape) * 2.0**-cells.digits
    copy = draw.integers(-1, 2, shape) * cells.shift
    return np.clip(border + copy + draw.uniform(-2, 2, shape) * cells.layer, 0, 1)


def ramps(powers: Sequence[int] = (0, 1, 2, 4, 8), size: int = 401) -> pd.DataFrame:
    """Return power, z, value of clip(2z - 1/2), repeated `power` times."""
    values = [z := np.linspace(0, 1, size)]
    for _ in range(max(powers)):
        values.append(np.clip(2 * values[-1] - 0.5, 0, 1))
    return pd.concat([pd.DataFrame({"power": power, "z": z, "value": values[power]})
                      for power in powers], ignore_index=True)


def single(network: Approximant, points: np.ndarray) -> np.ndarray:
    """Return the values (M,) of one copy alone, without medians, at points (M, d)."""
    values = network.construction.values_at(*network.cells.index(points))
    return network.lowest + network.scale * values


def border(
    networks: Mapping[str, Approximant], where: float = 0.5, size: int = 1153
) -> pd.DataFrame:
    """Return construction, offset (in shifts δ), f, minus, single, plus, network near a border.

    `networks`: by construction, of one variable; `minus` and `plus`: the copies at x ∓ δ.
    """
    parts = []
    for construction, one in networks.items():
        shift, offset = one.cells.shift, np.linspace(-0.36, 0.36, size)
        x = where + offset * shift
        copies = {label: single(one, (x + move)[:, None])
                  for label, move in (("minus", -shift), ("single", 0.0), ("plus", shift))}
        parts.append(pd.DataFrame({"construction": LETTERS[construction], "offset": offset,
                                   "f": one.f(x), **copies, "network": one(x)}))
    return pd.concat(parts, ignore_index=True)


def with_and_without(chosen: Mapping[tuple[str, str], Approximant], number: int = 2000,
                     seed: int = 0) -> pd.DataFrame:
    """Return function, construction, bound, and largest errors at borders: one copy, medians."""
    rows = []
    for (name, construction), one in chosen.items():
        points = probes(one.cells, number, seed)
        truth = one.f(points[:, 0] if one.dim == 1 else points)
        rows.append({"function": name, "construction": LETTERS[construction], "bound": one.bound,
                     "one copy": np.abs(single(one, points) - truth).max(),
                     "medians": one.measured_sup_error(points)})
    return pd.DataFrame(rows)


def inside(cells: Cells, points: np.ndarray) -> np.ndarray:
    """Return those of points (M, d) whose copies lie in no layer: there the precision is proved."""
    places = (points + cells.shift * np.array([-1, 0, 1])[:, None, None]) * 2.0**cells.digits
    far = np.abs(places - np.round(places)) > cells.layer * 2.0 ** (cells.digits + 1)
    return points[far.all(axis=(0, 2))]
