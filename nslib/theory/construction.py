"""The common face of the three constructions: targets, certified values, and what they cost."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .intervals import Intervals, largest_error, outward, round_up


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
    @abstractmethod
    def repeats(self) -> int:
        """The largest number of times that the chaotic neuron is applied."""

    @property
    @abstractmethod
    def parameters(self) -> Mapping[str, int | float | Fraction]:
        """Every weight and bias of the network from index k to value, by name."""

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


def certificate(
    bounds: list[tuple[Fraction, Fraction]], targets: np.ndarray, eps: float
) -> dict[str, object] | None:
    """Return the fields of a `Construction` if its values keep within `eps`, else None.

    `bounds` [K]: exact bounds of each value; `targets` (K,).
    """
    error = largest_error(bounds, targets)
    if error > Fraction(eps):
        return None
    return {"targets": targets, "eps": eps, "values": outward(bounds), "error": round_up(error)}
