"""Figures of notebook 09: what is drawn is the data, and what is missing is said."""

import numpy as np
import pandas as pd
import pytest

from companion.experiments.any_function import cell_borders
from companion.experiments.any_function import draw_any_function as drawings


def curve(function, construction, bound):
    x = np.linspace(0, 1, 11)
    return pd.DataFrame({"function": function, "construction": construction, "x": x, "f": x,
                         "network": np.round(x, 1), "bound": bound, "eps": 0.3, "cells": 8})


def test_a_panel_for_each_pair_and_words_where_there_is_none():
    data = pd.concat([curve("a", "A", 0.1), curve("a", "B", 0.2), curve("b", "B", 0.3)])
    figure = drawings.approximations(data)
    assert len(figure.axes) == 4
    first, _, missing, last = figure.axes
    assert "refused" in missing.texts[0].get_text() and not missing.lines
    np.testing.assert_array_equal(first.lines[1].get_ydata(), data["network"].iloc[:11])
    band = last.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(-0.3) and band[:, 1].max() == pytest.approx(1.3)


def test_the_scale_of_the_error_ends_at_the_bound():
    axis = np.linspace(0, 1, 5)
    x, y = np.meshgrid(axis, axis)
    data = pd.DataFrame({"function": "f", "x": x.ravel(), "y": y.ravel(), "f": x.ravel(),
                         "network": 0.5, "error": np.abs(x.ravel() - 0.5), "bound": 0.75,
                         "cells": 4})
    figure = drawings.surfaces(data)
    images = [axis.images[0] for axis in figure.axes if axis.images]
    assert len(images) == 3 and images[2].get_clim() == (0, 0.75)
    assert images[0].get_clim() == images[1].get_clim() == (0, 1)
    np.testing.assert_array_equal(images[0].get_array(), x)


def test_the_border_has_all_copies():
    offset = np.linspace(-1, 1, 5)
    rows = {name: np.linspace(0, i, 5) for i, name in
            enumerate(["f", "minus", "single", "plus", "network"])}
    border = pd.DataFrame({"construction": "B", "offset": offset, **rows})
    figure = drawings.border_of_cells({"ramps": cell_borders.ramps(), "border": border},
                                      titles=["ramp", "B"])
    left, right = figure.axes
    assert len(left.lines) == 5 and len(right.lines) == 5
    drawn = {tuple(line.get_ydata()) for line in right.lines}
    assert drawn == {tuple(values) for values in rows.values()}
    np.testing.assert_allclose(left.lines[1].get_ydata()[[0, 100, 200, 300, -1]], [0, 0, .5, 1, 1])


def test_points_lie_under_the_diagonal_where_bounds_hold():
    data = pd.DataFrame({"function": ["a", "b"], "construction": ["A", "B"],
                         "bound": [0.1, 0.01], "measured": [0.05, 0.009]})
    axis = drawings.errors_and_bounds(data).axes[0]
    points = [line.get_xydata()[0] for line in axis.lines
              if line.get_linestyle() == "None" and len(line.get_xydata())]
    assert sorted(map(tuple, points)) == [(0.01, 0.009), (0.1, 0.05)]
    assert axis.get_xscale() == axis.get_yscale() == "log"
    assert all(low < point < high for point in np.ravel(points)
               for low, high in [axis.get_xlim()])
