"""What the figures look like: functions of plotted data alone, one module a topic."""

from . import neuron, search

__all__ = ["neuron", "search"]
