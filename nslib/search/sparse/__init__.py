"""Readable formulas: a polynomial in raw units with as few terms as the data ask for."""

from __future__ import annotations

from .fitted_formula import SparseFormula
from .fitting import sparse_formula

__all__ = ["SparseFormula", "sparse_formula"]
