"""A control: networks of linear neurons with the activation of the task-driven ones.

Task-driven networks have tanh between their layers, which bounds what the powers see; LN has ReLU.
What linear neurons gain by tanh is no merit of the task-driven neuron. All else is as for LN.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from ....data import TabularData, load_tabular
from ....threads import threads
from ....training import TrainingOptions
from . import reports, table
from .cells import Cell, _network_facts
from .comparisons import CONTROL
from .networks import train_networks
from .settings import BATCH_SIZE, CANDIDATES
from .splits import divide


def run(
    datasets: Iterable[str], budgets: Sequence[int], seeds: Sequence[int], steps: int,
    work: Path, resume: bool = True,
) -> pd.DataFrame:
    """Train the control on data sets at budgets and return its table, as `grid.run` does.

    Data sets must be at hand. Reports go below `work`; those that are there are not made again
    unless `resume` is false. A line on stderr for each data set that is computed.
    """
    cells = []
    for name in datasets:
        data, start = load_tabular(name), time.perf_counter()
        own = [Cell(name, CONTROL, budget, tuple(seeds), steps) for budget in budgets]
        cells += own
        missing = [cell for cell in own if not (resume and cell.is_done(data, work))]
        for cell in missing:
            _run(cell, data, work)
        if missing:
            print(f"{name} {CONTROL}: {time.perf_counter() - start:.1f} s", file=sys.stderr,
                  flush=True)
    return table.collect(cells, work)


def _run(cell: Cell, data: TabularData, work: Path) -> None:
    start = time.perf_counter()
    splits = [divide(data, seed) for seed in cell.seeds]
    with threads(1):
        trained = train_networks(
            "LN", splits, cell.budget, candidates=CANDIDATES, activation="tanh",
            options=TrainingOptions(steps=cell.steps, batch_size=BATCH_SIZE),
        )
    seconds = (time.perf_counter() - start) / len(splits)
    for i, split in enumerate(splits):
        facts = {"fits": False} if trained is None else _network_facts(split, trained[i])
        facts = {"task": split.task, "rows": split.sizes, "seconds": seconds, **facts}
        reports.write(cell.path(work, split.seed), cell.config(data, split.seed), facts)
