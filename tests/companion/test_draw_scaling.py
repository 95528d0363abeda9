"""The figures of notebook 05 show their data: what is drawn is read back from the axes."""

import pandas as pd

from companion.experiments.convergence_and_scaling import draw_scaling as scaling


def lines(axes, count):
    return [line for line in axes.lines if len(line.get_xdata()) == count]


CURVES = pd.DataFrame([
    {"method": method, "budget": b, "seconds": 2.0 * b, "search_seconds": 1.0 * b,
     "error": 0.1 / b, "low": 0.05 / b, "high": 0.2 / b, "own_error": 0.5 / b,
     "own_low": 0.4 / b, "own_high": 0.6 / b, "exact": exact}
    for method, exact in (("gated", 0.0), ("als", 1.0), ("no search", 0.0))
    for b in ((1, 2, 4) if method != "no search" else (1,))
])
LEVELS = pd.DataFrame({"level": ["mean", "linear", "ridge", "noise floor"],
                       "error": [1.0, 0.9, 0.4, 1e-4]})


def test_convergence_draws_retrained_errors_and_those_of_the_search():
    figure = scaling.convergence({"curves": CURVES, "levels": LEVELS}, machine="m", batch=8,
                                 batch_seconds=0.5)
    left, right = figure.axes
    assert list(lines(left, 3)[0].get_ydata()) == [0.1, 0.05, 0.025]
    assert list(lines(left, 3)[0].get_xdata()) == [2, 4, 8]
    assert list(lines(right, 3)[0].get_ydata()) == [0.5, 0.25, 0.125]
    assert list(lines(right, 3)[0].get_xdata()) == [1, 2, 4]
    heights = {line.get_ydata()[0] for line in left.lines if list(line.get_xdata()) == [0, 1]}
    assert heights >= {1.0, 0.9, 0.4, 1e-4}
    batch = [axes.lines[-1] for axes in (left, right)]
    assert [line.get_xdata()[0] for line in batch] == [4.5, 0.5]  # 4 s of retraining
    stars = [[line for line in axes.lines if line.get_marker() == "*" and len(line.get_xdata())]
             for axes in (left, right)]
    assert stars[0] and not stars[1]


def test_markers_are_filled_by_exactness():
    axes = scaling.convergence({"curves": CURVES, "levels": LEVELS}, machine="m").axes[0]
    fills = {line.get_marker(): line.get_fillstyle() for line in axes.lines
             if line.get_marker() in "os" and len(line.get_xdata()) == 3}
    assert fills == {"o": "none", "s": "full"}


def test_scaling_draws_times_of_methods_and_errors_of_all():
    columns = {name + end: [1.0, 2.0, 4.0] for name in ("seconds", "own", "retrained")
               for end in ("", "_low", "_high")}
    medians = pd.concat([
        pd.DataFrame({"method": method, "size": [10, 20, 40], "exact": 0.5, **columns})
        for method in ("als", "ridge")
    ])
    laws = pd.DataFrame({"method": ["als"], "exponent": [-1.0], "error": [0.25]})
    figure = scaling.scaling({"medians": medians, "exponents": laws}, size="rows N", machine="m")
    times, own, retrained = figure.axes
    dashed = [[line for line in lines(axes, 3) if line.get_linestyle() != "None"]
              for axes in (times, own, retrained)]
    assert [len(lines) for lines in dashed] == [1, 2, 2]
    assert list(dashed[0][0].get_xydata()[2]) == [40, 4]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["als (ours): −1.00 ± 0.25", "ridge on powers"]
    assert retrained.get_xlabel() == "rows N"
