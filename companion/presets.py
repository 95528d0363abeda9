"""The parameters of notebooks: quick are the defaults in the parameters cell, paper what differs.

`notebooks/paper.yaml` maps notebook names to the parameters that differ in the paper preset.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from nslib import checks

from . import files, notebooks, paths

NAMES = ("quick", "paper")
TYPES: dict[str, type] = {
    "int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict
}


class Parameter(NamedTuple):
    """A parameter of a notebook: name of its type and the default in the parameters cell."""

    type: str
    default: Any


def parameters(path: Path) -> dict[str, Parameter]:
    """Return the parameters in the cells tagged `parameters` of the notebook at `path`.

    Raises ValueError for a statement that is not of the form `name: type = value`, with a type
    that papermill reads and a literal value of it.
    """
    known = {}
    for source in notebooks.code(path, "parameters"):
        for node in ast.parse(source).body:
            where = f"{path.name}: parameter {ast.unparse(getattr(node, 'target', node))}"
            if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
                    and isinstance(node.annotation, ast.Name) and node.annotation.id in TYPES
                    and node.value is not None):
                raise ValueError(
                    f"{where}: expected the form `name: type = value`, with a type of "
                    f"{', '.join(TYPES)}"
                )
            kind = node.annotation.id
            try:
                default = ast.literal_eval(node.value)
            except ValueError:
                raise ValueError(f"{where}: found no literal value, expected a {kind}") from None
            known[node.target.id] = Parameter(kind, typed(default, kind, where))
    return known


def typed(value: Any, kind: str, where: str) -> Any:
    """Return `value` as the type named `kind`; an int passes for a float, a bool for no number.

    Raises ValueError or TypeError that says `where`, what was found and what was expected, also for
    what no record can hold: NaN, infinity and, inside lists, dates and bytes.
    """
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        return checks.real(value, where)
    if not isinstance(value, TYPES[kind]) or (kind == "int" and isinstance(value, bool)):
        hint = " (in quotes if it is meant as text)" if kind == "str" else ""
        raise ValueError(
            f"{where}: found {checks.shown(value)} of type {type(value).__name__}, "
            f"expected {kind}{hint}"
        )
    return files.plain(value, where)


def differing(root: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return what `notebooks/paper.yaml` holds: notebook to the parameters that differ.

    Raises ValueError where it is not a mapping of notebooks to mappings, with the nearest name for
    a notebook that is not there.
    """
    root = root or paths.root()
    file = root / "notebooks" / "paper.yaml"
    content = (files.read_yaml(file) if file.is_file() else None) or {}
    if not isinstance(content, dict):
        raise ValueError(f"{file.name}: found {type(content).__name__}, expected notebook names")
    for notebook, values in content.items():
        checks.one_of(notebook, f"{file.name}: notebook", notebooks.find(root))
        if not isinstance(values, dict):
            raise ValueError(f"{file.name}: {notebook}: found {checks.shown(values)}, "
                             "expected its parameters")
    return content


def check(
    path: Path, preset: str = "quick", overrides: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return all parameters of a notebook under a preset, with `overrides` in place.

    Nothing is executed. Raises ValueError with the nearest right name for an unknown preset or
    parameter (in the overrides and in the preset itself) and for a value of a wrong type.
    """
    checks.one_of(preset, "preset", NAMES)
    known = parameters(path)
    values = {name: parameter.default for name, parameter in known.items()}
    layers = [("-p", overrides or {})]
    if preset == "paper":
        layers.insert(0, ("paper.yaml", differing(path.parent.parent).get(path.stem, {})))
    for source, layer in layers:
        where = f"{source}: {path.stem}"
        for name, value in layer.items():
            if name not in known:
                raise ValueError(
                    f"{where}: found the parameter {checks.shown(name)}"
                    f"{checks.suggest(name, known)}, expected {', '.join(known) or 'none'}"
                )
            values[name] = typed(value, known[name].type, f"{where}: {name}")
    return values


def same(left: Any, right: Any) -> bool:
    """Whether two parameter values are equal; 1 equals 1.0 but not True."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def matching(path: Path, values: Mapping[str, Any], first: str | None = None) -> str:
    """Return the preset in which a notebook has exactly these parameters, else "custom".

    `first`: the preset to take where both have them; by default the quick one.
    """
    for preset in sorted(NAMES, key=lambda name: name != first):
        if same(check(path, preset), values):
            return preset
    return "custom"
