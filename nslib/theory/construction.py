"""The common face of the three constructions: targets, certified values, and what they cost."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .intervals import Intervals, outward, round_up, sine_middles


@dataclass(frozen=True, eq=False)
class Construction(ABC):
    """A network that takes the value `targets[k - 1]` to within `eps` at every index k = 1 … K.

    Attributes
    ----------
    targets : array (K,) in [0, 1]
    eps : tolerance
    values : Intervals (K,), certified, of what the network takes
    error : proved upper bound of max |value - target|, at most `eps`
    """

    targets: np.ndarray
    eps: float
    values: Intervals
    error: float

    @property
    def cells(self) -> int:
        """K, the number of values held."""
        return len(self.targets)

    @property
    @abstractmethod
    def bits(self) -> int:
        """Length in bits of the one number that holds the targets."""

    @property
    def repeats(self) -> int:
        """The largest number of times that the chaotic neuron is applied."""
        return 0

    @property
    @abstractmethod
    def parameters(self) -> Mapping[str, int | float | Fraction]:
        """Every weight and bias of the network from index k to value, by name."""

    def values_at(self, whole: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Return the network's values (M,) at the indices k = 1 + whole + rest/2^53, as doubles.

        `whole`, `rest` (M,): int64, as `cube_cells.Cells.index` returns them. Where `rest` is zero
        the value is the middle of its certified interval. Elsewhere, in a layer at a cell's border,
        the index is no whole number; the network has a value there too.
        """
        values, between = self.values.middle[whole], np.flatnonzero(rest)
        values[between] = self._between(whole[between], rest[between])
        return values

    @abstractmethod
    def _between(self, whole: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Return the values (M,) at indices that are no whole numbers, as `values_at` has them."""

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases, whatever K and ε are."""
        return len(self.parameters)

    @property
    def max_weight(self) -> int | float | Fraction:
        """The largest magnitude of a weight or bias; exact where it exceeds the doubles."""
        return max(abs(value) for value in self.parameters.values())

    @property
    def log2_max_weight(self) -> float:
        """log2 of `max_weight`, a double even where the weight is too large for one."""
        largest = Fraction(self.max_weight)
        shift = largest.numerator.bit_length() - largest.denominator.bit_length()
        return shift + math.log2(largest / Fraction(2) ** shift)


class AngledConstruction(Construction):
    """A construction whose network takes sin² of an angle that every index has, whole or not."""

    @abstractmethod
    def angle_at(self, k: Fraction) -> Fraction | tuple[Fraction, Fraction]:
        """Return the angle in turns, or bounds of it, whose sin² the network takes at index k."""

    def _between(self, whole: np.ndarray, rest: np.ndarray) -> np.ndarray:
        pairs, places = np.unique(np.stack([whole, rest]), axis=1, return_inverse=True)
        angles = [self.angle_at(1 + w + Fraction(r, 1 << 53)) for w, r in pairs.T.tolist()]
        return sine_middles(angles)[places.ravel()]


def certificate(
    bounds: list[tuple[Fraction, Fraction]], targets: np.ndarray, eps: float
) -> dict[str, object] | None:
    """Return the fields of a `Construction` if its values keep within `eps`, else None.

    `bounds` [K]: exact bounds of each value; `targets` (K,).
    """
    error = max(max(high - Fraction(y), Fraction(y) - low)
                for (low, high), y in zip(bounds, targets.tolist(), strict=True))
    if error > Fraction(eps):
        return None
    return {"targets": targets, "eps": eps, "values": outward(bounds), "error": round_up(error)}
