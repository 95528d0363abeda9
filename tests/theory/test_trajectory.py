"""Construction A: the scan against brute force, certificates against FLINT, and refusals."""

import math
from decimal import Decimal
from fractions import Fraction
from unittest import mock

import flint
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nslib.theory import DEFAULT_C, angles_along, find_depth, start_angles, waiting_time
from nslib.theory import trajectory as module

SINE = 0.5 + 0.5 * np.sin(2 * np.pi * (np.arange(8) + 0.5) / 8)


def balls(c: Fraction, depth: int, cells: int) -> list[flint.arb]:
    """Return sin²(π 2^depth/(c + k)) by FLINT, from the definition."""
    with flint.ctx.workprec(256):
        angles = [2**depth / (c + k) % 1 for k in range(1, cells + 1)]
        return [flint.arb.sin_pi_fmpq(flint.fmpq(a.numerator, a.denominator)) ** 2 for a in angles]


def fits(c: Fraction, depth: int, targets: list[float], eps: float) -> bool:
    values = balls(c, depth, len(targets))
    return all(abs(v - flint.arb(y)) <= eps for v, y in zip(values, targets, strict=True))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=3), st.floats(0.08, 0.4))
def test_the_depth_is_the_first_that_brute_force_finds(targets, eps):
    result = find_depth(targets, eps)
    for r in range(min(result.depth, 400)):
        assert not fits(DEFAULT_C, r, targets, eps)
    for r in range(max(0, result.depth - 100), result.depth):
        assert not fits(DEFAULT_C, r, targets, eps)
    values = balls(result.c, result.depth, len(targets))
    for k, (value, y) in enumerate(zip(values, targets, strict=True)):
        assert abs(value - flint.arb(y)) <= result.error <= eps
        assert value >= result.values.low[k] and value <= result.values.high[k]
    assert result.waiting_time == waiting_time(targets, eps)
    assert result.scanned == result.depth + 1


def test_one_network_takes_several_functions():
    ramp, step = np.linspace(0, 1, 8), np.repeat([0.1, 0.9], 4)
    results = [find_depth(y, 0.2) for y in (SINE, ramp, step)]
    assert len({result.depth for result in results}) == 3
    assert len({tuple(result.parameters.items()) for result in results}) == 1
    for result in results:
        assert (result.n_parameters, result.max_weight, result.log2_max_weight) == (7, 4, 2)
        assert (result.repeats, result.bits) == (result.depth, result.depth.bit_length())


@settings(deadline=None, max_examples=10)
@given(st.integers(8, 1 << 15), st.sampled_from([1, "3/2", Fraction(22, 7), 1.41421356]))
def test_chunks_change_nothing(chunk, c):
    targets = SINE[[1, 2, 7]]
    try:
        whole = find_depth(targets, 0.05, c=c, max_depth=30_000).depth
    except RuntimeError as error:
        assert "found no depth up to 30000" in str(error)
        whole = None
    with mock.patch.object(module, "CHUNK", chunk):
        if whole is None:
            with pytest.raises(RuntimeError):
                find_depth(targets, 0.05, c=c, max_depth=30_000)
        else:
            assert find_depth(targets, 0.05, c=c, max_depth=30_000).depth == whole


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**12), st.integers(1, 40), st.integers(1, 4))
def test_angles_along_the_orbit_are_exact_to_53_bits(start, count, cells):
    angles = angles_along("2.5", cells, count, start)
    for row, angle in zip(angles, start_angles("5/2", cells), strict=True):
        for r, value in enumerate(row.tolist(), start):
            exact = Fraction(pow(2, r, angle.denominator) * angle.numerator, angle.denominator) % 1
            assert 0 <= exact - Fraction(value) < Fraction(1, 2**53)


