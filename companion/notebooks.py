"""Notebooks as files: which there are, what they say of themselves, their code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nslib import checks

from . import paths


@dataclass(frozen=True)
class Info:
    """What a notebook says of itself: title, section of the paper, minutes by preset."""

    title: str
    section: str
    minutes: dict[str, float]

    @property
    def minutes_in_words(self) -> str:
        """Minutes of the quick and the paper preset, with a dash where they are not known."""
        known = (self.minutes.get(preset) for preset in ("quick", "paper"))
        return " / ".join("–" if number is None else f"{number:g}" for number in known)


def find(root: Path | None = None) -> dict[str, Path]:
    """Return name to path of every notebook `NN_topic.ipynb`, in order."""
    folder = (root or paths.root()) / "notebooks"
    return {path.stem: path for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}


def get(name: str, root: Path | None = None) -> Path:
    """Return the path of a notebook; ValueError with the nearest name for an unknown one."""
    notebooks = find(root)
    return notebooks[checks.one_of(name, "notebook", notebooks)]


def _read(path: Path) -> dict[str, Any]:
    """Return a notebook as it is on disk; nbformat would take a second to import."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path.name}: found broken JSON ({error}), expected a notebook") from None


def code(path: Path, tag: str | None = None) -> list[str]:
    """Return the text of the code cells, or of those with a tag."""
    return ["".join(cell["source"]) for cell in _read(path)["cells"]
            if cell["cell_type"] == "code" and tag in (None, *cell["metadata"].get("tags", []))]


def info(path: Path) -> Info:
    """Return what the notebook's metadata `nslib` says; ValueError where something is missing."""
    known = _read(path)["metadata"].get("nslib", {})
    try:
        return Info(known["title"], known["section"], dict(known["minutes"]))
    except KeyError as error:
        raise ValueError(f"{path.name}: found no {error} in its metadata nslib") from None


def shows_claims(path: Path) -> bool:
    """Whether a notebook shows verdicts of claims, which the records of all others decide."""
    return any("claims.load(" in source for source in code(path))


def shows_paper_records(path: Path) -> bool:
    """Whether a notebook shows committed records of the paper preset."""
    return shows_claims(path) or any("records.paper(" in source for source in code(path))
