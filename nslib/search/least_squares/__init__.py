"""The project's own search: alternating least squares and a parsimonious choice of streams."""

from .engine import LeastSquaresOptions, search_least_squares

__all__ = ["LeastSquaresOptions", "search_least_squares"]
