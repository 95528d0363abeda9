"""What the parameters of notebook 04 must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from companion.experiments import parameter_rules as rules
from companion.experiments.formula_tasks import FORMULA_KEYS
from companion.rivals import MODELS
from nslib.data import FORMULAS

from .formula_stability import forms

RULES = {
    "formulas": rules.several(rules.choice(FORMULA_KEYS)),
    "noise_levels": rules.several(rules.NOISE),
    "methods": rules.several(rules.choice(forms)), "runs": rules.integer(1),
    "slow_methods": rules.several(rules.choice(forms), 0), "slow_runs": rules.integer(1),
    "n_samples": rules.integer(2), "n_features": rules.integer(1, 10**4), "data_seed": rules.SEED,
    "dimensions": rules.several(rules.integer(1, 10**4)), "dimension_runs": rules.integer(1),
    "faint_noise": rules.several(rules.NOISE), "faint_samples": rules.several(rules.integer(2)),
    "faint_sets": rules.integer(2),
    "options": lambda value, name: rules.options_of(MODELS, value, name),
}


def parameters(values: Mapping[str, Any]) -> dict[str, str]:
    """Check the parameters and return method to title, the slow methods last.

    Raises TypeError or ValueError that names the parameter that is not valid.
    """
    rules.check(values, RULES)
    rules.apart(values, "methods", "slow_methods")
    for name in ("methods", "slow_methods"):
        rules.installed(values[name], name)
    for formula in values["formulas"]:
        structure = FORMULAS[FORMULA_KEYS[formula]].structure
        weights = 1 + len(structure.pure) * values["n_features"] + len(structure.interact)
        if values["n_samples"] <= weights:
            raise ValueError(f"n_samples: found {values['n_samples']}, expected more than the "
                             f"{weights} weights of {formula}, whose streams are tested")
    known = forms()
    return {name: known[name].title for name in (*values["methods"], *values["slow_methods"])}
