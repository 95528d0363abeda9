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
    found = formula.expressions(
        neuron, expand=expand, x_mean=mean, x_scale=scale, y_mean=7.0, y_scale=3.0
    )
    wanted = 7.0 + 3.0 * neuron(torch.as_tensor(z)).detach().numpy()
    for c, expression in enumerate(found):
        got = sp.lambdify(formula.feature_symbols(None, 3), expression, "numpy")(*x.T)
        np.testing.assert_allclose(got, wanted[:, c], rtol=1e-6, atol=1e-6)


def test_expanded_formula_is_sympys_own_expansion():
    neuron = neuron_of(NeuronStructure((1, 2), (2, 3), 2))
    for product, polynomial in zip(
        formula.expressions(neuron, expand=False), formula.expressions(neuron), strict=True
    ):
        difference = sp.Poly(sp.expand(product - polynomial), *sp.symbols("x_1:4"))
        assert max(abs(c) for c in difference.coeffs()) < 1e-12


def test_formula_uses_the_names_given():
    found = formula.expressions(neuron_of(STRUCTURES[0]), ["age", "body mass", "s_1"])[0]
    assert {s.name for s in found.free_symbols} == {"age", "body mass", "s_1"}


def test_what_cannot_be_written_is_refused():
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
