"""Populations of formula trees as flat arrays: growing, varying, and their polynomials.

A tree over one symbol x with constants, negation, +, − and × is a row in prefix order: a node,
then its operands. A whole population is two matrices, so every step below is done to all its
trees at once. Each tree is a polynomial in x, kept as its vector of coefficients.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

PAD, X, CONSTANT, NEGATE, ADD, SUBTRACT, MULTIPLY = range(7)
_NEEDS = np.array([0, -1, -1, 0, 1, 1, 1])  # operands that a node asks for, less the one it is
_SYMBOL_SHARE = 0.7  # of the leaves that are x, not constants
_OPERATOR_SHARE = 0.65  # of the nodes below the root that are operators


class Trees(NamedTuple):
    """P trees of at most L nodes: `codes` (P, L) int8, `values` (P, L) of the constants, else 0.

    Rows end in `PAD`.
    """

    codes: np.ndarray
    values: np.ndarray

    def take(self, rows: np.ndarray) -> Trees:
        """Return the trees of some rows, their numbers (n,) or a mask (P,), as copies."""
        return Trees(self.codes[rows], self.values[rows])

    @property
    def sizes(self) -> np.ndarray:
        """Number of nodes of each tree (P,)."""
        return (self.codes != PAD).sum(axis=1)


def join(*parts: Trees) -> Trees:
    """Return the trees of all parts, which share one L, in their order."""
    return Trees(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def grow(
    n: int, length: int, rng: np.random.Generator, constant: float = 1.0, root: bool = True
) -> Trees:
    """Return n random trees of at most `length` nodes; constants are uniform in ±`constant`.

    With `root` the first node is an operator (where `length` has room for one), else any.
    """
    operators = rng.integers(NEGATE, MULTIPLY + 1, (n, length), dtype=np.int8)
    leaves = np.where(rng.random((n, length)) < _SYMBOL_SHARE, X, CONSTANT).astype(np.int8)
    inner = rng.random((n, length)) < _OPERATOR_SHARE
    inner[:, 0] |= root
    codes, wanted = np.zeros((n, length), dtype=np.int8), np.ones(n, dtype=int)
    for t in range(length):
        fits = wanted + 2 <= length - t
        code = np.where(inner[:, t] & fits, operators[:, t], leaves[:, t])
        codes[:, t] = np.where(wanted > 0, code, PAD)
        wanted += _NEEDS[codes[:, t]]
    values = np.where(codes == CONSTANT, rng.uniform(-constant, constant, (n, length)), 0.0)
    return Trees(codes, values)


def subtree_ends(codes: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return the ends (P,), exclusive, of the subtrees of codes (P, L) at nodes `starts` (P,)."""
    still_wanted = 1 + np.cumsum(_NEEDS[codes], axis=1)  # after each node
    before = np.where(starts > 0, still_wanted[np.arange(len(codes)), starts - 1], 1)
    here = np.arange(codes.shape[1]) >= starts[:, None]
    return np.argmax(here & (still_wanted < before[:, None]), axis=1) + 1


def random_nodes(trees: Trees, rng: np.random.Generator) -> np.ndarray:
    """Return the place of a uniformly drawn node of each tree (P,)."""
    return (rng.random(len(trees.codes)) * trees.sizes).astype(int)


