"""Figures: one style, and every figure saved with the data it shows and a record of its making.

`save` writes a PNG, an SVG, the plotted data as CSV and a JSON record. A figure made by a function
marked with `drawing` can be drawn again from these files alone (`redraw`), without computing: it is
drawn from numbers with the digits that the CSV keeps, so equal numbers give equal pictures.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from cycler import cycler
from matplotlib.figure import Figure

from . import files, paths, records
from .run import Run, current

COLUMN = 3.35  # inches: the width of one column of a two-column paper
DOUBLE = 7.0  # inches: both columns
# Okabe and Ito's colours that also differ in lightness, and a line style for each, so that lines
# are told apart by readers who see colours differently and on paper without colours.
PALETTE = ("#0072B2", "#E69F00", "#000000", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Draw inside this context to have the companion's style, whatever the user's settings are.

    A notebook's backend turns matplotlib interactive when the first figure is made; that stays so,
    or no later figure would be shown.
    """
    rc = {
        **sns.axes_style("ticks"),
        **sns.plotting_context("paper"),
        "axes.grid": True,
        "axes.prop_cycle": cycler(color=PALETTE) + cycler(linestyle=_DASHES),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "figure.constrained_layout.use": True,
        "figure.dpi": 110,
        "figure.figsize": (COLUMN, 0.7 * COLUMN),
        "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
        "font.size": 8,
        "axes.labelsize": 8,
        "axes.titlesize": 8,
        "grid.alpha": 0.4,
        "grid.linewidth": 0.4,
        "image.cmap": "cividis",
        "legend.fontsize": 7,
        "legend.title_fontsize": 7,
        "lines.linewidth": 1.2,
        "lines.markersize": 4,
        "savefig.dpi": 300,
        "svg.hashsalt": "nslib",
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
    }
    with plt.style.context(["default", rc]):
        yield
        interactive = matplotlib.is_interactive()
    matplotlib.interactive(interactive)


def drawing(function: Callable[..., Figure]) -> Callable[..., Figure]:
    """Mark a function `f(data, **options) -> Figure`, so that its figures can be redrawn.

    `data`: a DataFrame or a mapping of names to DataFrames, drawn and never computed from;
    `options`: values that JSON holds. Both reach the function with six significant
    digits, as they are stored. The function draws in the companion's style and the figure
    remembers what drew it, as "module:function"; nothing where that is a notebook's own function,
    which cannot be imported again. Raises ValueError for one that is not at the top of a module.
    """
    name = f"{function.__module__}:{function.__qualname__}"
    if "<locals>" in name:
        raise ValueError(f"drawing: found {name}, expected a function at the top of its module")

    @functools.wraps(function)
    def drawn(data: Any, **options: Any) -> Figure:
        options = files.plain(options, "options", files.significant)
        with style():
            figure = function(_stored(data), **options)
        if function.__module__ != "__main__":
            figure.nslib_drawing = {"function": name, "options": options}
        return figure

    return drawn


def _stored(data: Any) -> Any:
    """Return a DataFrame, or each of a mapping, with numbers as the CSV keeps them."""
    if isinstance(data, Mapping):
        return {label: _stored(frame) for label, frame in data.items()}
    if not isinstance(data, pd.DataFrame) or not data.columns.is_unique:
        return data
    floats = data.select_dtypes("floating")
    rounded = {name: np.array([files.significant(number) for number in column], column.dtype)
               for name, column in floats.items()}
    return data.assign(**rounded)


