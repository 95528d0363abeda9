"""`fit_model`: one door to every regression model that experiments compare, and their register.

A rival is one module of this package and one entry here, read by experiments, figures and benches.
"""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nslib import checks
from nslib.search.methods import METHODS, ComparedModel, Look

if TYPE_CHECKING:
    from .fitted_model import FittedModel

__all__ = ["BASELINES", "MODELS", "RIVALS", "Rival", "fit_model", "look"]


@dataclass(frozen=True, kw_only=True)
class Rival(ComparedModel):
    """A model that is no search of this package.

    `function(Z, y, seed, options) -> ScaledFit` for scaled features Z (N, D) and the standardised
    target y (N,).
    """

    classifies: bool = False


_HERE = "companion.rivals"
RIVALS = {rival.name: rival for rival in (
    Rival(
        name="mean", options_class=f"{_HERE}.baselines:BaselineOptions",
        function=f"{_HERE}.baselines:fit_mean", baseline=True,
        label="mean", colour="0.5", marker=None, dashes=(0, (1, 3)),
    ),
    Rival(
        name="linear", options_class=f"{_HERE}.baselines:BaselineOptions",
        function=f"{_HERE}.baselines:fit_linear", baseline=True,
        label="linear", colour="0.5", marker=None, dashes=(0, (4, 2)),
    ),
    Rival(
        name="ridge", options_class=f"{_HERE}.baselines:BaselineOptions",
        function=f"{_HERE}.baselines:fit_ridge", baseline=True,
        label="ridge on powers", colour="0.5", marker=None,
    ),
    Rival(
        name="eql", options_class=f"{_HERE}.eql:EqlOptions", function=f"{_HERE}.eql:fit_eql",
        family="SR", budget="epochs", label="EQL", colour="#009E73", marker="D", dashes=":",
    ),
    Rival(
        name="gplearn", options_class=f"{_HERE}.symbolic:SymbolicOptions",
        function=f"{_HERE}.symbolic:fit_symbolic", family="SR", budget="generations",
        label="SR (gplearn)", title="gplearn", colour="#E69F00", marker="v", dashes=(0, (5, 1)),
    ),
    Rival(
        name="tnlearn", options_class=f"{_HERE}.tensor_regression:TensorRegressionOptions",
        function=f"{_HERE}.tensor_regression:fit_tensor_regression",
        family="TD", budget="epochs", weights="gradient",
        label="tnlearn 0.2", colour="0.3", marker="P", dashes=(0, (1, 1)),
    ),
)}
MODELS = ChainMap(RIVALS, METHODS)
"""Every model by name, searches first; what is registered later is in it too."""

BASELINES = tuple(name for name, rival in RIVALS.items() if rival.baseline)
"""Models that choose no streams: they are compared by their errors alone."""


def look(name: str) -> Look:
    """Return label, colour and marker of any model; ValueError with the nearest name for none."""
    return MODELS[checks.one_of(name, "model", MODELS)]


def fit_model(
    name: str, X: Any, y: Any, *, seed: int = 0, standardize: bool = False, **options: Any
) -> FittedModel:
    """Fit the model `name`, one of `MODELS`, to features X (N, D) and a regression target y (N,).

    `options` are the fields of the options class of the search method or rival; `standardize`
    scales the features to zero mean and unit variance first, and the streams are then those of the
    scaled features. Same seed, same machine: same result; no global random generator is touched.

    Raises ValueError or TypeError naming the argument for data that is not finite, numeric, of
    equal length or varying, for fewer than two rows, and for unknown names and options;
    ImportError for a model whose package is not installed.
    """
    from . import fitted_model

    checks.one_of(name, "name", MODELS)
    if name in METHODS:
        return fitted_model.by_search(name, X, y, seed, standardize, options)
    settings = checks.options(options, RIVALS[name].options, f"model {name!r}")
    return fitted_model.by_rival(RIVALS[name], X, y, seed, standardize, settings)
