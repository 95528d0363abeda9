"""Odd tables, formulas, targets and command lines for the doors that take them, and their judges.

`DOORS` is of the form that `fuzzing_core` explains.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import math
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from companion import cli, notebooks, presets
from nslib import theory
from nslib.data import TableEncoder, load_tabular, read_table
from nslib.theory.construction import Construction

from .fuzzing_core import Refused, answering, judged, made, odd, sometimes

# tables ---------------------------------------------------------------------------------------

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


# formulas -------------------------------------------------------------------------------------

LEAVES = ["x", "x", "y", "z", "0.5", "1e-9", "2", "pi", "e", "1e300", "1e-300", "0", "64",
          "1" + "0" * 320, "(-1)", "1/3"]
formulas = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.builds("({}{}{})".format, inner, st.sampled_from(["+", "-", "*", "/", "**"]), inner),
        st.builds("{}({})".format, st.sampled_from(
            ["sin", "cos", "exp", "log", "sqrt", "tanh", "abs", "exp", "-"]), inner),
        st.builds("{}({},{})".format, st.sampled_from(["min", "max"]), inner, inner),
        st.builds("({})**{}".format, inner, st.sampled_from(
            ["2", "64", "-64", "0.5", "(1/3)", "65", "-1", "0", "63.9", "1e-9"])),
        st.builds("1/(1+({})**2)".format, inner),
        st.builds("{1}{0}{2}".format, inner, st.sampled_from(["sin(" * 60, "(" * 90, "-" * 80]),
                  st.sampled_from([")" * 60, ")" * 90, ""])),
    ), max_leaves=8)
formula_cases = st.one_of(
    *[formulas] * 6, odd, st.text(max_size=40),
    st.text("xyz0123456789.e+-*/(), sincoexplgqrtabm\n", max_size=60),
    st.builds(str.__mul__, st.sampled_from(["x+", "2**", "x*", "exp(", "-", "((x+1)**64+", "1/",
                                            "max(x,", "[", "9"]), st.integers(1, 250)).map(
                                                lambda text: text + "x"))


def answer_formula(case: Any) -> None:
    """Read a formula: its values are finite, and no two points further apart than its slope says.
    """
    with answering():
        function = theory.parse_function(made(case))
    assert 1 <= function.dim <= 3 and 0 <= function.slope < math.inf
    draw = np.random.default_rng(0)
    a, b = draw.random((2, 300, function.dim))
    one, other = function(a), function(b)
    assert one.shape == (300,)
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return  # between the points of the grid on which it was looked at
    change, distance = np.abs(one - other), np.linalg.norm(a - b, axis=1)
    unit = 1e-9 * (1 + np.abs(one) + np.abs(other))  # of rounding, which formulas make larger
    assert (change <= function.slope * distance * (1 + 1e-9) + unit).all(), (
        function.slope, (change / distance).max())


# targets and functions ------------------------------------------------------------------------


def recurse(points: np.ndarray) -> np.ndarray:
    """Never end."""
    return recurse(points)


def divide(points: np.ndarray) -> float:
    """Raise an error of one's own."""
    return len(points) // 0


def overwrite(points: np.ndarray) -> np.ndarray:
    """Change the points that are given, to points of no use."""
    points[...] = -1
    return np.zeros(len(points))


def first(points: np.ndarray) -> np.ndarray:
    """Return the first coordinate (M,)."""
    return points if points.ndim == 1 else points[:, 0]


