"""What the figures look like: functions of plotted data alone, one module a topic."""

from . import neuron, recovery, scaling, search, stability, start

__all__ = ["neuron", "recovery", "scaling", "search", "stability", "start"]
