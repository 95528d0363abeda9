"""Seconds of the search by dimension, with the settings of before and with the defaults in turn."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from companion.experiments.structure_recovery.battery_scores import before_and_after


def seconds(seeds: Sequence[int], limit: int | None = None) -> pd.DataFrame:
    """Return for D 10, 30 and 100 the median seconds after and before, and their ratio.

    On the paper's 15 formulas (the first `limit` of them); `ratio` is the median
    over tasks.
    """
    table = before_and_after(["paper"], seeds, limit).pivot_table(
        index=["group", "task", "seed"], columns="settings", values="seconds", sort=False)
    table["ratio"] = table["after"] / table["before"]
    return table.groupby("group", sort=False).median()[["after", "before", "ratio"]]
