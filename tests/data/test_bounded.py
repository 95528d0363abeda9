"""Smooth clipping and piecewise-linear encoding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.utils.estimator_checks import check_estimator

from nslib.data import PiecewiseLinearEncoder, SmoothClipper

TABLES = arrays(np.float64, st.tuples(st.integers(1, 30), st.integers(1, 4)),
                elements=st.floats(-1e12, 1e12))


@pytest.mark.parametrize("transformer", [SmoothClipper(), PiecewiseLinearEncoder()])
def test_scikit_learn_accepts_them(transformer):
    check_estimator(transformer)


@settings(deadline=None, max_examples=25)
@given(TABLES, TABLES)
def test_every_value_of_new_rows_stays_within_the_limit(X, new):
    clipper = SmoothClipper(limit=3.0).fit(X)
    new = np.resize(new, (7, X.shape[1]))
    values = clipper.transform(new)
    assert np.isfinite(values).all() and (np.abs(values) <= 3.0).all()


def test_the_middle_of_a_normal_feature_is_nearly_untouched_and_order_is_kept():
    x = np.random.default_rng(0).normal(5.0, 2.0, (4001, 1))
    values = SmoothClipper(limit=3.0).fit_transform(x)
    z = (x - 5.0) / 2.0
    near = np.abs(z) < 0.3
    np.testing.assert_allclose(values[near], z[near], atol=0.06)
    assert (np.diff(values[np.argsort(x[:, 0]), 0]) >= 0).all()


def test_a_constant_and_a_rare_flag_are_scaled_without_dividing_by_zero():
    X = np.zeros((100, 2))
    X[:3, 1] = 1.0
    values = SmoothClipper().fit_transform(X)
    assert (values[:, 0] == 0).all()
    assert values[:3, 1] == pytest.approx(2 / np.sqrt(1 + 4 / 9))


def test_bins_follow_the_formula_of_the_paper():
    X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    encoder = PiecewiseLinearEncoder(n_bins=2).fit(X)
    values = encoder.transform([[-1.0], [1.0], [3.5], [9.0]])
    np.testing.assert_allclose(values, [[-1, -1, -1], [1, 0, -1], [3.5, 1, 0.5], [9, 1, 1]])
    assert list(encoder.get_feature_names_out(["x"])) == ["x", "x bin 1", "x bin 2"]


@settings(deadline=None, max_examples=25)
@given(TABLES, st.integers(1, 8))
def test_bins_rise_with_their_feature_and_stay_in_range(X, n_bins):
    values = PiecewiseLinearEncoder(n_bins).fit_transform(X)
    bins = values[:, X.shape[1] :]
    assert bins.shape[1] <= n_bins * X.shape[1]
    assert np.isfinite(values).all() and (np.abs(bins) <= 1).all()
    if X.shape[1] == 1:
        assert (np.diff(bins[np.argsort(X[:, 0])], axis=0) >= 0).all()


def test_features_of_two_values_get_no_bins():
    X = np.column_stack([np.arange(50) % 2, np.arange(50)])
    assert PiecewiseLinearEncoder(4).fit_transform(X).shape == (50, 2 + 4)


def test_the_farthest_values_are_at_the_limit():
    clipper = SmoothClipper().fit(np.arange(10.0)[:, None] * 1e-3)
    far = np.array([[1e200], [-1e200], [1e308], [-1e308]])
    np.testing.assert_allclose(clipper.transform(far)[:, 0], [3, -3, 3, -3])
