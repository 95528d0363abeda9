"""How sure a choice of streams is: held-out errors, and the choice repeated on resamples.

Both use the tangent of the fitted model, in which every stream is linear: leaving rows out moves
the parameters by one Gauss-Newton step from the fit to all rows. So all folds and resamples need
one pass over the data, which accumulates a Gram matrix for each group of rows.

Source: stability selection: Meinshausen & Bühlmann (2010), with half of the rows a resample.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .gram import power_columns, solve
from .polynomial import Polynomial, Rows
from .selection import Candidate, Fitted, Objective, term_values

GROUPS = 8
"""Random groups of rows; a resample is half of the groups."""


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
            for g in range(n_groups):
                rows = (here == g).nonzero()[:, 0]
                part, w, values = columns[rows], weights[rows], z[rows]
                for c in range(n_outputs):
                    weighted = part * w[:, c : c + 1]
                    gram[g, c] += weighted.T @ part
                    right[g, c] += weighted.T @ values[:, c]
                squares[g] += (w * values.square()).sum(0)
        self.gram, self.right, self.squares = gram, right, squares


def held_out(objective: Objective, fitted: Fitted, groups: Tensor) -> Tensor:
    """Return the error of every row, (N,), under the model fitted to the other groups of rows."""
    model, data = fitted.model, objective.data

    def parts():
        for rows, target in data.chunks():
            tangent, output = model.tangent(rows)
            weights, step = objective.working(output, target)
            yield tangent, weights, step

    outputs = objective.n_working
    grams = Grams(parts(), groups, outputs)
    total, right = grams.gram.sum(0), grams.right.sum(0)
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
        moved = torch.einsum("np,gcp->gnc", tangent, shifts)[here, torch.arange(len(rows))]
        losses.append(objective.row_errors(output, moved, target))
    return torch.cat(losses)


def choose(fits: list[Fitted], errors: list[Tensor], reference: int) -> int:
    """Return the number of the smallest model whose held-out error is as good as the best's.

    errors: one (N,) for each fit. As good: the mean difference of the rows' errors is at most one
    standard error of it, and the mean error is at most that of the fit number `reference`.
    """
    means = [float(e.mean()) for e in errors]
    best = min(range(len(fits)), key=lambda i: (means[i], fits[i].model.n_free))
    eligible = [best]
    for i, error in enumerate(errors):
        difference = error - errors[best]
        margin = float(difference.std() / math.sqrt(len(error)))
        if float(difference.mean()) <= margin and means[i] <= means[reference] * (1 + 1e-9):
            eligible.append(i)
    return min(eligible, key=lambda i: (fits[i].model.n_free, means[i]))


def selection_frequencies(
    objective: Objective, fitted: Fitted, refused: dict[int, Candidate], order: int,
    minimum_gain: float, resamples: int, groups: Tensor, generator: torch.Generator,
) -> dict[str, float]:  # fmt: skip
    """Return how often each stream is chosen on random halves of the rows, by name.

    Chosen: by adding and removing whole streams in the model's tangent, by the criterion of the
    search. An absent interaction is represented by its last refused candidate.
    """
    model, d = fitted.model, fitted.model.n_features
    blocks = {f"pure {k}": torch.arange(1 + (k - 1) * d, 1 + k * d) for k in range(1, order + 1)}
    prices = {name: model.with_pure(0).n_free - model.n_free for name in blocks}
    width = 1 + order * d
    bare = Polynomial(d, model.bias, {}, model.factors, model.mix)
    for k, f in model.factors.items():
        name = f"interact {k}"
        blocks[name] = torch.arange(width, width + f.numel())
        prices[name] = model.n_free - model.without_stream(name).n_free
        width += f.numel()
    extra = [refused[k] for k in refused if k not in model.factors]
    for candidate in extra:
        name = f"interact {candidate.order}"
        blocks[name] = torch.arange(width, width + 1)
        prices[name] = candidate.added_to(model).n_free - model.n_free
        width += 1

    def columns(rows: Rows) -> Tensor:
        products = [term_values(c.factors, rows).unsqueeze(1) for c in extra]
        return torch.cat(
            [power_columns(rows, order), bare.tangent(rows)[0][:, 1:], *products], dim=1
        )

    def parts():
        for rows, target in objective.data.chunks():
            output = model.outputs(rows)
            weights, step = objective.working(output, target)
            yield columns(rows), weights, step + output[:, : objective.n_working]

    grams = Grams(parts(), groups, objective.n_working)
    counts = dict.fromkeys(blocks, 0)
    n_groups = len(grams.size)
    for _ in range(resamples):
        half = torch.randperm(n_groups, generator=generator)[: max(n_groups // 2, 1)]
        scorer = _Scorer(objective, grams, half, blocks, prices)
        for name in _reselect(scorer, list(model.streams), minimum_gain):
            counts[name] += 1
    return {name: count / max(resamples, 1) for name, count in counts.items()}


class _Scorer:
    """BIC and error of sets of streams on some groups of rows."""

    def __init__(self, objective, grams: Grams, groups: Tensor, blocks, prices) -> None:
        self.objective, self.blocks, self.prices = objective, blocks, prices
        self.n = int(grams.size[groups].sum())
        self.gram, self.right = grams.gram[groups].sum(0), grams.right[groups].sum(0)
        self.squares = grams.squares[groups].sum(0)
        self.known: dict[frozenset, tuple[float, float]] = {}

    def __call__(self, names: list[str]) -> tuple[float, float]:
        """Return (criterion, error) of the streams `names` beside the constant."""
        key = frozenset(names)
        if key not in self.known:
            index = torch.cat([torch.zeros(1, dtype=torch.long), *(self.blocks[n] for n in names)])
            left = 0.0
            for gram, right, squares in zip(self.gram, self.right, self.squares, strict=True):
                b = right[index]
                rest = squares - b @ solve(gram[index][:, index], b)
                left += max(float(rest), 1e-13 * float(squares), 1e-300)
            loss = self.objective.working_loss(left, self.n)
            price = sum(self.prices[n] for n in names) * math.log(self.n)
            self.known[key] = loss + price, left
        return self.known[key]


def _reselect(scorer: _Scorer, names: list[str], minimum_gain: float) -> list[str]:
    """Remove and add streams, from the full choice on, while it pays."""

    def worth(larger, smaller) -> bool:
        (criterion, error), (other, base) = scorer(larger), scorer(smaller)
        return criterion < other and error <= (1 - minimum_gain) * base

    for _ in range(4 * len(scorer.blocks)):
        smaller = [[n for n in names if n != name] for name in names] if len(names) > 1 else []
        smaller = [s for s in smaller if not worth(names, s)]
        larger = [[*names, name] for name in scorer.blocks if name not in names]
        larger = [s for s in larger if worth(s, names)]
        moves = smaller or larger
        if not moves:
            break
        names = min(moves, key=lambda s: scorer(s)[0])
    return names
