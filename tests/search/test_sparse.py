"""Sparse formulas: the terms are the true ones, shifts and units change nothing, bad data are told.

The oracles are polynomials whose terms are known.
"""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import nslib
from nslib import NeuronStructure, TaskLinear
from nslib.data import PUBLIC_FORMULAS, random_sparse_polynomial, sample
from nslib.search import refit, sparse_formula
from nslib.search.search_task import make_task


def terms_of(formula):
    return set(map(tuple, formula.terms.tolist()))


@pytest.fixture(scope="module")
def result():
    X = np.random.default_rng(0).uniform(1, 5, (200, 3))
    return nslib.search(X, X[:, 0] - 2 * X[:, 1])


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.1])
@pytest.mark.parametrize("name", ["I.14.3", "Jin-2", "Nguyen-12", "I.24.6"])
def test_a_public_formula_is_read_off_noisy_rows(name, noise):
    polynomial = PUBLIC_FORMULAS[name]
    formula = sparse_formula(*sample(polynomial, 2000, noise, seed=5))
    assert terms_of(formula) == set(polynomial.exponents)
    coefficients = [polynomial.terms[tuple(term)] for term in formula.terms.tolist()]
    np.testing.assert_allclose(formula.coefficients, coefficients, rtol=max(noise, 1e-9))
    assert formula.r2 > 1 - 1.3 * noise**2 - 1e-9


def test_random_polynomials_far_from_the_origin_are_read_off():
    polynomials = [random_sparse_polynomial(seed) for seed in range(8)]
    exact = [terms_of(sparse_formula(*sample(p, 2000, 0.01, seed))) == set(p.exponents)
             for seed, p in enumerate(polynomials)]
    assert sum(exact) >= 7


@settings(max_examples=12, deadline=None)
@given(shift=st.lists(st.floats(-5, 5), min_size=3, max_size=3), standardize=st.booleans(),
       far=st.floats(-100, 100))
def test_the_formula_does_not_depend_on_where_the_search_put_the_origin(
    result, shift, standardize, far
):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((400, 3)) + shift
    y = X[:, 0] * X[:, 1] ** 2 - 3 * X[:, 2] + far + 0.01 * rng.standard_normal(400)
    formulas = [replace(result, task=make_task(X, y, standardize=s)).simplify()
                for s in (standardize, not standardize)]
    np.testing.assert_array_equal(formulas[0].terms, formulas[1].terms)
    np.testing.assert_allclose(formulas[0].coefficients, formulas[1].coefficients, rtol=1e-9)
    assert terms_of(formulas[0]) - {(0, 0, 0)} == {(1, 2, 0), (0, 0, 1)}
    if abs(far) > 0.1:
        assert (0, 0, 0) in terms_of(formulas[0])


@settings(max_examples=10, deadline=None)
@given(units=st.lists(st.floats(-30, 30), min_size=3, max_size=3))
def test_units_change_the_coefficients_alone(units):
    x_unit, z_unit, y_unit = 10.0 ** np.array(units)
    X, y = sample(PUBLIC_FORMULAS["I.14.4"], 300, 0.05, seed=2)
    formula, scaled = sparse_formula(X, y), sparse_formula(X * [x_unit, z_unit], y * y_unit)
    assert terms_of(formula) == terms_of(scaled) == {(1, 2)}
    np.testing.assert_allclose(scaled.coefficients * x_unit * z_unit**2 / y_unit,
                               formula.coefficients, rtol=1e-9)


def test_the_search_and_its_rows_give_the_same_formula():
    X, y = sample(PUBLIC_FORMULAS["I.12.1"], 200, 0.01)
    table = pd.DataFrame(X, columns=["mu", "N n"])
    search = nslib.search(table, y)
    formula = search.simplify()
    assert str(formula).startswith("y = ") and "*mu*N n" in f"*{str(formula)[4:]}"
    assert terms_of(formula) == {(1, 1)}
    np.testing.assert_allclose(search.simplify(table, y).coefficients, formula.coefficients,
                               rtol=1e-12)


def test_binary_and_one_hot_columns_have_no_powers():
    rng = np.random.default_rng(3)
    group = np.eye(3)[rng.integers(0, 3, 600)]
    x = rng.standard_normal(600) + 2
    y = 2 * group[:, 0] + 3 * group[:, 1] * x**2 + 0.1 * rng.standard_normal(600)
    formula = sparse_formula(np.column_stack([group, x, np.full(600, 7.0)]), y)
    assert terms_of(formula) == {(1, 0, 0, 0, 0), (0, 1, 0, 2, 0)}


