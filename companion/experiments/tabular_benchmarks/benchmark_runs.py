"""Notebook 10 computes: where its runs are, the grid, the numbers that a record keeps of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from companion import paths
from companion.experiments.tabular_grid import compare_models as compare
from companion.experiments.tabular_grid import run_cells, settings
from companion.experiments.tabular_grid import score_table as table
from companion.experiments.tabular_grid.compare_models import BEST_LINEAR, BEST_SOURCE
from companion.experiments.tabular_grid.settings import CONTROL, SOURCES, TABLE6_SETS
from companion.experiments.tabular_grid.splits import misplaced_rows
from companion.run import Run
from nslib.data import TabularData

from .benchmark_tables import beside_table6, ranks


def work_folder(run: Run) -> Path:
    """Return where a run keeps its reports: each preset apart, below build/ of the repository."""
    if run.preset == "custom":
        return paths.output("custom") / "tabular"
    suffix = "" if run.preset == "paper" else f"-{run.preset}"
    return paths.root() / "build" / f"tabular{suffix}"


def csv_path(run: Run) -> Path:
    """Return the table that a run writes: in results/ for the paper preset alone."""
    paper = run.preset == "paper"
    folder = paths.results(run.preset, run.notebook) if paper else work_folder(run)
    return folder / "tabular.csv"


def compute(
    run: Run, datasets: Sequence[str], models: Sequence[str], budgets: Sequence[int],
    seeds: Sequence[int], steps: int, workers: int,
) -> pd.DataFrame:
    """Run the grid, write its table to `csv_path` and return it as read back.

    The quick preset computes all anew; others take the reports that are there. Raises the errors
    of `run_cells.run`, and ValueError where no data set is at hand or no network has so few
    parameters.
    """
    runs = run_cells.run(datasets, models, budgets, seeds, steps, workers,
                         work=work_folder(run), resume=run.preset != "quick")
    if runs.empty:
        raise ValueError(
            f"datasets, budgets: found no run on {', '.join(datasets)} at {list(budgets)}, "
            "expected a data set at hand (is NSLIB_DATA set?) and a budget that a network can have"
        )
    return table.read(table.write(runs, csv_path(run)))


def committed(run: Run) -> pd.DataFrame | None:
    """Return the committed table of the paper preset for a run of another, None where none is."""
    return None if run.preset == "paper" else table.committed(run.notebook, "tabular")


def config() -> dict[str, Any]:
    """Return the settings of all models, for a record."""
    names = ("CANDIDATES", "BATCH_SIZE", "LINEAR_NETWORKS", "SOURCES", "SEARCHES", "MAX_RANK",
             "LARGEST_BUDGET", "OURS", "SEARCH_SEED", "SEARCH_SHARE", "TEST_SHARE",
             "VALIDATION_SHARE")
    return {name.lower(): getattr(settings, name) for name in names}


def leaked_rows(data: Mapping[str, TabularData], seeds: Iterable[int]) -> int:
    """Return the sum of `splits.misplaced_rows` over data sets and seeds."""
    return sum(misplaced_rows(one, seed) for one in data.values() for seed in seeds)


def metrics(runs: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers of a table of runs; None where the runs for one are lacking.

    `tn_beats_ln_share`: of the pairs (set of Table 6, budget) those in which TN, its source chosen
    by validation, has the better mean; `tn_<search>_share`: of each source; `..._tanh_share`,
    `..._best_linear_share`: against the control, and the better of LN and it. `linear_pairs`:
    pairs whose task-driven neurons are linear ones, the share won of these and of the others.
    `pairs`: `shares_won`, all sets. `sets_at_table6`, `sets_at_xgboost`: our best TN, and "TN", at
    or better, stand-ins apart.
    """
    known = runs[runs["dataset"].isin(TABLE6_SETS)]
    pairs = {name: compare.pairs(known, name) for name in ("LN", CONTROL, BEST_LINEAR)}
    won = {(name, model): share["won"] for name, rows in pairs.items()
           for model, share in _shares(rows).items()}
    beside = beside_table6(runs)
    beside = beside[beside["comparable"]]
    xgboost = compare.compared(runs, "TN", "xgboost")
    ranking = ranks(runs)
    return _plain({
        "n_runs": len(runs), "diverged_runs": int(runs["diverged"].sum()),
        "datasets": int(runs["dataset"].nunique()),
        "tn_beats_ln_share": won.get(("LN", BEST_SOURCE)),
        **{f"tn_{method}_share": won.get(("LN", model)) for model, method in SOURCES.items()},
        "tn_beats_tanh_share": won.get((CONTROL, BEST_SOURCE)),
        "tn_beats_best_linear_share": won.get((BEST_LINEAR, BEST_SOURCE)),
        "linear_pairs": _linear_pairs(pairs["LN"]),
        "pairs": {name: _shares(compare.pairs(runs, name)) for name in ("LN", CONTROL)},
        "sets_at_table6": int(beside["reached"].sum()) if len(beside) else None,
        "sets_compared": len(beside),
        "sets_at_xgboost": int(xgboost["reached"].sum()) if len(xgboost) else None,
        "sets_with_xgboost": len(xgboost),
        "mean_ranks": ranking and ranking["means"].set_index("model")["rank"].to_dict(),
        "critical_difference": ranking and float(ranking["test"]["critical_difference"].item()),
    })


def _shares(pairs: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the row of `shares_won` of each task-driven network; empty without pairs."""
    return {row.pop("model"): row for row in compare.shares_won(pairs).to_dict("records")}


def _linear_pairs(pairs: pd.DataFrame) -> dict[str, Any]:
    """Return how many pairs of all sources have linear neurons, and the shares won."""
    if pairs.empty:
        return {"pairs": 0, "won": None, "won_of_others": None}
    own, others = compare.of_linear_structure(pairs)
    return {"pairs": len(own), "won": float(own["won"].mean()),
            "won_of_others": float(others["won"].mean())}


def _plain(value: Any) -> Any:
    """Return the value with None for every number that is not finite."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
