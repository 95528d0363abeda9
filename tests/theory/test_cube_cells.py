"""A point's cell by repeated neurons: exact, and after the medians right everywhere."""

import numpy as np
import plain_network
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nslib.theory.cube_cells import Cells, grid, median, points_in_cube, probe_size

SIZES = st.sampled_from([(0, 1), (1, 1), (3, 1), (7, 1), (16, 1), (1, 2), (3, 2), (2, 3), (1, 4)])


@settings(deadline=None, max_examples=25)
@given(SIZES, st.integers(0, 2**32))
def test_the_index_is_that_of_the_neurons(size, seed):
    cells = Cells(*size)
    points = plain_network.hard_points(cells, np.random.default_rng(seed), 12)
    whole, rest = cells.index(points)
    for point, w, r in zip(points, whole.tolist(), rest.tolist(), strict=True):
        expected = plain_network.index(point, cells.digits, cells.ramps)
        assert (w, r) == (expected // 1, (expected % 1) * 2**53)


@pytest.mark.parametrize("size", [(0, 1), (5, 1), (2, 2), (1, 3)])
def test_centres_have_their_index_and_interleave(size):
    cells = Cells(*size)
    whole, rest = cells.index(cells.centres())
    assert whole.tolist() == list(range(cells.count)) and not rest.any()
    assert len(np.unique(cells.centres(), axis=0)) == cells.count
    if size == (2, 2):  # bits 0110: x = 01, y = 10
        assert cells.centres()[0b0110].tolist() == [0.375, 0.625]


@settings(deadline=None, max_examples=40)
@given(SIZES, st.integers(0, 2**32))
def test_medians_are_right_everywhere_whatever_stands_in_the_layers(size, seed):
    """Each result lies between values of cells whose centres are within reach."""
    cells, rng = Cells(*size), np.random.default_rng(seed)
    points = plain_network.hard_points(cells, rng, 60)
    centres = cells.centres()
    for i in range(cells.dim):
        def read(whole, rest, i=i):
            noise = rng.choice([-1e9, 1e9], len(whole))
            return np.where(rest == 0, centres[whole, i], noise)

        assert np.abs(cells.evaluate(points, read) - points[:, i]).max() <= cells.reach


@settings(deadline=None, max_examples=25)
@given(SIZES, st.integers(0, 2**32))
def test_at_most_one_copy_of_a_coordinate_is_in_a_layer(size, seed):
    cells = Cells(*size)
    x = plain_network.hard_points(cells, np.random.default_rng(seed), 60)[:, 0]
    wrong = [~np.isin(cells.bits(x + s * cells.shift), (0, 1)).all(axis=0) for s in (-1, 0, 1)]
    assert np.sum(wrong, axis=0).max() <= 1
    if cells.digits:  # the middle border is always met
        assert not np.isin(cells.bits(np.array([0.5])), (0, 1)).all()


def test_reach_is_half_a_side_and_the_shift():
    cells = Cells(4, 2)
    assert cells.reach == pytest.approx(1 / 32 + 1 / 1024)
    assert cells.layer == cells.shift / 4 and cells.count == 256
    assert cells.shift == 0.5**cells.halvings and cells.ramps == cells.halvings + 1


def test_no_point_gives_no_value():
    assert Cells(2).evaluate(np.empty((0, 1)), lambda whole, rest: whole).shape == (0,)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(*[st.floats(-1e3, 1e3)] * 3), min_size=1, max_size=6))
def test_median_of_three(rows):
    a = np.array(rows).T
    assert (median(*a) == np.median(a, axis=0)).all()


def test_points_of_the_cube():
    assert points_in_cube(0.5, 1).tolist() == [[0.5]]
    assert points_in_cube([0, 1], 1).tolist() == [[0], [1]]
    assert points_in_cube([], 1).shape == (0, 1)
    with pytest.raises(ValueError, match=r"points: found shape \(3, 1\), expected \(points, 2\)"):
        points_in_cube(np.zeros((3, 1)), 2)
    with pytest.raises(ValueError, match=r"expected \(points, 1\) or \(points,\)"):
        points_in_cube(np.zeros((3, 2)), 1)
    with pytest.raises(ValueError, match=r"points: found 1.5 at \(1, 0\), expected values in"):
        points_in_cube([0, 1.5], 1)
    with pytest.raises(ValueError, match="points: found nan"):
        points_in_cube([0, np.nan], 1)


def test_probing_grid_holds_the_centres():
    for dim in range(1, 9):
        assert 2**6 <= probe_size(dim) ** dim <= 2**19
    cells = Cells(3, 2)
    seen = {tuple(point) for point in grid(2, probe_size(2)).tolist()}
    assert all(tuple(centre) in seen for centre in cells.centres().tolist())