def test_noise_has_no_formula():
    y = np.random.default_rng(4).standard_normal(500)
    X = np.random.default_rng(5).standard_normal((500, 4))
    formula = sparse_formula(X, y)
    assert len(formula.terms) == 0 and str(formula).startswith("y = 0\n")
    assert terms_of(sparse_formula(X, y + 9)) == {(0, 0, 0, 0)}


def test_many_features_are_screened_by_what_the_search_kept():
    rng = np.random.default_rng(6)
    X = rng.standard_normal((500, 40)) + 1
    y = X[:, 3] * X[:, 30] + 2 * X[:, 7] ** 2 + 0.1 * rng.standard_normal(500)
    with pytest.raises(ValueError, match="found 5, with which 40 features have 1221759 monomials"):
        sparse_formula(X, y)
    search = refit(NeuronStructure((1, 2), (2,), 1), X, y)
    formula = search.simplify(X, y)
    expected = np.zeros((2, 40), dtype=int)
    expected[0, [3, 30]], expected[1, 7] = 1, 2
    assert terms_of(formula) == set(map(tuple, expected.tolist()))
    neuron = TaskLinear(40, 1, NeuronStructure((), (3,), 1))
    for weights in neuron.parameters():
        torch.nn.init.ones_(weights)
    dense = replace(search, neuron=neuron, structure=neuron.structure)
    with pytest.raises(ValueError, match="the 40 features that the search needs have 12341 mono"):
        dense.simplify(X, y)


def test_the_weight_of_a_row_is_how_often_it_counts():
    X, y = sample(PUBLIC_FORMULAS["I.12.5"], 300, 0.3, seed=7)
    counts = np.random.default_rng(8).integers(0, 4, 300)
    weighted = sparse_formula(X, y, sample_weight=counts)
    repeated = sparse_formula(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    np.testing.assert_array_equal(weighted.terms, repeated.terms)
    np.testing.assert_allclose(weighted.coefficients, repeated.coefficients, rtol=1e-10)
    some = counts > 0
    kept = sparse_formula(X[some], y[some], sample_weight=7.0 * counts[some])
    np.testing.assert_allclose(kept.intervals, weighted.intervals, rtol=1e-10)


def test_bad_rows_classes_and_weights_are_told(result):
    X, y = sample(PUBLIC_FORMULAS["I.12.1"], 50)
    with pytest.raises(ValueError, match="y: found 2 classes, expected the numbers"):
        sparse_formula(X, y > y.mean())
    with pytest.raises(ValueError, match="y: found 2 classes, expected the numbers"):
        nslib.search(X, y > y.mean(), order=2).simplify()
    with pytest.raises(ValueError, match="X: found nan"):
        sparse_formula(np.where(X == X[3, 1], np.nan, X), y)
    with pytest.raises(ValueError, match="X: found 5 rows of weight above 0, expected at least 8"):
        sparse_formula(X[:5], y[:5])
    for weights, told in [(-np.ones(50), "found -1 at 0"), (np.zeros(50), "found zeros only"),
                          (np.ones(49), r"found shape \(49,\)"),
                          (np.full(50, np.nan), "found nan")]:
        with pytest.raises(ValueError, match=f"sample_weight: {told}"):
            sparse_formula(X, y, sample_weight=weights)
    with pytest.raises(ValueError, match="degree: found 0"):
        sparse_formula(X, y, degree=0)
    with pytest.raises(ValueError, match="level: found 2.0"):
        sparse_formula(X, y, level=2.0)
    with pytest.raises(ValueError, match="X, y: found one of them"):
        result.simplify(X)
    with pytest.raises(ValueError, match="X: found 2 features, expected 3"):
        result.simplify(X, y)


def test_a_result_that_was_stored_asks_for_rows(result):
    stored = pickle.loads(pickle.dumps(result))
    assert stored.task is None and result.task is not None
    with pytest.raises(ValueError, match="X, y: found none, expected both: this result has"):
        stored.simplify()
    again = stored.simplify(result.task.X, result.task.X[:, 0] ** 2)
    assert terms_of(again) == {(2, 0, 0)}


def test_columns_that_differ_from_a_constant_by_rounding_add_nothing():
    X = np.random.default_rng(9).integers(0, 2, (40, 1)) + 1e9
    formula = sparse_formula(X, X[:, 0] - 1e9)
    assert len(formula.terms) <= 1 and np.isfinite(formula.predict(X)).all()
