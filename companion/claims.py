"""Claims: what the paper says, what ours came to, and the verdict that its thresholds give.

claims.yaml holds the claims and where our values stand; the values themselves are read from the
records in `results/`, those of the paper preset before those of the quick one.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nslib import checks

from . import files, notebooks, paths, presets, records

REPRODUCED, PARTLY, NOT_REPRODUCED, NOT_RUN = (
    "reproduced", "partly", "not reproduced", "not run yet"
)
_KINDS = {
    "table": "",
    "index": " (from a public index of the paper)",
    "words": " (in words)",
}
_TEXT = re.compile(r".*\S.*", re.DOTALL), "text"
_THRESHOLD = re.compile(r"(>=|<=|>|<) ?(-?\d+(?:\.\d+)?(?:e-?\d+)?)")
_LEVEL = _THRESHOLD, "a form like '>= 0.9'"
# key: its pattern and that in words; None where it is checked by itself or may be anything
_CLAIM = {"id": _TEXT, "claim": _TEXT, "where": _TEXT, "notebook": None, "metric": _TEXT,
          "paper": None, "judged": _TEXT, "evidence": None, "status": None}
_PAPER = {"value": None, "source": None, "kind": None}
_EVIDENCE = {
    "record": (re.compile(r"\d\d_[a-z0-9_]+/[A-Za-z0-9_-]+"), "NN_notebook/record"),
    "key": (re.compile(r"(metrics|timing)(\.[\w-]+)+"), "metrics.name or timing.name"),
    "label": None, "format": None, "reproduced": _LEVEL, "partly": _LEVEL, "reading": _TEXT,
}
_EVIDENCE["spread"] = _EVIDENCE["key"]
_OPTIONAL = {"status", "format", "reproduced", "partly", "reading", "spread"}
LEVELS = ("reproduced", "partly")
"""Names of the thresholds of a piece of evidence."""
_COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


@dataclass(frozen=True)
class Measured:
    """One of our values: the value (None where there is no record), its text, preset, verdict.

    The verdict is None for a value that stands beside the claim and is not judged.
    """

    value: float | None
    text: str
    preset: str | None
    verdict: str | None


@dataclass(frozen=True)
class Result:
    """A claim, as in claims.yaml, with our values, its verdict and that of each of its readings.

    A reading is one way to understand the claim; evidence names the one that it belongs to.
    """

    claim: Mapping[str, Any]
    measured: tuple[Measured, ...]
    verdict: str
    readings: Mapping[str, str]


def load(root: Path | None = None) -> list[dict[str, Any]]:
    """Return the claims of claims.yaml, checked.

    Raises ValueError, naming the claim, for missing and unknown keys (with the nearest right one),
    an id given twice, a notebook that does not exist although the claim is not planned, pointers
    and thresholds that are not well-formed.
    """
    root = root or paths.root()
    claims = files.read_yaml(root / "claims.yaml")
    if not isinstance(claims, list):
        raise ValueError(f"claims.yaml: found {type(claims).__name__}, expected a list of claims")
    seen: set[str] = set()
    known = notebooks.find(root)
    for number, claim in enumerate(claims, 1):
        where = f"claims.yaml: claim {number}"
        if isinstance(claim, Mapping) and "id" in claim:
            where = f"claims.yaml: {claim['id']}"
        _check(claim, _CLAIM, where)
        if claim["id"] in seen:
            raise ValueError(f"{where}: found this id twice")
        seen.add(claim["id"])
        _check(claim["paper"], _PAPER, f"{where}: paper")
        checks.one_of(claim["paper"]["kind"], f"{where}: paper: kind", _KINDS)
        if not isinstance(claim["evidence"], list):
            raise ValueError(f"{where}: evidence: found {claim['evidence']!r}, expected a list")
        for place, evidence in enumerate(claim["evidence"], 1):
            _check(evidence, _EVIDENCE, f"{where}: evidence {place}")
            if "partly" in evidence and "reproduced" not in evidence:
                raise ValueError(
                    f"{where}: evidence {place}: found partly, expected reproduced beside it"
                )
            _text(evidence, 0.5, f"{where}: evidence {place}")
        if "status" in claim:
            checks.one_of(claim["status"], f"{where}: status", ("planned",))
        elif claim["notebook"] is not None:
            checks.one_of(claim["notebook"], f"{where}: notebook", known)
    return claims


def _check(
    value: Any, fields: Mapping[str, tuple[re.Pattern[str], str] | None], where: str
) -> None:
    """Raise ValueError unless `value` has these fields and no other, each in its form."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{where}: found {value!r}, expected the keys {', '.join(fields)}")
    for key in value:
        checks.one_of(key, f"{where}: key", fields)
    for key, form in fields.items():
        if key not in value:
            if key not in _OPTIONAL:
                raise ValueError(f"{where}: found no {key}")
        elif form and not (isinstance(value[key], str) and form[0].fullmatch(value[key])):
            raise ValueError(f"{where}: {key}: found {value[key]!r}, expected {form[1]}")


def _text(
    evidence: Mapping[str, Any], value: float, where: str, spread: Sequence[float] = ()
) -> str:
    """Return a value with its label, and its least and largest if known, as its `format` says."""
    try:
        number, *ends = map(evidence.get("format", "{:.3g}").format, (value, *spread))
    except (ValueError, KeyError, IndexError) as error:
        raise ValueError(f"{where}: format: found {evidence['format']!r} ({error})") from None
    return f"{evidence['label']}: {number}" + (f" ({' to '.join(ends)})" if ends else "")


