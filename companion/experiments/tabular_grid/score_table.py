"""The table of all runs: collected from reports, written as CSV and read back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from companion import files, paths

from . import reports
from .grid import Cell
from .splits import main_score

COLUMNS = (
    "dataset", "task", "model", "budget", "seed", "metric", "value", "train_value",
    "validation_value", "validation_loss", "f1", "n_parameters", "structure", "learning_rate",
    "weight_decay", "diverged", "seconds",
)
_TYPES = {"budget": "Int64", "seed": "int64", "n_parameters": "Int64", "diverged": "bool"}
_TEXTS = ("dataset", "task", "model", "metric", "structure")
_NUMBERS = tuple(name for name in COLUMNS if name not in _TYPES and name not in _TEXTS)


def collect(cells: Iterable[Cell], work: Path) -> pd.DataFrame:
    """Return a row for each run of the cells that has a report with a network that fits.

    Columns are `COLUMNS`; `value`, `train_value` and `validation_value` are in the unit of
    `metric`, `f1` is that of the test rows. A value that is not finite is NaN.
    """
    runs = [(cell, seed, reports.read(cell.path(work, seed)))
            for cell in cells for seed in cell.seeds]
    rows = [_row(*run) for run in runs if run[2] and run[2]["fits"]]
    return _typed(pd.DataFrame(rows, columns=COLUMNS))


def _row(cell: Cell, seed: int, report: dict[str, Any]) -> dict[str, Any]:
    """Return what the table holds of a report."""
    metric, metrics = main_score(report["task"]), report["metrics"]
    loss = "mse" if report["task"] == "regression" else "log_loss"
    return {
        "dataset": cell.dataset, "task": report["task"], "model": cell.model,
        "budget": cell.budget, "seed": seed, "metric": metric,
        "value": metrics["test"][metric], "train_value": metrics["train"][metric],
        "validation_value": metrics["validation"][metric],
        "validation_loss": metrics["validation"][loss], "f1": metrics["test"].get("f1"),
        **{name: report[name] for name in COLUMNS[-6:]},
    }


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table in order, each column in its type."""
    table = table.astype({**_TYPES, **dict.fromkeys(_NUMBERS, "float64")})
    for column in _TEXTS:
        table[column] = table[column].fillna("").astype(object)
    return table.sort_values(["dataset", "model", "budget", "seed"]).reset_index(drop=True)


def write(table: pd.DataFrame, path: str | Path) -> Path:
    """Write a table as CSV, numbers with 6 significant digits, and return its path."""
    path = reports.folder(path)
    rows = _typed(table)[list(COLUMNS)]
    text = rows.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    files.write({path: text.encode()})
    return path


def committed(notebook: str, name: str) -> pd.DataFrame | None:
    """Return the committed table of a notebook's paper preset, None where there is none."""
    path = paths.results("paper", notebook, paths.root()) / f"{name}.csv"
    return read(path) if path.is_file() else None


def read(path: str | Path) -> pd.DataFrame:
    """Return a table written by `write`; ValueError where columns are others."""
    table = pd.read_csv(reports.folder(path), dtype=dict.fromkeys(_TEXTS, str))
    if tuple(table.columns) != COLUMNS:
        raise ValueError(f"{path}: found the columns {list(table.columns)}, expected {COLUMNS}")
    return _typed(table)
