"""Forward-backward choice of streams by an explicit criterion of parsimony.

A term (a pure stream, or one rank-one term of an interaction) is kept only while
- it removes at least the share `minimum_gain` of the error that is left without it, and
- BIC, the loss + (number of free parameters) · log N, is lower with it; or held-out rows gain more
  than three standard errors (BIC is too strict while other large streams are still missing).
It is only added if it lowers the error on held-out rows too, which heavy tails often forbid.

A pure order k is a CP form of rank D and some interactions have a diagonal part, so the two can
mimic each other; the parameter count decides for the smaller form, and each addition is followed
by the removal of every term that it made superfluous, and by a try of the pure order instead.

Source: BIC: Schwarz (1978).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...structure import Stream
from .gram import solve
from .moments import Starts
from .objective import Fitted, Objective, Squares
from .polynomial import Polynomial, Rows


def term_values(factors: Tensor, rows: Rows) -> Tensor:
    """Return the product of the projections of rows (n, D) on factors (k, D), (n,)."""
    return (rows.Z @ factors.T).prod(1)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A term to add: "pure" of an order, or "interact" with factors (k, D) and mix (C,).

    `criterion` and `loss` are those expected of the model with the term.
    """

    kind: str
    order: int
    criterion: float
    loss: float
    factors: Tensor | None = None
    mix: Tensor | None = None

    def added_to(self, model: Polynomial) -> Polynomial:
        """Return the model with this term."""
        if self.kind == "pure":
            return model.with_pure(self.order)
        return model.with_term(self.factors, self.mix)


@dataclass
class Path:
    """The accepted models in turn, from the constant on, and the last refused interactions."""

    steps: list[Fitted]
    refused: dict[int, Candidate] = field(default_factory=dict)


