"""Read and write the companion's files: strict YAML, plain JSON values, whole files or none."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.events import AliasEvent

from nslib import checks
from nslib.portable import digit_text
from nslib.whole_files import clear as clear  # used as `files.clear` and `files.write`
from nslib.whole_files import write as write


def significant(number: float) -> float:
    """Return a number with six significant digits, as records and figures' data keep it.

    Those beyond are the processor's, not the method's.
    """
    return float(digit_text(number))


YAML_CHARACTERS = 200_000  # of a text: some seconds
YAML_DEPTH = 50  # lists and mappings within each other
INT_BITS = 14_000  # Python writes and reads no number of more than 4300 digits


class _CappedComposer(Composer):
    """Refuses deep nesting before it is read, and aliases, with which few bytes can mean many."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.levels = getattr(self, "levels", 0) + 1
        place = self.parser.peek_event().start_mark
        if self.levels > YAML_DEPTH:
            raise ComposerError(None, None, f"found more than {YAML_DEPTH} lists and mappings "
                                f"within each other, expected at most {YAML_DEPTH}", place)
        if self.parser.check_event(AliasEvent):
            raise ComposerError(None, None, "found an alias, expected its value written out", place)
        node = super().compose_node(parent, index)
        self.levels -= 1
        return node


def parse_yaml(text: str, name: str) -> Any:
    """Return the value of YAML 1.2 `text`; nothing in it is ever executed.

    Raises ValueError with `name` and the place where it is broken, has a key twice or an alias, or
    is nested more than `YAML_DEPTH` deep, and for more than `YAML_CHARACTERS` characters.
    """
    if len(text) > YAML_CHARACTERS:
        raise ValueError(f"{name}: found {len(text)} characters, expected at most "
                         f"{YAML_CHARACTERS}")
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _CappedComposer
    try:
        return yaml.load(text)
    except (YAMLError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from None
    except (AttributeError, LookupError, OverflowError, TypeError) as error:
        # what the constructors of YAML's tags raise for a text such as "!!int ''"
        raise ValueError(f"{name}: found {checks.shown(text)}, which is no YAML "
                         f"({type(error).__name__}: {error})") from None


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
        raise TypeError(f"{name}: found {checks.shown(value)}, "
                        "expected a mapping of names to values")
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"{name}: found the key {key!r}, expected text")
    return value


def plain(value: Any, name: str, number: Callable[[float], float] = float) -> Any:
    """Return `value` as JSON values: dict with text keys, list, str, int, float, bool, None.

    NumPy scalars and arrays become numbers and lists; `number` is applied to every float. Raises
    ValueError for NaN, infinity and an int of more than `INT_BITS` bits, and TypeError for any
    other type, naming the place.
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
        if value.bit_length() > INT_BITS:
            raise ValueError(f"{name}: found {checks.shown(value)}, expected at most {INT_BITS}")
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
