"""`read_table`: a CSV file of one's own as features and a target, with a description of columns.

Nothing is guessed silently: each column's type and use are in the description, what is doubtful is
a warning, and what cannot be learnt from is a ValueError that says what to change.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zlib import error as ZlibError

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from .. import checks
from .column_descriptions import describe, is_date, numbers_among

FEWEST_ROWS = 30
TASKS = ("auto", "regression", "classification")
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")


@dataclass(frozen=True, eq=False)
class OwnTable:
    """A table ready to learn from.

    Attributes
    ----------
    X : DataFrame (N, D) of numbers, booleans and text, where values may be missing.
    y : Series (N,) of the column `target`, none missing: numbers, or class names or codes.
    task : "regression" or "classification".
    columns : DataFrame, a row for each column of the file: its type, missing values, distinct
        values, range or examples, and use.
    warnings : what a reader should look at, as sentences.
    """

    X: pd.DataFrame = field(repr=False)
    y: pd.Series = field(repr=False)
    task: str
    target: str
    columns: pd.DataFrame = field(repr=False)
    warnings: tuple[str, ...]


def read_table(
    path: str | os.PathLike[str], target: str = "", *, task: str = "auto", drop: Sequence[str] = (),
) -> OwnTable:
    """Return features X (N, D) and target y (N,) of a CSV file of one's own, as an OwnTable.

    `read_csv` says which forms the file may have, `make_table` what the other arguments mean; the
    errors are those of both.

    Examples
    --------
    >>> from pathlib import Path
    >>> from nslib.data import read_table
    >>> lines = ["size,rooms,price", *(f"{10 + i},{1 + i % 3},{1000 * i}" for i in range(40))]
    >>> _ = Path("flats.csv").write_text("\\n".join(lines))
    >>> table = read_table("flats.csv", target="price")
    >>> table.task, list(table.X), table.y.shape
    ('regression', ['size', 'rooms'], (40,))
    """
    return make_table(read_csv(path), target, task=task, drop=drop)


def read_csv(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Return the table of a CSV file with column names in its first row.

    Separated by commas, semicolons (then numbers may have decimal commas), tabs or bars; UTF-8, or
    else the Western European encoding of old spreadsheets; gzipped or not. Empty cells, NA, NaN
    and the like are missing values. FileNotFoundError for no such file; ValueError for a folder, an
    empty file, one that is not CSV, rows longer than the first, and column names that are numbers
    or given twice.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        raise ValueError(f"path: found the folder {path}, expected a CSV file")
    if not path.is_file():
        raise FileNotFoundError(f"path: found no file {path}, expected a CSV file")
    text = _text(path)
    separator = _checked_separator(text, path)
    frame = _parsed(text, path, sep=separator)
    if separator != "," and any(_decimal_commas(column) for _, column in frame.items()):
        frame = _parsed(text, path, sep=separator, decimal=",")
    return frame


def make_table(
    frame: pd.DataFrame, target: str = "", *, task: str = "auto", drop: Sequence[str] = ()
) -> OwnTable:
    """Return features X (N, D) and target y (N,) of a table, with a description of each column.

    Empty and constant columns, texts that differ in every row, and rows without a target are left
    out.

    Parameters
    ----------
    frame : DataFrame (rows, columns).
    target : a column, by default the last one.
    task : "regression", "classification" or "auto", which takes text, true/false and two different
        whole numbers as classes, and other numbers as a regression target.
    drop : columns to leave out.

    Raises
    ------
    ValueError : for unknown columns (with the nearest name), fewer than 30 rows, no feature that
        varies, infinite values, dates, and a target that is constant, has one class, a class of one
        row, or is text in a regression.
    """
    checks.one_of(task, "task", TASKS)
    if not isinstance(target, str):
        raise TypeError(f"target: found {target!r}, expected the name of a column")
    if isinstance(drop, str) or not all(isinstance(name, str) for name in drop):
        raise TypeError(f"drop: found {drop!r}, expected a list of column names")
    for name in drop:
        checks.one_of(name, "drop", frame.columns)
    kept = [name for name in frame.columns if name not in drop]
    if target:
        checks.one_of(target, "target", frame.columns)
    if target in drop:
        raise ValueError(f"drop: found the target {target!r}, expected other columns")
    if len(kept) < 2:
        raise ValueError(f"columns: found {len(kept)}, expected at least a feature and a target")
    target = target or kept[-1]
    notes = []
    empty = int(frame[target].isna().sum())
    if empty:
        notes.append(f"{empty} of {len(frame)} rows have no value of {target!r} and are left out.")
    rows = frame[frame[target].notna()].reset_index(drop=True)
    if len(rows) < FEWEST_ROWS:
        raise ValueError(
            f"rows: found {len(rows)} with a value of {target!r}, expected at least {FEWEST_ROWS}"
        )
    _check_values(rows[kept])
    y, task, note = _target(rows[target], target, task)
    columns, dropped, doubts = describe(rows, target, task, drop)
    features = [name for name in kept if name != target and name not in dropped]
    if not features:
        raise ValueError(
            f"columns: found no feature that varies beside the target {target!r} "
            f"({'; '.join(f'{name}: {why}' for name, why in dropped.items())})"
        )
    return OwnTable(rows[features], y, task, target, columns, (*notes, *note, *doubts))


def _text(path: Path) -> str:
    """Return the text of a file; ValueError for one that is empty or of another kind."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, ZlibError) as error:
            raise ValueError(f"path: found a damaged gzip file {path} ({error})") from None
    if content[:2] == b"PK" or b"\0" in content[:4096]:
        raise ValueError(
            f"path: found binary data in {path}, expected CSV text (from a spreadsheet program: "
            "save as CSV)"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    if not text.strip():
        raise ValueError(f"path: found the empty file {path}, expected a CSV file")
    if text.lstrip()[0] in "<{[":
        raise ValueError(f"path: found HTML, XML or JSON in {path}, expected a CSV file")
    return text


def _checked_separator(text: str, path: Path) -> str:
    """Return what separates the first line into most parts, and the next ones into as many.

    Raises ValueError where nothing does, and for a first row that has a name twice or numbers.
    """
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    best, most = "", 1
    for separator in _SEPARATORS:
        widths = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
        alike = sum(width == widths[0] for width in widths) >= 0.8 * len(widths)
        if widths[0] > most and alike:
            best, most = separator, widths[0]
    if not best:
        raise ValueError(
            f"path: found no table of at least two columns in {path}: its first line is "
            f"{lines[0][:60]!r}, and as many parts in the next ones; expected a CSV file, its "
            f"values separated by one of {', '.join(_SEPARATORS.values())}"
        )
    first = next(csv.reader(io.StringIO(text.lstrip()), delimiter=best))
    names = [name.strip() for name in first if name.strip()]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ValueError(
            f"path: found the column name {twice[0]!r} twice in {path}, expected distinct names"
        )
    if names and pd.to_numeric(pd.Series(names), errors="coerce").notna().all():
        raise ValueError(f"path: found numbers in the first row of {path}, such as {names[0]!r}, "
                         "expected column names")
    return best


def _parsed(text: str, path: Path, **options: str) -> pd.DataFrame:
    """Return the table (rows, columns) in a text; ValueError for rows of different length."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(io.StringIO(text), index_col=False, skipinitialspace=True,
                                low_memory=False, **options)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning) as error:
        raise ValueError(
            f"path: found no table in {path}, expected as many values in each row as there are "
            f"column names ({str(error).strip()})"
        ) from None
    return frame.rename(columns=lambda name: str(name).strip())


def _decimal_commas(column: pd.Series) -> bool:
    """Whether a column (N,) holds numbers, some of them with decimal commas."""
    if is_numeric_dtype(column):
        return False
    known = column.dropna().astype(str)
    commas = known.str.fullmatch(_DECIMAL_COMMA)
    return bool(commas.any() and pd.to_numeric(
        known.str.replace(",", ".", regex=False), errors="coerce").notna().all())


def _check_values(frame: pd.DataFrame) -> None:
    """Raise ValueError for infinite values and dates in a table (N, columns)."""
    for name, column in frame.items():
        if is_numeric_dtype(column) and not is_bool_dtype(column):
            infinite = np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan))
            if infinite.any():
                raise ValueError(
                    f"column {name!r}: found {int(infinite.sum())} infinite values, the first in "
                    f"data row {int(np.argmax(infinite)) + 1}, expected finite numbers or empty "
                    "cells"
                )
    dates = [name for name, column in frame.items() if is_date(column)]
    if dates:
        raise ValueError(
            f"column {dates[0]!r}: found dates such as {str(frame[dates[0]].dropna().iloc[0])!r}, "
            "expected numbers or names; turn them into numbers (days, month) first, or leave out "
            f"with drop [{', '.join(dates)}]"
        )


def _target(y: pd.Series, target: str, task: str) -> tuple[pd.Series, str, list[str]]:
    """Return the checked target (N,), its task and what to warn of."""
    where = f"target {target!r}"
    numeric = is_numeric_dtype(y) and not is_bool_dtype(y)
    whole = bool(numeric and (y == y.round()).all())
    n = y.nunique()
    if n == 1:
        kind = "constant" if numeric else "one class"
        raise ValueError(f"{where}: found the {kind} {y.iloc[0]!s}, expected a target that varies")
    notes = []
    if not numeric and not is_bool_dtype(y) and task != "classification":
        share, odd = numbers_among(y)
        if task == "regression" or share > 0.5:
            raise ValueError(
                f"{where}: found text such as {odd!r}, expected numbers for a regression; mend or "
                'empty these cells, or set task "classification" if they are class names'
            )
    if task == "auto":
        task = "classification" if not numeric or (whole and n == 2) else "regression"
        if task == "regression" and whole and n <= 10:
            notes.append(f"{where} has only {n} different whole numbers and is taken as a number; "
                         'set task "classification" if they are classes.')
    if task == "regression":
        return y.astype(np.float64), task, notes
    if numeric and not whole:
        raise ValueError(
            f"{where}: found {y[y != y.round()].iloc[0]:g}, expected class names or whole numbers "
            'as classes; task "regression" predicts numbers'
        )
    counts = y.value_counts()
    single = counts[counts == 1].index.astype(str).tolist()
    if single:
        raise ValueError(
            f"{where}: found {len(single)} classes of one row, such as {single[0]!r}, expected at "
            "least two rows of each class, to learn from and to test on; join or leave out rare "
            'ones, or set task "regression" if these are numbers'
        )
    if counts.iloc[-1] < 10:
        notes.append(f"{where}: class {counts.index[-1]!s} has only {counts.iloc[-1]} rows.")
    return y.astype(np.int64) if numeric else y.astype(str), task, notes
