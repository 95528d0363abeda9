"""Notebook 01, the CP form against the full tensor: weights, time, equality, rank."""

from __future__ import annotations

import functools
import math
import timeit
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
import tensorly as tl
import torch

from nslib import checks
from nslib.neuron import TaskLinear
from nslib.structure import NeuronStructure, Stream
from nslib.threads import one_thread

from .toy_tasks import fit, outputs, rounded

BATCH = 64  # inputs evaluated together when times are measured
FORMS = ("full tensor", "distinct monomials", "CP")


def interaction(order: int, rank: int) -> NeuronStructure:
    """Return the structure of a single interaction stream."""
    return NeuronStructure(pure=(), interact=(order,), rank=rank)


def counts(dimensions: Iterable[int], orders: Iterable[int], rank: int) -> pd.DataFrame:
    """Return the weights of an interaction of order k of D features in three forms.

    "full tensor": D^k. "distinct monomials": C(D + k - 1, k), the full tensor without entries that
    multiply the same monomial. "CP": those of a `TaskLinear`, k·D·R + R with R = `rank`. Long form:
    order, dimension, form, weights.
    """
    rows = []
    for k in orders:
        for d in dimensions:
            weights = (d**k, math.comb(d + k - 1, k),
                       interaction(k, rank).n_parameters(d, bias=False))
            rows += [(k, d, *pair) for pair in zip(FORMS, weights, strict=True)]
    return pd.DataFrame(rows, columns=["order", "dimension", "form", "weights"])


