"""What the parameters of notebook 10 must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from companion.experiments import parameter_rules as rules
from companion.experiments.tabular_grid import settings
from nslib.data import REGISTRY

RULES = {
    "datasets": rules.several(rules.choice(REGISTRY)),
    "networks": rules.several(rules.choice(settings.NETWORKS), 0),
    "models": rules.several(rules.choice([*settings.OURS, *settings.RIVALS]), 0),
    "budgets": rules.several(rules.integer(1), 0), "seeds": rules.integer(1),
    "steps": rules.integer(1), "workers": rules.integer(1, 1024),
}


def parameters(values: Mapping[str, Any]) -> None:
    """Check the parameters; TypeError or ValueError names the one that is not valid."""
    rules.check(values, RULES)
    if not [*values["networks"], *values["models"]]:
        raise ValueError("models: found [], expected at least one model, here or in networks")
    rules.installed(values["models"], "models", settings.PACKAGES)
    if values["networks"] and not values["budgets"]:
        raise ValueError("budgets: found [], expected at least one for the networks")
