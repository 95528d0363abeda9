"""Moduli: a given one in the Euclidean distance, an estimate from a grid by brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nslib.theory import hoelder
from nslib.theory.probing import ESTIMATED, GIVEN, estimated, refuse_contradicted
from nslib.theory.probing import given as given_modulus


def test_a_constant_is_euclidean():
    lipschitz = given_modulus(2, 4)
    assert lipschitz.change(0.25) == pytest.approx(2 * np.sqrt(4) * 0.25)
    assert lipschitz.change(0.25) >= 1.0 and lipschitz.status == GIVEN
    assert given_modulus(hoelder(3, 0.5), 1).change(0.25) == pytest.approx(1.5)
    # the whole difference of x + y over a cube of reach h is met
    assert given_modulus(np.sqrt(2), 2).change(0.1) == pytest.approx(0.2)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(-5, 5), min_size=9, max_size=9), st.integers(1, 8))
def test_the_estimate_is_the_largest_change_on_the_grid(values, steps):
    values = np.array(values)
    pairs = [abs(values[i] - values[j]) for i in range(9) for j in range(9) if abs(i - j) <= steps]
    modulus = estimated(values)
    assert modulus.status == ESTIMATED
    assert modulus.change(steps / 8) == max(pairs)
    assert modulus.change(1 / 16) == modulus.change(1 / 8) / 2


def test_the_estimate_moves_in_all_coordinates_at_once():
    plane = np.add.outer(np.arange(5.0), 10 * np.arange(5.0))
    assert estimated(plane).change(0.25) == 11
    assert estimated(plane).change(0.5) == 22


def test_contradictions():
    line = np.linspace(0, 3, 65)
    refuse_contradicted(given_modulus(3, 1), line)
    with pytest.raises(ValueError, match=r"modulus: found 0.045.*apart.*at least 0.046875"):
        refuse_contradicted(given_modulus(2.9, 1), line)
    with pytest.raises(ValueError, match="modulus: found 0.5 for points 0.125 apart"):  # not near
        refuse_contradicted(given_modulus(lambda h: min(7 * h, 0.5), 1), 2 * line)


@pytest.mark.parametrize("modulus, message", [
    (-1, "modulus: found -1"), (np.inf, "modulus: found inf"), ("3", "modulus: found '3'"),
    (True, "modulus: found True"),
])
def test_bad_constants(modulus, message):
    with pytest.raises((TypeError, ValueError), match=message):
        given_modulus(modulus, 1)


@pytest.mark.parametrize("result", [-1.0, np.nan, "x", None])
def test_bad_callables(result):
    with pytest.raises((TypeError, ValueError), match=r"modulus\(0.25\): found"):
        given_modulus(lambda h: result, 1).change(0.25)
