"""nslib: task-driven neurons, the search for their formulas, and what networks of them can express.

A companion of the NeuronSeek paper (arXiv 2506.15715). The names below are imported when they are
first used, so that the package itself costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import data, estimators, formula, networks, search, structure, theory, training
    from .estimators import NeuronSeekClassifier, NeuronSeekRegressor, load_estimator
    from .neuron import TaskLinear
    from .search import SearchResult, SparseFormula, search_many, sparse_formula
    from .structure import NeuronStructure, Stream

__version__ = "0.1.0"
_HOMES = {
    "NeuronSeekClassifier": "estimators",
    "NeuronSeekRegressor": "estimators",
    "NeuronStructure": "structure",
    "SearchResult": "search",
    "SparseFormula": "search",
    "Stream": "structure",
    "TaskLinear": "neuron",
    "load_estimator": "estimators",
    "search_many": "search",
    "sparse_formula": "search",
}
_MODULES = (
    "data", "estimators", "formula", "networks", "search", "structure", "theory", "training",
)
__all__ = [
    "NeuronSeekClassifier",
    "NeuronSeekRegressor",
    "NeuronStructure",
    "SearchResult",
    "SparseFormula",
    "Stream",
    "TaskLinear",
    "data",
    "estimators",
    "formula",
    "load_estimator",
    "networks",
    "search",
    "search_many",
    "sparse_formula",
    "structure",
    "theory",
    "training",
]


def __getattr__(name: str) -> Any:
    """Import what a name stands for when it is first asked for."""
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _HOMES:
        value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
