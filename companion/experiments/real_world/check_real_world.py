"""What the parameters of notebook 11 must be."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from companion.experiments import parameter_rules as rules
from companion.experiments.tabular_grid import settings
from nslib import checks
from nslib.data import REGISTRY

from .physics import SOURCES

_GROUP = {
    "datasets": rules.several(rules.choice(REGISTRY)),
    "models": rules.several(
        rules.choice([*settings.NETWORKS, *settings.OURS, *settings.RIVALS])),
    "seeds": rules.integer(1), "budgets": rules.several(rules.integer(1)),
}


def _group(value: Any, name: str) -> None:
    """Check a group of models on data sets."""
    for key, one in rules.checked_mapping(value, name).items():
        _GROUP[checks.one_of(key, name, _GROUP)](one, f"{name}: {key}")
    for key in ("datasets", "models", "seeds"):
        if key not in value:
            raise ValueError(f"{name}: found {value}, expected {key} in it")
    networks = [model for model in value["models"] if model in settings.NETWORKS]
    if networks and "budgets" not in value:
        raise ValueError(f"{name}: found no budgets, expected some for {', '.join(networks)}")


RULES = {
    "groups": rules.several(_group), "steps": rules.integer(1), "workers": rules.integer(1, 1024),
    "work": rules.anything, "resume": rules.anything, "publish": rules.anything,
    "physics_source": rules.choice(SOURCES), "physics_samples": rules.integer(10),
    "seed": rules.SEED,
}


def parameters(values: Mapping[str, Any]) -> None:
    """Check the parameters; TypeError or ValueError names the one that is not valid."""
    rules.check(values, RULES)
    seen = set()
    for group in values["groups"]:
        rules.installed(group["models"], "groups: models", settings.PACKAGES)
        for model, dataset in product(group["models"], group["datasets"]):
            budgets = group["budgets"] if model in settings.NETWORKS else [None]
            for cell in product([model], [dataset], budgets):
                if cell in seen:
                    raise ValueError(f"groups: found {model} on {dataset} in two groups, expected "
                                     "it in one")
                seen.add(cell)
