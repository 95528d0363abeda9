"""Where the printed formula is what `predict` computes: within a range that the result tells."""

import copy
import pickle
import re

import numpy as np
import pandas as pd
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import nslib
from nslib.search import refit, search, search_many

FAST = {"als": {"order": 3, "rank": 2, "restarts": 2, "resamples": 2},
        "gated": {"order": 2, "rank": 1, "epochs": 3},
        "threshold": {"order": 2, "rank": 1, "epochs": 3},
        "vsr": {"order": 3, "population": 30, "generations": 3}}
methods = pytest.mark.parametrize("method", list(FAST))


def square(n=200, seed=0):
    """Return X (n, 2) and y = x_1² + x_2 (n,)."""
    X = np.random.default_rng(seed).standard_normal((n, 2))
    return X, X[:, 0] ** 2 + X[:, 1]


def computed(result, X):
    """Return the values (N,) of the raw formula at X (N, D)."""
    function = sp.lambdify(sp.symbols(f"x_1:{X.shape[1] + 1}"), result.formula(raw=True), "numpy")
    return function(*X.T) * np.ones(len(X))


def test_the_range_of_a_formula_is_told_in_raw_units():
    X, y = square()
    X = 7 + 3 * X
    ranges = search(X, y, **FAST["als"]).feature_ranges
    low, high = X.min(axis=0), X.max(axis=0)
    assert list(ranges.columns) == ["feature", "low", "high"]
    assert ranges["feature"].tolist() == ["x_1", "x_2"]
    np.testing.assert_allclose(ranges["low"], low - (high - low) / 4)
    np.testing.assert_allclose(ranges["high"], high + (high - low) / 4)
    assert search(pd.DataFrame(X, columns=["a", "b"]), y).feature_ranges["feature"].tolist() == [
        "a", "b"]


def test_without_limits_the_formula_is_used_everywhere():
    X, y = square()
    far = np.array([[10.0, 0.0], [0.0, -50.0]])
    for limited, free in [
        (search(X, y), search(X, y, limits=None)),
        (search_many([(X, y)])[0][0], search_many([(X, y)], limits=None)[0][0]),
        *[[refit(nslib.NeuronStructure((1, 2), ()), X, y, limits=limits)
           for limits in ("data", None)]],
    ]:
        assert limited.predict(far)[0] < 30
        np.testing.assert_allclose(free.predict(far), [100, -50], rtol=1e-6)
        np.testing.assert_array_equal(free.predict(X), limited.predict(X))
        assert free.feature_ranges is None and limited.feature_ranges is not None


@methods
@pytest.mark.parametrize("limits", ["none", False, 3.0, np.zeros(2)])
def test_other_limits_are_refused_in_words(method, limits):
    with pytest.raises(ValueError, match=r"limits: found .*, expected \"data\" or None"):
        search(*square(), method, limits=limits, **FAST[method])
    with pytest.raises(ValueError, match=r"limits: found .*, expected \"data\" or None"):
        refit(nslib.NeuronStructure((1, 2), ()), *square(), limits=limits)


@methods
@given(seed=st.integers(0, 2**20), n=st.integers(30, 60), d=st.integers(1, 3),
       mean=st.sampled_from([0.0, 5.0, -2.0]), scale=st.sampled_from([1e-3, 1.0, 40.0]),
       standardize=st.booleans())
@settings(deadline=None, max_examples=10)
def test_the_formula_is_what_predict_computes_within_the_range(
    method, seed, n, d, mean, scale, standardize
):
    rng = np.random.default_rng(seed)
    unit = rng.standard_normal((n, d))
    # monomials of features far from zero, in units of their spread, cancel
    X = scale * (mean + unit) if standardize else unit
    y = 3 * unit[:, 0] ** 2 - unit[:, -1] + unit[:, 0] * unit[:, -1] + rng.normal(0, 0.2, n)
    result = search(X, y, method, standardize=standardize, **FAST[method])
    ranges = result.feature_ranges
    spread = X.std(axis=0)
    if ranges is None:
        low, high = X.min(axis=0) - 2 * spread, X.max(axis=0) + 2 * spread
        outside = None
    else:
        low, high = ranges["low"].to_numpy(), ranges["high"].to_numpy()
        outside = X + 20 * spread * rng.standard_normal(X.shape)
    inside = low + (high - low) * rng.random((50, d))
    # gated and threshold compute in single precision
    tolerance = (1e-9 if result.neuron.weight.element_size() == 8 else 1e-4)
    expected = computed(result, inside)
    size = tolerance * max(np.abs(expected).max(), y.std())
    np.testing.assert_allclose(result.predict(inside), expected, atol=size, rtol=0)
    if outside is not None:
        nearest = outside.clip(low, high)
        assert (nearest != outside).any()
        np.testing.assert_allclose(
            result.predict(outside), computed(result, nearest), atol=size, rtol=0
        )


def test_the_text_of_a_result_names_formula_and_range():
    X, y = square()
    text = str(search(X, y))
    ranges = search(X, y).feature_ranges
    assert "als" in text and "pure(1,2)" in text and "seed 0" in text
    assert re.search(r"y = .*x_1\*\*2", text) and "e-1" not in text  # no rounding noise
    for feature, low, high in ranges.itertuples(index=False):
        assert f"{feature} from {low:.4g} to {high:.4g}" in text
    assert "all values of the features" in str(search(X, y, limits=None))


def test_the_text_of_a_result_is_short_for_many_features_and_classes():
    X = np.random.default_rng(0).standard_normal((300, 30))
    result = search(X, X[:, 0] ** 2 + X[:, 1], order=2)
    assert "24 further features" in str(result) and len(str(result)) < 1000
    classes = np.array(list("abcdefgh"))[np.arange(300) % 8]
    text = str(search(X[:, :2], classes, "threshold", epochs=2, order=2, rank=1))
    assert "'a'" in text and "5 further classes" in text and len(text) < 1500


def test_the_text_of_a_result_names_the_streams_where_the_formula_is_too_long():
    X = np.random.default_rng(0).standard_normal((100, 40))
    result = search(X, X[:, 0], "gated", epochs=1, order=3, rank=1)
    assert "monomials" in str(result) and str(result.structure) in str(result)


@methods
@pytest.mark.parametrize("classes", [False, True])
def test_a_result_is_copied_and_pickled_whole(method, classes):
    X, y = square()
    result = search(X, np.where(y > 0, "up", "down") if classes else y, method, **FAST[method])
    for twin in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result), copy.copy(result)):
        np.testing.assert_array_equal(twin.decision(5 * X), result.decision(5 * X))
        np.testing.assert_array_equal(twin.predict(X), result.predict(X))
        pd.testing.assert_frame_equal(twin.history, result.history)
        assert twin.gate_probabilities == result.gate_probabilities
        assert (twin.structure, str(twin)) == (result.structure, str(result))
    twin = copy.deepcopy(result)
    twin.neuron.bias.zero_()
    assert result.neuron.bias.any()