def judge(
    claim: Mapping[str, Any], folder: Path | None = None,
    order: Sequence[str] = tuple(reversed(presets.NAMES)),
) -> Result:
    """Return our values for a claim and the verdict.

    `folder`: what holds `results/`, the repository by default. `order`: the presets whose records
    count; a value is that of the first which has it.

    "reproduced" where every value reaches its threshold, "not reproduced" where none reaches even
    the one for "partly", "not run yet" where a value is missing, "partly" otherwise. Evidence
    without a threshold is shown and not judged. A reading is judged in the same way by its own
    evidence; the claim by that of all readings.
    """
    folder = folder or paths.root()
    measured = tuple(_measure(evidence, claim["id"], folder, order)
                     for evidence in claim["evidence"])
    of_reading: dict[str, list[Measured]] = {}
    for evidence, value in zip(claim["evidence"], measured, strict=True):
        if "reading" in evidence:
            of_reading.setdefault(evidence["reading"], []).append(value)
    readings = {reading: _verdict(values) for reading, values in of_reading.items()}
    return Result(claim, measured, _verdict(measured), readings)


def _verdict(measured: Iterable[Measured]) -> str:
    """Return the verdict of several values together."""
    verdicts = {value.verdict for value in measured if value.verdict}
    if not verdicts or NOT_RUN in verdicts:
        return NOT_RUN
    return verdicts.pop() if len(verdicts) == 1 else PARTLY


def _measure(
    evidence: Mapping[str, Any], claim: str, folder: Path, order: Sequence[str]
) -> Measured:
    """Return our value from its record, of the first preset in `order` that has one."""
    notebook, name = evidence["record"].split("/")
    missing = NOT_RUN if "reproduced" in evidence else None
    paths_of = {}
    for preset in order:
        path, committed = (paths.results(preset, notebook, place) / f"{name}.json"
                           for place in (folder, paths.root()))
        theirs = not path.is_file() and records.is_of_a_bench(committed)
        paths_of[preset] = committed if theirs else path
    preset = next((preset for preset, path in paths_of.items() if path.is_file()), None)
    if preset is None:
        return Measured(None, "", None, missing)
    record = records.read(paths_of[preset])
    where = f"claims.yaml: {claim}: {name}.json"
    value = _value(record, evidence["key"], where)
    if value is None:
        return Measured(None, "", preset, missing)
    value = checks.real(value, f"{where}: {evidence['key']}")
    spread = _value(record, evidence["spread"], where) if "spread" in evidence else ()
    if "spread" in evidence and not (isinstance(spread, list) and len(spread) == 2):
        raise ValueError(f"{where}: {evidence['spread']}: found {spread!r}, expected two numbers")
    verdict = None
    if "reproduced" in evidence:
        reached = [level for level in LEVELS
                   if level in evidence and _reaches(value, evidence[level])]
        verdict = reached[0] if reached else NOT_REPRODUCED
    return Measured(value, _text(evidence, value, claim, spread), preset, verdict)


def _value(record: Mapping[str, Any], pointer: str, where: str) -> Any:
    """Return what stands at a pointer such as timing.ratio; ValueError where nothing does."""
    value: Any = {"metrics": record["metrics"], "timing": record["run"]["timing"]}
    for key in pointer.split("."):
        known = value if isinstance(value, Mapping) else {}
        value = known[checks.one_of(key, f"{where}: key", known)]
    return value


def verdicts(preset: str, folder: Path, root: Path | None = None) -> dict[str, Any]:
    """Return id of each claim to its verdict and evidence, from the records of one preset alone.

    `folder`: what holds `results/`: the repository, or what a run wrote. The evidence is a list of
    mappings with record, key, the thresholds, value and verdict, as results/verdicts.json keeps it.
    """
    told = {}
    for claim in load(root):
        result = judge(claim, folder, (preset,))
        told[claim["id"]] = {"verdict": result.verdict, "evidence": [
            {**{key: evidence[key] for key in ("record", "key", *LEVELS) if key in evidence},
             "value": value.value, "verdict": value.verdict}
            for evidence, value in zip(claim["evidence"], result.measured, strict=True)
        ]}
    return told


def _reaches(value: float, threshold: str) -> bool:
    """Whether a value meets a threshold such as ">= 0.9"."""
    compare, limit = _THRESHOLD.fullmatch(threshold).groups()
    return _COMPARE[compare](value, float(limit))


def ours(result: Result) -> str:
    """Return our values as one line of text, by reading, with the preset they come from."""
    texts, reading = [], None
    for evidence, value in zip(result.claim["evidence"], result.measured, strict=True):
        if value.text:
            before, reading = reading, evidence.get("reading")
            head = f"{reading}: " if reading and reading != before else ""
            texts.append(f"{head}{value.text} ({value.preset})")
    return "; ".join(texts) or "–"


def paper(claim: Mapping[str, Any]) -> str:
    """Return the paper's value as text that says where no table stands behind it."""
    return f"{claim['paper']['value']}{_KINDS[claim['paper']['kind']]}"
