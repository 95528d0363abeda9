"""Judge a re-run as a whole: its values beside the committed ones, and the claims' verdicts."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from companion import claims, files, notebooks, paths, presets, records, sources
from nslib import checks

from . import compare, tolerances
from .compare import DIFFERS, IDENTICAL, MISSING, NOT_COMPARED, WITHIN, Comparison

VERDICT_CHANGED = "verdict changed"


@dataclass(frozen=True)
class Verdict:
    """A claim's verdict, or that of one piece of its evidence, as committed and from the re-run.

    `what`: the claim's id, or id and record:key. `committed`, `rerun`: the verdicts. `outcome`:
    identical, within tolerance (a time that crossed a threshold inside its tolerance), verdict
    changed. `because`: what moved, in words.
    """

    what: str
    committed: str | None
    rerun: str | None
    outcome: str
    because: str = ""


@dataclass(frozen=True)
class Reproduction:
    """What a re-run came to.

    `preset`, `notebooks`: what was run. `comparison`: its values. `verdicts`: those of the claims.
    `circumstances`: machine, versions, git, date. `committed`, `rerun`: the folders compared.
    """

    preset: str
    notebooks: tuple[str, ...]
    comparison: Comparison
    verdicts: tuple[Verdict, ...]
    circumstances: Mapping[str, Any]
    committed: Path
    rerun: Path

    @property
    def unexplained(self) -> int:
        """Number of values beyond their tolerance, and of edits, for which no reason is known."""
        return sum(not value.explained for value in self.comparison.of(DIFFERS)) + sum(
            verdict.outcome == DIFFERS for verdict in self.verdicts)

    @property
    def changed(self) -> int:
        """Number of verdicts that changed."""
        return sum(verdict.outcome == VERDICT_CHANGED for verdict in self.verdicts)

    @property
    def failed(self) -> bool:
        """Whether a verdict changed or a value is missing."""
        return bool(self.changed or self.comparison.count(MISSING))

    @property
    def conclusion(self) -> str:
        """The verdict of the whole, in words."""
        comparison = self.comparison
        if self.failed:
            return (f"NOT REPRODUCED: {self.changed} verdicts changed, "
                    f"{comparison.count(MISSING)} values missing")
        if comparison.count(DIFFERS) or self.unexplained:
            return (f"REPRODUCED, every verdict unchanged; {comparison.count(DIFFERS)} values "
                    f"differ, {self.unexplained} differences are unexplained")
        if comparison.count(WITHIN):
            return "REPRODUCED within tolerances"
        return "REPRODUCED, every value identical"


def verify(
    preset: str = "quick", names: Sequence[str] = (), rerun: Path | None = None,
    root: Path | None = None, rules: tolerances.Rules | None = None,
) -> Reproduction:
    """Compare a re-run with the committed results.

    Parameters
    ----------
    preset
        quick or paper.
    names
        Notebooks; by default all, with the paper preset those that the re-run holds.
    rerun
        Folder with `results/` and, where pictures are to be compared, `figures/`; by default
        `build/` of the repository, where runs write.
    root
        The repository with the committed results; by default the one around the current folder.
    rules
        Tolerances; by default those of tolerances.yaml.

    Returns
    -------
    Reproduction

    Raises
    ------
    FileNotFoundError
        Where the folder holds no results of this preset.
    ValueError
        For an unknown preset or notebook, with the nearest name, and files that are no records.
    """
    root = root or paths.root()
    rerun = rerun or root / "build"
    checks.one_of(preset, "preset", presets.NAMES)
    known = notebooks.find(root)
    for name in names:
        checks.one_of(name, "notebook", known)
    there = rerun / "results" / preset
    ran = {path.name for path in there.glob("*") if any(path.glob("*.json"))}
    if not ran:
        raise FileNotFoundError(f"{there}: found no records; run the notebooks first "
                                f"(make reproduce, or nslib run NOTEBOOK --preset {preset})")
    chosen = tuple(names or [name for name in known if preset == "quick" or name in ran])
    comparison = compare.folders(chosen, preset, root, rerun, rules,
                                 figures=(rerun / "figures").is_dir())
    here = {name: sources.code(known[name]) for name in chosen}
    comparison = Comparison(comparison.values, comparison.counts, {
        place: code == here[place.partition("/")[0]] for place, code in comparison.sources.items()})
    verdicts = tuple(_verdicts(preset, chosen, root, rerun, comparison))
    return Reproduction(preset, chosen, comparison, verdicts, circumstances(root), root, rerun)


def circumstances(root: Path) -> dict[str, Any]:
    """Return when and on what the comparison is made: date, git, processor, system, versions."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "git": records.git_state(root), "cpu": records.cpu(), "system": platform.platform(),
        "python": platform.python_version(), "versions": records.versions(),
    }


