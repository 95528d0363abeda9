"""The project's own search: alternating least squares and a parsimonious choice of streams."""

from .engine import search_least_squares
from .options import LeastSquaresOptions
from .refit import refit

__all__ = ["LeastSquaresOptions", "refit", "search_least_squares"]
