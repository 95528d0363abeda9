"""Measure batteries and print a table of each: what `nslib bench recovery --battery` does."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from companion.bench.measuring import show
from companion.experiments.structure_recovery.batteries import BATTERIES
from companion.experiments.structure_recovery.battery_scores import misses, scores, shares
from nslib.threads import one_thread

from . import near_ties, printed_formulas, search_speed

NAMES = (*BATTERIES, "formulas", "real")
"""All batteries: those of streams, printed formulas, and real tables."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the batteries to a bench's parser."""
    parser.add_argument("--battery", nargs="+", choices=[*NAMES, "all"], metavar="NAME",
                        help=f"of {', '.join(NAMES)} or all")
    parser.add_argument("--before", action="store_true",
                        help="without lower orders, screening, trimming and choice of features")
    parser.add_argument("--limit", type=int, metavar="L", help="only the first L tasks of a group")
    parser.add_argument("--speed", action="store_true",
                        help="seconds at D 10, 30 and 100 against those of --before")


def main(options: argparse.Namespace, seeds: Sequence[int]) -> int:
    """Measure and print what the options ask for, on these data seeds."""
    names = options.battery or []
    settings = "settings of before" if options.before else "default settings"
    print(f"data seeds {seeds[0]} to {seeds[-1]}, {settings}, processor seconds of one thread")
    with one_thread():
        for name in NAMES if "all" in names else names:
            _battery(name, seeds, options)
        if options.speed:
            print("\nmedian seconds of a search, by default (after) and before, and their ratio")
            show(search_speed.seconds(seeds, options.limit))
    return 0


def _battery(name: str, seeds: Sequence[int], options: argparse.Namespace) -> None:
    """Measure one battery and print it."""
    print()
    if name == "formulas":
        return _formulas(seeds, options)
    if name == "real":
        return _real(seeds)
    fits = scores([name], seeds, before=options.before, limit=options.limit)
    show(shares(fits).set_index(["battery", "group"]), digits=4)
    for line in misses(fits):
        print(f"missed: {line}")
    if name == "near_tie":
        print(*near_ties.report(near_ties.structures(seeds, before=options.before)), sep="\n")


def _formulas(seeds: Sequence[int], options: argparse.Namespace) -> None:
    """Print how often formulas have exactly the true terms, and those that do not."""
    table = printed_formulas.scores(seeds, options.limit)
    print("formulas: exact sets of terms; near: coefficients within 1 % too")
    show(printed_formulas.shares(table).set_index(["way", "group", "noise"]), digits=4)
    for line in printed_formulas.misses(table):
        print(f"missed: {line}")


def _real(seeds: Sequence[int]) -> None:
    """Print what models give on real tables, each seed a split."""
    from companion.bench import real_sets  # with scikit-learn, which no other battery needs

    table = real_sets.measure(len(seeds), seeds[0])
    print("real: R² or accuracy on held-out rows")
    show(real_sets.by_set(table), digits=4, index=False)
    show(real_sets.summary(table), index=False)
