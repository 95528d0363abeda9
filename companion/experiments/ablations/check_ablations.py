"""What the parameters of notebook 06 must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from companion.experiments import parameter_rules as rules
from companion.experiments.formula_tasks import FORMULA_KEYS
from nslib import checks
from nslib.search import METHODS

from .search_settings import defaults_of

_DATA = {
    "formulas": rules.several(rules.choice(FORMULA_KEYS), 0), "n_samples": rules.integer(2),
    "n_features": rules.integer(1, 10**4),
    "noise": rules.above(0.0, 1e6),  # errors are told over that of the noise
}


def _option(method: str, option: str, value: Any, name: str) -> None:
    """Raise TypeError or ValueError where a method does not take this value of an option."""
    checks.one_of(option, name, defaults_of(method))
    try:
        checks.options({option: value}, METHODS[method].options, f"method {method!r}")
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None


def _factors(method: str) -> Callable[[Any, str], None]:
    """Return the rule of factors: options to values, at least one of each not the default."""

    def rule(value: Any, name: str) -> None:
        if not rules.checked_mapping(value, name):
            raise ValueError(f"{name}: found {{}}, expected at least one option and its values")
        for option, values in value.items():
            rules.several(lambda v, n, option=option: _option(method, option, v, n))(values, name)
            if all(v == defaults_of(method)[option] for v in values):
                raise ValueError(f"{name}: {option}: found {values}, expected a value apart from "
                                 "the default")

    return rule


def _together(value: Any, name: str) -> None:
    """Check combinations of options of the gated search."""
    for options in value:
        for option, one in rules.checked_mapping(options, name).items():
            _option("gated", option, one, name)


def _cases(value: Any, name: str) -> None:
    """Check cases: words to what differs in their data."""
    if not value:
        raise ValueError(f"{name}: found {{}}, expected at least one case, such as {{'all': {{}}}}")
    for case, options in value.items():
        for option, one in rules.checked_mapping(options, f"{name}: {case}").items():
            _DATA[checks.one_of(option, f"{name}: {case}", _DATA)](one, f"{name}: {case}: {option}")


def _start(value: Any, name: str) -> None:
    """Check a case of the starts: order, features, numbers of rows."""
    if not isinstance(value, Sequence) or len(value) != 3:
        raise ValueError(f"{name}: found {value!r}, expected [order, features, [rows, …]]")
    order, features, rows = value
    rules.integer(2, 10)(order, f"{name}: order")
    rules.integer(1, 10**4)(features, f"{name}: features")
    rules.several(rules.integer(2))(rows, f"{name}: rows")


RULES = {
    **_DATA, "data_seeds": rules.several(rules.SEED, 2), "gated_factors": _factors("gated"),
    "gated_together": _together, "carried_features": rules.several(_DATA["n_features"], 0),
    "als_factors": _factors("als"), "als_cases": _cases,
    "starts_cases": rules.several(_start), "starts": rules.integer(1), "sweeps": rules.integer(1),
    "starts_seeds": rules.SEEDS,
}


def parameters(values: Mapping[str, Any]) -> None:
    """Check the parameters; TypeError or ValueError names the one that is not valid."""
    rules.check(values, RULES)
