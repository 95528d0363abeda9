"""The paper's 15 formulas as tasks, and which streams the fits to them keep."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from nslib import checks
from nslib.data import FORMULAS, make_formula
from nslib.data.synthetic import FormulaTask
from nslib.search import SearchResult
from nslib.structure import NeuronStructure

FORMULA_KEYS = {f"{mode} {variant}": (mode, variant) for mode, variant in FORMULAS}
"""Name of a formula, such as "hybrid 1", to its key in `nslib.data.FORMULAS`."""


def formula_key(name: str) -> tuple[str, int]:
    """Return mode and variant of a formula; ValueError with the nearest name for unknown ones."""
    return FORMULA_KEYS[checks.one_of(name, "formula", FORMULA_KEYS)]


def named_formula(
    name: str, n_samples: int, n_features: int, noise: float, seed: int
) -> FormulaTask:
    """Return the task of a formula by its name; the other arguments as in `make_formula`."""
    return make_formula(*formula_key(name), n_samples, n_features, noise, seed)


def formula_tasks(
    n_samples: int, n_features: int, noise: float, data_seeds: Sequence[int]
) -> dict[tuple[str, int], FormulaTask]:
    """Return the tasks of all 15 formulas with each data seed, by (name, data seed).

    Names are those of `FORMULA_KEYS`; arguments as in `make_formula`.
    """
    return {
        (name, seed): named_formula(name, n_samples, n_features, noise, seed)
        for name in FORMULA_KEYS
        for seed in data_seeds
    }


def folded_streams(result: SearchResult) -> list[str]:
    """Return the candidate streams of a result, the order-1 interaction folded into pure 1."""
    return [name for name in result.gate_probabilities if name != "interact 1"]


def kept_streams(fits: pd.DataFrame, candidates: Sequence[str]) -> pd.DataFrame:
    """Return how often each candidate stream is kept, a row for each method, formula and stream.

    `fits`: method, formula, structure and truth as text. Columns: method, formula, stream, true,
    kept (share of the fits).
    """
    rows = []
    for fit in fits.to_dict("records"):
        kept, truth = (
            NeuronStructure.parse(fit[key]).streams for key in ("structure", "truth")
        )
        rows += [
            {"method": fit["method"], "formula": fit["formula"], "stream": stream,
             "true": stream in truth, "kept": float(stream in kept)}
            for stream in candidates
        ]
    keys = ["method", "formula", "stream", "true"]
    return pd.DataFrame(rows).groupby(keys, sort=False).mean().reset_index()
