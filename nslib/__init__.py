"""nslib: task-driven neurons, the search for their formulas, and what networks of them can express.

A companion of the NeuronSeek paper (arXiv 2506.15715).
"""

from . import search
from .estimators import NeuronSeekClassifier, NeuronSeekRegressor, load_estimator
from .neuron import TaskLinear
from .search import SearchResult, search_many
from .structure import NeuronStructure

__all__ = [
    "NeuronSeekClassifier",
    "NeuronSeekRegressor",
    "NeuronStructure",
    "SearchResult",
    "TaskLinear",
    "load_estimator",
    "search",
    "search_many",
]
__version__ = "0.1.0"
