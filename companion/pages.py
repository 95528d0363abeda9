"""What is made from the claims: the README's table, REPRODUCING.md, results/verdicts.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import claims, files, notebooks, presets
from .claims import Result

BEGIN, END = "<!-- claims:begin -->", "<!-- claims:end -->"


def stale(results: Sequence[Result], root: Path) -> dict[Path, str]:
    """Return path to new text of each page that is not as the claims and records would have it.

    Raises ValueError where the README has no pair of markers for the table.
    """
    readme, guide, verdicts = (root / name for name in (
        "README.md", "REPRODUCING.md", "results/verdicts.json"))
    old = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    if old.count(BEGIN) != 1 or old.count(END) != 1 or old.index(BEGIN) > old.index(END):
        raise ValueError(f"README.md: expected the lines {BEGIN} and {END}, once each, in order")
    head, _, rest = old.partition(BEGIN)
    tail = rest.partition(END)[2]
    pages = {readme: f"{head}{BEGIN}\n{table(results)}{END}{tail}",
             guide: reproducing(results, root),
             verdicts: files.json_bytes({preset: claims.verdicts(preset, root, root)
                                         for preset in presets.NAMES}).decode()}
    return {path: text for path, text in pages.items()
            if not path.is_file() or path.read_text(encoding="utf-8") != text}


def table(results: Sequence[Result]) -> str:
    """Return the README's table: claim, paper, ours, verdict."""
    rows = [
        (f"**{result.claim['id']}** {result.claim['claim']}", claims.paper(result.claim),
         claims.ours(result), _verdicts(result))
        for result in results
    ]
    return _markdown(("claim", "paper", "ours", "verdict"), rows)


def _verdicts(result: Result) -> str:
    """Return the verdict, in brackets those of the readings."""
    readings = "; ".join(f"{reading}: {verdict}" for reading, verdict in result.readings.items())
    return f"**{result.verdict}**" + (f" ({readings})" if readings else "")


def reproducing(results: Sequence[Result], root: Path) -> str:
    """Return REPRODUCING.md: claim, notebook, command, minutes; then how each claim is judged."""
    files_of = notebooks.find(root)
    rows = []
    for result in results:
        name = result.claim["notebook"]
        known = (f"{name} (planned)" if name else "none yet", "–", "–")
        if name in files_of:
            known = (f"[{name}](notebooks/{name}.ipynb)", f"`nslib run {name} --preset paper`",
                     notebooks.info(files_of[name]).minutes_in_words)
        rows.append((result.claim["id"], *known))
    parts = [
        "# Reproducing the claims\n",
        "Written by `nslib refresh` from claims.yaml and the records in `results/`; edit those "
        "instead.\n",
        "`make reproduce` runs every notebook with its quick preset and compares the run with the "
        "committed results. The commands below compute with the paper preset; without "
        "`--preset paper` they take the first number of minutes. `nslib verify --preset paper "
        "NOTEBOOK` compares such a run.\n",
        _markdown(("claim", "notebook", "command", "minutes (quick / paper)"), rows),
        "## How each claim is judged\n",
        "A claim is *reproduced* where every value reaches its threshold, *not reproduced* where "
        "none reaches even the one for partly, *not run yet* where a value is missing, and "
        "*partly* otherwise. Where a claim can be read in two ways, each reading has its verdict "
        "by the same rule, and the claim by the values of both. In brackets after a value: the "
        "least and the largest of the repetitions.\n",
        *(_section(result) for result in results),
    ]
    return "\n".join(parts)


def _section(result: Result) -> str:
    claim = result.claim
    lines = [
        f"### {claim['id']}: {claim['claim']}\n",
        f"- where in the paper: {claim['where']}",
        f"- metric: {claim['metric']}",
        f"- the paper: {claims.paper(claim)}; {claim['paper']['source']}",
        f"- judged: {claim['judged']}",
    ]
    for evidence, value in zip(claim["evidence"], result.measured, strict=True):
        limits = ", ".join(f"{level} {evidence[level]}" for level in claims.LEVELS
                           if level in evidence)
        source = f"record `{evidence['record']}`, `{evidence['key']}`"
        text = f"{value.text} ({value.preset} preset)" if value.text else evidence["label"]
        verdict = value.verdict or "beside the claim, not judged"
        who = f"ours, {evidence['reading']}" if "reading" in evidence else "ours"
        lines.append(f"- {who}: {text}: {verdict} [{limits}{'; ' if limits else ''}{source}]")
    return "\n".join([*lines, f"- verdict: {_verdicts(result)}", ""])


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"

    rule = "|" + "---|" * len(header)
    return "\n".join([line(header), rule, *map(line, rows)]) + "\n"
