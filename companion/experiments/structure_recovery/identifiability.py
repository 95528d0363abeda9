"""Why gates stay open in vain: streams that say the same thing in several ways."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import sympy as sp
import torch

from companion.experiments.formula_tasks import named_formula
from nslib import portable
from nslib.neuron import TaskLinear
from nslib.search import SearchResult, refit
from nslib.structure import NeuronStructure


@torch.no_grad()
def power_and_twin(order: int, weights: torch.Tensor) -> tuple[TaskLinear, TaskLinear]:
    """Return the neuron w · x^k of `weights` (D,), and the interaction of rank D equal to it.

    The twin's rank-one term i is w_i (e_i · x)^k: all k factors are the unit vector e_i.
    """
    d = len(weights)
    structures = NeuronStructure((order,), ()), NeuronStructure((), (order,), rank=d)
    power, twin = (TaskLinear(d, 1, s, dtype=torch.float64) for s in structures)
    if order > 1:  # an interaction of order 1 is a power, without factors
        twin.factor(order).copy_(torch.eye(d))
    for neuron in (power, twin):
        neuron.bias.zero_()
        neuron.weight.copy_(weights)
        neuron.requires_grad_(False)
    return power, twin


def twins(orders: Sequence[int], n_features: int, n_points: int, seed: int) -> pd.DataFrame:
    """Return for each order how far power and twin differ at normal points, for random weights.

    Columns: order, power and interaction (number of weights), gap (largest difference over the
    largest output).
    """
    rng = np.random.default_rng(seed)
    rows = []
    for order in orders:
        X = torch.as_tensor(rng.standard_normal((n_points, n_features)))
        power, twin = power_and_twin(order, torch.as_tensor(rng.standard_normal(n_features)))
        n_power, n_twin = (neuron.structure.n_parameters(n_features, bias=False)
                           for neuron in (power, twin))
        gap = float((twin(X) - power(X)).abs().max() / power(X).abs().max())
        rows.append({"order": order, "power": n_power, "interaction": n_twin, "gap": gap})
    return pd.DataFrame(rows)


def normal_moment(order: int) -> sp.Integer:
    """Return E[z^k] of a standard normal z: (k − 1)!! for even k, else 0."""
    return sp.Integer(0) if order % 2 else sp.factorial2(order - 1)


def power_correlation(a: int, b: int) -> sp.Expr:
    """Return the exact correlation of z^a and z^b for a standard normal z.

    It is also that of S_a and S_b, sums over independent coordinates.
    """

    def covariance(i: int, j: int) -> sp.Expr:
        return normal_moment(i + j) - normal_moment(i) * normal_moment(j)

    return sp.simplify(covariance(a, b) / sp.sqrt(covariance(a, a) * covariance(b, b)))


def power_correlations(order: int, n_samples: int, n_features: int, seed: int) -> pd.DataFrame:
    """Return exact and sample correlations of the power sums S_a and S_b, a row a pair of orders.

    Columns: a, b, exact, sample (of `n_samples` normal points in `n_features` dimensions).
    """
    X = np.random.default_rng(seed).standard_normal((n_samples, n_features))
    orders = range(1, order + 1)
    sample = np.corrcoef([portable.power(X, k).sum(axis=1) for k in orders])
    return pd.DataFrame([
        {"a": a, "b": b, "exact": float(power_correlation(a, b)),
         "sample": float(sample[a - 1, b - 1])}
        for a, b in itertools.product(orders, orders)
    ])


COSTS = ("stream", "true", "open", "found", "closed", "refitted", "refitted_without", "needed")
"""Columns of `cost_of_dropping`."""


def cost_of_dropping(
    result: SearchResult, truth: NeuronStructure, X: np.ndarray, y: np.ndarray
) -> pd.DataFrame:
    """Return for each kept stream its gate, and what the loss would be without the stream.

    X (N, D), y (N,): the data of the search. Columns: stream, true, open (probability that its
    gate is open; of the more open one where an interaction of order 1 was folded in); in variances
    of y, the losses of the neuron as found and, all its other weights kept, with the stream closed
    (left at its mean), then of its structure refitted by least squares and refitted_without the
    stream; needed (whether BIC is worse for the last).
    """
    centred = (y - np.mean(y)) / np.std(y)

    def searched_loss(closed: str | None) -> float:
        """Return the loss of the neuron as it was searched, one stream closed."""
        with torch.no_grad():
            outputs = result.neuron.stream_outputs(Z)
        kept = (v[:, 0] for name, v in outputs.items() if name != closed)
        values = sum(kept, start=torch.zeros(len(Z)))
        predicted = (values - values.mean()).double().numpy()
        return float(np.mean((predicted - centred) ** 2))

    def refitted(structure: NeuronStructure) -> tuple[float, float]:
        """Return loss and BIC of a structure fitted anew."""
        fitted = refit(structure, X, y, standardize=False)
        loss = float(np.mean((fitted.predict(X) - y) ** 2) / np.var(y))
        n_weights = fitted.structure.n_parameters(np.shape(X)[1])
        return loss, len(y) * np.log(loss) + n_weights * np.log(len(y))

    scaling, gates = result.scaling, result.gate_probabilities
    Z = torch.as_tensor((X - scaling.x_mean) / scaling.x_scale, dtype=result.neuron.weight.dtype)
    loss, bic = refitted(result.structure)
    rows, streams = [], result.structure.streams
    for stream in streams:
        alone = len(streams) == 1
        loss_without, bic_without = (1.0, np.inf) if alone else refitted(
            result.structure.without(stream))
        twin = "interact 1" if stream == "pure 1" else stream
        rows.append({
            "stream": stream, "true": stream in truth.streams,
            "open": max(gates.get(name, 0.0) for name in (stream, twin)),
            "found": searched_loss(None), "closed": searched_loss(stream),
            "refitted": loss, "refitted_without": loss_without, "needed": bool(bic_without > bic),
        })
    return pd.DataFrame(rows)


def costs_by_formula(
    fits: Mapping[tuple[str, str, int], SearchResult], formulas: Sequence[str], n_samples: int,
    n_features: int, noise: float, data_seed: int,
) -> pd.DataFrame:
    """Return `cost_of_dropping` for the gated fits to some formulas, with a column formula first.

    `fits`: results by (method, formula, data seed), as of `recovery.methods_on_formulas` with the
    same data. Formulas without a gated fit are left out, whose gates are what is looked at. Raises
    ValueError for an unknown formula.
    """
    parts = [pd.DataFrame(columns=["formula", *COSTS])]
    for name in formulas:
        task = named_formula(name, 2 * n_samples, n_features, noise, data_seed)
        if ("gated", name, data_seed) in fits:
            parts.append(cost_of_dropping(
                fits["gated", name, data_seed], task.structure, task.X[:n_samples],
                task.y[:n_samples],
            ))
            parts[-1].insert(0, "formula", name)
    return pd.concat(parts[1:] or parts, ignore_index=True)


def spoken(costs: pd.DataFrame) -> list[str]:
    """Return a sentence for each row of `costs_by_formula`, or one that there is none."""
    return ["no gated fits to these formulas, so no gates to look at"] if costs.empty else [
        f"{row.formula}: {row.stream} is {'needed' if row.needed else 'redundant'}, "
        f"{'in' if row.true else 'not in'} the formula, its gate open with {row.open:.2f}"
        for row in costs.itertuples()
    ]