def test_the_digits_of_the_default_start_do_not_repeat_within_a_billion_steps():
    """Baby steps and giant steps: no 2^r = 1 mod q for r up to 10^9."""
    size = 31_623
    for angle in start_angles(DEFAULT_C, 16):
        q = angle.denominator
        assert q % 2 and q.bit_length() > 128
        powers, value = set(), 1
        for _ in range(size):
            powers.add(value)
            value = 2 * value % q
        giant, place = pow(2, size, q), 1
        for _ in range(size):
            place = place * giant % q
            assert place not in powers


def test_the_default_start_angles_and_one_have_no_short_integer_relation():
    """A relation Σ m_k/(c + k) = integer would confine the orbit to a plane of the cube."""
    def nearest(c):
        angles = np.array([float(angle) for angle in start_angles(c, 3)])
        vectors = np.stack(np.meshgrid(*[np.arange(-12, 13)] * 3), axis=-1).reshape(-1, 3)
        turns = vectors[np.any(vectors, axis=1)] @ angles
        return np.abs(turns - np.round(turns)).min()

    assert nearest(DEFAULT_C) > 1e-6
    assert nearest(math.sqrt(2)) < 1e-12  # 1/(√2 + 1) + 2/(√2 + 2) = 1


def test_a_scan_of_years_is_refused_with_the_estimate(monkeypatch):
    monkeypatch.setattr(module, "_Scan", None)
    with pytest.raises(ValueError, match=r"\(Kac\) of .* steps, about 10\^\d+\.\d years .* fewer"):
        find_depth(np.full(64, 0.5), 1e-3)
    with pytest.raises(ValueError, match=r"max_depth = 100; expected max_depth of at least 2\.71e"):
        find_depth(SINE, 0.12, max_depth=100)
    with pytest.raises(ValueError, match="fewer cells or a larger eps"):
        find_depth(np.full(5000, 0.5), 1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"c": 0.5}, "c: found 1/2, expected a number of at least 1"),
        ({"c": math.nan}, "c: found nan"),
        ({"c": "x"}, "c: found 'x'"),
        ({"c": "1e1000000000"}, "c: found a number of some 4000000000 bits, expected"),
        ({"c": Decimal("1e-1000000000")}, "c: found a number of some"),
        ({"c": mpmath.ldexp(1, 10**12)}, "c: found a number of some 1000000000000 bits"),
        ({"c": mpmath.inf}, "c: found mpf.*expected a finite number"),
        ({"c": "1" * 5000}, "c: found a fraction of 16607 bits|expected a finite number"),
        ({"c": "3/0"}, "c: found '3/0', expected a finite number"),
        ({"targets": np.full(2**16 + 1, 0.5)}, "targets: found 65537 cells, expected at most"),
        ({"targets": [[0.5], [0.1, 0.2]]}, "targets: found list that makes no array"),
        ({"max_depth": 10**15}, "max_depth: found"),
        ({"eps": 0.0}, "eps: found 0.0"),
        ({"targets": []}, "at least one cell"),
        ({"targets": [0.2, 2]}, "expected values in"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        find_depth(**{"targets": [0.5], "eps": 0.1, **options})


def test_a_start_of_numpy_is_the_same_whole_number():
    for c in (np.int64(3), np.int8(3), 3.0, "3", "3e0", Decimal(3), mpmath.mpf(3)):
        assert start_angles(c, 2) == [Fraction(1, 4), Fraction(1, 5)]
        assert all(type(angle.denominator) is int for angle in start_angles(c, 2))
    assert find_depth([0.5], 0.4, c=np.int64(3)).depth >= 0


def test_progress_goes_to_stderr(capsys, monkeypatch):
    clock = iter(range(0, 10**6, 11))
    monkeypatch.setattr(module.time, "perf_counter", lambda: float(next(clock)))
    monkeypatch.setattr(module, "CHUNK", 1024)
    find_depth(SINE, 0.12, progress=True)
    printed = capsys.readouterr()
    assert "find_depth: " in printed.err and "mean waiting time" in printed.err
    assert not printed.out
