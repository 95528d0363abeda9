"""Streams of polynomials: arithmetic by degree, and the structures of known formulas."""

import numpy as np
import pytest
import sympy as sp

from companion.rivals.polynomial_streams import Graded, formula_text, structure_of
from nslib.data import FORMULAS, make_formula


def normal(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def standardised(f):
    """Return a polynomial and its values, scaled to variance 1 on 500 points in 10 features."""
    Z = normal(500, 10)
    scale = 1 / f(Z).std()
    return (lambda X: f(X) * scale), Z, f(Z) * scale


def test_graded_values_mix_with_arrays_and_numbers():
    Z = normal(4, 2)
    z = Graded.of(Z)
    mixed = 3 - (np.ones(4) + 2 * z[:, 0]) ** 2 * z[:, 1] - 1
    assert mixed.parts.shape == (4, 4)  # constant to degree three
    np.testing.assert_allclose(mixed.parts.sum(axis=0), 2 - (1 + 2 * Z[:, 0]) ** 2 * Z[:, 1])


@pytest.mark.parametrize("n_features", [5, 10])
@pytest.mark.parametrize("mode, variant", FORMULAS)
def test_streams_of_the_papers_formulas(mode, variant, n_features):
    task = make_formula(mode, variant, 1000, n_features)

    def formula(X):
        total = 0.0
        for name, weight in task.weights.items():
            kind, order = name.split()
            if kind == "pure":
                total = total + X ** int(order) @ weight
            else:
                forms = [X @ u for u in weight[1][0]]
                product = forms[0] * float(weight[0][0])
                for form in forms[1:]:
                    product = product * form
                total = total + product
        return (total - task.mean) * (1 / task.scale)

    np.testing.assert_allclose(formula(task.X), task.signal, atol=1e-9)
    assert structure_of(formula, task.X, task.y).streams == task.structure.streams


def test_products_with_squares_are_interactions_and_sums_of_squares_are_pure():
    f, Z, y = standardised(lambda X: (X[:, 0] + X[:, 1]) * (X[:, 1] - 2.0 * X[:, 2]))
    assert structure_of(f, Z, y).streams == ("interact 2",)
    f, Z, y = standardised(lambda X: X**2 @ np.arange(1.0, 11) + X[:, 0] * X[:, 1])
    assert structure_of(f, Z, y).streams == ("pure 2", "interact 2")
    f, Z, y = standardised(lambda X: X[:, 0] ** 2 + X[:, 1] ** 3)
    assert structure_of(f, Z, y).streams == ("pure 2", "pure 3")


def test_streams_far_below_the_models_error_do_not_count():
    f, Z, y = standardised(lambda X: X[:, 0] + 0.1 * X[:, 1] ** 2)
    assert structure_of(f, Z, y).streams == ("pure 1", "pure 2")
    noisy = y + normal(500, 1, seed=1)[:, 0]
    assert structure_of(f, Z, noisy).streams == ("pure 1",)


def test_a_constant_has_no_streams_and_overflow_is_refused():
    Z = normal(20, 2)
    assert structure_of(lambda X: 0.0 * X[:, 0] + 1.0, Z, Z[:, 0]) is None
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="overflow"):
        structure_of(lambda X: (X @ np.ones(2)) ** 5, Z * 1e70, Z[:, 0])


def test_formulas_as_text():
    Z = normal(50, 2)
    text = formula_text(lambda X: (X[:, 0] + 2.0 * X[:, 1]) ** 2 + 1.0, Z, ("a", "b"))
    assert sp.sympify(text) == sp.sympify("1.0 * a**2 + 4.0 * a*b + 4.0 * b**2 + 1.0")
    assert float(formula_text(lambda X: 0.0 * X[:, 0] + 2.0, Z, None)) == 2
    wide = normal(50, 60)
    text = formula_text(lambda X: (X @ np.ones(60)) ** 4, wide, None)
    assert text.startswith("polynomial in 60 features, variances by degree: ")
