"""`NeuronSeekClassifier`: a class from a table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from .base import NeuronSeekEstimator


class NeuronSeekClassifier(ClassifierMixin, NeuronSeekEstimator):
    """Predict a class from a table: search for a formula, then train a network of its neurons.

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
    `n_parameters_` of it; `history_`, a row an evaluation and candidate; `classes_`, sorted;
    `n_features_in_`, and `feature_names_in_` where the columns had names.

    Source: NeuronSeek (arXiv 2506.15715 v2), stages 1 and 2.
    """

    def fit(self, X: Any, y: Any) -> NeuronSeekClassifier:
        """Search and train on X (N, D), at least three rows, and the classes y (N,).

        Raises TypeError or ValueError for parameters out of range, columns that are neither numbers
        nor text, infinity in X, and classes that are missing or fewer than two.
        """
        X = self._table(X, reset=True)
        if y is None:
            raise ValueError("y: fit requires y to be passed, but the target y is None")
        y = column_or_1d(y, warn=True)
        if pd.isna(y).any():
            raise ValueError("Input y contains NaN: expected a class for each row")
        check_classification_targets(y)
        check_consistent_length(X, y)
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"y: found the one class {classes.tolist()[0]!r}, expected at least two"
            )
        self.classes_ = classes
        self._fit(X, codes.astype(np.int64), n_outputs=len(classes))
        if self.search_ is not None:  # which saw codes
            scaling = replace(self.search_.scaling, classes=classes)
            self.search_ = replace(self.search_, scaling=scaling)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities (N, classes) of X (N, D), in the order of `classes_`.

        Raises the errors of `fit` for X, and ValueError for other columns than those of the fit.
        """
        return self._outputs(X)

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest class (N,) of X (N, D); errors as in `predict_proba`."""
        chosen = self.predict_proba(X).argmax(axis=1)
        return self.classes_[chosen]
