"""What is compared on tables, and the settings of every model: one place to change them.

Every network family has the same candidates of hyper-parameters; the validation rows choose.
"""

from __future__ import annotations

from types import MappingProxyType

from companion.rivals.tables import TABULAR_RIVALS
from nslib.data import REGISTRY

BUDGETS = (100, 300, 1000, 3000, 10_000)
"""Numbers of parameters; they stand for the five structures of Table 6, whose sizes are unknown."""

CANDIDATES = ((0.01, 0.01), (0.01, 1.0), (0.03, 0.01))
"""(learning rate, weight decay) tried for every network at a budget."""

BATCH_SIZE = 128  # of the networks at a budget

SOURCES = MappingProxyType({"TN-gated": "gated", "TN-als": "als", "TN-vsr": "vsr"})
"""Task-driven networks by the search that finds their structure."""

SEARCHES = MappingProxyType({
    "gated": {"rows": 2000, "options": {}},
    "als": {"rows": 5000, "options": {}},
    "vsr": {"rows": 5000, "options": {}},
})
"""Rows that a search sees at most, and its options where they are not the defaults."""

MAX_RANK = 8  # of the interactions in a network

CONTROL = "LN-tanh"
"""Linear neurons with the activation of the task-driven ones, whose gain is no merit of these."""

LINEAR_NETWORKS = MappingProxyType({"LN": "relu", CONTROL: "tanh"})
"""Networks of linear neurons by their activation."""

NETWORKS = (*LINEAR_NETWORKS, "KAN", *SOURCES)
"""Networks that are compared at each budget."""

LARGEST_BUDGET = MappingProxyType({"KAN": 3000})
"""Beyond which a family is left out: splines cost ten times the time of the others there."""

OURS = MappingProxyType({
    "TN": {
        "steps": 2000, "budget": 50_000, "width": 48,
        "members": 8, "activation": "tanh", "n_bins": 16, "together": 4,
        "structure": "pure(1,2)+interact(2;rank=8)", "joined": "als",
        "candidates": ((0.003, 0.01), (0.003, 1.0)),
    },
    "MLP": {
        "steps": 2000, "budget": 50_000, "width": 96,
        "members": 8, "activation": "relu", "n_bins": 16, "together": 4,
        "structure": None, "joined": None,
        "candidates": ((0.003, 0.01), (0.003, 1.0)),
    },
})
"""Larger networks with bins and members: the task-driven one and the same with linear neurons.

`steps`: of the trainer, at most; `width` caps the hidden layers; `joined` is the search whose
interactions are added to `structure`; `together`: models a batch, since more leave the cache.
"""

TASK_DRIVEN = (*SOURCES, "TN")
"""All networks of task-driven neurons."""

RIVALS = tuple(name for name, rival in TABULAR_RIVALS.items() if rival.kind != "constant")
BOOSTING = tuple(name for name in RIVALS if TABULAR_RIVALS[name].kind == "boosting")

PACKAGES = {name: rival.packages for name, rival in TABULAR_RIVALS.items()}

STAND_INS = ("airlines_delay_nyc",)
"""Sets that stand for one of Table 6 with other rows: their numbers do not compare with it."""

TABLE6_SETS = tuple(name for name, spec in REGISTRY.items() if spec.group == "table6")

SEARCH_SEED = 0
SEARCH_SHARE = 0.4  # of the rows, which searches may see and no seed tests
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.15  # of the rows that are no test rows


def search_of(model: str) -> str | None:
    """Return the search whose structure a network has; None for a model that needs none."""
    return SOURCES.get(model) or (OURS[model]["joined"] if model in OURS else None)