def contract(tensor: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return T ×_1 x … ×_k x for every row of x: (N,) for a tensor (D, …, D) and x (N, D).

    The largest mode product comes first, as one matrix product for all rows.
    """
    n, d = x.shape
    partial = (x @ tensor.reshape(-1, d).T).reshape(n, -1)
    while partial.shape[1] > 1:
        partial = torch.bmm(partial.reshape(n, -1, d), x[:, :, None])[:, :, 0]
    return partial[:, 0]


def times(
    dimensions: Iterable[int], orders: Iterable[int], rank: int, max_entries: int, repeats: int,
    seed: int,
) -> pd.DataFrame:
    """Measure the evaluation of an interaction in CP form and as a full tensor.

    float64, one thread, batches of 64 inputs; full tensors of more than `max_entries` entries are
    left out. Long form: order, dimension, form, and microseconds for one input: the median over
    `repeats` and the quartiles `low` and `high`.
    """
    checks.positive_int(repeats, "repeats")
    generator = torch.Generator().manual_seed(seed)
    evaluations = {}
    with one_thread(), torch.inference_mode():
        for k in orders:
            for d in dimensions:
                make = {"generator": generator, "dtype": torch.float64}
                x = torch.randn(BATCH, d, **make)
                neuron = TaskLinear(d, 1, interaction(k, rank), bias=False, **make)
                evaluations[k, d, "CP"] = functools.partial(neuron, x)
                if d**k <= max_entries:
                    tensor = torch.randn((d,) * k, **make)
                    evaluations[k, d, "full tensor"] = functools.partial(contract, tensor, x)
        seconds = _seconds(list(evaluations.values()), repeats)
    low, median, high = np.quantile(seconds, [0.25, 0.5, 0.75], axis=0) * 1e6 / BATCH
    table = pd.DataFrame(list(evaluations), columns=["order", "dimension", "form"])
    return table.assign(microseconds=median, low=low, high=high)


def _seconds(evaluations: list[Callable[[], object]], repeats: int) -> np.ndarray:
    """Return the seconds of one call, (repeats, evaluations), each over a block of about 5 ms.

    All are measured in turn, and then again, so that a busy moment of the machine meets them all.
    """
    blocks = []
    for evaluate in evaluations:
        evaluate()
        once = min(timeit.repeat(evaluate, number=1, repeat=3))
        blocks.append(max(1, math.ceil(0.005 / once)))
    return np.array([
        [timeit.timeit(evaluate, number=n) / n
         for evaluate, n in zip(evaluations, blocks, strict=True)]
        for _ in range(repeats)
    ])


def ratios(times: pd.DataFrame) -> pd.DataFrame:
    """Return the largest dimension of each order at which both forms were measured.

    Columns: order, dimension, and `ratio`, the time of the full tensor over that of the CP form.
    """
    wide = times.pivot(index=["order", "dimension"], columns="form", values="microseconds")
    wide = wide.reindex(columns=["full tensor", "CP"]).dropna()
    wide["ratio"] = wide["full tensor"] / wide["CP"]
    return wide.reset_index().groupby("order").tail(1)[["order", "dimension", "ratio"]]


def differences(
    orders: Iterable[int], n_features: int, rank: int, seed: int, n_points: int = 200,
) -> pd.DataFrame:
    """Compare neurons with random weights to their tensor, assembled entry by entry by tensorly.

    One row an order and a point: order, `explicit` (the tensor contracted with x), `neuron`, and
    `difference`, relative to the largest output of that order.
    """
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for k in orders:
        neuron = TaskLinear(n_features, 1, interaction(k, rank), bias=False, generator=generator,
                            dtype=torch.float64)
        x = torch.randn(n_points, n_features, generator=generator, dtype=torch.float64)
        weights = neuron.stream_weights()[Stream("interact", k)].detach()[0].numpy()
        factors = [mode.detach().numpy().T for mode in neuron.factor(k)]
        tensor = torch.from_numpy(tl.cp_to_tensor((weights, factors)))
        explicit, output = contract(tensor, x).numpy(), outputs(neuron, x.numpy())
        difference = np.abs(explicit - output) / np.abs(explicit).max()
        parts.append(pd.DataFrame({"order": k, "explicit": explicit, "neuron": output,
                                   "difference": difference}))
    return pd.concat(parts, ignore_index=True)


def quadratic_forms(n_features: int, seed: int) -> dict[str, np.ndarray]:
    """Return symmetric matrices A (D, D), each the quadratic form xᵀAx of a regression task.

    "three products": a sum of three products of random linear forms. "random": independent normal
    entries, made symmetric. "sum of squares": the identity, the pure stream of order 2.
    """
    rng = np.random.default_rng(seed)
    u, v = rng.normal(size=(2, 3, n_features))
    noise = rng.normal(size=(n_features, n_features))
    return {"three products": (u.T @ v + v.T @ u) / 2, "random": (noise + noise.T) / 2,
            "sum of squares": np.eye(n_features)}


def best_rank_error(A: np.ndarray, rank: int) -> float:
    """Return the smallest error of R = `rank` products for xᵀAx with x ~ N(0, I).

    The root mean square error over the standard deviation of the form, when a bias is fitted too.
    A product of two linear forms has at most one positive and one negative eigenvalue, so R of
    them reach the R largest eigenvalues of either sign and no more; Var(xᵀBx) = 2 ‖B‖².
    """
    values = np.linalg.eigvalsh(A)
    missed = [np.sort(np.abs(values[side]))[::-1][rank:] for side in (values > 0, values < 0)]
    return float(np.sqrt(np.sum(np.concatenate(missed) ** 2) / np.sum(values**2)))


def rank_errors(
    n_features: int, ranks: Iterable[int], seeds: Iterable[int], n_points: int = 2000,
) -> pd.DataFrame:
    """Fit order-2 interactions of several ranks to quadratic forms of standard normal x.

    A seed draws the forms, `n_points` training and as many test points, and the initial weights.
    Long form: form, rank, seed, the test `error` over the form's standard deviation, and `best`,
    the smallest that this rank allows.
    """
    rows = []
    ranks = list(ranks)
    for seed in seeds:
        rng = np.random.default_rng([seed, 1])
        X, X_test = rng.normal(size=(2, n_points, n_features))
        for name, A in quadratic_forms(n_features, seed).items():
            A = A / (math.sqrt(2) * np.linalg.norm(A))
            y, y_test = (np.einsum("ni,ij,nj->n", points, A, points) for points in (X, X_test))
            for rank in ranks:
                neuron = fit(interaction(2, rank), X, y, seed, loss="squared", weight_decay=0.0)
                error = float(np.sqrt(np.mean((outputs(neuron, X_test) - y_test) ** 2)))
                rows.append((name, rank, seed, error, best_rank_error(A, rank)))
    table = pd.DataFrame(rows, columns=["form", "rank", "seed", "error", "best"])
    return rounded(table, decimals=3)
