"""Figures of structure recovery: methods on formulas, errors by stream, phases, old data."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, NullLocator

from companion.experiments.shares import below_and_above
from companion.figures import COLUMN, DOUBLE, PALETTE, drawing
from nslib.structure import Stream

_HATCH = {"fill": False, "hatch": "/////", "edgecolor": "#9a9a9a", "linewidth": 0}
_NEAR_FLOOR = 2.0
_ERRORS = LogNorm(1, 1e7)


def _cells(axis: plt.Axes, rows: list[str], columns: list[str]) -> None:
    """Label a grid of unit cells, its first row on top."""
    axis.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axis.set_xticks(range(len(columns)), columns, rotation=35, ha="right",
                    rotation_mode="anchor")
    axis.set_yticks(range(len(rows)), rows)
    axis.tick_params(length=0)
    axis.grid(False)


@drawing
def methods_on_formulas(data: pd.DataFrame) -> Figure:
    """Draw formulas × methods: the share of exact structures, and the retrained error.

    `data`: method, formula, state ("scored", "not representable" or "no search"), exact (share),
    fits, retrained (test error over that of the true formula, drawn from 1 up).
    """
    formulas = list(data["formula"].unique())
    methods = list(data["method"].unique())
    searched = list(data.loc[data["state"] != "no search", "method"].unique())
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(DOUBLE, 4.1), sharey=True, width_ratios=[len(searched), len(methods)]
    )
    for row in data.itertuples():
        y = formulas.index(row.formula)
        x = methods.index(row.method)
        _shaded(right, x, y, min(_ERRORS(max(row.retrained, 1.0)), 1.0))
        if row.retrained <= _NEAR_FLOOR:
            right.plot(x, y, ".", color="black", markersize=4)
        if row.method not in searched:
            continue
        x = searched.index(row.method)
        if row.state == "not representable":
            left.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, **_HATCH))
        else:
            _shaded(left, x, y, 0.7 * row.exact)
            left.text(x, y, f"{round(row.exact * row.fits)}/{row.fits}", ha="center", va="center",
                      fontsize=6, color="white" if row.exact > 0.6 else "black")
    for axis, columns in ((left, searched), (right, methods)):
        _cells(axis, formulas, columns)
        for border in range(5, len(formulas), 5):
            axis.axhline(border - 0.5, color="black", linewidth=0.8)
    left.set_ylabel("formula")
    left.set_title("data sets with the exact structure\n(hatched: cannot be represented)")
    right.set_title(f"test MSE of the retrained structure\n(dot: at most {_NEAR_FLOOR:g} × floor)")
    bar = figure.colorbar(plt.cm.ScalarMappable(_ERRORS, "Greys"), ax=right, fraction=0.05,
                          pad=0.02, extend="max")
    bar.set_label("test MSE / noise floor")
    bar.minorticks_off()
    return figure


def _shaded(axis: plt.Axes, x: float, y: float, shade: float) -> None:
    """Draw the cell at (x, y) in a grey between white, 0, and black, 1."""
    axis.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, linewidth=0,
                             facecolor=plt.get_cmap("Greys")(shade)))


@drawing
def errors_by_stream(data: pd.DataFrame, titles: dict[str, str]) -> Figure:
    """Draw for each stream how often it is kept in vain and how often missed, for each method.

    `data`: method, stream, error ("kept in vain" or "missed"), count, of, share, low, high;
    `titles`: method to its name in the legend. Bars have 95 % intervals and their counts.
    """
    streams = sorted(data["stream"].unique(), key=lambda s: (Stream.parse(s).kind != "pure", s))
    figure, axes = plt.subplots(1, 2, figsize=(DOUBLE, 0.36 * len(streams) + 0.9), sharey=True)
    height = 0.8 / len(titles)
    for axis, error in zip(axes, ("kept in vain", "missed"), strict=True):
        for j, (method, title) in enumerate(titles.items()):
            own = data[(data["method"] == method) & (data["error"] == error)]
            y = [streams.index(s) + (j - (len(titles) - 1) / 2) * height for s in own["stream"]]
            axis.barh(y, own["share"], height, label=title, color=PALETTE[j % len(PALETTE)],
                      edgecolor="black", linewidth=0.5, hatch="" if j == 0 else "////")
            axis.errorbar(own["share"], y, fmt="none", ecolor="#666666", elinewidth=0.8,
                          xerr=(own["share"] - own["low"], own["high"] - own["share"]))
            for row, place in zip(own.itertuples(), y, strict=True):
                axis.text(row.high + 0.02, place, f"{row.count}/{row.of}", va="center",
                          fontsize=6)
        for i, stream in enumerate(streams):
            if not ((data["stream"] == stream) & (data["error"] == error)).any():
                axis.text(0.02, i, "in no formula" if error == "missed" else "in every formula",
                          va="center", fontsize=6, color="#666666")
        axis.set(xlim=(0, 1.18), xlabel=f"share {error}")
        axis.set_xticks(np.linspace(0, 1, 5))
        axis.grid(axis="y", visible=False)
    axes[0].set_title("where the stream is not there")
    axes[1].set_title("where the stream is there")
    axes[0].set_yticks(range(len(streams)), streams)
    axes[0].invert_yaxis()
    axes[1].legend(loc="lower right", frameon=True)
    return figure


@drawing
def power_correlations(data: pd.DataFrame) -> Figure:
    """Draw the exact correlations of power sums beside those of a sample.

    `data`: a, b (orders), exact, sample.
    """
    orders = sorted(data["a"].unique())
    figure, axes = plt.subplots(1, 2, figsize=(1.45 * COLUMN, 2.3), sharey=True)
    for axis, kind in zip(axes, ("exact", "sample"), strict=True):
        grid = data.pivot(index="a", columns="b", values=kind).loc[orders, orders]
        image = axis.imshow(grid, cmap="Greys", vmin=0, vmax=1)
        for i, j in np.ndindex(grid.shape):
            value = grid.iloc[i, j]
            axis.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=6,
                      color="white" if value > 0.6 else "black")
        axis.set_xticks(range(len(orders)), orders)
        axis.set_yticks(range(len(orders)), orders)
        axis.set(title=kind, xlabel="order b")
        axis.grid(False)
        axis.tick_params(length=0)
    axes[0].set_ylabel("order a")
    figure.colorbar(image, ax=axes, fraction=0.04, pad=0.02).set_label(r"corr$(S_a, S_b)$")
    return figure


_LINES = {
    "weights": {"label": "kD weights", "color": "#56B4E9", "linestyle": ":", "linewidth": 1.8},
    "correlational": {"label": "N ∝ $D^{\\max(k/2, 1)}$", "color": "#D55E00", "linestyle": "-",
                      "linewidth": 2.4},
    "N ∝ D": {"label": "N ∝ D", "color": "#009E73", "linestyle": "--", "linewidth": 1.6,
              "zorder": 3},
}


@drawing
def phase_diagram(data: dict[str, pd.DataFrame], slopes: dict[str, str]) -> Figure:
    """Draw how often the structure is found over D and N, a panel an order, with the thresholds.

    `data`: "shares" (order, D, N, share, fits; 0 fits: not run, share assumed), "half" (order, D,
    N of 50 %) and "lines" (order, line, D, N, anchor). `slopes`: order (as text) to the text of the
    measured slope.
    """
    shares, half, lines = data["shares"], data["half"], data["lines"]
    orders = list(shares["order"].unique())
    figure, axes = plt.subplots(
        1, len(orders), figsize=(DOUBLE, 3.1), sharex=True, sharey=True, squeeze=False
    )
    features, samples = (np.sort(shares[c].unique()).astype(float) for c in ("D", "N"))
    for axis, order in zip(axes[0], orders, strict=True):
        own = shares[shares["order"] == order]
        grid = own.pivot(index="N", columns="D", values="share").loc[samples, features]
        wide, tall = _edges(features), _edges(samples)
        image = axis.pcolormesh(wide, tall, grid, cmap="Greys_r", vmin=0, vmax=1,
                                edgecolors="#c0c0c0", linewidth=0.2)
        for row in own[own["fits"] == 0].itertuples():
            i, j = np.searchsorted(features, row.D), np.searchsorted(samples, row.N)
            axis.add_patch(Rectangle(
                (wide[i], tall[j]), wide[i + 1] - wide[i], tall[j + 1] - tall[j],
                fill=False, hatch="....", edgecolor="#cfcfcf", linewidth=0,
            ))
        for name, line in lines[lines["order"] == order].groupby("line", sort=False):
            axis.plot(line["D"], line["N"], **_LINES[name])
        points = half[half["order"] == order]
        axis.plot(points["D"], points["N"], "o", color="#E69F00", markeredgecolor="black",
                  markersize=4.5, linestyle="none", label="measured 50 %", zorder=5)
        axis.set(xscale="log", yscale="log", xlabel="dimension D",
                 xlim=wide[[0, -1]], ylim=tall[[0, -1]],
                 title=f"k = {order}\nmeasured slope: {slopes[str(order)]}")
        labelled = samples[:: 1 + len(samples) // 9]
        for side, places in ((axis.xaxis, features), (axis.yaxis, labelled)):
            side.set_major_locator(FixedLocator(places))
            side.set_major_formatter("{x:g}")
            side.set_minor_locator(NullLocator())
        axis.grid(False)
    axes[0, 0].set_ylabel("rows N")
    handles, labels = axes[0, -1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    figure.colorbar(image, ax=axes, fraction=0.03, pad=0.02).set_label("share exact")
    return figure


def _edges(centres: np.ndarray) -> np.ndarray:
    """Return the borders (n + 1,) of cells around centres (n,), in the middle on a log axis."""
    logs = np.log(centres)
    middle = (logs[1:] + logs[:-1]) / 2
    first, last = (middle[0] - logs[0], logs[-1] - middle[-1]) if len(logs) > 1 else (0.5, 0.5)
    return np.exp(np.concatenate([[logs[0] - first], middle, [logs[-1] + last]]))


@drawing
def orders_found(data: pd.DataFrame) -> Figure:
    """Draw the orders found on the predecessor's sets: a panel a level of noise.

    `data`: noise, formula, method, true, detectable, found (texts of orders), exact and
    as_detectable. A dark cell is exact, a grey one all that can be told from noise.
    """
    methods, formulas = list(data["method"].unique()), sorted(data["formula"].unique())
    noises = list(data["noise"].unique())
    columns = ["detectable", *methods]
    figure, axes = plt.subplots(
        1, len(noises), figsize=(max(COLUMN, DOUBLE * len(noises) / 3), 3.1), sharey=True,
        squeeze=False,
    )
    for axis, noise in zip(axes[0], noises, strict=True):
        own = data[data["noise"] == noise]
        for row in own.itertuples():
            x, y = columns.index(row.method), formulas.index(row.formula)
            _shaded(axis, x, y, 0.7 if row.exact else 0.3 if row.as_detectable else 0.0)
            axis.text(x, y, row.found, ha="center", va="center", fontsize=6,
                      color="white" if row.exact else "black")
            if row.method == methods[0]:
                axis.text(0, y, row.detectable, ha="center", va="center", fontsize=6)
        labels = dict(zip(own["formula"], own["true"], strict=True))
        _cells(axis, [f"{f}: {labels[f]}" for f in formulas], columns)
        axis.axvline(0.5, color="black", linewidth=0.8)
        axis.set_title(f"{noise} noise")
    axes[0, 0].set_ylabel("formula: true orders")
    return figure


_SETTINGS = {"before": {"marker": "o", "markerfacecolor": "white", "color": "#000000"},
             "after": {"marker": "s", "markerfacecolor": "#0072B2", "color": "#0072B2"}}


@drawing
def batteries(data: pd.DataFrame) -> Figure:
    """Draw for each group of tasks the share with exact streams, before and after.

    `data`: group, settings ("before" or "after"), exact, of, share, low, high. Lines are 95 %
    intervals, numbers are counts.
    """
    groups = list(data["group"].unique())
    figure, axis = plt.subplots(figsize=(1.45 * COLUMN, 0.42 * len(groups) + 0.9))
    for (settings, style), shift in zip(_SETTINGS.items(), (-0.16, 0.16), strict=True):
        own = data[data["settings"] == settings]
        y = [groups.index(group) + shift for group in own["group"]]
        axis.errorbar(own["share"], y, xerr=below_and_above(own, "share"), linestyle="none",
                      elinewidth=0.9, markersize=5, label=settings, **style)
        for row, place in zip(own.itertuples(), y, strict=True):
            axis.text(1.04, place, f"{row.exact}/{row.of}", va="center", fontsize=6)
    axis.set(xlim=(-0.03, 1.16), xlabel="share of tasks with exactly the true streams")
    axis.set_xticks(np.linspace(0, 1, 5))
    axis.set_yticks(range(len(groups)), groups)
    axis.set_ylim(len(groups) - 0.5, -0.5)
    axis.grid(axis="y", visible=False)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure
