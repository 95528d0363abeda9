"""Notebook 05: exponents of known laws, ratios between the ends, one data set for all methods."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress

from companion.experiments.convergence_and_scaling import scaling as experiments


def table(method, sizes, seconds, errors=None):
    errors = [0.02] * len(sizes) if errors is None else errors
    return pd.DataFrame({
        "n_samples": 100, "n_features": sizes, "method": method, "seed": 0, "exact": True,
        "own_mse": 2 * np.array(errors), "test_mse": errors, "noise_floor": 0.01,
        "search_seconds": seconds, "retrain_seconds": 1.0,
    })


@settings(deadline=None, max_examples=25)
@given(power=st.floats(-3, 3), constant=st.floats(1e-3, 1e3),
       sizes=st.lists(st.integers(1, 1000), min_size=3, max_size=6, unique=True))
def test_a_power_law_is_found(power, constant, sizes):
    fits = table("als", sizes, constant * np.array(sizes, dtype=float) ** power)
    law = experiments.exponents(fits, "n_features").iloc[0]
    assert law["exponent"] == pytest.approx(power, abs=1e-6)
    assert law["error"] == pytest.approx(0, abs=1e-6)


def test_the_standard_error_is_that_of_least_squares():
    seconds = [1.0, 2.5, 3.0, 9.0, 4.0]
    law = experiments.exponents(table("als", [1, 2, 4, 8, 8], seconds), "n_features").iloc[0]
    expected = linregress(np.log([1, 2, 4, 8, 8]), np.log(seconds))
    assert (law["exponent"], law["error"]) == pytest.approx((expected.slope, expected.stderr))


def test_laws_need_three_sizes_and_a_method_that_searches():
    fits = pd.concat([table("als", [1, 2], [1, 2]), table("mean", [1, 2, 4], [1, 2, 4]),
                      table("vsr", [1, 2, 4], [1, 1, 1])])
    assert list(experiments.exponents(fits, "n_features")["method"]) == ["vsr"]


def test_ratios_are_of_medians_at_the_ends():
    fits = pd.concat([table("gated", [5, 5, 5, 10, 20], [1, 2, 9, 50, 6],
                            [0.1, 0.2, 0.9, 7.0, 0.3])])
    assert experiments.error_ratios(fits) == {
        "td_mse_ratio": pytest.approx(1.5), "als_mse_ratio": None}


def test_ratios_of_seconds_are_paired_within_a_repetition():
    fits = pd.concat([table("gated", [20, 5, 10], [first * ratio, first, 1.0]).assign(seed=seed)
                      for seed, (first, ratio) in enumerate([(1.0, 3.0), (10.0, 2.0), (0.5, 9.0)])])
    assert experiments.second_ratios(fits) == {
        "td_seconds_ratio": 3.0, "td_seconds_ratio_spread": [2.0, 9.0],
        "als_seconds_ratio": None, "als_seconds_ratio_spread": None}


def test_medians_are_over_the_floor_with_ranges():
    fits = table("als", [5, 5, 5], [1.0, 3.0, 2.0], [0.02, 0.06, 0.03])
    row = experiments.medians(fits, "n_features").iloc[0]
    assert [row["retrained"], row["retrained_low"], row["retrained_high"]] == (
        pytest.approx([3, 2, 6]))
    assert [row["own"], row["own_low"], row["own_high"]] == pytest.approx([6, 4, 12])
    assert [row["seconds"], row["seconds_low"], row["seconds_high"]] == [2, 1, 3]
    assert row["size"] == 5 and row["exact"] == 1


def test_every_method_sees_the_same_data():
    sizes = {"als": [(150, 2), (150, 3)], "ridge": [(150, 2)]}
    fits = experiments.measured("pure 0", sizes, 100, 0.05, [0, 1])
    assert list(fits["method"]) == ["als", "als", "ridge"] * 2
    same = fits[fits["n_features"] == 2].groupby("seed")["noise_floor"]
    assert (same.nunique() == 1).all() and fits["noise_floor"].nunique() == 4
    assert (fits["test_mse"] < 2 * fits["noise_floor"]).all()
    fits = experiments.measured("pure 0", {"linear": [(50, 2)], "mean": [(50, 2)]}, 50, 0.05,
                                [4, 5], slow=["mean"])
    assert list(zip(fits["method"], fits["seed"], strict=True)) == [
        ("linear", 4), ("mean", 4), ("linear", 5)]
    with pytest.raises(ValueError, match="sizes.*did you mean 'ridge'"):
        experiments.measured("pure 0", {"rigde": [(10, 2)]}, 10, 0.05, [0])
