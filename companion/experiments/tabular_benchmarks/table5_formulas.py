"""The structures that searches found on data sets, beside the formulas of Table 5.

A formula of the predecessor's Table 5 is one polynomial that every feature gets: it says which
powers there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd
import sympy as sp

from companion.experiments.tabular_grid.run_cells import search_reports
from companion.experiments.tabular_grid.settings import SEARCHES, STAND_INS
from nslib.data import TabularData
from nslib.structure import NeuronStructure


def table5() -> pd.Series:
    """Return the formulas of Table 5 of the predecessor (arXiv 2405.02369), by data set."""
    table = pd.read_csv(Path(__file__).with_name("table5.csv"))
    return table.set_index("dataset")["formula"]


def powers(formula: str) -> frozenset[int]:
    """Return the powers of x in a polynomial, constants apart."""
    x = sp.Symbol("x")
    monomials = sp.Poly(sp.sympify(formula, locals={"x": x}), x).monoms()
    return frozenset(power for power, in monomials if power)


def overlap(first: Iterable[int], second: Iterable[int]) -> float:
    """Return the intersection over the union of two sets of powers, 1 for two empty ones."""
    first, second = frozenset(first), frozenset(second)
    union = first | second
    return len(first & second) / len(union) if union else 1.0


def searched(datasets: Iterable[TabularData], work: Path) -> dict[str, dict[str, str]]:
    """Return the structures, by data set and search, from the reports below `work`."""
    structures: dict[str, dict[str, str]] = {}
    for data, method, report in search_reports(datasets, work):
        structures.setdefault(data.name, {})[method] = report["structure"]
    return structures


def metrics(structures: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return how well the powers of VSR agree with Table 5, and the structures themselves.

    `vsr_power_overlap` is the mean `overlap` over the sets of the table, stand-ins apart;
    `constant_power_overlap` that of the best answer that is the same for all of these sets; None
    where the structures have none of them.
    """
    beside = {name: (_powers_of(by_method["vsr"]), powers(formula))
              for name, formula in table5().items()
              for by_method in [structures.get(name, {})]
              if "vsr" in by_method and name not in STAND_INS}
    shares = [overlap(own, paper) for own, paper in beside.values()]
    papers = [paper for _, paper in beside.values()]
    return {
        "vsr_power_overlap": _mean(shares), "constant_power_overlap": _constant(papers),
        "vsr_powers_equal": sum(share == 1 for share in shares), "sets_compared": len(beside),
        "structures": {name: dict(by_method) for name, by_method in structures.items()},
    }


def beside_table5(structures: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Return a row for each data set: the structures, the formula of Table 5 and the overlap.

    Columns: dataset, a column for each search, Table 5, overlap; "–" where there is none.
    """
    paper = table5()
    rows = []
    for name, by_method in structures.items():
        formula = paper.get(name)
        both = formula is not None and "vsr" in by_method
        share = overlap(_powers_of(by_method["vsr"]), powers(formula)) if both else None
        rows.append({
            "dataset": name, **{method: by_method.get(method, "–") for method in SEARCHES},
            "Table 5": formula or "–", "overlap": "–" if share is None else f"{share:.2f}",
        })
    return pd.DataFrame(rows)


def sentence(numbers: Mapping[str, Any]) -> str:
    """Return what the numbers of `metrics` say of VSR and Table 5."""
    if not numbers["sets_compared"]:
        return "no set of Table 5 has been searched."
    return ("the powers of VSR overlap with those of Table 5 by "
            f"{numbers['vsr_power_overlap']:.2f} on average, and are the same on "
            f"{numbers['vsr_powers_equal']} of {numbers['sets_compared']} sets; the best answer "
            f"that is the same for all sets has {numbers['constant_power_overlap']:.2f}.")


def _powers_of(structure: str) -> tuple[int, ...]:
    return NeuronStructure.parse(structure).pure


def _constant(papers: list[frozenset[int]]) -> float | None:
    """Return the best mean overlap that one answer for all formulas can have."""
    known = sorted(frozenset().union(*papers))
    answers = (answer for n in range(1, len(known) + 1) for answer in combinations(known, n))
    return max((_mean([overlap(answer, paper) for paper in papers]) for answer in answers),
               default=None)


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
