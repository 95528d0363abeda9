"""TableEncoder: tables of any columns as numbers, the same ones as scikit-learn's encoders make."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.api.types import is_numeric_dtype
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from nslib.data import TableEncoder
from nslib.data.table_encoder import ONE_HOT_LIMIT

WORDS = st.one_of(st.none(), st.sampled_from([f"w{i}" for i in range(14)]))
NUMBERS = st.one_of(st.none(), st.floats(-1e6, 1e6))
ROWS = st.lists(st.tuples(NUMBERS, WORDS, NUMBERS, st.sampled_from("ab")), min_size=2, max_size=30)


def frame(rows: list) -> pd.DataFrame:
    X = pd.DataFrame(rows, columns=["n", "word", "m", "letter"])
    return X.astype({"n": float, "word": object, "m": float, "letter": object})


def reference(X: pd.DataFrame) -> ColumnTransformer:
    """Return scikit-learn's own way to the features, an independent one; X tells types."""
    text = [name for name in X if not is_numeric_dtype(X[name])]
    short = [name for name in text if X[name].nunique(dropna=False) <= ONE_HOT_LIMIT]
    fill = SimpleImputer(missing_values=pd.NA, strategy="constant", fill_value="missing")
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return ColumnTransformer([
        ("numbers", SimpleImputer(strategy="median", keep_empty_features=True),
         [name for name in X if name not in text]),
        ("categories", make_pipeline(fill, one_hot), short),
        ("codes", make_pipeline(fill, codes), [name for name in text if name not in short]),
    ], verbose_feature_names_out=False)


@given(ROWS, ROWS)
@settings(deadline=None, max_examples=15)
def test_it_encodes_as_scikit_learn_does(training, new):
    # an object column without any value is one of numbers here and one of text there
    training, new = frame([(1.0, "w0", 2.0, "a"), *training]), frame(new)
    theirs = reference(training).fit(training)
    expected = theirs.transform(new)
    encoder = TableEncoder(by_kind=True).fit(training)
    ours = encoder.transform(new)
    np.testing.assert_array_equal(ours, expected)
    assert list(encoder.get_feature_names_out()) == list(theirs.get_feature_names_out())
    in_order = TableEncoder().fit(training).transform(new)
    assert sorted(map(tuple, in_order.T)) == sorted(map(tuple, expected.T))


@pytest.mark.parametrize("columns", [["n", "m"], ["n", "letter"], ["n", "word"], ["letter"]])
def test_the_layout_in_memory_is_scikit_learns(columns):
    # later sums run in the order of memory, so their last digits depend on it
    X = frame([(i, f"w{i}", -i, "ab"[i % 2]) for i in range(14)])[columns]
    expected = reference(X).fit_transform(X)
    ours = TableEncoder(by_kind=True).fit_transform(X)
    assert ours.flags.f_contiguous == expected.flags.f_contiguous
    assert ours.flags.c_contiguous == expected.flags.c_contiguous


def test_columns_and_their_names():
    X = pd.DataFrame({
        "size": [1.0, np.nan, 5.0], "new": [True, False, True], "city": ["Rome", None, "Oslo"],
        "grade": pd.Categorical([2, 1, None]), "mixed": np.array([1, None, 2.5], dtype=object),
        "empty": [None, None, None],
    })
    encoder = TableEncoder().fit(X)
    assert encoder.names_of(list(X)) == [
        "size", "new", "city=Oslo", "city=Rome", "city=missing", "grade=1", "grade=2",
        "grade=missing", "mixed", "empty",
    ]
    np.testing.assert_array_equal(encoder.transform(X), [
        [1.0, 1, 0, 1, 0, 0, 1, 0, 1.0, 0],
        [3.0, 0, 0, 0, 1, 1, 0, 0, 1.75, 0],
        [5.0, 1, 1, 0, 0, 0, 0, 1, 2.5, 0],
    ])


