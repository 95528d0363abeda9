"""Notebook 06: what the normalisation of a batch leaves of a stream that is exactly right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nslib import checks
from nslib.portable import power
from nslib.structure import Stream


def normalised_fit(values: np.ndarray, batch_size: int) -> float:
    """Return the share of the variance of values (N,) that they leave of themselves, in [0, 1].

    They are normalised batch by batch, as in training, then scaled and shifted as a whole by least
    squares. Rows beyond the last full batch are not used. Raises ValueError for fewer rows than
    one batch.
    """
    checks.positive_int(batch_size, "batch_size", minimum=2, maximum=len(values))
    batches = values[: len(values) // batch_size * batch_size].reshape(-1, batch_size)
    centred = batches - batches.mean(axis=1, keepdims=True)
    normalised = centred / np.sqrt(batches.var(axis=1, keepdims=True) + 1e-5)
    return float(1 - np.corrcoef(normalised.ravel(), batches.ravel())[0, 1] ** 2)


def normalised_streams(
    orders: Sequence[int], batch_sizes: Sequence[int], n_samples: int, n_features: int, seed: int
) -> pd.DataFrame:
    """Return `normalised_fit` of the paper's terms S_k and I_k of standard normal features.

    Columns: stream ("pure k" or "interact k"), batch (rows), left.
    """
    rng = np.random.default_rng(seed)
    X, rows = rng.standard_normal((n_samples, n_features)), []
    for k in orders:
        w = rng.standard_normal((k, n_features)) / np.sqrt(n_features)
        for stream, values in ((Stream("pure", k), power(X, k).sum(axis=1)),
                               (Stream("interact", k), (X @ w.T).prod(axis=1))):
            rows += [{"stream": stream, "batch": size, "left": normalised_fit(values, size)}
                     for size in batch_sizes]
    return pd.DataFrame(rows)
