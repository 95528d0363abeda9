"""How far a value of a re-run may be from the committed one, by kind of value.

The tolerances stand in tolerances.yaml beside this file; `nslib bench kernels` measures what they
have to allow.
"""

from __future__ import annotations

import fnmatch
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scipy import stats

from companion import files
from nslib import checks

Key = tuple[str | int, ...]
"""Where a value stands in its file: names of mappings and columns, numbers of entries and rows."""

EXACT, RELATIVE, ABSOLUTE, SHARE, MEAN, TIME, RATIO = (
    "exact", "relative", "absolute", "share", "mean", "time", "ratio"
)
_OPTIONS = {
    EXACT: (), RELATIVE: ("within", "floor"), ABSOLUTE: ("within",), SHARE: ("runs", "confidence"),
    MEAN: ("runs", "spread", "confidence"), TIME: ("within",), RATIO: ("within",),
}
_RULE = ("where", "kind", "because", "flips")


@dataclass(frozen=True)
class Tolerance:
    """How far values of one kind may be apart.

    `kind`: exact; relative (`within`: largest difference over the larger of the two, `floor`: both
    below it are noise); absolute (`within`: largest difference); share (of `runs` runs) and mean
    (over `runs` runs whose standard deviation is `spread`): the interval at `confidence` around
    the committed value; time (`within`: largest factor, each time over that of its machine's
    calibration loop) and ratio (of two times of one run). `runs` and `spread` are numbers or the
    name of the value beside this one that is the number. `flips`: a decision that other arithmetic
    takes otherwise; `because` says why, and a value beyond the tolerance is then explained.
    """

    kind: str
    within: float = 0.0
    floor: float = 0.0
    confidence: float = 0.99
    runs: float | str | None = None
    spread: float | str | None = None
    because: str | None = None
    flips: bool = False

    def allows(
        self, committed: Any, rerun: Any, beside: Callable[[str], Any],
        speeds: tuple[float | None, float | None] = (None, None),
    ) -> tuple[bool | None, str]:
        """Whether a re-run's value is as near as this allows, and what was allowed, in words.

        `beside`: name to the committed value that stands beside this one. `speeds`: seconds of the
        calibration loop of the committed run and of the re-run; where one of them is not known the
        answer is None, since seconds of two machines cannot be compared.
        """
        if self.kind == EXACT or not (_is_number(committed) and _is_number(rerun)):
            return same(committed, rerun), "equal"
        low, high = sorted((abs(committed), abs(rerun)))
        if self.kind == RELATIVE:
            near = high <= self.floor or abs(committed - rerun) <= self.within * high
            floor = f", or both below {self.floor:g}" if self.floor else ""
            return near, f"within {self.within:g} of the larger one{floor}"
        if self.kind == ABSOLUTE:
            return abs(committed - rerun) <= self.within, f"within {self.within:g}"
        if self.kind in (TIME, RATIO):
            old, new = speeds if self.kind == TIME else (1.0, 1.0)
            if not old or not new:
                return None, "no calibration on record"
            a, b = committed / old, rerun / new
            near = a * b > 0 and max(a / b, b / a) <= self.within or a == b
            return near, f"a factor of {self.within:g}" + (
                ", in units of the calibration loop" if self.kind == TIME else "")
        runs = int(_resolved(self.runs, beside))
        if self.kind == SHARE:
            share = min(max(committed, 0.0), 1.0)
            low, high = stats.binomtest(round(share * runs), runs).proportion_ci(
                self.confidence, method="wilson")
        else:
            half = stats.t.ppf(0.5 + self.confidence / 2, max(runs - 1, 1)) * _resolved(
                self.spread, beside) / math.sqrt(runs)
            low, high = committed - half, committed + half
        words = f"{low:.3g} to {high:.3g} ({self.confidence:.0%} interval of {runs} runs)"
        return bool(low - 1e-9 <= rerun <= high + 1e-9), words


def same(committed: Any, rerun: Any) -> bool:
    """Whether two values are the same; NaN is NaN, and 1 is 1.0 but not True."""
    if isinstance(committed, bool) != isinstance(rerun, bool):
        return False
    return committed == rerun or (committed != committed and rerun != rerun)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _resolved(number: float | str | None, beside: Callable[[str], Any]) -> float:
    """Return a number, or the one that stands beside under that name (of a list its length)."""
    value = beside(number) if isinstance(number, str) else number
    return float(len(value) if isinstance(value, list) else value)


@dataclass(frozen=True)
class Rules:
    """The rules of tolerances.yaml, in order, and what holds where none matches."""

    rules: tuple[tuple[str, Tolerance], ...]
    numbers: Tolerance
    times: Tolerance
    _matched: dict[str, Tolerance | None] = field(default_factory=dict, repr=False, compare=False)

    def _rule(self, place: str) -> Tolerance | None:
        if place not in self._matched:
            self._matched[place] = next((tolerance for where, tolerance in self.rules
                                         if fnmatch.fnmatchcase(place, where)), None)
        return self._matched[place]

    def never_met(self) -> list[str]:
        """Return the patterns of the rules that no value asked for so far came under."""
        met = {id(rule) for rule in self._matched.values()}
        return [where for where, rule in self.rules if id(rule) not in met]

    def of(self, place: str, key: Key, value: Any) -> Tolerance:
        """Return the tolerance of a value.

        `place`: NN_notebook/record, NN_notebook/figures/name or NN_notebook/tables/name. A rule is
        looked up by `place:key`, the key joined by dots without its numbers of rows and entries.
        Where none matches, texts, integers and true/false are exact, times are times, and other
        numbers have the common relative tolerance.
        """
        names = ".".join(part for part in key if isinstance(part, str))
        rule = self._rule(f"{place}:{names}")
        if rule is not None:
            return rule
        if names.startswith("timing."):
            return self.times
        return self.numbers if isinstance(value, float) else Tolerance(EXACT)


@functools.cache
def load(path: Path | None = None) -> Rules:
    """Return the rules of a file of tolerances, by default the companion's own.

    Raises ValueError that names the rule for unknown keys and kinds, with the nearest right one,
    and for one that lacks what its kind needs.
    """
    path = path or Path(__file__).with_name("tolerances.yaml")
    content = files.read_yaml(path)
    rules = []
    for number, rule in enumerate(content["rules"], 1):
        where = f"{path.name}: rule {number}"
        if not isinstance(rule, dict) or not {"where", "kind", "because"} <= rule.keys():
            raise ValueError(f"{where}: found {rule!r}, expected where, kind and because")
        rules.append((rule["where"], _tolerance(rule, content["kinds"], where)))
    kinds = content["kinds"]
    return Rules(tuple(rules), Tolerance(RELATIVE, **kinds[RELATIVE]),
                 Tolerance(TIME, **kinds[TIME]))


def _tolerance(rule: dict[str, Any], kinds: dict[str, Any], where: str) -> Tolerance:
    kind = checks.one_of(rule["kind"], f"{where}: kind", _OPTIONS)
    for key in rule:
        checks.one_of(key, f"{where}: key", (*_RULE, *_OPTIONS[kind]))
    values = {**(kinds.get(kind) or {}), **rule}
    for key in set(_OPTIONS[kind]) - {"floor"}:
        if key not in values:
            raise ValueError(f"{where}: found no {key}, which {kind} needs")
    return Tolerance(**{key: value for key, value in values.items() if key != "where"})
