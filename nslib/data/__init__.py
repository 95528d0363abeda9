"""Data with a known neuron, and the tabular data sets of the papers."""

from __future__ import annotations

from .bounded import PiecewiseLinearEncoder, SmoothClipper
from .predecessor import (
    PREDECESSOR_FORMULAS,
    PredecessorSet,
    load_predecessor_synthetic,
    make_predecessor_sets,
)
from .preparation import preprocessor, split, target_scaler
from .registry import REGISTRY, Dataset
from .synthetic import FORMULAS, Formula, FormulaTask, make_formula, random_formula
from .table import TableEncoder
from .tabular import TabularData, list_tabular, load_tabular

__all__ = [
    "FORMULAS",
    "PREDECESSOR_FORMULAS",
    "REGISTRY",
    "Dataset",
    "Formula",
    "FormulaTask",
    "PiecewiseLinearEncoder",
    "PredecessorSet",
    "SmoothClipper",
    "TableEncoder",
    "TabularData",
    "list_tabular",
    "load_predecessor_synthetic",
    "load_tabular",
    "make_formula",
    "make_predecessor_sets",
    "preprocessor",
    "random_formula",
    "split",
    "target_scaler",
]
