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


def _powers_beside_table5(
    structures: Mapping[str, Mapping[str, str]]
) -> dict[str, tuple[tuple[int, ...], frozenset[int]]]:
    """Return the powers that VSR found and those of Table 5, by data set that has both."""
    return {name: (NeuronStructure.parse(structures[name]["vsr"]).pure, powers(formula))
            for name, formula in table5().items() if "vsr" in structures.get(name, {})}


def metrics(structures: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return how well the powers of VSR agree with Table 5, and the structures themselves.

    `vsr_power_overlap` is the mean `overlap` over the sets of the table, stand-ins apart;
    `constant_power_overlap` that of the best answer that is the same for all of these sets; None
    where the structures have none of them.
    """
    both = [pair for name, pair in _powers_beside_table5(structures).items()
            if name not in STAND_INS]
    shares = [overlap(own, paper) for own, paper in both]
    known = sorted(frozenset().union(*(paper for _, paper in both)))
    answers = (answer for n in range(1, len(known) + 1) for answer in combinations(known, n))
    constant = (sum(overlap(answer, paper) for _, paper in both) for answer in answers)
    return {
        "vsr_power_overlap": sum(shares) / len(both) if both else None,
        "constant_power_overlap": max(constant) / len(both) if both else None,
        "vsr_powers_equal": sum(share == 1 for share in shares), "sets_compared": len(both),
        "structures": {name: dict(by_method) for name, by_method in structures.items()},
    }


def beside_table5(structures: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Return a row for each data set: the structures, the formula of Table 5 and the overlap.

    Columns: dataset, a column for each search, Table 5, overlap; "–" where there is none.
    """
    shares = {name: f"{overlap(*both):.2f}"
              for name, both in _powers_beside_table5(structures).items()}
    rows = pd.DataFrame.from_dict(structures, orient="index")
    rows = rows.reindex(columns=list(SEARCHES)).rename_axis("dataset").reset_index()
    return rows.assign(**{"Table 5": rows["dataset"].map(table5()),
                          "overlap": rows["dataset"].map(shares)}).astype(object).fillna("–")


def sentence(numbers: Mapping[str, Any]) -> str:
    """Return what the numbers of `metrics` say of VSR and Table 5."""
    if not numbers["sets_compared"]:
        return "no set of Table 5 has been searched."
    return ("the powers of VSR overlap with those of Table 5 by "
            f"{numbers['vsr_power_overlap']:.2f} on average, and are the same on "
            f"{numbers['vsr_powers_equal']} of {numbers['sets_compared']} sets; the best answer "
            f"that is the same for all sets has {numbers['constant_power_overlap']:.2f}.")
