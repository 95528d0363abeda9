"""Scikit-learn estimators: search the formula of a neuron, then train a network of such neurons."""

from __future__ import annotations

import os

from . import saving
from .classifier import NeuronSeekClassifier
from .regressor import NeuronSeekRegressor

__all__ = ["NeuronSeekClassifier", "NeuronSeekRegressor", "load_estimator"]
_KINDS = {kind.__name__: kind for kind in (NeuronSeekRegressor, NeuronSeekClassifier)}


def load_estimator(path: str | os.PathLike[str]) -> NeuronSeekRegressor | NeuronSeekClassifier:
    """Return the fitted estimator that `save` wrote to a file; it predicts the same numbers.

    Nothing in the file is run. Its parameters are those of the saved one, with text in place of a
    `structure` and None of a `random_state` that was no int. Raises FileNotFoundError where there
    is no file, ValueError naming a file that is damaged or holds anything else.
    """
    return saving.read(path, _KINDS)