def splice(trees: Trees, starts: np.ndarray, donors: Trees, donor_starts: np.ndarray) -> Trees:
    """Return `trees` with the subtree at starts (P,) replaced by the donor's at donor_starts (P,).

    Row by row; a tree that would be longer than its row stays as it is.
    """
    length = trees.codes.shape[1]
    ends = subtree_ends(trees.codes, starts)
    given = subtree_ends(donors.codes, donor_starts) - donor_starts
    shift = given - (ends - starts)
    fits = trees.sizes + shift <= length
    place = np.arange(length)
    inside = (place >= starts[:, None]) & (place < (starts + given)[:, None])
    after = place >= (starts + given)[:, None]
    own = np.where(after, place - shift[:, None], place)
    beyond = own >= length
    own = np.minimum(own, length - 1)
    donated = np.clip(place - (starts - donor_starts)[:, None], 0, donors.codes.shape[1] - 1)

    def merged(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        """Return mine (P, L) with the subtrees of theirs (P, L')."""
        kept = np.where(beyond, 0, np.take_along_axis(mine, own, axis=1))
        new = np.where(inside, np.take_along_axis(theirs, donated, axis=1), kept)
        return np.where(fits[:, None], new, mine)

    return Trees(merged(trees.codes, donors.codes), merged(trees.values, donors.values))


def cross(trees: Trees, partners: Trees, rng: np.random.Generator) -> Trees:
    """Return `trees` with a random subtree replaced by a random subtree of the partner."""
    return splice(trees, random_nodes(trees, rng), partners, random_nodes(partners, rng))


def mutate_subtrees(
    trees: Trees, rng: np.random.Generator, constant: float = 1.0, length: int = 15
) -> Trees:
    """Return `trees` with a random subtree replaced by a new one of at most `length` nodes."""
    n = len(trees.codes)
    new = grow(n, min(length, trees.codes.shape[1]), rng, constant, root=False)
    return splice(trees, random_nodes(trees, rng), new, np.zeros(n, dtype=int))


def mutate_points(trees: Trees, rng: np.random.Generator, constant: float = 1.0) -> Trees:
    """Return `trees` with one random node changed; a negation stays.

    +, − and × become another of the three, x a constant, a constant x.
    """
    codes, values = trees.codes.copy(), trees.values.copy()
    rows, nodes = np.arange(len(codes)), random_nodes(trees, rng)
    old = codes[rows, nodes]
    other = ADD + (old - ADD + rng.integers(1, 3, len(old))) % 3
    new = np.select([old == X, old == CONSTANT, old >= ADD], [CONSTANT, X, other], old)
    codes[rows, nodes] = new
    values[rows, nodes] = np.where(new == CONSTANT, rng.uniform(-constant, constant, len(old)), 0)
    return Trees(codes, values)


def mutate_constants(trees: Trees, rng: np.random.Generator) -> Trees:
    """Return `trees` with one random constant scaled by 1 + s·N(0, 1), s log-uniform in 0.001–1."""
    values = trees.values.copy()
    draws = np.where(trees.codes == CONSTANT, rng.random(values.shape), -1.0)
    rows, nodes = np.arange(len(values)), draws.argmax(axis=1)
    step = 10.0 ** rng.uniform(-3, 0, len(rows)) * rng.standard_normal(len(rows))
    values[rows, nodes] *= 1 + step  # in a tree without constants this is 0
    return Trees(trees.codes, values)


def coefficients(trees: Trees, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each tree's polynomial (P, degree + 1), lowest order first, and which are valid (P,).

    A tree is invalid where a product within it has a degree above `degree` or a number overflows;
    its row is then without meaning.
    """
    n, length = trees.codes.shape
    stack = np.zeros((length // 2 + 1, n, degree + 1))
    height, valid = np.zeros(n, dtype=int), np.ones(n, dtype=bool)
    with np.errstate(over="ignore", invalid="ignore"):
        for t in reversed(range(trees.sizes.max(initial=0))):  # operands come before operators
            code = trees.codes[:, t]
            rows = np.flatnonzero((code == X) | (code == CONSTANT))
            leaf = np.zeros((len(rows), degree + 1))
            leaf[:, 0], leaf[:, 1] = trees.values[rows, t], code[rows] == X
            stack[height[rows], rows] = leaf
            height[rows] += 1
            rows = np.flatnonzero(code == NEGATE)
            stack[height[rows] - 1, rows] *= -1
            rows = np.flatnonzero((code == ADD) | (code == SUBTRACT))
            sign = np.where(code[rows] == ADD, 1.0, -1.0)[:, None]
            stack[height[rows] - 2, rows] *= sign
            stack[height[rows] - 2, rows] += stack[height[rows] - 1, rows]
            height[rows] -= 1
            rows = np.flatnonzero(code == MULTIPLY)
            product, within = _product(stack[height[rows] - 1, rows], stack[height[rows] - 2, rows])
            stack[height[rows] - 2, rows] = product
            valid[rows] &= within
            height[rows] -= 1
    return stack[0], valid & np.isfinite(stack[0]).all(axis=1)


def _product(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the products of a and b (n, K + 1) up to x^K, and which (n,) have no higher term."""
    width = a.shape[1]
    full = np.zeros((len(a), 2 * width - 1))
    for order in range(width):
        full[:, order : order + width] += a[:, order : order + 1] * b
    return full[:, :width], (full[:, width:] == 0).all(axis=1)
