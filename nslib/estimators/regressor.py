"""`NeuronSeekRegressor`: a number from a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import check_array, check_consistent_length, column_or_1d

from .base import NeuronSeekEstimator


class NeuronSeekRegressor(RegressorMixin, NeuronSeekEstimator):
    """Predict a number from a table: search for a formula, then train a network of its neurons.

    Stage one finds the formula of one neuron by `nslib.search`; stage two trains a network of
    neurons of that formula by `nslib.training`, for several learning rates and weight decays at
    once, and keeps the best on a part of the rows held out. X is a DataFrame or array (N, D) of
    numbers, booleans, text and pandas categories; missing values (NaN, None) are allowed, infinity
    is not. Numbers are imputed by the median, text becomes columns of zeros and ones or codes (see
    `nslib.data.TableEncoder`); networks see features clipped smoothly, so that none can diverge.

    Arguments: `method` of the search, a key of `nslib.search.METHODS`, and its highest order
    `max_order`; `rank`: rank-one terms of an interaction, the most in the search and, where its
    layers are as wide, those in the network; `structure`, a NeuronStructure or its text such as
    "pure(1,2)+interact(2;rank=8)", used as it is instead of a search. `enrich`: whether the
    network's neurons have the streams pure 1, pure 2 and interact 2 beside those found, since a
    formula that suffices for one neuron on the data need not suffice for stacked ones. `budget`:
    most parameters of the network; `members` of its ensemble, which share most of them; `n_bins` of
    the piecewise-linear encoding of each feature that the network sees besides (0: none).
    `learning_rates`, `weight_decays`: each pair is a candidate. `steps`, at most, and `batch_size`
    of the training; `validation_fraction` of the rows held out; `random_state`: the same int, on
    the same machine, gives the same estimator; `progress`: plain lines on stderr.

    After `fit`: `structure_` and `formula_` found (see there what the formula is and is not);
    `search_`, the SearchResult, None for a given structure; `network_`, a torch module;
    `n_parameters_` of it; `history_`, a row an evaluation and candidate; `n_features_in_`,
    and `feature_names_in_` where the columns had names.

    Source: NeuronSeek (arXiv 2506.15715 v2), stages 1 and 2.
    """

    def fit(self, X: Any, y: Any) -> NeuronSeekRegressor:
        """Search and train on X (N, D), at least three rows, and the numbers y (N,).

        Raises TypeError or ValueError for parameters out of range, columns that are neither numbers
        nor text, infinity in X, and a target that has missing values, is infinite or constant.
        """
        X = self._table(X, reset=True)
        if y is None:
            raise ValueError("y: fit requires y to be passed, but the target y is None")
        y = column_or_1d(y, warn=True)
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y", estimator=self)
        check_consistent_length(X, y)
        self._fit(X, y, n_outputs=1)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the target (N,) of X (N, D), within the range of the training rows.

        Raises the errors of `fit` for X, and ValueError for other columns than those of the fit.
        """
        values = self._outputs(X)
        mean, scale = self._target
        return mean + scale * values
