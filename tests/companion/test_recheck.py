"""The second route of notebook 08: its own arithmetic against mpmath, and that it can say no."""

import dataclasses
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.experiments.super_expressive import recheck
from nslib import theory

TARGETS = st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=5)


@pytest.mark.parametrize("bits", [8, 64, 1000, 20_000])
def test_pi_is_between_its_bounds(bits):
    low, high = recheck.pi_bounds(bits)
    with mpmath.workprec(bits + 64):
        assert low < mpmath.ldexp(mpmath.pi, bits) < high
    assert high - low <= 3


@settings(deadline=None, max_examples=60)
@given(st.fractions(0, 1), st.integers(60, 400))
def test_the_sine_is_between_its_bounds(angle, bits):
    place = angle.numerator * (1 << bits) // angle.denominator
    low, high = recheck.sine_squared(place, place + 1, bits)
    with mpmath.workprec(bits + 64):
        value = mpmath.sin(mpmath.pi * angle.numerator / angle.denominator) ** 2
        assert low <= mpmath.ldexp(value, bits) <= high
    assert high - low <= 20


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**40), st.integers(0, 2**40), st.fractions(0, 1))
def test_the_neuron_maps_every_point_into_its_bounds(a, b, share):
    low, high = sorted((a, b))
    u = Fraction(low, 2**40) + share * Fraction(high - low, 2**40)
    below, above = recheck.neuron(low, high, 40)
    assert Fraction(below, 2**40) <= 4 * u * (1 - u) <= Fraction(above, 2**40)
    assert 0 <= below <= above <= 2**40


@settings(deadline=None, max_examples=20)
@given(st.fractions(0, 1, max_denominator=10**6), st.integers(0, 200))
def test_the_repeated_neuron_doubles_the_angle(angle, steps):
    low, high = recheck.repeated(angle, steps)[-1]
    with mpmath.workprec(300):
        arrived = angle * 2**steps % 1
        value = mpmath.sin(mpmath.pi * arrived.numerator / arrived.denominator) ** 2
        assert mpmath.mpf(low.numerator) / low.denominator - mpmath.ldexp(1, -250) <= value
        assert value <= mpmath.mpf(high.numerator) / high.denominator + mpmath.ldexp(1, -250)
    assert high - low < Fraction(1, 1 << 100)


@settings(deadline=None, max_examples=15)
@given(TARGETS, st.integers(1, 40))
def test_digits_are_confirmed_on_both_routes(targets, bits):
    result = theory.encode(targets, bits)
    seen = recheck.recheck(result)
    assert (seen["route"], seen["violated"]) == ("neuron repeated", 0)
    assert seen["checked"] == len(targets) + 3
    neuron = recheck.enclosures(result)[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recheck, "LONGEST", -1)
        again = recheck.recheck(result)
        shifted = recheck.enclosures(result)[1]
    assert (again["route"], again["violated"]) == ("digits shifted", 0)
    for (a, b), (c, d) in zip(neuron, shifted, strict=True):
        assert max(a, c) <= min(b, d)


@settings(deadline=None, max_examples=10)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=3), st.integers(0, 3))
def test_winding_and_depth_are_confirmed(targets, seed):
    wound = theory.find_winding(targets, 0.05, seed=seed)
    assert recheck.recheck(wound)["violated"] == 0
    deep = theory.find_depth(targets, 0.1)
    assert recheck.recheck(deep)["violated"] == 0


def test_a_long_depth_is_followed_without_repeating():
    result = theory.find_depth([0.5, 0.4, 0.6], 0.01)
    assert result.depth > recheck.LONGEST
    assert recheck.recheck(result) == {"route": "digits shifted", "checked": 5, "violated": 0,
                                      "error": pytest.approx(result.error)}


def test_what_is_changed_is_found_out():
    digits = theory.encode([0.3, 0.8, 0.1], 12)
    wound = theory.find_winding([0.3, 0.8], 0.01)
    deep = theory.find_depth([0.3, 0.8], 0.05)
    broken = [
        dataclasses.replace(digits, code=digits.code ^ 1 << 20),
        dataclasses.replace(digits, error=digits.error / 2),
        dataclasses.replace(digits, eps=digits.error / 2),
        dataclasses.replace(digits, word_bits=12, targets=digits.targets + 0.01),
        dataclasses.replace(wound, w=wound.w + 1),
        dataclasses.replace(deep, depth=deep.depth + 1),
        dataclasses.replace(deep, c=deep.c + 1),
    ]
    assert all(recheck.recheck(one)["violated"] for one in broken)
    with pytest.raises(TypeError, match="expected a construction"):
        recheck.enclosures(object())
