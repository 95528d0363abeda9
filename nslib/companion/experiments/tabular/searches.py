"""The structures that searches find on the training rows of a data set, one for each seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp

from ....data import TabularData
from ....formula import count_monomials
from ....search import SearchResult, search_many
from ....structure import NeuronStructure
from . import reports
from .settings import MAX_RANK, SEARCHES
from .splits import Split, divide

SEARCH_SEED = 0
_LEADING = 8  # terms of a formula that a report keeps
_MONOMIALS = 2000  # beyond which a formula is not expanded


def config(data: TabularData, method: str, seeds: Sequence[int], seed: int) -> dict[str, Any]:
    """Return what a search's result depends on."""
    return {
        "dataset": data.name, "checksum": data.checksum, "method": method, "seeds": list(seeds),
        "seed": seed, **SEARCHES[method],
    }


def path(work: Path, dataset: str, method: str, seed: int) -> Path:
    """Return the file of a search's report."""
    return work / dataset / f"search-{method}" / f"seed-{seed}.json"


def run(data: TabularData, method: str, seeds: Sequence[int], work: Path) -> None:
    """Search with the training rows of each seed and write a report for each.

    Data of equal shape are searched as one batch where the method is gated.
    """
    splits = [divide(data, seed) for seed in seeds]
    rows = [search_rows(split, SEARCHES[method]["rows"]) for split in splits]
    groups: dict[int, list[int]] = {}
    for i, (X, _) in enumerate(rows):
        groups.setdefault(X.shape[1], []).append(i)
    for members in groups.values():
        found = search_many(
            [rows[i] for i in members], method, seeds=(SEARCH_SEED,), task=data.task,
            **SEARCHES[method]["options"],
        )
        for i, (result,) in zip(members, found, strict=True):
            seed = splits[i].seed
            reports.write(
                path(work, data.name, method, seed), config(data, method, seeds, seed),
                {"rows": len(rows[i][0]), "columns": rows[i][0].shape[1], **_facts(result)},
            )


def search_rows(split: Split, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return at most `n_rows` training rows, drawn by the split's seed, encoded, and targets."""
    X, y = split.features()["train"], split.targets()["train"]
    chosen = np.sort(np.random.default_rng(split.seed).permutation(len(X))[:n_rows])
    return X[chosen], y[chosen]


def structures(
    data: TabularData, method: str, seeds: Sequence[int], work: Path
) -> list[NeuronStructure]:
    """Return the structure for each seed, from its report; the search is run where one lacks."""
    runs = [
        (path(work, data.name, method, seed), config(data, method, seeds, seed)) for seed in seeds
    ]
    if not reports.all_answer(runs):
        run(data, method, seeds, work)
    return [NeuronStructure.parse(reports.read(file)["structure"]) for file, _ in runs]


def capped(structure: NeuronStructure) -> NeuronStructure:
    """Return the structure with a rank of at most `MAX_RANK`."""
    return replace(structure, rank=min(structure.rank, MAX_RANK))


def joined(first: NeuronStructure, second: NeuronStructure) -> NeuronStructure:
    """Return the structure with the streams of both and the larger rank, within `MAX_RANK`."""
    return capped(NeuronStructure(
        (*first.pure, *second.pure), (*first.interact, *second.interact),
        max(first.rank, second.rank), first.sin or second.sin,
    ))


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
