"""goal="prediction": what one neuron predicts, within bounds, and never worse than a linear fit."""

import numpy as np
import pandas as pd
import pytest
import sympy as sp
import torch
from sklearn.linear_model import Ridge

from nslib.search import search, search_many
from nslib.search.prediction import predictor, ridge, stacking
from nslib.search.prediction.logistic import fit_logistic
from nslib.search.prediction.monomials import columns, pairs, polynomial, powers, products
from nslib.search.prediction.ridge import SHRINKING, fit_ridge
from nslib.search.result import SearchResult


def predicted(X, y, **options):
    return search(X, y, goal="prediction", **options)


def r2(y, values):
    return 1 - np.mean((y - values) ** 2) / np.var(y)


def product(n=300, d=4, noise=0.3, seed=0):
    """Return X (n, d) and y = x_1 x_2 + x_3 with noise (n,)."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, X[:, 0] * X[:, 1] + X[:, 2] + noise * rng.normal(size=n)


def test_products_are_predicted_and_the_formula_is_what_predict_computes():
    X, y = product(d=3)
    X = 5 + 2 * X
    result = predicted(X, y, order=3)
    fresh, truth = product(d=3, seed=1)
    fresh = 5 + 2 * fresh
    assert r2(truth, result.predict(fresh)) > 0.85
    ranges = result.feature_ranges
    inside = np.clip(fresh, ranges["low"].to_numpy(), ranges["high"].to_numpy())
    function = sp.lambdify(sp.symbols("x_1:4"), result.formula(raw=True))
    np.testing.assert_allclose(function(*inside.T), result.predict(fresh), rtol=1e-6, atol=1e-8)
    again = SearchResult.from_state(result.to_state(), result.neuron.state_dict(), None)
    np.testing.assert_array_equal(again.predict(fresh), result.predict(fresh))
    assert "used for x_1 from" in str(result)


def test_features_are_held_within_the_range_of_the_data():
    X, y = product()
    result = predicted(X, y)
    low, high = result.feature_ranges[["low", "high"]].to_numpy().T
    assert (low >= X.min(axis=0) - 1e-12).all() and (high <= X.max(axis=0) + 1e-12).all()
    far = np.array([[1e6, -1e6, 1e6, 0.0]])
    assert np.abs(result.predict(far)).max() < 10 * np.abs(y).max()
    free = predicted(X, y, limits=None)
    assert free.limits is None and np.abs(free.predict(far)).max() > 1e5


def test_a_linear_truth_with_few_rows_gets_a_linear_answer_or_one_as_good():
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(5):
        X = rng.normal(size=(60, 5))
        y = X @ np.arange(5.0) + 3 * rng.normal(size=60)
        fresh = rng.normal(size=(2000, 5))
        truth = fresh @ np.arange(5.0)
        gains.append(r2(truth, predicted(X, y).predict(fresh))
                     - r2(truth, Ridge().fit(X, y).predict(fresh)))
    assert np.mean(gains) > -0.02


@pytest.mark.parametrize("names", [["no", "yes"], ["a", "b", "c"]])
def test_classes_are_predicted_with_logits(names):
    X, y = product(400, noise=0.0)
    edges = np.quantile(y, np.linspace(0, 1, len(names) + 1)[1:-1])
    labels = np.array(names)[np.searchsorted(edges, y)]
    result = predicted(X[:300], labels[:300], order=2)
    assert np.mean(result.predict(X[300:]) == labels[300:]) > 0.8
    logits = result.decision(X[300:])
    places = np.searchsorted(names, labels[300:])
    assert logits.shape == (100, len(names))
    assert stacking.cross_entropies(logits, places).mean() < 0.5
    assert list(result.formula(expand=False)) == names


@pytest.mark.parametrize(("X", "y"), [
    ([[1.0], [2.0]], [0.0, 1.0]),
    ([[1.0], [2.0]], ["a", "b"]),
    (np.ones((30, 2)), np.arange(30.0)),
    (np.ones((30, 2)), ["a", "b", "b"] * 10),
    (np.column_stack([np.arange(30.0), np.full(30, 3.0)]), np.arange(30.0) ** 2),
    (np.random.default_rng(0).normal(size=(8, 40)), np.arange(8.0)),
    (np.random.default_rng(0).normal(size=(30, 60)), np.random.default_rng(1).normal(size=30)),
    (np.random.default_rng(0).normal(size=(30, 60)), ["a"] * 28 + ["b", "c"]),
    (np.eye(30), np.arange(30.0)),
    (np.repeat([[1e200, -1e-200]], 25, axis=0) * np.arange(1, 26)[:, None], np.arange(25.0)),
], ids=["two rows", "two classes", "constants", "classes of constants", "one constant",
        "few rows", "wide", "rare classes", "identity", "odd units"])
def test_odd_data_have_an_answer(X, y):
    result = predicted(X, y)
    values = result.predict(X)
    assert len(values) == len(y) and set(result.history["candidate"]) >= {"all"}
    if isinstance(y[0], str):
        assert set(values) <= set(y)
    else:
        assert np.abs(values - np.mean(y)).max() <= 3 * np.ptp(y)


def test_same_seed_same_answer_and_seeds_only_draw_folds_and_rows():
    X, y = product(150)
    first, same, other = predicted(X, y, seed=1), predicted(X, y, seed=1), predicted(X, y, seed=2)
    np.testing.assert_array_equal(first.predict(X), same.predict(X))
    np.testing.assert_allclose(first.predict(X), other.predict(X), atol=0.5)
    few = predicted(X, y, search_rows=100)
    assert r2(y, few.predict(X)) > 0.8
    many = search_many([(X, y), (X, -y)], goal="prediction", seeds=[1, 2])
    np.testing.assert_array_equal(many[0][0].predict(X), first.predict(X))
    assert {s.order for s in predicted(X, y, order=2).structure.streams} <= {1, 2}


def test_wide_data_have_products_of_their_strongest_features(monkeypatch):
    monkeypatch.setattr(predictor, "MOST_COLUMNS", 100)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 30))
    y = X[:, 0] + X[:, 1] + X[:, 0] * X[:, 1] + 0.1 * rng.normal(size=300)
    result = predicted(X[:200], y[:200], order=2)
    assert r2(y[200:], result.predict(X[200:])) > 0.9
    assert "interact 2" in result.structure.streams


def test_weights_of_rows():
    X, y = product(120, noise=0.0)
    both, targets = np.vstack([X, X]), np.concatenate([y, -y])
    result = predicted(both, targets, sample_weight=np.repeat([50.0, 1.0], 120))
    assert r2(y, result.predict(X)) > 0.85
    only = predicted(both, targets, sample_weight=np.repeat([7.0, 0.0], 120))
    np.testing.assert_allclose(only.predict(X), predicted(X, y).predict(X), rtol=1e-6, atol=1e-6)
    names = np.where(targets > 0, "high", "low")
    classes = predicted(both, names, sample_weight=np.repeat([50.0, 1.0], 120))
    assert np.mean(classes.predict(X) == np.where(y > 0, "high", "low")) > 0.9


@pytest.mark.parametrize("n_kept", [1, 2, 30])
def test_rows_of_weight_zero_may_leave_one_row_or_one_class(n_kept):
    X, y = product(60)
    kept = np.arange(60) < n_kept
    values = predicted(X, y, sample_weight=kept).predict(X)
    assert np.isfinite(values).all() and (n_kept > 1 or np.allclose(values, y[0]))
    names = np.where(kept, np.where(y > 0, "b", "a"), "c")
    assert set(predicted(X, names, sample_weight=kept).predict(X)) <= {"a", "b"}


@pytest.mark.parametrize(("options", "words"), [
    ({"goal": "predict"}, "goal: found 'predict', expected one of formula, prediction"),
    ({"goal": "prediction", "method": "vsr"}, "goal: found 'prediction' for 'vsr', expected 'form"),
    ({"goal": "prediction", "sample_weight": [1.0, -1.0] * 30}, "sample_weight: found -1 at 1"),
    ({"goal": "prediction", "sample_weight": [1.0] * 9}, r"sample_weight: found shape \(9,\)"),
    ({"method": "gated", "sample_weight": [1.0] * 60}, "sample_weight: found weights for 'gated'"),
])
def test_bad_goals_and_weights_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        search(*product(60), **options)


def test_one_class_is_refused_as_ever():
    with pytest.raises(ValueError, match="y: found the one class 'a'"):
        predicted(np.arange(10.0)[:, None], ["a"] * 10)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_any_polynomial_is_a_neuron(n_outputs):
    rng = np.random.default_rng(n_outputs)
    monomials = [*powers([0, 1, 3, 4], 4, {3}), *products([0, 1, 3, 4], 4, {3})]
    assert set(pairs([0, 1, 3, 4], 4, {3})) <= set(monomials)
    assert (3, 3) not in monomials and (0, 3, 3) not in monomials and (0, 0, 3) in monomials
    weights = rng.normal(size=(len(monomials), n_outputs))
    Z = rng.uniform(-1, 1, (20, 5))
    neuron = polynomial(dict(zip(monomials, weights, strict=True)), np.ones(n_outputs), 5)
    with torch.no_grad():
        outputs = neuron.to_neuron()(torch.as_tensor(Z)).numpy()
    np.testing.assert_allclose(outputs, columns(Z, monomials) @ weights + 1, atol=1e-12)
    if n_outputs == 1:  # eigenvectors: no more terms of order 2 than features
        assert len(neuron.factors[2]) <= 4


@pytest.mark.parametrize("shape", [(25, 6), (12, 30)])
def test_left_out_is_what_a_fit_without_the_row_predicts(shape, monkeypatch):
    penalties = np.logspace(-8, 1, 4)
    monkeypatch.setattr(ridge, "PENALTIES", penalties)
    rng = np.random.default_rng(0)
    A, weights = rng.normal(size=shape), rng.uniform(0.5, 2.0, shape[0])
    orders = rng.integers(1, 4, shape[1])
    Y = np.column_stack([A[:, 0] + rng.normal(size=shape[0]), rng.normal(size=shape[0])])
    fit = fit_ridge(A, orders, Y, weights)
    mean = weights @ A / weights.sum()
    unit = SHRINKING ** (orders - 1.0) / np.sqrt(weights @ (A - mean) ** 2 / weights.sum())
    errors = []
    for penalty in penalties * weights.sum():
        left_out = np.empty_like(Y)
        for i in range(len(A)):
            kept = np.arange(len(A)) != i
            model = Ridge(penalty).fit(A[kept] * unit, Y[kept], weights[kept])
            left_out[i] = model.predict(A[[i]] * unit)[0]
        errors.append((weights @ np.square(Y - left_out).sum(1) / weights.sum(), left_out, penalty))
    error, left_out, penalty = min(errors, key=lambda e: e[0])
    np.testing.assert_allclose(fit.left_out, left_out, rtol=1e-4, atol=1e-5)
    assert fit.error == pytest.approx(error, rel=1e-4)
    whole = Ridge(penalty).fit(A * unit, Y, weights)
    np.testing.assert_allclose(A @ fit.weights + fit.bias, whole.predict(A * unit), atol=1e-6)


def test_stacks_are_of_least_loss_and_never_negative():
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    scores = np.stack([y + rng.normal(size=200), y + rng.normal(size=200), -y])[:, :, None]
    stack = stacking.squares(scores, y, np.ones(200))
    assert (stack.weights >= 0).all() and stack.weights[2] == 0
    np.testing.assert_allclose(stack.weights[:2], 1 / 3, atol=0.15)
    codes = (y > 0).astype(int)
    logits = np.stack([np.zeros(200), 2 * scores[0, :, 0]], axis=1)[None]
    soft = stacking.entropy(logits, codes, np.ones(200))
    own = stacking.cross_entropies(soft.outputs(logits), codes).mean()
    for factor in (0.8, 1.25):
        other = stacking.Stack(soft.weights * factor, soft.bias)
        assert own <= stacking.cross_entropies(other.outputs(logits), codes).mean() + 1e-9


def test_no_logistic_fit_where_a_fold_has_all_rows_of_a_class():
    X, codes = np.random.default_rng(0).normal(size=(40, 2)), np.r_[np.zeros(39, int), 1]
    folds = np.arange(40) % 5
    assert fit_logistic(X, codes, np.ones(40), folds) is None
    codes[:20] = 1
    assert fit_logistic(X, codes, np.ones(40), folds).left_out.shape == (40, 2)


def test_names_and_history():
    X, y = product(80)
    result = predicted(pd.DataFrame(X, columns=list("abcd")), y)
    assert result.method == "als" and result.feature_ranges["feature"].tolist() == list("abcd")
    history = result.history
    assert history["candidate"].iloc[-1] == "all" and (history["weight"] >= 0).all()
    assert history["loss"].iloc[-1] <= 1.1 * history["loss"].iloc[:-1].min()
