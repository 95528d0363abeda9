"""Public and random polynomials: what they are, and what their samples hold."""

import numpy as np
import pytest
import sympy as sp

from nslib.data import PUBLIC_FORMULAS, random_sparse_polynomial, sample


@pytest.mark.parametrize(("name", "text"), [
    ("I.13.4", "m*(v**2 + u**2 + w**2)/2"),
    ("I.24.6", "m*(omega**2 + omega_0**2)*x**2/4"),
    ("II.37.1", "mom*(1 + chi)*B"),
    ("I.34.27", "h*omega/(2*pi)"),
    ("Jin-2", "8*x**2 + 8*y**3 - 15"),
    ("Nguyen-12", "x**4 - x**3 + y**2/2 - y"),
])
def test_a_public_formula_is_the_published_one(name, text):
    polynomial = PUBLIC_FORMULAS[name]
    symbols = {variable: sp.Symbol(variable) for variable in polynomial.variables}
    published = sp.sympify(text, locals=symbols)
    X, y = sample(polynomial, 20, seed=3)
    evaluated = sp.lambdify([symbols[v] for v in polynomial.variables], published)(*X.T)
    np.testing.assert_allclose(y, evaluated, rtol=1e-12)
    difference = sp.expand(polynomial.formula() - published)
    terms = sp.Poly(difference, *symbols.values()).coeffs()
    assert max(abs(float(coefficient)) for coefficient in terms) < 1e-12


def test_there_are_sixteen_physical_formulas_and_seven_others():
    assert len(PUBLIC_FORMULAS) == 23
    assert sum("." in name for name in PUBLIC_FORMULAS) == 16


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_a_share_of_the_targets_standard_deviation(seed):
    polynomial = random_sparse_polynomial(seed)
    X, clean = sample(polynomial, 20_000, 0.0, seed)
    same, noisy = sample(polynomial, 20_000, 0.1, seed)
    np.testing.assert_array_equal(X, same)
    assert (noisy - clean).std() / clean.std() == pytest.approx(0.1, rel=0.03)
    assert sum(polynomial.exponents[0]) in range(1, 5)


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match="polynomial: found 'I.14.3', expected"):
        sample("I.14.3", 10)
    with pytest.raises(ValueError, match="noise: found -1"):
        sample(PUBLIC_FORMULAS["I.14.3"], 10, -1)
    with pytest.raises(ValueError, match="seed: found -1"):
        random_sparse_polynomial(-1)
