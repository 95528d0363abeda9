"""Loading the tabular data sets of the registry from scikit-learn, a folder or OpenML."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import os
import socket
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from .. import checks
from ..portable import digits
from .csv_files import MAX_COLUMNS, unfolded
from .tabular_registry import REGISTRY, RegistryEntry

FOLDER_VARIABLE = "NSLIB_DATA"
_SECONDS = 10  # of silence after which a download is given up


@dataclass(frozen=True, eq=False)
class TabularData:
    """A data set as it was published: neither scaled, encoded nor imputed.

    Attributes
    ----------
    X : DataFrame (N, D).
    y : Series (N,) named "target"; numbers for a regression, class names for a classification.
    source : "bundled", "scikit-learn" (its download), "folder" or "openml".
    checksum : SHA-256 of column names and values, the same for every source of the same content.
        Columns of whole numbers and text are exact, others have six significant digits.
    target_scaling : the predecessor's protocol, as in the registry.
    note : what a reader who compares numbers must know.
    """

    name: str
    X: pd.DataFrame
    y: pd.Series
    task: str
    source: str
    checksum: str
    target_scaling: str
    note: str


def load_tabular(
    name: str,
    *,
    folder: str | os.PathLike[str] | None = None,
    download: bool = True,
    cache: str | os.PathLike[str] | None = None,
) -> TabularData:
    """Load a data set of the registry (`list_tabular`) and check its shape against it.

    Sets bundled with scikit-learn need nothing else. Others are looked for in `folder`, then
    fetched through scikit-learn, mostly from OpenML.

    Parameters
    ----------
    name : of the data set.
    folder : holds ``<name>.csv.gz`` (features, then the column "target" last); by default what the
        environment variable NSLIB_DATA names.
    download : whether to fetch what is not there.
    cache : folder of downloads; by default scikit-learn's.

    Returns
    -------
    TabularData with X (N, D) and y (N,).

    Raises
    ------
    TypeError : for a folder or cache that is no path, and a `download` that is not True or False.
    ValueError : for an unknown name (with the nearest one), a folder that does not exist, data that
        are not what the registry says, and a file beyond the caps of `read_csv`.
    FileNotFoundError : where no source has the data.

    Examples
    --------
    >>> from nslib.data import load_tabular
    >>> data = load_tabular("wine")
    >>> data.task, data.X.shape, data.y.nunique()
    ('classification', (178, 13), 3)
    """
    spec = REGISTRY[checks.one_of(name, "name", REGISTRY)]
    checks.boolean(download, "download")
    for argument, path in (("folder", folder), ("cache", cache)):
        if path is not None and not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"{argument}: found {checks.shown(path)}, expected a folder's path")
    place = f"sklearn.datasets.{spec.loader}" if spec.loader else f"OpenML {spec.openml_id}"
    if spec.bundled:
        return _checked(spec, _from_sklearn(spec), "bundled", place)
    path = _file(name, folder)
    if path is not None and path.is_file():
        return _checked(spec, _read(path), "folder", str(path))
    if not spec.loader and not spec.openml_id:
        raise FileNotFoundError(_two_ways(spec, path, "no public copy is registered"))
    if not download:
        raise FileNotFoundError(_two_ways(spec, path, "download=False"))
    fetch = _from_sklearn if spec.loader else _from_openml
    try:
        with _impatient():
            frame = fetch(spec, data_home=cache, n_retries=1, delay=0.5)
    except (OSError, http.client.HTTPException) as error:
        words = _two_ways(spec, path, f"{type(error).__name__}: {error}")
        raise FileNotFoundError(words) from error
    return _checked(spec, frame, "scikit-learn" if spec.loader else "openml", place)


def list_tabular() -> pd.DataFrame:
    """Return the registry (data sets, 9), indexed by the name.

    Columns: group, task, rows, features, classes, target, target_scaling, note, and `source`, where
    `load_tabular` would look first now: "bundled", "folder", "scikit-learn", "OpenML <id>" or "file
    needed".
    """

    def source(spec: RegistryEntry) -> str:
        if spec.bundled:
            return "bundled"
        path = _file(spec.name, None)
        if path is not None and path.is_file():
            return "folder"
        if spec.loader is not None:
            return "scikit-learn"
        return "file needed" if spec.openml_id is None else f"OpenML {spec.openml_id}"

    columns = ["group", "task", "rows", "features", "classes", "target", "target_scaling", "note"]
    table = pd.DataFrame([[getattr(spec, column) for column in columns]
                          for spec in REGISTRY.values()],
                         index=pd.Index(REGISTRY, name="name"), columns=columns)
    table.insert(7, "source", list(map(source, REGISTRY.values())))
    return table.astype({"classes": "Int64"})


def _file(name: str, folder: str | os.PathLike[str] | None) -> Path | None:
    """Return the file of a data set in the folder, or None where no folder is known."""
    given = "folder" if folder is not None else FOLDER_VARIABLE
    folder = folder if folder is not None else os.environ.get(FOLDER_VARIABLE)
    if not folder:
        return None
    if not os.path.isdir(folder):
        raise ValueError(f"{given}: found {checks.shown(str(folder))}, expected an existing folder")
    return Path(folder) / f"{name}.csv.gz"


def _read(path: Path) -> pd.DataFrame:
    """Return a file's table (N, D + 1), the column "target" last; ValueError for other files."""
    try:
        content = unfolded(path, zipped=True)
        if (columns := content.split(b"\n", 1)[0].count(b",") + 1) > MAX_COLUMNS:
            raise ValueError(f"{columns} columns, expected at most {MAX_COLUMNS}")
        frame = pd.read_csv(io.BytesIO(content))
    except ValueError as error:  # pandas' errors of broken tables are of this kind
        raise ValueError(f"{path}: found no readable gzipped CSV ({error})") from error
    if frame.columns[-1] != "target":
        raise ValueError(f"{path}: found the last column {frame.columns[-1]!r}, expected 'target'")
    return frame


