"""Prediction by one task-driven neuron: shrunk polynomials of bounded features, weighed together.

`monomials` are the columns, `ridge` fits them and says what it would have predicted of each row
left out, `stacking` weighs the fits by that, `predictor` is the search.
"""

from __future__ import annotations

from .predictor import search_prediction

__all__ = ["search_prediction"]
