"""What the parameters of notebook 05 must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from companion.experiments import parameter_rules as rules
from companion.experiments.formula_tasks import FORMULA_KEYS
from companion.rivals import MODELS

_SIZES = rules.integer(2)

RULES = {
    "seed": rules.integer(0, 10**9), "seeds": rules.integer(1),
    "noise": rules.above(0.0, 1e6),  # errors are told over that of the noise
    "formula": rules.choice(FORMULA_KEYS), "n_features": rules.integer(1, 10**4),
    "n_train": rules.integer(4),  # half as many to test on
    "ladders": rules.mapping(rules.choice(MODELS), rules.several(rules.integer(1), 0)),
    "batch": rules.integer(0), "scaling_formula": rules.choice(FORMULA_KEYS),
    "rows_seeds": rules.integer(1), "dimensions": rules.several(rules.integer(1, 10**4)),
    "n_samples": _SIZES, "methods": rules.several(rules.choice(MODELS), 0),
    "slow_methods": rules.several(rules.choice(MODELS), 0),
    "rows": rules.mapping(rules.choice(MODELS), rules.several(_SIZES)),
}


def parameters(values: Mapping[str, Any]) -> None:
    """Check the parameters; TypeError or ValueError names the one that is not valid."""
    rules.check(values, RULES)
    rules.apart(values, "methods", "slow_methods")
    for name in ("ladders", "methods", "slow_methods", "rows"):
        rules.installed(values[name], name)
    if not [*values["methods"], *values["slow_methods"]]:
        raise ValueError("methods: found [], expected at least one method, here or in slow_methods")
    for name in ("ladders", "rows"):
        if not values[name]:
            raise ValueError(f"{name}: found {{}}, expected at least one method")
    for method, budgets in values["ladders"].items():
        if budgets and not MODELS[method].budget:
            raise ValueError(f"ladders: found budgets of {method!r}, expected [] for its defaults")
