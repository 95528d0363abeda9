"""Trees of symbolic regression: read from programs, evaluated, split into terms."""

from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.rivals.polynomial_streams import homogeneous
from companion.rivals.symbolic import evaluate, read, terms

TREES = st.recursive(
    st.integers(0, 2) | st.sampled_from([-1.5, 0.0, 0.25, 2.0]),
    lambda children: st.tuples(st.sampled_from(["add", "sub", "mul"]), children, children),
    max_leaves=8,
)


def normal(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def function(name):
    return SimpleNamespace(name=name, arity=2)


def program_of(tree):
    if isinstance(tree, tuple):
        return [function(tree[0]), *program_of(tree[1]), *program_of(tree[2])]
    return [tree]


@settings(deadline=None, max_examples=40)
@given(tree=TREES)
def test_programs_are_read_in_prefix_order(tree):
    assert read(program_of(tree)) == tree


@settings(deadline=None, max_examples=40)
@given(tree=TREES)
def test_a_tree_is_a_weighted_sum_of_its_terms_and_a_constant(tree):
    Z = normal(60, 3)
    values = np.broadcast_to(evaluate(tree, Z), 60)
    columns = [np.broadcast_to(evaluate(term, Z), 60) for term in terms(tree)] + [np.ones(60)]
    design = np.stack(columns, axis=1)
    weights = np.linalg.lstsq(design, values)[0]
    np.testing.assert_allclose(design @ weights, values, atol=1e-8 * (1 + np.abs(values).max()))


@settings(deadline=None, max_examples=40)
@given(tree=TREES)
def test_parts_are_those_of_the_expanded_polynomial(tree):
    Z = normal(5, 3)
    found = homogeneous(lambda X: 0.0 * X[:, 0] + evaluate(tree, X), Z)
    x = sp.symbols("x:3")
    expanded = sp.Poly((0 * np.array(x)[:1] + evaluate(tree, np.array([x])))[0], *x)
    for k in range(1, max(expanded.total_degree(), *found, 1) + 1):
        terms = {e: float(c) for e, c in expanded.terms() if sum(e) == k}
        whole = sum((c * np.prod(Z ** np.array(e), axis=1) for e, c in terms.items()), np.zeros(5))
        pure = sum(
            (c * np.prod(Z ** np.array(e), axis=1) for e, c in terms.items() if max(e) == k),
            np.zeros(5),
        )
        for mine, wanted in zip(found.get(k, (0, 0)), (whole, pure), strict=True):
            np.testing.assert_allclose(mine + np.zeros(5), wanted, rtol=1e-9, atol=1e-9)


def test_terms_of_a_sum():
    tree = ("sub", ("add", 0, ("mul", 2.0, 1)), ("add", ("mul", 0, 1), ("add", 0, 0.5)))
    assert terms(tree) == [0, 1, ("mul", 0, 1)]


@pytest.mark.parametrize("program, match", [
    ([function("div"), 0, 1], "div"),
    ([function("add"), 0], "without its two arguments"),
    ([0, 1], "found 2 trees"),
    ([], "found 0 trees"),
])
def test_programs_that_are_no_tree_are_refused(program, match):
    with pytest.raises(ValueError, match=match):
        read(program)
