"""Run cells on some processes, with a line of progress for each."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed, parallel_config

from nslib.data import TabularData

from . import reports
from .grid import Cell
from .splits import main_score

RunCell = Callable[[Cell, TabularData, Path], None]


def _attempt(
    run_cell: RunCell, cell: Cell, data: TabularData, work: Path
) -> tuple[Cell, str | None]:
    """Run a cell; return it and what went wrong."""
    try:
        run_cell(cell, data, work)
    except Exception as error:  # reported with the cell's name when the others are done
        return cell, f"{type(error).__name__}: {error}"
    return cell, None


def computed(
    run_cell: RunCell, cells: Sequence[Cell], data: dict[str, TabularData], work: Path, workers: int
) -> Iterator[tuple[Cell, str | None]]:
    """Run the cells on `workers` processes and yield each as it is done, with its error."""
    with parallel_config("loky", inner_max_num_threads=1):
        processes = Parallel(max(min(workers, len(cells)), 1), return_as="generator_unordered")
        yield from processes(
            delayed(_attempt)(run_cell, cell, data[cell.dataset], work) for cell in cells
        )


class GridProgress:
    """A line for each cell: its score, seconds since the last start and the time still needed."""

    def __init__(self, total: int, done: int, wanted: bool) -> None:
        self.total, self.done, self.wanted = total, done, wanted
        self.start, self.before = time.perf_counter(), done
        if wanted and done:
            print(f"{done}/{total} cells are there already", file=sys.stderr, flush=True)

    def show(self, cell: Cell, work: Path, error: str | None) -> None:
        """Print the line of a cell that is done."""
        self.done += 1
        if not self.wanted:
            return
        elapsed = time.perf_counter() - self.start
        left = elapsed / (self.done - self.before) * (self.total - self.done) / 60
        text = error or self._result(cell, work)
        print(f"{self.done}/{self.total} {cell.label}: {text}, about {left:.0f} min left",
              file=sys.stderr, flush=True)

    def _result(self, cell: Cell, work: Path) -> str:
        """Return what the reports of a cell say, in a few words."""
        runs = [reports.read(cell.path(work, seed)) for seed in cell.seeds]
        if cell.method:
            return f"{runs[0]['structure']}, {runs[0]['seconds']:.1f} s"
        values = [run["metrics"]["test"][main_score(run["task"])] for run in runs if run["fits"]]
        text = ("no network fits" if not values else "not finite" if None in values else
                f"{np.mean(values):.4f} ± {np.std(values):.4f}")
        return f"{text}, {sum(run.get('seconds', 0.0) for run in runs):.1f} s"
