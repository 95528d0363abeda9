"""The machinery of the companion: runs, records, figures, claims, notebooks and the command line.

Nothing here computes science, and nothing of the science imports it.
"""

from __future__ import annotations

import importlib

from .run import Run, begin, current

_MODULES = ("claims", "experiments", "figures", "notebooks", "records")

__all__ = ["Run", "begin", "current", *_MODULES]


def __getattr__(name: str):
    """Import a module of the companion when it is first asked for, so that `begin` stays quick."""
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
