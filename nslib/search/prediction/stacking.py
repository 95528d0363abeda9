"""How much of each fit goes into the prediction, by what they say of rows left out.

Source: stacked regressions (Breiman 1996), with weights that are not negative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, nnls

_LARGEST = 100.0  # of a weight: where classes can be told apart without error it would be infinite


@dataclass(frozen=True, eq=False)
class Stack:
    """Weights (M,), at least 0, of M fits and the bias (C,) that is added."""

    weights: np.ndarray
    bias: np.ndarray

    def outputs(self, scores: np.ndarray) -> np.ndarray:
        """Return the weighed sum (n, C) of scores (M, n, C)."""
        return np.tensordot(self.weights, scores, axes=1) + self.bias


def squares(scores: np.ndarray, target: np.ndarray, row_weights: np.ndarray) -> Stack:
    """Return the stack of least squares; scores (M, n, 1), target (n,), rows weighed by (n,)."""
    total = row_weights.sum()
    columns, root = scores[:, :, 0].T, np.sqrt(row_weights)
    mean, centre = row_weights @ columns / total, row_weights @ target / total
    weights, _ = nnls((columns - mean) * root[:, None], (target - centre) * root)
    return Stack(weights, np.array([centre - mean @ weights]))


def squared_errors(outputs: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the squared error (n,) of outputs (n, 1)."""
    return np.square(outputs[:, 0] - target)


def entropy(scores: np.ndarray, target: np.ndarray, row_weights: np.ndarray) -> Stack:
    """Return the stack of least cross-entropy: scores (M, n, C), class codes (n,), weights (n,).

    It turns scores into logits as well.
    """
    m, n, c = scores.shape
    share, rows = row_weights / row_weights.sum(), np.arange(n)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss and its gradient (M + C,)."""
        logits = np.tensordot(parameters[:m], scores, axes=1) + parameters[m:]
        probabilities = _softmax(logits)
        error = -share @ np.log(np.maximum(probabilities[rows, target], 1e-300))
        probabilities[rows, target] -= 1.0
        probabilities *= share[:, None]
        slope = (scores.reshape(m, -1) @ probabilities.ravel(), probabilities.sum(axis=0))
        # a little shrinking keeps the bias of classes that no row has apart from infinity
        penalty = 1e-6 * np.square(parameters).sum()
        return float(error + penalty), np.concatenate(slope) + 2e-6 * parameters

    start = np.concatenate([np.full(m, 1.0 / m), np.zeros(c)])
    bounds = [(0.0, _LARGEST)] * m + [(None, None)] * c
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return Stack(best.x[:m], best.x[m:])


def cross_entropies(outputs: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the cross-entropy (n,) of logits (n, C)."""
    probabilities = _softmax(outputs)[np.arange(len(target)), target]
    return -np.log(np.maximum(probabilities, 1e-300))


def _softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def held_out_errors(
    fit: Callable[..., Stack], errors: Callable[..., np.ndarray], scores: np.ndarray,
    target: np.ndarray, row_weights: np.ndarray, folds: np.ndarray,
) -> np.ndarray:
    """Return the errors (n,) of stacks that did not see the row's fold; folds (n,) are numbers.

    `fit`: `squares` or `entropy`; `errors`: what belongs to it; the other arguments are theirs.
    """
    values = np.empty(len(target))
    for fold in np.unique(folds):
        inside = folds != fold
        stack = fit(scores[:, inside], target[inside], row_weights[inside])
        values[~inside] = errors(stack.outputs(scores[:, ~inside]), target[~inside])
    return values
