"""The experiments of notebook 07 against brute force, exact fractions and laws known in advance."""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.experiments.dense_trajectories import equidistribution, orbits, trajectories
from nslib.theory import DEFAULT_C, angle_orbit, find_depth, start_angles, waiting_time


def test_every_step_of_the_proof_has_its_computation():
    steps = orbits.proof(n_points=5)
    assert steps["verified"].all() and steps["gap"].max() < 1e-55
    text = orbits.markdown(steps, {"step": "${identity}$", "sympy": "{verified}"})
    assert text.splitlines()[:2] == ["| step | sympy |", "| --- | --- |"]
    assert len(text.splitlines()) == 2 + len(steps)


def test_the_graph_is_the_neuron_and_the_orbit_follows_it():
    paths = orbits.graph(cell=2, steps=12)
    u, after = paths["map"]["u"], paths["map"]["next"]
    np.testing.assert_allclose(after, 4 * u - 4 * u**2, atol=1e-15)
    values = paths["orbit"]["u"].to_numpy()
    assert values[0] == pytest.approx(math.sin(math.pi / (float(DEFAULT_C) + 2)) ** 2)
    np.testing.assert_allclose(values[1:], 4 * values[:-1] * (1 - values[:-1]), atol=1e-13)


def test_doubles_are_compared_with_the_exact_orbit():
    tables = orbits.against_exact(n_starts=15, steps=60, seed=3)
    example = tables["example"]
    exact = [Fraction(example["exact"][0])]
    for _ in range(12):
        exact.append(4 * exact[-1] - 4 * exact[-1] ** 2)
    np.testing.assert_allclose(example["exact"][:13], [float(u) for u in exact], rtol=1e-15)
    formats = tables["formats"].set_index("format")
    assert formats.loc["float64", "bits_a_step"] == pytest.approx(1, abs=0.1)
    assert 15 < formats.loc["float32", "noise"] < 30 < 45 < formats.loc["float64", "noise"] < 60
    assert (formats["width"] < 1e-15).all()


def test_the_repeated_neuron_arrives_where_the_digits_say():
    result = find_depth([0.2, 0.9, 0.5], 0.1)
    arrived, slack = orbits.repeated(result)
    assert result.depth > 60 > 53  # doubles would not do
    np.testing.assert_allclose(arrived.middle, result.values.middle, atol=1e-14)
    assert slack < 1e-30 and orbits.error_in_doubles(result) > 0.1
    few = find_depth([0.4], 0.1)
    assert few.depth < 30 and orbits.error_in_doubles(few) == pytest.approx(few.error, abs=1e-6)


def test_the_tent_is_carried_over_to_the_neuron():
    for u in (Fraction(n, 12) for n in range(13)):
        assert orbits.tent(u) == min(2 * u, 2 - 2 * u)
    assert orbits.tent_gap(start_angles("3.7", 3), 200) < 1e-12


def test_roots_of_two_keep_two_coordinates_on_one_orbit():
    c = equidistribution.root_of_two(500)
    assert abs(c * c - 2) < Fraction(1, 2**497)
    first, second = start_angles(c, 2)
    for a, b in zip(angle_orbit(first, 200), angle_orbit(second, 201)[1:], strict=True):
        assert abs((a + b + Fraction(1, 2)) % 1 - Fraction(1, 2)) < Fraction(1, 2**250)


def test_residues_and_slopes_are_those_of_the_rational_functions():
    table = equidistribution.rational_functions([(2, -3), (0, 5)]).set_index("vector")
    assert list(table["residues"]) == ["(2, -3)", "(0, 5)"]
    # 2/(c+1)² = 3/(c+2)² at c = (2√2 - √3)/(√3 - √2) = 3.45, and nowhere else above 1
    assert list(table["slopes"]) == [1, 0]
    g, c = equidistribution.combination((2, -3))
    root = (2 * sp.sqrt(2) - sp.sqrt(3)) / (sp.sqrt(3) - sp.sqrt(2))
    assert sp.simplify(sp.diff(g, c).subs(c, root)) == 0
    curve = equidistribution.curves([(2, -3)])
    np.testing.assert_allclose(curve["g"], 2 / (curve["c"] + 1) - 3 / (curve["c"] + 2))


