"""Records: what was run, on what, with which versions, and what came out, as one JSON file.

A record has a stable part, equal for equal runs, and a part named `run` that changes every time
(git commit, time, memory, machine, the speed of the machine in that moment).
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nslib.portable import digits

from . import calibration, files, notebooks, paths, sources

PACKAGES = ("nslib", "torch", "numpy", "scipy", "pandas", "scikit-learn", "tensorly", "sympy",
            "matplotlib", "seaborn")


def checksum(data: Any) -> str:
    """Return `sha256:` and 16 hexadecimal digits of bytes, a file, an array or a DataFrame.

    Floats are taken with six significant digits, so that the last bits, which differ between
    processors, do not count; integers, text and files are exact. A text that already has this
    form is returned as it is, so that records can pass it on.
    """
    if isinstance(data, str):
        if not data.startswith("sha256:"):
            raise ValueError(f"data: found {data!r}, expected a text of the form 'sha256:…'")
        return data
    if isinstance(data, Path):
        data = data.read_bytes()
    digest = hashlib.sha256()
    if isinstance(data, bytes):
        digest.update(data)
    elif isinstance(data, pd.DataFrame):
        frame = data.copy()
        for i, dtype in enumerate(frame.dtypes):
            if pd.api.types.is_float_dtype(dtype):
                frame.isetitem(i, digits(frame.iloc[:, i].to_numpy(np.float64, na_value=np.nan)))
        digest.update(frame.to_csv(index=False, lineterminator="\n").encode())
    else:
        array = np.ascontiguousarray(data)
        if array.dtype.kind not in "biufc":
            raise TypeError(f"data: found dtype {array.dtype}, expected numbers or a DataFrame")
        digest.update(f"{array.dtype.str} {array.shape}".encode())
        if array.dtype.kind in "fc":
            parts = np.stack([array.real, array.imag]) if array.dtype.kind == "c" else array
            digest.update("\n".join(digits(parts)).encode())
        else:
            digest.update(array.tobytes())
    return f"sha256:{digest.hexdigest()[:16]}"


@functools.cache
def versions() -> dict[str, str | None]:
    """Return the versions of Python (major.minor) and of the packages that results depend on.

    Build tags such as `+cpu` are left out; a package that is not installed has None.
    """
    installed: dict[str, str | None] = {"python": ".".join(map(str, sys.version_info[:2]))}
    for package in PACKAGES:
        try:
            installed[package] = importlib.metadata.version(package).split("+")[0]
        except importlib.metadata.PackageNotFoundError:
            installed[package] = None
    return installed


def git_state(root: Path) -> dict[str, Any]:
    """Return the commit and whether the sources differ from it; None for each without git.

    Outputs (`figures`, `results`, `build`) do not make a repository dirty.
    """

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True,
                                  text=True, timeout=30, check=True)
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    outputs = [f":(exclude){name}" for name in ("figures", "results", "build")]
    status = git("status", "--porcelain", "--", ".", *outputs)
    return {"commit": git("rev-parse", "HEAD"), "dirty": None if status is None else bool(status)}


def peak_memory_mb() -> float | None:
    """Return the largest resident memory of this process in MB, None where it is not known."""
    try:
        import resource
    except ImportError:  # Windows has no such module
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


@functools.cache
def cpu() -> str | None:
    """Return the processor's name."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or None


def circumstances(notebook: str, wall_seconds: float) -> dict[str, Any]:
    """Return the part of a record that changes every time: git, code, time, memory, machine.

    `code` is the hash of the files that made the record: of the core and of the experiment's
    folder (`sources.of_notebook`). `calibration_seconds` is what the machine took in that moment
    for a fixed piece of work, so that times of other machines can be compared with these.
    """
    root = paths.root()
    return {
        "git": git_state(root),
        "code": sources.code(notebooks.get(notebook)),
        "wall_seconds": round(wall_seconds, 2),
        "calibration_seconds": files.significant(calibration.seconds()),
        "peak_memory_mb": peak_memory_mb(),
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "written_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


def rounded(metrics: Mapping[str, Any], name: str = "metrics") -> dict[str, Any]:
    """Return measured values as JSON values, floats with 6 significant digits.

    Raises TypeError or ValueError for no values, other types, NaN and infinity; None is allowed.
    """
    if not files.mapping(metrics, name):
        raise ValueError(f"{name}: found none, expected at least one measured value")
    return files.plain(metrics, name, files.significant)


def read(path: Path) -> dict[str, Any]:
    """Return a record; ValueError where the file is not one."""
    record = files.read_json(path)
    if not isinstance(record, dict) or "run" not in record:
        raise ValueError(f"{path}: found no record (a JSON object with the key 'run')")
    return record


def paper(notebook: str, name: str) -> dict[str, Any] | None:
    """Return the committed record of a notebook's run with the paper preset, None where none is.

    It is read from results/paper of the repository, wherever this run writes. Raises ValueError
    for a notebook that is not there (with the nearest name), a `name` that no record
    can have, and a file that is no record.
    """
    notebooks.get(notebook)
    file = f"{paths.valid_name(name, 'name')}.json"
    path = paths.root() / "results" / "paper" / notebook / file
    return read(path) if path.is_file() else None


def is_of_a_bench(path: Path) -> bool:
    """Whether the file at `path` is a record that a bench made, and no run of the notebook can."""
    return path.is_file() and "by" in read(path)["run"]


def stable(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a record that is equal for equal runs."""
    return {key: value for key, value in record.items() if key != "run"}
