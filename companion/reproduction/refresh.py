"""Make a run the committed one: say what changes and by how much, then write it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from companion import claims, cleaning, files, notebooks, pages, paths, records, sources

from . import compare
from .compare import DIFFERS, WITHIN, Compared

_SUFFIXES = (".json", ".csv", ".png", ".svg")  # of a figure
_SHOWN = 8  # changed values of a file that are told, the largest first


def changes(
    names: Sequence[str], preset: str, root: Path, rerun: Path
) -> dict[str, list[Compared]]:
    """Return place to the values that a refresh would change, the largest change first.

    Times that only varied inside their tolerance change nothing, so that a record which is as it
    was stays as it is. Raises FileNotFoundError for a notebook without a run, and ValueError for
    one whose run was made by other sources than are here.
    """
    known = notebooks.find(root)
    for name in names:
        made = sorted(paths.results(preset, name, rerun).glob("*.json"))
        if not made:
            raise FileNotFoundError(f"{name}: found no run in {rerun}; run it first: "
                                    f"nslib run {name} --preset {preset}")
        here = sources.code(known[name])
        for path in made:
            if records.read(path)["run"].get("code") != here:
                raise ValueError(f"{path}: found a run of other sources than are here; run it "
                                 f"again: nslib run {name} --preset {preset}")
    told: dict[str, list[Compared]] = {}
    comparison = compare.folders(names, preset, root, rerun)
    for value in comparison.values:
        if not (value.is_time and value.outcome == WITHIN):
            told.setdefault(value.place, []).append(value)
    varied = {_file_of(value.place) for value in comparison.values}
    for name in names:
        for path in sorted(paths.figures(preset, name, rerun).glob("*.json")):
            place, old = f"{name}/figures/{path.stem}", paths.figures(preset, name, root)
            if place not in varied and (
                    records.read(path)["files"] != records.read(old / path.name)["files"]):
                told[place] = [Compared(place, ("picture",), "as it was", "redrawn", "file",
                                        WITHIN, "")]
    for values in told.values():
        values.sort(key=lambda value: -(value.change or float("inf")))
    return told


def in_words(told: dict[str, list[Compared]]) -> Iterator[str]:
    """Yield lines that say what changes and by how much."""
    for place, values in told.items():
        yield f"{place}: {len(values)} values change"
        for value in values[:_SHOWN]:
            change = value.change
            size = "" if change is None else f" ({change:.2g})"
            key = ".".join(map(str, value.key)) or "the file"
            beyond = ", beyond its tolerance" if value.outcome == DIFFERS else ""
            yield f"  {key}: {_short(value.committed)} -> {_short(value.rerun)}{size}{beyond}"
        if len(values) > _SHOWN:
            yield f"  and {len(values) - _SHOWN} more"


def _short(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def write(
    names: Sequence[str], preset: str, root: Path, rerun: Path, places: Sequence[str]
) -> list[Path]:
    """Copy the records, figures and tables at `places` over the committed ones; return the files.

    With the quick preset the notebooks' outputs are written too; then the pages and verdicts that
    are made from records.
    """
    written: list[Path] = []
    changed = {_file_of(place) for place in places}
    for name in names:
        for folder_of, kind in ((paths.results, ""), (paths.results, "tables/"),
                                (paths.figures, "figures/")):
            source, target = (folder_of(preset, name, folder) for folder in (rerun, root))
            start = f"{name}/{kind}"
            stems = {place.removeprefix(start) for place in changed if place.startswith(start)}
            suffixes = {"": (".json",), "tables/": (".csv",)}.get(kind, _SUFFIXES)
            written += _copied(source, target, stems, suffixes)
        if preset == "quick":
            path = notebooks.get(name, root)
            executed, _ = paths.executed(name, preset, root, None)
            if executed.is_file():
                before = path.read_bytes()
                cleaning.refresh(path, executed)
                written += [path] if path.read_bytes() != before else []
    return written + refresh_pages(root)


def refresh_pages(root: Path) -> list[Path]:
    """Write the README's table, REPRODUCING.md and verdicts.json where they are stale."""
    results = [claims.judge(claim, root) for claim in claims.load(root)]
    stale = pages.stale(results, root)
    files.write({path: text.encode() for path, text in stale.items()})
    return list(stale)


def _file_of(place: str) -> str:
    """Return the place without the label of a figure's table: NN/figures/name.label is of name."""
    return place.partition(".")[0]


def _copied(source: Path, target: Path, stems: set[str], suffixes: Sequence[str]) -> list[Path]:
    """Copy the files of these names and suffixes, and remove those that the run does not have."""
    def own(folder: Path) -> list[Path]:
        return [path for path in sorted(folder.glob("*")) if path.suffix in suffixes
                and path.name.partition(".")[0] in stems]

    fresh = {target / path.name: path.read_bytes() for path in own(source)}
    gone = [path for path in own(target) if path not in fresh]
    files.write(fresh)
    for path in gone:
        path.unlink()
    return [*fresh, *gone]