def test_weyl_sums_are_sums_over_exact_angles():
    sums = equidistribution.weyl_sums(100, c="2.7", vectors=[(1, -2)])
    first, second = (angle_orbit(angle, 99) for angle in start_angles("2.7", 2))
    turns = [float((a - 2 * b) % 1) for a, b in zip(first, second, strict=True)]
    assert sums["steps"].tolist() == [64, 90, 100]
    for steps, size in sums[["steps", "size"]].to_numpy():
        exact = np.mean(np.exp(2j * np.pi * np.array(turns[:int(steps)])))
        assert size == pytest.approx(abs(exact), abs=1e-12)
    resonant = equidistribution.weyl_sums(100, c=equidistribution.root_of_two(400),
                                          vectors=[(1, 2)])
    np.testing.assert_allclose(resonant["size"], 1, atol=1e-12)
    assert equidistribution.scaled_last(resonant) == pytest.approx(10)


def test_random_sums_hold_ninety_percent():
    steps = np.array([400])
    band = equidistribution.random_sums(steps).iloc[0]
    turns = np.random.default_rng(0).random((4000, 400))
    sizes = np.abs(np.exp(2j * np.pi * turns).mean(axis=1))
    assert ((band["low"] < sizes) & (sizes < band["high"])).mean() == pytest.approx(0.9, abs=0.02)


def test_chi_square_counts_digits_that_are_read_once():
    row = equidistribution.chi_square("2.7", 2, digits=2, count=100)
    counts = np.zeros((4, 4))
    for step in range(100):
        place = []
        for angle in start_angles("2.7", 2):
            a = Fraction(pow(2, 3 * step)) * angle % 1
            place.append(math.floor(4 * 2 * min(a, 1 - a)))
        counts[tuple(place)] += 1
    expected = 100 / 16
    assert row["statistic"] == pytest.approx(((counts - expected) ** 2 / expected).sum())
    assert (row["bins"], row["expected"]) == (16, expected)


def test_the_test_rejects_the_exceptions_and_accepts_the_rest():
    single, many = equidistribution.tested([1, 2], 4000, 60)
    p = single.set_index(["c", "cells"])["p"]
    assert p["2", 1] < 1e-9 and p["2", 2] < 1e-9 and p["√2", 2] < 1e-9
    assert p["√2", 1] > 1e-4 and p["π", 1] > 1e-4 and p["π", 2] > 1e-4
    assert (many["low"] <= many["rejected"]).all() and (many["rejected"] <= many["high"]).all()
    assert (many["uniform"] > 1e-4).all() and (many["rejected"] < 0.2).all()


def test_discrepancies_are_those_of_random_points():
    table = equidistribution.discrepancies([2], [64, 256], 60)
    np.testing.assert_allclose(table["expected"], np.sqrt((1 / 4 - 1 / 9) / np.array([64, 256])))
    np.testing.assert_allclose(table["rms"] / table["expected"], 1, atol=0.25)
    assert (table["low"] < table["high"]).all()


def test_filling_has_the_angles_and_the_exception_on_two_lines():
    points = equidistribution.filling([5, 50])
    assert len(points) == 50
    np.testing.assert_allclose(points["u_1"], np.sin(np.pi * points["angle_1"]) ** 2, atol=4e-4)
    off = (points["root_1"] + 2 * points["root_2"]) % 1
    assert np.minimum(off, 1 - off).max() < 1e-3


def test_waits_are_first_depths_of_their_own_start():
    waits = trajectories.waiting_times([1, 2], [0.2, 0.05], 30, max_bits=5, seed=1)
    assert waits.groupby(["cells", "eps"]).ngroups == 3  # (2, 0.05) takes more than 2^5 steps
    np.testing.assert_allclose(waits["ratio"], waits["steps"] / waits["kac"])
    assert (waits["error_ratio"] <= 1).all()
    means = trajectories.mean_ratios(waits)
    assert means["n"].eq(30).all() and (means["low"] < means["ratio"]).all()
    beyond = trajectories.survival(waits)
    assert beyond.groupby("cells")["beyond"].max().eq(1).all()
    with pytest.raises(ValueError, match="max_bits"):
        trajectories.waiting_times([8], [0.01], 1, max_bits=10)


