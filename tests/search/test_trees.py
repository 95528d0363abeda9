"""Trees as arrays: their polynomials against sympy's expansion, and well-formed offspring."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from nslib.search.genetic import trees as programs
from nslib.search.genetic.trees import Trees

ARITY = {programs.X: 0, programs.CONSTANT: 0, programs.NEGATE: 1, programs.ADD: 2,
         programs.SUBTRACT: 2, programs.MULTIPLY: 2}
x = sp.Symbol("x")
quick = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 10_000)


def expression(trees, row):
    """The tree as a sympy expression, read node by node; its length checked on the way."""
    place = 0

    def read():
        nonlocal place
        code, value = trees.codes[row, place], trees.values[row, place]
        place += 1
        operands = [read() for _ in range(ARITY[code])]
        if code == programs.X:
            return x
        if code == programs.CONSTANT:
            return sp.Rational(float(value))
        if code == programs.NEGATE:
            return -operands[0]
        a, b = operands
        return {programs.ADD: a + b, programs.SUBTRACT: a - b, programs.MULTIPLY: a * b}[code]

    found = read()
    assert place == trees.sizes[row]
    assert (trees.codes[row, place:] == programs.PAD).all()
    return found


def assert_polynomials(trees, degree=20):
    found, valid = programs.coefficients(trees, degree)
    assert valid.any()
    for row in np.flatnonzero(valid):
        wanted = sp.Poly(expression(trees, row), x).all_coeffs()[::-1]
        wanted = np.array(wanted, dtype=float)
        assert len(wanted) <= degree + 1
        np.testing.assert_allclose(found[row, : len(wanted)], wanted, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found[row, len(wanted) :], 0, atol=1e-12)


def tree(*nodes, length=9):
    """A tree from its nodes in prefix order; a float is a constant."""
    codes, values = np.zeros((1, length), dtype=np.int8), np.zeros((1, length))
    for place, node in enumerate(nodes):
        constant = isinstance(node, float)
        codes[0, place] = programs.CONSTANT if constant else node
        values[0, place] = node if constant else 0
    return Trees(codes, values)


@quick
@given(seed=seeds, length=st.integers(3, 40), root=st.booleans())
def test_coefficients_are_sympys_expansion(seed, length, root):
    grown = programs.grow(8, length, np.random.default_rng(seed), 2.0, root)
    assert np.abs(grown.values).max() <= 2.0
    if root:
        assert (grown.codes[:, 0] >= programs.NEGATE).all()
    assert_polynomials(grown)


def test_a_hand_made_tree_and_its_order_of_operands():
    made = tree(programs.SUBTRACT, programs.MULTIPLY, 3.0, programs.X, programs.NEGATE, 0.5)
    assert programs.coefficients(made, 3)[0].tolist() == [[0.5, 3.0, 0.0, 0.0]]
    made = tree(programs.SUBTRACT, 1.0, programs.X)
    assert programs.coefficients(made, 1)[0].tolist() == [[1.0, -1.0]]


def test_products_beyond_the_degree_and_overflow_are_invalid():
    square = tree(programs.MULTIPLY, programs.X, programs.X)
    huge = tree(programs.MULTIPLY, 1e200, 1e200)
    both = programs.join(square, huge)
    assert programs.coefficients(both, 2)[1].tolist() == [True, False]
    assert programs.coefficients(both, 1)[1].tolist() == [False, False]


@quick
@given(seed=seeds)
def test_offspring_are_well_formed_trees(seed):
    rng = np.random.default_rng(seed)
    first, second = programs.grow(8, 15, rng), programs.grow(8, 15, rng)
    for child in (
        programs.cross(first, second, rng),
        programs.mutate_subtrees(first, rng),
        programs.mutate_points(first, rng),
        programs.mutate_constants(first, rng),
    ):
        assert_polynomials(child)
        assert ((child.values != 0) <= (child.codes == programs.CONSTANT)).all()


def test_splice_puts_one_subtree_in_the_place_of_another():
    # (x·2) − x, its product replaced by −(x + 7)
    into = tree(programs.SUBTRACT, programs.MULTIPLY, programs.X, 2.0, programs.X)
    donor = tree(programs.ADD, programs.X, programs.NEGATE, programs.ADD, programs.X, 7.0)
    child = programs.splice(into, np.array([1]), donor, np.array([2]))
    assert expression(child, 0) == -(x + 7) - x
    short = Trees(into.codes[:, :5], into.values[:, :5])  # no room: 6 nodes in a row of 5
    assert expression(programs.splice(short, np.array([1]), donor, np.array([0])), 0) == x * 2 - x


@pytest.mark.parametrize("change", [programs.mutate_points, programs.mutate_constants])
def test_small_mutations_change_one_node_at_most(change):
    rng = np.random.default_rng(0)
    before = programs.grow(300, 15, rng)
    after = change(before, rng)
    different = (before.codes != after.codes) | (before.values != after.values)
    assert different.sum(axis=1).max() == 1
    assert different.any(axis=1).mean() > 0.5
    assert (before.sizes == after.sizes).all()
    if change is programs.mutate_constants:
        assert (before.codes == after.codes).all()
        has = (before.codes == programs.CONSTANT).any(axis=1)
        assert (different.any(axis=1) == has).all()


def test_nodes_are_drawn_evenly():
    made = tree(programs.ADD, programs.X, programs.NEGATE, programs.X)
    many = made.take(np.zeros(8000, dtype=int))
    counts = np.bincount(programs.random_nodes(many, np.random.default_rng(0)))
    assert len(counts) == 4 and np.abs(counts / 8000 - 0.25).max() < 0.03
