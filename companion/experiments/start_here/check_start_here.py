"""What the parameters of notebook 00 must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from companion.experiments import parameter_rules as rules

RULES = {
    "n_samples": rules.integer(2), "n_features": rules.integer(1, 1000), "noise": rules.NOISE,
    "seed": rules.SEED,
}


def parameters(values: Mapping[str, Any]) -> None:
    """Check the parameters; TypeError or ValueError names the one that is not valid."""
    rules.check(values, RULES)
