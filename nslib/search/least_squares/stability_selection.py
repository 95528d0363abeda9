"""How sure a choice of streams is: the choice repeated on random halves of the rows.

All resamples need one pass over the data, which accumulates a Gram matrix for each group of rows; a
resample is half of the groups.

Source: stability selection: Meinshausen & Bühlmann (2010).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...structure import Stream
from .gram import power_columns, solve
from .held_out import Grams
from .objective import Fitted, Objective
from .selection import Candidate, term_values


def selection_frequencies(
    objective: Objective, fitted: Fitted, refused: dict[int, Candidate], order: int,
    minimum_gain: float, resamples: int, groups: Tensor, generator: torch.Generator,
) -> dict[str, float]:
    """Return how often each stream is chosen on random halves of the rows, by name.

    groups (N,): the group number of each row. Whole streams are added and removed by the criterion
    of the search. The factors of the interactions stay as fitted to all rows, their weights do not,
    and they cost their full number of parameters. An absent interaction is represented by its last
    refused candidate.
    """
    model, d = fitted.model, fitted.model.n_features
    # the columns of each stream in one Gram matrix, and its price in free parameters
    blocks = {
        Stream("pure", k): torch.arange(1 + (k - 1) * d, 1 + k * d) for k in range(1, order + 1)
    }
    prices = {name: model.with_pure(0).n_free - model.n_free for name in blocks}
    width = 1 + order * d
    products: list[tuple[str, Tensor]] = []
    for k, f in model.factors.items():
        products.append((Stream("interact", k), f))
        prices[products[-1][0]] = model.n_free - model.without_stream(Stream("interact", k)).n_free
    for k, candidate in refused.items():
        if k not in model.factors:
            products.append((Stream("interact", k), candidate.factors.unsqueeze(0)))
            prices[products[-1][0]] = candidate.added_to(model).n_free - model.n_free
    for name, f in products:
        blocks[name] = torch.arange(width, width + len(f))
        width += len(f)

    def parts():
        """Yield columns of all streams (n, p), row weights (n, C) and working targets (n, C)."""
        for rows, target in objective.data.chunks():
            output = model.outputs(rows)
            weights, step = objective.working(output, target)
            columns = [power_columns(rows, order)]
            columns += [term_values(term, rows).unsqueeze(1) for _, f in products for term in f]
            # step + output, the working response of reweighted least squares (McCullagh & Nelder
            # 1989, section 2.5): weights of all streams are fitted anew, not moved
            yield torch.cat(columns, dim=1), rows.weighed(weights), step + output

    grams = Grams(parts(), groups, objective.n_working)
    counts = dict.fromkeys(blocks, 0)
    n_groups = len(grams.size)
    for _ in range(resamples):
        # halves without replacement, as Meinshausen & Bühlmann take them
        half = torch.randperm(n_groups, generator=generator)[: max(n_groups // 2, 1)]
        scorer = _Scorer(objective, grams, half, blocks, prices)
        for name in _reselect(scorer, list(model.streams), minimum_gain):
            counts[name] += 1
    return {name: count / max(resamples, 1) for name, count in counts.items()}


class _Scorer:
    """BIC and error of sets of streams on some groups of rows, whose numbers are groups (g,)."""

    def __init__(
        self, objective: Objective, grams: Grams, groups: Tensor, blocks: dict[str, Tensor],
        prices: dict[str, int],
    ) -> None:
        self.objective, self.blocks, self.prices = objective, blocks, prices
        self.n = int(grams.size[groups].sum())
        self.gram, self.right = grams.gram[groups].sum(0), grams.right[groups].sum(0)
        self.squares = grams.squares[groups].sum(0)
        self.known: dict[frozenset, tuple[float, float]] = {}

    def __call__(self, names: list[str]) -> tuple[float, float]:
        """Return (criterion, error) of the constant and the streams `names`."""
        key = frozenset(names)
        if key not in self.known:
            index = torch.cat([torch.zeros(1, dtype=torch.long), *(self.blocks[n] for n in names)])
            left = 0.0
            for gram, right, squares in zip(self.gram, self.right, self.squares, strict=True):
                b = right[index]
                rest = squares - b @ solve(gram[index][:, index], b)
                # below 1e-13 of the squares the difference of two sums is rounding
                left += max(float(rest), 1e-13 * float(squares), 1e-300)
            loss = self.objective.working_loss(left, self.n)
            price = sum(self.prices[n] for n in names) * math.log(self.n)
            self.known[key] = loss + price, left
        return self.known[key]


def _reselect(scorer: _Scorer, names: list[str], minimum_gain: float) -> list[str]:
    """Remove and add streams, from the full choice on, while it pays."""

    def worth(larger: list[str], smaller: list[str]) -> bool:
        """Whether the further streams lower BIC and remove the least share of the error."""
        (criterion, error), (other, base) = scorer(larger), scorer(smaller)
        return criterion < other and error <= (1 - minimum_gain) * base

    for _ in range(4 * len(scorer.blocks)):  # a bound: streams could be added and removed in turn
        smaller = [[n for n in names if n != name] for name in names] if len(names) > 1 else []
        smaller = [s for s in smaller if not worth(names, s)]
        larger = [[*names, name] for name in scorer.blocks if name not in names]
        larger = [s for s in larger if worth(s, names)]
        moves = smaller or larger
        if not moves:
            break
        names = min(moves, key=lambda s: scorer(s)[0])
    return names