def _verdicts(
    preset: str, names: Sequence[str], root: Path, rerun: Path, comparison: Comparison
) -> list[Verdict]:
    """Compare the verdicts on file, those of the committed records and those of the re-run."""
    path = root / "results" / "verdicts.json"
    on_file = files.read_json(path).get(preset, {}) if path.is_file() else {}
    anew = claims.verdicts(preset, root, root)
    again = claims.verdicts(preset, rerun, root)
    moved = {value.name: value for value in comparison.values}
    told = []
    for claim in claims.load(root):
        name = claim["id"]
        if not any(evidence["record"].split("/")[0] in names for evidence in claim["evidence"]):
            continue
        old = on_file.get(name, {"verdict": None, "evidence": []})
        if old != anew[name]:
            kept = [one["verdict"] for one in (old, *old["evidence"])] == [
                one["verdict"] for one in (anew[name], *anew[name]["evidence"])]
            told.append(Verdict(f"{name}: on file", old["verdict"], anew[name]["verdict"],
                                DIFFERS if kept else VERDICT_CHANGED, _edited(old, anew[name])))
        told += _evidence(name, anew[name], again[name], moved)
    return told


def _edited(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return what changed between results/verdicts.json and claims.yaml with the records."""
    before, after = dict(compare.flat(old["evidence"])), dict(compare.flat(new["evidence"]))
    parts = [f"{'.'.join(map(str, key))}: {before.get(key)} -> {after.get(key)}"
             for key in [*before, *(key for key in after if key not in before)]
             if before.get(key) != after.get(key)]
    return "claims.yaml or a committed record was edited, not refreshed: " + "; ".join(parts)


def _evidence(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any], moved: Mapping[str, compare.Compared]
) -> list[Verdict]:
    """Compare a claim's verdict and that of each piece of its evidence."""
    told, excused = [], True
    for one, other in zip(old["evidence"], new["evidence"], strict=True):
        if one["verdict"] == other["verdict"]:
            continue
        value = moved.get(f"{one['record']}:{one['key']}")
        timing = one["key"].startswith("timing.") and value is not None and value.outcome == WITHIN
        excused &= timing
        words = f"{one['value']} -> {other['value']}" + (
            f", inside its tolerance of {value.allowed}" if timing else "")
        told.append(Verdict(f"{name}: {one['record']}:{one['key']}", one["verdict"],
                            other["verdict"], WITHIN if timing else VERDICT_CHANGED, words))
    outcome = IDENTICAL
    if old["verdict"] != new["verdict"]:
        outcome = WITHIN if excused else VERDICT_CHANGED
    return [Verdict(name, old["verdict"], new["verdict"], outcome), *told]


def summary(result: Reproduction, certificate: Path) -> list[str]:
    """Return five lines on a re-run: what, values, times, verdicts, the conclusion."""
    comparison, git = result.comparison, result.circumstances["git"]["commit"] or "no commit"
    times = [value for value in comparison.of(WITHIN, DIFFERS) if value.is_time]
    near = sum(value.outcome == WITHIN for value in times)
    claims_told = [verdict for verdict in result.verdicts if ":" not in verdict.what]
    same = sum(verdict.outcome != VERDICT_CHANGED for verdict in claims_told)
    stale = sum(not current for current in comparison.sources.values())
    return [
        f"verify: {result.preset} preset, {len(result.notebooks)} notebooks, at {git[:12]} on "
        f"{result.circumstances['cpu']}" + (f"; {stale} records are of other sources" if stale
                                            else ""),
        f"values: {comparison.total}, {comparison.count(IDENTICAL)} identical, "
        f"{comparison.count(WITHIN)} within tolerance, {comparison.count(DIFFERS)} differ "
        f"({sum(bool(value.explained) for value in comparison.of(DIFFERS))} explained), "
        f"{comparison.count(MISSING)} missing",
        f"times: {near} of {len(times)} inside their band, in units of a calibration loop; "
        f"{comparison.count(NOT_COMPARED)} not compared",
        f"verdicts: {same} of {len(claims_told)} claims as committed",
        f"{result.conclusion}; certificate: {certificate}",
    ]