class Selection:
    """Forward-backward selection on fixed data.

    `order`: highest order; `rank`: most rank-one terms an interaction may have; `minimum_gain`:
    share of the error that a term must remove; `starts`: starting points on `start_rows` (n,), the
    numbers of some rows; `validate`: model -> errors (N,) of all rows when held out;
    `is_over`: tells that time is up.
    """

    SHORTCUT = 10.0
    """A cheap candidate that divides the error by this is tried before costly ones are looked for.

    It saves the restarts; a choice in haste is left to the backward steps. Deviances of two or
    three classes, at most 2 log C a row, never fall by log 10 a row: all candidates compete there.
    """

    first_look = "brief"
    """How long a larger model is fitted to see whether it is worth more."""

    ERRORS = 3.0
    """Standard errors by which held-out rows must gain where BIC alone would refuse a term; more
    than two, since the term is the best of many that were tried on all rows."""

    UNEXPLAINED = 0.01
    """Share of the error of the constant above which a failed round is repeated, twice as hard;
    where less is left there is little to gain."""

    def __init__(
        self, objective: Objective, starts: Starts, start_rows: Tensor, order: int, rank: int,
        minimum_gain: float, validate: Callable[[Polynomial], Tensor],
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        self.is_over = is_over
        self.objective, self.starts, self.start_rows = objective, starts, start_rows
        self.order, self.rank, self.minimum_gain = order, rank, minimum_gain
        self.validate = validate
        self.log_n = math.log(objective.data.n_rows)
        self.power_gram = objective.data.power_gram(order)
        self.n_features = starts.raw.shape[1]
        outputs = objective.data.target.shape[1]
        self.constant = objective.fit(Polynomial.constant(self.n_features, outputs))
        self.baseline = self.constant.error
        self.largest_error, self.refused_by_tails = 1.0, False

    def run(self) -> Path:
        """Add and remove terms until no candidate is worth its parameters."""
        path = Path([self.constant])
        current = self._grown(self.constant, path, self.order)
        for refined in self.refinements():
            following = refined(current)
            if following is not current:
                current = following
                path.steps.append(current)
        return path

    def refinements(self) -> list[Callable[[Fitted], Fitted]]:
        """Return what is done in turn with the model that growth has ended in."""
        return [self._shrink]

    def _grown(
        self, current: Fitted, path: Path, order: int, most: float = math.inf, rounds: int = 40
    ) -> Fitted:
        """Return the model after terms up to an order were added and removed while it pays.

        `most`: free parameters at which it ends; `rounds` ends a cycle of terms that come and go.
        """
        for _ in range(rounds):
            if self.is_over():
                break
            following = self._forward(current, path, order)
            if following is None and current.error > self.UNEXPLAINED * self.baseline:
                following = self._forward(current, path, order, effort=2)
            if following is None:
                break
            current = self._backward(self._polish(following))
            path.steps.append(current)
            if current.model.n_free > most:
                break
        return current

    def worth(self, larger: Fitted, smaller: Fitted) -> bool:
        """Whether the larger model's further terms pay for their parameters."""
        # for many rows BIC pays for terms that explain next to nothing: a formula to read has none
        if larger.error > (1 - self.minimum_gain) * smaller.error:
            return False
        if larger.criterion < smaller.criterion:
            return True
        # while large streams are missing their variance counts as noise, and BIC, which compares
        # logarithms of the whole error, refuses true terms; rows held out show them nevertheless
        gain = self.validate(smaller.model) - self.validate(larger.model)
        return float(gain.mean()) > self.ERRORS * float(gain.std()) / math.sqrt(len(gain))

    def _forward(
        self, current: Fitted, path: Path, order: int, effort: int = 1
    ) -> Fitted | None:
        """Return the model with the best worthwhile candidate, or None."""
        residual = self.objective.residual(current.model)
        # pure orders are linear and order 2 has a start in closed form; higher ones need restarts
        cheap = self._pure_candidates(current, residual)
        if order > 1:
            cheap += self._interaction_candidates(current, residual, [2])
        best = min((c.loss for c in cheap), default=math.inf)
        enough = current.loss - self.objective.data.n_rows * math.log(self.SHORTCUT)
        groups = [cheap] if best <= enough else []
        for group in [*groups, None]:
            if group is None:
                costly = range(3, order + 1)
                group = cheap + self._interaction_candidates(current, residual, costly, effort)
            for candidate in sorted(group, key=lambda c: c.criterion):
                # the score of a pure order is exact: no trial where it fails. A product is scored
                # alone; one that explains little may fit well together with the others
                if candidate.kind == "pure" and candidate.criterion >= current.criterion:
                    continue
                following = self._trial(candidate.added_to(current.model), current)
                if following is not None:
                    return following
            # kept for the resamples, on which a refused interaction has another chance
            path.refused.update({c.order: c for c in group if c.kind == "interact"})
        return None

    def _trial(self, larger: Polynomial, current: Fitted) -> Fitted | None:
        """Fit a larger model, in full only if its first steps promise it; None if not worth it."""
        first = self.objective.fit(larger, self.first_look)
        further = larger.n_free - current.model.n_free
        # chance alone lowers -2 log likelihood by one a parameter (Wilks 1938), half of what AIC
        # asks: a few steps that gain less are not worth going on
        if current.loss - first.loss < further:
            return None
        # long tails make the first steps of a true term poor on rows held out, while BIC sees it
        if first.criterion >= current.criterion and not self._better_held_out(first, current):
            return None
        following = self.objective.fit(first.model)
        if not self.worth(following, current):
            return None
        if self._better_held_out(following, current):
            return following
        self.refused_by_tails = True
        return None

    def _better_held_out(self, larger: Fitted, smaller: Fitted) -> bool:
        """Whether the larger model has the lower mean error on rows held out.

        No row counts more than the share `largest_error` of the smaller model's rows.
        """
        ours, theirs = self.validate(larger.model), self.validate(smaller.model)
        if self.largest_error < 1:
            most = theirs.quantile(self.largest_error)
            ours, theirs = ours.clamp_max(most), theirs.clamp_max(most)
        return bool(ours.mean() < theirs.mean())

    def _shrink(self, current: Fitted) -> Fitted:
        """Return the model without the rank-one terms that only growth one by one had needed.

        One product may have been approached by several terms, each chosen while others were
        missing. Terms of order 2 start in closed form, one eigenvalue after the other.
        """
        for k in [k for k in current.model.factors if k > 2]:
            number = 0
            while 1 < len(current.model.factors[k]) > number and not self.is_over():
                smaller = self.objective.fit(current.model.without(("interact", k, number)))
                smaller = self._polish(smaller)
                if self.worth(current, smaller):
                    number += 1
                else:  # the terms that remain have changed: all are tried again
                    current, number = smaller, 0
        return current

    def _polish(self, current: Fitted) -> Fitted:
        """Return the model with higher orders fitted anew, by rows of little leverage, if better.

        A product found while another stream was missing sits in a local minimum of least squares,
        held there by the few rows of its long tail.
        """
        model, rows = current.model, self.start_rows
        higher = [term for term in model.terms if term[0] == "interact" and term[1] > 2]
        unexplained = current.error > self.UNEXPLAINED * self.baseline
        if not (higher and unexplained and len(model.terms) > 1 and len(model.bias) == 1):
            return current
        for _, k, _ in higher:  # the first term of its order moves to the end in turn
            term, old = ("interact", k, 0), model.factors[k][0]
            # what all other terms leave to this one (backfitting: Friedman & Stuetzle 1981)
            target = self.objective.residual(model)[rows, 0] + (self.starts.raw @ old.T).prod(1)
            factors = self.starts.polished(target, old)
            product = (self.starts.raw @ factors.T).prod(1)
            centred = product - product.mean()
            scale = (centred @ target / centred.square().sum().clamp_min(1e-300)).reshape(1)
            # without and with: the new factors replace the old ones, at the end of their order
            model = self.objective.fit(model.without(term).with_term(factors, scale), "brief").model
        fitted = self.objective.fit(model)
        return fitted if fitted.error < current.error else current

    def _backward(self, current: Fitted) -> Fitted:
        """Return the model after removing, one by one, the terms that are not worth keeping."""
        while True:
            # brief fits tell whether a term is missed: they start from the fit with the term
            smaller = [self.objective.fit(m, "brief") for m in self._reduced(current.model)]
            smaller = [s for s in smaller if not self.worth(current, s)]
            if not smaller:
                break
            current = self.objective.fit(min(smaller, key=lambda s: s.criterion).model)
        return current

    @staticmethod
    def _reduced(model: Polynomial) -> list[Polynomial]:
        """Return the models with one term less, or a pure stream in place of its interaction."""
        reduced = [model.without(term) for term in model.terms] if len(model.terms) > 1 else []
        for k in model.factors:
            if k not in model.pure:
                # a sum of products can hide Σ_i w_i x_i^k, its diagonal, at more parameters
                swapped = model.without_stream(Stream("interact", k)).with_pure(k)
                reduced += [swapped] if swapped.n_free < model.n_free else []
        return reduced

    def _candidate(
        self, current: Fitted, kind: str, order: int, n_free: int, gain: Tensor,
        factors: Tensor | None = None, mix: Tensor | None = None,
    ) -> Candidate:
        """Return a candidate that lowers the squares of the residual by `gain` (C,).

        `factors` (k, D) and `mix` (C,) for an interaction.
        """
        loss = self.objective.predicted_loss(current, gain)
        criterion = loss + n_free * self.log_n
        return Candidate(kind, order, criterion, loss, factors, mix)

    def _affordable(self, model: Polynomial) -> bool:
        """Whether the model has at most one free parameter for every two rows.

        With more, a fit can follow any target, and neither BIC nor rows held out can be trusted.
        """
        return 2 * model.n_free <= self.objective.data.n_rows

    def _needed(self, larger: Polynomial, model: Polynomial) -> float:
        """Return the share of the squares that the larger model must remove by BIC, of one output.

        Deviances are no logarithms of squares: there no share is needed.
        """
        if not isinstance(self.objective, Squares):
            return 0.0
        price = (larger.n_free - model.n_free) * self.log_n
        return 1 - math.exp(-price / self.objective.data.n_rows)

    def untried(self, order: int) -> list[int]:
        """Return the orders of interactions up to `order` that so few rows cannot carry at all."""
        constant, mix = self.constant.model, torch.ones(self.objective.data.target.shape[1])
        blank = torch.ones(order, self.n_features, dtype=torch.float64)
        return [k for k in range(2, order + 1)
                if not self._affordable(constant.with_term(blank[:k], mix.double()))]

    def _pure_candidates(self, current: Fitted, residual: Tensor) -> list[Candidate]:
        """Score every absent pure order exactly for squares, the interactions being fixed.

        residual (N, C). All pure streams of the model are refitted along with the new one.
        """
        d, model = self.n_features, current.model
        products = self.objective.data.power_products(residual, self.order)
        present = [0, *(1 + (k - 1) * d + i for k in model.pure for i in range(d))]
        candidates = []
        for k in range(1, self.order + 1):
            larger = None if k in model.pure else model.with_pure(k)
            if larger is None or not self._affordable(larger):
                continue
            index = torch.tensor([*present, *range(1 + (k - 1) * d, 1 + k * d)])
            # by least squares on columns J the residual e loses eᵀJ (JᵀJ)⁻¹ Jᵀe of its squares
            gram, right = self.power_gram[index][:, index], products[index]
            gain = (solve(gram, right, 1e-10) * right).sum(0)
            candidates.append(self._candidate(current, "pure", k, larger.n_free, gain))
        return candidates

    def _interaction_candidates(
        self, current: Fitted, residual: Tensor, orders: Iterable[int], effort: int = 1
    ) -> list[Candidate]:
        """Fit one rank-one term of every order to the residual (N, C), all else being fixed."""
        model, candidates = current.model, []
        outputs, sample = residual.shape[1], residual[self.start_rows]
        if not (self.starts.whitened.shape[1] and sample.square().any()):
            return []  # no feature varies, or nothing is left to explain
        for k in orders:
            if len(model.factors.get(k, ())) >= self.rank:
                continue
            # the price of a term does not depend on its values: too dear ones cost no restarts
            blank = torch.ones(k, self.n_features, dtype=torch.float64)
            blank = model.with_term(blank, torch.ones(outputs).double())
            if not self._affordable(blank):
                continue
            factors = self.starts.candidate(sample, k, effort, self._needed(blank, model))
            if factors is None:
                continue
            products = torch.cat([
                term_values(factors, rows) for rows, _ in self.objective.data.chunks()
            ])
            # the best multiple of the product for each output, the constant being refitted
            centred = products - products.mean()
            size = centred.square().sum().clamp_min(1e-300)
            mix = centred @ residual / size
            larger = model.with_term(factors, mix)
            candidates.append(self._candidate(
                current, "interact", k, larger.n_free, mix.square() * size, factors, mix
            ))
        return candidates
