"""`NeuronSeekRegressor`: a number from a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import check_array

from .. import checks
from .base import NeuronSeekEstimator


class NeuronSeekRegressor(RegressorMixin, NeuronSeekEstimator):
    """Predict a number from a table: search for a formula, then train a network of its neurons.

    Examples
    --------
    >>> import numpy as np
    >>> from nslib import NeuronSeekRegressor
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> y = 4.0 + X[:, 0] * X[:, 1]
    >>> model = NeuronSeekRegressor(max_order=2, steps=100, random_state=0).fit(X, y)
    >>> model.structure_.streams
    ('interact 2',)
    >>> model.predict(X[:3]).shape
    (3,)
    """

    def _encoded_target(self, y: np.ndarray) -> tuple[np.ndarray, int]:
        if y.dtype.kind not in "biuf":
            y = checks.as_numbers(y, "y")  # text is named
        return check_array(y, ensure_2d=False, dtype=float, input_name="y", estimator=self), 1

    def predict(self, X: Any) -> np.ndarray:
        """Return the target (N,) of X (N, D), within the range of the training rows.

        Raises the errors of `fit` for X, and ValueError for other columns than those of the fit.
        """
        values = self._outputs(X)
        mean, scale = self._target
        return mean + scale * values
