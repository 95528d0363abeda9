"""The cells of [0, 1]^d, and a point's cell by neurons of bounded weights, right everywhere.

K = 2^{nd} cubes. The step (a, b) -> (2a - bit, 2b + bit), repeated n times for every coordinate,
leaves in b the n bits of all coordinates, interleaved. The bit is a ramp, wrong in a thin layer at
each border; the median of the values at x - δ, x and x + δ, one coordinate after the other, is not.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .. import checks

MARGIN = 6  # the shift δ is a cell's side over 2^6
MAX_DIM = 8  # 3^8 copies of a point
MAX_CELLS = 1 << 18
CHUNK = 1 << 20  # copies of points held at a time
HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Cells:
    """K = 2^{nd} equal cubes of [0, 1]^d and the network that finds a point's cube.

    `digits`: n, at least 0; `dim`: d, at most 8. Raises ValueError for more than 2^18 cells.
    """

    digits: int
    dim: int = 1

    def __post_init__(self) -> None:
        checks.positive_int(self.digits, "digits", 0)
        checks.positive_int(self.dim, "dim", 1, MAX_DIM)
        if self.digits * self.dim > MAX_CELLS.bit_length() - 1:
            raise ValueError(
                f"digits: found {self.digits} in {self.dim} dimensions, 2^{self.digits * self.dim} "
                f"cells, expected at most {MAX_CELLS} cells"
            )

    @property
    def count(self) -> int:
        """K."""
        return 1 << self.digits * self.dim

    @property
    def halvings(self) -> int:
        """How often 1 is halved to make the shift δ."""
        return self.digits + MARGIN

    @property
    def shift(self) -> float:
        """δ = 2^-(n + 6)."""
        return 2.0**-self.halvings

    @property
    def ramps(self) -> int:
        """p, how often clip(2z - 1/2) is repeated: a ramp of slope 2^p, p = n + 7."""
        return self.halvings + 1

    @property
    def layer(self) -> float:
        """w = 2^-(p + 1) = δ/4: the bit of a is right where |a - 1/2| >= w.

        In x the layer at a border is at most w to each side, and borders lie 2^-n apart. So
        2w < δ and 2δ + 2w < 2^-n put at most one of x - δ, x and x + δ into a layer, with room for
        rounding: the median lies between two right values.
        """
        return 2.0 ** -(self.ramps + 1)

    @property
    def reach(self) -> float:
        """How far, in each coordinate, a point may be from a centre that decides its value.

        Half a side and δ, and 2^-52 for the rounding of x ± δ to doubles.
        """
        return 0.5 * 2.0**-self.digits + self.shift + 2.0**-52

    def centres(self) -> np.ndarray:
        """Return the centres in the order of their index (K, d)."""
        index = np.arange(self.count)
        numbers = np.zeros((self.count, self.dim), dtype=np.int64)
        for place in range(self.digits * self.dim):
            bit = index >> (self.digits * self.dim - 1 - place) & 1
            numbers[:, place % self.dim] = 2 * numbers[:, place % self.dim] + bit
        return (numbers + 0.5) * 2.0**-self.digits

    def bits(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the n bits of doubles x (M,) by the step, and whether no layer was met.

        Bits (n, M), 0 or 1, are exact where the second, (M,), is true: a never needs more digits
        than x. `x` may leave [0, 1] by δ and belongs to the outermost cell there.
        """
        a, clear = np.array(x, dtype=np.float64), np.ones(len(x), dtype=bool)
        found = np.empty((self.digits, len(x)), dtype=np.int64)
        for level in range(self.digits):
            clear &= np.abs(a - 0.5) >= self.layer
            found[level] = a >= 0.5
            a = 2 * a - found[level]
        return found, clear

    def exact_bits(self, x: float) -> list[Fraction]:
        """Return what the n ramps give at x, exactly, in the layers too, where it is no bit."""
        a, found = Fraction(x), []
        for _ in range(self.digits):
            found.append(min(max((1 << self.ramps) * (a - HALF) + HALF, Fraction(0)), Fraction(1)))
            a = 2 * a - found[-1]
        return found

    def evaluate(
        self, points: np.ndarray, table: np.ndarray, between: Callable[[Fraction], float]
    ) -> np.ndarray:
        """Return the medians over all 3^d copies of points (M, d), where x ± δ is a double.

        `table` (K,): the value at each whole index, from 0; `between`: the value at an index that
        is not whole, which a copy within a layer has.
        """
        size = max(1, CHUNK // 3**self.dim)
        parts = [self._medians(points[i:i + size], table, between)
                 for i in range(0, len(points), size)]
        return np.concatenate(parts) if parts else np.empty(0)

    def _medians(self, points, table, between) -> np.ndarray:
        shifted = points[:, :, None] + self.shift * np.array([-1.0, 0.0, 1.0])
        bits = [[self.bits(shifted[:, i, s]) for s in range(3)] for i in range(self.dim)]
        values = np.empty((*(3,) * self.dim, len(points)))
        for copy in itertools.product(range(3), repeat=self.dim):
            index = np.zeros(len(points), dtype=np.int64)
            for level in range(self.digits):
                for i, s in enumerate(copy):
                    index = 2 * index + bits[i][s][0][level]
            values[copy] = table[index]
            clear = np.logical_and.reduce([bits[i][s][1] for i, s in enumerate(copy)])
            for m in np.flatnonzero(~clear):
                values[(*copy, m)] = between(self._index(shifted[m, range(self.dim), copy]))
        for _ in range(self.dim):
            values = median(*np.moveaxis(values, -2, 0))
        return values

    def _index(self, point: np.ndarray) -> Fraction:
        index = Fraction(0)
        for level in zip(*(self.exact_bits(x) for x in point), strict=True):
            for bit in level:
                index = 2 * index + bit
        return index


def median(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Return the median of three arrays of one shape, element by element."""
    return np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))


def points_in_cube(points, dim: int, name: str = "points") -> np.ndarray:
    """Return points of [0, 1]^d as doubles (M, d) from (M, d), or (M,) or one number where d = 1.

    Raises TypeError for text, ValueError for another shape, NaN or a point outside.
    """
    found = np.shape(points)
    if dim == 1 and len(found) < 2:
        points = np.reshape(points, (-1, 1))
    array = checks.as_matrix(points, name, min_rows=0)
    if array.shape[1] != dim:
        raise ValueError(
            f"{name}: found shape {found}, expected (points, {dim})" + " or (points,)" * (dim == 1)
        )
    outside = (array < 0) | (array > 1)
    if outside.any():
        m, i = np.argwhere(outside)[0]
        raise ValueError(f"{name}: found {array[m, i]} at ({m}, {i}), expected values in [0, 1]")
    return array


def grid(dim: int, size: int) -> np.ndarray:
    """Return the `size`^d points of a regular grid of [0, 1]^d, borders included (M, d)."""
    axis = np.linspace(0, 1, size)
    return np.stack(np.meshgrid(*[axis] * dim, indexing="ij"), axis=-1).reshape(-1, dim)


def probe_size(dim: int) -> int:
    """Return the points a side, 2^j + 1, of the grid on which a function is looked at.

    About 2^16 points in all, 4097 in one dimension. It holds the centres of all cells of fewer
    than j digits.
    """
    return (1 << min(12, max(1, math.floor(16 / dim)))) + 1
