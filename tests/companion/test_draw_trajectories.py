"""The figures of notebook 07 show their data: what is drawn is read back from the axes."""

import numpy as np
import pandas as pd
import pytest

from companion.experiments.dense_trajectories import draw_trajectories as trajectories


def test_the_cobweb_goes_from_the_graph_to_the_diagonal():
    orbit = pd.DataFrame({"step": [0, 1, 2], "u": [0.2, 0.64, 0.9216]})
    graph = pd.DataFrame({"u": [0, 0.5, 1], "next": [0.0, 1.0, 0.0]})
    figure = trajectories.chaotic_neuron({"map": graph, "orbit": orbit}, cobweb=2)
    web = figure.axes[0].lines[2].get_xydata().tolist()
    assert web == [[0.2, 0], [0.2, 0.64], [0.64, 0.64], [0.64, 0.9216], [0.9216, 0.9216]]
    assert figure.axes[1].lines[0].get_ydata().tolist() == [0.2, 0.64, 0.9216]


def test_doubles_are_drawn_from_the_first_step_asked_for():
    example = pd.DataFrame({"step": range(5), "exact": 0.5, "float64": [0, 0, 0, 0.25, 0.75]})
    errors = pd.DataFrame({"format": "float64", "step": [0, 1, 2], "median": [0, 1e-9, 1e-8],
                           "low": [0, 1e-10, 1e-9], "high": [0, 1e-8, 1e-7]})
    formats = pd.DataFrame({"format": ["float64"], "digits": [53]})
    figure = trajectories.doubles({"example": example, "errors": errors, "formats": formats},
                                  first=3)
    assert figure.axes[0].lines[1].get_xydata().tolist() == [[3, 0.25], [4, 0.75]]
    medians, guide = figure.axes[1].lines
    assert medians.get_xydata().tolist() == [[1, 1e-9], [2, 1e-8]]
    assert guide.get_ydata()[-1] == 1 and guide.get_xdata()[-1] == 53


def test_weyl_draws_a_curve_and_sums_for_each_vector():
    names = ["(1,)", "(2,)"]
    curves = pd.DataFrame([{"vector": v, "c": c, "g": c} for v in names for c in (1.0, 2.0)])
    sums = pd.DataFrame([{"vector": v, "steps": n, "size": 1 / n} for v in names for n in (4, 9)])
    band = pd.DataFrame({"steps": [4, 9], "low": [0.1, 0.05], "high": [0.9, 0.6]})
    left, right = trajectories.weyl({"curves": curves, "sums": sums, "random": band}).axes
    assert len(left.lines) == 2 and right.lines[0].get_ydata().tolist() == [1 / 2, 1 / 3]
    assert right.lines[2].get_ydata().tolist() == [0.25, 0.111111]


def test_filling_shows_as_many_points_as_asked_for():
    points = pd.DataFrame(np.random.default_rng(0).random((20, 6)),
                          columns=["u_1", "u_2", "angle_1", "angle_2", "root_1", "root_2"])
    axes = trajectories.filling(points, counts=[5, 20]).axes
    assert [len(panel.collections[0].get_offsets()) for panel in axes] == [5, 20] * 3
    for panel, names in ((1, ["u_1", "u_2"]), (5, ["root_1", "root_2"])):
        np.testing.assert_allclose(axes[panel].collections[0].get_offsets(), points[names],
                                   atol=1e-6)


def test_discrepancy_has_a_panel_for_each_number_of_cells():
    data = pd.DataFrame([{"cells": k, "steps": n, "orbit": 1 / n, "rms": 0.9 / n, "low": 0.5 / n,
                          "high": 2 / n, "expected": 1.1 / n} for k in (1, 3) for n in (10, 20)])
    figure = trajectories.discrepancy(data)
    assert [axes.get_title() for axes in figure.axes] == ["$K = 1$", "$K = 3$"]
    assert figure.axes[1].lines[-1].get_ydata().tolist() == [0.1, 0.05]


def test_waiting_draws_targets_means_and_law():
    waits = pd.DataFrame({"cells": [1, 1, 2], "eps": 0.1, "steps": [3, 8, 50],
                          "kac": [5.0, 6.0, 40.0]})
    means = pd.DataFrame({"cells": [1, 2], "eps": 0.1, "kac": [5.5, 40], "ratio": [0.9, 1.2],
                          "low": [0.7, 1.0], "high": [1.1, 1.4]})
    beyond = pd.DataFrame({"cells": [1, 1, 2], "ratio": [0.6, 1.3, 1.25], "beyond": [1, 0.5, 1]})
    left, middle, right = trajectories.waiting(
        {"waits": waits, "means": means, "survival": beyond}).axes
    assert left.lines[0].get_xydata().tolist() == [[5, 3], [6, 8]]
    bar = middle.containers[1].lines[2][0].get_segments()[0]
    np.testing.assert_allclose(bar, [[40, 1.0], [40, 1.4]])
    assert right.lines[0].get_xydata().tolist() == [[0.6, 1], [1.3, 0.5]]


def test_one_network_shows_value_and_tolerance_of_every_cell():
    cells = pd.DataFrame([
        {"function": name, "cell": k + 1, "left": k / 2, "right": (k + 1) / 2, "target": 0.3,
         "value": 0.4, "eps": 0.125, "depth": 12345 + place}
        for place, name in enumerate(("sine", "kink", "rough")) for k in range(2)
    ])
    curves = pd.DataFrame([{"function": name, "x": x, "f": x}
                           for name in ("sine", "kink", "rough") for x in (0.0, 1.0)])
    figure = trajectories.one_network({"cells": cells, "curves": curves})
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["sine: $r$ = 12\u2009345", "kink: $r$ = 12\u2009346",
                      "rough: $r$ = 12\u2009347", ""]
    panel = figure.axes[1]
    assert [(p.get_y(), p.get_height()) for p in panel.patches] == [(0.175, 0.25)] * 2
    segments = panel.collections[0].get_segments()
    np.testing.assert_allclose(segments, [[[0, 0.4], [0.5, 0.4]], [[0.5, 0.4], [1, 0.4]]])


def test_cost_draws_the_bound_and_the_spans_that_fit():
    depths = pd.DataFrame({"kind": ["sine", "random"], "bound": [10.0, 20.0],
                           "depth_bits": [11.0, 21.0]})
    means = pd.DataFrame({"eps": 0.1, "cells": [1, 9], "kac_bits": [3.0, 40.0],
                          "low": [2.0, 35.0], "high": [4.0, 45.0]})
    left, right = trajectories.cost({"depths": depths, "means": means}, rate=1e8).axes
    assert left.lines[-1].get_xydata().tolist() == [[10, 10], [20, 20]]
    assert [text.get_text() for text in right.texts] == ["1 second", "1 hour"]
    assert right.lines[1].get_ydata()[0] == pytest.approx(np.log2(1e8))
