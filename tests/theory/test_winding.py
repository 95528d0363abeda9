"""Construction C: certificates against FLINT and brute force, the size of w, the fallback."""

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nslib.theory import find_winding, information_bound, lattice

SPECIAL = st.sampled_from([0.0, 1.0, 0.5, 1e-12, 1 - 1e-12])


def ball(w: int, k: int) -> flint.arb:
    """Return sin²(πw/(π + k)) by FLINT, with 200 bits to spare."""
    with flint.ctx.workprec(w.bit_length() + 200):
        return flint.arb.sin_pi(w / (flint.arb.pi() + k)) ** 2


def check(winding, targets, eps):
    for k, y in enumerate(targets, 1):
        value = ball(winding.w, k)
        assert abs(value - flint.arb(y)) <= winding.error <= eps
        assert value >= winding.values.low[k - 1] and value <= winding.values.high[k - 1]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0, 1) | SPECIAL, min_size=1, max_size=12), st.floats(1e-5, 0.3),
       st.integers(0, 9))
def test_the_certificate_holds_by_another_library(targets, eps, seed):
    winding = find_winding(targets, eps, seed=seed)
    check(winding, targets, eps)
    assert winding.w >= 0


@pytest.mark.parametrize(("cells", "eps"), [(16, 1e-3), (16, 0.05), (32, 1e-2)])
def test_the_bits_stay_near_the_information_bound(cells, eps):
    targets = np.random.default_rng(cells).random(cells)
    winding = find_winding(targets, eps)
    check(winding, targets.tolist(), eps)
    assert winding.bits <= 1.3 * information_bound(cells, eps)
    assert winding.n_parameters == 6 and winding.repeats == 0
    assert winding.max_weight == winding.w
    assert winding.bits - 1 <= winding.log2_max_weight <= winding.bits


def test_few_cells_take_about_as_long_a_w_as_brute_force_finds():
    targets, eps = np.array([0.2, 0.7, 0.95]), 0.02
    w = np.arange(1, 200_000)[:, None]
    value = np.sin(np.pi * w / (np.pi + np.arange(1, 4))) ** 2
    least = w[(np.abs(value - targets) <= eps).all(axis=1)][0, 0]
    winding = find_winding(targets, eps)
    assert least <= winding.w <= 64 * least


def test_the_same_seed_finds_the_same_w():
    targets = np.random.default_rng(0).random(9)
    assert find_winding(targets, 0.01, seed=4).w == find_winding(targets, 0.01, seed=4).w


def test_without_flint_the_lattice_is_reduced_by_sympy(monkeypatch):
    monkeypatch.setattr(lattice, "HAS_FLINT", False)
    targets = [0.1, 0.6, 0.8, 0.33]
    check(find_winding(targets, 0.01), targets, 0.01)


@pytest.mark.parametrize("has_flint", [True, False])
def test_a_reduced_basis_spans_the_same_lattice(monkeypatch, has_flint):
    monkeypatch.setattr(lattice, "HAS_FLINT", has_flint)
    rows = [[1, 0, 0, 12345], [0, 1, 0, 67891], [0, 0, 1, 24680], [0, 0, 0, 10**6]]
    reduced = lattice.reduce(rows)
    before, after = flint.fmpz_mat(rows), flint.fmpz_mat(reduced)
    assert abs(after.det()) == abs(before.det())
    assert before.hnf() == after.hnf()
    assert max(abs(value) for row in reduced for value in row) < 10**3


def test_rounding_returns_the_lattice_point_it_says():
    rng = np.random.default_rng(0)
    basis, targets = rng.normal(size=(5, 5)), rng.normal(size=(7, 5)) * 10
    left, coefficients = lattice.nearest_planes(*lattice.triangular(basis), targets)
    np.testing.assert_allclose(coefficients @ basis + left, targets, atol=1e-10)
    assert (coefficients == np.rint(coefficients)).all()


@pytest.mark.parametrize(
    ("targets", "options", "message"),
    [
        ([0.5, 1.5], {"eps": 0.1}, "expected values in"),
        ([], {"eps": 0.1}, "at least one cell"),
        ([0.5], {"eps": 0}, "eps: found 0"),
        ([0.5], {"eps": 1e-14}, "eps: found 1e-14, expected at least 1e-12"),
        ([0.5] * 600, {"eps": 1e-3}, r"expected 2048 bits of w to do; it takes about 5\d{3}"),
        ([0.5] * 8, {"eps": 1e-3, "max_bits": 50}, "expected 50 bits"),
        ([0.5], {"eps": 0.1, "seed": -1}, "seed: found -1"),
        ([0.5] * 400, {"eps": 0.3}, r"400 cells at eps 0.3, whose lattice takes about .*e.04 "
                                    r"seconds to reduce, expected at most 25 \(max_seconds\)"),
        ([0.5] * 100, {"eps": 1e-3}, "about 44 seconds to reduce, expected at most 25"),
        ([0.5] * 40, {"eps": 0.3, "max_seconds": 0.01}, "expected at most 0.01"),
        ([0.5], {"eps": 0.1, "max_seconds": -1}, "max_seconds: found -1"),
    ],
)
def test_bad_arguments_are_named(targets, options, message):
    with pytest.raises(ValueError, match=message):
        find_winding(targets, **options)
