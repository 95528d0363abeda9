"""The figures of the ablations show their data: what is drawn is read back from the axes."""

import pandas as pd
import pytest

from companion.experiments.ablations import draw_ablations as ablations


def test_settings_have_a_panel_a_factor_and_the_default_filled():
    data = pd.DataFrame([
        {"case": case, "factor": factor, "value": str(x), "x": x, "default": x == 1,
         "exact": 0.2 * x, "low": 0.1 * x, "high": 0.3 * x, "f1": 0.5}
        for case in ("a", "b") for factor in ("rank", "penalty") for x in (0, 1)
    ])
    axes = ablations.ablated_settings(data, alone=0.4).axes
    assert [axis.get_xlabel() for axis in axes] == ["rank R", "penalty λ"]
    points = [line for line in axes[0].lines if line.get_marker() in "os"]
    filled = [line for line in points if line.get_markerfacecolor() != "white"]
    assert len(points) == 4 and [list(line.get_ydata()) for line in filled] == [[0.2], [0.2]]
    assert [tick.get_fontweight() for tick in axes[0].get_xticklabels()] == ["normal", "bold"]


def test_errors_are_lines_over_the_values():
    data = pd.DataFrame([
        {"factor": "penalty", "value": v, "x": i, "exact": 0.1 * i, "twin": 0.5, "parity": 0.4,
         "other": 0.3, "lost": 0.2} for i, v in enumerate(("0", "0.05"))
    ])
    axis = ablations.ablated_errors(data, factor="penalty").axes[0]
    assert [list(line.get_ydata()) for line in axis.lines] == [
        [0.0, 0.1], [0.5, 0.5], [0.4, 0.4], [0.3, 0.3], [0.2, 0.2]
    ]


def test_starts_have_a_row_for_plain_and_weighted():
    data = pd.DataFrame([
        {"case": "k = 3", "rows": n, "source": s, "weighted": w, "share": 0.5 + 0.3 * w,
         "low": 0.1, "high": 0.9} for n in (100, 200) for s in ("random", "moments")
        for w in (False, True)
    ])
    plain, weighted = ablations.product_starts(data, words={"random": "r", "moments": "m"}).axes
    assert plain.get_title() == "k = 3, plain" and weighted.get_title() == "k = 3, weighted"
    for axis, share in ((plain, 0.5), (weighted, 0.8)):
        lines = [line for line in axis.lines if len(line.get_xdata()) == 2]
        assert len(lines) == 2 and all(line.get_ydata() == pytest.approx(share) for line in lines)
