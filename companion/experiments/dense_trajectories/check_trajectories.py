"""What the parameters of notebook 07 must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion.experiments import parameter_rules as rules
from nslib.theory import waiting_bits

_CELLS = rules.integer(1, 64)
_EPS = rules.number(1e-9, 0.49)


def _setting(value: Any, name: str) -> None:
    """Check a pair of K and ε."""
    if not isinstance(value, Sequence) or len(value) != 2:
        raise ValueError(f"{name}: found {value!r}, expected [K, ε]")
    _CELLS(value[0], f"{name}: K")
    _EPS(value[1], f"{name}: ε")


RULES = {
    "seed": rules.SEED, "orbit_starts": rules.integer(1), "weyl_steps": rules.integer(65),
    "test_cells": rules.several(rules.integer(1, 8)), "test_points": rules.integer(1),
    "random_c": rules.integer(1), "settings": rules.several(_setting),
    "discrepancy_steps": rules.several(rules.integer(1)),
    "waiting_cells": rules.several(_CELLS), "waiting_eps": rules.several(_EPS),
    "waiting_bits": rules.number(0.0, 40.0), "waiting_targets": rules.integer(2),
    "random_targets": rules.integer(0), "random_settings": rules.several(_setting),
}


def parameters(values: Mapping[str, Any]) -> None:
    """Check the parameters; TypeError or ValueError names the one that is not valid."""
    rules.check(values, RULES)
    bits = min(waiting_bits(np.full(cells, 0.5), eps)
               for cells in values["waiting_cells"] for eps in values["waiting_eps"])
    if bits > values["waiting_bits"]:
        raise ValueError(f"waiting_bits: found {values['waiting_bits']}, expected at least "
                         f"{bits:.3g}: no K and ε can be waited for")
