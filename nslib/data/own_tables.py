"""`read_table`: a CSV file of one's own as features and a target, with a description of columns.

Nothing is guessed silently: each column's type and use are in the description, what is doubtful is
a warning, and what cannot be learnt from is a ValueError that says what to change.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_complex_dtype, is_hashable, is_numeric_dtype

from .. import checks
from .column_descriptions import describe, is_date, numbers_among
from .csv_files import read_csv

FEWEST_ROWS = 30
TASKS = ("auto", "regression", "classification")


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


def make_table(
    frame: pd.DataFrame, target: str = "", *, task: str = "auto", drop: Sequence[str] = ()
) -> OwnTable:
    """Return features X (N, D) and target y (N,) of a table, with a description of each column.

    Empty and constant columns, texts that differ in every row, and rows without a target are left
    out.

    Parameters
    ----------
    frame : DataFrame (rows, columns), its names distinct as text.
    target : a column, by default the last one.
    task : "regression", "classification" or "auto", which takes text, true/false and two different
        whole numbers as classes, and other numbers as a regression target.
    drop : columns to leave out.

    Raises
    ------
    TypeError : for arguments of other types, and for columns of complex numbers, lists or the like.
    ValueError : for unknown columns (with the nearest name), fewer than 30 rows, no feature that
        varies, infinite values, dates, and a target that is constant, has one class, a class of one
        row, or is text in a regression.
    """
    checks.one_of(task, "task", TASKS)
    if not isinstance(target, str):
        raise TypeError(f"target: found {checks.shown(target)}, expected the name of a column")
    names = list(drop) if isinstance(drop, Iterable) and not isinstance(drop, (str, bytes)) else [0]
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"drop: found {checks.shown(drop)}, expected a list of column names")
    drop, frame = names, _named(frame)
    for name in [*drop, target] if target else drop:
        if name not in frame.columns:  # the columns may be thousands: only the nearest is named
            raise ValueError(f"{'drop' if name in drop else 'target'}: found {checks.shown(name)}, "
                             f"expected one of the table's {frame.shape[1]} columns"
                             f"{checks.suggest(name, frame.columns)}")
    kept = [name for name in frame.columns if name not in drop]
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


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table (rows, columns) with its names as text; ValueError where one is there twice.

    Raises TypeError for anything but a DataFrame.
    """
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"frame: found {type(frame).__name__}, expected a DataFrame")
    names = frame.columns.map(str)
    if not names.is_unique:
        raise ValueError(f"frame: found the column name {names[names.duplicated()][0]!r} twice, "
                         "expected distinct names")
    return frame.set_axis(names, axis=1)


def _check_values(frame: pd.DataFrame) -> None:
    """Raise ValueError for infinite values and dates in a table (N, columns).

    Raises TypeError for complex numbers, and for lists and other values that cannot be counted.
    """
    for name, column in frame.items():
        odd = next((value for value in column.to_numpy() if not is_hashable(value)), None) if (
            column.dtype == object) else None
        if is_complex_dtype(column) or odd is not None:
            what = column.dtype if odd is None else f"the {type(odd).__name__} {checks.shown(odd)}"
            raise TypeError(f"column {name!r}: found {what}, expected numbers or text")
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
        raise ValueError(f"{where}: found {y[y != y.round()].iloc[0]:g}, expected class names or "
                         'whole numbers as classes; task "regression" predicts numbers')
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
