"""Construction B: every word decodes, and no error exceeds π 2^-m."""

import math
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nslib.theory import encode, orbit_intervals, word_bits
from nslib.theory.logistic_map import angle_at

SPECIAL = st.sampled_from([0.0, 1.0, 0.5, 0.25, 0.75, 5e-324, 1 - 2**-53])
TARGETS = st.lists(st.floats(0, 1) | SPECIAL, min_size=1, max_size=12)


@settings(deadline=None, max_examples=40)
@given(TARGETS, st.integers(1, 90))
@example([1.0, 0.0, 0.0, 0.5], 80)
def test_the_error_bound_holds_by_another_library(targets, bits):
    encoded = encode(targets, bits)
    # an angle may be 2^-encoded.bits from 1/2, and sin² there the square of that from 1
    with flint.ctx.workprec(2 * encoded.bits + 400):
        bound = flint.arb.pi() / 2**bits
        for k, y in enumerate(targets, 1):
            angle = angle_at(encoded.angle, bits * (k - 1))
            value = flint.arb.sin_pi_fmpq(flint.fmpq(angle.numerator, angle.denominator)) ** 2
            assert abs(value - flint.arb(y)) <= bound
            assert abs(value - flint.arb(y)) <= encoded.error <= encoded.eps
            assert value >= encoded.values.low[k - 1] and value <= encoded.values.high[k - 1]
    assert Fraction(encoded.eps) >= Fraction(314159265358979, 10**14) / 2**bits
    assert encoded.eps == pytest.approx(math.pi * 2.0**-bits)


@settings(deadline=None, max_examples=25)
@given(TARGETS, st.integers(2, 40))
def test_repeated_doubling_brings_each_word_to_the_front(targets, bits):
    encoded = encode(targets, bits)
    angle = encoded.angle
    for k, y in enumerate(targets, 1):
        word = math.floor(angle * 2**bits)
        assert word == encoded.code >> bits * (len(targets) - k) & (1 << bits) - 1
        with mpmath.workprec(200):
            exact = mpmath.asin(mpmath.sqrt(y)) / mpmath.pi * 2**bits
        assert abs(word - exact) <= 1
        for _ in range(bits):
            angle = 2 * angle % 1
    assert angle == 0


def test_the_neuron_itself_decodes():
    """T, repeated from s in intervals, meets every target: no angle is used."""
    targets = [0.9, 0.0, 0.31, 1.0, 0.5]
    encoded = encode(targets, 10)
    with flint.ctx.workprec(400):
        s = flint.arb.sin_pi_fmpq(flint.fmpq(encoded.code, 2**encoded.bits)) ** 2
        start = Fraction(int(s.mid().man_exp()[0])) * Fraction(2) ** int(s.mid().man_exp()[1])
    points = orbit_intervals(start, encoded.repeats)
    error = np.abs(points.middle[::10] - targets)
    assert (error <= math.pi * 2.0**-10).all()


def test_cost_is_linear_in_cells_and_bits():
    encoded = encode(np.linspace(0, 1, 64), 12)
    assert (encoded.bits, encoded.repeats, encoded.cells) == (768, 756, 64)
    assert encoded.n_parameters == encode([0.3], 40).n_parameters
    assert encoded.max_weight == 4
    start = encoded.start()
    assert Fraction(start.low[0]) <= encoded.parameters["start"] <= start.high[0]


@pytest.mark.parametrize("eps", [0.4, 0.1, 1e-3, 1e-9])
def test_word_bits_are_the_least_for_an_eps(eps):
    m = word_bits(eps)
    assert math.pi * 2.0**-m <= eps < math.pi * 2.0 ** (1 - m)
    assert encode([0.1, 0.7], m).error <= eps


def test_bad_sizes_are_named():
    with pytest.raises(ValueError, match="bits: found 0"):
        encode([0.5], 0)
    with pytest.raises(ValueError, match="in all: 838 a word or 4096 cells"):
        encode(np.zeros(20_000), 4096)
    with pytest.raises(ValueError, match="at least one cell"):
        encode([], 8)
    with pytest.raises(ValueError, match="targets: found 262145 cells, expected at most 262144"):
        encode(np.zeros(2**18 + 1), 1)
