"""Whether the streams of tasks near a tie are the same under all arithmetic of this machine.

Each setting of the arithmetic is a process of its own, since it is read when libraries load:
`python -m companion.bench.recovery.near_ties SEED …` prints a structure a line.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import pandas as pd

from companion import paths
from companion.bench.bench_kernels import SETTINGS
from companion.experiments.progress import say
from companion.experiments.structure_recovery.battery_scores import scores

CORES = ("Prescott", "Nehalem", "Sandybridge", "Haswell", "Zen", "SkylakeX")
"""Code paths of OpenBLAS; one that the processor lacks is replaced by another."""

ARITHMETIC = {**SETTINGS, **{f"OpenBLAS {core}": {"OPENBLAS_CORETYPE": core} for core in CORES}}
"""Name of a setting to the variables of the environment that make it."""


def structures(
    seeds: Sequence[int], settings: Sequence[str] = tuple(ARITHMETIC), before: bool = False
) -> pd.DataFrame:
    """Return the structure, as text, of each task near a tie (a row) under each setting."""
    columns = {}
    for setting in settings:
        threads = dict.fromkeys(SETTINGS["two threads"], "1")
        environment = {**os.environ, **threads, **ARITHMETIC[setting]}
        command = [sys.executable, "-m", __name__, *map(str, seeds), *["--before"] * before]
        done = subprocess.run(command, env=environment, cwd=paths.root(), text=True, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        columns[setting] = dict(lines)
        say(f"near_tie: {setting} done")
    return pd.DataFrame(columns)


def report(table: pd.DataFrame) -> list[str]:
    """Return in words where the settings of `structures` differ, and how many tasks do not."""
    same = table.nunique(axis=1) == 1
    lines = [f"near_tie: {same.sum()} of {len(table)} tasks have the same structure under all "
             f"{table.shape[1]} settings"]
    for task, row in table[~same].iterrows():
        told = [f"{structure} ({', '.join(own.index)})"
                for structure, own in row.groupby(row, sort=False)]
        lines.append(f"differs: {task}: {'; '.join(told)}")
    return lines


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:] if text != "--before"]
    for fit in scores(["near_tie"], numbers, before="--before" in sys.argv).itertuples():
        print(f"{fit.task}, {fit.group}, seed {fit.seed}", fit.structure, sep="\t")
