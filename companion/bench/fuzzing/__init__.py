"""The doors of nslib and the companion that odd arguments are tried at, by name; needs hypothesis.

Each module `fuzz_*` has the doors of one topic; `odd_values` says what a door is.
"""

from __future__ import annotations

from . import (
    fuzz_command_lines,
    fuzz_data,
    fuzz_functions,
    fuzz_saved_models,
    fuzz_sparse_formulas,
    fuzz_structures,
    fuzz_tables,
)
from .odd_values import Door

DOORS: dict[str, Door] = {
    **fuzz_structures.DOORS, **fuzz_data.DOORS, **fuzz_saved_models.DOORS, **fuzz_tables.DOORS,
    **fuzz_functions.DOORS, **fuzz_command_lines.DOORS, **fuzz_sparse_formulas.DOORS,
}
