"""Networks of linear, task-driven and spline neurons, and their sizing by number of parameters."""

from __future__ import annotations

from .feedforward import MLP, TaskNet
from .sizing import kan, mlp, n_parameters, task_net
from .spline import KAN, SplineLinear, bspline_basis

__all__ = [
    "KAN", "MLP", "SplineLinear", "TaskNet", "bspline_basis", "kan", "mlp", "n_parameters",
    "task_net",
]
