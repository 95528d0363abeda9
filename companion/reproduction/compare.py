"""Compare the results of two folders value by value: records, figures' data, tables."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from companion import paths, records

from . import tolerances
from .tolerances import Key, Rules, Tolerance

IDENTICAL, WITHIN, DIFFERS, MISSING, NOT_COMPARED = (
    "identical", "within tolerance", "differs", "missing", "not compared"
)
_NEVER_COMPARED = ("run", "versions", "files", "data", "drawing")
"""Parts of a record and of a figure's facts that are no results, or are compared by themselves."""


@dataclass(frozen=True)
class Compared:
    """A value beside the committed one: where it stands, both, what was allowed, the outcome.

    `place`: NN_notebook/record, NN_notebook/figures/name, NN_notebook/tables/name. `key`: where in
    the file. `committed`, `rerun`: the values, None where there is none. `allowed`: in words.
    `explained`: why the value may differ, where that is known. `speeds`: seconds of the two
    calibration loops.
    """

    place: str
    key: Key
    committed: Any
    rerun: Any
    kind: str
    outcome: str
    allowed: str
    explained: str | None = None
    speeds: tuple[float | None, float | None] = (None, None)

    @property
    def name(self) -> str:
        """Place and key in one text."""
        return f"{self.place}:{'.'.join(map(str, self.key))}"

    @property
    def is_time(self) -> bool:
        """Whether the value is a time or a ratio of times, which vary from run to run."""
        return self.kind in (tolerances.TIME, tolerances.RATIO)

    @property
    def size(self) -> float:
        """How large the change is: of times the larger of factor and inverse, less one.

        0 where the two are no numbers.
        """
        change = self.change or 0.0
        if self.is_time:
            return max(change, 1 / change) - 1 if change > 0 else abs(change)
        return change

    @property
    def change(self) -> float | None:
        """The factor of ratios or, in units of the calibration, times; else the relative change.

        None where the two are no numbers.
        """
        old, new = self.committed, self.rerun
        if not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (old, new)):
            return None
        if self.is_time:
            timed = self.kind == tolerances.TIME
            before, now = (speed if timed and speed else 1.0 for speed in self.speeds)
            return (new / now) / (old / before) if old else None
        return abs(new - old) / (max(abs(old), abs(new)) or 1.0)


@dataclass(frozen=True)
class Comparison:
    """All that was compared: values that are not identical, and counts of outcomes by place.

    `sources`: whether each record was made by the sources as they are here.
    """

    values: tuple[Compared, ...]
    counts: Mapping[str, Counter[str]]
    sources: Mapping[str, bool]

    def count(self, outcome: str) -> int:
        """Return the number of values with this outcome."""
        return sum(own[outcome] for own in self.counts.values())

    @property
    def total(self) -> int:
        """Number of values compared."""
        return sum(own.total() for own in self.counts.values())

    def of(self, *outcomes: str) -> list[Compared]:
        """Return the values with one of these outcomes."""
        return [value for value in self.values if value.outcome in outcomes]


def folders(
    notebooks: Iterable[str], preset: str, committed: Path, rerun: Path, rules: Rules | None = None,
    figures: bool = True,
) -> Comparison:
    """Compare the results of notebooks in two folders that hold `results/` and `figures/`.

    `figures`: whether figures' data are compared too. Raises ValueError for a file in `committed`
    or `rerun` that is no record.
    """
    rules = rules or tolerances.load()
    compared: list[Compared] = []
    counts: dict[str, Counter[str]] = {}
    sources = {}
    for notebook in notebooks:
        for place, old, new in _pairs(notebook, preset, committed, rerun, figures):
            own = list(_file(place, old, new, rules))
            counts[place] = Counter(value.outcome for value in own)
            compared += [value for value in own if value.outcome != IDENTICAL]
            if new and new.suffix == ".json" and "/figures/" not in place:
                sources[place] = records.read(new)["run"].get("code")
    return Comparison(tuple(compared), counts, sources)


def every_value(notebook: str, preset: str, folder: Path) -> Iterator[tuple[str, Key, Any]]:
    """Yield place, key and value of everything in a folder that is compared."""
    for place, path, _ in _pairs(notebook, preset, folder, folder, True):
        for name, values in _parts(place, path):
            yield from ((name, key, value) for key, value in values.items())


def _pairs(
    notebook: str, preset: str, committed: Path, rerun: Path, figures: bool
) -> Iterator[tuple[str, Path | None, Path | None]]:
    """Yield place, committed file and re-run's file of each result that is in either folder."""
    results = [paths.results(preset, notebook, folder) for folder in (committed, rerun)]
    for folder, pattern in (("", "*.json"), ("tables/", "*.csv")):
        for name in sorted({path.name for place in results for path in place.glob(pattern)}):
            old, new = (path if path.is_file() else None for path in
                        (place / name for place in results))
            if new is None and pattern == "*.json" and records.is_of_a_bench(old):
                continue
            yield f"{notebook}/{folder}{Path(name).stem}", old, new
    drawn = [paths.figures(preset, notebook, folder) for folder in (committed, rerun)]
    for name in sorted({path.name for place in drawn for path in place.glob("*.json")}
                       if figures else ()):
        old, new = (path if path.is_file() else None for path in (place / name for place in drawn))
        yield f"{notebook}/figures/{Path(name).stem}", old, new


