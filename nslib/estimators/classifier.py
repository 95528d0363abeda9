"""`NeuronSeekClassifier`: a class from a table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from .. import checks
from .base import NeuronSeekEstimator


class NeuronSeekClassifier(ClassifierMixin, NeuronSeekEstimator):
    """Predict a class from a table: search for a formula, then train a network of its neurons."""

    def _encoded_target(self, y: np.ndarray) -> tuple[np.ndarray, int]:
        if pd.isna(y).any():
            raise ValueError("Input y contains NaN: expected a class for each row")
        y = checks.labels(y, len(y))
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            only = checks.shown(self.classes_.tolist()[0])
            raise ValueError(f"y: found the one class {only}, expected at least two")
        return codes.astype(np.int64), len(self.classes_)

    def _fit(self, X: Any, y: Any, sample_weight: Any, seed: int) -> None:
        super()._fit(X, y, sample_weight, seed)
        if self.search_ is not None:  # which saw codes
            scaling = replace(self.search_.scaling, classes=self.classes_)
            self.search_ = replace(self.search_, scaling=scaling)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities (N, C) of X (N, D), in the order of `classes_`.

        Raises the errors of `fit` for X, and ValueError for other columns than those of the fit.
        """
        return self._outputs(X)

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest class (N,) of X (N, D); errors as in `predict_proba`."""
        codes = self.predict_proba(X).argmax(axis=1)  # first, since it checks the fit
        return self.classes_[codes]
