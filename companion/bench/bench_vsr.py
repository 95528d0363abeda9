"""Seconds and fitness of vectorised symbolic regression, ours and tnlearn's, on one thread.

Both get the same data, population, generations and shares in the same run, the target in the
units in which integer constants suit it, as tnlearn's do. Fitness is the mean squared error of a
formula on these data, as a share of the variance of y. tnlearn is measured where it is installed
(the extra `peers`); the full size is --population 1000 --generations 10.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import time

import numpy as np
import pandas as pd

from nslib import search
from nslib.data import FORMULAS, FormulaTask, make_formula
from nslib.search.genetic.power_sums import power_sums
from nslib.threads import one_thread

from .measuring import bench_parser, seconds_of, show

TERM = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<number>\d+)(?:[@*](?=x)|(?!x)))?(?P<symbol>x(?:\*\*(?P<power>\d+))?)?"
)


def main(argv: list[str]) -> int:
    """Measure and print a row for each formula and search; see --help."""
    variants = [variant for mode, variant in FORMULAS if mode == "pure"]
    parser = bench_parser("vsr", __doc__, population=300, generations=10, features=10, rows=2000,
                          seed=(0, "of the data and of each search"))
    parser.add_argument("--variants", type=int, nargs="+", default=variants, choices=variants,
                        help="of the paper's pure formulas")
    options = parser.parse_args(argv)
    peer = importlib.util.find_spec("tnlearn") is not None
    with one_thread():
        tables = {f"pure {v}": measure(v, options, peer) for v in options.variants}
    table = pd.concat(tables, names=["formula", "search"])
    print(f"D = {options.features}, N = {options.rows}, population {options.population}, "
          f"{options.generations} generations")
    show(table)
    if not peer:
        print("tnlearn, of the companion's extra peers, is not installed")
    return 0


def measure(variant: int, options: argparse.Namespace, peer: bool) -> pd.DataFrame:
    """Return seconds, fitness before and after the refit, ratio and formula of each search."""
    task = make_formula("pure", variant, options.rows, options.features, seed=options.seed)
    y = task.mean + task.scale * task.y
    rows = {}
    for label, scaling in (("as published", False), ("linear scaling", True)):
        start = time.perf_counter()
        result = search(
            task.X, y, "vsr", seed=options.seed, standardize=False, linear_scaling=scaling,
            population=options.population, generations=options.generations,
        )
        rows[f"nslib, {label}"] = {
            "seconds": time.perf_counter() - start,
            "fitness": result.history["loss"].iloc[-1],
            "refitted": np.mean((result.predict(task.X) - y) ** 2) / y.var(),
            "found": str(result.structure),
        }
    if peer:
        rows["tnlearn"] = _tnlearn(task, y, options)
        for row in rows.values():
            row["tnlearn takes × as long"] = rows["tnlearn"]["seconds"] / row["seconds"]
    return pd.DataFrame.from_dict(rows, orient="index")


def _tnlearn(task: FormulaTask, y: np.ndarray, options: argparse.Namespace) -> dict[str, object]:
    """Return seconds, fitness and formula of tnlearn's search on the task's X and y (N,)."""
    regressor = importlib.import_module("tnlearn.regressor").VecSymRegressor(
        random_state=options.seed, pop_size=options.population,
        max_generations=options.generations,
        tournament_size=max(2, round(0.03 * options.population)),
    )
    seconds = seconds_of(lambda: regressor.fit(task.X, y))
    fitness = np.mean((formula_values(regressor.best_prog, task.X) - y) ** 2) / y.var()
    return {"seconds": seconds, "fitness": fitness, "found": regressor.best_prog}


def formula_values(text: str, X: np.ndarray) -> np.ndarray:
    """Return a_0 + Σ_i Σ_k a_k x_i^k for X (N, D), with a polynomial like "2@x**2 - x + 3": (N,).

    The form of tnlearn's formulas, whose constant counts once. The text is read term by term, never
    evaluated; ValueError where it is anything else.
    """
    terms = polynomial(text)
    sums = power_sums(X, max(terms))
    sums[:, 0] = 1.0
    return sum(coefficient * sums[:, order] for order, coefficient in terms.items())


def polynomial(text: str) -> dict[int, float]:
    """Return the coefficients by order of an expanded polynomial in x; ValueError for others."""
    compact, place, terms = text.replace(" ", ""), 0, {}
    while place < len(compact) or not terms:
        match = TERM.match(compact, place)
        if not (match["number"] or match["symbol"]) or (place and not match["sign"]):
            raise ValueError(f"formula: found {text!r}, expected one like '2@x**2 - x + 3'")
        order = int(match["power"] or 1) if match["symbol"] else 0
        size = float(match["number"] or 1)
        terms[order] = terms.get(order, 0.0) + (-size if match["sign"] == "-" else size)
        place = match.end()
    return terms
