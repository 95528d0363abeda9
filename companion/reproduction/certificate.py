"""The certificate of a re-run: JSON for programs, Markdown and one HTML page for people.

It has the parts of a CODECHECK certificate (paper, checker, date, manifest, summary; see
https://codecheck.org.uk/spec/config/1.0/) and beside them every value that is not identical.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from companion import files, paths, records

from .compare import DIFFERS, IDENTICAL, MISSING, NOT_COMPARED, WITHIN, Compared
from .verify import Reproduction, summary

OUTCOMES = (IDENTICAL, WITHIN, DIFFERS, MISSING, NOT_COMPARED)
_LARGEST = 12  # values within tolerance that the pages show, the largest changes


def write(result: Reproduction, folder: Path) -> Path:
    """Write certificate.json, .md and .html into a folder and return the HTML page's path."""
    facts = as_mapping(result)
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined,
        autoescape=jinja2.select_autoescape(["html"]),
    )
    templates.filters["number"] = _number
    page = folder / "certificate.html"
    shown = {**facts, "outcomes": OUTCOMES, "lines": summary(result, Path(page.name))}
    text = templates.get_template("certificate.md").render(shown)
    html = templates.get_template("certificate.html").render(pictures=_pictures(result), **shown)
    files.write({
        folder / "certificate.json": files.json_bytes(facts),
        folder / "certificate.md": text.encode(),
        page: html.encode(),
    })
    return page


def as_mapping(result: Reproduction) -> dict[str, Any]:
    """Return the certificate as values that JSON holds."""
    comparison, here = result.comparison, result.circumstances
    counts: dict[str, Counter[str]] = {}
    for place, own in comparison.counts.items():
        counts.setdefault(place.partition("/")[0], Counter()).update(own)
    within = sorted(comparison.of(WITHIN), key=lambda value: -value.size)
    return {
        "version": "https://codecheck.org.uk/spec/config/1.0/",
        "paper": _paper(result.committed),
        "codechecker": [{"name": f"nslib verify, a program, on {here['cpu']}"}],
        "check_time": here["date"],
        "summary": result.conclusion,
        "repository": {"commit": here["git"]["commit"], "dirty": here["git"]["dirty"]},
        "manifest": [{"file": place, "comment": ", ".join(
            f"{own[outcome]} {outcome}" for outcome in OUTCOMES if own[outcome])}
            for place, own in comparison.counts.items()],
        "preset": result.preset,
        "machine": {"cpu": here["cpu"], "system": here["system"], "python": here["python"]},
        "versions": dict(here["versions"]),
        "committed_on": _machines(result, result.committed),
        "rerun_on": _machines(result, result.rerun),
        "other_sources": [place for place, current in comparison.sources.items() if not current],
        "counts": {notebook: {outcome: own[outcome] for outcome in OUTCOMES}
                   for notebook, own in counts.items()},
        "verdicts": [{"what": one.what, "committed": one.committed, "rerun": one.rerun,
                      "outcome": one.outcome, "because": one.because} for one in result.verdicts],
        "missing": [_row(value) for value in comparison.of(MISSING)],
        "differs": [_row(value) for value in comparison.of(DIFFERS)],
        "within": [_row(value) for value in within],
        "largest_within": [_row(value) for value in within[:_LARGEST]],
        "kinds": _kinds(within),
    }


def _kinds(values: list[Compared]) -> list[dict[str, Any]]:
    """Return kind, number and largest change of the values within tolerance."""
    rows = []
    for kind in sorted({value.kind for value in values}):
        changes = [value.size for value in values if value.kind == kind]
        rows.append({"kind": kind, "values": len(changes), "largest": files.significant(
            max(changes))})
    return rows


def _row(value: Compared) -> dict[str, Any]:
    change = value.change
    return {"value": value.name, "committed": value.committed, "rerun": value.rerun,
            "change": None if change is None else files.significant(change), "kind": value.kind,
            "allowed": value.allowed, "explained": value.explained}


def _number(value: Any) -> str:
    """Return a value as the pages show it."""
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _paper(root: Path) -> dict[str, Any]:
    """Return title, authors and reference of the paper from CITATION.cff, where there is one."""
    path = root / "CITATION.cff"
    if not path.is_file():
        return {"title": None, "authors": [], "reference": None}
    cited = files.read_yaml(path)["preferred-citation"]
    return {"title": cited["title"], "reference": cited["url"], "authors": [
        {"name": f"{one['given-names']} {one['family-names']}"} for one in cited["authors"]]}


def _machines(result: Reproduction, folder: Path) -> list[str]:
    """Return of each processor in a folder's records their number and from when they are."""
    known: dict[str, list[str]] = {}
    for name in result.notebooks:
        for path in paths.results(result.preset, name, folder).glob("*.json"):
            run = records.read(path)["run"]
            known.setdefault(str(run.get("cpu")), []).append(str(run.get("written_at")))
    return [f"{cpu}: {len(dates)} records, {min(dates)[:10]} to {max(dates)[:10]}"
            for cpu, dates in sorted(known.items())]


def _pictures(result: Reproduction) -> list[Mapping[str, str]]:
    """Return name and both pictures, as data, of the figures whose data differ."""
    places = {value.place.partition(".")[0] for value in result.comparison.of(DIFFERS, MISSING)
              if "/figures/" in value.place}
    shown = []
    for place in sorted(places):
        notebook, _, name = place.partition("/figures/")
        both = {}
        for side, folder in (("committed", result.committed), ("rerun", result.rerun)):
            path = paths.figures(result.preset, notebook, folder) / f"{name}.png"
            both[side] = (f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
                          if path.is_file() else "")
        shown.append({"name": place, **both})
    return shown
