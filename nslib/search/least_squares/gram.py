"""Least squares on Gram matrices accumulated in chunks, so that memory does not grow with N.

All factors of all streams move at once: a Gauss-Newton step with Levenberg-Marquardt damping,
which takes one pass over the data, as one sweep of alternating least squares takes one a factor.

Where there are many rows the Gram matrix of a sample of them stands for that of all: a pass then
costs p products a row, not p².

Source: sub-sampled Newton methods: Byrd, Chin, Neveitt & Nocedal (2011).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from ...portable import root
from ..search_task import ScaledRows
from .polynomial import Polynomial, Rows

RIDGE = 1e-12
"""Relative ridge on every step: keeps collinear columns finite, too small to bias a solution."""

STALLED = 0.25
"""A step that promises more than this share of what the one before promised has stalled.

The promise is quadratic in the gradient: a quarter of it is half of the gradient, a linear rate of
one half. Below that the curvature of all rows pays for its p² products a row.
"""

NEGLIGIBLE = 0.01
"""A step is not worth a pass when it promises this share of the loss that p parameters cost."""

INDEPENDENT = 1e-10
"""Relative eigenvalue below which steps do not move along a direction of the parameters.

Interactions always have some: a scale moved from one factor to another changes no product.
"""

Local = Callable[[Tensor, Tensor, Tensor | None], tuple[Tensor | None, Tensor, float]]
"""(output, target, weight of the rows or None for ones), (n,) each -> curvature of each row (n,) or
None for ones, slope (n,), summed loss."""


class Data:
    """Features Z (N, D) and targets (N, C), served in chunks.

    Z may be an array on disk (`numpy.memmap`) or the rows of a task, read chunk by chunk. With
    `keep` the chunks and their powers stay in memory; without, each pass reads Z anew and memory
    does not depend on N. `passes` counts them. `sample`: some of the rows, drawn at random.
    `weight` (N,): how much each row counts, about one in the mean; None: one each.
    """

    def __init__(
        self, Z: np.ndarray | ScaledRows, target: Tensor, chunk_rows: int, keep: bool,
        sample: Data | None = None, weight: Tensor | None = None,
    ) -> None:
        self.weight = weight
        self.Z, self.target, self.chunk_rows, self.sample = Z, target, chunk_rows, sample
        self.passes = 0
        self._kept = list(self._read()) if keep else None

    @property
    def n_rows(self) -> int:
        """N."""
        return len(self.Z)

    def _read(self) -> Iterator[tuple[Rows, Tensor]]:
        """Yield (rows of shape (n, D), targets (n, C)) from memory or disk."""
        for first in range(0, len(self.Z), self.chunk_rows):
            part = slice(first, first + self.chunk_rows)
            # torch warns of arrays that cannot be written to: only these are copied
            Z = torch.as_tensor(np.require(self.Z[part], np.float64, "W"))
            weight = None if self.weight is None else self.weight[part]
            yield Rows(Z, weight), self.target[part]

    def chunks(self) -> Iterator[tuple[Rows, Tensor]]:
        """Yield (rows of shape (n, D), targets (n, C)) chunk by chunk, and count the pass."""
        self.passes += 1
        yield from self._read() if self._kept is None else self._kept

    def power_gram(self, order: int) -> Tensor:
        """Return the Gram matrix of [1, Z, …, Z^order], (1 + order·D, 1 + order·D)."""
        size = 1 + order * self.Z.shape[1]
        gram = torch.zeros(size, size, dtype=torch.float64)
        for rows, _ in self.chunks():
            columns = power_columns(rows, order)
            gram += columns.T @ rows.weighed(columns)
        return gram

    def power_products(self, values: Tensor, order: int) -> Tensor:
        """Return [1, Z, …, Z^order]ᵀ values for values (N, C), weighed: (1 + order·D, C)."""
        total, first = 0, 0
        for rows, _ in self.chunks():
            total = total + power_columns(rows, order).T @ values[first : first + len(rows)]
            first += len(rows)
        return total


def power_columns(rows: Rows, order: int) -> Tensor:
    """Return [1, Z, Z², …, Z^order], (n, 1 + order·D)."""
    ones = torch.ones(len(rows), 1, dtype=torch.float64)
    return torch.cat([ones, *(rows.power(k) for k in range(1, order + 1))], dim=1)


def normal_equations(
    model: Polynomial, data: Data, local: Local, penalty: Tensor | float
) -> tuple[Tensor, Tensor, float]:
    """Return the curvature (p, p), minus the gradient (p,) and the value of a penalised error.

    The model has one output; the error is the sum of `local`'s losses plus half of
    Σ penalty · parameters², penalty (p,) or one number.
    """
    gram, right, value = 0, 0, 0.0
    for rows, target in data.chunks():
        tangent, output = model.tangent(rows)
        weights, slope, loss = local(output[:, 0], target[:, 0], rows.weight)
        # JᵀwJ, the second derivatives of the model being left out: never indefinite (Gauss-Newton;
        # Nocedal & Wright 2006, section 10.3; for classes, with w = p(1 - p), Fisher scoring)
        gram = gram + (tangent.T if weights is None else tangent.T * weights) @ tangent
        right = right + tangent.T @ slope
        value += loss
    gram.diagonal().add_(penalty)
    return gram, *_penalised(model, right, value, penalty)


def squared_error(
    output: Tensor, target: Tensor, weight: Tensor | None = None
) -> tuple[Tensor | None, Tensor, float]:
    """Return weight (n,), the weighed residual (n,) and its squares' sum; arguments (n,)."""
    residual = target - output
    slope = residual if weight is None else weight * residual
    return weight, slope, float(slope @ residual)


