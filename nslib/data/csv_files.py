"""`read_csv`: a CSV file in whatever form spreadsheets write it, or an error in words.

The caps keep a damaged or hostile file, such as 200 kB of gzip that unfold to gigabytes, from
taking the machine.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import warnings
from collections import Counter
from pathlib import Path
from zlib import error as ZlibError

import pandas as pd
from pandas.api.types import is_numeric_dtype

from .. import checks

MAX_BYTES = 100_000_000  # of a file, unfolded: some seconds, and a gigabyte of memory
MAX_COLUMNS = 5000
MAX_CELL = 131_072  # characters, the limit of Python's csv module
_LINES = 50  # looked at to tell the separator
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")


def read_csv(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Return the table of a CSV file with column names in its first row.

    Separated by commas, semicolons (then numbers may have decimal commas), tabs or bars; lines that
    end in LF, CR LF or CR; UTF-8, or else the Western European encoding of old spreadsheets;
    gzipped or not. Empty cells, NA, NaN and the like are missing values.

    Raises
    ------
    TypeError : for a path that is none.
    FileNotFoundError : for no such file.
    ValueError : for a folder, an empty file, one that is not CSV, rows longer than the first,
        column names that are numbers or given twice, and for more than `MAX_BYTES` bytes (of what a
        gzip file unfolds to), `MAX_COLUMNS` columns or `MAX_CELL` characters in a cell.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path: found {checks.shown(path)}, expected the path of a CSV file")
    path = Path(os.path.expanduser(path))
    if os.path.isdir(path):
        raise ValueError(f"path: found the folder {path}, expected a CSV file")
    if not os.path.isfile(path):  # nor raises for names that no file can have, as Path does
        name = path if len(str(path)) < 300 else checks.shown(str(path))
        raise FileNotFoundError(f"path: found no file {name}, expected a CSV file")
    text = _text(path)
    separator = _checked_separator(text, path)
    frame = _parsed(text, path, sep=separator)
    if separator != "," and any(_decimal_commas(column) for _, column in frame.items()):
        frame = _parsed(text, path, sep=separator, decimal=",")
    return frame


def unfolded(path: Path, zipped: bool = False) -> bytes:
    """Return the bytes of a file, of what it unfolds to where it is gzipped.

    `zipped`: whether it has to be gzipped. Raises ValueError for a damaged gzip file and for more
    than `MAX_BYTES` bytes.
    """
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b" or zipped
        file.seek(0)
        try:
            content = (gzip.GzipFile(fileobj=file) if zipped else file).read(MAX_BYTES + 1)
        except (OSError, EOFError, ZlibError) as error:
            raise ValueError(f"path: found a damaged gzip file {path} ({error})") from None
    if len(content) > MAX_BYTES:
        raise ValueError(f"path: found more than {MAX_BYTES} bytes in {path}"
                         f"{', unfolded' if zipped else ''}, expected at most {MAX_BYTES}")
    return content


def _text(path: Path) -> str:
    """Return the text of a file from its first row on, its lines ended by LF.

    Raises ValueError for a file that is empty or of another kind.
    """
    content = unfolded(path)
    if content[:2] == b"PK" or b"\0" in content:
        raise ValueError(
            f"path: found binary data in {path}, expected CSV text (from a spreadsheet program: "
            "save as CSV)"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    start = text.lstrip()
    if not start:
        raise ValueError(f"path: found the empty file {path}, expected a CSV file")
    if start[0] in "<{[":
        raise ValueError(f"path: found HTML, XML or JSON in {path}, expected a CSV file")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"\A(\s*\n)+", "", text)


def _checked_separator(text: str, path: Path) -> str:
    """Return what separates the first line into most parts, and the next ones into as many.

    Raises ValueError where nothing does, and for a first row that has a name twice, numbers or too
    many columns.
    """
    lines = [line for line in text.split("\n", 20 * _LINES)[:20 * _LINES] if line.strip()][:_LINES]
    best, names, unread = "", [""], ""
    for separator in _SEPARATORS:
        try:
            rows = [row for row in csv.reader(lines, delimiter=separator, skipinitialspace=True)
                    if row]
        except csv.Error as error:  # not of the file, where a wide one has another separator
            unread = str(error)
            continue
        if len(rows[0]) > MAX_COLUMNS:
            raise ValueError(f"path: found {len(rows[0])} columns in {path}, expected at most "
                             f"{MAX_COLUMNS}")
        alike = sum(len(row) == len(rows[0]) for row in rows) >= 0.8 * len(rows)
        if len(rows[0]) > len(names) and alike:
            best, names = separator, rows[0]
    if not best and unread:
        raise ValueError(f"path: found a cell in {path} that cannot be read ({unread}), expected "
                         f"at most {MAX_CELL} characters")
    if not best:
        raise ValueError(
            f"path: found no table of at least two columns in {path}: its first line is "
            f"{lines[0][:60]!r}, and as many parts in the next ones; expected a CSV file, its "
            f"values separated by one of {', '.join(_SEPARATORS.values())}"
        )
    names = [name.strip() for name in names if name.strip()]
    if names and (twice := Counter(names).most_common(1)[0])[1] > 1:
        raise ValueError(f"path: found the column name {checks.shown(twice[0])} twice in {path}, "
                         "expected distinct names")
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
    frame = frame.rename(columns=lambda name: str(name).strip())
    for name, column in frame.items():
        if not is_numeric_dtype(column) and column.astype(str).str.len().max() > MAX_CELL:
            raise ValueError(f"path: found a cell of {int(column.astype(str).str.len().max())} "
                             f"characters in the column {checks.shown(name)} of {path}, expected "
                             f"at most {MAX_CELL}")
    return frame


def _decimal_commas(column: pd.Series) -> bool:
    """Whether a column (N,) holds numbers, some of them with decimal commas."""
    if is_numeric_dtype(column):
        return False
    known = column.dropna().astype(str)
    commas = known.str.fullmatch(_DECIMAL_COMMA)
    return bool(commas.any() and pd.to_numeric(
        known.str.replace(",", ".", regex=False), errors="coerce").notna().all())
