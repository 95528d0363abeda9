"""The structure that a search finds on a data set, from rows that no seed tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp

from companion.experiments.table_preparation import preprocessor, target_scaler
from nslib.data import TabularData
from nslib.formula import count_monomials
from nslib.search import SearchResult, search
from nslib.structure import NeuronStructure

from . import reports
from .settings import MAX_RANK, SEARCH_SEED, SEARCHES
from .splits import search_rows

_LEADING = 8  # terms of a formula that a report keeps
_MONOMIALS = 2000  # beyond which a formula is not expanded


def config(data: TabularData, method: str) -> dict[str, Any]:
    """Return what a search's result depends on."""
    return {"dataset": data.name, "checksum": data.checksum, "method": method,
            "seed": SEARCH_SEED, **SEARCHES[method]}


def path(work: Path, dataset: str, method: str) -> Path:
    """Return the file of a search's report."""
    return work / dataset / f"search-{method}.json"


def run(data: TabularData, method: str, work: Path) -> NeuronStructure:
    """Search with rows that no seed tests, write a report and return the structure."""
    X, y = search_data(data, SEARCHES[method]["rows"])
    result = search(
        X, y, method, seed=SEARCH_SEED, task=data.task, **SEARCHES[method]["options"]
    )
    facts = {"rows": len(X), "columns": X.shape[1], **_facts(result)}
    reports.write(path(work, data.name, method), config(data, method), facts)
    return result.structure


def search_data(data: TabularData, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return at most `n_rows` of the rows that searches may see, encoded, and targets.

    Features and a regression's target are prepared by these rows alone.
    """
    rows = np.flatnonzero(search_rows(data))
    rows = np.sort(np.random.default_rng(SEARCH_SEED).permutation(rows)[:n_rows])
    X, y = data.X.iloc[rows], data.y.iloc[rows]
    X = preprocessor("robust").fit_transform(X)
    if data.task == "classification":
        return X, np.unique(y, return_inverse=True)[1]
    return X, target_scaler(data.target_scaling).fit_transform(y.to_numpy(float)[:, None])[:, 0]


def structure(data: TabularData, method: str, work: Path) -> NeuronStructure:
    """Return the structure from its report; the search is run where that lacks."""
    file = path(work, data.name, method)
    if reports.answers(file, config(data, method)):
        return NeuronStructure.parse(reports.read(file)["structure"])
    return run(data, method, work)


def capped(structure: NeuronStructure) -> NeuronStructure:
    """Return the structure with a rank of at most `MAX_RANK`."""
    return replace(structure, rank=min(structure.rank, MAX_RANK))


def joined(first: NeuronStructure, second: NeuronStructure) -> NeuronStructure:
    """Return the first structure with the interactions of both, of the rank `MAX_RANK`.

    For networks whose features have bins, which express every function of one feature: pure
    streams beyond the first structure's would add nothing.
    """
    return NeuronStructure(
        first.pure, (*first.interact, *second.interact), MAX_RANK, first.sin
    )


def _facts(result: SearchResult) -> dict[str, Any]:
    return {
        "structure": str(result.structure), "seconds": result.seconds,
        "probabilities": result.gate_probabilities, "leading_terms": leading_terms(result),
    }


def leading_terms(result: SearchResult) -> list[list[Any]]:
    """Return the largest monomials [term, coefficient] in scaled units, of the first output.

    Empty for a formula of too many monomials to be expanded.
    """
    if count_monomials(result.structure, result.neuron.in_features) > _MONOMIALS:
        return []
    found = result.formula()
    formula = found if result.classes is None else next(iter(found.values()))
    terms = [term.as_coeff_Mul() for term in sp.Add.make_args(formula)]
    terms = sorted(((str(m), float(c)) for c, m in terms), key=lambda t: (-abs(t[1]), t[0]))
    return [list(term) for term in terms[:_LEADING]]
