"""What the parameters of notebook 03 must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from companion.experiments import parameter_rules as rules
from companion.experiments.formula_tasks import FORMULA_KEYS
from companion.rivals import BASELINES, MODELS

from .batteries import BATTERIES
from .predecessor_recovery import SOURCES
from .predecessor_sets import NOISES


def searches() -> list[str]:
    """Return the models that choose streams; the others are run beside them anyway."""
    return [name for name in MODELS if name not in BASELINES]


BATTERY_RULES = {
    "names": rules.several(rules.choice(BATTERIES)), "limit": rules.integer(1),
    "rows": rules.integer(2),
}


def batteries(value: Any, name: str) -> None:
    """Check which batteries are searched: each of `BATTERY_RULES` must be there and hold."""
    given = rules.checked_mapping(value, name)
    if set(given) != set(BATTERY_RULES):
        raise ValueError(f"{name}: found the keys {list(given)}, expected {list(BATTERY_RULES)}")
    for key, one in given.items():
        BATTERY_RULES[key](one, f"{name}: {key}")


RULES = {
    "methods": rules.several(rules.choice(searches), 0),
    "slow_methods": rules.several(rules.choice(searches), 0),
    "data_seeds": rules.SEEDS, "n_samples": rules.integer(2),
    "n_features": rules.integer(1, 10**4),
    "noise": rules.above(0.0, 1e6),  # errors are told over that of the noise
    "options": lambda value, name: rules.options_of(MODELS, value, name),
    "redundant_formulas": rules.several(rules.choice(FORMULA_KEYS), 0),
    "phase_features": rules.several(rules.integer(1, 10**4)),
    "phase_samples": rules.several(rules.integer(2)), "phase_seeds": rules.SEEDS,
    "phase_noise": rules.NOISE, "predecessor_source": rules.choice(SOURCES),
    "predecessor_noises": rules.several(rules.choice(NOISES)),
    "batteries": batteries,
}


def parameters(values: Mapping[str, Any]) -> None:
    """Check the parameters; TypeError or ValueError names the one that is not valid."""
    rules.check(values, RULES)
    rules.apart(values, "methods", "slow_methods")
    for name in ("methods", "slow_methods"):
        rules.installed(values[name], name)
    if not [*values["methods"], *values["slow_methods"]]:
        raise ValueError("methods: found [], expected at least one method, here or in slow_methods")
