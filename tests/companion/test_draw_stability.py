"""Figures of stability: every run has its tile and every cell its mark."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import Rectangle

from companion.experiments.stability import consensus
from companion.experiments.stability import draw_stability as drawings

TITLES = {"gated": "gated", "vsr": "VSR"}
FOUND = ["pure 1", "pure 2", "pure 1,2", "pure 3", "pure 4", "pure 5", "pure 1,3", "pure 1,4",
         "pure 1,5", "pure 2,3"]


@pytest.fixture
def runs():
    rng = np.random.default_rng(0)
    rows = [
        {"method": method, "formula": formula, "noise": noise, "varied": varied, "run": run,
         "structure": str(rng.choice(FOUND)), "truth": "pure 1"}
        for method in TITLES for formula in ("pure 0", "hybrid 1") for noise in (0.01, 0.3)
        for varied in ("seed", "rows") for run in range(6)
    ]
    table = pd.DataFrame(rows)
    return table.assign(exact=table["structure"] == table["truth"], written=table["structure"])


def test_every_run_is_a_tile_and_every_formula_in_the_key(runs):
    strips = consensus.tiles(runs, "noise")
    figure = drawings.formulas_found(strips, titles=TITLES, group="noise", parts=["seeds", "rows"])
    for axis, (_, own) in zip(figure.axes, strips.groupby("formula", sort=False), strict=True):
        tiles = [patch for patch in axis.patches if isinstance(patch, Rectangle)]
        assert len(tiles) == len(own)
        assert len({(tile.get_x(), tile.get_y()) for tile in tiles}) == len(own)
        key = [text.get_text() for text in axis.get_legend().get_texts()]
        assert key[0].startswith("✓  pure 1 (")
        wrong = own.loc[own["structure"] != "pure 1", "structure"].nunique()
        assert len(key) == 1 + min(wrong, 7) + (wrong > 7)


def test_true_tiles_are_as_many_as_right_runs(runs):
    strips = consensus.tiles(runs, "noise")
    figure = drawings.formulas_found(strips, titles=TITLES, group="noise")
    blue = [patch for axis in figure.axes for patch in axis.patches
            if plt.matplotlib.colors.to_hex(patch.get_facecolor()) == "#0072b2"]
    assert len(blue) == runs["exact"].sum() > 0


def test_every_cell_is_a_mark(runs):
    data = {"cells": consensus.agreement_by(runs, ["method", "formula", "noise"]),
            "means": consensus.overall(runs)}
    figure = drawings.agreement_and_correctness(data, titles=TITLES)
    for axis, title in zip(figure.axes, TITLES.values(), strict=True):
        assert axis.get_title() == title
        marks = [line for line in axis.lines if line.get_marker() in ("o", "s")]
        assert len(marks) == 4


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=12))
@settings(deadline=None, max_examples=25)
def test_marks_at_one_place_are_moved_apart(values):
    x = np.array(values)
    new_x, new_y = (np.array(v) for v in drawings._apart(x, x))
    for i in range(len(x)):
        near = (np.abs(new_x - new_x[i]) < 0.06) & (np.abs(new_y - new_y[i]) < 0.08)
        assert near.sum() == 1
    assert np.abs(new_x - x).max() < 0.3


def test_stated_and_found_has_a_mark_a_stream():
    streams = pd.DataFrame({
        "true": [True, False], "stated": [0.9, 0.1], "stated_low": [0.8, 0.0],
        "stated_high": [1.0, 0.2], "found": [1.0, 0.0], "found_low": [0.7, 0.0],
        "found_high": [1.0, 0.3],
    })
    bins = pd.DataFrame({"stated": [0.1, 0.9], "elsewhere": [0.0, 1.0], "entries": [4, 6]})
    figure = drawings.stated_and_found({"streams": streams, "bins": bins})
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["n = 4", "n = 6"]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"true stream", "false stream"} <= set(labels)
