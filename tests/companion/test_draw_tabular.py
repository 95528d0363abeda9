"""The figures of notebook 10 show their data: what is drawn is read back from the axes."""

import numpy as np
import pandas as pd

from companion.experiments.tabular_benchmarks import draw_tabular as tabular


def test_gains_are_tiles_with_their_numbers():
    data = pd.DataFrame([
        {"model": model, "dataset": name, "budget": budget, "gain": gain, "clear": gain > 0.2}
        for model, budgets in (("TN-als", (100, 1000)), ("LN-tanh", (1000,)))
        for name, gain in (("bike_sharing", -0.1), ("abalone", 0.25)) for budget in budgets
    ])
    figure = tabular.gains(data, title="a table")
    left, right = figure.axes[:2]
    assert (left.get_title(), right.get_title()) == ("TN-als", "LN-tanh")
    np.testing.assert_array_equal(left.images[0].get_array(), [[0.25, 0.25], [-0.1, -0.1]])
    assert right.images[0].get_array().shape == (2, 1)
    assert [text.get_text() for text in right.texts] == ["−10", "+25"]
    assert [text.get_fontweight() for text in right.texts] == ["normal", "bold"]
    assert [tick.get_text() for tick in left.get_xticklabels()] == ["100", "1k"]
    assert [tick.get_text() for tick in left.get_yticklabels()] == ["abalone", "bike sharing"]


def test_beside_table6_has_a_mark_a_row_and_the_papers_spread():
    data = pd.DataFrame({
        "dataset": ["a", "b"], "label": ["TN", "TN-als 100"], "ratio": [0.8, 1.2],
        "spread": [0.1, 0.0], "paper_spread": [0.05, 0.2], "linear": [np.nan, 1.5],
        "comparable": [True, False], "reached": [True, False],
    })
    figure = tabular.beside_table6(data, title="a table")
    axes = figure.axes[0]
    marks = [line for line in axes.lines if line.get_marker() in "os" and line.get_marker()]
    assert {(line.get_marker(), *line.get_xdata()) for line in marks} == {("o", 0.8), ("s", 1.2)}
    assert [round(bar.get_width(), 6) for bar in axes.patches] == [0.1, 0.4]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b (stand-in)"]
    low, high = axes.get_xlim()
    assert low <= 0.7 and high >= 1.5


def test_ranks_are_joined_where_they_do_not_differ():
    each = pd.DataFrame([{"dataset": d, "model": m, "rank": r} for d in "xy"
                         for m, r in (("TN", 1.0), ("xgboost", 2.0), ("LN 100", 3.0))])
    means = pd.DataFrame({"model": ["TN", "xgboost", "LN 100"], "rank": [1.0, 2.0, 3.0]})
    test = pd.DataFrame([{"datasets": 2, "p": 0.04, "critical_difference": 1.5}])
    axes = tabular.ranks({"means": means, "each": each, "test": test}, title="a table").axes[0]
    diamonds = [line for line in axes.lines if line.get_marker() == "D"]
    assert [line.get_xdata()[0] for line in diamonds] == [1, 2, 3]
    joined = [tuple(line.get_ydata()) for line in axes.lines if len(line.get_ydata()) == 2]
    assert joined == [(-0.25, 1.25), (0.75, 2.25)]
    weights = [tick.get_fontweight() for tick in axes.get_yticklabels()]
    assert weights == ["bold", "normal", "normal"]


def test_groups_are_the_largest_ones():
    values = np.array([1.0, 1.2, 1.4, 3.0, 5.0])
    assert tabular._groups(values, 0.5) == [(0, 2)]
    assert tabular._groups(values, 1.9) == [(0, 2), (1, 3)]
    assert tabular._groups(values, 10) == [(0, 4)] and tabular._groups(values, 0.1) == []


def test_errors_are_lines_over_parameters():
    points = pd.DataFrame([
        {"task": task, "model": model, "ratio": 0.5, "budget": b, "n_parameters": float(n),
         "low": 0.4, "high": 0.7, "sets": 2, "all_sets": b != 100}
        for task in ("regression", "classification")
        for model, b, n in (("LN", 100, 90), ("LN", 300, 280), ("TN", 0, 50_000))
    ])
    levels = pd.DataFrame({"task": ["regression"], "model": ["xgboost"], "ratio": [0.6]})
    figure = tabular.error_by_parameters(
        {"points": points, "levels": levels}, title="a table", unit="linear"
    )
    left, right = figure.axes
    assert left.get_xscale() == left.get_yscale() == "log"
    flat = [line for line in left.lines if list(line.get_xdata()) == [0, 1]]
    assert [line.get_ydata()[0] for line in flat] == [0.6]
    assert not [line for line in right.lines if list(line.get_xdata()) == [0, 1]]
    hollow = [line for line in left.lines if line.get_markerfacecolor() == "white"]
    assert [len(line.get_xdata()) for line in hollow if len(line.get_xdata())] == [1]
