"""The machinery of the companion: runs, records, figures, claims, notebooks and the command line.

Nothing here computes science, and nothing of the science imports it.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # what type checkers take for true; typing itself takes its time to import
if TYPE_CHECKING:
    from .run import Run, begin, current

_MODULES = ("claims", "experiments", "figures", "notebooks", "records")
_OF_RUN = ("Run", "begin", "current")

__all__ = ["Run", "begin", "current", *_MODULES]


def __getattr__(name: str):
    """Import what a name stands for when it is first asked for, so that the package is quick."""
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _OF_RUN:
        return getattr(importlib.import_module(f"{__name__}.run"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
