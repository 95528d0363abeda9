"""The figures of structure recovery show their data: what is drawn is read from the axes."""

import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from companion.experiments.structure_recovery import draw_recovery as recovery


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_methods_are_counted_hatched_or_left_out():
    data = pd.DataFrame({
        "method": ["a", "a", "v", "v", "mean", "mean"], "formula": ["f", "g"] * 3,
        "state": ["scored"] * 3 + ["not representable"] + ["no search"] * 2,
        "exact": [1.0, 0.5, 0.0, 0.0, 0.0, 0.0], "fits": 2,
        "retrained": [1.0, 1.9, 2.1, 1e3, 1e5, 1e9],
    })
    left, right = recovery.methods_on_formulas(data).axes[:2]
    assert texts(left) == ["2/2", "1/2", "0/2"]
    hatched = [p for p in left.patches if p.get_hatch()]
    assert [(p.get_x(), p.get_y()) for p in hatched] == [(0.5, 0.5)]
    assert [t.get_text() for t in left.get_xticklabels()] == ["a", "v"]
    dots = [line for line in right.lines if line.get_marker() == "."]
    assert [(d.get_xdata()[0], d.get_ydata()[0]) for d in dots] == [(0, 0), (0, 1)]
    shades = [p.get_facecolor()[0] for p in right.patches]
    assert shades == sorted(shades, reverse=True)


def test_errors_by_stream_are_bars_with_counts():
    data = pd.DataFrame({
        "method": "m", "stream": ["pure 1", "pure 1", "interact 2"],
        "error": ["missed", "kept in vain", "kept in vain"], "count": [1, 0, 3], "of": [2, 3, 4],
        "share": [0.5, 0.0, 0.75], "low": [0.1, 0.0, 0.3], "high": [0.9, 0.5, 0.95],
    })
    vain, missed = recovery.errors_by_stream(data, titles={"m": "Method"}).axes
    assert [p.get_width() for p in vain.patches] == [0.0, 0.75]
    assert [p.get_width() for p in missed.patches] == [0.5]
    assert texts(vain) == ["0/3", "3/4"] and texts(missed) == ["1/2", "in no formula"]


def test_correlations_stand_side_by_side():
    data = pd.DataFrame({"a": [1, 1, 2, 2], "b": [1, 2, 1, 2], "exact": [1.0, 0.0, 0.0, 1.0],
                         "sample": [1.0, 0.1, 0.1, 1.0]})
    exact, sample = recovery.power_correlations(data).axes[:2]
    assert (exact.get_title(), sample.get_title()) == ("exact", "sample")
    assert texts(exact) == ["1.00", "0.00", "0.00", "1.00"] and texts(sample)[1] == "0.10"


def test_phase_diagram_draws_cells_points_and_thresholds():
    shares = pd.DataFrame({"order": 3, "D": [8, 8, 16, 16], "N": [50, 100, 50, 100],
                           "share": [0.0, 1.0, 0.25, 1.0], "fits": [4, 4, 4, 0]})
    half = pd.DataFrame({"order": [3], "D": [8], "N": [70.0]})
    lines = pd.DataFrame({"order": 3, "line": ["weights"] * 2 + ["correlational"] * 2,
                          "D": [8, 16] * 2, "N": [24.0, 48.0, 70.0, 198.0], "anchor": 8})
    figure = recovery.phase_diagram({"shares": shares, "half": half, "lines": lines},
                                    slopes={"3": "1.10 ± 0.05"})
    axes = figure.axes[0]
    assert axes.get_xscale() == axes.get_yscale() == "log" and "1.10 ± 0.05" in axes.get_title()
    np.testing.assert_allclose(
        axes.collections[0].get_array().reshape(2, 2), [[0.0, 0.25], [1.0, 1.0]]
    )
    drawn = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert drawn["measured 50 %"] == [70.0] and drawn["kD weights"] == [24.0, 48.0]
    dotted = [p for p in axes.patches if p.get_hatch()]
    assert len(dotted) == 1
    assert dotted[0].get_x() < 16 < dotted[0].get_x() + dotted[0].get_width()


def test_cells_of_a_log_axis_meet_in_the_middle():
    np.testing.assert_allclose(recovery._edges(np.array([10.0, 40.0])), [5, 20, 80])
    low, high = recovery._edges(np.array([8.0]))
    assert low < 8 < high


def test_orders_found_are_written_and_shaded():
    data = pd.DataFrame({
        "noise": "low", "formula": [1, 2, 3], "method": "m", "true": ["2", "1 4", "1 2"],
        "detectable": ["2", "4", "1 2"], "found": ["2", "4", "3"], "exact": [True, False, False],
        "as_detectable": [True, True, False],
    })
    axes = recovery.orders_found(data).axes[0]
    assert texts(axes) == ["2", "2", "4", "4", "3", "1 2"]
    cells = [p.get_facecolor()[0] for p in axes.patches if isinstance(p, Rectangle)]
    assert cells == sorted(cells) and len(set(cells)) == 3


def test_batteries_show_shares_before_and_after_with_counts():
    data = pd.DataFrame({
        "group": ["wide", "wide", "t3", "t3"], "settings": ["before", "after"] * 2,
        "exact": [0, 2, 1, 2], "of": 2, "share": [0.0, 1.0, 0.5, 1.0],
        "low": [0.0, 0.3, 0.1, 0.3], "high": [0.7, 1.0, 0.9, 1.0],
    })
    axis = recovery.batteries(data).axes[0]
    assert texts(axis) == ["0/2", "1/2", "2/2", "2/2"]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["wide", "t3"]
    before, after = [line for line in axis.lines if line.get_marker() in "os"]
    assert list(before.get_xdata()) == [0.0, 0.5] and list(after.get_xdata()) == [1.0, 1.0]
    assert (before.get_marker(), after.get_marker()) == ("o", "s")  # told apart without colours
