"""The figures of the search show their data: what is drawn is read back from the axes."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from companion.experiments.decomposition_search import draw_search as search
from companion.experiments.start_here import draw_hidden_formula as start


def test_gate_history_draws_every_stream_and_marks_the_true_ones():
    names = ["pure 1", "pure 2", "interact 1", "interact 2"]
    gates = pd.DataFrame([
        {"epoch": e, "stream": s, "mean": 0.9 / e, "low": 0.8 / e, "high": 1 / e, "kept": 0.0}
        for s in names for e in (1, 2, 3)
    ])
    penalty = pd.DataFrame({"epoch": [1, 2, 3], "lambda": [0, 0.1, 0.2], "loss": [3.0, 2.0, 1.0]})
    figure = search.gate_history({"gates": gates, "penalty": penalty}, true=["pure 1"])
    lines = [line for axes in figure.axes[:2] for line in axes.lines if len(line.get_xdata()) == 3]
    assert len(lines) == 4
    assert [line.get_linewidth() > 1.5 for line in lines] == [True, False, False, False]
    np.testing.assert_allclose(lines[0].get_ydata(), [0.9, 0.45, 0.3])


@pytest.mark.parametrize("heights", [[0.0, 0.0, 0.01, 0.5, 1.0], [1.0, 1.0, 0.99], [0.3]])
def test_labels_are_apart_and_within_the_axis(heights):
    placed = search._spread(heights, 0.08)
    assert np.all(np.diff(np.sort(placed)) >= 0.08 - 1e-9)
    assert min(placed) >= -1e-9 and max(placed) <= 1 + 1e-9
    assert np.all(np.argsort(placed, kind="stable") == np.argsort(heights, kind="stable"))


def test_recovery_frames_the_true_streams():
    data = pd.DataFrame({
        "method": "m", "formula": ["a", "a", "b", "b"], "stream": ["pure 1", "interact 2"] * 2,
        "true": [True, False, False, True], "kept": [1.0, 0.5, 0.0, 1.0],
    })
    axes = search.recovery(data, titles={"m": "Method"}).axes[0]
    frames = [p for p in axes.patches if isinstance(p, Rectangle)]
    assert sorted((round(p.get_x() + 0.43), round(p.get_y() + 0.43)) for p in frames) == [
        (0, 0), (1, 1)
    ]
    np.testing.assert_allclose(axes.images[0].get_array(), [[1.0, 0.5], [0.0, 1.0]])


def test_bars_and_points_are_the_shares_and_scores():
    shares = pd.DataFrame(
        {"method": "m", "seed": [0, 1], "stream": ["pure 1"] * 2, "share": [0.4, 0.6]}
    )
    axes = search.stream_shares(shares, methods=["m"]).axes[0]
    assert axes.patches[0].get_width() == pytest.approx(50)
    scores = pd.DataFrame({"model": ["m", "m"], "seed": [0, 1], "value": [1.0, 3.0]})
    for metric, scale in (("mse", "log"), ("accuracy", "linear")):
        axes = search.model_errors(scores, metric=metric, marked=["m"]).axes[0]
        assert axes.get_xscale() == scale
        assert list(axes.lines[0].get_xdata()) == [1.0, 3.0]


def test_hidden_formula_draws_found_against_true():
    data = {"coefficients": pd.DataFrame({"monomial": ["x"], "true": [1.0], "found": [1.1]}),
            "predictions": pd.DataFrame({"observed": [0.0, 1.0], "predicted": [0.1, 0.9]})}
    left, right = start.hidden_formula(data).axes
    assert [list(line.get_xydata()[0]) for line in left.lines if line.get_marker() == "o"] == [
        [1.0, 1.1]
    ]
    assert right.get_title() == "2 fresh rows"
