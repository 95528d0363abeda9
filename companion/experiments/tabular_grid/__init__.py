"""Task-driven networks and their rivals on tables: one grid of runs, and the table of all of them.

`grid.run` computes what is not there yet and returns the table; `table` collects, writes and reads
it.
"""

from __future__ import annotations

from . import grid
from . import score_table as table

__all__ = ["grid", "table"]
