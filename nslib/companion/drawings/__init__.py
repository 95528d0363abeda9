"""What the figures look like: functions of plotted data alone, one module a topic."""

from . import (
    ablations,
    any_function,
    neuron,
    own_data,
    real_world,
    recovery,
    scaling,
    search,
    stability,
    start,
    super_expressive,
    tabular,
    trajectories,
)

__all__ = ["ablations", "any_function", "neuron", "own_data", "real_world", "recovery", "scaling",
           "search", "stability", "start", "super_expressive", "tabular",
           "trajectories"]
