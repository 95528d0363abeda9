"""What the figures look like: functions of plotted data alone, one module a topic."""

from . import neuron, search, start

__all__ = ["neuron", "search", "start"]
