"""The chaotic neuron, its conjugacy, and orbits: fractions, intervals and FLINT's balls agree."""

import math
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nslib import TaskLinear
from nslib.theory import angle_orbit, chaotic_neuron, orbit_intervals, prove_conjugacy
from nslib.theory.intervals import Intervals, outward, round_down, round_up, sin_squared
from nslib.theory.logistic_map import angle_at

ANGLES = st.fractions(0, 1, max_denominator=10**6)


def ball(angle: Fraction, bits: int = 300):
    """Return sin²(πα) as a ball of FLINT, which shares no code with mpmath."""
    with flint.ctx.workprec(bits):
        return flint.arb.sin_pi_fmpq(flint.fmpq(angle.numerator, angle.denominator)) ** 2


def orbit(start, steps: int) -> list[Fraction]:
    """The exact orbit in fractions, which double in length every step."""
    points = [Fraction(start)]
    for _ in range(steps):
        points.append(4 * points[-1] - 4 * points[-1] ** 2)
    return points


def certified(angle: Fraction) -> Intervals:
    """Return sin²(πα) as an interval (1,) by the library."""
    return outward(sin_squared([angle]))


def test_the_neuron_is_a_task_linear_with_two_weights():
    neuron, relu = chaotic_neuron()
    assert isinstance(neuron, TaskLinear) and isinstance(relu, torch.nn.ReLU)
    assert str(neuron.structure) == "pure(1,2)"
    assert [p.tolist() for p in neuron.parameters()] == [[[4.0, -4.0]]]


@settings(deadline=None, max_examples=25)
@given(st.floats(0, 1))
def test_the_module_takes_the_steps_of_the_exact_orbit(u):
    exact = [float(point) for point in orbit(u, 5)]
    neuron, point = chaotic_neuron(), torch.tensor([u], dtype=torch.float64)
    for step in range(1, 6):
        point = neuron(point)
        assert point.item() == pytest.approx(exact[step], abs=1e-15 * 4**step)


def test_every_step_of_the_proof_is_verified_and_the_chain_closes():
    steps = prove_conjugacy()
    assert all(step.verified() and step.reason and "=" in step.latex() for step in steps)
    for first, second in zip(steps[1:3], steps[2:4], strict=True):
        assert first.right == second.left
    assert steps[4].right == steps[5].left


def test_a_false_step_is_not_verified():
    step = prove_conjugacy()[3]
    assert not type(step)(step.left, 2 * step.right, "wrong").verified()


@settings(deadline=None, max_examples=25)
@given(ANGLES, st.integers(0, 2000))
def test_values_at_a_depth_enclose_those_of_another_library(angle, depth):
    values = certified(angle_at(angle, depth))
    exact = ball((angle.numerator * 2**depth % angle.denominator) / Fraction(angle.denominator))
    assert exact >= values.low[0] and exact <= values.high[0]
    assert values.width[0] <= 2**-52


@settings(deadline=None, max_examples=25)
@given(ANGLES, st.integers(0, 60))
def test_the_neuron_itself_repeated_shifts_the_angle(angle, steps):
    """Lemma 1 on numbers: intervals by repeating T meet those by doubling the angle."""
    with mpmath.workprec(400):
        u = min(max(mpmath.sin(mpmath.pi * mpmath.mpf(angle.numerator) / angle.denominator) ** 2,
                    0), 1)
    by_neuron = orbit_intervals(u, steps, bits=128)
    for r, shifted in enumerate(angle_orbit(angle, steps)):
        assert shifted == angle_at(angle, r)
        by_angle = certified(shifted)
        assert by_neuron.low[r] <= by_angle.high[0] + 2**-52  # u is sin²(πα) to 400 bits
        assert by_angle.low[0] <= by_neuron.high[r] + 2**-52
        assert by_neuron.width[r] <= 2**-50


@settings(deadline=None, max_examples=25)
@given(st.fractions(0, 1, max_denominator=50), st.integers(0, 10))
def test_intervals_hold_the_exact_orbit(start, steps):
    intervals = orbit_intervals(start, steps)
    for r, point in enumerate(orbit(start, steps)):
        assert Fraction(intervals.low[r]) <= point <= Fraction(intervals.high[r])
        assert intervals.width[r] <= 2**-50


def test_a_double_is_noise_after_a_mantissa_of_steps():
    neuron, point = chaotic_neuron(), torch.tensor([0.3], dtype=torch.float64)
    for _ in range(80):
        point = neuron(point)
    assert abs(point.item() - orbit_intervals(0.3, 80).middle[-1]) > 1e-3


@settings(deadline=None, max_examples=25)
@given(ANGLES, st.integers(16, 200))
def test_bounds_of_sin_squared_at_any_precision(angle, bits):
    (low, high), = sin_squared([angle], bits)
    exact = ball(angle, 600)
    assert 0 <= low <= high <= 1
    assert exact >= flint.fmpq(low.numerator, low.denominator)
    assert exact <= flint.fmpq(high.numerator, high.denominator)


@settings(deadline=None, max_examples=25)
@given(st.fractions(-1, 1))
def test_rounding_goes_outward_to_the_next_double(value):
    low, high = round_down(value), round_up(value)
    assert Fraction(low) <= value <= Fraction(high)
    assert high in (low, np.nextafter(low, math.inf))


def test_bad_starts_and_sizes_are_named():
    with pytest.raises(ValueError, match=r"start: found 1.5, expected a number in \[0, 1\]"):
        orbit_intervals(1.5, 2)
    with pytest.raises(ValueError, match="start: found nan"):
        orbit_intervals(math.nan, 2)
    assert orbit_intervals(1, 100).high[-1] == 0
    with pytest.raises(ValueError, match="depth: found -1"):
        angle_at(Fraction(1, 3), -1)
