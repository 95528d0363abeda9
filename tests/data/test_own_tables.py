"""CSV files of one's own: read in whatever form they come, or refused in words."""

import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nslib.data import TableEncoder, make_table, read_csv, read_table
from nslib.estimators import NeuronSeekRegressor

N = 40


def frame(**columns) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"size": rng.normal(size=N).round(3), "city": ["Rome", "Oslo"] * (N // 2),
                         **columns, "price": np.arange(N) + 0.5})


@pytest.fixture
def file(tmp_path):
    def write(content, name="my.csv"):
        path = tmp_path / name
        if isinstance(content, pd.DataFrame):
            content = content.to_csv(index=False)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("zipped", [False, True])
def test_separators_and_gzip_make_no_difference(file, separator, zipped):
    text = frame().to_csv(index=False, sep=separator).encode()
    path = file(gzip.compress(text) if zipped else text)
    pd.testing.assert_frame_equal(read_csv(path), frame())


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("zipped", [False, True])
def test_line_ends_make_no_difference(file, end, zipped):
    written = frame(note=["a, \"b\"\nc", "d"] * (N // 2))
    text = ("  \n\n" + written.to_csv(index=False)).replace("\n", end).encode()
    pd.testing.assert_frame_equal(read_csv(file(gzip.compress(text) if zipped else text)), written)


def test_decimal_commas_quotes_and_old_encodings(file):
    written = frame(note=["a, \"b\"\nc", "d; e"] * (N // 2))
    quoted = read_csv(file(written))
    pd.testing.assert_frame_equal(quoted, written)
    commas = file(frame().to_csv(index=False, sep=";", decimal=","))
    pd.testing.assert_frame_equal(read_csv(commas), frame())
    old = file(frame(straße=1).to_csv(index=False).encode("cp1252"))
    assert "straße" in read_csv(old)
    marked = file(b"\xef\xbb\xbf" + frame().to_csv(index=False).encode())
    assert list(read_csv(marked))[0] == "size"


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.sampled_from(["a", "b", ""]),
                          st.one_of(st.none(), st.integers(-9, 9))), min_size=N, max_size=60))
@settings(deadline=None, max_examples=25)
def test_what_is_written_is_read(tmp_path_factory, rows):
    written = pd.DataFrame(rows, columns=["x", "text", "whole"]).assign(y=range(len(rows)))
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    written.to_csv(path, index=False, sep=";")
    read = read_csv(path)
    np.testing.assert_array_equal(read["x"], written["x"])
    assert read["text"].fillna("").astype(str).tolist() == written["text"].tolist()
    np.testing.assert_array_equal(read["whole"].astype(float), written["whole"].astype(float))


@pytest.mark.parametrize(("content", "message"), [
    ("", "the empty file"),
    ("  \n\n", "the empty file"),
    (b"PK\x03\x04 a spreadsheet", "binary data"),
    (b"\x1f\x8b damaged", "damaged gzip"),
    ("<html><body>no</body></html>", "HTML, XML or JSON"),
    ('{"a": [1, 2]}', "HTML, XML or JSON"),
    ("just a line of text\nand one more\n", "no table of at least two columns"),
    ("a,b,a\n" + "1,2,3\n" * N, "column name 'a' twice"),
    ("1.5,2.5\n" + "1,2\n" * N, "numbers in the first row"),
    ("a,b\n" + "1,2\n" * 20 + "1,2,3\n", "as many values in each row"),
    ("a,b\n1,2\n", "rows: found 1 with a value of 'b', expected at least 30"),
])
def test_files_without_a_table_are_refused(file, content, message):
    with pytest.raises(ValueError, match=message):
        read_table(file(content))


ROWS = "a,b\n" + "1,2\n" * N


@pytest.mark.parametrize(("content", "message"), [
    (ROWS.replace("1", "x" * 131_073, 1), "at most 131072 characters"),
    (ROWS + "1,2\n" * N + "y," + "x" * 131_073, "131073 characters in the column 'b'.*at most 131"),
    (ROWS.replace("a", "x" * 131_073, 1), "at most 131072 characters"),
    ("a," * 5000 + "b\n", "5001 columns.*at most 5000"),
    (",".join(f"c{i}" for i in range(10**6)) + "\n" + "1," * 10**6, "1000000 columns"),
    (gzip.compress(b"a,b\n" + b"1,2\n" * 30_000_000), "more than 100000000 bytes.*unfolded"),
    (gzip.compress(ROWS.encode())[:-9], "damaged gzip"),
    (ROWS.encode() + b"1,\0\n", "binary data"),
], ids=range(8))
def test_files_beyond_the_caps_are_refused(file, content, message):
    with pytest.raises(ValueError, match=f"path: found .*{message}"):
        read_table(file(content))


def test_a_plain_file_beyond_the_cap_is_not_read_whole(tmp_path):
    with (tmp_path / "large.csv").open("wb") as large:
        large.truncate(10**12)  # no disk is taken
    with pytest.raises(ValueError, match="more than 100000000 bytes"):
        read_table(tmp_path / "large.csv")


def test_a_table_of_the_most_columns_is_read(file):
    text = ",".join(f"c{i}" for i in range(5000)) + ("\n" + ",".join(["1"] * 5000)) * 2
    assert read_csv(file(text)).shape == (2, 5000)


def test_no_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        read_table(tmp_path / "none.csv")
    for name in ("x" * 10**6, "a\0b", "~nobody/my.csv"):
        with pytest.raises(FileNotFoundError, match="path: found no file") as error:
            read_table(name)
        assert len(str(error.value)) < 400
    with pytest.raises(ValueError, match="the folder"):
        read_table(tmp_path)


@pytest.mark.parametrize(("table", "options", "message"), [
    (frame(), {"target": "prise"}, "target: found 'prise'.*did you mean 'price'"),
    (frame(), {"drop": ["sise"]}, "drop: found 'sise'.*did you mean 'size'"),
    (frame(), {"target": "price", "drop": ["price"]}, "found the target 'price'"),
    (frame(), {"drop": ["size", "city"]}, "columns: found 1"),
    (frame(), {"task": "regresion"}, "did you mean 'regression'"),
    (frame(), {"target": "city", "task": "regression"}, "found text such as 'Rome'"),
    (frame(bad=["1", "2", "n.a.", "4"] * 10), {"target": "bad"}, "found text such as 'n.a.'"),
    (frame(one="yes"), {"target": "one"}, "found the one class yes"),
    (frame(one=3.0), {"target": "one"}, "found the constant 3.0"),
    (frame(rare=["a"] * (N - 1) + ["b"]), {"target": "rare"}, "1 classes of one row, such as 'b'"),
    (frame(), {"task": "classification"}, "found 0.5, expected class names or whole numbers"),
    (frame(x=[np.inf] + [1.0] * (N - 1)), {}, "column 'x': found 1 infinite values.*data row 1"),
    (frame(day="2024-03-01"), {}, "column 'day': found dates such as '2024-03-01'"),
    (frame(day="3 March 2024 10:30"), {}, "column 'day': found dates"),
    (frame()[["city", "price"]].assign(city="Rome"), {}, "no feature that varies.*city: constant"),
])
def test_what_nothing_can_be_learnt_from_is_refused(table, options, message):
    with pytest.raises(ValueError, match=message):
        make_table(table, **options)


@pytest.mark.parametrize("options", [
    {"target": 3}, {"target": None}, {"drop": "size"}, {"drop": [1]}, {"drop": None}, {"drop": 3},
    {"drop": b"size"}, {"path": 3}, {"path": None}, {"frame": [[1, 2]]},
], ids=str)
def test_arguments_of_other_types_are_refused(options):
    name = next(iter(options))
    door = read_table if name == "path" else make_table
    with pytest.raises(TypeError, match=f"^{name}: found"):
        door(**{"frame": frame()} | options if door is make_table else options)


@pytest.mark.parametrize(("values", "message"), [
    ([1j] * N, "column 'x': found complex128"),
    ([[1, 2]] * N, r"column 'x': found the list \[1, 2"),
])
def test_columns_that_hold_no_numbers_or_text_are_refused(values, message):
    with pytest.raises(TypeError, match=message):
        make_table(frame(x=values))


def test_names_of_columns_become_text_and_must_be_distinct():
    table = make_table(frame().set_axis([0, 1, 2], axis=1))
    assert list(table.X) == ["0", "1"] and table.target == "2"
    with pytest.raises(ValueError, match="frame: found the column name 'a' twice"):
        make_table(frame().set_axis(["a", "b", "a"], axis=1))


def test_one_of_many_columns_is_asked_for_in_a_short_message():
    wide = pd.DataFrame(np.ones((N, 300))).rename(columns=lambda i: f"c{i}")
    with pytest.raises(ValueError, match="found 'c3x'.*table's 300 columns .did you") as error:
        make_table(wide, "c3x")
    assert len(str(error.value)) < 400


DEFINED = {  # columns of a table whose target varies: what is made of them, or the refusal
    "NaN in some rows": ([np.nan, 1.0, 2.0, 3.0] * (N // 4), "missing ones become the median"),
    "only NaN": ([np.nan] * N, "left out: no value"),
    "infinity": ([-np.inf, 1.0] * (N // 2), None),
    "constant": ([7] * N, "left out: constant"),
    "constant text": (["a"] * N, "left out: constant"),
    "text": (["a", "b", "c", None] * (N // 4), "4 columns of 0 and 1, a category each, one of"),
    "many texts": ([f"t{i % 20}" for i in range(N)], "codes of 20 categories"),
    "texts that all differ": ([f"t{i}" for i in range(N)], "left out: a text that differs"),
}


@pytest.mark.parametrize("kind", DEFINED)
@pytest.mark.parametrize("from_file", [False, True])
def test_each_kind_of_column_has_a_defined_answer(file, kind, from_file):
    values, use = DEFINED[kind]
    written = frame(x=values)
    if use is None:
        with pytest.raises(ValueError, match="column 'x': found 20 infinite values.*data row 1"):
            read_table(file(written)) if from_file else make_table(written)
        return
    table = read_table(file(written)) if from_file else make_table(written)
    assert use in table.columns.set_index("column")["use"]["x"]
    assert ("x" in table.X) == ("left out" not in use)
    assert np.isfinite(TableEncoder().fit_transform(table.X)).all()


@pytest.mark.parametrize(("content", "message"), [
    ("a,b\n", "rows: found 0 with a value of 'b', expected at least 30"),
    ("a,b\n1,2\n", "rows: found 1 with a value"),
    ("a,b\n" + "1,\n" * N, "rows: found 0 with a value"),
    ("a,b\n" + "1,5\n" * N, "found the constant 5"),
    ("a,b\n" + "1,inf\n2,3\n" * N, "column 'b': found 40 infinite"),
    ("a,b\n" + "1,yes\n" * N, "found the one class yes"),
    ("a,b\n" + "1,yes\n" * N + "1,no\n", "1 classes of one row, such as 'no'"),
    ("a,b\n" + "1,yes\n1,no\n" * N, "no feature that varies"),
])
def test_targets_and_rows_have_defined_answers(file, content, message):
    with pytest.raises(ValueError, match=message):
        read_table(file(content))


def test_each_column_has_a_use_or_is_left_out_with_a_warning():
    table = make_table(frame(
        name=[f"n{i}" for i in range(N)], empty=np.nan, same=7, number=range(N),
        mixed=["1", "2", "3", "?"] * (N // 4), gap=[1.5, np.nan, np.nan, 2.5, np.nan] * (N // 5),
        flag=pd.Series([True, False, None, True] * (N // 4), dtype=object),
    ).assign(price=[np.nan, *range(1, N)]), drop=["city"])
    uses = table.columns.set_index("column")["use"]
    assert list(table.X) == ["size", "number", "mixed", "gap", "flag"]
    assert uses["name"] == "left out: a text that differs in every row"
    assert uses["empty"] == "left out: no value"
    assert uses["same"] == "left out: constant"
    assert uses["city"] == "left out, as asked"
    assert uses["gap"] == "as they are, missing ones become the median"
    assert uses["flag"].startswith("0 and 1")
    assert uses["mixed"] == "4 columns of 0 and 1, a category each"
    assert uses["price"] == "target: a number"
    said = " ".join(table.warnings)
    for part in ("1 of 40 rows have no value of 'price'", "'name' is left out", "'same'",
                 "'number' counts the rows", "'mixed' is read as text, for 7", "but '?' is not",
                 "'gap' has no value in 6"):
        assert part in said, part
    assert len(table.y) == N - 1 and table.y.notna().all()


def test_a_plain_table_has_no_warning():
    assert make_table(frame()).warnings == ()


@pytest.mark.parametrize(("target", "task", "kind"), [
    (["a", "b"], "classification", str), ([0, 1], "classification", np.int64),
    ([True, False], "classification", str), ([1.5, 2.5], "regression", np.float64),
    ([1, 2, 3, 4], "regression", np.float64),
])
def test_the_task_is_told_from_the_target(target, task, kind):
    table = make_table(frame(y=target * (N // len(target))), "y")
    assert table.task == task and isinstance(table.y.iloc[0], kind)
    assert ("classes" in " ".join(table.warnings)) == (len(target) == 4)


def test_the_table_goes_into_an_estimator():
    table = make_table(frame(gap=[1.0, np.nan, 3.0, np.nan] * (N // 4)))
    model = NeuronSeekRegressor(max_order=2, rank=1, budget=300, members=1, steps=5,
                                random_state=0).fit(table.X, table.y)
    inputs = model.formula_inputs(table.X)
    assert list(inputs) == ["size", "city=Oslo", "city=Rome", "gap"]
    assert {symbol.name for symbol in model.formula_.free_symbols} <= set(inputs)
    assert set(inputs["gap"]) >= {1.0, 3.0} and inputs["gap"].between(1, 3).all()


def test_more_columns_than_rows_and_missing_values_are_read(file):
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.normal(size=(N, 2 * N))).rename(columns=lambda i: f"c{i}")
    wide.iloc[::3, 0] = np.nan
    table = read_table(file(wide))
    assert table.X.shape == (N, 2 * N - 1) and table.X["c0"].isna().sum() == len(range(0, N, 3))
