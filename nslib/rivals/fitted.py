"""What a rival finds in the task's units, and the fitted model that users get."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..structure import NeuronStructure


class Found(NamedTuple):
    """What a rival found on a `Task`.

    `evaluate`: scaled features (N, D) to scaled target (N,). `polynomial`: whether `evaluate` is a
    `streams.Polynomial`, from which structure and text follow; else `structure` is what the model
    itself reports, None where it reports nothing.
    """

    evaluate: Callable[[np.ndarray], np.ndarray]
    polynomial: bool = True
    structure: NeuronStructure | None = None


@dataclass(frozen=True)
class FittedModel:
    """A fitted regression model.

    `name`: of the model; `seconds`: wall time of the fit; `structure`: the streams of its formula,
    None where it is not known to be a polynomial neuron; `predict`: features X (N, D) to (N,) in
    the units of y, ValueError for other features than those of the fit.
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
