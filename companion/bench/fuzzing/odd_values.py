"""Odd values, and what counts as a fault where a door is given them.

A `Door` is a hypothesis strategy of cases and a judge, which raises AssertionError where a case is
not answered as it should be: rightly and in finite numbers, or refused in words by a TypeError or
ValueError that names the argument.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

Door = tuple[st.SearchStrategy, Callable[[Any], None]]

# How an error of this library begins: an argument, or several, and what is the matter with it.
NAMED = re.compile(r"[A-Za-z_].{0,80}?: (found|not an option|expected|fit requires)")
OTHERS = (  # what Python and scikit-learn say of their own, with the argument or the remedy
    "unexpected keyword argument", "Expected 2D array", "Unknown label type", "Input y contains",
    "Input X contains", "inconsistent numbers of samples", "y should be a 1d array",
    "Found array with", "Complex data not supported", "feature names", "y cannot be None",
    "Feature names", "does not take numbers given as text",
)


class Refused(Exception):
    """A case was refused in words, as it may be."""


@contextmanager
def answering():
    """Turn an error in words, raised inside, into Refused, and any other into an AssertionError."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    except (TypeError, ValueError) as error:
        text = str(error)
        if not (NAMED.match(text) or any(words in text for words in OTHERS)):
            kind = type(error).__name__
            raise AssertionError(f"no argument named: {kind}: {text[:200]}") from error
        if len(text) > 5000:
            raise AssertionError(f"an error of {len(text)} characters: {text[:80]}") from error
        raise Refused(text) from None
    except (AssertionError, Refused):
        raise
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {str(error)[:200]}") from error


def judged(answer: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return the judge of what `answer` asserts of a case that is not refused."""

    def judge(case: Any) -> None:
        try:
            answer(case)
        except Refused:
            return

    return judge


def nested(levels: int = 50_000) -> list:
    """Return a list in a list in a list …"""
    value: list = []
    for _ in range(levels):
        value = [value]
    return value


ODD: dict[str, Callable[[], Any]] = {
    "None": lambda: None, "True": lambda: True, "no text": lambda: "", "text": lambda: "a",
    "bytes": lambda: b"1", "minus one": lambda: -1, "zero": lambda: 0, "1.5": lambda: 1.5,
    "nan": lambda: float("nan"), "inf": lambda: float("inf"), "1e300": lambda: 1e300,
    "1e-320": lambda: 1e-320, "10**6": lambda: 10**6 + 1, "10**12": lambda: 10**12,
    "10**30": lambda: 10**30, "10**400": lambda: 10**400, "10**5000": lambda: 10**5000,
    "-10**5000": lambda: -(10**5000), "no list": list, "dict": dict, "list": lambda: [1, 2],
    "set": lambda: {1}, "nested": nested, "object": object, "type": lambda: int,
    "complex": lambda: 1j, "fraction": lambda: Fraction(1, 3), "array": lambda: np.arange(3),
    "numpy int": lambda: np.int64(2), "numpy float": lambda: np.float32(0.5),
    "numpy text": lambda: np.str_("als"), "tensor": lambda: torch.tensor(2.0),
    "long text": lambda: "x" * 10**6, "nul": lambda: "a\0b", "half a surrogate": lambda: "\ud800",
}


@dataclass(frozen=True)
class Odd:
    """An odd value by its name, since some cannot be shown."""

    name: str

    def make(self) -> Any:
        return ODD[self.name]()


def made(case: Any) -> Any:
    """Return a case with the odd values that it names."""
    if isinstance(case, Odd):
        return case.make()
    if isinstance(case, dict):
        return {name: made(value) for name, value in case.items()}
    if isinstance(case, (list, tuple)):
        return type(case)(map(made, case))
    return case


odd = st.sampled_from(sorted(ODD)).map(Odd)


def sometimes(usual: st.SearchStrategy, weight: int = 4) -> st.SearchStrategy:
    """Draw what is usual, and now and then something odd."""
    return st.one_of(*[usual] * weight, odd)
