"""The paper's 15 formulas as tasks, and which streams the fits to them keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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


def judged_streams(structure: NeuronStructure | None, truth: NeuronStructure) -> dict[str, Any]:
    """Return structure ("" for none) and truth as text, and whether the streams are exact."""
    return {"structure": str(structure or ""), "truth": str(truth),
            "exact": structure is not None and structure.same_streams(truth)}


def streams_of_fits(fits: pd.DataFrame, candidates: Sequence[str]) -> pd.DataFrame:
    """Return for each fit and candidate stream whether it is true and kept.

    `fits`: method, formula, structure and truth as text. Columns: method, formula, stream, true,
    kept (0 or 1).
    """
    sets = fits[["structure", "truth"]].map(lambda text: NeuronStructure.parse(text).streams)
    return pd.DataFrame([
        {"method": method, "formula": formula, "stream": stream, "true": stream in truth,
         "kept": float(stream in kept)}
        for method, formula, kept, truth in zip(
            fits["method"], fits["formula"], sets["structure"], sets["truth"], strict=True)
        for stream in candidates
    ])


def kept_streams(fits: pd.DataFrame, candidates: Sequence[str]) -> pd.DataFrame:
    """Return a row a method, formula and stream of `streams_of_fits`, `kept` as share of fits."""
    keys = ["method", "formula", "stream", "true"]
    return streams_of_fits(fits, candidates).groupby(keys, sort=False).mean().reset_index()
