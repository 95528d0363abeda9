"""The synthetic tasks against direct sums and explicit tensors."""

from __future__ import annotations

import re

import numpy as np
import pytest
import tensorly as tl
from hypothesis import given, settings
from hypothesis import strategies as st

from nslib.data import FORMULAS, make_formula, random_formula
from nslib.structure import NeuronStructure

ORDERS = st.lists(st.integers(1, 4), max_size=3, unique=True)


def explicit(weights, X):
    """The raw noiseless target: loops over powers, full tensors contracted mode by mode."""
    total = np.zeros(len(X))
    for name, weight in weights.items():
        if name == "sin":
            total += sum(weight[i] * np.sin(X[:, i]) for i in range(X.shape[1]))
            continue
        kind, order = name.split()
        if kind == "pure":
            total += sum(weight[i] * X[:, i] ** int(order) for i in range(X.shape[1]))
            continue
        v, u = weight
        tensor = tl.cp_to_tensor((v, [u[:, m, :].T for m in range(int(order))]))
        assert tensor.shape == (X.shape[1],) * int(order)
        for row, x in enumerate(X):
            value = tensor
            for _ in range(int(order)):
                value = value @ x
            total[row] += value
    return total


def test_the_15_formulas_and_their_structures():
    assert len(FORMULAS) == 15
    text = {key: str(formula.structure) for key, formula in FORMULAS.items()}
    assert text["pure", 2] == "pure(1,2)"
    assert text["pure", 3] == "pure(2,4)"
    assert text["interact", 3] == "interact(2,4;rank=1)"
    assert text["hybrid", 4] == "pure(2)+interact(3;rank=1)"


@pytest.mark.parametrize(("mode", "variant"), FORMULAS)
def test_formula_equals_explicit_tensors(mode, variant):
    task = make_formula(mode, variant, n_samples=40, n_features=4, noise=0.0, seed=3)
    raw = explicit(task.weights, task.X)
    np.testing.assert_allclose(task.y, (raw - raw.mean()) / raw.std(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(task.mean + task.scale * task.signal, raw, rtol=1e-9, atol=1e-9)
    assert task.structure == FORMULAS[mode, variant].structure
    assert set(task.weights) == set(task.structure.streams)
    assert task.noise_floor == 0.0


def test_fixed_coefficients_are_those_of_the_table():
    X, y, _ = make_formula("pure", 2, n_samples=100, n_features=3, noise=0.0)
    raw = 10 * X.sum(axis=1) + 0.5 * (X**2).sum(axis=1)
    np.testing.assert_allclose(y, (raw - raw.mean()) / raw.std(), atol=1e-12)
    weights = make_formula("interact", 2).weights
    assert [weights["interact 2"][0][0], weights["interact 3"][0][0]] == [8.0, 0.5]
    weights = make_formula("hybrid", 3).weights
    assert (set(weights["pure 2"]), weights["interact 3"][0][0]) == ({0.5}, 5.0)


def test_random_coefficients_have_both_signs_and_the_stated_range():
    c, e = [], []
    for seed in range(200):
        weights = make_formula("interact", 3, n_samples=2, n_features=2, seed=seed).weights
        c.append(weights["interact 2"][0][0])
        e.append(weights["interact 4"][0][0])
    for values, low in ((np.array(c), 1.0), (np.array(e), 0.5)):
        assert low <= np.abs(values).min() < low + 0.2
        assert 2.8 < np.abs(values).max() <= 3.0
        assert 60 < (values > 0).sum() < 140


def test_projections_have_variance_one_over_d():
    u = make_formula("interact", 4, n_samples=2, n_features=400).weights["interact 4"][1]
    assert u.shape == (1, 4, 400)
    assert u.var() * 400 == pytest.approx(1.0, abs=0.15)


def test_noise_floor_is_the_error_of_the_true_formula():
    task = make_formula("hybrid", 0, n_samples=20_000, noise=2.0, seed=1)
    assert np.mean((task.y - task.signal) ** 2) == pytest.approx(task.noise_floor, rel=0.05)
    assert task.y.mean() == pytest.approx(0.0, abs=1e-12)
    assert task.y.std() == pytest.approx(1.0)


def test_interactions_of_higher_rank_are_sums_of_products():
    task = make_formula("hybrid", 4, n_samples=50, n_features=4, noise=0.0, seed=3, rank=3)
    assert task.structure.rank == 3 and task.structure.streams == ("pure 2", "interact 3")
    v, u = task.weights["interact 3"]
    assert u.shape == (3, 3, 4) and np.ptp(v) == 0 and 0.5 <= abs(v[0]) <= 3.0
    products = sum(np.prod(task.X @ term.T, axis=1) for term in u)
    raw = v[0] * products + (task.X**2) @ task.weights["pure 2"]
    np.testing.assert_allclose(task.mean + task.scale * task.y, raw, atol=1e-12)
    assert make_formula("pure", 0, n_samples=5, rank=3).structure.rank == 1
    with pytest.raises(ValueError, match="rank: found 0"):
        make_formula("pure", 0, rank=0)


def test_rank_one_draws_what_it_always_drew():
    """Numbers from before there was a rank."""
    task = make_formula("interact", 1, n_samples=3, n_features=3, seed=11)
    last = task.weights["interact 3"][1][0, 2]
    expected = [0.267376774730767, 0.4760331070699987, -0.11693067536380435]
    np.testing.assert_allclose(last, expected, rtol=1e-14)
    expected = [-0.09364604000044903, 1.2688798167139352, -1.175233776713486]
    np.testing.assert_allclose(task.y, expected, rtol=1e-12)


def test_a_seed_fixes_everything_whatever_the_global_state():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = make_formula("hybrid", 1, seed=7)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    np.random.seed(99)  # noqa: NPY002
    again = make_formula("hybrid", 1, seed=7)
    np.testing.assert_array_equal(first.X, again.X)
    np.testing.assert_array_equal(first.y, again.y)
    other = make_formula("hybrid", 1, seed=8)
    assert not np.array_equal(first.X, other.X)
    assert not np.array_equal(first.weights["pure 1"], other.weights["pure 1"])


def test_a_seed_keeps_its_formula_and_its_rows_for_other_sizes_and_noise():
    small = make_formula("interact", 1, n_samples=50, noise=0.01, seed=4)
    large = make_formula("interact", 1, n_samples=80, noise=0.3, seed=4)
    np.testing.assert_array_equal(small.X, large.X[:50])
    for name, (v, u) in small.weights.items():
        np.testing.assert_array_equal(v, large.weights[name][0])
        np.testing.assert_array_equal(u, large.weights[name][1])


@settings(deadline=None, max_examples=25)
@given(pure=ORDERS, interact=ORDERS, rank=st.integers(1, 3), sin=st.booleans(),
       n_features=st.integers(1, 5), seed=st.integers(0, 2**32))
def test_random_formula_equals_explicit_tensors(pure, interact, rank, sin, n_features, seed):
    if not (pure or interact):
        sin = True
    structure = NeuronStructure(tuple(pure), tuple(interact), rank, sin)
    task = random_formula(structure, n_samples=20, n_features=n_features, noise=0.1, seed=seed)
    X, y, unpacked = task
    assert X.shape == (20, n_features)
    assert y.shape == (20,)
    assert unpacked == structure
    assert set(task.weights) == set(structure.streams)
    for k in structure.interact:
        v, u = task.weights[f"interact {k}"]
        assert (v.shape, u.shape) == ((structure.rank,), (structure.rank, k, n_features))
    np.testing.assert_allclose(
        task.mean + task.scale * task.signal, explicit(task.weights, X), rtol=1e-8, atol=1e-8
    )
    assert y.mean() == pytest.approx(0.0, abs=1e-9)
    assert y.std() == pytest.approx(1.0)


def test_random_formula_gives_streams_comparable_variance():
    structure = NeuronStructure(pure=(1, 3), interact=(2, 4), rank=4, sin=True)
    for seed in range(3):
        task = random_formula(structure, n_samples=5000, n_features=20, seed=seed)
        alone = {name: explicit({name: task.weights[name]}, task.X[:1500, :])
                 for name in ("pure 1", "pure 3", "sin", "interact 2")}
        for name, values in alone.items():
            assert 0.4 < values.var() < 2.5, name


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("hybird", 0), ValueError, "mode: found 'hybird'.*did you mean 'hybrid'"),
        (("pure", 5), ValueError, "variant: found 5, expected 0 to 4"),
        (("pure", -1), ValueError, "variant"),
        (("pure", "1"), TypeError, "variant"),
        (("pure", 0, 1), ValueError, "n_samples: found 1"),
        (("pure", 0, 10, 0), ValueError, "n_features: found 0"),
        (("pure", 0, 10, 2, -0.1), ValueError, "noise: found -0.1"),
        (("pure", 0, 10, 2, float("nan")), ValueError, "noise"),
        (("pure", 0, 10, 2, 0.1, None), TypeError, "seed"),
        (("pure", 0, 10, 2, 0.1, -3), ValueError, "seed"),
    ],
)
def test_bad_input_is_refused_in_words(arguments, error, words):
    with pytest.raises(error, match=words):
        make_formula(*arguments)


