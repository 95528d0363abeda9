"""Every bound holds; the callable is the network; bad input is refused before the work."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_network import hard_points, network
from theory_functions import FUNCTIONS

from nslib.theory import Approximant, approximate, hoelder, waiting_time
from nslib.theory import approximant as module_under_test


def largest_error(net, f, points):
    """max |network - f|: f gets (M,) in one dimension."""
    return np.abs(net(points) - f(points[:, 0] if net.dim == 1 else points)).max()


CASES = [
    ("digits", "sine", 0.01), ("digits", "kink", 0.02), ("digits", "noisy", 0.05),
    ("digits", "bump", 0.2), ("digits", "image", 0.3), ("trajectory", "sine", 0.75),
    ("trajectory", "kink", 1.5), ("trajectory", "bump", 1.4), ("winding", "sine", 0.5),
    ("winding", "kink", 0.6), ("winding", "bump", 0.75),
]


@pytest.mark.parametrize("construction, name, eps", CASES)
def test_the_certified_bound_holds(construction, name, eps):
    f, dim, slope = FUNCTIONS[name]
    net = approximate(f, eps, dim, construction, modulus=slope, share=None)
    assert isinstance(net, Approximant) and net.status.startswith("proved")
    bound = net.bound
    assert bound <= eps
    rng = np.random.default_rng(0)
    assert largest_error(net, f, hard_points(net.cells, rng, 3000)) <= bound
    measured = net.measured_sup_error()
    assert 0 < measured <= bound
    assert bound <= slope * np.sqrt(dim) * net.cells.reach + net.value_error + 1e-12
    centres = net.cells.centres()
    assert largest_error(net, f, centres) <= net.value_error


BROKEN_LINE = st.lists(st.floats(-1, 1), min_size=2, max_size=9)


@settings(deadline=None, max_examples=25)
@given(BROKEN_LINE, st.floats(0.1, 2), st.floats(0.1, 0.9) | st.none(), st.integers(0, 2**32))
def test_bounds_hold_for_random_lipschitz_functions(knots, eps, share, seed):
    knots = np.array(knots)
    places = np.linspace(0, 1, len(knots))
    slope = np.abs(np.diff(knots)).max() * (len(knots) - 1) * (1 + 1e-12)

    def f(x):
        return np.interp(x, places, knots)

    net = approximate(f, eps, modulus=slope, share=share)
    assert net.bound <= eps
    points = hard_points(net.cells, np.random.default_rng(seed), 150)
    assert largest_error(net, f, points) <= net.bound


@settings(deadline=None, max_examples=15)
@given(st.integers(-16, 16), st.integers(-16, 16), st.floats(0.3, 1.0), st.integers(1, 3),
       st.integers(0, 2**32))
def test_bounds_hold_in_more_dimensions(a, b, part, dim, seed):
    wave = (a + b * np.arange(dim)) / 8

    def f(points):
        return np.abs((points if points.ndim == 2 else points[:, None]) @ wave - a)

    slope = np.sqrt((wave**2).sum()) * (1 + 1e-12)
    net = approximate(f, 1e-3 + part * slope, dim, modulus=slope)
    points = hard_points(net.cells, np.random.default_rng(seed), 100)
    assert largest_error(net, f, points) <= net.bound <= net.eps


def test_a_root_by_its_hoelder_modulus():
    net = approximate(np.sqrt, 0.05, modulus=hoelder(1, 0.5))
    points = np.concatenate([hard_points(net.cells, np.random.default_rng(0), 500)[:, 0],
                             np.geomspace(1e-12, 1e-2, 200)])
    assert np.abs(net(points) - np.sqrt(points)).max() <= net.bound <= 0.05


@pytest.mark.parametrize("construction, name, eps, share", [
    ("digits", "sine", 0.8, 0.5), ("digits", "bump", 1.0, 0.5), ("trajectory", "sine", 1.2, None),
    ("trajectory", "bump", 1.6, None), ("winding", "kink", 1.0, 0.5), ("winding", "bump", 1.0, 0.5),
])
def test_the_callable_is_the_network_neuron_by_neuron(construction, name, eps, share):
    """In the layers too, where an index is no whole number."""
    f, dim, slope = FUNCTIONS[name]
    net = approximate(f, eps, dim, construction, modulus=slope, share=share)
    assert net.construction.repeats < 3000
    points = hard_points(net.cells, np.random.default_rng(1), 4)
    expected = [network(net, point) for point in points]
    np.testing.assert_allclose(net(points), expected, rtol=0, atol=1e-12)


def test_what_it_says_of_itself():
    f, dim, slope = FUNCTIONS["kink"]
    net = approximate(f, 0.5, modulus=slope, share=0.4)
    assert net.n_cells == 32 and net.dim == 1
    assert slope * net.cells.reach <= 0.4 * 0.5 < slope * 2 * net.cells.reach
    assert net.bits == net.construction.bits == 32 * net.construction.word_bits
    assert net.repeats == 11 + 5 + 5 * 12 + 31 * net.construction.word_bits
    assert (net.lowest, net.highest) == (f(np.array([1229 / 4096]))[0], f(np.array([1.0]))[0])
    assert repr(net).startswith("Approximant(digits, 32 cells, 52 parameters, ")
    assert repr(net).endswith("proved for the given modulus)")
    assert net.measured_sup_error([0.25]) == abs(net([0.25])[0] - f(np.array([0.25]))[0])
    assert net.measured_sup_error(17) <= net.measured_sup_error(33)


def test_without_a_modulus_all_is_labelled_an_estimate():
    f, dim, slope = FUNCTIONS["bump"]
    net = approximate(f, 0.2, dim)
    assert net.status == "estimated, not proved" and "estimated, not proved" in repr(net)
    assert net.measured_sup_error() <= net.bound <= 0.2
    assert approximate(f, 0.2, dim, modulus=slope).bound >= net.bound - 0.02


def test_the_fewest_bits_are_no_more_than_by_halves():
    f, dim, slope = FUNCTIONS["sine"]
    half = approximate(f, 0.1, modulus=slope)
    fewest = approximate(f, 0.1, modulus=slope, share=None)
    assert fewest.bits < half.bits and fewest.bound <= 0.1


def test_constants_and_values_beyond_the_grid():
    flat = approximate(lambda x: 0 * x - 3.5, 0.01, modulus=0)
    assert flat.n_cells == 1 and flat([0, 0.3, 1]).tolist() == [-3.5] * 3
    assert flat.measured_sup_error() == 0 <= flat.bound <= 1e-13

    def needle(x):  # its top lies between the points of the grid
        return np.maximum(0, 1 - np.abs(x - (0.5 + 2**-13)) * 2**12)

    net = approximate(needle, 0.6, modulus=2**12, share=None)
    assert net.n_cells == 4096 and net.highest > needle(np.linspace(0, 1, 4097)).max()
    points = 0.5 + np.linspace(-1, 1, 999) * 2**-11
    assert np.abs(net(points) - needle(points)).max() <= net.bound <= 0.6


def recurse(points):
    return recurse(points)


def never(points):
    raise AssertionError("called")


@pytest.mark.parametrize("arguments, options, message", [
    ((3, 0.1), {}, "f: found 3, expected a function"),
    ((never, 0), {}, "eps: found 0.0, expected a tolerance above 0"),
    ((never, -1.0), {}, "eps: found -1.0, expected a tolerance above 0"),
    ((never, np.nan), {}, "eps: found nan"),
    ((never, "small"), {}, "eps: found 'small'"),
    ((never, 10**400), {}, "eps: found an int of 1329 bits"),
    ((never, 0.1, 10**5000), {}, "dim: found an int of 16610 bits, expected an int of at most 8"),
    ((never, 0.1, 0), {}, "dim: found 0, expected an int of at least 1"),
    ((never, 0.1, 9), {}, "dim: found 9, expected an int of at most 8"),
    ((never, 0.1, 1, "digit"), {}, r"construction: found 'digit'.*did you mean 'digits'"),
    ((never, 0.1), {"share": 1.0}, "share: found 1.0, expected a share of eps"),
    ((never, 0.1), {"max_cells": 2**19}, "max_cells: found 524288"),
    ((never, 0.1), {"modulus": -1}, "modulus: found -1"),
    ((never, 0.1), {"modulus": "steep"}, "modulus: found 'steep'"),
    ((never, 0.1, 1, "winding"), {"sed": 1}, r"sed: found an unknown option.*did you mean 'seed'"),
    ((never, 0.1), {"seed": 1}, "seed: found an unknown option of 'digits', expected no option"),
])
def test_bad_arguments_are_refused_before_f_is_called(arguments, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        approximate(*arguments, **options)


@pytest.mark.parametrize("f, dim, message", [
    (lambda x: 1.0, 1, r"f: found values of shape \(\) for points of shape \(4097,\), expected"),
    (lambda x: np.stack([x, x]), 1, r"f: found values of shape \(2, 4097\)"),
    (lambda p: p, 2, r"f: found values of shape \(66049, 2\) for points of shape \(66049, 2\)"),
    (lambda x: np.where(x > 0.5, np.inf, 0), 1, "f: found inf"),
    (lambda x: np.where(x > 0.5, np.nan, 0), 1, "f: found nan"),
    (lambda x: np.where(x > 0.5, 1e308, -1e308), 1, "f: found values from -1e.308 to 1e.308"),
    (lambda x: x.astype(str) + "?", 1, "f: found text"),
    (lambda x: x + 1j, 1, "f: found dtype complex128"),
    (lambda x: 1 // 0, 1, r"f: found ZeroDivisionError \(.*\) when called on points of shape"),
    (lambda p: p.nothing, 2, "f: found AttributeError .* when called on points of shape"),
    (lambda x: recurse(x), 1, "f: found RecursionError"),
    (lambda x: [[1.0], [1.0, 2.0]], 1, "f: found list that makes no array"),
    (lambda x: None, 1, r"f: found values of shape \(\)"),
    (lambda x: [10**400] * len(x), 1, "f: found an int of 1329 bits, expected numbers"),
])
def test_bad_functions(f, dim, message):
    with pytest.raises((TypeError, ValueError), match=message):
        approximate(f, 0.1, dim)


def test_an_error_of_the_users_own_function_is_the_cause():
    def broken(points):
        raise KeyError("temperature")

    with pytest.raises(ValueError, match="f: found KeyError") as error:
        approximate(broken, 0.1)
    assert isinstance(error.value.__cause__, KeyError)
    with pytest.raises(ValueError, match=r"modulus: found KeyError .* when called on 0\.\d+, exp"):
        approximate(np.sin, 0.1, modulus=broken)


def test_a_modulus_that_f_breaks_is_refused():
    with pytest.raises(ValueError, match=r"modulus: found 0.0002.* expected at least 0.001"):
        approximate(lambda x: np.sin(6 * x), 0.1, modulus=1.0)
    with pytest.raises(ValueError, match=r"modulus\(.*\): found -1"):
        approximate(np.sin, 0.1, modulus=lambda h: -1)


def test_beyond_the_budget_says_what_it_would_take(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("started")

    f, dim, slope = FUNCTIONS["sine"]
    with pytest.raises(ValueError, match=r"(?s)eps: found 0.2, which asks the construction "
                       r"'trajectory' for 64 cells.*waiting time \(Kac\).*years"):
        approximate(f, 0.2, construction="trajectory", modulus=slope)
    with pytest.raises(ValueError, match=r"'winding' for 64 cells.*it takes about \d+ \(max_bits"):
        approximate(f, 0.2, construction="winding", modulus=slope, max_bits=50)
    monkeypatch.setitem(module_under_test.CONSTRUCTIONS, "digits", refuse)
    with pytest.raises(ValueError, match=r"eps: found 1e-06, which takes 2.23 cells .* expected at "
                       r"most 65536 cells \(max_cells\).* eps of about 9.\d*e-05"):
        approximate(f, 1e-6, modulus=slope)
    with pytest.raises(ValueError, match="takes more than 2.63 cells"):
        approximate(FUNCTIONS["bump"][0], 1e-12, 2, modulus=3)
    with pytest.raises(ValueError, match="expected more than 8.88e-16: doubles near 1 err"):
        approximate(lambda x: 1 + 0 * x, 1e-17, modulus=0)


def test_options_reach_the_construction():
    f, dim, slope = FUNCTIONS["sine"]
    other = approximate(f, 0.9, construction="trajectory", modulus=slope, c=3**0.5, share=None)
    assert float(other.construction.c) == 3**0.5
    assert other.construction.depth < 1e6 * waiting_time(other.construction.targets, 0.3)
    with pytest.raises(ValueError, match="^c: found 0"):
        approximate(f, 0.9, construction="trajectory", modulus=slope, c=0, share=None)


def test_bad_points():
    net = approximate(lambda p: p[:, 0], 0.6, 2, modulus=1)
    with pytest.raises(ValueError, match="points: found shape"):
        net([0.5])
    with pytest.raises(ValueError, match="expected values in"):
        net([[0.5, 1.5]])
    with pytest.raises(ValueError, match="points: found none, expected at least one"):
        net.measured_sup_error(np.empty((0, 2)))
    with pytest.raises(ValueError, match="points: found 1, expected an int of at least 2"):
        net.measured_sup_error(1)
