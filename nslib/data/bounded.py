"""Transformers that give polynomials and networks bounded, well-scaled features."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

_NORMAL_QUARTILES = 1.349  # between the quartiles of a standard normal distribution
_FARTHEST = 1e100  # beyond it squares would overflow


class SmoothClipper(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Scale each feature by its median and quartiles, then clip it smoothly to (-limit, limit).

    z / sqrt(1 + (z / limit)²) for z = (x - median) / s, where s is the distance of the quartiles,
    in units of a standard normal distribution's; half the range where the quartiles are equal, and
    one for a constant. So no value of new rows, however far, leaves the range in which powers are
    safe. Source: the preprocessing of RealMLP (Holzmüller et al., NeurIPS 2024).
    """

    def __init__(self, limit: float = 3.0) -> None:
        self.limit = limit

    def fit(self, X, y=None) -> SmoothClipper:
        """Learn medians and scales from X (N, D), finite numbers."""
        X = validate_data(self, X, dtype=np.float64)
        low, first, median, third, high = np.quantile(X, [0, 0.25, 0.5, 0.75, 1], axis=0)
        scale = np.where(third > first, (third - first) / _NORMAL_QUARTILES, (high - low) / 2)
        self.median_, self.scale_ = median, np.where(scale > 0, scale, 1.0)
        return self

    def transform(self, X) -> np.ndarray:
        """Return X (N, D), scaled and clipped."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        with np.errstate(over="ignore"):
            z = np.clip((X - self.median_) / self.scale_, -_FARTHEST, _FARTHEST)
        return z / np.sqrt(1.0 + (z / self.limit) ** 2)


class PiecewiseLinearEncoder(TransformerMixin, BaseEstimator):
    """Add to each feature its position in each of `n_bins` bins between quantiles, in [-1, 1].

    -1 below a bin, 1 above it and linear inside, so that a network has steps and bends of one
    feature ready; bins of no width, which ties make, are left out. Features of two values or fewer
    get none. The columns are the features, then the bins by feature.
    Source: Gorishniy et al., On Embeddings for Numerical Features (NeurIPS 2022).
    """

    def __init__(self, n_bins: int = 16) -> None:
        self.n_bins = n_bins

    def fit(self, X, y=None) -> PiecewiseLinearEncoder:
        """Learn the bins from X (N, D), finite numbers."""
        X = validate_data(self, X, dtype=np.float64)
        quantiles = np.linspace(0.0, 1.0, self.n_bins + 1)
        self.edges_ = [
            np.unique(np.quantile(column, quantiles, method="inverted_cdf")) for column in X.T
        ]
        self.encoded_ = [i for i, edges in enumerate(self.edges_) if len(edges) > 2]
        return self

    def transform(self, X) -> np.ndarray:
        """Return X (N, D) with the columns of the bins behind it."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        bins = [X]
        for i in self.encoded_:
            low, high = self.edges_[i][:-1], self.edges_[i][1:]
            bins.append(np.clip((X[:, [i]] - low) / (high - low), 0.0, 1.0) * 2.0 - 1.0)
        return np.concatenate(bins, axis=1)

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Return the names of the columns: the features', then "name bin k"."""
        check_is_fitted(self)
        if input_features is None:
            input_features = [f"x{i}" for i in range(self.n_features_in_)]
        names = list(input_features)
        for i in self.encoded_:
            names += [f"{names[i]} bin {k}" for k in range(1, len(self.edges_[i]))]
        return np.asarray(names, dtype=object)
