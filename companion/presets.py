"""The presets: for each notebook the value of every parameter, quick and as in the paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nslib import checks

from . import files, paths

NAMES = ("quick", "paper")


def path(preset: str, root: Path | None = None) -> Path:
    """Return the file of a preset; ValueError with the nearest name for an unknown one."""
    checks.one_of(preset, "preset", NAMES)
    return (root or paths.root()) / "notebooks" / "presets" / f"{preset}.yaml"


def load(preset: str, root: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return a preset: notebook name to its parameters.

    Raises ValueError where the file is not a mapping of notebooks to mappings.
    """
    file = path(preset, root)
    content = files.read_yaml(file) or {}
    if not isinstance(content, dict):
        raise ValueError(f"{file.name}: found {type(content).__name__}, expected notebook names")
    for notebook, parameters in content.items():
        if not isinstance(parameters, dict):
            raise ValueError(
                f"{file.name}: {notebook}: found {parameters!r}, expected its parameters "
                "({} for none)"
            )
    return content


def get(preset: str, notebook: str, root: Path | None = None) -> dict[str, Any]:
    """Return the parameters of one notebook; ValueError where the preset does not hold it."""
    content = load(preset, root)
    checks.one_of(notebook, f"notebook in presets/{preset}.yaml", content)
    return content[notebook]


def check_names(names: Iterable[str], known: Iterable[str], where: str) -> None:
    """Refuse names that are not known, with the nearest one, and known ones that are missing."""
    names, known = list(names), list(known)
    for name in names:
        if name not in known:
            expected = ", ".join(known) or "none"
            raise ValueError(
                f"{where}: found the parameter {name!r}{checks.suggest(name, known)}, "
                f"expected {expected}"
            )
    missing = [name for name in known if name not in names]
    if missing:
        raise ValueError(f"{where}: found no value for {', '.join(missing)}")


def same(left: Any, right: Any) -> bool:
    """Whether two parameter values are equal; 1 equals 1.0 but not True."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def matching(
    notebook: str, parameters: Mapping[str, Any], root: Path | None = None,
    first: str | None = None,
) -> str:
    """Return the preset that has exactly these parameters: "quick", "paper" or "custom".

    `first`: the preset to take where several have them; by default the quick one.
    """
    for preset in sorted(NAMES, key=lambda name: name != first):
        if same(load(preset, root).get(notebook), parameters):
            return preset
    return "custom"
