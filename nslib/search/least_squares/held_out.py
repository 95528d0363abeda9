"""Errors on held-out rows, for all folds from one pass over the data.

Leaving a group of rows out moves the parameters by about one Gauss-Newton step from the fit to all
rows, and the step needs only the Gram matrices of the groups. For models that are linear in their
parameters the step is exact.

Source: one step in place of a refit: Pregibon (1981), there for single rows of a logistic fit.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .gram import solve
from .objective import Fitted, Objective
from .polynomial import Polynomial

GROUPS = 8
"""Random groups of rows: the folds, and the parts of which resamples are made.

Each group holds a Gram matrix of p² numbers, so there are few; their halves make 70 resamples.
"""


def group_numbers(n_rows: int, generator: torch.Generator) -> Tensor:
    """Return a group number for each row, (N,), groups of equal size up to one row."""
    return torch.randperm(n_rows, generator=generator) % min(GROUPS, n_rows)


class Grams:
    """Gram matrices of columns J (N, p) by group g and output c, with row weights w_c.

    `gram` (G, C, p, p) = JᵀwJ, `right` (G, C, p) = Jᵀ w z, `squares` (G, C) = zᵀ w z, `size` (G,).
    """

    def __init__(self, parts, groups: Tensor, n_outputs: int) -> None:
        """Accumulate from `parts`, chunks of (columns (n, p), weights (n, C), z (n, C))."""
        n_groups, first = int(groups.max()) + 1, 0
        self.size = torch.bincount(groups, minlength=n_groups)
        gram, right = None, None
        squares = torch.zeros(n_groups, n_outputs, dtype=torch.float64)
        for columns, weights, z in parts:
            if gram is None:
                p = columns.shape[1]
                gram = torch.zeros(n_groups, n_outputs, p, p, dtype=torch.float64)
                right = torch.zeros(n_groups, n_outputs, p, dtype=torch.float64)
            here = groups[first : first + len(z)]
            first += len(z)
            # a loop over groups, not one product over (G, n, p): memory stays at one chunk
            for g in range(n_groups):
                rows = (here == g).nonzero()[:, 0]
                part, w, values = columns[rows], weights[rows], z[rows]
                for c in range(n_outputs):
                    weighted = part * w[:, c : c + 1]
                    gram[g, c] += weighted.T @ part
                    right[g, c] += weighted.T @ values[:, c]
                squares[g] += (w * values.square()).sum(0)
        self.gram, self.right, self.squares = gram, right, squares


def held_out(objective: Objective, model: Polynomial, groups: Tensor) -> Tensor:
    """Return the error of every row, (N,), under the model fitted to the other groups of rows.

    groups (N,): the group number of each row.
    """
    data = objective.data

    def parts():
        """Yield tangent columns (n, p), row weights (n, C) and steps (n, C) of the outputs."""
        for rows, target in data.chunks():
            tangent, output = model.tangent(rows)
            weights, step = objective.working(output, target)
            yield tangent, rows.weighed(weights), step

    outputs = objective.n_working
    grams = Grams(parts(), groups, outputs)
    total, right = grams.gram.sum(0), grams.right.sum(0)
    # the Gauss-Newton step for the rows outside g has the normal equations of all rows less those
    # of g. Damped more than RIDGE: columns that all rows tell apart may be collinear without g.
    # Each of several outputs moves by itself, as though it had factors of its own.
    shifts = torch.stack([
        torch.stack([
            solve(total[c] - grams.gram[g, c], right[c] - grams.right[g, c], 1e-9)
            for c in range(outputs)
        ])
        for g in range(len(grams.size))
    ])
    losses, first = [], 0
    for rows, target in data.chunks():
        tangent, output = model.tangent(rows)
        here = groups[first : first + len(rows)]
        first += len(rows)
        # each row sees the step of its own group: the change of its outputs is tangent · step
        moved = torch.einsum("np,gcp->gnc", tangent, shifts)[here, torch.arange(len(rows))]
        losses.append(rows.weighed(objective.row_errors(output, moved, target)))
    return torch.cat(losses)


def choose(fits: list[Fitted], errors: list[Tensor]) -> Fitted:
    """Return the smallest model whose held-out error is as good as the best's.

    errors: one (N,) for each fit, the first of which is the reference. As good: the mean difference
    of the rows' errors is at most one standard error of it, and the mean error is not above that
    of the reference.

    Source: the rule of one standard error: Breiman, Friedman, Olshen & Stone (1984), section 3.4.3.
    """
    means = [float(e.mean()) for e in errors]
    best = min(range(len(fits)), key=lambda i: (means[i], fits[i].model.n_free))
    eligible = [best]
    for i, error in enumerate(errors):
        # differences row by row: what is hard in a row for both models cancels
        difference = error - errors[best]
        margin = float(difference.std() / math.sqrt(len(error)))
        # a model that predicts worse than the linear one is never taken; 1e-9 is for rounding
        if float(difference.mean()) <= margin and means[i] <= means[0] * (1 + 1e-9):
            eligible.append(i)
    return fits[min(eligible, key=lambda i: (fits[i].model.n_free, means[i]))]
