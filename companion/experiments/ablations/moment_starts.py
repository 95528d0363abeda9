"""Notebook 06: from where, and by which weights, alternating least squares finds a product.

The task is one product of k linear forms. Each start is followed sweep by sweep: how near its
factors come to the true ones. The building blocks are those of the search by least squares; the
peer is the CP decomposition of the moment tensor by tensorly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import tensorly as tl
import torch
from scipy.optimize import linear_sum_assignment
from tensorly.cp_tensor import CPTensor
from tensorly.decomposition import parafac
from torch import Tensor

from companion.experiments.progress import say
from companion.experiments.shares import with_intervals
from nslib import checks
from nslib.data import random_formula
from nslib.search.least_squares.moments import Starts, alternate, leading_subspace
from nslib.structure import NeuronStructure, Stream
from nslib.threads import one_thread

STARTS = {
    "random": "random factors",
    "moments": "in the moment subspace",
    "CP, rank 1": "rank-1 CP of the moments",
    "CP, rank 4": "in the span of a rank-4 CP",
}
"""Where a start comes from, and the words for it in figures."""

REACHED = 0.95
"""Cosine that every factor must have with its true one for a start to have reached the product."""

MOST_CP_FEATURES = 30
"""Features up to which the D³ entries of the moment tensor are formed."""


class Product(NamedTuple):
    """A product of linear forms as the search sees it.

    Z (n, Q): whitened rows, moved back by the whitened mean; centred (n, Q): without that; target
    (n,), standardised; matrix (D, Q): whitening; truth (k, D): the factors, of unit length.
    """

    Z: Tensor
    centred: Tensor
    target: Tensor
    matrix: Tensor
    truth: np.ndarray


def product(order: int, n_samples: int, n_features: int, noise: float, seed: int) -> Product:
    """Return one product of `order` random linear forms of standard normal features."""
    structure = NeuronStructure((), (order,), rank=1)
    task = random_formula(structure, n_samples, n_features, noise, seed)
    starts = Starts(torch.as_tensor(task.X), 1, 1, torch.Generator())
    truth = task.weights[Stream("interact", order)][1][0]
    return Product(
        starts.whitened + starts.offset, starts.whitened, torch.as_tensor(task.y), starts.matrix,
        truth / np.linalg.norm(truth, axis=1, keepdims=True),
    )


def overlap(factors: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the least cosine of factors (B, k, D) with the true ones (k, D) they match, (B,).

    The matching is the one of the largest sum of cosines; signs do not matter.
    """
    lengths = np.linalg.norm(factors, axis=2, keepdims=True).clip(1e-300)
    cosines = np.abs(factors / lengths @ truth.T)
    matched = [(c, linear_sum_assignment(c, maximize=True)) for c in cosines]
    return np.array([c[rows, columns].min() for c, (rows, columns) in matched])


