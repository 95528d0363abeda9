"""The first example: a formula hidden in data, and the one that a search finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import sympy as sp
import torch

from nslib import checks
from nslib.data import random_formula
from nslib.data.synthetic import FormulaTask
from nslib.formula import expressions
from nslib.neuron import TaskLinear
from nslib.search import SearchResult, search
from nslib.structure import NeuronStructure


@dataclass(frozen=True)
class HiddenFormula:
    """A hidden formula and the one that was discovered, in units of the standardised target.

    `truth` and `discovered`: sympy expressions. `coefficients`: monomial, true, found.
    `predictions`: observed, predicted on fresh rows. `noise_floor`: the mean squared error that the
    truth leaves.
    """

    truth: sp.Expr
    discovered: sp.Expr
    result: SearchResult
    coefficients: pd.DataFrame
    predictions: pd.DataFrame
    noise_floor: float

    @property
    def test_mse(self) -> float:
        """Mean squared error on the fresh rows, in units of the target's variance."""
        error = self.predictions["observed"] - self.predictions["predicted"]
        return float(np.mean(error**2))

    @property
    def over_floor(self) -> float:
        """The test error over the noise floor, infinite where there is no noise."""
        return self.test_mse / self.noise_floor if self.noise_floor else float("inf")


def hidden_formula(
    structure: NeuronStructure, method: str, n_samples: int, n_features: int, noise: float,
    seed: int, n_fresh: int = 300,
) -> HiddenFormula:
    """Draw a formula of `structure`, hide it in `n_samples` noisy rows and search for it."""
    checks.positive_int(n_samples, "n_samples", minimum=2)
    task = random_formula(structure, n_samples + n_fresh, n_features, noise, seed)
    result = search(task.X[:n_samples], task.y[:n_samples], method, seed=seed, standardize=False)
    truth, discovered = true_expression(task), result.formula(raw=True)
    true, mine = truth.as_coefficients_dict(), discovered.as_coefficients_dict()
    terms = sorted(true.keys() | mine.keys(), key=sp.default_sort_key)
    coefficients = pd.DataFrame({"monomial": [str(term) for term in terms],
                                 "true": [float(true[term]) for term in terms],
                                 "found": [float(mine[term]) for term in terms]})
    predictions = pd.DataFrame({"observed": task.y[n_samples:],
                                "predicted": result.predict(task.X[n_samples:])})
    return HiddenFormula(truth, discovered, result, coefficients, predictions, task.noise_floor)


@torch.no_grad()
def true_expression(task: FormulaTask) -> sp.Expr:
    """Return the true formula of a synthetic task, in units of its standardised target."""
    neuron = TaskLinear(task.X.shape[1], 1, task.structure, dtype=torch.float64)
    neuron.bias.zero_()
    for stream, weights in neuron.stream_weights().items():
        true = task.weights[stream]
        if stream.kind == "interact":
            v, u = (torch.as_tensor(part) for part in true)
            weights[0] = v
            neuron.factor(u.shape[1]).copy_(u.transpose(0, 1))
        else:
            weights[0] = torch.as_tensor(true)
    return expressions(neuron, y_mean=-task.mean / task.scale, y_scale=1 / task.scale)[0]
