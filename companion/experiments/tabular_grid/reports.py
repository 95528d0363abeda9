"""Reports: one JSON file a run, written whole, and whether the one on disk answers a question.

A report answers only the configuration, the sources and the versions that it was computed with, so
a grid that is resumed never mixes runs of different code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nslib
from companion import files, paths, records, rivals, sources


def checksum_of(package: Path, without: str = "") -> str:
    """Return the hash of the files of a package, less those of its part named `without`."""
    parts = [path for path in package.iterdir() if path.name != without]
    return sources.checksum(parts, package.parent)


# Read once, when the code is imported: a file that is edited during a long run changes what later
# runs compute, and not what this process does.
CODE = {
    "versions": records.versions(),
    "sources": {
        "nslib": checksum_of(Path(nslib.__file__).parent, without="theory"),
        "rivals": checksum_of(Path(rivals.__file__).parent),
        "tabular_grid": checksum_of(Path(__file__).parent),
    },
}


def folder(work: str | Path) -> Path:
    """Return the work folder: as given, or below the repository where it is relative."""
    path = Path(work)
    return path if path.is_absolute() else paths.root() / path


def write(path: Path, config: Mapping[str, Any], results: Mapping[str, Any]) -> None:
    """Write what came out for a configuration, with the code that computed it."""
    report = {"config": config, **CODE, **results}
    files.write({path: files.json_bytes(files.plain(report, path.name))})


def read(path: Path) -> dict[str, Any] | None:
    """Return a report, None where there is none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def answer(path: Path, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the report of this configuration by this code, None where there is none."""
    report, wanted = read(path), files.plain({"config": config, **CODE}, "report")
    if report is None or any(report.get(key) != value for key, value in wanted.items()):
        return None
    return report
