"""The module: a fixed set of neurons, near the exact values where doubles can hold them."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_network import hard_points
from theory_functions import FUNCTIONS

from nslib.neuron import TaskLinear
from nslib.theory import approximate, chaotic_neuron, encode, find_depth, find_winding
from nslib.theory.network import ApproximantModule, weights
from nslib.theory.rounding import START, UNIT, network_precision, next_error

CASES = [
    ("digits", "sine", 0.9, {}), ("digits", "kink", 3.0, {}), ("digits", "bump", 1.6, {}),
    ("trajectory", "sine", 1.9, {"c": 13**0.5}), ("trajectory", "kink", 2.4, {"c": 5**0.5}),
    ("trajectory", "sine", 1.2, {"c": 11**0.5, "share": 0.7}), ("trajectory", "bump", 1.2, {}),
    ("winding", "sine", 0.6, {}), ("winding", "noisy", 1.5, {}),
    ("winding", "bump", 0.9, {"share": 0.7}),
]


def call(module, points):
    return module(torch.from_numpy(points)).numpy()


@pytest.mark.parametrize("construction, name, eps, options", CASES)
def test_the_module_agrees_with_the_exact_values(construction, name, eps, options):
    f, dim, slope = FUNCTIONS[name]
    options = {"share": None, **options}
    net = approximate(f, eps, dim, construction, modulus=slope, **options)
    assert net.n_cells > 1
    module = net.module()
    assert isinstance(module, ApproximantModule) and module.precision <= eps / 10
    centres = net.cells.centres()
    assert np.abs(call(module, centres) - net(centres)).max() <= module.precision

    points = hard_points(net.cells, np.random.default_rng(0), 500)
    shifts = np.array(np.meshgrid(*[[-1, 0, 1]] * dim)).reshape(dim, -1).T * net.cells.shift
    off = np.logical_and.reduce([net.cells.index(points + s)[1] == 0 for s in shifts])
    assert 0.1 < off.mean() < 1
    here, exact = call(module, points), net(points)
    assert np.abs(here - exact)[off].max() <= module.precision
    error = np.abs(here - f(points[:, 0] if dim == 1 else points))
    assert error.max() <= net.bound + module.precision  # in the layers too

    assert sum(p.numel() for p in module.parameters()) == net.n_parameters
    assert max(p.abs().max().item() for p in module.parameters()) == net.max_weight
    assert sum(isinstance(part, TaskLinear) for part in module.modules()) >= 16


def test_the_parameters_stay_when_eps_falls():
    def make(construction, eps, f=lambda x: np.sin(np.pi * x)):
        return approximate(f, eps, construction=construction, modulus=np.pi, share=None)

    a = [make("trajectory", 0.6), make("trajectory", 0.35),
         make("trajectory", 0.6, lambda x: np.abs(1 - 2 * x))]
    assert len({net.construction.depth for net in a}) == 3
    for other in a[1:]:
        assert weights(other) == weights(a[0])  # nothing but the repetitions has changed
    assert {net.max_weight for net in a} == {4} and {net.n_parameters for net in a} == {41}

    b = [make("digits", eps) for eps in (0.6, 0.1, 0.01)]
    assert {net.n_parameters for net in b} == {52} and {net.max_weight for net in b} == {4}
    changed = {key for key in weights(b[0]) if weights(b[0])[key] != weights(b[1])[key]}
    assert changed == {"start"}

    c = [make("winding", eps) for eps in (0.6, 0.3, 0.2)]
    assert {net.n_parameters for net in c} == {40}
    assert [net.max_weight for net in c] == [net.construction.w for net in c]
    changed = {key for key in weights(c[0]) if weights(c[0])[key] != weights(c[2])[key]}
    assert changed == {"winding"}
    assert approximate(lambda p: p[:, 0], 0.6, 3, modulus=1).n_parameters == 52  # nor with d


def test_repeats_are_those_of_the_module():
    f, dim, slope = FUNCTIONS["sine"]
    deep = approximate(f, 1.9, construction="trajectory", modulus=slope, share=None, c=13**0.5)
    assert 20 < deep.module().reader.depth == deep.construction.depth == deep.construction.repeats
    words = approximate(f, 1.2, modulus=slope)
    module = words.module()
    reader = module.reader
    assert (reader.steps - 1) * reader.word_bits == words.construction.repeats
    assert words.repeat_counts["halve the shift"] == module.cells.halvings
    assert words.repeat_counts["take a bit"] == module.cells.digits
    calls = []
    reader.neuron.register_forward_hook(lambda *_: calls.append(1))
    module(torch.tensor([0.5], dtype=torch.float64))
    assert len(calls) == words.construction.repeats


@settings(deadline=None, max_examples=25)
@given(st.floats(0, 1), st.floats(0, 1e-9), st.integers(1, 45))
def test_the_error_bound_of_an_orbit_holds(start, error, steps):
    """Against long numbers, from a start that is off by `error`."""
    neuron, u = chaotic_neuron(), torch.tensor([min(start + error, 1.0)], dtype=torch.float64)
    bound = np.array([abs(float(u) - start) + UNIT])
    with mpmath.workprec(2 * steps + 100), torch.no_grad():
        exact = mpmath.mpf(start)
        for _ in range(steps):
            bound = next_error(bound, np.array([float(exact)]))
            exact, u = 4 * exact * (1 - exact), neuron(u)
            assert abs(exact - float(u)) <= bound[0]
            if bound[0] > 0.1:
                break


def test_the_start_of_a_trajectory_is_within_its_bound():
    with mpmath.workprec(200):
        for c in (2**0.5, 1.0, 977.3):
            for k in (1, 2, 7, 1000):
                t = k + mpmath.mpf(c) - 1
                exact = mpmath.sin(mpmath.pi * t / (1 + t)) ** 2
                z = torch.nn.functional.softsign(torch.tensor(k + (c - 1), dtype=torch.float64))
                assert abs(exact - float(torch.sin(math.pi * z) ** 2)) <= START


def test_refusals_say_what_doubles_hold():
    f, dim, slope = FUNCTIONS["sine"]
    deep = approximate(f, 1.2, construction="trajectory", modulus=slope, share=None)
    assert deep.construction.depth > 60
    with pytest.raises(ValueError, match=r"module: found \d+ repetitions, expected at most 4\d "
                       "for a precision of 0.12: an orbit of doubles loses one bit"):
        deep.module()
    words = approximate(f, 0.5, modulus=slope)
    with pytest.raises(ValueError, match=r"module: found 16 words of \d bits, \d+ digits, expected "
                       r"at most \d+ such words for a precision of 0.05"):
        words.module()
    wound = approximate(f, 0.6, construction="winding", modulus=slope)
    with pytest.raises(ValueError, match=r"module: found a winding of \d+ bits, .* 20 w 2.-53; "
                       r"expected at most 1\d bits for a precision of 1e-10"):
        wound.module(1e-10)
    with pytest.raises(ValueError, match="precision: found 1e-17, expected more than"):
        wound.module(1e-17)
    with pytest.raises(ValueError, match="precision: found 0.0, expected a number above 0"):
        wound.module(0)
    with pytest.raises(TypeError, match="precision: found 'fine'"):
        wound.module("fine")


def test_what_is_refused_is_lost_and_what_is_held_is_held():
    """One word more than the bound allows may hold; some words further nothing is left."""
    y = np.random.default_rng(3).random(40)
    held = [cells for cells in range(1, 40)
            if _holds(encode(y[:cells], 4))]
    assert held == list(range(1, len(held) + 1)) and 8 <= len(held) <= 13
    assert not _holds(find_winding(y[:10], 0.01)) and _holds(find_winding(y[:5], 0.01))
    assert not _holds(find_depth(y[:3], 0.05)) and _holds(find_depth(y[:1], 0.2))


def _holds(construction):
    try:
        return network_precision(construction, 1, 0.0, 1.0, 0.01) <= 0.01
    except ValueError:
        return False


@pytest.mark.parametrize("points, message", [
    (torch.tensor([0.5]), r"points: found torch.float32 of shape \(1, 1\)"),
    (torch.zeros(2, 3, dtype=torch.float64), r"expected torch.float64 of shape \(points, 1\)"),
    (torch.tensor([1.5], dtype=torch.float64), "found a value outside"),
    (torch.tensor([torch.nan], dtype=torch.float64), "found a value outside"),
])
def test_bad_points(points, message):
    module = approximate(lambda x: x, 0.9, modulus=1).module()
    with pytest.raises(ValueError, match=message):
        module(points)


def test_a_constant_needs_no_precision():
    net = approximate(lambda p: 0 * p[:, 0] - 2, 0.1, 3, modulus=0)
    assert call(net.module(), np.full((2, 3), 0.3)).tolist() == [-2, -2]