def test_many_categories_become_codes_and_unseen_ones_minus_one():
    X = pd.DataFrame({"street": [f"s{i:02}" for i in range(11)]})
    encoder = TableEncoder().fit(X)
    assert encoder.columns_[0]["kind"] == "code"
    np.testing.assert_array_equal(encoder.transform(X)[:, 0], np.arange(11))
    unseen = pd.DataFrame({"street": ["elsewhere", None]})
    np.testing.assert_array_equal(encoder.transform(unseen), [[-1], [-1]])


def test_a_category_is_found_whatever_type_holds_it():
    encoder = TableEncoder().fit(pd.DataFrame({"grade": pd.Categorical([1, 2, 1])}))
    for values in ([2, 2], [2.0, np.nan], np.array([2, None], dtype=object)):
        row = encoder.transform(pd.DataFrame({"grade": values}))[0]
        np.testing.assert_array_equal(row, [0, 1])


def test_the_state_is_json():
    X = pd.DataFrame({"a": [0.1, 1 / 3], "b": ["x", None]})
    encoder = TableEncoder().fit(X)
    again = TableEncoder()
    again.columns_ = json.loads(json.dumps(encoder.columns_))
    np.testing.assert_array_equal(again.transform(X), encoder.transform(X))
    assert list(again.get_feature_names_out()) == ["x0", "x1_missing", "x1_x"]


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "Float32", "int8", "bool"])
def test_number_types_of_pandas(dtype):
    X = pd.DataFrame({"a": pd.array([1, 0, 1], dtype=dtype)})
    np.testing.assert_array_equal(TableEncoder().fit_transform(X), [[1.0], [0.0], [1.0]])


@pytest.mark.parametrize(("values", "error"), [
    (pd.to_datetime(["2020-01-01", "2021-01-01"]), TypeError),
    ([1 + 2j, 3.0], TypeError),
    ([{"a": 1}, "b"], TypeError),
    ([1.0, np.inf], ValueError),
])
def test_other_columns_are_refused_by_name(values, error):
    with pytest.raises(error, match="'odd'"):
        TableEncoder().fit(pd.DataFrame({"fine": [1, 2], "odd": values}))


def test_bad_tables():
    X = pd.DataFrame({"a": [1.0, 2.0]})
    with pytest.raises(NotFittedError):
        TableEncoder().transform(X)
    encoder = TableEncoder().fit(X)
    with pytest.raises(ValueError, match="2 columns"):
        encoder.transform(X.assign(b=1))
    with pytest.raises(TypeError, match="'a'"):
        encoder.transform(pd.DataFrame({"a": ["text", "text"]}))
    with pytest.raises(ValueError, match=r"found the columns \['b'\], expected .* \['a'\]"):
        encoder.transform(X.rename(columns={"a": "b"}))
    with pytest.raises(TypeError, match="X: found ndarray, expected a DataFrame"):
        TableEncoder().fit(X.to_numpy())
    for empty, shape in ((X[[]], r"\(2, 0\)"), (X.iloc[:0], r"\(0, 1\)")):
        with pytest.raises(ValueError, match=f"X: found shape {shape}, expected at least one row"):
            TableEncoder().fit(empty)
    with pytest.raises(TypeError, match="by_kind: found 1, expected True or False"):
        TableEncoder(by_kind=1).fit(X)


@pytest.mark.parametrize("dtype", ["str", "string", "category"])
def test_a_text_column_without_any_value_is_one_category(dtype):
    X = pd.DataFrame({"city": pd.Series([None, None], dtype=dtype)})
    encoder = TableEncoder().fit(X)
    assert encoder.names_of(["city"]) == ["city=missing"]
    seen = pd.DataFrame({"city": pd.Series(["Rome", None], dtype=dtype)})
    np.testing.assert_array_equal(encoder.transform(seen), [[0.0], [1.0]])


def test_infinity_is_refused_by_column_and_row_in_training_and_in_new_rows():
    X = pd.DataFrame({"fine": [1.0, 2.0, 3.0], "odd": [1.0, 2.0, 4.0]})
    bad = X.assign(odd=[1.0, -np.inf, 4.0])
    steps = TableEncoder().fit(X)
    for refused in (lambda: TableEncoder().fit(bad), lambda: steps.transform(bad)):
        with pytest.raises(ValueError, match="infinity in the column 'odd' at row 1"):
            refused()
