"""The experiments of notebook 08: constructions B and C in tables, sizes of whole networks."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.experiments.super_expressive import encodings as experiments
from companion.experiments.super_expressive import network_sizes as sizes
from nslib import theory


def test_the_walk_through_shows_the_digits_and_what_they_decode_to():
    encoded = theory.encode([0.2, 0.9, 0.5], 10)
    walked = experiments.walked(encoded)
    digits = walked["digits"]
    assert int("".join(map(str, digits["digit"])), 2) == encoded.code
    cells = walked["cells"]
    for k, word in enumerate(cells["word"], 1):
        assert int(word[2:], 2) == encoded.code >> 10 * (3 - k) & 1023
    assert (cells["error"] <= cells["bound"]).all()
    np.testing.assert_allclose(cells["value"], encoded.values.middle, atol=1e-15)
    u = walked["orbit"]["u"].to_numpy()
    np.testing.assert_allclose(u[1:], 4 * u[:-1] * (1 - u[:-1]), atol=1e-14)


def test_doubles_lose_the_words_that_lie_beyond_their_digits():
    y = experiments.draws(1, 20, 3)[0]
    assert 2 <= experiments.words_in_doubles(theory.encode(y, 12)) <= 7
    assert experiments.words_in_doubles(theory.encode(y[:2], 12)) == 2


def test_draws_are_those_of_the_seed():
    assert (experiments.draws(3, 5, 1) == experiments.draws(4, 5, 1)[:3]).all()
    assert (experiments.draws(2, 5, 1) != experiments.draws(2, 5, 2)).all()


def test_errors_fall_below_the_line_at_every_word_length():
    table = experiments.errors_by_bits([3, 9, 30], 4, 5)
    assert len(table) == 15 and (table["violated"] == 0).all()
    assert (table["error"] <= table["bound"]).all()
    np.testing.assert_allclose(table["bound"], math.pi * 2.0 ** -table["bits"])


def test_reduced_bases_are_short_and_of_the_same_lattice():
    vectors, roundings = experiments.reduction([0.3, 0.8], 0.05, [5, 9])
    for _, part in vectors.groupby("size"):
        bases = [p[["c1", "c2", "c3"]].to_numpy() for _, p in part.groupby("stage", sort=False)]
        assert abs(np.linalg.det(bases[1])) == pytest.approx(abs(np.linalg.det(bases[0])))
        turn = np.linalg.solve(bases[0].T, bases[1].T)
        np.testing.assert_allclose(turn, np.rint(turn), atol=1e-6)
        lengths = part.groupby("stage")["length"].max()
        assert lengths["reduced"] < lengths["given"] / 3
    hits = experiments.torus([0.3, 0.8], 0.05, 1 << 10)["points"].query("hit")["w"]
    fitting = roundings[roundings["fits"]]
    assert len(fitting) and fitting["w"].isin(hits).all()
    assert not roundings.loc[~roundings["fits"], "w"].isin(hits).any()


def test_points_in_the_boxes_are_those_that_meet_the_targets():
    shown = experiments.torus([0.3, 0.8], 0.05, 400)
    points, boxes = shown["points"], shown["boxes"]
    inside = np.zeros(len(points), dtype=bool)
    for box in boxes.itertuples():
        inside |= (points["x"].between(box.left, box.right)
                   & points["y"].between(box.low, box.high)).to_numpy()
    assert len(boxes) == 4 and points["hit"].any()
    assert (inside == points["hit"]).all()


def test_the_plane_lattice_shows_its_solutions():
    plane = experiments.plane(0.3, 0.15, 3)
    goal = float(plane["goal"]["x"].iloc[0])
    points = plane["points"]
    near = points[(points["y"].abs() <= 1) & ((points["x"] - goal).abs() <= 1)]
    w = np.rint(np.abs(near["y"]) * 8).to_numpy()
    assert len(w)
    assert (np.abs(experiments.winding_values(w, 1)[:, 0] - 0.3) <= 0.15 + 1e-9).all()


def test_what_is_held_stands_beside_the_bound():
    table = experiments.held({"trajectory": [1, 2], "digits": [3], "winding": [3]},
                             [0.1, 0.01], 2, 12.0)
    assert (table["violated"] == 0).all() and (table["checked"] > 0).all()
    np.testing.assert_allclose(table["bound"],
                               table["cells"] * np.log2(1 / (2 * table["eps"])))
    digits = table[table["construction"] == "B, digits"]
    assert list(digits["bits"]) == [3 * theory.word_bits(e) for e in digits["eps"]]
    assert (table.groupby("construction")["parameters"].nunique() == 1).all()
    ratios = experiments.ratios(table)
    assert ratios["sets of targets"].sum() == len(table)
    assert (ratios["least"] <= ratios["median"]).all()


@settings(deadline=None, max_examples=25)
@given(st.floats(0, 1), st.floats(0, 1))
def test_takagi_keeps_its_modulus_and_its_equation(x, y):
    a, b = sizes.takagi(np.array([x, y]))
    assert abs(a - b) <= sizes.takagi_modulus(abs(x - y))
    assert 0 <= a <= 2 / 3 + 1e-15
    # T(x/2) = x/2 + T(x)/2
    assert sizes.takagi(np.array([x / 2]))[0] == pytest.approx(x / 2 + a / 2, abs=1e-14)


def values(plain, x):
    """What Σ_j slopes_j ReLU(x - j/N) + offset is at points x (M,)."""
    knots = np.arange(len(plain.slopes)) / len(plain.slopes)
    return plain.offset + np.maximum(x[:, None] - knots, 0) @ plain.slopes


@pytest.mark.parametrize("neurons", [1, 2, 7, 40])
def test_the_ordinary_network_interpolates_and_is_counted(neurons):
    knots, x = np.linspace(0, 1, neurons + 1), np.linspace(0, 1, 301)

    def line(x):
        return np.interp(x, knots, sizes.takagi(knots))

    plain, _ = sizes.interpolation_of_error(line, 1e-12, x)
    knots = np.linspace(0, 1, len(plain.slopes) + 1)
    np.testing.assert_allclose(values(plain, x), line(x), atol=1e-12)
    entries = [np.ones(len(knots) - 1), -knots[:-1], plain.slopes, [plain.offset]]
    assert plain.n_parameters == sum(len(e) for e in entries)
    assert plain.max_weight == max(np.abs(e).max() for e in entries)


def test_the_smallest_ordinary_network_of_an_error_is_found():
    f, x = sizes.FUNCTIONS["sine"][0], np.linspace(0, 1, 1001)
    plain, reached = sizes.interpolation_of_error(f, 0.05, x)
    assert np.abs(values(plain, x) - f(x)).max() == pytest.approx(reached) and reached <= 0.05
    knots = np.linspace(0, 1, len(plain.slopes))
    assert np.abs(np.interp(x, knots, f(knots)) - f(x)).max() > 0.05
    with pytest.raises(ValueError, match="error: found 0"):
        sizes.interpolation_of_error(f, 0.0, x, most=3)


def test_networks_keep_their_bounds_and_their_number_of_parameters():
    functions = {"Takagi": sizes.FUNCTIONS["Takagi"], "zigzag": sizes.zigzag(1)}
    table = sizes.networks(functions, {"trajectory": [0.6], "digits": [0.6, 0.3],
                                       "winding": [0.6, 0.4]}, 300, 10**6)
    plain = table["construction"] == sizes.ORDINARY
    assert plain.sum() == (~plain).sum() == 10
    ours = table[~plain]
    assert (ours["violated"] == 0).all() and (ours["measured"] <= ours["bound"]).all()
    assert (table["measured"].to_numpy()[1::2] <= table["measured"].to_numpy()[::2]).all()
    held = ours[["construction", "parameters"]]
    assert set(sizes.parameter_counts(ours, held).values()) == {1}
    small = ours[ours["module"] >= 0]
    assert len(small) and (small["module"] == small["parameters"]).all()


def test_a_network_that_is_not_what_it_says_is_found_out():
    network = theory.approximate(sizes.takagi, 0.3, modulus=sizes.takagi_modulus)
    x = sizes.probes(network, 100, 0)
    assert sizes.check_network(network, x)["violated"] == 0
    tight = dataclasses.replace(network, value_error=-0.2)
    assert sizes.check_network(tight, x)["violated"] > 0
    other = dataclasses.replace(network, construction=theory.encode(
        network.construction.targets[::-1] * 0.5, 8))
    assert sizes.check_network(other, x)["violated"] > 0


def test_different_counts_are_counted():
    table = sizes.networks({"zigzag": sizes.zigzag(1)}, {"digits": [0.6, 0.3]}, 50, 10,
                           ordinary=False)
    table.loc[0, "parameters"] += 1
    held = table[["construction", "parameters"]].iloc[:0]
    assert sizes.parameter_counts(table, held) == {"B, digits": 2}