def solve(gram: Tensor, right: Tensor, damping: float = RIDGE) -> Tensor:
    """Solve a symmetric semi-definite system after scaling it to a unit diagonal.

    gram (p, p), right (p,) or (p, m). `damping` is added to the unit diagonal and raised until
    the factorisation succeeds; columns of zeros get the solution zero.
    """
    # powers of the features differ by many orders of magnitude: on a unit diagonal one damping
    # means the same share of each column (Marquardt 1963)
    scale = root(gram.diagonal().clamp_min(0))
    inverse = torch.where(scale > 0, 1 / scale, 0.0)
    unit = gram * inverse * inverse.unsqueeze(1)
    unit.diagonal()[scale == 0] = 1.0
    right = right * (inverse if right.dim() == 1 else inverse.unsqueeze(1))
    matrix = right.unsqueeze(1) if right.dim() == 1 else right
    while True:
        damped = unit + damping * torch.eye(len(unit), dtype=unit.dtype)
        factor, failed = torch.linalg.cholesky_ex(damped)
        if not failed:
            break
        damping *= 100  # collinear beyond what this damping lifts
    solution = torch.cholesky_solve(matrix, factor)
    solution = solution * inverse.unsqueeze(1)
    return solution[:, 0] if right.dim() == 1 else solution


def gradient(
    model: Polynomial, data: Data, local: Local, penalty: Tensor | float
) -> tuple[Tensor, float]:
    """Return minus the gradient (p,) and the value, as `normal_equations` with penalty (p,).

    Without the curvature a pass costs p products a row, not p².
    """
    right, value = 0, 0.0
    for rows, target in data.chunks():
        output, pull = model.pulled_back(rows)
        _, slope, loss = local(output[:, 0], target[:, 0], rows.weight)
        right = right + pull(slope)
        value += loss
    return _penalised(model, right, value, penalty)


def _penalised(
    model: Polynomial, right: Tensor, value: float, penalty: Tensor | float
) -> tuple[Tensor, float]:
    """Return minus the gradient (p,) and the value with the penalty (p,) or none added."""
    if not isinstance(penalty, Tensor):
        return right, value
    parameters = model.parameters()
    return right - penalty * parameters, value + 0.5 * float(penalty @ parameters.square())