def _file(place: str, old: Path | None, new: Path | None, rules: Rules) -> Iterator[Compared]:
    """Compare two files; one that is None is missing as a whole."""
    if old is None or new is None:
        there = "committed" if old else "re-run"
        yield Compared(place, (), there if old else None, there if new else None, "file", MISSING,
                       f"found in the {there if new else 'committed results'} alone")
        return
    speeds = (None, None)
    if old.suffix == ".json":
        speeds = tuple(records.read(path)["run"].get("calibration_seconds") for path in (old, new))
    committed, rerun = dict(_parts(place, old)), dict(_parts(place, new))
    for part in [*committed, *(part for part in rerun if part not in committed)]:
        if part in committed and part in rerun:
            yield from _values(part, committed[part], rerun[part], rules, speeds)
        else:
            yield from _file(part, old if part in committed else None,
                             new if part in rerun else None, rules)


def _parts(place: str, path: Path) -> Iterator[tuple[str, dict[Key, Any]]]:
    """Yield place and values of a file, and of the tables that belong to a figure's record."""
    if path.suffix == ".csv":
        yield place, _table(path)
        return
    record = records.read(path)
    yield place, dict(_facts(record))
    if "drawing" in record:
        for table in record["data"]:
            file = path.parent / table["file"]
            if file.is_file():
                yield f"{place.rpartition('/')[0]}/{file.stem}", _table(file)


def _facts(record: Mapping[str, Any]) -> Iterator[tuple[Key, Any]]:
    """Yield what a record or a figure's facts say that is compared, by key."""
    for name, part in record.items():
        if name not in _NEVER_COMPARED:
            yield from flat(part, (name,))
    if "drawing" in record:
        yield from flat(record["drawing"], ("drawing",))
    else:  # of a record these are checksums of the data sets it used
        yield from flat(record["data"], ("data",))
    yield from flat(record["run"].get("timing", {}), ("timing",))


def flat(value: Any, key: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Yield each single value inside mappings and lists, by key."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from flat(item, (*key, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from flat(item, (*key, number))
    else:
        yield key, value


def _table(path: Path) -> dict[Key, Any]:
    """Return the cells of a CSV by row number and column; what reads as a number is one."""
    rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8")))
    header = next(rows, [])
    return {(number, name): _typed(cell) for number, row in enumerate(rows)
            for name, cell in zip(header, row, strict=True)}


def _typed(cell: str) -> Any:
    try:
        return int(cell)
    except ValueError:
        try:
            return float(cell)
        except ValueError:
            return cell


def _values(
    place: str, old: Mapping[Key, Any], new: Mapping[Key, Any], rules: Rules,
    speeds: tuple[float | None, float | None] = (None, None),
) -> Iterator[Compared]:
    """Compare the values of one file by key."""
    for key in [*old, *(key for key in new if key not in old)]:
        committed, rerun = old.get(key), new.get(key)
        if key in old and key in new and tolerances.same(committed, rerun):
            yield Compared(place, key, committed, rerun, "", IDENTICAL, "")
            continue
        rule = rules.of(place, key, rerun if isinstance(rerun, float) else committed)
        explained = rule.because if rule.flips else None
        if key not in old or key not in new:
            there = f"found in {'the re-run' if key in new else 'the committed results'} alone"
            outcome = DIFFERS if rule.flips else MISSING
            yield Compared(place, key, committed, rerun, rule.kind, outcome, there, explained,
                           speeds)
            continue
        near, allowed = _judged(rule, key, committed, rerun, old, speeds, place)
        outcome = NOT_COMPARED if near is None else WITHIN if near else DIFFERS
        explained = explained if outcome == DIFFERS else None
        yield Compared(place, key, committed, rerun, rule.kind, outcome, allowed, explained, speeds)


def _judged(
    rule: Tolerance, key: Key, committed: Any, rerun: Any, old: Mapping[Key, Any],
    speeds: tuple[float | None, float | None], place: str,
) -> tuple[bool | None, str]:
    last = max(i for i, part in enumerate(key) if isinstance(part, str))

    def beside(name: str) -> Any:
        inside = (*key[:last], name, *key[last + 1:])
        there = tuple(name.split("."))
        values = [value for k, value in old.items() if k[:len(there)] == there]
        if inside in old:
            return old[inside]
        if not values:
            raise ValueError(f"{place}: found no {name} beside {'.'.join(map(str, key))}")
        return values[0] if len(values) == 1 else values

    return rule.allows(committed, rerun, beside, speeds)
