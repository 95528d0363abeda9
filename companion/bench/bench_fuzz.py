"""Faults of each door of nslib and the companion under thousands of odd arguments.

A fault is an answer that is wrong or not finite, a hang of a minute, or any error but one that
names the argument. Needs hypothesis. The exit code is 1 where there is a fault.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from nslib import checks

from .measuring import bench_parser, show

LIMIT = 60  # seconds of a case
SHOWN = 20  # kinds of faults of a door


def main(argv: list[str]) -> int:
    """Try the doors and print a row for each, then the kinds of faults; see --help."""
    parser = bench_parser("fuzz", __doc__, cases=(10_000, "of each door"), seed=0,
                          seconds=(0.0, "after which no case of a door is begun; 0: no limit"))
    parser.add_argument("--doors", nargs="+", metavar="DOOR", help="by default all")
    options = parser.parse_args(argv)
    if importlib.util.find_spec("hypothesis") is None:
        print("nslib bench fuzz: needs hypothesis: pip install -e './companion[test]'",
              file=sys.stderr)
        return 2
    known = doors()
    try:
        chosen = [checks.one_of(name, "--doors", known) for name in options.doors or known]
        cases = checks.positive_int(options.cases, "--cases")
    except ValueError as error:
        parser.error(str(error))
    rows = []
    for name in chosen:
        row, faults = tried(*known[name], cases, options.seed, options.seconds)
        rows.append({"door": name, **row})
        for text, count in faults.most_common(SHOWN):
            print(f"{name}: {count} × {text}", flush=True)
    table = pd.DataFrame(rows)
    show(table, index=False)
    return int(table["faults"].any())


def doors() -> dict[str, tuple[Any, Callable[[Any], None]]]:
    """Return the strategy and the judge of each door; importing them needs hypothesis."""
    return importlib.import_module(f"{__package__}.fuzzing").DOORS


def tried(
    strategy: Any, judge: Callable[[Any], None], cases: int, seed: int, most: float = 0.0
) -> tuple[dict[str, Any], Counter[str]]:
    """Return the numbers of a door for so many cases, and how often which fault was there.

    No case is begun after `most` seconds; 0 is no limit.
    """
    import hypothesis

    faults: Counter[str] = Counter()
    examples: dict[str, str] = {}
    seconds: list[float] = []
    start = time.perf_counter()

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=cases, database=None, deadline=None, phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def attempt(case: Any) -> None:
        begin = time.perf_counter()
        if most and begin - start > most:
            raise TimeIsUp
        try:
            with limited(LIMIT):
                judge(case)
        except (Exception, Hang) as error:
            text = (str(error).splitlines() or [""])[0][:300]
            text = f"{type(error).__name__}: {text}"
            faults[text] += 1
            examples.setdefault(text, checks.shown(case))
        seconds.append(time.perf_counter() - begin)

    with contextlib.suppress(TimeIsUp):
        attempt()
    return {"cases": len(seconds), "faults": sum(faults.values()), "slowest s": max(seconds),
            "seconds": sum(seconds)}, Counter(
                {f"{text}; such as {examples[text]}": n for text, n in faults.items()})


class TimeIsUp(BaseException):
    """Ends a door's cases; hypothesis lets it through."""


class Hang(BaseException):
    """A case took too long; no `except Exception` of the code under test takes it."""


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise Hang inside after so many seconds, where the system has signals for that."""
    main_thread = threading.current_thread() is threading.main_thread()
    if not hasattr(signal, "setitimer") or not main_thread:
        yield
        return

    def stop(*_: Any) -> None:
        raise Hang(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
