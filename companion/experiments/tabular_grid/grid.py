"""Run the cells of a grid on some processes; what is done already is not done again."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from companion.rivals.tables import TABULAR_RIVALS
from nslib import checks
from nslib.data import REGISTRY, TabularData, load_tabular
from nslib.threads import one_thread
from nslib.training import TrainingOptions

from . import reports
from . import score_table as table
from .cells import Cell, run_cell
from .settings import BUDGETS, LARGEST_BUDGET, NETWORKS, OURS, RIVALS, search_of
from .splits import main_score

WORK = "build/tabular"


def cells(
    datasets: Iterable[str], models: Iterable[str], budgets: Iterable[int] = BUDGETS,
    seeds: Sequence[int] = tuple(range(10)), steps: int = TrainingOptions.steps,
) -> list[Cell]:
    """Return the cells of a grid, the searches that they need first, the costly ones early.

    `models`: of `NETWORKS` (a cell a budget up to `LARGEST_BUDGET`), `OURS` and `RIVALS`. Raises
    ValueError or TypeError for unknown names, for budgets and steps below 1 and seeds below 0.
    """
    models = [checks.one_of(m, "models", (*NETWORKS, *OURS, *RIVALS)) for m in models]
    datasets = [checks.one_of(name, "datasets", REGISTRY) for name in datasets]
    budgets = [checks.positive_int(budget, "budgets") for budget in budgets]
    seeds = tuple(checks.positive_int(seed, "seeds", minimum=0) for seed in seeds)
    if not seeds:
        raise ValueError("seeds: found none, expected at least one")
    steps = checks.positive_int(steps, "steps")
    sources = {search_of(model) for model in models} - {None}
    searches = [
        Cell(name, f"search-{source}", None, seeds, steps)
        for source in sorted(sources) for name in datasets
    ]
    trained = [
        Cell(name, model, budget, seeds, steps)
        for name in datasets for model in models
        for budget in (budgets if model in NETWORKS else [None])
        if budget is None or budget <= LARGEST_BUDGET.get(model, budget)
    ]
    return searches + sorted(trained, key=_cost, reverse=True)


def _cost(cell: Cell) -> float:
    """Return a rough order of the cells by time."""
    if cell.model in OURS:
        weights = OURS[cell.model]["budget"]
    elif cell.budget is not None:
        weights = cell.budget * (6 if cell.model == "KAN" else 1)
    else:
        weights = 20_000 if TABULAR_RIVALS[cell.model].slow else 1
    return float(weights * min(REGISTRY[cell.dataset].rows, 5000))


def run(
    datasets: Iterable[str], models: Iterable[str], budgets: Iterable[int] = BUDGETS,
    seeds: Sequence[int] = tuple(range(10)), steps: int = TrainingOptions.steps,
    workers: int = 1, work: str | Path = WORK, resume: bool = True, progress: bool = True,
) -> pd.DataFrame:
    """Run what is not done yet on `workers` processes and return the table of all runs.

    Reports go below `work`, relative to the repository; without `resume` those that are there are
    not used. A data set that cannot be found is left out, with a line on stderr. `progress` prints
    a line for each cell. Raises the errors of `cells` and, after all other cells have run,
    RuntimeError that names the cells that failed.
    """
    workers = checks.positive_int(workers, "workers")
    folder = reports.folder(work)
    wanted = cells(datasets, models, budgets, seeds, steps)
    data = _load(dict.fromkeys(cell.dataset for cell in wanted))
    wanted = [cell for cell in wanted if cell.dataset in data]
    missing = [
        cell for cell in wanted if not (resume and cell.is_done(data[cell.dataset], folder))
    ]
    lines = _Lines(len(wanted), len(wanted) - len(missing), progress)
    failures: dict[str, str] = {}
    for stage in (True, False):  # searches first: other cells read their structures
        now = [cell for cell in missing if bool(cell.method) == stage]
        for cell, error in _computed(now, data, folder, min(workers, len(now))):
            if error is not None:
                failures[cell.label] = error
            lines.show(cell, folder, error)
    if failures:
        text = "\n".join(f"{label}: {error}" for label, error in failures.items())
        raise RuntimeError(f"{len(failures)} of {len(wanted)} cells failed:\n{text}")
    return table.collect([cell for cell in wanted if not cell.method], folder)


def _load(names: Iterable[str]) -> dict[str, TabularData]:
    """Return the data sets that are there, with a line on stderr for each that is not."""
    data = {}
    for name in names:
        try:
            data[name] = load_tabular(name)
        except FileNotFoundError as error:
            print(f"left out {error}", file=sys.stderr, flush=True)
    return data


def _attempt(cell: Cell, data: TabularData, work: Path) -> str | None:
    """Run a cell; return what went wrong."""
    try:
        run_cell(cell, data, work)
    except Exception as error:  # reported with the cell's name when the others are done
        return f"{type(error).__name__}: {error}"
    return None


def _computed(
    missing: Sequence[Cell], data: dict[str, TabularData], work: Path, workers: int
) -> Iterator[tuple[Cell, str | None]]:
    """Run the cells and yield each as it is done, with its error."""
    if workers <= 1:
        for cell in missing:
            yield cell, _attempt(cell, data[cell.dataset], work)
        return
    with _single_threaded():
        before = set(multiprocessing.active_children())
        pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
        try:
            futures = {
                pool.submit(_attempt, cell, data[cell.dataset], work): cell for cell in missing
            }
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            for process in set(multiprocessing.active_children()) - before:
                process.terminate()
            pool.shutdown(cancel_futures=True)
            raise
        pool.shutdown()


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Let the processes that are started inside use one thread each."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        with one_thread():
            yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


class _Lines:
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
        seconds = sum(run.get("seconds", 0.0) for run in runs)
        values = [run["metrics"]["test"][main_score(run["task"])] for run in runs if run["fits"]]
        if not values or None in values:
            return f"{'not finite' if values else 'no network fits'}, {seconds:.1f} s"
        return f"{np.mean(values):.4f} ± {np.std(values):.4f}, {seconds:.1f} s"
