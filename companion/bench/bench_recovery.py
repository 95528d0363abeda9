"""Share of the 15 formulas whose exact streams a search finds, on fresh data, and its seconds.

Every call draws new data seeds unless --first-seed is given. With --rank R above 1 the formulas are
those with interactions, each a sum of R products, and exact means this rank at every order too.
Peers as in `nslib bench search`. With --battery the tasks are those of a battery, of tables as
people have them, and --features, --rows, --rank, --noise and --method do not count.
"""

from __future__ import annotations

import argparse
import itertools
import secrets
import time

import numpy as np
import pandas as pd

from companion.experiments.formula_tasks import FORMULA_KEYS
from companion.experiments.progress import say
from nslib.data import FORMULAS, make_formula
from nslib.search import METHODS, search
from nslib.threads import one_thread

from .measuring import add_official, bench_parser, official_searcher, on_path, seconds_of, show
from .recovery import battery_report


def main(argv: list[str]) -> int:
    """Measure and print a row for each formula and the whole; see --help."""
    parser = bench_parser(
        "recovery", __doc__, features=10, rows=2000, rank=(1, "of the interactions"), noise=0.01,
        repeats=(3, "data sets of each formula"),
    )
    parser.add_argument("--method", default="als", choices=list(METHODS))
    parser.add_argument("--first-seed", type=int, help="of the data; default: a fresh one")
    add_official(parser)
    battery_report.add_arguments(parser)
    options = parser.parse_args(argv)
    first = secrets.randbelow(2**31) if options.first_seed is None else options.first_seed
    if options.battery or options.speed:
        return battery_report.main(options, range(first, first + options.repeats))
    with one_thread():
        table = measure(options, range(first, first + options.repeats))
        official = _official_seconds(options, first) if options.official else None
    print(f"{options.method}, D = {options.features}, N = {options.rows}, rank {options.rank}, "
          f"noise {options.noise:g}, data seeds {first} to {first + options.repeats - 1}")
    show(table.groupby("formula", sort=False).agg(
        exact=("exact", "mean"), over_floor=("over_floor", "median"), seconds=("seconds", "median")
    ))
    for row in table[~table["exact"]].itertuples():
        ranks = f", ranks by order {row.ranks}" if options.rank > 1 else ""
        print(f"missed: {row.formula}, seed {row.seed}: {row.found} for {row.truth}{ranks}")
    print(f"exact: {table['exact'].sum()} of {len(table)} ({table['exact'].mean():.1%}), "
          f"median {table['seconds'].median():.2f} s a search")
    if official is not None:
        print(f"authors' gated search: {official:.1f} s, "
              f"{official / table['seconds'].median():.0f}× the median")
    return 0


def measure(options: argparse.Namespace, seeds: range) -> pd.DataFrame:
    """Return a row a search: formula, seed, truth, found, ranks, exact, over_floor, seconds.

    over_floor: mean squared error on as many fresh rows, over that of the true formula.
    """
    rows = []
    names = [name for name, key in FORMULA_KEYS.items()
             if options.rank == 1 or FORMULAS[key].structure.interact]
    for name, seed in itertools.product(names, seeds):
        n, make = options.rows, (options.features, options.noise, seed)
        task = make_formula(*FORMULA_KEYS[name], 2 * n, *make, rank=options.rank)
        start = time.perf_counter()
        result = search(task.X[:n], task.y[:n], options.method, standardize=False)
        seconds = time.perf_counter() - start
        exact = result.structure.same_streams(task.structure)
        if options.rank > 1:
            exact = exact and set(result.ranks.values()) == {options.rank}
        error = np.mean((result.predict(task.X[n:]) - task.y[n:]) ** 2)
        rows.append({
            "formula": name, "seed": seed, "truth": str(task.structure),
            "found": str(result.structure), "ranks": result.ranks, "exact": exact,
            "over_floor": error / task.noise_floor, "seconds": seconds,
        })
        say(f"{len(rows)}: {name}, {seconds:.1f} s")
    return pd.DataFrame(rows)


def _official_seconds(options: argparse.Namespace, seed: int) -> float:
    """Return the seconds of one fit of the authors' code."""
    task = make_formula("hybrid", 1, options.rows, options.features, options.noise, seed)
    with on_path(options.official):
        searcher = official_searcher(task.X, 200)
        return seconds_of(lambda: searcher.fit(task.X, task.y))
