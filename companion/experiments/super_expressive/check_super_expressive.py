"""What the parameters of notebook 08 must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from companion.experiments import parameter_rules as rules
from nslib import checks
from nslib.theory import waiting_bits

from .encodings import HOLD

_EPS = rules.several(rules.number(1e-9, 0.5))
_KIND = rules.choice(HOLD)


def _shown(value: Any, name: str) -> None:
    """Check the number of targets and bits of a word that are shown."""
    if len(value) != 2:
        raise ValueError(f"{name}: found {value}, expected [targets, bits]")
    rules.integer(1, 64)(value[0], f"{name}: targets")
    rules.integer(1, 64)(value[1], f"{name}: bits")


def _lattice(value: Any, name: str) -> None:
    """Check the lattice of two cells: its targets, ε and sizes."""
    rule_of = {"targets": rules.several(rules.number(0.0, 1.0), 2), "eps": rules.number(1e-6, 0.49),
               "sizes": rules.several(rules.integer(1, 24))}
    for key in rule_of:
        if key not in value:
            raise ValueError(f"{name}: found {value}, expected {', '.join(rule_of)}")
    for key, one in value.items():
        rule_of[checks.one_of(key, name, rule_of)](one, f"{name}: {key}")
    if len(value["targets"]) != 2:
        raise ValueError(f"{name}: targets: found {value['targets']}, expected two: a plane is "
                         "drawn")


RULES = {
    "seed": rules.integer(0, 10**9), "shown": _shown,
    "error_bits": rules.several(rules.integer(1, 1000)), "error_cells": rules.integer(1),
    "error_targets": rules.integer(1), "lattice": _lattice,
    "cells": rules.mapping(_KIND, rules.several(rules.integer(1, 4096))),
    "eps": rules.several(rules.number(1e-9, 0.49)),  # a half asks for no bits
    "targets": rules.integer(1), "waiting_limit": rules.number(0.0, 40.0),
    "function_eps": rules.mapping(_KIND, _EPS), "zigzags": rules.integer(0),
    "zigzag_eps": rules.mapping(_KIND, _EPS), "check_points": rules.integer(1),
}


def parameters(values: Mapping[str, Any]) -> None:
    """Check the parameters; TypeError or ValueError names the one that is not valid."""
    rules.check(values, RULES)
    for name in ("cells", "function_eps"):
        if not values[name]:
            raise ValueError(f"{name}: found {{}}, expected some of {', '.join(HOLD)}")
    least = [(0.0 if kind != "trajectory" else waiting_bits(np.full(size, 0.5), eps))
             for kind, sizes in values["cells"].items() for size in sizes for eps in values["eps"]]
    if min(least) > values["waiting_limit"]:
        raise ValueError(f"waiting_limit: found {values['waiting_limit']}, expected at least "
                         f"{min(least):.3g}: no K and ε can be waited for")
