"""What the parameters of notebook 09 must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from companion.experiments import parameter_rules as rules

from .cell_borders import LETTERS

_EPS = rules.number(1e-9, 1e9)

RULES = {
    "function": rules.anything,  # read by `typed`, first of all
    "eps": _EPS,
    "tolerances": rules.mapping(rules.choice(LETTERS), rules.several(_EPS)),
    "budgets": rules.mapping(rules.choice(LETTERS), rules.integer(1, 10**12)),
    "probes": rules.integer(1, 10**7), "seed": rules.SEED,
}


def parameters(values: Mapping[str, Any]) -> None:
    """Check the parameters; TypeError or ValueError names the one that is not valid."""
    rules.check(values, RULES)
    if not values["tolerances"]:
        raise ValueError(f"tolerances: found {{}}, expected some of {', '.join(LETTERS)}")
    for name in LETTERS:
        if name not in values["budgets"]:
            raise ValueError(f"budgets: found none for {name!r}, expected {', '.join(LETTERS)}")
