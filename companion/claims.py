"""Claims: what the paper says, what ours came to, and the verdict that its thresholds give.

claims.yaml holds the claims and where our values stand; the values themselves are read from the
records in `results/`, those of the paper preset before those of the quick one.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nslib import checks

from . import files, notebooks, paths, presets, records

REPRODUCED, PARTLY, NOT_REPRODUCED, NOT_RUN = (
    "reproduced", "partly", "not reproduced", "not run yet"
)
_REQUIRED = ("id", "claim", "where", "notebook", "metric", "paper", "judged", "evidence")
_KEYS = {
    "claim": (*_REQUIRED, "status"),
    "paper": ("value", "source", "kind"),
    "evidence": ("record", "key", "label", "format", "reproduced", "partly"),
}
_KINDS = {
    "table": "",
    "index": " (from a public index of the paper)",
    "words": " (in words)",
}
_POINTER = re.compile(r"(\d\d_[a-z0-9_]+)/([A-Za-z0-9_-]+)")
_THRESHOLD = re.compile(r"(>=|<=|>|<) ?(-?\d+(?:\.\d+)?(?:e-?\d+)?)")
TIMING_BAND = 2.0
"""Ratio by which a judged timing, itself a ratio of times, may vary from run to run."""
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
    """A claim, as in claims.yaml, with our values and its verdict."""

    claim: Mapping[str, Any]
    measured: tuple[Measured, ...]
    verdict: str


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
        _check_keys(claim, _KEYS["claim"], _REQUIRED, where)
        if claim["id"] in seen:
            raise ValueError(f"{where}: found this id twice")
        seen.add(claim["id"])
        _check_claim(claim, where)
        if claim["notebook"] is not None and claim.get("status") != "planned":
            checks.one_of(claim["notebook"], f"{where}: notebook", known)
    return claims


def _check_keys(
    value: Any, known: tuple[str, ...], required: tuple[str, ...], where: str
) -> None:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where}: found {value!r}, expected the keys {', '.join(known)}")
    for key in value:
        checks.one_of(key, f"{where}: key", known)
    for key in required:
        if key not in value:
            raise ValueError(f"{where}: found no {key}")


def _check_claim(claim: Mapping[str, Any], where: str) -> None:
    for key in ("id", "claim", "where", "metric", "judged"):
        if not isinstance(claim[key], str) or not claim[key].strip():
            raise ValueError(f"{where}: {key}: found {claim[key]!r}, expected text")
    if "status" in claim:
        checks.one_of(claim["status"], f"{where}: status", ("planned",))
    _check_keys(claim["paper"], _KEYS["paper"], _KEYS["paper"], f"{where}: paper")
    checks.one_of(claim["paper"]["kind"], f"{where}: paper: kind", _KINDS)
    if not isinstance(claim["evidence"], list):
        raise ValueError(f"{where}: evidence: found {claim['evidence']!r}, expected a list")
    for number, evidence in enumerate(claim["evidence"], 1):
        place = f"{where}: evidence {number}"
        required = ("record", "key", "label")
        _check_keys(evidence, _KEYS["evidence"], required, place)
        if not _POINTER.fullmatch(str(evidence["record"])):
            raise ValueError(
                f"{place}: record: found {evidence['record']!r}, expected NN_notebook/record"
            )
        if not re.fullmatch(r"(metrics|timing)(\.[\w-]+)+", str(evidence["key"])):
            raise ValueError(
                f"{place}: key: found {evidence['key']!r}, expected metrics.name or "
                "timing.name"
            )
        if "partly" in evidence and "reproduced" not in evidence:
            raise ValueError(f"{place}: found partly, expected reproduced beside it")
        for level in ("reproduced", "partly"):
            if level in evidence and not _THRESHOLD.fullmatch(str(evidence[level])):
                raise ValueError(
                    f"{place}: {level}: found {evidence[level]!r}, expected a form like '>= 0.9'"
                )
        _text(evidence, 0.5, place)


def _text(evidence: Mapping[str, Any], value: float, where: str) -> str:
    try:
        number = evidence.get("format", "{:.3g}").format(value)
    except (ValueError, KeyError, IndexError) as error:
        raise ValueError(f"{where}: format: found {evidence['format']!r} ({error})") from None
    return f"{evidence['label']}: {number}"


def judge(claim: Mapping[str, Any], root: Path | None = None) -> Result:
    """Return our values for a claim and the verdict.

    "reproduced" where every value reaches its threshold, "not reproduced" where none reaches even
    the one for "partly", "not run yet" where a value is missing, "partly" otherwise. Evidence
    without a threshold is shown and not judged.
    """
    root = root or paths.root()
    measured = tuple(_measure(evidence, claim["id"], root) for evidence in claim["evidence"])
    verdicts = {value.verdict for value in measured if value.verdict}
    if not verdicts or NOT_RUN in verdicts:
        verdict = NOT_RUN
    elif len(verdicts) == 1:
        verdict = verdicts.pop()
    else:
        verdict = PARTLY
    return Result(claim, measured, verdict)


def _measure(evidence: Mapping[str, Any], claim: str, root: Path) -> Measured:
    notebook, name = evidence["record"].split("/")
    missing = NOT_RUN if "reproduced" in evidence else None
    for preset in reversed(presets.NAMES):  # the paper preset first
        path = root / "results" / preset / notebook / f"{name}.json"
        if path.is_file():
            break
    else:
        return Measured(None, "", None, missing)
    record = records.read(path)
    value: Any = {"metrics": record["metrics"], "timing": record["run"]["timing"]}
    for key in evidence["key"].split("."):
        known = value if isinstance(value, Mapping) else {}
        value = known[checks.one_of(key, f"claims.yaml: {claim}: {path.name}: key", known)]
    if value is None:
        return Measured(None, "", preset, missing)
    value = checks.real(value, f"claims.yaml: {claim}: {path.name}: {evidence['key']}")
    if "reproduced" not in evidence:
        verdict = None
    elif _reaches(value, evidence["reproduced"]):
        verdict = REPRODUCED
    elif "partly" in evidence and _reaches(value, evidence["partly"]):
        verdict = PARTLY
    else:
        verdict = NOT_REPRODUCED
    return Measured(value, _text(evidence, value, claim), preset, verdict)


def moved(path: Path, timing: Mapping[str, Any]) -> bool:
    """Whether a timing that a claim judges differs from the record at `path` by more than noise.

    `timing`: the values measured now. One has moved where it is more than `TIMING_BAND` times the
    recorded one or less than its inverse, where it reaches another threshold of the claim, and
    where only one of the two is there. Other timings of the record do not count.
    """
    pointer = f"{path.parent.name}/{path.stem}"
    judged = [evidence for claim in load() for evidence in claim["evidence"]
              if evidence["record"] == pointer and evidence["key"].startswith("timing.")
              and "reproduced" in evidence]
    if not judged:
        return False
    recorded = records.read(path)["run"].get("timing", {})
    return any(_moved(evidence, recorded, timing) for evidence in judged)


def _moved(
    evidence: Mapping[str, Any], recorded: Mapping[str, Any], timing: Mapping[str, Any]
) -> bool:
    name = evidence["key"].removeprefix("timing.")
    old, new = recorded.get(name), timing.get(name)
    if old is None or new is None:
        return old is not new
    levels = [evidence[level] for level in ("reproduced", "partly") if level in evidence]
    if any(_reaches(old, level) != _reaches(new, level) for level in levels):
        return True
    low, high = sorted((abs(old), abs(new)))
    return old * new < 0 or high > TIMING_BAND * low


def _reaches(value: float, threshold: str) -> bool:
    compare, limit = _THRESHOLD.fullmatch(threshold).groups()
    return _COMPARE[compare](value, float(limit))


def ours(result: Result) -> str:
    """Return our values as one line of text, with the preset they come from."""
    texts = [f"{value.text} ({value.preset})" for value in result.measured if value.text]
    return "; ".join(texts) or "–"


def paper(claim: Mapping[str, Any]) -> str:
    """Return the paper's value as text that says where no table stands behind it."""
    return f"{claim['paper']['value']}{_KINDS[claim['paper']['kind']]}"
