"""What a sparse formula is turned into computes what it predicts; its intervals hold the truth."""

import numpy as np
import pandas as pd
import pytest
import sympy as sp
import torch

from nslib.data import PUBLIC_FORMULAS, sample
from nslib.search import sparse_formula
from nslib.search.sparse import exports
from nslib.search.sparse.coefficients import WeightedRows, intervals, least_squares

NAMES = ["speed\n'''import os", "mass_0 %"]


@pytest.fixture(scope="module")
def formula():
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 3, (400, 2))
    y = 0.5 * X[:, 0] * X[:, 1] ** 2 - 4 * X[:, 1] + 7 + 0.05 * rng.standard_normal(400)
    return sparse_formula(pd.DataFrame(X, columns=NAMES), y)


def test_all_exports_agree_with_predict(formula):
    X = np.random.default_rng(1).normal(0, 10, (50, 2))
    values = formula.predict(X)
    space = {}
    exec(compile(formula.to_python(), "exported", "exec"), space)  # what a user would run
    np.testing.assert_allclose(space["formula"](X), values, rtol=1e-12)
    module = formula.to_torch()
    np.testing.assert_allclose(module(torch.as_tensor(X)).detach()[:, 0], values, rtol=1e-12)
    symbols = [sp.Symbol(name) for name in NAMES]
    evaluated = sp.lambdify(symbols, formula.formula())(*X.T)
    np.testing.assert_allclose(evaluated, values, rtol=1e-10)


def test_a_formula_of_no_terms_can_be_exported_too():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((100, 1))
    formula = sparse_formula(X, rng.standard_normal(100), max_terms=1)
    assert formula.to_torch()(torch.as_tensor(X)).shape == (100, 1)
    space = {}
    exec(formula.to_python(), space)
    np.testing.assert_array_equal(space["formula"](X), formula.predict(X))


def test_the_text_has_the_digits_that_the_intervals_leave(formula):
    equation, held_out = str(formula).split("\nR")[0].rsplit("\n", 1)
    assert equation.startswith("y = ") and equation.endswith(("+ 7.0", "+ 7", "+ 6.99", "+ 7.01"))
    assert held_out == f"3 terms, R² {formula.r2:.4f} on held-out rows"
    assert all(len(c.lstrip("-0.").replace(".", "")) <= 4 for c in formula.rounded())
    table = formula.latex_table()
    assert r"\toprule" in table and table.count(r"\\") == 4
    assert r"{\text{mass\_0 \%}}^{2}" in table
    assert exports.sum_text(["-1", "2.5e-07", "-1"], ["a"], np.array([[1], [2], [0]])) == (
        "-a + 2.5e-07*a**2 - 1")


def test_predict_wants_the_features_of_the_data(formula):
    with pytest.raises(ValueError, match="X: found the columns"):
        formula.predict(pd.DataFrame({"a": [1.0], "b": [1.0]}))
    with pytest.raises(ValueError, match="X: found 3 features, expected 2"):
        formula.predict(np.ones((1, 3)))
    with pytest.raises(ValueError, match="powers overflow"):
        formula.predict(np.full((1, 2), 1e200))


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng, held = np.random.default_rng(3), []
    terms, truth = np.array([[1, 1], [0, 0]]), np.array([2.0, -1.0])
    for seed in range(600):
        X = rng.uniform(0, 3, (150, 2))
        noise = rng.standard_normal(150) * X[:, 0]  # differs from row to row
        rows = WeightedRows(X, 2 * X[:, 0] * X[:, 1] - 1 + noise, np.ones(150), np.ones(2))
        coefficients, R = least_squares(rows, terms)
        ends = intervals(rows, terms, coefficients, R, 0.9, seed)
        held.append((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
    assert np.abs(np.mean(held, axis=0) - 0.9).max() < 0.04  # such shares differ by 0.012


def test_coefficients_are_those_of_all_rows_whatever_the_chunks():
    rng = np.random.default_rng(4)
    X = rng.uniform(1, 2, (200_000, 2)).astype(np.float32)
    y = (3 * X[:, 0] ** 2 + rng.standard_normal(200_000)).astype(np.float64)
    formula = sparse_formula(X, y, degree=2)
    square = X[:, 0].astype(np.float64) ** 2
    assert formula.terms.tolist() == [[2, 0]] and formula.n_rows == 200_000
    np.testing.assert_allclose(formula.coefficients, [square @ y / (square @ square)], rtol=1e-12)


def test_the_path_tells_the_error_on_rows_that_took_no_part():
    X, y = sample(PUBLIC_FORMULAS["Jin-1"], 1000, 0.1, seed=6)
    formula = sparse_formula(X, y)
    path = formula.path
    assert path["terms"].is_monotonic_increasing and path["chosen"].sum() == 1
    chosen = path[path["chosen"]].iloc[0]
    assert chosen["terms"] == 4 and chosen["r2"] == formula.r2
    noise = 0.1 * sample(PUBLIC_FORMULAS["Jin-1"], 1000, 0.0, seed=6)[1].std()
    assert chosen["error"] == pytest.approx(noise, rel=0.2)
    assert path["error"].iloc[0] > 2 * noise
    assert path["error"].min() > 0.97 * chosen["error"]  # more terms fit no held-out noise
    assert chosen["formula"].free_symbols == formula.formula().free_symbols
    axes = formula.plot_path()
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), path["terms"])
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [chosen["error"]])
