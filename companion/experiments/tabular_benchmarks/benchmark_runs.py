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
from nslib.data import TabularData, load_tabular

from .benchmark_tables import beside_table6, ranks


def work_folder(run: Run) -> Path:
    """Return where a run keeps its reports: each preset apart, below build/ of the repository."""
    if run.preset == "custom":
        return paths.output("custom") / "tabular"
    name = "tabular" if run.preset == "paper" else f"tabular-{run.preset}"
    return paths.root() / "build" / name


def csv_path(run: Run) -> Path:
    """Return the table that a run writes: in results/ for the paper preset alone."""
    folder = paths.output("paper") / "results" if run.preset == "paper" else work_folder(run)
    return folder / "tabular.csv"


def compute(
    run: Run, datasets: Sequence[str], models: Sequence[str], budgets: Sequence[int],
    seeds: Sequence[int], steps: int, workers: int,
) -> pd.DataFrame:
    """Run the grid, write its table to `csv_path` and return it as read back.

    The quick preset computes all anew; others take the reports that are there. Raises the errors
    of `run_cells.run`, and ValueError where no data set is at hand.
    """
    resume = run.preset != "quick"
    runs = run_cells.run(
        datasets, models, budgets, seeds, steps, workers, work_folder(run), resume
    )
    if runs.empty:
        raise ValueError(f"datasets: found none of {', '.join(datasets)}; is NSLIB_DATA set?")
    return table.read(table.write(runs, csv_path(run)))


def committed(run: Run) -> pd.DataFrame | None:
    """Return the committed table of the paper preset for a run of another, None where none is."""
    return None if run.preset == "paper" else table.committed("tabular")


def config() -> dict[str, Any]:
    """Return the settings of all models, for a record."""
    names = ("CANDIDATES", "BATCH_SIZE", "LINEAR_NETWORKS", "SOURCES", "SEARCHES", "MAX_RANK",
             "LARGEST_BUDGET", "OURS", "SEARCH_SEED", "SEARCH_SHARE", "TEST_SHARE",
             "VALIDATION_SHARE")
    return {name.lower(): getattr(settings, name) for name in names}


def load(runs: pd.DataFrame) -> dict[str, TabularData]:
    """Return the data sets of a table."""
    return {name: load_tabular(name) for name in runs["dataset"].unique()}


def checksums(data: Mapping[str, TabularData]) -> dict[str, str]:
    """Return the checksum of each data set in the form of a record."""
    return {name: f"sha256:{one.checksum[:16]}" for name, one in data.items()}


def leaked_rows(data: Mapping[str, TabularData], seeds: Iterable[int]) -> int:
    """Return the sum of `splits.misplaced_rows` over data sets and seeds."""
    return sum(misplaced_rows(one, seed) for one in data.values() for seed in seeds)


def timing(runs: pd.DataFrame) -> dict[str, float]:
    """Return the seconds of each model over all its runs."""
    return runs.groupby("model")["seconds"].sum().to_dict()


def metrics(runs: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers of a table of runs; None where the runs for one are lacking.

    `tn_beats_ln_share`: of the pairs (set of Table 6, budget) those in which TN, its source chosen
    by validation, has the better mean; `tn_<search>_share`: of each source; `tn_beats_tanh_share`
    and `tn_beats_best_linear_share`: against the control, and the better of LN and the control.
    `linear_pairs`: pairs whose task-driven neurons are linear ones, of all sources, the share won
    of these and of the others. `pairs`: `shares_won` over LN and over the control, all sets.
    `sets_at_table6` of `sets_compared`: our best TN at or better than the table's, stand-ins
    apart. `sets_at_xgboost` of `sets_with_xgboost`: "TN" at or better.
    """
    known = runs[runs["dataset"].isin(TABLE6_SETS)]
    shares = {name: _shares(known, name) for name in ("LN", CONTROL, BEST_LINEAR)}
    beside = beside_table6(runs)
    beside = beside[beside["comparable"]]
    xgboost = compare.compared(runs, "TN", "xgboost")
    ranking = ranks(runs)
    return _plain({
        "n_runs": len(runs), "diverged_runs": int(runs["diverged"].sum()),
        "datasets": int(runs["dataset"].nunique()),
        "tn_beats_ln_share": shares["LN"].get(BEST_SOURCE, {}).get("won"),
        **{f"tn_{method}_share": shares["LN"].get(model, {}).get("won")
           for model, method in SOURCES.items()},
        "tn_beats_tanh_share": shares[CONTROL].get(BEST_SOURCE, {}).get("won"),
        "tn_beats_best_linear_share": shares[BEST_LINEAR].get(BEST_SOURCE, {}).get("won"),
        "linear_pairs": _linear_pairs(known),
        "pairs": {baseline: _shares(runs, baseline) for baseline in ("LN", CONTROL)},
        "sets_at_table6": int(beside["reached"].sum()) if len(beside) else None,
        "sets_compared": len(beside),
        "sets_at_xgboost": int(xgboost["reached"].sum()) if len(xgboost) else None,
        "sets_with_xgboost": len(xgboost),
        "mean_ranks": ranking and ranking["means"].set_index("model")["rank"].to_dict(),
        "critical_difference": ranking and float(ranking["test"]["critical_difference"].item()),
    })


def _shares(runs: pd.DataFrame, baseline: str) -> dict[str, dict[str, Any]]:
    """Return the row of `shares_won` over a model, by task-driven network; empty without runs."""
    compared = compare.pairs(runs, baseline)
    rows = compare.shares_won(compared).to_dict("records") if len(compared) else []
    return {row.pop("model"): row for row in rows}


def _linear_pairs(runs: pd.DataFrame) -> dict[str, Any]:
    """Return how many pairs of all sources have linear neurons, and the shares won."""
    compared = compare.pairs(runs, models=tuple(SOURCES))
    if compared.empty:
        return {"pairs": 0, "won": None, "won_of_others": None}
    linear = compared["linear"]
    return {"pairs": int(linear.sum()), "won": float(compared.loc[linear, "won"].mean()),
            "won_of_others": float(compared.loc[~linear, "won"].mean())}


def _plain(value: Any) -> Any:
    """Return the value with None for every number that is not finite."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
