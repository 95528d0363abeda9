"""Training of a network that is some package's: batches, early stopping, inputs and predictions.

Source: the examples of the packages rtdl_revisiting_models and tabm, whose procedure is the same.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from torch.nn import functional

from nslib.networks import n_parameters

from .table_task import Learned, TableTask

BATCH_SIZE = 256
PATIENCE = 16
PREDICTED_AT_ONCE = 1024  # rows, which bounds the memory


class Inputs:
    """Features as the networks get them, learnt from the training rows.

    Constant ones are left out, those of two values standardised, and others mapped to normal
    quantiles, of which there are as many as the packages' examples take. X: (N, D).
    """

    def __init__(self, X: np.ndarray, seed: int) -> None:
        self.kept = np.flatnonzero(X.min(axis=0) < X.max(axis=0))
        self.scaler = StandardScaler().fit(X[:, self.kept])
        Z = self.scaler.transform(X[:, self.kept])
        self.many = np.array([len(np.unique(column)) > 2 for column in Z.T])
        self.quantiles = QuantileTransformer(
            n_quantiles=min(len(X), max(min(len(X) // 30, 1000), 10)),
            output_distribution="normal", subsample=None,
        )
        if self.many.any():  # the noise parts equal values, as in the examples
            noise = 1e-5 * np.random.default_rng(seed).standard_normal((len(X), self.many.sum()))
            self.quantiles.fit(Z[:, self.many] + noise)

    def __call__(self, X: np.ndarray) -> torch.Tensor:
        """Return features X (N, D) as float32 (N, number kept)."""
        Z = self.scaler.transform(X[:, self.kept])
        if self.many.any():
            Z[:, self.many] = self.quantiles.transform(Z[:, self.many])
        return torch.as_tensor(Z, dtype=torch.float32)


@dataclass(frozen=True)
class NetworkOutputs:
    """What a network predicts for raw features; it can be pickled where `forward` can.

    `forward`: inputs (B, d) to outputs (B, k, C) of k members.
    """

    task: TableTask
    network: torch.nn.Module
    inputs: Inputs
    forward: Callable[[torch.Tensor], torch.Tensor]

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Return targets (N,) or class probabilities (N, C) for features X (N, D)."""
        self.network.eval()
        with torch.inference_mode():
            outputs = [self.forward(x) for x in self.inputs(X).split(PREDICTED_AT_ONCE)]
            if not self.task.regression:
                return torch.cat([x.softmax(-1).mean(1) for x in outputs]).double().numpy()
            means = torch.cat([x[..., 0].mean(1) for x in outputs]).double().numpy()
        return self.task.in_units(means)


def train(
    task: TableTask, network: torch.nn.Module, optimizer: torch.optim.Optimizer, inputs: Inputs,
    forward: Callable[[torch.Tensor], torch.Tensor], clip: float = math.inf,
) -> Learned:
    """Train `network` and return it as it was in its best epoch on the validation rows.

    `forward`: inputs (B, d) to outputs (B, k, C) of k members, each trained by its own error, the
    square of a standardised target's or the cross-entropy; a prediction is the members' mean, of
    classes that of their probabilities. Best is the smallest squared error or the largest accuracy.
    `clip`: largest norm of a gradient. Training ends after `PATIENCE` epochs without a better one,
    whatever their number.
    Raises ValueError where no epoch has a finite validation error.
    """
    X, y = inputs(task.X), torch.as_tensor(task.standardised(task.y))
    y = y.float() if task.regression else y
    evaluate = NetworkOutputs(task, network, inputs, forward)
    least, best, best_epoch = math.inf, None, 0
    for epoch in itertools.count(1):
        network.train()
        for rows in torch.randperm(len(X)).split(BATCH_SIZE):
            optimizer.zero_grad()
            _loss(forward(X[rows]), y[rows], task.regression).backward()
            if math.isfinite(clip):
                torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
            optimizer.step()
        error = _error(evaluate(task.X_validation), task.y_validation, task.regression)
        if error < least:
            least, best, best_epoch = error, copy.deepcopy(network.state_dict()), epoch
        if epoch - best_epoch > PATIENCE:
            break
    if best is None:
        raise ValueError(f"train: found data on which {task.name} diverges")
    network.load_state_dict(best)
    return Learned(evaluate, n_parameters(network))


def _loss(outputs: torch.Tensor, y: torch.Tensor, regression: bool) -> torch.Tensor:
    """Return the mean loss () of members' outputs (B, k, C) for targets or codes y (B,)."""
    if regression:
        return (outputs[..., 0] - y[:, None]).square().mean()
    return functional.cross_entropy(outputs.flatten(0, 1), y.repeat_interleave(outputs.shape[1]))


def _error(outputs: np.ndarray, y: np.ndarray, regression: bool) -> float:
    """Return the mean squared error of outputs (N,) for y (N,), or the share of wrong classes.

    Of classes the outputs are probabilities (N, C); NaN where one is not finite.
    """
    if regression:
        return float(np.mean((outputs - y) ** 2))
    return float(np.mean(outputs.argmax(axis=1) != y)) if np.isfinite(outputs).all() else math.nan
