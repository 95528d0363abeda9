"""Splits, encoding, imputation and scaling."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from companion.experiments.table_preparation import preprocessor, split, target_scaler
from nslib.data import TableEncoder, load_tabular


@pytest.fixture
def mixed():
    """A small data set with text of few and many categories, gaps and a constant column."""
    rng = np.random.default_rng(0)
    n = 60
    X = pd.DataFrame({
        "size": rng.normal(5.0, 2.0, n),
        "colour": rng.choice(["red", "green", "blue"], n),
        "town": [f"town {i % 20:02d}" for i in range(n)],
        "constant": np.ones(n),
        "empty": np.full(n, np.nan),
    })
    X.loc[[0, 7, 30], "size"] = np.nan
    X.loc[[1, 8], "colour"] = None
    y = pd.Series(rng.choice(["yes", "no"], n, p=[0.75, 0.25]), name="target")
    base = load_tabular("iris")
    return dataclasses.replace(base, name="mixed", X=X, y=y, task="classification")


def test_split_is_seeded_disjoint_complete_and_stratified():
    data = load_tabular("breast_cancer")
    X_train, X_test, y_train, y_test = split(data, test_size=0.2, seed=3)
    assert len(X_test) == 114
    assert set(X_train.index) | set(X_test.index) == set(data.X.index)
    assert set(X_train.index).isdisjoint(X_test.index)
    assert list(y_train.index) == list(X_train.index)
    assert list(y_test.index) == list(X_test.index)
    share = (data.y == "benign").mean()
    assert (y_test == "benign").mean() == pytest.approx(share, abs=0.01)
    again = split(data, test_size=0.2, seed=3)
    assert list(again[1].index) == list(X_test.index)
    assert list(split(data, test_size=0.2, seed=4)[1].index) != list(X_test.index)


@pytest.mark.parametrize(("size", "words"), [
    (0.0, "test_size: found 0.0"), (1.5, "test_size: found 1.5"), (0.001, "test_size: found 0.001"),
])
def test_split_refuses_shares_that_leave_nothing(size, words):
    with pytest.raises(ValueError, match=words):
        split(load_tabular("iris"), test_size=size)


@pytest.mark.parametrize(("seed", "error"), [
    (2**32, ValueError), (2**40, ValueError), (-1, ValueError), (0.5, TypeError),
])
def test_split_names_a_seed_that_scikit_learn_cannot_take(seed, error):
    with pytest.raises(error, match=f"seed: found {seed}"):
        split(load_tabular("iris"), seed=seed)
    assert len(split(load_tabular("iris"), seed=2**32 - 1)) == 4


def test_split_refuses_a_class_of_one(mixed):
    y = mixed.y.copy()
    y.iloc[5] = "maybe"
    with pytest.raises(ValueError, match="mixed, expected a share that leaves rows of every class"):
        split(dataclasses.replace(mixed, y=y))


def test_encoding_columns_and_names(mixed):
    steps = TableEncoder(by_kind=True).fit(mixed.X)
    table = pd.DataFrame(steps.transform(mixed.X), columns=steps.get_feature_names_out())
    assert list(table.columns) == [
        "size", "constant", "empty",
        "colour_blue", "colour_green", "colour_missing", "colour_red", "town",
    ]
    colours = table.filter(like="colour")
    np.testing.assert_array_equal(colours.sum(axis=1), 1.0)
    np.testing.assert_array_equal(table["colour_missing"], mixed.X["colour"].isna())
    np.testing.assert_array_equal(table["colour_red"], mixed.X["colour"] == "red")
    np.testing.assert_array_equal(table["town"], [i % 20 for i in range(60)])
    np.testing.assert_array_equal(table["empty"], 0.0)
    np.testing.assert_array_equal(table["constant"], 1.0)


@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_text_of_every_dtype_has_one_category_for_what_is_missing(mixed, dtype):
    colours = mixed.X["colour"].astype(dtype)
    if dtype is object:
        colours[[1, 8]] = [None, np.nan]
    data = dataclasses.replace(mixed, X=mixed.X.assign(colour=colours))
    steps = TableEncoder(by_kind=True).fit(data.X)
    table = pd.DataFrame(steps.transform(data.X), columns=steps.get_feature_names_out())
    assert list(table.filter(like="colour")) == [
        "colour_blue", "colour_green", "colour_missing", "colour_red",
    ]
    np.testing.assert_array_equal(table["colour_missing"], colours.isna())


def test_missing_numbers_become_the_training_median(mixed):
    X_train, X_test = mixed.X.iloc[:30], mixed.X.iloc[30:]
    steps = TableEncoder(by_kind=True).fit(X_train)
    assert steps.transform(X_test)[0, 0] == X_train["size"].median()
    assert X_train["size"].median() != mixed.X["size"].median()


@pytest.mark.parametrize("scaling", ["standard", "robust"])
def test_test_rows_teach_nothing(mixed, scaling):
    X_train, X_test, *_ = split(mixed, seed=0)
    changed = mixed.X.copy()
    changed.loc[X_test.index, "size"] = 1e6
    changed.loc[X_test.index, "colour"] = "violet"
    changed.loc[X_test.index, "constant"] = -50.0
    other = dataclasses.replace(mixed, X=changed)
    other_train = split(other, seed=0)[0]
    first = preprocessor(scaling).fit(X_train)
    second = preprocessor(scaling).fit(other_train)
    np.testing.assert_array_equal(first.transform(X_train), second.transform(other_train))


def test_unseen_categories_become_zeros_and_minus_one(mixed):
    steps = TableEncoder(by_kind=True).fit(mixed.X)
    names = list(steps.get_feature_names_out())
    row = mixed.X.iloc[[2]].assign(colour="violet", town="elsewhere")
    out = pd.Series(steps.transform(row)[0], index=names)
    assert (out.filter(like="colour") == 0.0).all()
    assert out["town"] == -1.0


def test_scaling_ranges_and_constant_columns(mixed):
    standard = preprocessor("standard").fit_transform(mixed.X)
    np.testing.assert_allclose(standard.mean(axis=0), 0.0, atol=1e-12)
    spread = standard.std(axis=0)
    np.testing.assert_allclose(spread[[0, 3, 7]], 1.0)
    np.testing.assert_array_equal(spread[[1, 2]], 0.0)


def test_target_scalings():
    y = np.array([[-3.0], [0.0], [7.0], [1e6]])
    logs = np.array([-np.log(4.0), 0.0, np.log(8.0), np.log1p(1e6)])
    for scaling, raw in (("minmax", y[:, 0]), ("log-minmax", logs)):
        boxed = target_scaler(scaling).fit_transform(y)[:, 0]
        expected = 2 * (raw - raw[0]) / (raw[-1] - raw[0]) - 1
        np.testing.assert_allclose(boxed, expected, rtol=1e-12)


def test_unknown_scalings_are_refused(mixed):
    with pytest.raises(ValueError, match=r"scaling: found 'standart'.*did you mean 'standard'"):
        preprocessor("standart")
    with pytest.raises(ValueError, match="scaling: found 'log'"):
        target_scaler("log")


def test_a_set_of_one_row_cannot_be_split():
    data = load_tabular("diabetes")
    one = dataclasses.replace(data, X=data.X.iloc[:1], y=data.y.iloc[:1])
    with pytest.raises(ValueError, match="test_size: found 0.2 for the 1 rows of diabetes"):
        split(one)


@pytest.mark.parametrize("scaling", ["minmax", "log-minmax"])
def test_a_constant_target_stays_finite(scaling):
    y = np.full((3, 1), 7.0)
    assert np.isfinite(target_scaler(scaling).fit_transform(y)).all()


def test_the_preprocessor_bounds_and_bins_a_table():
    data = load_tabular("diabetes")
    plain = preprocessor("robust").fit_transform(data.X)
    assert plain.shape == data.X.shape and np.abs(plain).max() < 3
    assert preprocessor("robust", n_bins=4).fit_transform(data.X).shape[1] > 40
    with pytest.raises(ValueError, match="n_bins: found -1"):
        preprocessor(n_bins=-1)


@pytest.mark.parametrize("scaling", ["standard", "robust"])
@pytest.mark.parametrize("n_bins", [0, 3])
def test_few_rows_many_columns_and_constants_have_finite_features(scaling, n_bins):
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.normal(size=(4, 9)), columns=list("abcdefghi"))
    X = wide.assign(same=3.0, empty=np.nan, word="always", a=[1.0, np.nan, 2.0, 4.0])
    for rows in (X, X.iloc[:1]):
        features = preprocessor(scaling, n_bins).fit(rows).transform(X)
        assert features.shape[0] == 4 and features.shape[1] >= 12
        assert np.isfinite(features).all()
