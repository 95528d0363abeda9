"""The information bound, the arcsine law and bad targets."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nslib.theory import angle_intervals, hoelder, information_bound, waiting_bits, waiting_time
from nslib.theory.bounds import arcsine_measure

TARGETS = st.lists(st.floats(0, 1), min_size=1, max_size=5)
EPS = st.floats(1e-9, 0.49)


def test_information_bound_counts_the_values_told_apart():
    assert information_bound(64, 1e-3) == pytest.approx(64 * math.log2(500))
    assert information_bound(3, 0.25) == 3  # two answers a cell: one bit


@settings(deadline=None, max_examples=25)
@given(TARGETS, EPS)
def test_the_measure_is_that_of_the_arcsine_law(targets, eps):
    y, law = np.array(targets), stats.arcsine
    expected = law.cdf(np.minimum(y + eps, 1)) - law.cdf(np.maximum(y - eps, 0))
    np.testing.assert_allclose(arcsine_measure(targets, eps), expected, rtol=1e-6, atol=1e-14)
    assert waiting_time(targets, eps) == pytest.approx(1 / arcsine_measure(targets, eps).prod())
    assert 2 ** waiting_bits(targets, eps) == pytest.approx(waiting_time(targets, eps))


@settings(deadline=None, max_examples=25)
@given(TARGETS, EPS, st.floats(0, 1))
def test_the_angle_interval_holds_just_the_angles_near_the_target(targets, eps, share):
    low, high = angle_intervals(targets, eps).T
    inside = np.sin(np.pi * (low + share * (high - low))) ** 2
    assert (np.abs(inside - targets) <= eps + 1e-14).all()
    outside = np.sin(np.pi * np.stack([low - 1e-3, high + 1e-3])) ** 2
    cut = np.stack([low < 1e-3, high > 0.5 - 1e-3])
    assert (cut | (np.abs(outside - targets) > eps - 1e-14)).all()


def test_a_waiting_time_beyond_the_doubles_is_infinite():
    assert waiting_time([0.5] * 2000, 1e-3) == math.inf
    assert 2000 * 9 < waiting_bits([0.5] * 2000, 1e-3) < 2000 * 10


def test_hoelder_modulus():
    assert hoelder(2.0)(0.25) == 0.5
    assert hoelder(1.0, 0.5)(0.25) == 0.5
    with pytest.raises(ValueError, match="exponent: found 2"):
        hoelder(1.0, 2)


@pytest.mark.parametrize(
    ("targets", "error", "message"),
    [
        ([0.5, 1.01], ValueError, r"targets: found 1.01 at 1 \(1 such\), expected values in"),
        ([-1e-9], ValueError, "expected values in"),
        ([0.1, math.nan], ValueError, "targets: found nan"),
        ([], ValueError, "at least one cell"),
        ([[0.1], [0.2]], ValueError, "expected \\(cells,\\)"),
        ("a", TypeError, "targets: found text"),
    ],
)
def test_bad_targets_are_named(targets, error, message):
    with pytest.raises(error, match=message):
        waiting_bits(targets, 0.1)


@pytest.mark.parametrize("eps", [0, -0.1, 0.5, math.nan, math.inf])
def test_bad_eps_is_named(eps):
    with pytest.raises(ValueError, match="eps: found"):
        information_bound(3, eps)


def test_no_cell_is_refused():
    with pytest.raises(ValueError, match="cells: found 0"):
        information_bound(0, 0.1)


def test_an_angle_keeps_its_digits_where_the_tolerance_almost_reaches_the_border():
    """1 - (y + ε) is 2^-60 here, below what doubles around 1 can hold."""
    y, eps = 1 - 2**-10, 2**-10 - 2**-60
    assert angle_intervals([y], eps)[0, 1] == pytest.approx(0.5 - 2**-30 / math.pi, rel=1e-15)
    assert 0.5 - angle_intervals([y], eps)[0, 1] == pytest.approx(2**-30 / math.pi, rel=1e-6)