FUNCTIONS: dict[str, tuple[Callable[[np.ndarray], Any], float | None]] = {  # with a true constant
    "sine": (lambda p: np.sin(3 * first(p)), 3.0), "steep": (lambda p: 1e6 * first(p), 1e6),
    "constant": (lambda p: 0 * first(p) + 7, 0.0), "huge": (lambda p: 1e300 * first(p), 1e300),
    "beyond": (lambda p: 1e308 * (2 * first(p) - 1) * 1.7, 4e308),
    "tiny": (lambda p: 1e-310 * first(p), 1e-310), "far": (lambda p: 1e15 + first(p), 1.0),
    "step": (lambda p: (first(p) > 0.3) * 1.0, None), "nan": (lambda p: first(p) / 0 * 0, None),
    "inf": (lambda p: 1 / first(p), None), "text": (lambda p: ["a"] * len(p), None),
    "scalar": (lambda p: 1.0, None), "none": (lambda p: None, None), "divide": (divide, None),
    "recurse": (recurse, None), "overwrite": (overwrite, 0.0),
    "complex": (lambda p: first(p) * 1j, None), "column": (lambda p: first(p)[:, None], 1.0),
    "pairs": (lambda p: np.stack([first(p)] * 2, 1), None),
    "list": (lambda p: first(p).tolist(), 1.0), "ints": (lambda p: [10**400] * len(p), None),
    "ragged": (lambda p: [[0.0] * (1 + i % 2) for i in range(len(p))], None),
    "frame": (lambda p: pd.DataFrame({"a": first(p)}), 1.0), "attribute": (lambda p: p.no, None),
    "bool": (lambda p: first(p) > 2, 0.0),
}
MODULI: dict[str, Any] = {
    "none": None, "true": "true", "negative": -1.0, "nothing": lambda h: None, "raise": divide,
    "nan": lambda h: math.nan, "text": "3", "small": 1e-9, "root": theory.hoelder(1e3, 0.5),
}
unit_values = st.one_of(st.sampled_from([0.0, 1.0, 0.5, 1e-300, 1 - 2**-53, 5e-324]),
                        st.floats(0, 1))
targets = st.one_of(*[st.lists(unit_values, min_size=1, max_size=20)] * 4,
                    st.lists(sometimes(st.floats()), max_size=4), odd,
                    st.sampled_from([[0.5] * 100, [0.5] * 600, [[0.5], [0.1, 0.2]], [[0.5]], []]))
tolerances = sometimes(st.one_of(
    st.sampled_from([0.49, 0.3, 0.1, 0.05, 0.01, 1e-3, 1e-6, 1e-12, 1e-13, 5e-324, 0.5, 0.0]),
    st.floats(1e-6, 0.5)), 8)
no_day = odd.filter(lambda value: value.name != "10**12")  # a budget of hours, as it is documented
theory_cases = st.one_of(
    st.fixed_dictionaries({"door": st.just("encode"), "targets": targets,
                           "bits": sometimes(st.sampled_from([1, 2, 8, 53, 4096, 4097, 0, 20]))}),
    st.fixed_dictionaries({"door": st.just("find_depth"), "targets": targets, "eps": tolerances},
                          optional={
        "c": sometimes(st.sampled_from([1, 2.5, "7/2", "1e1000000000", "1e-9", "x", "1/0"])),
        "max_depth": st.one_of(st.sampled_from([0, 1, 10**5, 10**7]), no_day),
        "progress": sometimes(st.just(False), 8)}),
    st.fixed_dictionaries({"door": st.just("find_winding"), "targets": targets,
                           "eps": tolerances}, optional={
        "seed": sometimes(st.integers(0, 9)), "max_bits": sometimes(st.sampled_from([1, 64, 4096])),
        "max_seconds": st.sampled_from([0.0, 10.0])}),
    st.fixed_dictionaries({
        "door": st.just("approximate"), "f": st.sampled_from(sorted(FUNCTIONS)),
        "eps": tolerances, "dim": sometimes(st.sampled_from([1, 1, 1, 2, 3, 8, 9])),
        "modulus": sometimes(st.sampled_from(sorted(MODULI)), 8),
        "construction": sometimes(st.sampled_from(["digits", "winding", "trajectory"]), 9),
        "max_cells": st.sampled_from([1, 16, 64, 1024, 2**18 + 1])}, optional={
        "share": sometimes(st.sampled_from([None, 0.5, 0.9, 1.0])),
        "max_depth": st.sampled_from([10, 10**6]), "seed": st.just(1), "sed": odd}),
)


def answer_theory(case: dict[str, Any]) -> None:
    """Find what holds the targets, or a network near a function, within the tolerance."""
    door = case["door"]
    arguments = made({name: value for name, value in case.items() if name != "door"})
    true = None
    if door == "approximate":
        arguments["f"], true = FUNCTIONS[case["f"]]
        modulus = case["modulus"]
        modulus = MODULI[modulus] if isinstance(modulus, str) else made(modulus)
        arguments["modulus"] = true if isinstance(modulus, str) and modulus == "true" else modulus
    with answering():
        try:
            result = getattr(theory, door)(**arguments)
        except RuntimeError as error:  # a search within its budget, as documented
            if ": found no" in str(error):
                raise Refused(str(error)) from None
            raise
    held: Construction = result.construction if door == "approximate" else result
    wanted = np.asarray(held.targets)
    assert held.error <= held.eps and np.isfinite(held.values.middle).all()
    assert (held.values.low - held.eps <= wanted).all()
    assert (held.values.high + held.eps >= wanted).all()
    if door == "approximate":
        points = np.random.default_rng(0).random((200, result.dim))
        assert np.isfinite(result(points)).all() and result.bound <= result.eps
        if result.status.startswith("proved") and true is not None and case["modulus"] == "true":
            assert result.measured_sup_error(points) <= result.bound


