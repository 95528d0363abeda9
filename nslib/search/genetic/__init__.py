"""The predecessor's search: vectorised symbolic regression over polynomials in one symbol."""

from .evolution import GeneticOptions, search_genetic

__all__ = ["GeneticOptions", "search_genetic"]
