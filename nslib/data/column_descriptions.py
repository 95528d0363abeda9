"""What the columns of a table hold, in words, and which of them nothing can be learnt from."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, is_bool_dtype, is_numeric_dtype

from .table_encoder import ONE_HOT_LIMIT

_DATE = re.compile(
    r"\s*(\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})|"
    r"\d{1,2}[ -][A-Za-z]{3,9}[ ,-]+\d{2,4}|[A-Za-z]{3,9} \d{1,2},? \d{4})(\D.*)?"
)
_SEEN = 200  # values that are looked at to tell dates


def describe(
    frame: pd.DataFrame, target: str, task: str, drop: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, str], list[str]]:
    """Return a description of each column of a table (N, columns).

    That is a row for each (column, type, missing, distinct, values, use), the features that are
    left out with the reason, and what to warn of.
    """
    rows, dropped, notes = [], {}, []
    for name, column in frame.items():
        kind = _kind(column)
        why = "" if name == target or name in drop else _useless(column, kind)
        if name == target:
            use = "target: a number" if task == "regression" else "target: a class"
        elif name in drop:
            use = "left out, as asked"
        else:
            use = f"left out: {why}" if why else _use(column, kind)
            notes += _doubts(name, column, kind, why)
        if why:
            dropped[name] = why
        rows.append((str(name), kind, int(column.isna().sum()), int(column.nunique()),
                     _values(column, kind), use))
    columns = ["column", "type", "missing", "distinct", "values", "use"]
    return pd.DataFrame(rows, columns=columns), dropped, notes


def is_date(column: pd.Series) -> bool:
    """Whether the values of a text column (N,) are dates."""
    if is_numeric_dtype(column):
        return False
    known = column.dropna().astype(str).drop_duplicates()[:_SEEN]
    if known.empty or known.str.fullmatch(_DATE).mean() < 0.9:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bool(pd.to_datetime(known, errors="coerce", format="mixed").notna().mean() >= 0.9)


def numbers_among(column: pd.Series) -> tuple[float, str]:
    """Return the share of numbers among a column's texts (N,), and the first that is not one."""
    known = column.dropna().astype(str)
    odd = pd.to_numeric(known, errors="coerce").isna()
    return float(1 - odd.mean()), str((known[odd] if odd.any() else known).iloc[0])


def _kind(column: pd.Series) -> str:
    """Return what a column (N,) holds, in words."""
    if column.isna().all():
        return "empty"
    if is_bool_dtype(column) or infer_dtype(column, skipna=True) == "boolean":
        return "true/false"
    if is_numeric_dtype(column):
        known = column.dropna()
        return "whole numbers" if (known == known.round()).all() else "numbers"
    return "text"


def _values(column: pd.Series, kind: str) -> str:
    """Return the range of a column (N,) of numbers, else its commonest values."""
    known = column.dropna()
    if kind == "empty":
        return "–"
    if kind in ("numbers", "whole numbers"):
        return f"{known.min():.4g} to {known.max():.4g}, median {known.median():.4g}"
    commonest = known.astype(str).value_counts().index[:4]
    shown = ", ".join(value if len(value) <= 20 else value[:19] + "…" for value in commonest)
    return shown + (", …" if known.nunique() > 4 else "")


def _useless(column: pd.Series, kind: str) -> str:
    """Return why nothing can be learnt from a column (N,), or nothing."""
    n, missing = column.nunique(), column.isna().any()
    if kind == "empty":
        return "no value"
    if n == 1 and not (kind == "text" and missing):
        return "constant"
    if kind == "text" and n == column.notna().sum() and n > ONE_HOT_LIMIT:
        return "a text that differs in every row"
    return ""


def _use(column: pd.Series, kind: str) -> str:
    """Return what `TableEncoder` makes of a column (N,), in words."""
    missing = column.isna().any()
    if kind != "text":
        filled = ", missing ones become the median" if missing else ""
        return ("0 and 1" if kind == "true/false" else "as they are") + filled
    n = column.nunique() + missing
    also = ", one of them “missing”" if missing else ""
    return (f"{n} columns of 0 and 1, a category each{also}" if n <= ONE_HOT_LIMIT
            else f"codes of {n} categories in alphabetical order{also}")


def _doubts(name: object, column: pd.Series, kind: str, why: str) -> list[str]:
    """Return what to warn of in a column (N,); `why`: the reason to leave it out, or nothing."""
    known = column.dropna()
    if why:
        fix = "; if it says something, turn it into numbers or groups" if "text" in why else ""
        return [f"Column {str(name)!r} is left out: {why}{fix}."]
    notes = []
    if len(known) < 0.5 * len(column):
        notes.append(f"Column {str(name)!r} has no value in {column.isna().mean():.0%} of the "
                     "rows.")
    if kind == "text":
        share, odd = numbers_among(column)
        if share > 0.5:
            notes.append(f"Column {str(name)!r} is read as text, for {share:.0%} of its values are "
                         f"numbers but {odd!r} is not; empty such cells to have it as numbers.")
        elif column.nunique() > 0.5 * len(column):
            notes.append(f"Column {str(name)!r} has nearly as many texts ({column.nunique()}) as "
                         "there are rows; their alphabetical order is hardly a feature.")
    elif kind == "whole numbers" and len(known) == len(column) and (
        np.abs(np.diff(known.to_numpy())) == 1
    ).all() and known.nunique() == len(column):
        notes.append(f"Column {str(name)!r} counts the rows; leave it out unless their order "
                     "matters.")
    return notes
