"""The least-squares search on tables as people have them."""

from __future__ import annotations

import numpy as np
import pytest

from nslib.data import make_formula
from nslib.search import search
from nslib.search.least_squares.outliers import outlying, stand_apart


def one_hot_table(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features (2000, 9), a complete one-hot group and a copy among them, and a target."""
    rng = np.random.default_rng(seed)
    numbers = rng.standard_normal((2000, 4))
    levels = np.eye(4)[rng.integers(0, 4, 2000)]
    X = np.column_stack([numbers, levels, 2 * numbers[:, 0] - 1])
    Z = X[:, :8] - np.append(np.zeros(4), X[:, 4:8].mean(axis=0))
    y = (Z @ rng.standard_normal(8)) * (Z @ rng.standard_normal(8))
    return X, y / y.std() + 0.01 * rng.standard_normal(2000)


def wide_table(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features (150, 60) of which the first three matter, and a product of these."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((150, 60))
    y = (X[:, :3] @ rng.standard_normal(3)) * (X[:, :3] @ rng.standard_normal(3))
    return X, y + 0.05 * y.std() * rng.standard_normal(150)


def test_copies_and_reference_levels_are_left_out_and_told():
    X, y = one_hot_table(0)
    result = search(X, y, seed=0)
    assert str(result.structure) == "interact(2;rank=1)"
    assert "x_9" not in result.features and "x_8" not in result.features
    assert any("x_9 was left out: it follows from x_1" in note for note in result.notes)
    assert any("x_8 was left out: it follows from x_5, x_6, x_7" in note for note in result.notes)
    assert result.notes[0] in str(result)
    assert np.mean((result.predict(X) - y) ** 2) < 2e-4


def test_a_wide_table_is_screened_and_its_features_named():
    X, y = wide_table(1)
    result = search(X, y, seed=0)
    assert str(result.structure) == "interact(2;rank=1)"
    assert result.features == ("x_{1}", "x_{2}", "x_{3}")
    whole = search(X, y, screen=False, features="all")
    assert str(whole.structure) == "pure(1)" and "not tried" in str(whole)


def test_rows_off_all_others_are_left_out_and_numbered():
    task = make_formula("hybrid", 4, 1000, 6, 0.01, seed=3)
    wrong = np.arange(0, 1000, 25)
    y = task.y.copy()
    y[wrong] += 10.0
    result = search(task.X, y, standardize=False)
    assert result.structure.same_streams(task.structure)
    np.testing.assert_array_equal(result.outlier_rows, wrong)
    kept = search(task.X, y, standardize=False, outliers="keep")
    assert len(kept.outlier_rows) == 0
    clean = search(task.X, task.y, standardize=False)
    assert len(clean.outlier_rows) == 0


def test_tails_that_thin_out_are_no_outliers():
    rng = np.random.default_rng(0)
    tails = rng.standard_t(3, 2000)
    assert outlying(tails).any() and not stand_apart(tails)
    noise = rng.standard_normal(2000)
    assert not outlying(noise).any()
    noise[:20] = 30.0
    np.testing.assert_array_equal(np.flatnonzero(outlying(noise)), np.arange(20))
    assert stand_apart(noise)
    assert not outlying(np.zeros(5)).any()


def test_rows_of_weight_zero_do_not_count_and_repeated_rows_count_twice():
    task = make_formula("interact", 0, 600, 4, 0.3, seed=2)
    weight = np.where(np.arange(600) < 400, 1.0, 0.0)
    y = task.y.copy()
    y[400:] = 5.0
    weighed = search(task.X, y, standardize=False, sample_weight=weight, outliers="keep")
    alone = search(task.X[:400], task.y[:400], standardize=False, outliers="keep")
    assert weighed.structure == alone.structure
    fresh = np.random.default_rng(0).standard_normal((50, 4))
    np.testing.assert_allclose(weighed.predict(fresh), alone.predict(fresh), atol=0.02)
    double = search(np.vstack([task.X, task.X[:300]]), np.append(task.y, task.y[:300]),
                    standardize=False, outliers="keep")
    twice = search(task.X, task.y, standardize=False, outliers="keep",
                   sample_weight=np.where(np.arange(600) < 300, 2.0, 1.0))
    np.testing.assert_allclose(twice.predict(fresh), double.predict(fresh), atol=0.02)


def test_rows_of_weight_zero_are_no_outliers_and_leave_a_shrunk_fit_shrunk():
    task = make_formula("hybrid", 4, 1000, 6, 0.01, seed=3)
    y, weight = task.y.copy(), np.ones(1000)
    y[::25] += 10.0
    weight[1:6] = 0.0
    result = search(task.X, y, standardize=False, sample_weight=weight)
    np.testing.assert_array_equal(result.outlier_rows, np.arange(0, 1000, 25))
    rng = np.random.default_rng(2)
    X, noise = rng.standard_normal((31, 40)), rng.standard_normal(31)
    alone = search(X[:30], noise[:30], standardize=False)
    weighed = search(X, noise, standardize=False, sample_weight=np.arange(31) < 30)
    shares = [r.predict(X[:30]).std() / noise[:30].std() for r in (alone, weighed)]
    assert shares[1] == pytest.approx(shares[0], abs=0.1) and shares[1] < 0.9


def test_weights_count_for_classes_too():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((500, 2))
    y = np.where(X[:, 0] + 0.3 * rng.standard_normal(500) > 0, "up", "down")
    y[250:] = y[250:][::-1]
    weight = np.where(np.arange(500) < 250, 1.0, 0.0)
    result = search(X, y, sample_weight=weight)
    assert np.mean(result.predict(X[:250]) == y[:250]) > 0.85
    with pytest.raises(ValueError, match="sample_weight: found weights for 'gated'"):
        search(X, y, "gated", sample_weight=weight)


def test_when_the_time_is_up_the_best_so_far_is_returned():
    task = make_formula("interact", 3, 1000, 10, 0.01, seed=0)
    result = search(task.X, task.y, max_seconds=1e-6)
    assert "the time was up" in str(result)
    assert str(result.structure) == "pure(1)"
    for bad in (0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="max_seconds"):
            search(task.X, task.y, max_seconds=bad)
    assert "the time was up" not in str(search(task.X, task.y, max_seconds=600))


def test_a_stream_that_halves_of_the_rows_do_not_choose_says_so():
    task = make_formula("interact", 1, 300, 5, 0.6, seed=4)
    for seed in range(6):
        result = search(task.X, task.y, seed=seed)
        for stream in result.structure.streams:
            rare = result.selection_frequencies[stream] <= 0.5
            assert rare == any(note.startswith(f"{stream} is kept") for note in result.notes)
            assert result.gate_probabilities[stream] == result.selection_frequencies[stream]
