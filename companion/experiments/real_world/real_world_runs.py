"""Run the grid on the real-world sets, models in groups with seeds of their own; its table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from companion import paths
from companion.experiments.table_preparation import preprocessor
from companion.experiments.tabular_grid import reports, run_cells
from companion.experiments.tabular_grid import score_table as table
from companion.experiments.tabular_grid.splits import divide, misplaced_rows, search_rows
from companion.run import Run
from nslib import checks
from nslib.data import REGISTRY, load_tabular

NAME = "real_world"  # of the table, beside the records


def run(
    groups: Sequence[Mapping[str, Any]], steps: int, workers: int, work: str, resume: bool = True,
    progress: bool = True,
) -> pd.DataFrame:
    """Run the grid of each group and return one table.

    A group has `datasets`, `models`, the number of `seeds`, counted from 0, and `budgets` for
    networks. Raises ValueError for other keys and where no set is at hand or no network has so few
    parameters, and the errors of `run_cells.run`.
    """
    parts = []
    for number, group in enumerate(groups):
        for key in group:
            checks.one_of(key, f"groups[{number}]", ("datasets", "models", "seeds", "budgets"))
        parts.append(run_cells.run(
            group["datasets"], group["models"], group.get("budgets", ()), range(group["seeds"]),
            steps, workers, work=work, resume=resume, progress=progress,
        ))
    keys = ["dataset", "model", "budget", "seed"]
    runs = pd.concat(parts).sort_values(keys, ignore_index=True)
    if runs.empty:
        raise ValueError("groups: found no run, expected a data set at hand (is NSLIB_DATA set?) "
                         "and a budget that a network can have")
    return runs


def publish(runs: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Write the table of this run beside its records, and return it as it reads back."""
    return table.read(table.write(runs, paths.results(run.preset, run.notebook) / f"{NAME}.csv"))


def constants(datasets: Iterable[str], seeds: Iterable[int]) -> dict[str, float]:
    """Return of each regression set the mean test MSE of predicting the training mean."""
    errors = {}
    for name in datasets:
        if REGISTRY[name].task == "regression":
            splits = [divide(load_tabular(name), seed) for seed in seeds]
            each = [np.mean((s.y["test"] - s.y["train"].mean()) ** 2) for s in splits]
            errors[name] = float(np.mean(each))
    return errors


def structures(datasets: Iterable[str], work: str) -> pd.DataFrame:
    """Return what the searches found: dataset, method, structure, leading (terms as text).

    Terms are in the scaled units of a search, of the first output, without the constant. Searches
    that have not run are left out.
    """
    rows = []
    sets = [load_tabular(name) for name in datasets]
    for data, method, report in run_cells.search_reports(sets, reports.folder(work)):
        encoder = preprocessor("robust").fit(data.X[search_rows(data)])
        columns = encoder.get_feature_names_out().tolist()
        terms = [f"{c:+.2g} {_named(term, columns)}"
                 for term, c in report["leading_terms"] if term != "1"]
        rows.append({"dataset": data.name, "method": method, "structure": report["structure"],
                     "leading": " ".join(terms)})
    return pd.DataFrame(rows, columns=["dataset", "method", "structure", "leading"])


def _named(term: str, columns: Sequence[str]) -> str:
    """Return a monomial in x_1, x_2, … in the names of the columns."""
    return re.sub(r"x_\{?(\d+)\}?", lambda m: columns[int(m[1]) - 1], term)


def is_disjoint(dataset: str, seed: int) -> bool:
    """Tell whether each row is in one part of a split, and no search may see a row of the test."""
    return misplaced_rows(load_tabular(dataset), seed) == 0
