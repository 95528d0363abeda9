"""Seconds of the search by dimension, with the settings of before in turn with those of today."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from companion.experiments.structure_recovery.battery_scores import scores


def seconds(seeds: Sequence[int], limit: int | None = None) -> pd.DataFrame:
    """Return for D 10, 30 and 100 the median seconds now and before, and their ratio.

    On the paper's 15 formulas (the first `limit` of them) with noise .01. Both search each seed in
    turn, so that a change of the machine's speed meets both. `ratio`: the median over tasks.
    """
    parts = []
    for seed in seeds:
        for before in (False, True):
            own = scores(["paper"], [seed], before=before, limit=limit)
            parts.append(own.assign(settings="before" if before else "now"))
    table = pd.concat(parts)
    table = table[table["group"].str.endswith("noise 0.01")].pivot_table(
        index=["group", "task", "seed"], columns="settings", values="seconds", sort=False)
    table["ratio"] = table["now"] / table["before"]
    return table.groupby("group", sort=False).median()[["now", "before", "ratio"]]
