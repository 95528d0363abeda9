"""What the figures look like: functions of plotted data alone, one module a topic."""

from . import ablations, neuron, recovery, scaling, search, stability, start, trajectories

__all__ = ["ablations", "neuron", "recovery", "scaling", "search", "stability", "start",
           "trajectories"]
