"""Data with a known neuron, the tabular data sets of the papers, and tables of one's own.

Each name is imported from its module when it is first asked for, so that formulas need no
scikit-learn.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULES = {
    "bounded": ("PiecewiseLinearEncoder", "SmoothClipper"),
    "csv_files": ("read_csv",),
    "own_tables": ("OwnTable", "make_table", "read_table"),
    "public_formulas": (
        "PUBLIC_FORMULAS", "SparsePolynomial", "random_sparse_polynomial", "sample",
    ),
    "synthetic": ("FORMULAS", "Formula", "FormulaTask", "make_formula", "random_formula"),
    "table_encoder": ("TableEncoder",),
    "tabular_loading": ("TabularData", "list_tabular", "load_tabular"),
    "tabular_registry": ("REGISTRY", "RegistryEntry"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
