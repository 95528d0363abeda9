"""Simpler streams in place of those that a selection by steps ends in.

Growth by steps takes the term that explains most at each step. A product of many factors may
explain several simpler terms at once, and is then kept for want of a single better step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from ...portable import root
from ...structure import Stream
from .objective import Fitted
from .polynomial import Polynomial
from .selection import Path, Selection

FEW_VALUES, LONG_TAILS = 10, 6.0
"""Most values, and least fourth moment of unit variance, of a feature whose powers tell little of
each other: that of normal numbers is 3, of Laplace's 6."""


def can_imitate(Z: Tensor) -> bool:
    """Whether products of many of the features Z (n, D) can be as good as products of few.

    Of normal and of bounded features that take many values, powers of each order have a part of
    their own, which a fit to a thousand rows tells apart.
    """
    unit = Z - Z.mean(0)
    unit = unit / root(unit.square().mean(0)).clamp_min(1e-150)
    if bool((unit.square().square().mean(0) > LONG_TAILS).any()):
        return True
    return any(len(column.unique()) <= FEW_VALUES for column in Z.T)


class LoweringSelection(Selection):
    """Selection that tries lower orders, pure streams and what tails refused, too."""

    CAPPED = 0.95
    """Quantile of the smaller model's errors at which those of single rows are cut."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.from_constant: set[int] = set()
        self.can_imitate = can_imitate(self.starts.raw)
        self.first_look = "longer" if self.can_imitate else "brief"

    def refinements(self) -> list[Callable[[Fitted], Fitted]]:
        return [*super().refinements(), self._beyond_tails, self._lowered]

    def _beyond_tails(self, current: Fitted) -> Fitted:
        """Return the model after terms that only a few rows had spoken against, if it is better.

        Of long tails a single row can decide the mean error of a model that still misses a term,
        and refuse every first step on the way to the right one.
        """
        if not self.refused_by_tails or current.error <= self.UNEXPLAINED * self.baseline:
            return current
        self.largest_error = self.CAPPED
        larger = self._grown(current, Path([]), self.order)
        self.largest_error = 1.0
        return self._shrink(larger) if self._better_held_out(larger, current) else current

    def _lowered(self, current: Fitted) -> Fitted:
        """Return the model with simpler streams in place of its interactions, where BIC prefers it.

        Where features have few values or heavy tails a product of many factors imitates several of
        lower order at once: squares of an indicator are linear in it. And many products of one
        order imitate its pure stream beside one product.
        """
        for k in sorted(current.model.factors, reverse=True):
            for base, order in self._below(current.model, k):
                if self.is_over():
                    return current
                lower = self._grown(
                    self.objective.fit(base), Path([]), order, most=1.5 * current.model.n_free
                )
                if lower.criterion < current.criterion:
                    current = self._shrink(lower)
                    break
        return current

    def _below(self, model: Polynomial, k: int) -> Iterator[tuple[Polynomial, int]]:
        """Yield models without the interaction of order k as it is, and the order up to which
        terms may be added to them."""
        if k not in model.factors:
            return
        rest = model.without_stream(Stream("interact", k))
        highest = k if self.can_imitate else 2
        others = [j for j in rest.factors if j > 2]
        for order in range(2, highest):
            yield rest, order
        # what remains may imitate as well: from the constant on, once an order
        for order in range(2, highest if others else 2):
            if order not in self.from_constant:
                self.from_constant.add(order)
                yield self.constant.model, order
        if k in model.pure:  # a product found after the pure stream that had imitated it
            base = self.objective.fit(rest.without_stream(Stream("pure", k)))
            for candidate in self._interaction_candidates(
                base, self.objective.residual(base.model), [k]
            ):
                yield candidate.added_to(base.model), k
        elif len(model.factors[k]) > 1:
            yield rest.with_pure(k), k
