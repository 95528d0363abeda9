"""How a search does on the batteries: exact streams, exact features, R² on fresh rows, seconds."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from companion.experiments.progress import say
from companion.experiments.shares import known, with_intervals
from nslib.formula import feature_symbols
from nslib.search import METHODS, SearchResult, search

from .batteries import BatteryTask, tasks

BEFORE = {"lower": False, "screen": False, "outliers": "keep", "features": "all"}
"""Options with which the search tries neither lower orders nor fewer features nor fewer rows."""


def scores(
    names: Sequence[str], seeds: Iterable[int], *, before: bool = False, limit: int | None = None,
    most_rows: int = 10**9,
) -> pd.DataFrame:
    """Search the tasks of some batteries and judge each result.

    `limit`, `most_rows`: as in `batteries.tasks`. With `before` the options are those of `BEFORE`.
    Columns: battery, group, task, seed, those of `judged`, seconds.
    """
    options = METHODS["als"].accepted(**BEFORE) if before else {}
    rows = []
    for name in names:
        for seed in seeds:
            for task in tasks(name, seed, limit, most_rows):
                # processor time: other work on the machine does not count
                start = time.process_time()
                result = search(task.X, task.y, standardize=task.standardize, **options)
                seconds = time.process_time() - start
                rows.append({"battery": name, "group": task.group, "task": task.name,
                             "seed": seed, **judged(task, result), "seconds": seconds})
                say(f"{name}: {task.group}, {task.name}, seed {seed}, {seconds:.1f} s")
    return pd.DataFrame(rows)


def before_and_after(
    names: Sequence[str], seeds: Iterable[int], limit: int | None = None,
    most_rows: int = 10**9,
) -> pd.DataFrame:
    """Return `scores` with the options of `BEFORE` and with the defaults, in a column settings.

    Each seed is searched by both in turn, so that a change of the machine's speed meets both.
    """
    return pd.concat([
        scores(names, [seed], before=settings == "before", limit=limit, most_rows=most_rows
               ).assign(settings=settings)
        for seed in seeds for settings in ("before", "after")
    ], ignore_index=True)


def judged(task: BatteryTask, result: SearchResult) -> dict[str, Any]:
    """Return how well a result answers a task.

    structure, truth: as text; exact: whether the streams are the true ones; features_exact: the
    same of the features that remain, None where all of them matter; r2: on fresh rows without
    noise, as `predict` is; r2_formula: the same without the bounds of the features.
    """
    everywhere = replace(result, limits=None)
    return {
        "structure": str(result.structure), "truth": str(task.structure),
        "exact": result.structure.same_streams(task.structure),
        "features_exact": None if task.features is None else
        _features(result) == set(task.features),
        "r2": _r2(result, task), "r2_formula": _r2(everywhere, task),
    }


def _features(result: SearchResult) -> set[int]:
    """Return the numbers of the features that a result uses."""
    symbols = feature_symbols(result.scaling.feature_names, result.neuron.in_features)
    names = list(map(str, symbols))
    return set(map(names.index, result.features))


def _r2(result: SearchResult, task: BatteryTask) -> float:
    """Return R² on the fresh rows of a task, over their own mean; -inf where powers overflow."""
    try:
        predicted = result.predict(task.fresh)
    except ValueError:
        return -np.inf
    return 1.0 - float(np.mean((predicted - task.clean) ** 2)) / float(task.clean.var())


def shares(fits: pd.DataFrame, by: Sequence[str] = ("battery", "group")) -> pd.DataFrame:
    """Return a row a battery and group, or other columns, of `scores`: how often exact, medians.

    Columns: those of `by`, exact (count), of, share, its 95 % Wilson interval low, high,
    features_exact (share of the tasks in which not all matter; NaN without any), r2, r2_formula
    and seconds (medians).
    """
    numbers = fits.assign(features_exact=fits["features_exact"].astype(float))
    table = numbers.groupby(list(by), sort=False).agg(
        exact=("exact", "sum"), of=("exact", "size"), share=("exact", "mean"),
        features_exact=("features_exact", "mean"), r2=("r2", "median"),
        r2_formula=("r2_formula", "median"), seconds=("seconds", "median"),
    ).reset_index()
    return with_intervals(table, "exact", "of")


def misses(fits: pd.DataFrame) -> list[str]:
    """Return a line for each of `scores` whose streams or features are not exact."""
    lines = []
    for row in fits.itertuples():
        wrong = [] if row.exact else [f"{row.structure} for {row.truth}"]
        wrong += ["other features"] if row.features_exact is False else []
        if wrong:
            lines.append(f"{row.battery}, {row.group}, {row.task}, seed {row.seed}: "
                         f"{', '.join(wrong)}, R² {row.r2:.3f}")
    return lines


def metrics(groups: pd.DataFrame) -> dict[str, dict[str, dict[str, Any]]]:
    """Return of `shares` by group and settings what a record keeps, by group and settings.

    r2 is None where powers overflowed.
    """
    return {
        group: {row.settings: {"exact": int(row.exact), "of": int(row.of),
                               **known({"share": row.share, "low": row.low, "high": row.high,
                                        "r2": row.r2})}
                for row in own.itertuples()}
        for group, own in groups.groupby("group", sort=False)
    }


def side_by_side(
    blocks: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]
) -> pd.DataFrame:
    """Return `metrics` of several runs, by the name of a run, as one table to be read.

    A row a group; for each run, before and after, the share with its interval, and the median R².
    """
    columns: dict[tuple[str, str, str], dict[str, str]] = {}
    for name, groups in blocks.items():
        for settings in ("before", "after"):
            own = {group: row[settings] for group, row in groups.items()}
            columns[name, settings, "exact"] = {
                group: f"{row['exact']}/{row['of']} ({row['low']:.0%}–{row['high']:.0%})"
                for group, row in own.items()
            }
            columns[name, settings, "R²"] = {
                group: "–" if row["r2"] is None else f"{row['r2']:.4f}"
                for group, row in own.items()
            }
    return pd.DataFrame(columns)
