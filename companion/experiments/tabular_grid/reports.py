"""Reports: one JSON file a run, written whole, and whether those on disk answer a question."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from companion import files, paths, records


def folder(work: str | Path) -> Path:
    """Return the work folder: as given, or below the repository where it is relative."""
    path = Path(work)
    return path if path.is_absolute() else paths.root() / path


def write(path: Path, config: Mapping[str, Any], results: Mapping[str, Any]) -> None:
    """Write what came out for a configuration, with the versions it was computed with."""
    report = {"config": config, "versions": records.versions(), **results}
    files.write({path: files.json_bytes(files.plain(report, path.name))})


def read(path: Path) -> dict[str, Any] | None:
    """Return a report, None where there is none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def answers(path: Path, config: Mapping[str, Any]) -> bool:
    """Whether the file holds the report of this configuration."""
    found = read(path)
    return found is not None and found.get("config") == files.plain(config, "config")


def all_answer(runs: Sequence[tuple[Path, Mapping[str, Any]]]) -> bool:
    """Whether every (path, configuration) has its report."""
    return all(answers(path, config) for path, config in runs)