@pytest.mark.parametrize("noise", [1e308, 1e160])
def test_noise_beyond_what_a_target_can_hold_is_refused(noise):
    structure = NeuronStructure(pure=(1,), interact=())
    with pytest.raises(ValueError, match=f"noise: found {re.escape(str(noise))}, expected"):
        make_formula("pure", 0, n_samples=50, noise=noise)
    with pytest.raises(ValueError, match="noise: found"):
        random_formula(structure, n_samples=50, noise=noise)


def test_targets_of_the_highest_orders_are_finite():
    task = random_formula(NeuronStructure(pure=(64,), interact=(64,)), n_samples=50)
    assert np.isfinite(task.y).all() and np.std(task.y) == pytest.approx(1)


def test_large_noise_is_fine_while_the_target_is_finite():
    task = make_formula("pure", 0, n_samples=50, noise=1e100)
    assert np.isfinite(task.y).all()
    assert task.noise_floor == pytest.approx(1.0, rel=0.5)


def test_random_formula_wants_a_structure():
    with pytest.raises(TypeError, match="structure: found .*, expected a NeuronStructure"):
        random_formula("pure(1)")


def test_more_features_than_rows_and_one_row():
    X, y, _ = make_formula("hybrid", 0, n_samples=3, n_features=20)
    assert X.shape == (3, 20) and np.isfinite(y).all() and y.std() == pytest.approx(1)
    with pytest.raises(ValueError, match="n_samples: found 1, expected an int of at least 2"):
        make_formula("hybrid", 0, n_samples=1)


@pytest.mark.parametrize("noise", [np.nan, np.inf, -0.1])
def test_noise_is_finite_and_not_negative(noise):
    with pytest.raises(ValueError, match=f"noise: found {noise}, expected a finite number"):
        make_formula("pure", 0, noise=noise)
