"""What the parameters of notebook 02 must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from companion.experiments import parameter_rules as rules
from companion.experiments.formula_tasks import FORMULA_KEYS
from nslib import checks
from nslib.data import FORMULAS, REGISTRY, Formula, load_tabular
from nslib.search import METHODS

RULES = {
    "dataset": rules.choice(REGISTRY), "method": rules.choice(METHODS),
    "order": rules.anything, "rank": rules.anything, "penalty": rules.anything,  # see below
    "seeds": rules.SEEDS, "formula": rules.choice(FORMULA_KEYS), "n_samples": rules.integer(2),
    "n_features": rules.integer(1, 10**4), "noise": rules.NOISE,
    "recovery_samples": rules.integer(2),
    "recovery_features": rules.several(rules.integer(1, 10**4)),
    "recovery_data_seeds": rules.SEEDS, "recovery_seeds": rules.SEEDS,
}


def parameters(values: Mapping[str, Any]) -> Formula:
    """Check the parameters and return the formula of the walk through the search.

    Raises TypeError or ValueError that names the one that is not valid, and FileNotFoundError for
    a data set that is not at hand.
    """
    rules.check(values, RULES)
    settings = {name: values[name] for name in ("order", "rank", "penalty")}
    for name in dict.fromkeys(("gated", "threshold", "als", values["method"])):
        method = METHODS[name]
        checks.options(method.accepted(**settings), method.options, f"method {name!r}")
    load_tabular(values["dataset"])
    return FORMULAS[FORMULA_KEYS[values["formula"]]]
