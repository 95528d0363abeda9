"""Tables from files of odd content, under odd arguments."""

from __future__ import annotations

import contextlib
import gzip
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from nslib.data import TableEncoder, load_tabular, read_table

from .odd_values import Door, Refused, answering, judged, made, odd, sometimes

CELLS = ["1", "2", "-3.5", "1e5", "1e400", "-inf", "nan", "NA", "", " ", "9" * 30, "0x10", "1_000",
         "1,5", "a", "b", "Rome", "true", "False", "yes", '"', '"a', '"a""b"', '"a\nb"', '"a,b"',
         "2024-01-01", "3 May 2024", "12:30", "99999-99-99", "é", "\u2028", "\x85", "\x0b", "\x1c",
         "١", "½", "=1+1", "#", "\\", "'", "1;2", "1|2", "\t", "x" * 131_073, "1e-320", "5%",
         "None"]
NAMES = ["a", "b", "size", "a ", "", "1.5", "inf", "Unnamed: 1", "a.1", "x y", '"q,r"', "é",
         "target"]
columns = st.fixed_dictionaries({
    "name": st.sampled_from(NAMES),
    "cells": st.one_of(st.lists(st.sampled_from(CELLS), min_size=1, max_size=3),
                       st.lists(st.integers(-9, 9).map(str), min_size=2, max_size=9),
                       st.lists(st.floats(-1e6, 1e6).map(repr), min_size=2, max_size=9)),
})
damages = st.one_of(st.none(), st.none(), st.tuples(
    st.sampled_from(["cut", "insert", "drop", "double"]), st.floats(0, 1),
    st.sampled_from([b"\0", b"\r", b"\n", b'"', b",", b"\xff", b"\x1f\x8b", b";;;", b"\x85"])))
table_cases = st.fixed_dictionaries({
    "columns": st.lists(columns, max_size=5), "rows": st.sampled_from([0, 1, 29, 30, 40, 40, 60]),
    "separator": st.sampled_from([",", ",", ";", "\t", "|", " "]),
    "end": st.sampled_from(["\n", "\n", "\r\n", "\r"]), "zipped": st.booleans(),
    "encoding": st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "cp1252", "utf-16", "latin-1"]),
    "start": st.sampled_from(["", "", "\n", " \n", "#\n", "<", "[1]\n"]), "damage": damages,
    "arguments": st.fixed_dictionaries({}, optional={
        "target": sometimes(st.sampled_from(["", "y", "a", "b", "sise"])),
        "task": sometimes(st.sampled_from(["auto", "regression", "classification"])),
        "drop": sometimes(st.lists(sometimes(st.sampled_from(["a", "b", "y"])), max_size=3))}),
    "path": st.one_of(*[st.just("file")] * 8, odd, st.sampled_from(["folder", "missing", "~none"])),
    "known": st.booleans(),
})
raw_cases = st.fixed_dictionaries({
    "content": st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode),
                         st.text("ab,;\n\r\"1.", max_size=200).map(str.encode)),
    "times": st.sampled_from([1, 1, 40]), "zipped": st.booleans()})
loading_cases = st.fixed_dictionaries({
    "name": sometimes(st.sampled_from(["heart_failure", "wine", "iris", "hart"])),
    "folder": sometimes(st.sampled_from(["here", "missing", None])), "download": st.booleans(),
    "cache": sometimes(st.none()), "content": raw_cases})


def written(case: dict[str, Any]) -> tuple[bytes, np.ndarray | None]:
    """Return the bytes of a case's file and, where nothing in it is odd, the values of `known`."""
    rows, joint = case["rows"], case["separator"]
    parts = [(column["name"], np.resize(column["cells"], rows)) for column in case["columns"]]
    values = np.linspace(-1, 1, rows) ** 3
    if case["known"]:
        parts += [("known", [repr(float(v)) for v in values]), ("y", list(map(str, range(rows))))]
    lines = [joint.join(name for name, _ in parts)]
    lines += [joint.join(cells) for cells in zip(*(cells for _, cells in parts), strict=True)]
    text = case["start"] + case["end"].join(lines) + case["end"]
    content = text.encode(case["encoding"], errors="replace")
    if case["damage"]:
        how, where, what = case["damage"]
        place = int(where * len(content))
        content = {"cut": content[:place], "insert": content[:place] + what + content[place:],
                   "drop": content[:place] + content[place + len(what):],
                   "double": content + content[place:]}[how]
    plain = case["known"] and not (case["columns"] or case["damage"] or case["start"].strip()) and (
        joint != " " and case["encoding"] != "utf-16" and rows >= 30 and not case["arguments"])
    return gzip.compress(content) if case["zipped"] else content, values if plain else None


def answer_table(case: dict[str, Any]) -> None:
    """Read a table: features are finite or missing, targets known, plain values as written."""
    with tempfile.TemporaryDirectory() as folder:
        file, expected = Path(folder) / "my.csv", None
        if "columns" in case:
            content, expected = written(case)
        else:
            content = case["content"] * case["times"]
            content = gzip.compress(content) if case["zipped"] else content
        file.write_bytes(content)
        places = {"file": file, "folder": folder, "missing": file.with_name("none"),
                  "~none": "~none/x"}
        path = case.get("path", "file")
        path = places[path] if isinstance(path, str) else made(path)
        with refusing_files(path), answering():
            table = read_table(path, **made(case.get("arguments", {})))
    assert len(table.X) == len(table.y) >= 30 and table.y.notna().all()
    assert table.target not in table.X and table.X.shape[1] >= 1
    assert table.y.nunique() >= 2
    with answering():
        encoded = TableEncoder().fit_transform(table.X)
    assert np.isfinite(encoded).all()
    if table.task == "regression":
        assert np.isfinite(table.y.to_numpy(float)).all()
    if expected is not None:
        np.testing.assert_allclose(table.X["known"], expected, rtol=1e-15)
        assert table.y.tolist() == list(range(case["rows"]))


def answer_loading(case: dict[str, Any]) -> None:
    """Load a set, bundled or from a folder whose file is odd: its shape is the registry's."""
    with tempfile.TemporaryDirectory() as here:
        content = case["content"]["content"] * case["content"]["times"]
        path = Path(here) / "heart_failure.csv.gz"
        path.write_bytes(gzip.compress(content) if case["content"]["zipped"] else content)
        folder = {"here": here, "missing": path / "none", None: None}.get(
            case["folder"] if not hasattr(case["folder"], "make") else 0, made(case["folder"]))
        with refusing_files(path), answering():
            data = load_tabular(made(case["name"]), folder=folder, download=case["download"],
                                cache=made(case["cache"]))
    assert data.X.shape in ((178, 13), (150, 4)) and data.y.notna().all()


@contextlib.contextmanager
def refusing_files(path: Any):
    """Turn an error that begins with a path, or says that no file is there, into Refused."""
    try:
        yield
    except AssertionError as error:
        text = str(error.__cause__)
        if text.startswith(f"{path}: found") or isinstance(error.__cause__, FileNotFoundError) and (
            "found no" in text and len(text) < 5000
        ):
            raise Refused(text) from None
        raise


def answer_file(case: dict[str, Any]) -> None:
    """Read or load a case."""
    (answer_loading if "folder" in case else answer_table)(case)


DOORS: dict[str, Door] = {
    "read_table": (st.one_of(table_cases, table_cases, raw_cases, loading_cases),
                   judged(answer_file)),
}
