"""What the benches share: their options, the authors' checkout, the printing of a table."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import sys
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

_METAVARS = {"features": "D", "rows": "N", "outputs": "C", "rank": "R", "budgets": "P"}


def bench_parser(name: str, text: str, **defaults: Any) -> argparse.ArgumentParser:
    """Return the parser of a bench, `text` its description, with an option for each default.

    A default is a value, a list of values, of which the option takes several, or either with the
    option's help: (default, help).
    """
    parser = argparse.ArgumentParser(prog=f"nslib bench {name}", description=text)
    for option, default in defaults.items():
        value, words = default if isinstance(default, tuple) else (default, None)
        several = isinstance(value, list)
        parser.add_argument(
            f"--{option}", type=type(value[0] if several else value), default=value, help=words,
            nargs="+" if several else None, metavar=_METAVARS.get(option),
        )
    return parser


def checkout(text: str) -> Path:
    """Return the folder of a checkout of the authors' code, for argparse, which says if none is."""
    if not (Path(text) / "neuronseek").is_dir():
        raise argparse.ArgumentTypeError(f"found no folder neuronseek in {text}")
    return Path(text).resolve()


def add_official(parser: argparse.ArgumentParser, **facts: Any) -> None:
    """Add the option --official, the folder of a checkout of the authors' code."""
    words = "folder of a checkout of the authors' code"
    parser.add_argument("--official", type=checkout, help=words, **facts)


@contextlib.contextmanager
def on_path(folder: Path) -> Iterator[None]:
    """Let Python import from `folder` inside."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def official_searcher(X: np.ndarray, epochs: int) -> Any:
    """Return the authors' gated searcher for X (N, D); their checkout must be on the path."""
    module = importlib.import_module("neuronseek.searchers.neuronseek_searcher")
    torch.manual_seed(0)
    return module.NeuronSeekSearcher(X.shape[1], 1, epochs=epochs, batch_size=64)


def seconds_of(function: Callable[[], object], **timing: Any) -> float:
    """Return the seconds of one call, Python's garbage collector off and what it prints swallowed.

    `timing`: arguments of `timeit.timeit`.
    """
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return timeit.timeit(function, number=1, **timing)


def show(table: pd.DataFrame, digits: int = 3, **form: Any) -> None:
    """Print a table, its numbers with so many digits."""
    print(table.to_string(float_format=lambda v: f"{v:.{digits}g}", na_rep="", **form), flush=True)
