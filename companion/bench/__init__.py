"""The benches: each is one module here that measures something, run by `nslib bench NAME`.

A module `bench_NAME` of this folder is a bench: the first line of its docstring says what it
measures, and its `main(argv: list[str]) -> int` measures and prints it. There is no other register.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from pathlib import Path

from nslib import checks


def available() -> dict[str, str]:
    """Return the name of every bench and what it measures, without importing any."""
    benches = {}
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        benches[path.stem.removeprefix("bench_")] = text.partition("\n")[0]
    return benches


def get(name: str) -> Callable[[list[str]], int]:
    """Return the `main` of a bench; ValueError with the nearest name for an unknown one."""
    checks.one_of(name, "bench", available())
    return importlib.import_module(f"{__name__}.bench_{name}").main