def _tables(name: str, data: Any) -> list[tuple[str | None, str, pd.DataFrame]]:
    """Return (label, file name, frame) of the plotted data, or say why it cannot be kept."""
    if isinstance(data, pd.DataFrame):
        tables = [(None, f"{name}.csv", data)]
    elif isinstance(data, Mapping) and data:
        tables = [(label, f"{name}.{paths.valid_name(label, 'data key')}.csv", frame)
                  for label, frame in data.items()]
    else:
        raise TypeError(
            f"data: found {'None' if data is None else repr(data)[:60]}, expected the plotted data "
            "as a pandas DataFrame or a mapping of names to DataFrames"
        )
    rows = sum(len(frame) for _, _, frame in tables if isinstance(frame, pd.DataFrame))
    for label, _, frame in tables:
        where = "data" if label is None else f"data[{label!r}]"
        if not isinstance(frame, pd.DataFrame):
            raise TypeError(f"{where}: found {type(frame).__name__}, expected a pandas DataFrame")
        if not frame.shape[1] or not rows:  # one of several parts may have no rows to draw
            raise ValueError(f"{where}: found shape {frame.shape}, expected at least one row and "
                             "one column")
        names = ", ".join(repr(name) for name in frame.index.names if name is not None)
        if names or frame.index.dtype.kind not in "iu":
            raise ValueError(f"{where}: found the index {names or list(frame.index[:3])}, "
                             "expected all data in columns: use reset_index()")
    return tables


def _csv(frame: pd.DataFrame, file: str) -> bytes:
    """Return the frame as CSV that reads back equal; ValueError names the column that would not."""
    columns = _columns(frame)
    if len(columns) != frame.shape[1]:
        raise ValueError(f"{file}: found column names that are not unique texts")
    for column in frame:
        part = frame[[column]].reset_index(drop=True)
        try:
            same = _read_csv(_to_csv(part), columns).equals(part)
        except (TypeError, ValueError):
            same = False
        if not same:
            raise ValueError(
                f"{file}: the column {column!r} of type {frame[column].dtype} does not survive a "
                "CSV file; expected numbers, true/false or texts, one line each and none missing"
            )
    return _to_csv(frame)


def _to_csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode()


def _columns(frame: pd.DataFrame) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in frame.dtypes.items() if isinstance(name, str)}


