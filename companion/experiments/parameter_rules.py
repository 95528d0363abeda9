"""What the parameters of a notebook must be, said before it computes anything.

A rule takes a value and its name and raises TypeError or ValueError where the value is not valid.
The `check_*.py` of a topic holds a rule for each parameter of its notebook.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from nslib import checks

Rule = Callable[[Any, str], object]
Rules = Mapping[str, Rule]

LARGEST_SEED = 2**32 - 1
"""What every generator of random numbers in use takes."""


def check(parameters: Mapping[str, Any], rules: Rules) -> None:
    """Check each parameter by its rule; KeyError for one without a rule.

    Examples
    --------
    >>> check({"runs": 0}, {"runs": integer(1)})
    Traceback (most recent call last):
    ValueError: runs: found 0, expected an int of at least 1
    """
    for name, value in parameters.items():
        rules[name](value, name)


def integer(low: int, high: int = 10**9) -> Rule:
    """Return the rule of an int within [low, high]."""
    return lambda value, name: checks.positive_int(value, name, low, high)


def number(low: float, high: float = float("inf")) -> Rule:
    """Return the rule of a finite number within [low, high]."""
    return lambda value, name: checks.real(value, name, low, high)


def above(low: float, high: float = float("inf")) -> Rule:
    """Return the rule of a finite number above `low` and up to `high`."""

    def rule(value: Any, name: str) -> None:
        if checks.real(value, name, low, high) == low:
            raise ValueError(f"{name}: found {value}, expected a number above {low:g}")

    return rule


def choice(allowed: Iterable[str] | Callable[[], Iterable[str]]) -> Rule:
    """Return the rule of one of some names, or of those that a function returns when it is used.

    Its error suggests the nearest one.
    """
    return lambda value, name: checks.one_of(value, name, allowed() if callable(allowed)
                                             else allowed)


def anything(value: Any, name: str) -> None:
    """Take any value: its type alone is checked, and its content where it is read."""


def several(rule: Rule, least: int = 1) -> Rule:
    """Return the rule of a list of at least `least` values, each by `rule` and none twice."""

    def check_list(values: Any, name: str) -> None:
        if not isinstance(values, list):
            raise TypeError(f"{name}: found {values!r}, expected a list")
        if len(values) < least:
            raise ValueError(f"{name}: found {values}, expected at least {least} of them")
        for i, value in enumerate(values):
            rule(value, name)
            if value in values[:i]:
                raise ValueError(f"{name}: found {value!r} twice, expected each once")

    return check_list


def mapping(keys: Rule, values: Rule) -> Rule:
    """Return the rule of a mapping, by the rules of its keys and of its values."""

    def check_mapping(value: Any, name: str) -> None:
        for key, one in checked_mapping(value, name).items():
            keys(key, name)
            values(one, f"{name}: {key}")

    return check_mapping


def checked_mapping(value: Any, name: str) -> Mapping[str, Any]:
    """Return `value` if it is a mapping; TypeError otherwise."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name}: found {value!r}, expected a mapping of names to values")
    return value


def apart(parameters: Mapping[str, Any], first: str, second: str) -> None:
    """Raise ValueError where two lists of names have one in common."""
    for name in parameters[second]:
        if name in parameters[first]:
            raise ValueError(f"{second}: found {name!r}, which is in {first} too, expected it once")


def options_of(models: Mapping[str, Any], value: Any, name: str) -> None:
    """Check a mapping of models to their options; each must be an option of that model."""
    for model, options in checked_mapping(value, name).items():
        checks.one_of(model, name, models)
        checks.options(checked_mapping(options, f"{name}: {model}"), models[model].options,
                       f"model {model!r}")


def installed(
    models: Iterable[str], name: str, packages: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Raise ValueError for the first of some models that needs a package that is not there.

    `packages`: model to the modules that it needs; by default those of the rivals on formulas.
    """
    packages = {"gplearn": ("gplearn",), "tnlearn": ("tnlearn",)} if packages is None else packages
    for model in models:
        for package in packages.get(model, ()):
            package = package.partition(".")[0]
            if importlib.util.find_spec(package) is None:
                raise ValueError(f"{name}: found {model!r}, expected its package {package}, which "
                                 "is not installed: pip install -e './companion[peers]'")


SEED = integer(0, LARGEST_SEED)
SEEDS = several(SEED)
NOISE = number(0.0, 1e6)
