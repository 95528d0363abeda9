"""Measure batteries and print a table of each: what `nslib bench recovery --battery` does."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from companion.bench.measuring import show
from companion.experiments.structure_recovery.batteries import BATTERIES
from companion.experiments.structure_recovery.battery_scores import misses, scores, shares
from nslib.threads import one_thread

from . import near_ties, printed_formulas, search_speed

NAMES = (*BATTERIES, "formulas")
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
    """Measure one battery and print its table and its misses."""
    if name == "formulas":
        printed = printed_formulas.scores(seeds, options.limit)
        print("\nformulas: exact sets of terms; near: coefficients within 1 % too")
        show(printed_formulas.shares(printed).set_index(["way", "group", "noise"]), digits=4)
        for line in printed_formulas.misses(printed):
            print(f"missed: {line}")
        return
    fits = scores([name], seeds, before=options.before, limit=options.limit)
    print()
    show(shares(fits).set_index(["battery", "group"]), digits=4)
    for line in misses(fits):
        print(f"missed: {line}")
    if name == "near_tie":
        print(*near_ties.report(near_ties.structures(seeds, before=options.before)), sep="\n")
