"""Scikit-learn estimators: search the formula of a neuron, then train a network of such neurons."""

from __future__ import annotations

from .classifier import NeuronSeekClassifier
from .regressor import NeuronSeekRegressor
from .saving import load_estimator

__all__ = ["NeuronSeekClassifier", "NeuronSeekRegressor", "load_estimator"]
