"""Functions through `approximate`: rows that say what was found, measured and refused."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from companion.experiments.any_function import cell_borders
from companion.experiments.any_function import whole_functions as any_function
from nslib.theory import approximate, parse_function

BUDGETS = {"digits": 256, "winding": 8, "trajectory": 1_000_000}


@pytest.fixture(scope="module")
def image():
    return any_function.Image()


@pytest.fixture(scope="module")
def attempts(image):
    targets = {"kinked": parse_function("abs(x - 0.3) / 0.7"), "image": image}
    tolerances = {"trajectory": [0.48, 0.3], "digits": [0.4], "winding": [0.45]}
    return any_function.every_construction(targets, tolerances, BUDGETS, 200, 0)


def test_an_image_has_its_pixels_and_its_slope(image):
    greys = load_digits().images[0] / 16
    places = np.linspace(0, 1, 8)
    corners = np.array([[x, 1 - y] for y in places for x in places])
    np.testing.assert_allclose(image(corners).reshape(8, 8), greys, atol=1e-12)
    assert image(np.array([[0.5 / 7, 1.0]]))[0] == pytest.approx(greys[0, :2].mean())
    draw = np.random.default_rng(0)
    a = draw.random((300000, 2))
    b = np.clip(a + draw.normal(0, 1e-3, a.shape), 0, 1)
    slopes = np.abs(image(a) - image(b)) / np.linalg.norm(a - b, axis=1)
    assert 0.9 * image.slope < slopes.max() <= image.slope


def test_formulas_of_the_gallery_keep_to_the_unit_range():
    for text in any_function.FORMULAS.values():
        if "y" not in text:
            values = parse_function(text)(np.linspace(0, 1, 1001))
            assert -1e-12 <= values.min() and values.max() <= 1 + 1e-12


def test_every_attempt_is_a_row_and_a_refusal_keeps_its_words(attempts):
    table, networks = attempts
    assert len(table) == 8 and len(networks) == (table["outcome"] == "found").sum()
    refused = table[table["function"] == "image"].set_index("construction")["outcome"]
    assert refused["trajectory"].str.contains("Kac").all()
    assert "cells" in refused["winding"] and "max_cells" in refused["winding"]
    row = table[(table["function"] == "kinked") & (table["construction"] == "digits")].iloc[0]
    one = networks["kinked", "digits", 0.4]
    assert (row["cells"], row["bits"], row["bound"]) == (one.n_cells, one.bits, one.bound)
    assert row["log2_weight"] == 2 and row["parameters"] == one.n_parameters


def test_a_summary_counts_broken_bounds_and_parameters(attempts):
    table, _ = attempts
    summary = any_function.summary(table)
    assert summary["violated_bounds"] == summary["bounds_above_eps"] == 0
    assert summary["parameter_counts_per_construction"] == 1
    assert summary["parameters"] == {"digits": 52, "trajectory": 41, "winding": 40}
    assert 0 < summary["largest_measured_over_bound"] <= 1
    assert summary["networks"] + summary["refused"] == len(table)
    broken = table.copy()
    place = broken.index[broken["outcome"] == "found"][0]
    broken.loc[place, "measured"] = broken.loc[place, "bound"] * 1.001
    broken.loc[place, "parameters"] += 1
    summary = any_function.summary(broken)
    assert summary["violated_bounds"] == 1
    assert summary["parameter_counts_per_construction"] == 2


def test_the_finest_network_is_drawn(attempts):
    _, networks = attempts
    chosen = any_function.finest(networks)
    assert chosen["kinked", "trajectory"] is networks["kinked", "trajectory", 0.3]
    lines = any_function.curves(chosen, 65)
    assert (np.abs(lines["network"] - lines["f"]) <= lines["bound"]).all()
    assert set(lines["construction"]) == {"A trajectory", "B digits", "C winding"}
    square = any_function.surfaces(chosen, size=17)
    assert len(square) == 17**2 and (square["error"] <= square["bound"]).all()
    assert any_function.pictured({("image", "digits"): chosen["image", "digits"]}).columns[2] == "y"


def test_probes_reach_the_layers_of_every_copy(attempts):
    cells = attempts[1]["kinked", "digits", 0.4].cells
    points = cell_borders.probes(cells, 3000, 0)
    assert points.min() >= 0 and points.max() <= 1
    for move in (-1, 0, 1):
        rest = cells.index(points + move * cells.shift)[1]
        assert (rest > 0).sum() > 100
    assert len(cell_borders.inside(cells, points)) < 0.9 * len(points)
    kept = cell_borders.inside(cells, points)
    for move in (-1, 0, 1):
        assert not cells.index(kept + move * cells.shift)[1].any()


def test_one_copy_alone_breaks_the_bound_and_the_medians_keep_it():
    sine = parse_function("sin(2*pi*x)")
    made = {("sine", kind): approximate(sine, 0.9, 1, kind, modulus=sine.slope, share=None)
            for kind in ("winding", "digits")}
    rows = cell_borders.with_and_without(made, 2000, 0).set_index("construction")
    assert rows.loc["C winding", "one copy"] > rows.loc["C winding", "bound"]
    assert (rows["medians"] <= rows["bound"]).all()
    around = cell_borders.border({kind: one for (_, kind), one in made.items()}, size=301)
    low = around[["minus", "plus"]].min(axis=1)
    high = around[["minus", "plus"]].max(axis=1)
    middle = around["single"].clip(low, high)
    np.testing.assert_allclose(around["network"], middle, atol=1e-12)


def test_doubles_hold_a_network_or_say_why_not(attempts):
    doubles = any_function.in_doubles(attempts[1], 65)
    held = doubles[doubles["outcome"] == "held"]
    assert len(held) and (held["gap"] <= held["precision"]).all()
    refused = doubles[doubles["outcome"] != "held"]
    assert len(refused) and refused["outcome"].str.startswith("module: found").all()


def test_every_entry_is_listed(attempts):
    one = attempts[1]["kinked", "winding", 0.45]
    listed = any_function.entries(one)
    assert listed["number"].sum() == one.n_parameters
    sine = parse_function("sin(2*pi*x)")
    long = approximate(sine, 0.3, 1, "winding", modulus=sine.slope, share=None)
    text = any_function.entries(long).set_index("neuron").loc["winding", "entries"]
    assert text == f"a whole number of {long.bits} bits"


def test_kacs_mean_becomes_a_time(attempts):
    rows = any_function.waiting(attempts[0])
    spans = rows["A: at 1e8 positions a second"]
    assert spans.iloc[-1].endswith("years") and spans.iloc[0].endswith(" s")


def test_a_typed_function_is_tried_by_every_construction():
    f, rows, made = any_function.typed("x/2", 0.3, BUDGETS, 50, 0)
    assert f.slope == 0.5 and list(rows["construction"]) == ["trajectory", "digits", "winding"]
    assert any_function.latex(f) == r"\frac{x}{2}"
    assert len(any_function.joined(rows, rows)) == 2 * len(made)
    assert "refused" in any_function.styled(any_function.typed("x", 1e-2, BUDGETS)[1]).to_html()


def test_a_typed_function_that_cannot_be_done_is_refused():
    with pytest.raises(ValueError, match="found 'x [+] z' in 3 variables"):
        any_function.typed("x + z", 0.3, BUDGETS)
    with pytest.raises(ValueError, match=r"(?s)trajectory: eps.*digits: eps.*winding: eps"):
        any_function.typed("sin(500*x)", 0.001, BUDGETS)
