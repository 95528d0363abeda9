"""What a cluster should give the run of a notebook: memory, minutes and processors.

Estimated from the committed records of the notebook and preset, each of which holds the time and
the largest memory of the run that wrote it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from . import notebooks, presets

OVERHEAD_MB = 500
"""Memory beside the notebook's kernel: Snakemake, once for the job and once for its step, and
`nslib run`."""
MEMORY_MARGIN = 1.5
"""Memory that is asked for over the largest on record."""
UNMEASURED_MB = 1000
"""Memory of a process that no record tells of."""
UNMEASURED_MINUTES = 60.0
"""Time of a run that neither a record nor the notebook tells of."""
START_MINUTES = 10
"""Time to start from a slow shared file system."""
TIME_MARGIN = 3
"""Time that is asked for over the longest known."""
RESUMED = 0.1
"""Records that took a smaller share of the notebook's minutes are those of a run that went on from
earlier results, and tell nothing of the memory of the whole."""


class JobResources(NamedTuple):
    """What a job needs: memory in MB (of 2²⁰ bytes), minutes, and processes at a time."""

    memory_mb: int
    minutes: int
    processes: int


def of_notebook(notebook: Path, preset: str) -> JobResources:
    """Return what the run of a notebook needs.

    Parameters
    ----------
    notebook : Path
        The notebook; its records are in `results/<preset>/<name>` of its repository.
    preset : str
        "quick" or "paper".

    Returns
    -------
    JobResources
        Memory: that of each process with a margin. Minutes: the longer of those on record and
        those that the notebook says, with a margin. Processes: the notebook's parameter `workers`.

    Raises
    ------
    ValueError
        For a notebook without metadata, or whose parameters are not right.
    """
    workers = presets.check(notebook, preset).get("workers", 1)
    said = notebooks.info(notebook).minutes.get(preset)
    runs = _runs(notebook.parent.parent / "results" / preset / notebook.stem)
    longest = max((run["wall_seconds"] / 60 for run in runs), default=0.0)
    peak = max((run["peak_memory_mb"] for run in runs), default=0.0)
    if not peak or longest < RESUMED * (said or 0):
        peak = max(peak, UNMEASURED_MB)
    known = max(said or 0, longest) or UNMEASURED_MINUTES
    processes = 1 if workers == 1 else 1 + workers  # the kernel waits beside its workers
    return JobResources(
        memory_mb=round(OVERHEAD_MB + MEMORY_MARGIN * peak * processes),
        minutes=round(START_MINUTES + TIME_MARGIN * known),
        processes=workers,
    )


def _runs(folder: Path) -> list[dict[str, float]]:
    """Return time and memory of the run of each record in a folder.

    A file that does not tell both is left out: it is not for an estimate to refuse it.
    """
    runs = []
    for path in sorted(folder.glob("*.json")):
        try:
            run = json.loads(path.read_text(encoding="utf-8"))["run"]
            runs.append({key: float(run[key]) for key in ("wall_seconds", "peak_memory_mb")})
        except (ValueError, KeyError, TypeError):  # the peak is null where it is not known
            continue
    return runs
