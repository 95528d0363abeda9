"""Whether printed formulas have exactly the terms of the truth: 23 public polynomials and random.

Each is printed in two ways: `simplify` of a search's result, and `sparse_formula` on the data
alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from companion.experiments.progress import say
from companion.experiments.shares import with_intervals
from nslib.data.public_formulas import (
    PUBLIC_FORMULAS,
    SparsePolynomial,
    random_sparse_polynomial,
    sample,
)
from nslib.search import search
from nslib.search.sparse import SparseFormula, sparse_formula

NOISES = (0.01, 0.1)
"""Standard deviations of the noise, in those of the target without noise."""

COEFFICIENTS_WITHIN = 0.01


def polynomials(seed: int, limit: int | None = None) -> Iterator[tuple[str, SparsePolynomial]]:
    """Yield the public formulas and as many random ones of a seed, each with its group."""
    public = list(PUBLIC_FORMULAS.values())[:limit]
    for polynomial in public:
        yield "public", polynomial
    for number in range(len(public)):
        yield "random", random_sparse_polynomial(1000 * seed + number)


def scores(
    seeds: Sequence[int], limit: int | None = None, rows: int = 2000,
    noises: Sequence[float] = NOISES,
) -> pd.DataFrame:
    """Print the formula of data of each polynomial, and judge it by the truth.

    The first `limit` of the public and of the random ones. Columns: way ("simplify" or
    "sparse_formula"), group, noise, task, seed, those of `judged`, text, seconds (of the process,
    without the search) and search_seconds.
    """
    table = []
    for seed in seeds:
        for group, polynomial in polynomials(seed, limit):
            for noise in noises:
                X, y = sample(polynomial, rows, noise, seed)
                facts = {"group": group, "noise": noise, "task": polynomial.name, "seed": seed}
                for way, printed, seconds, search_seconds in _printed(
                    pd.DataFrame(X, columns=list(polynomial.variables)), y
                ):
                    text = str(printed).partition("\n")[0]
                    table.append({"way": way, **facts, **judged(polynomial, printed),
                                  "text": text, "seconds": seconds,
                                  "search_seconds": search_seconds})
                say(f"formulas: {polynomial.name}, noise {noise:g}, seed {seed}")
    return pd.DataFrame(table)


def _printed(X: pd.DataFrame, y: np.ndarray) -> Iterator[tuple[str, SparseFormula, float, float]]:
    """Yield each way, its formula, and the seconds of it and of the search before it."""
    start = time.process_time()
    result = search(X, y)
    searched = time.process_time()
    printed = result.simplify()
    yield "simplify", printed, time.process_time() - searched, searched - start
    start = time.process_time()
    printed = sparse_formula(X, y)
    yield "sparse_formula", printed, time.process_time() - start, 0.0


def judged(truth: SparsePolynomial, printed: SparseFormula) -> dict[str, object]:
    """Return whether the terms are exactly the true ones, and the coefficients near theirs.

    exact: the set of terms; coefficients_near: exact, and each within 1 % of the true one.
    """
    terms = dict(zip(map(tuple, printed.terms.tolist()), printed.coefficients, strict=True))
    exact = set(terms) == set(truth.terms)
    near = exact and all(abs(terms[term] - coefficient) <= COEFFICIENTS_WITHIN * abs(coefficient)
                         for term, coefficient in truth.terms.items())
    return {"exact": exact, "coefficients_near": near, "n_terms": len(terms)}


def shares(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row a way, group and noise of `scores`: exact, of, share, low, high and the rest.

    near: formulas whose coefficients are within 1 %; seconds, longest, search_seconds: the median
    and the most of the printing, the median of the search.
    """
    groups = table.groupby(["way", "group", "noise"], sort=False).agg(
        exact=("exact", "sum"), of=("exact", "size"), share=("exact", "mean"),
        near=("coefficients_near", "sum"), seconds=("seconds", "median"),
        longest=("seconds", "max"), search_seconds=("search_seconds", "median"),
    ).reset_index()
    return with_intervals(groups, "exact", "of")


def misses(table: pd.DataFrame) -> list[str]:
    """Return a line for each formula of `scores` whose terms are not the true ones."""
    return [f"{row.way}, {row.task}, noise {row.noise:g}, seed {row.seed}: {row.text}"
            for row in table[~table["exact"].astype(bool)].itertuples()]
