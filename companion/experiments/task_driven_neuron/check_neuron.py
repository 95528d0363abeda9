"""What the parameters of notebook 01 must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from companion.experiments import parameter_rules as rules

RULES = {
    "seed": rules.integer(0, 10**9), "seeds": rules.integer(2), "n_points": rules.integer(4),
    "rank": rules.integer(1, 1000), "dimensions": rules.several(rules.integer(1, 4096)),
    "max_entries": rules.integer(0, 10**8), "repeats": rules.integer(1),
    "n_features": rules.integer(1, 1000),
}


def parameters(values: Mapping[str, Any]) -> None:
    """Check the parameters; TypeError or ValueError names the one that is not valid."""
    rules.check(values, RULES)