def moment_tensor(Z: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return E[y He_3(z)], (Q, Q, Q), of whitened rows Z (n, Q) and the target (n,)."""
    first = Z.T @ target / len(Z)
    third = np.einsum("ni,nj,nk->ijk", Z * target[:, None] / len(Z), Z, Z, optimize=True)
    eye = np.eye(Z.shape[1])
    for axes in ("i,jk->ijk", "j,ik->ijk", "k,ij->ijk"):
        third -= np.einsum(axes, first, eye)
    return third


def cp_factors(tensor: np.ndarray, rank: int, starts: int, seed: int) -> np.ndarray:
    """Return tensorly's CP factors (starts, rank, 3, Q) of a tensor, each from a drawn start."""
    rng, factors = np.random.default_rng(seed), []
    for _ in range(starts):
        drawn = [rng.standard_normal((size, rank)) for size in tensor.shape]
        with tl.backend_context("numpy"):
            cp = parafac(tensor, rank, n_iter_max=200, tol=1e-7,
                         init=CPTensor((np.ones(rank), drawn)))
        factors.append(np.stack(cp.factors).transpose(2, 0, 1))
    return np.stack(factors)


class Start(NamedTuple):
    """A start: factors (k, s) in a basis (Q, s), or in all Q whitened dimensions without one."""

    factors: Tensor
    basis: Tensor | None = None


def drawn_starts(source: str, task: Product, number: int, seed: int) -> list[Start]:
    """Return `number` starts of one kind (a key of `STARTS`), the same for the same seed."""
    order, q = task.truth.shape[0], task.Z.shape[1]
    generator = torch.Generator().manual_seed(seed)
    if source == "random":
        return [Start(f) for f in torch.randn((number, order, q), generator=generator)]
    if source == "moments":
        size = min(q, max(Starts.SUBSPACE, 2 * order))
        basis = leading_subspace(task.centred, task.target.unsqueeze(1), order, size).float()
        drawn = torch.randn((number, order, size), generator=generator)
        return [Start(f, basis) for f in drawn]
    tensor = moment_tensor(task.centred.numpy(), task.target.numpy())
    cp = cp_factors(tensor, int(source.split()[-1]), number, seed)
    if source == "CP, rank 1":
        return [Start(torch.as_tensor(f[0]).float()) for f in cp]
    drawn = torch.randn((number, order, order), generator=generator)
    spans = [np.linalg.svd(f.reshape(-1, q).T)[0][:, :order] for f in cp]
    return [Start(f, torch.as_tensor(b).float()) for f, b in zip(drawn, spans, strict=True)]


def followed(task: Product, start: Start, weighted: bool, sweeps: int) -> np.ndarray:
    """Return the overlaps with the truth from one start after each sweep: (sweeps + 1,), 0 first.

    A start with a basis spends its first `Starts.SHORT` sweeps inside it, as in the search.
    """
    factors, basis = start
    Z, target = task.Z.float(), task.target.float().unsqueeze(0)
    matrix, by_sweep = task.matrix.float(), []
    for sweep in range(sweeps + 1):
        if basis is not None and sweep == Starts.SHORT:
            factors, basis = factors @ basis.T, None
        if sweep > 0:
            rows = Z if basis is None else Z @ basis
            factors = alternate(rows, target, factors.unsqueeze(0), 1, weighted)[0][0]
        whole = factors if basis is None else factors @ basis.T
        by_sweep.append(whole @ matrix.T)
    return overlap(torch.stack(by_sweep).double().numpy(), task.truth)


def moment_starts(
    order: int, n_features: int, rows: Sequence[int], sources: Sequence[str], starts: int,
    sweeps: int, noise: float, data_seeds: Sequence[int],
) -> pd.DataFrame:
    """Follow starts of every source, with plain and weighted rows, for every number of rows.

    Prints a line for each number of rows to stderr. Returns a row for each start and sweep: order,
    features, rows, source, weighted, data_seed, start, sweep, overlap. CP sources are left out
    where the moment tensor would have more than `MOST_CP_FEATURES` features or another order than
    3. Raises ValueError for an unknown source.
    """
    for source in sources:
        checks.one_of(source, "source", STARTS)
    small = order == 3 and n_features <= MOST_CP_FEATURES
    sources = [source for source in sources if small or not source.startswith("CP")]
    frames = []
    for n in rows:
        for seed in data_seeds:
            task = product(order, n, n_features, noise, seed)
            with one_thread():
                frames += [
                    pd.DataFrame({
                        "order": order, "features": n_features, "rows": n, "source": source,
                        "weighted": weighted, "data_seed": seed, "start": number,
                        "sweep": range(sweeps + 1),
                        "overlap": followed(task, start, weighted, sweeps),
                    })
                    for source in sources
                    for number, start in enumerate(drawn_starts(source, task, starts, seed))
                    for weighted in (False, True)
                ]
        say(f"starts, order {order}, D = {n_features}: {n} rows done")
    return pd.concat(frames, ignore_index=True)


def reached(starts: pd.DataFrame) -> pd.DataFrame:
    """Return the share of starts whose overlap is at least `REACHED`, for every sweep.

    Columns: order, features, rows, source, weighted, sweep, starts (their number), share, low,
    high (Wilson interval of 95 %).
    """
    keys = ["order", "features", "rows", "source", "weighted", "sweep"]
    there = starts.assign(there=starts["overlap"] >= REACHED).groupby(keys, sort=False)["there"]
    table = there.agg(starts="size", share="mean", number="sum").reset_index()
    return with_intervals(table, "number", "starts").drop(columns="number")


def arrivals(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `reached` after the last sweep, and how fast the starts arrived.

    Adds `half`: the number of sweeps after which half of the starts had arrived, NaN for never.
    """
    keys = ["order", "features", "rows", "source", "weighted"]
    half = table[table["share"] >= 0.5].groupby(keys)["sweep"].min().rename("half")
    end = table[table["sweep"] == table["sweep"].max()]
    return end.merge(half.reset_index(), on=keys, how="left")
