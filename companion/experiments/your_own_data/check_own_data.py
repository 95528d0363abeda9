"""What the parameters of notebook 12 must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from companion.experiments import parameter_rules as rules
from nslib.data import REGISTRY
from nslib.search import METHODS

RULES = {
    "path": rules.anything, "dataset": rules.choice(REGISTRY), "target": rules.anything,
    "task": rules.choice(("auto", "regression", "classification")),
    "drop": rules.several(rules.anything, 0), "method": rules.choice(METHODS),
    "budget": rules.integer(1), "splits": rules.integer(1, 1000), "resamples": rules.integer(1),
    "shown_features": rules.integer(1), "max_rows": rules.integer(100),
    "seed": rules.integer(0, 10**9),
}


def parameters(values: Mapping[str, Any]) -> None:
    """Check the parameters; TypeError or ValueError names the one that is not valid."""
    rules.check(values, RULES)
