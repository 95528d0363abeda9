"""Where the companion reads and writes: the repository, its output folders, names of files."""

from __future__ import annotations

import os
import re
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def root() -> Path:
    """Return the repository: `NSLIB_ROOT`, or the nearest folder upwards that holds claims.yaml.

    Raises FileNotFoundError where there is none.
    """
    given = os.environ.get("NSLIB_ROOT")
    if given:
        folder = Path(given).resolve()
        if not (folder / "claims.yaml").is_file():
            raise FileNotFoundError(f"NSLIB_ROOT: found no claims.yaml in {given!r}")
        return folder
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if (folder / "claims.yaml").is_file():
            return folder
    raise FileNotFoundError(
        f"found no claims.yaml in {here} or above it; work inside a clone of the repository "
        "or set NSLIB_ROOT to one"
    )


def output(preset: str) -> Path:
    """Return the folder below which a run of `preset` writes `figures/` and `results/`.

    `NSLIB_OUTPUT` where it is set (`nslib run --out` sets it), else `build/` of the repository, or
    `build/custom` for parameters of no preset. `nslib refresh` alone writes what is committed.
    """
    given = os.environ.get("NSLIB_OUTPUT")
    if given:
        return Path(given).resolve()
    build = root() / "build"
    return build / "custom" if preset == "custom" else build


def figures(preset: str, notebook: str, folder: Path | None = None) -> Path:
    """Return the folder of a notebook's figures; the paper preset has a subfolder of its own.

    `folder`: what holds them, `output(preset)` by default, the repository for committed ones.
    """
    place = (folder or output(preset)) / "figures" / notebook
    return place / "paper" if preset == "paper" else place


def results(preset: str, notebook: str, folder: Path | None = None) -> Path:
    """Return the folder of a notebook's records and tables, in `folder` as `figures` says."""
    return (folder or output(preset)) / "results" / preset / notebook


def given(path: str) -> Path:
    """Return the path that a user gave: `~` is the home folder, and others than absolute ones
    start where the user is: where `nslib run` was called, which a notebook's kernel is told in
    `NSLIB_STARTED_IN`, else in the current folder.
    """
    return Path(os.environ.get("NSLIB_STARTED_IN", ".")) / Path(path).expanduser()


def valid_name(value: object, name: str) -> str:
    """Return `value` if it can name a file anywhere: letters, digits, - and _ only.

    Raises ValueError for anything else.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(f"{name}: found {value!r}, expected letters, digits, '-' and '_' only")
    return value


def executed(name: str, preset: str, root: Path, given: Path | None) -> tuple[Path, Path]:
    """Return where the executed copy of a notebook and its log go: below `given`, else build/."""
    if given is None and preset == "custom":
        folder = root / "build" / "custom"
        return folder / "notebooks" / f"{name}.ipynb", folder / "logs" / f"{name}.log"
    folder = given or root / "build"
    return folder / "notebooks" / preset / f"{name}.ipynb", folder / "logs" / preset / f"{name}.log"
