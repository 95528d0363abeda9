"""TableEncoder: tables of any columns as numbers, the same as the scikit-learn pipeline makes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

from nslib.data import TableEncoder, preprocessor

WORDS = st.one_of(st.none(), st.sampled_from([f"w{i}" for i in range(14)]))
NUMBERS = st.one_of(st.none(), st.floats(-1e6, 1e6))
ROWS = st.lists(st.tuples(NUMBERS, WORDS, NUMBERS, st.sampled_from("ab")), min_size=2, max_size=30)


def frame(rows: list) -> pd.DataFrame:
    X = pd.DataFrame(rows, columns=["n", "word", "m", "letter"])
    return X.astype({"n": float, "word": object, "m": float, "letter": object})


@given(ROWS, ROWS)
@settings(deadline=None, max_examples=15)
def test_it_encodes_as_the_pipeline_does(training, new):
    # which leaves out text columns without a value
    training, new = frame([(1.0, "w0", 2.0, "a"), *training]), frame(new)
    pipeline = preprocessor(training, "none").fit(training)
    encoder = TableEncoder().fit(training)
    ours, theirs = encoder.transform(new), pipeline.transform(new)
    assert ours.shape == theirs.shape  # the pipeline puts numbers first
    assert sorted(map(tuple, ours.T)) == sorted(map(tuple, theirs.T))


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
