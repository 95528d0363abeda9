"""From a search's result to a sparse formula: what the search kept screens what is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ... import checks
from ...threads import one_thread
from ..search_task import SearchTask
from .coefficients import WeightedRows
from .fitted_formula import SparseFormula
from .fitting import (
    MAX_DEGREE,
    check_regression,
    chosen_formula,
    highest_exponents,
    regression,
    weighted_rows,
)
from .raw_monomials import MAX_CANDIDATES, count_up_to, exponents_up_to, powers_up_to

if TYPE_CHECKING:
    from ..result import SearchResult

LOST = 0.01
"""Share of the neuron's summed squared slopes that features may have that are not tried."""

SLOPE_ROWS = 1000


def simplify(
    result: SearchResult, X: Any, y: Any, *, degree: int, max_terms: int, sample_weight: Any,
    level: float, seed: int,
) -> SparseFormula:
    """Return the sparse formula of a result; arguments and errors are those of its method."""
    check_regression(result.classes)
    degree = checks.positive_int(degree, "degree", maximum=MAX_DEGREE)
    seed = checks.positive_int(seed, "seed", minimum=0)
    task, without = _task(result, X, y)
    weight = task.weight if sample_weight is None else sample_weight
    rows = weighted_rows(task, weight, without)
    exponents = _candidates(result, rows, degree, seed)
    return chosen_formula(rows, exponents, result.scaling.feature_names, max_terms=max_terms,
                          level=level, seed=seed)


def _task(result: SearchResult, X: Any, y: Any) -> tuple[SearchTask, np.ndarray | None]:
    """Return the task whose rows are fitted, and the numbers of rows that are outliers of it."""
    if (X is None) != (y is None):
        raise ValueError("X, y: found one of them, expected both or neither")
    if X is not None:
        next(result._scaled(X))  # raises for other features than those of the search
        return regression(X, y), None
    if result.task is None:
        raise ValueError("X, y: found none, expected both: this result has no rows of its own, as "
                         "it was loaded or does not come from `nslib.search`")
    return result.task, result.outlier_rows


def _candidates(
    result: SearchResult, rows: WeightedRows, degree: int, seed: int
) -> np.ndarray:
    """Return the exponents (P, D) among which terms are chosen.

    All of the degree where they are not too many. Else those of the features with the largest
    slopes, products up to the highest order of the result's interactions, and powers up to that of
    its pure streams.
    """
    highest = np.array(highest_exponents(rows, degree, seed))
    count = count_up_to(highest, degree)
    if count <= MAX_CANDIDATES:
        return exponents_up_to(highest, degree)
    structure = result.structure
    products = min(max(structure.interact, default=1), degree)
    powers = min(max((*structure.pure, products)), degree)
    shares = slope_shares(result, rows)
    order = np.argsort(-shares, kind="stable")
    kept, count = np.zeros(len(highest), dtype=np.int64), 1
    for tried, feature in enumerate(order):
        kept[feature] = min(highest[feature], powers)
        count = count_up_to(np.minimum(kept, products), products) + int(
            np.maximum(kept - products, 0).sum())
        if count > MAX_CANDIDATES:
            if shares[order[tried:]].sum() > LOST:
                needed = max(int((np.cumsum(shares[order]) < 1 - LOST).sum()) + 1, tried + 1)
                _refuse(highest, order[:needed], products, degree)
            kept[feature] = 0
            break
    kept[shares == 0] = 0
    both = np.vstack([exponents_up_to(np.minimum(kept, products), products),
                      powers_up_to(kept, powers)])
    unique, first = np.unique(both, axis=0, return_index=True)
    return both[np.sort(first)]


def _refuse(highest: np.ndarray, needed: np.ndarray, products: int, degree: int) -> None:
    """Raise ValueError that says how many monomials the features of these numbers have."""
    most = np.zeros_like(highest)
    most[needed] = highest[needed]
    raise ValueError(
        f"degree: found {degree}, but the {len(needed)} features that the search needs have "
        f"{count_up_to(most, products)} monomials up to its order {products}, expected at most "
        f"{MAX_CANDIDATES}; search fewer features or lower the degree"
    )


def slope_shares(result: SearchResult, rows: WeightedRows) -> np.ndarray:
    """Return each feature's share (D,) of the neuron's mean squared slopes, by standard deviation.

    Where the slope of a feature is zero everywhere, the search removed it.
    """
    step = max(len(rows.y) // SLOPE_ROWS, 1)
    X = rows.of(np.arange(0, len(rows.y), step)).X
    Z = torch.cat(list(result._scaled(X))).requires_grad_(True)
    with one_thread():
        result.neuron(Z).sum().backward()
    spread = Z.detach().std(dim=0, unbiased=False)
    slopes = (Z.grad * spread).double().square().mean(dim=0).numpy()
    return slopes / slopes.sum() if slopes.sum() > 0 else slopes
