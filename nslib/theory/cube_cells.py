"""The cells of [0, 1]^d, and the cell of a point by neurons of bounded weights.

K = 2^{nd} cubes. The step (a, b) -> (2a - bit, 2b + bit), repeated n times for every coordinate,
leaves in b the n bits of all coordinates, interleaved. The bit is a ramp, wrong in a thin layer at
each border. The median of the values at x - δ, x and x + δ, one coordinate after the other, is
right there too.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import checks

MARGIN = 6  # the shift δ is a cell's side over 2^6
MAX_DIM = 8  # 3^8 copies of a point
MAX_CELLS = 1 << 18
CHUNK = 1 << 20  # copies of points held at a time


@dataclass(frozen=True)
class Cells:
    """K = 2^{nd} equal cubes of [0, 1]^d and the network that finds a point's cube.

    `digits`: n, at least 0; `dim`: d, at most 8; at most 2^18 cells, as `approximate` ensures.
    """

    digits: int
    dim: int = 1

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

        A layer reaches at most w to each side of its border, and borders lie 2^-n apart. Since
        2w < δ and 2δ + 2w < 2^-n, at most one of x - δ, x and x + δ lies in a layer, with room for
        rounding. So the median lies between two right values.
        """
        return 2.0 ** -(self.ramps + 1)

    @property
    def reach(self) -> float:
        """How far, in each coordinate, a point may be from a centre that decides its value."""
        return reach(self.digits)

    def centres(self) -> np.ndarray:
        """Return the centres in the order of their index (K, d)."""
        shape = self.count, self.digits, self.dim
        places = np.arange(self.digits * self.dim)[::-1]
        bits = np.arange(self.count)[:, None] >> places & 1  # of all coordinates, interleaved
        numbers = 2 ** np.arange(self.digits)[::-1] @ bits.reshape(shape)
        return (numbers + 0.5) * 2.0**-self.digits

    def bits(self, x: np.ndarray) -> np.ndarray:
        """Return what the n ramps give at doubles x (M,), exactly: (n, M), 0 or 1 off the layers.

        In a layer they are multiples of 2^-53 between 0 and 1. `x` may leave [0, 1] by δ and
        belongs to the outermost cell there.
        """
        # All steps are exact in doubles: a is a multiple of 2^-54 where a ramp rises, and never
        # needs more digits than x.
        a, bits = x, np.empty((self.digits, *x.shape))
        for level in range(self.digits):
            np.clip(2.0**self.ramps * (a - 0.5) + 0.5, 0, 1, out=bits[level])
            a = 2 * a - bits[level]
        return bits

    def index(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the network's index, from 0, of points (M, d), exactly.

        Its whole part and 2^53 times the rest, both int64 (M,). The rest is zero off the layers.
        """
        whole, rest = np.zeros((2, len(points)), dtype=np.int64)
        for level in self.bits(points):
            for bit in level.T:
                rest = 2 * rest + (bit * 2.0**53).astype(np.int64)
                whole = 2 * whole + (rest >> 53)
                rest &= (1 << 53) - 1
        return whole, rest

    def evaluate(
        self, points: np.ndarray, read: Callable[[np.ndarray, np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Return the medians (M,) over all 3^d copies of points (M, d), shifted by δ in doubles.

        `read`: the values (N,) at indices, two arrays (N,) as `index` returns them.
        """
        moves = self.shift * np.array(list(itertools.product((-1, 0, 1), repeat=self.dim)))
        size, medians = max(1, CHUNK // 3**self.dim), np.empty(len(points))
        for start in range(0, len(points), size):  # few enough for the memory
            copies = points[start:start + size] + moves[:, None]
            values = read(*self.index(copies.reshape(-1, self.dim)))
            values = values.reshape(*(3,) * self.dim, -1)
            for _ in range(self.dim):
                values = median(*np.moveaxis(values, -2, 0))
            medians[start:start + size] = values
        return medians


def reach(digits: int) -> float:
    """Return half a cell's side and δ, and 2^-52 for the rounding of x ± δ to doubles."""
    return 2.0 ** -(digits + 1) + 2.0 ** -(digits + MARGIN) + 2.0**-52


def median(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Return the median of three arrays (…) of one shape, element by element."""
    return np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))


def points_in_cube(points, dim: int) -> np.ndarray:
    """Return points of [0, 1]^d as doubles (M, d); where d = 1, (M,) or one number will do.

    Raises TypeError for text, ValueError for another shape, NaN or a point outside.
    """
    shape = np.shape(points)
    if dim == 1 and len(shape) < 2:
        points = np.reshape(points, (-1, 1))
    array = checks.as_matrix(points, "points", min_rows=0)
    if array.shape[1] != dim:
        raise ValueError(f"points: found shape {shape}, expected (points, {dim})"
                         + " or (points,)" * (dim == 1))
    outside = (array < 0) | (array > 1)
    if outside.any():
        m, i = np.argwhere(outside)[0]
        raise ValueError(f"points: found {array[m, i]} at ({m}, {i}), expected values in [0, 1]")
    return array


def grid(dim: int, size: int) -> np.ndarray:
    """Return the `size`^d points of a regular grid of [0, 1]^d, borders included (M, d)."""
    axis = np.linspace(0, 1, size)
    return np.stack(np.meshgrid(*[axis] * dim, indexing="ij"), axis=-1).reshape(-1, dim)


def probe_size(dim: int) -> int:
    """Return the points a side, 2^j + 1, of the grid on which a function is looked at.

    The grid has about 2^16 points, 4097 in one dimension, and holds the centres of all cells of
    fewer than j digits.
    """
    return (1 << min(12, max(1, math.floor(16 / dim)))) + 1