def _read_csv(content: bytes, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return a table whose columns have these types; every float is the one that was written."""
    texts = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False,
                        skip_blank_lines=False)

    def typed(values: pd.Series, dtype: str) -> Any:
        if dtype == "bool":
            return values == "True"
        if dtype in ("str", "object"):
            return values.astype(dtype)
        return values.replace("", "nan").to_numpy(dtype="U").astype(dtype)

    return pd.DataFrame({column: typed(texts[column], columns[column]) for column in texts})


def _images(figure: Figure, name: str, facts: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the PNG, with the key facts in its metadata, and the SVG."""
    text = {
        "Title": facts["title"],
        "Source": facts["notebook"],
        "nslib:notebook": facts["notebook"],
        "nslib:preset": facts["preset"],
        "nslib:parameters": json.dumps(facts["parameters"]),
        "nslib:seed": json.dumps(facts["seed"]),
        "nslib:data": json.dumps({table["file"]: table["checksum"] for table in facts["data"]}),
        "nslib:version": str(facts["versions"]["nslib"]),
    }
    png = io.BytesIO()
    with style():
        figure.savefig(png, format="png", metadata=text, pil_kwargs={"optimize": True})
    return {f"{name}.png": png.getvalue(), f"{name}.svg": svg(figure, facts["title"])}


def svg(figure: Figure, title: str) -> bytes:
    """Return a figure as SVG, equal for equal figures, with its title as metadata."""
    content = io.BytesIO()
    with style():
        figure.savefig(content, format="svg", metadata={"Title": title, "Date": None})
    return content.getvalue()


def save(figure: Figure, name: str, data: Any = None, run: Run | None = None) -> None:
    """Save a figure of the current run, with its data and its record, below build/figures/.

    `name`: letters, digits, - and _. `data`: what is plotted, long form, as a DataFrame
    (`<name>.csv`) or a mapping of names to DataFrames (`<name>.<key>.csv`), kept with six
    significant digits. Beside them stand `<name>.png` (300 dpi), `<name>.svg` and
    `<name>.json`: parameters, seed, git commit and dirty flag, versions, checksums, wall time,
    peak memory, CPU. The figure stays open, so a notebook shows it as usual.

    Writes all files or none. Raises TypeError or ValueError for no data, data without rows or that
    no CSV can hold, data in the index (a CSV keeps columns only, and row numbers are no data), and
    RuntimeError where no run was begun.
    """
    if not isinstance(figure, Figure):
        raise TypeError(f"figure: found {type(figure).__name__}, expected a matplotlib Figure")
    run = current() if run is None else run
    if not isinstance(run, Run):
        raise TypeError(f"run: found {run!r}, expected a Run (from companion.begin)")
    paths.valid_name(name, "name")
    tables = _tables(name, _stored(data))
    contents = {file: _csv(frame, file) for _, file, frame in tables}
    titles = [figure.get_suptitle(), *(axes.get_title() for axes in figure.axes)]
    facts = {
        "figure": name,
        "title": next(filter(None, titles), name),
        "notebook": run.notebook,
        "preset": run.preset,
        "parameters": run.parameters,
        "seed": run.seed,
        "drawing": getattr(figure, "nslib_drawing", None),
        "data": [
            {"name": label, "file": file, "rows": len(frame), "columns": _columns(frame),
             "checksum": records.checksum(contents[file])}
            for label, file, frame in tables
        ],
        "sources": dict(run.sources),
        "versions": records.versions(),
    }
    images = _images(figure, name, facts)
    _write(paths.figures(run.preset, run.notebook), name, facts, {**images, **contents},
           records.circumstances(run.notebook, run.wall_seconds))


def _write(
    folder: Path, name: str, facts: dict[str, Any], contents: Mapping[str, bytes],
    run: Mapping[str, Any],
) -> bool:
    """Write a figure's files and record where anything changed; return whether it did."""
    facts = {**facts, "files": {file: records.checksum(contents[file])
                                for file in (f"{name}.png", f"{name}.svg")}}
    record = folder / f"{name}.json"
    on_disk = {file: folder / file for file in contents}
    whole = {on_disk[file]: content for file, content in contents.items()}
    whole[record] = files.json_bytes({**facts, "run": run})
    if all(path.is_file() and path.read_bytes() == content for path, content in whole.items()):
        return False
    files.write(whole)
    for path in folder.glob(f"{name}.*csv"):  # tables of an earlier form of the figure
        if path not in whole:
            path.unlink()
    return True


def redraw(folder: Path) -> dict[Path, str]:
    """Draw every figure below `folder` again from its CSV files and its record alone.

    Returns the record of each figure and what became of it: "unchanged", "redrawn", or
    "no drawing" for one that no function marked with `drawing` drew. The record keeps its facts,
    since the data are as they were. Raises ValueError for a record of a drawing that cannot be
    imported and for data whose checksum is not the record's.
    """
    outcome = {}
    for path in sorted(folder.rglob("*.json")):
        facts = records.read(path)
        run, _ = facts.pop("run"), facts.pop("files")
        if facts["drawing"] is None:
            outcome[path] = "no drawing"
            continue
        figure, contents = drawn_again(path)
        contents |= _images(figure, facts["figure"], facts)
        plt.close(figure)
        changed = _write(path.parent, facts["figure"], facts, contents, run)
        outcome[path] = "redrawn" if changed else "unchanged"
    return outcome


def drawn_again(path: Path) -> tuple[Figure, dict[str, bytes]]:
    """Return the figure of the record at `path`, drawn from its data, and these files' contents.

    Raises the errors of `redraw`.
    """
    record = records.read(path)
    module, _, name = record["drawing"]["function"].partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"{path.name}: drawing: found {record['drawing']['function']!r}, expected the "
            f"module:function of a drawing ({error})"
        ) from None
    frames, contents = {}, {}
    for table in record["data"]:
        file = path.parent / table["file"]
        content = contents[table["file"]] = file.read_bytes()
        checksum = records.checksum(content)
        if checksum != table["checksum"]:
            raise ValueError(f"{file}: found {checksum}, expected {table['checksum']} as in its "
                             "record; run the notebook again")
        frames[table["name"]] = _read_csv(content, table["columns"])
    return function(frames.get(None, frames), **record["drawing"]["options"]), contents
