"""A rival's model in scaled units, and the fitted model that users get."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from nslib.structure import NeuronStructure


def sizes(Z: np.ndarray) -> np.ndarray:
    """Return each column's root mean square (D,), 1 for a column of zeros.

    Features divided by it are of order one and their zero, on which streams depend, is kept.
    """
    largest = np.abs(Z).max(axis=0)
    unit = Z / np.where(largest > 0, largest, 1.0)
    return np.where(largest > 0, largest * np.sqrt(np.mean(unit**2, axis=0)), 1.0)


class ScaledModel(NamedTuple):
    """A rival's model in the units of the search: scaled features, standardised target.

    `evaluate`: scaled features (N, D) to scaled target (N,), which pickles. `polynomial`: whether
    `evaluate` is a `polynomial_streams.Polynomial`, from which structure and text follow; else
    `structure` is what the model itself reports, None where it reports nothing.
    """

    evaluate: Callable[[np.ndarray], np.ndarray]
    polynomial: bool = True
    structure: NeuronStructure | None = None


@dataclass(frozen=True)
class FittedModel:
    """A fitted regression model, which pickles with its formula but without the training rows.

    `name`: of the model; `seconds`: wall time of the fit; `structure`: the streams of its formula,
    None where it is not known to be a polynomial neuron; `predict`: features X (N, D) to (N,) in
    the units of y, ValueError for other features than those of the fit; `write`: to the formula.
    """

    name: str
    seed: int
    seconds: float
    structure: NeuronStructure | None
    predict: Callable[[object], np.ndarray] = field(repr=False)
    write: Callable[[], str] = field(repr=False)

    @cached_property
    def formula(self) -> str:
        """The formula as text, at most a constant and the eight largest terms; "" for none."""
        return self.write()

    def __getstate__(self) -> dict[str, Any]:
        # `write` may hold the training rows; its text is all that it is for
        return {**vars(self), "formula": self.formula, "write": None}
