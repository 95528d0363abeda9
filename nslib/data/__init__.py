"""Data with a known neuron, and the tabular data sets of the papers."""

from __future__ import annotations

from .preparation import preprocessor, split, target_scaler
from .registry import REGISTRY, Dataset
from .synthetic import FORMULAS, Formula, FormulaTask, make_formula, random_formula
from .tabular import TabularData, list_tabular, load_tabular

__all__ = [
    "FORMULAS",
    "REGISTRY",
    "Dataset",
    "Formula",
    "FormulaTask",
    "TabularData",
    "list_tabular",
    "load_tabular",
    "make_formula",
    "preprocessor",
    "random_formula",
    "split",
    "target_scaler",
]
