"""How far every value of the quick preset moves when only the processor's code paths change.

The same notebooks run under several arithmetic settings on one machine. What moves between them
will move between machines, so this is what the tolerances of `nslib verify` have to allow.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from companion import files, notebooks, paths, sources
from companion.reproduction import compare
from companion.reproduction.compare import DIFFERS, IDENTICAL, MISSING, WITHIN
from nslib import checks

from .measuring import bench_parser, show

BASE = "as it is"
SETTINGS: dict[str, dict[str, str]] = {
    BASE: {},
    "torch without AVX": {"ATEN_CPU_CAPABILITY": "default"},
    "MKL compatible": {"MKL_CBWR": "COMPATIBLE"},
    "MKL AVX2": {"MKL_CBWR": "AVX2,STRICT"},
    "OpenBLAS Sandybridge": {"OPENBLAS_CORETYPE": "Sandybridge"},
    "NumPy without AVX2": {"NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX"},
    "two threads": dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2"),
}
"""Name of a setting to the variables of the environment that make it."""


def main(argv: list[str]) -> int:
    """Run the notebooks under each setting, print what moved, write build/kernels/spread.csv."""
    names = list(notebooks.find())
    parser = bench_parser(
        "kernels", __doc__, notebooks=(names, "which (all)"), workers=(2, "runs at a time (2)"),
        settings=(list(SETTINGS), "names of settings (all); the first is the base"),
    )
    options = parser.parse_args(argv)
    try:
        for name in options.notebooks:
            notebooks.get(name)
        for name in options.settings:
            checks.one_of(name, "--settings", SETTINGS)
    except ValueError as error:
        parser.error(str(error))
    folder = paths.root() / "build" / "kernels"
    jobs = [(name, setting, folder / _slug(setting)) for setting in options.settings
            for name in options.notebooks]
    with ThreadPoolExecutor(options.workers) as pool:
        failed = [job[:2] for job, done in zip(jobs, pool.map(_run, jobs), strict=True) if not done]
    for name, setting in failed:
        print(f"{name} failed under {setting}", file=sys.stderr)
    comparisons = {
        setting: compare.folders(options.notebooks, "quick", folder / _slug(options.settings[0]),
                                 folder / _slug(setting))
        for setting in options.settings[1:]
    }
    spread = spreads(comparisons)
    files.write({folder / "spread.csv": spread.to_csv(index=False, lineterminator="\n").encode()})
    show(pd.DataFrame({setting: {outcome: comparison.count(outcome) for outcome in (
        IDENTICAL, WITHIN, DIFFERS, MISSING)} for setting, comparison in comparisons.items()}).T)
    beyond = spread[spread["outcome"].isin([DIFFERS, MISSING])]
    if len(beyond):
        print("\nbeyond its tolerance:")
        show(beyond.drop(columns=["outcome"]), index=False)
    rows = spread[spread["outcome"] == WITHIN].groupby(["place", "kind"])["largest"]
    print("\nlargest change by place within tolerance (of times, the factor less one):")
    show(rows.agg(["count", "max"]).reset_index(), index=False)
    print(f"\nevery value that moved: {os.path.relpath(folder / 'spread.csv')}")
    return 1 if failed else 0


def _slug(setting: str) -> str:
    return setting.replace(" ", "_").lower()


def _run(job: tuple[str, str, Path]) -> bool:
    """Run one notebook under a setting unless these sources have; whether it is there."""
    name, setting, out = job
    done = out / f"{name}.sources"
    code = sources.checksum([notebooks.get(name), *sources.of_notebook(notebooks.get(name))],
                            paths.root())
    if done.is_file() and done.read_text() == code:
        return True
    environment = {**os.environ, **dict.fromkeys(SETTINGS["two threads"], "1"), **SETTINGS[setting]}
    command = [sys.executable, "-m", "companion.cli", "run", name, "--out", str(out)]
    print(f"{setting}: {name}", file=sys.stderr, flush=True)
    finished = subprocess.run(command, env=environment, capture_output=True, cwd=paths.root())
    if finished.returncode == 0:
        files.write({done: code.encode()})
    return finished.returncode == 0


def spreads(comparisons: Mapping[str, compare.Comparison]) -> pd.DataFrame:
    """Return what moved: place, value, kind, the base's value, a column each setting, the worst.

    `comparisons`: setting to its comparison with the base. The last columns: largest, the largest
    change, of times the factor less one; outcome, the worst one.
    """
    rows: dict[str, dict[str, Any]] = {}
    for setting, comparison in comparisons.items():
        for value in comparison.of(WITHIN, DIFFERS, MISSING):
            row = rows.setdefault(value.name, {
                "place": value.place, "value": ".".join(map(str, value.key)), "kind": value.kind,
                BASE: value.committed, "largest": 0.0, "outcome": WITHIN,
            })
            row[setting] = value.rerun
            row["largest"] = max(row["largest"], value.size)
            row["outcome"] = max(row["outcome"], value.outcome,
                                 key=[WITHIN, DIFFERS, MISSING].index)
    columns = ["place", "value", "kind", BASE, *comparisons, "largest", "outcome"]
    return pd.DataFrame(list(_filled(rows.values(), comparisons)), columns=columns)


def _filled(
    rows: Iterable[dict[str, Any]], comparisons: Mapping[str, compare.Comparison]
) -> Iterable[dict[str, Any]]:
    """Yield rows in which a setting that moved nothing has the base's value."""
    for row in rows:
        yield {**dict.fromkeys(comparisons, row[BASE]), **row}