def _from_sklearn(spec: RegistryEntry, **options: Any) -> pd.DataFrame:
    """Return a set of scikit-learn's as a DataFrame (N, D + 1), the column "target" last."""
    import sklearn.datasets

    bunch = getattr(sklearn.datasets, spec.loader)(
        as_frame=True, **spec.loader_options, **options
    )
    target = bunch.target
    if spec.task == "classification":
        target = np.asarray(bunch.target_names)[target]
    return bunch.data.assign(target=target)


def _from_openml(spec: RegistryEntry, **options: Any) -> pd.DataFrame:
    """Return a set of OpenML's as a DataFrame (N, D + 1), the column "target" last."""
    import sklearn.datasets

    bunch = sklearn.datasets.fetch_openml(
        data_id=spec.openml_id, as_frame=True, parser="auto", **options
    )
    name, expected = bunch.details.get("name", ""), spec.openml_name or spec.name
    if name.casefold() != expected.casefold():
        raise ValueError(
            f"OpenML {spec.openml_id}: found the data set {name!r}, expected {expected!r}"
        )
    if not isinstance(bunch.target, pd.Series):
        raise ValueError(f"OpenML {spec.openml_id}: found no single target column, expected one")
    frame = bunch.data.assign(target=bunch.target)
    # Through CSV, so that OpenML's category columns get the types that a file would have.
    frame = pd.read_csv(io.StringIO(frame.to_csv(index=False)))
    if spec.openml_log:
        frame["target"] = np.sign(frame["target"]) * np.expm1(np.abs(frame["target"]))
    return frame


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    """Let no network read wait for ever (scikit-learn sets no limit), nor warn before it fails."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*[Rr]etry")
            yield
    finally:
        socket.setdefaulttimeout(before)


def _two_ways(spec: RegistryEntry, path: Path | None, failure: str) -> str:
    """Return the message that a data set is nowhere, and how to get it."""
    first = (
        f"{FOLDER_VARIABLE} is not set" if path is None else f"{path.parent} has no {path.name}"
    )
    if spec.openml_id is not None:
        second = f"let scikit-learn fetch OpenML data set {spec.openml_id} once (needs the network"
    elif spec.loader is not None:
        second = f"let sklearn.datasets.{spec.loader} fetch it once (needs the network"
    else:
        second = "make that file from the source that the note names (there is no download"
    return (
        f"{spec.name}: found no copy. Either set {FOLDER_VARIABLE} to a folder that holds "
        f"{spec.name}.csv.gz, features first and the column 'target' last ({first}), or {second}: "
        f"{failure}). {spec.note}".rstrip()
    )


def _checked(spec: RegistryEntry, frame: pd.DataFrame, source: str, place: str) -> TabularData:
    """Return a table (N, D + 1) as data; ValueError where it is not what the registry says."""
    rows, features = len(frame), frame.shape[1] - 1
    if (rows, features) != (spec.rows, spec.features):
        raise ValueError(
            f"{place}: found {rows} rows x {features} features, "
            f"expected {spec.rows} x {spec.features} for {spec.name}"
        )
    X, y = frame.drop(columns="target"), frame["target"]
    if y.isna().any():
        raise ValueError(f"{place}: found {int(y.isna().sum())} missing targets, expected none")
    if spec.task == "regression" and not is_numeric_dtype(y):
        raise ValueError(f"{place}: found text in the target, expected numbers")
    infinite = int(np.isinf(y).sum()) if is_numeric_dtype(y) else 0
    if infinite:
        raise ValueError(f"{place}: found {infinite} infinite targets, expected finite numbers")
    if spec.classes is not None and y.nunique() != spec.classes:
        raise ValueError(
            f"{place}: found {y.nunique()} classes in the target, expected {spec.classes}"
        )
    X = X.astype(dict.fromkeys(X.select_dtypes("bool").columns, "int64"))
    return TabularData(
        name=spec.name, X=X, y=y, task=spec.task, source=source, checksum=_checksum(X, y),
        target_scaling=spec.target_scaling, note=spec.note,
    )


def _checksum(X: pd.DataFrame, y: pd.Series) -> str:
    """Return the SHA-256 of names and values of X (N, D) and y (N,)."""
    digest = hashlib.sha256()
    for name, column in (*X.items(), ("target", y)):
        digest.update(f"{name}\0".encode())
        if is_numeric_dtype(column):
            values = column.to_numpy("<f8")
            whole = np.rint(values) + 0.0  # targets that are powers of logarithms are nearly whole
            if np.allclose(values, whole, rtol=1e-12, atol=0.0, equal_nan=True):
                digest.update(whole.tobytes())
            else:
                digest.update("\0".join(digits(values)).encode())
        else:
            digest.update("\0".join(column.astype(object).fillna("").map(str)).encode())
    return digest.hexdigest()
