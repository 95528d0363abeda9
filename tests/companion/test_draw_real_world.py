"""The figures of notebook 11 show their data: what is drawn is read back from the axes."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from companion.experiments.real_world import draw_real_world as drawings
from companion.figures import PALETTE
from companion.rivals.tables import TABULAR_RIVALS, TabularRival


def points(axes):
    return {(round(float(line.get_xdata()[0]), 6), round(float(line.get_ydata()[0]), 6)):
            line.get_marker() for line in axes.lines
            if len(line.get_xdata()) == 1 and line.get_fillstyle() == "full"}


SCORES = pd.DataFrame({
    "dataset": ["wine", "wine", "wine", "cern_zee_2011"],
    "metric": ["accuracy", "accuracy", "accuracy", "mse"],
    "model": ["TN", "xgboost", "LN 300", "TN"],
    "kind": ["task-driven", "rival", "control", "task-driven"],
    "ratio": [0.0, 1.0, 2.0, 0.5], "low": [0.0, 0.5, 1.0, 0.4], "high": [0.0, 1.5, 4.0, 0.9],
    "band": [1.25, 1.25, 1.25, 1.1], "chosen": [True, False, False, True],
})


def test_scores_draw_ratios_ranges_and_the_band():
    left, right = drawings.real_world_scores(SCORES).axes
    assert points(left) == {(0.5, 0): "<", (1.0, 1): "o", (2.0, 2): "s"}
    assert points(right) == {(0.5, 0): "D"}
    ranges = [tuple(line.get_xdata()) for line in left.lines if len(line.get_xdata()) == 2]
    assert (0.5, 1.5) in ranges and (1.0, 4.0) in ranges
    assert left.patches[0].get_width() == pytest.approx(0.25)
    assert "not judged" in right.get_title() and "wrong classes" in left.get_title()
    assert [text.get_text() for text in left.get_yticklabels()] == ["TN", "XGBoost", "LN 300"]
    assert 1.0 in left.get_xticks() and left.get_xlim()[1] > 4


def test_parameters_draw_ratios_and_the_best_trees():
    data = pd.DataFrame({
        "dataset": "wine", "metric": "accuracy",
        "model": ["LN", "LN", "xgboost", "lightgbm"], "n_parameters": [100, 300, np.nan, np.nan],
        "ratio": [0.2, 0.1, 0.3, 0.05], "low": [0.0, 0.08, 0.2, 0.04],
        "high": [0.3, 0.2, 0.4, 0.06],
    })
    axes = drawings.real_world_parameters(data).axes[0]
    line, = [line for line in axes.lines if line.get_marker() == "s"]
    assert list(line.get_xdata()) == [100, 300] and list(line.get_ydata()) == [0.2, 0.1]
    assert axes.get_ylim()[0] < 0.04
    trees, = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert list(trees.get_ydata()) == [0.05, 0.05]


@pytest.mark.parametrize(("low", "high"), [(0.9, 1.2), (0.029, 0.051), (0.3, 40), (1e-4, 1.0)])
def test_logarithmic_axes_have_a_few_round_ticks(low, high):
    axes = plt.figure().add_subplot()
    axes.set_xscale("log")
    drawings._logarithmic(axes.xaxis, low, high)
    ticks = axes.get_xticks()
    assert 2 <= len(ticks) <= 5 and low <= ticks[0] and ticks[-1] <= high
    assert 1.0 in ticks or not low <= 1 <= high
    assert axes.get_xlim()[0] < low and axes.get_xlim()[1] > high


def test_a_rival_in_the_register_is_drawn_with_its_label_and_colours(monkeypatch):
    entry = TabularRival(lambda task: None, "deep", "New Net", colour="C2", marker="v")
    monkeypatch.setitem(TABULAR_RIVALS, "new_net", entry)
    data = pd.DataFrame({
        "dataset": "wine", "metric": "accuracy", "model": ["LN", "new_net"],
        "n_parameters": [100.0, 300.0], "ratio": [2.0, 1.0], "low": [1.5, 0.9],
        "high": [2.5, 1.1],
    })
    figure = drawings.real_world_parameters(data)
    line, = [line for line in figure.axes[0].lines if line.get_marker() == "v"]
    assert to_hex(line.get_color()) == PALETTE[2].lower()
    assert line.get_markerfacecolor() == "white"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["LN", "New Net"]
    scores = SCORES.assign(model=["TN", "new_net", "LN 300", "TN"])
    left = drawings.real_world_scores(scores).axes[0]
    assert [text.get_text() for text in left.get_yticklabels()] == ["TN", "New Net", "LN 300"]