def minimise(
    model: Polynomial, data: Data, max_steps: int = 40, tolerance: float = 1e-6,
    local: Local = squared_error, penalty: Tensor | float = 0.0,
) -> tuple[Polynomial, float]:
    """Minimise the error of one output over all p parameters; return the model and its error.

    `penalty` (p,), or 0 for none. One pass over the data a step. Ends when a step lowers the error
    by less than the share `tolerance`, or the error is at rounding level. For data with a sample
    of their rows see `_by_sample`.
    """
    method = _damped if data.sample is None else _by_sample
    return method(model, data, max_steps, tolerance, local, penalty)


def _damped(
    model: Polynomial, data: Data, max_steps: int, tolerance: float, local: Local,
    penalty: Tensor | float,
) -> tuple[Polynomial, float]:
    """Minimise by damped Gauss-Newton steps with the curvature of all rows.

    Source: Levenberg-Marquardt: Marquardt (1963), whose factor of ten moves the damping.
    """
    # without interactions the error is quadratic (least squares) or convex: full steps at once
    linear = not model.factors
    damping = RIDGE if linear else 1e-3
    total = float(data.target.square().sum())
    gram, right, value = normal_equations(model, data, local, penalty)
    for _ in range(max_steps):
        step = solve(gram, right, damping)
        trial = model.moved(step)
        equations = normal_equations(trial, data, local, penalty)
        if not equations[2] < value:  # NaN, from powers that overflow, is refused as well
            damping = max(10 * damping, 1e-6)
            done = float(step @ right) <= tolerance * value  # smaller steps promise even less
            # a full step of linear least squares is exact: one that fails is at rounding level
            if done or damping > 1e3 or (linear and local is squared_error):
                break
            continue
        gain = (value - equations[2]) / value
        model, (gram, right, value) = trial, equations
        damping = max(damping / 10, RIDGE)
        if gain < tolerance or value < 1e-28 * total:  # the residual is 1e-14 of the target
            break
    return model, value


def _by_sample(
    model: Polynomial, data: Data, max_steps: int, tolerance: float, local: Local,
    penalty: Tensor | float,
) -> tuple[Polynomial, float]:
    """Minimise from a fit to the sample, in cheaper passes; `penalty` (p,) or a number.

    Steps use the exact gradient and the curvature of the sample, and that of all rows where this
    gains too little. Ends when a step promises less than a hundredth of the p / N by which p
    fitted parameters lower the error by chance. What resists is left to `_damped`.
    """
    # a sum over N rows is about N / n times that over n rows drawn at random
    share = data.n_rows / data.sample.n_rows
    gram = normal_equations(model, data.sample, local, 0.0)[0] * share
    gram.diagonal().add_(penalty)
    inverse, exact = inverse_root(gram), False
    right, value = gradient(model, data, local, penalty)
    total, last = float(data.target.square().sum()), math.inf
    for _ in range(max_steps):
        step = inverse @ (inverse.T @ right)
        promise = float(step @ right)  # Newton's decrement, what a quadratic error would lose
        if promise <= NEGLIGIBLE * len(right) / data.n_rows * value or value < 1e-28 * total:
            return model, value
        trial = model.moved(step)
        stalled = promise > STALLED * last
        if not stalled:  # else the promise alone shows a poor curvature, and saves a pass
            following = gradient(trial, data, local, penalty)
            stalled = not following[1] < value
        if not stalled:
            model, (right, value), last, exact = trial, following, promise, False
        elif not exact:
            gram, right, value = normal_equations(model, data, local, penalty)
            inverse, last, exact = inverse_root(gram), math.inf, True
        else:
            break
    return _damped(model, data, max_steps, tolerance, local, penalty)


def inverse_root(gram: Tensor) -> Tensor:
    """Return W (p, q) with W Wᵀ the inverse of the Gram matrix (p, p) where it has one."""
    scale = root(gram.diagonal().clamp_min(0))
    inverse = torch.where(scale > 0, 1 / scale, 0.0).unsqueeze(1)
    values, vectors = torch.linalg.eigh(gram * inverse * inverse.T)
    # the pseudo-inverse: no step along directions that leave the outputs as they are
    kept = values > INDEPENDENT * values[-1].clamp_min(1e-300)
    return inverse * vectors[:, kept] / root(values[kept])