# command lines --------------------------------------------------------------------------------

NOWHERE = "/dev/null/out"  # below a file: whatever is right up to here ends there
VALUES = ["1", "-1", "0.5", "1e400", ".nan", "[", "[1, 2]", "{a: 1}", "[" * 50_000, "{a: " * 5000,
          "- " * 3000 + "x", "&a [*a]", "a: &a [1]\nb: *a", "1" * 5000, "0x" + "f" * 20_000,
          "!!int ''", "!!bool x", "!!python/name:os.system", "!!binary x", "2024-01-01", "'",
          '"\\UFFFFFFFF"', "x" * 100_000, "", "null", "true", "é", "\udcff", "\x01", "? [a]",
          "a: 1\na: 2", "%FOO\n---", "--- a\n--- b", "[.inf]", "[0x" + "f" * 20_000 + "]", "'04'",
          "als", "|", "\t"]
words = st.one_of(st.sampled_from(VALUES), st.text(max_size=30))
settings_given = st.lists(st.tuples(
    st.one_of(st.integers(0, 40), st.integers(0, 40), words), words), max_size=3)
line_cases = st.one_of(
    st.fixed_dictionaries({
        "notebook": st.one_of(*[st.integers(0, 12)] * 4, st.sampled_from(["all", "04_stabilty"]),
                              words), "settings": settings_given,
        "more": st.lists(st.one_of(st.sampled_from(
            ["--preset", "quick", "paper", "qick", "-p", "--out", "--", "--help", "-", "--pre"]),
            words), max_size=2)}),
    st.fixed_dictionaries({"arguments": st.one_of(
        st.just([]), st.just(["list"]), st.just(["bench"]), st.just(["bench", "fuz"]),
        words.map(lambda text: ["bench", "x" + text]), words.map(lambda text: ["x" + text]),
        words.map(lambda text: ["list", text]), words.map(lambda text: ["claims", "-" + text]))}))


@cache
def known_parameters() -> dict[str, list[str]]:
    """Return the names of every notebook's parameters."""
    return {name: list(presets.parameters(path)) for name, path in notebooks.find().items()}


def command_line(case: dict[str, Any]) -> list[str]:
    """Return the arguments of a case; a run that nothing is wrong with writes to `NOWHERE`."""
    if "arguments" in case:
        return case["arguments"]
    known = known_parameters()
    notebook = case["notebook"]
    notebook = sorted(known)[notebook % len(known)] if isinstance(notebook, int) else notebook
    names = known.get(notebook) or ["seed"]
    given = [part for name, value in case["settings"]
             for part in ("-p", names[name % len(names)] if isinstance(name, int) else name, value)]
    return ["run", notebook, *given, *case["more"], "--out", NOWHERE]


def answer_command_line(case: dict[str, Any]) -> None:
    """Call the command: it does what it says, or exits with 2 and a line that says what is wrong.
    """
    out, err, code = io.StringIO(), io.StringIO(), None
    arguments = command_line(case)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.main(arguments)
        except SystemExit as stopped:  # argparse's own
            code = stopped.code
            assert code == 0 or "usage: nslib" in err.getvalue()
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {str(error)[:200]}") from error
    said = err.getvalue()
    assert "Traceback" not in said
    if code == 0:
        assert out.getvalue()
        return
    assert code == 2, code
    if "usage: nslib" in said:
        return
    assert said.startswith("nslib: error: "), said[:200]
    found = said.removeprefix("nslib: error: ")
    names = (NOWHERE, "notebook: ", "preset: ", "bench: ", "-p", "paper.yaml")
    assert found.startswith(names) or found[:2].isdigit(), found[:200]
    if found.startswith("-p") and "settings" in case:
        assert any(part in found for part in (*arguments, "parameter")), found[:200]


DOORS = {
    "read_table": (st.one_of(table_cases, table_cases, raw_cases, loading_cases),
                   judged(answer_file)),
    "parse_function": (formula_cases, judged(answer_formula)),
    "theory": (theory_cases, judged(answer_theory)),
    "command_line": (line_cases, judged(answer_command_line)),
}
