"""Fitted formulas as sympy expressions: equal to the neuron, in scaled and in raw units."""

import numpy as np
import pytest
import sympy as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nslib import NeuronStructure, TaskLinear, formula

STRUCTURES = [
    NeuronStructure((1, 2, 4), (2, 3), 2, True),
    NeuronStructure((), (3,), 3),
    NeuronStructure((5,), ()),
]


def neuron_of(structure, d=3, c=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    neuron = TaskLinear(d, c, structure, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        neuron.bias.normal_(generator=generator)
    return neuron


@given(structure=st.sampled_from(STRUCTURES), expand=st.booleans(), seed=st.integers(0, 99),
       offset=st.floats(-3, 3), exponent=st.integers(-2, 2))
@settings(deadline=None, max_examples=25)
def test_formula_equals_the_neuron_in_raw_units(structure, expand, seed, offset, exponent):
    neuron = neuron_of(structure, seed=seed)
    scale = 10.0**exponent * np.array([1.0, 2.0, 0.5])
    z = np.random.default_rng(seed).standard_normal((6, 3))
    mean = offset * scale
    x = z * scale + mean
    expressions = formula.expressions(
        neuron, expand=expand, x_mean=mean, x_scale=scale, y_mean=7.0, y_scale=3.0
    )
    expected = 7.0 + 3.0 * neuron(torch.as_tensor(z)).detach().numpy()
    for c, expression in enumerate(expressions):
        values = sp.lambdify(formula.feature_symbols(None, 3), expression, "numpy")(*x.T)
        np.testing.assert_allclose(values, expected[:, c], rtol=1e-6, atol=1e-6)


def test_expanded_formula_is_sympys_own_expansion():
    neuron = neuron_of(NeuronStructure((1, 2), (2, 3), 2))
    for product, polynomial in zip(
        formula.expressions(neuron, expand=False), formula.expressions(neuron), strict=True
    ):
        difference = sp.Poly(sp.expand(product - polynomial), *sp.symbols("x_1:4"))
        assert max(abs(c) for c in difference.coeffs()) < 1e-12


def test_formula_uses_the_names_given():
    expression = formula.expressions(neuron_of(STRUCTURES[0]), ["age", "body mass", "s_1"])[0]
    assert {s.name for s in expression.free_symbols} == {"age", "body mass", "s_1"}


@pytest.mark.parametrize(("mean", "order", "safe"), [(30.0, 5, True), (1e3, 2, True),
                                                      (1e3, 5, False), (1e5, 2, False)])
def test_expansion_far_from_zero_is_exact_or_refused(mean, order, safe):
    """Monomials of a feature far from zero cancel: (x - m)^5 has terms of size m^5."""
    neuron = neuron_of(NeuronStructure((order,), ()), c=1)
    x = mean + np.random.default_rng(0).standard_normal((20, 3))
    wanted = neuron(torch.as_tensor(x - mean))[:, 0].detach().numpy()
    symbols = formula.feature_symbols(None, 3)
    product = formula.expressions(neuron, x_mean=mean, expand=False)[0]
    np.testing.assert_allclose(sp.lambdify(symbols, product)(*x.T), wanted, rtol=1e-6, atol=1e-6)
    if safe:
        expanded = formula.expressions(neuron, x_mean=mean)[0]
        np.testing.assert_allclose(
            sp.lambdify(symbols, expanded)(*x.T), wanted, rtol=1e-4, atol=1e-4 * np.ptp(wanted)
        )
    else:
        with pytest.raises(ValueError, match="would cancel to noise; use expand=False"):
            formula.expressions(neuron, x_mean=mean)


def test_count_of_monomials_bounds_the_expansion():
    for structure in STRUCTURES[1:]:
        expanded = formula.expressions(neuron_of(structure), x_mean=0.5)[0]
        assert len(expanded.as_coefficients_dict()) <= formula.count_monomials(structure, 3)


def test_what_cannot_be_written_is_refused():
    with pytest.raises(ValueError, match="positive scales"):
        formula.expressions(neuron_of(STRUCTURES[1]), x_scale=0.0)
    with pytest.raises(ValueError, match="finite means"):
        formula.expressions(neuron_of(STRUCTURES[1]), x_mean=np.nan)
    with pytest.raises(TypeError, match="expression: found 'x'"):
        formula.leading_terms("x")
    with pytest.raises(ValueError, match="expand: found up to"):
        formula.expressions(neuron_of(NeuronStructure((), (5,), 1), d=100, c=1))
    with pytest.raises(ValueError, match="norm='batch'"):
        formula.expressions(TaskLinear(2, 1, norm="batch"))
    with pytest.raises(ValueError, match="names: found 3 names, 2 of them distinct"):
        formula.expressions(neuron_of(STRUCTURES[1]), ["a", "a", "b"])


def test_leading_terms_keeps_the_largest_coefficients():
    x, y = sp.symbols("x y")
    shown = formula.leading_terms(1.0 + 5.4321 * x - 0.2 * x * y - 9.8765 * y**2, 2, digits=2)
    assert shown == (1.0 + 5.4321 * x - 9.8765 * y**2).evalf(2)


def test_terms_that_are_rounding_are_left_out_and_small_ones_beside_a_large_constant_are_not():
    neuron = TaskLinear(2, 1, NeuronStructure((1, 3), (), 1), dtype=torch.float64)
    for stream, weights in neuron.stream_weights().items():
        weights.data[:] = torch.tensor([[2.0, 1e-32] if stream.order == 1 else [1.09e-32, 0.0]])
    neuron.bias.data.fill_(3e-17)
    assert str(formula.expressions(neuron, ["g", "h"])[0]) == "2.0*g"
    far = formula.expressions(neuron, ["g", "h"], y_mean=1e12, y_scale=1e-3)[0]
    assert far.coeff(sp.Symbol("g")) == pytest.approx(2e-3)
