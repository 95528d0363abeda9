"""What a rival fits, in the units of the search."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nslib.structure import NeuronStructure


class ScaledFit(NamedTuple):
    """A fitted function of scaled features, its target standardised.

    `evaluate`: scaled features (N, D) to scaled target (N,). `polynomial`: whether `evaluate` is a
    `polynomial_streams.Polynomial`, from which structure and text follow; else `structure` is what
    the model itself reports, None where it reports nothing.
    """

    evaluate: Callable[[np.ndarray], np.ndarray]
    polynomial: bool = True
    structure: NeuronStructure | None = None


def sizes(Z: np.ndarray) -> np.ndarray:
    """Return each column's root mean square (D,), 1 for a column of zeros.

    Features divided by it are of order one and their zero, on which streams depend, is kept.
    """
    largest = np.abs(Z).max(axis=0)
    unit = Z / np.where(largest > 0, largest, 1.0)
    return np.where(largest > 0, largest * np.sqrt(np.mean(unit**2, axis=0)), 1.0)
