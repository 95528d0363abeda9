"""Read and write the companion's files: strict YAML, plain JSON values, whole files or none."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from nslib.whole_files import clear as clear  # used as `files.clear` and `files.write`
from nslib.whole_files import write as write

DIGITS = 6
"""Significant digits of a stored number: those beyond are the processor's, not the method's."""


def significant(number: float) -> float:
    """Return a number with `DIGITS` significant digits, as records and figures' data keep it.

    It is rounded to twice as many first: what is a tie but for its last bits is one everywhere.
    """
    return float(f"{float(f'{number:.{2 * DIGITS}g}'):.{DIGITS}g}")


def parse_yaml(text: str, name: str) -> Any:
    """Return the value of YAML 1.2 `text`; nothing in it is ever executed.

    Raises ValueError with `name` and the place where it is broken or has a key twice.
    """
    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from None


def read_yaml(path: Path) -> Any:
    """Return the value in a YAML file; ValueError where it is broken."""
    return parse_yaml(path.read_text(encoding="utf-8"), path.name)


def read_json(path: Path) -> Any:
    """Return the value in a JSON file; ValueError where it is broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: found broken JSON ({error})") from None


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """Return `value` if it is a mapping with texts as keys; TypeError for anything else."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name}: found {repr(value)[:60]}, expected a mapping of names to values")
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"{name}: found the key {key!r}, expected text")
    return value


def plain(value: Any, name: str, number: Callable[[float], float] = float) -> Any:
    """Return `value` as JSON values: dict with text keys, list, str, int, float, bool, None.

    NumPy scalars and arrays become numbers and lists; `number` is applied to every float. Raises
    ValueError for NaN and infinity and TypeError for any other type, naming the place.
    """
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, Mapping):
        return {key: plain(item, f"{name}.{key}", number)
                for key, item in mapping(value, name).items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist(), name, number)
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{name}[{i}]", number) for i, item in enumerate(value)]
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(
                f"{name}: found {value}, expected a finite number (None says 'not measured')"
            )
        return number(value)
    raise TypeError(
        f"{name}: found {value!r} of type {type(value).__name__}, "
        "expected numbers, text, lists, mappings or None"
    )


def json_bytes(value: Any) -> bytes:
    """Return `value` as indented JSON that ends in a newline."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