def test_waits_follow_kac_and_the_exponential_law():
    waits = trajectories.waiting_times([3], [0.05], 150, max_bits=14, seed=2)
    assert waits["ratio"].mean() == pytest.approx(1, abs=0.3)
    law = trajectories.exponential(waits)
    assert law["p"] > 1e-3 and law["n"] <= 150
    uniform = waits.assign(ratio=np.linspace(0, 1.2, 150))
    assert trajectories.exponential(uniform)["p"] < 1e-3


@given(name=st.sampled_from(sorted(trajectories.FUNCTIONS)), cells=st.integers(1, 40))
@settings(deadline=None, max_examples=25)
def test_targets_lie_in_the_unit_interval_and_slopes_hold(name, cells):
    y = trajectories.targets(name, cells)
    assert y.shape == (cells,) and y.min() >= 0 and y.max() <= 1
    slope = trajectories.FUNCTIONS[name][1]
    if slope is not None:
        assert np.abs(np.diff(y)).max(initial=0) <= slope / cells + 1e-12


def test_all_targets_are_met_by_one_network():
    asked = trajectories.asked_for(["sine", "rough"], [[3, 0.1]], 3, [[2, 0.1], [1, 0.01]])
    table, results = trajectories.search_all(asked)
    assert list(table["kind"]) == ["sine", "rough", "random", "random", "random"]
    assert list(table["cells"]) == [3, 3, 2, 1, 2] and trajectories.distinct_networks(results) == 1
    assert (table["error_ratio"] <= 1).all() and set(table["largest"]) == {4.0}
    assert table["kac_bits"][0] == pytest.approx(
        math.log2(waiting_time(trajectories.targets("sine", 3), 0.1)))
    other = {"c": find_depth([0.5], 0.1, c=3), **results}
    assert trajectories.distinct_networks(other) == 2
    label, one = trajectories.shortest(results, least=20)
    assert one.depth == table.loc[table["depth"] > 20, "depth"].min() and results[label] is one
    bits = trajectories.bits_beside_kac(table)
    random = table.iloc[2:]
    assert bits["mean"] == pytest.approx((random["depth_bits"] - random["kac_bits"]).mean())
    assert bits["expected"] == pytest.approx(np.log2(np.random.default_rng(0).exponential(
        size=100_000)).mean(), abs=0.02)
    shown = trajectories.pictured({"sine": results["sine, K = 3, ε = 0.1"]})
    np.testing.assert_array_equal(shown["cells"]["target"], trajectories.targets("sine", 3))
    assert shown["cells"]["right"].iloc[-1] == 1 and len(shown["curves"]) == 401


def test_the_whole_network_has_one_size_and_keeps_its_bound():
    whole = trajectories.from_x({"kink": 0.6, "sine": 0.9})
    assert whole["entries"].nunique() == 1 and set(whole["largest"]) == {4.0}
    assert (whole["measured"] <= whole["bound"]).all() and (whole["bound"] <= whole["eps"]).all()
    with pytest.raises(ValueError, match="Lipschitz"):
        trajectories.from_x({"rough": 0.5})
    with pytest.raises(ValueError, match="did you mean 'kink'"):
        trajectories.from_x({"kinks": 0.5})


def test_mean_bits_are_kacs():
    table = trajectories.mean_bits([2], [0.1])
    bits = [math.log2(waiting_time(trajectories.targets(name, 2), 0.1))
            for name in trajectories.FUNCTIONS]
    assert table.loc[0, "kac_bits"] == pytest.approx(np.mean(bits))
    assert (table.loc[0, "low"], table.loc[0, "high"]) == (min(bits), max(bits))
