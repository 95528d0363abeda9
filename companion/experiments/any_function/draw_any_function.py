"""Figures of notebook 09: functions and the networks near them, borders of cells, the bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from companion.figures import COLUMN, DOUBLE, PALETTE, drawing

_BLUE, _RED = PALETTE[0], PALETTE[4]
_MARKERS = ("o", "s", "^", "D", "v")
_LINES = {"minus": (":", r"copy at $x - \delta$"), "plus": ((0, (5, 2)), r"copy at $x + \delta$")}


@drawing
def approximations(data: pd.DataFrame) -> Figure:
    """Draw functions and networks: a row a function, a column a construction.

    `data`: function, construction, x, f, network, bound, eps, cells. The band is f ± bound.
    """
    rows, columns = data["function"].unique(), data["construction"].unique()
    figure, axes = plt.subplots(
        len(rows), len(columns), squeeze=False, sharex=True, sharey="row",
        figsize=(min(DOUBLE, 1.2 + 2.4 * len(columns)), 0.6 + 1.65 * len(rows)))
    for axis, name in zip(axes[:, 0], rows, strict=True):
        axis.set_ylabel(name)
    for axis, construction in zip(axes[0], columns, strict=True):
        axis.set_title(construction, fontweight="bold", pad=16)
    for axis in axes[-1]:
        axis.set_xlabel("$x$")
    lines = {}
    for axis, (name, construction) in zip(axes.flat, product(rows, columns), strict=True):
        part = data[(data["function"] == name) & (data["construction"] == construction)]
        if part.empty:
            axis.text(0.5, 0.5, "refused at\nevery $\\varepsilon$ asked for",
                      transform=axis.transAxes, ha="center", va="center", color="0.35", fontsize=7)
            continue
        lines = _curve(axis, part)
    figure.legend(lines.values(), lines.keys(), loc="outside upper center", ncols=3, frameon=False)
    return figure


def _curve(axis: Axes, part: pd.DataFrame) -> dict:
    first = part.iloc[0]
    band = axis.fill_between(part["x"], part["f"] - first["bound"], part["f"] + first["bound"],
                             color="0.87", linewidth=0)
    f, = axis.plot(part["x"], part["f"], color="black", linestyle="-", linewidth=0.8)
    network, = axis.plot(part["x"], part["network"], color=_BLUE, linestyle="-", linewidth=1.1)
    axis.annotate(f"$\\varepsilon$ = {first['eps']:g}, {first['cells']} cells", (0, 1),
                  xycoords="axes fraction", xytext=(0, 2), textcoords="offset points", fontsize=7)
    return {"function $f$": f, "network": network, "$f$ ± certified bound": band}


@drawing
def surfaces(data: pd.DataFrame) -> Figure:
    """Draw functions on the square: a row a function; f, the network and |network - f|.

    `data`: function, x, y, f, network, error, bound, cells, on a regular grid. The scale of the
    error ends at the certified bound.
    """
    names = data["function"].unique()
    figure, axes = plt.subplots(len(names), 3, squeeze=False, sharex=True, sharey=True,
                                figsize=(DOUBLE, 0.2 + 2.05 * len(names)))
    for row, name in zip(axes, names, strict=True):
        part = data[data["function"] == name]
        bound = float(part["bound"].iloc[0])
        low, high = part["f"].min(), part["f"].max()
        for axis, column, top in zip(row, ("f", "network", "error"), (high, high, bound),
                                     strict=True):
            square = part.pivot(index="y", columns="x", values=column)
            image = axis.imshow(square, origin="lower", extent=(0, 1, 0, 1), vmax=top,
                                vmin=0 if column == "error" else low, interpolation="nearest",
                                cmap="magma" if column == "error" else "cividis")
            axis.grid(False)
            if column != "f":
                bar = figure.colorbar(image, ax=axis, fraction=0.046, pad=0.03)
                bar.set_label("|network − $f$|, up to the bound" if column == "error" else "value")
        row[0].set(ylabel=f"{name}\n$y$", title="function $f$")
        row[1].set_title(f"network, {part['cells'].iloc[0]} cells")
        row[2].set_title(f"error, here up to {part['error'].max():.3f}")
    for axis in axes[-1]:
        axis.set_xlabel("$x$")
    return figure


@drawing
def border_of_cells(data: Mapping[str, pd.DataFrame], titles: Sequence[str]) -> Figure:
    """Draw the ramp as it is repeated, and what copies and medians give around a border.

    `data`: "ramps" (power, z, value) and "border" (construction, offset in δ, f, minus, single,
    plus, network); `titles`: of the panels.
    """
    kinds = data["border"]["construction"].unique()
    figure, axes = plt.subplots(1, 1 + len(kinds), figsize=(DOUBLE, 2.55),
                                width_ratios=[0.8, *[1.1] * len(kinds)])
    for place, (power, part) in enumerate(data["ramps"].groupby("power")):
        axes[0].plot(part["z"], part["value"], color=PALETTE[place], label=f"{power}")
    axes[0].set(xlabel="$z$", ylabel=r"clip$(2z - \frac{1}{2})$, repeated")
    axes[0].legend(title="times", loc="lower right", handlelength=1.6)
    for axis, kind in zip(axes[1:], kinds, strict=True):
        part = data["border"][data["border"]["construction"] == kind]
        axis.plot(part["offset"], part["network"], color=_BLUE, linestyle="-", linewidth=2.4,
                  label="median: the network")
        axis.plot(part["offset"], part["single"], color=_RED, linestyle="-", linewidth=0.7,
                  label="one copy, at $x$")
        for column, (dash, label) in _LINES.items():
            axis.plot(part["offset"], part[column], color="black", linestyle=dash, linewidth=0.9,
                      label=label)
        axis.plot(part["offset"], part["f"], color="0.45", linestyle="-.", linewidth=0.9,
                  label="$f$")
        axis.set(xlabel=r"distance from the border, in $\delta$")
    axes[1].set_ylabel("value")
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title)
    figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=5,
                  frameon=False, handlelength=1.8)
    return figure


@drawing
def errors_and_bounds(data: pd.DataFrame) -> Figure:
    """Draw the measured sup error of each network over its certified bound.

    `data`: function, construction, bound, measured. A point above the diagonal breaks its bound.
    """
    figure, axis = plt.subplots(figsize=(1.5 * COLUMN, COLUMN))
    low = 0.7 * data["measured"].min()
    high = 1.3 * data["bound"].max()
    edge = np.array([low, high])
    axis.fill_between(edge, edge, high, color="0.92", linewidth=0)
    axis.plot(edge, edge, color="black", linestyle="-", linewidth=0.8)
    for place, (kind, rows) in enumerate(data.groupby("construction")):
        for spot, name in enumerate(data["function"].unique()):
            part = rows[rows["function"] == name]
            axis.plot(part["bound"], part["measured"], linestyle="none", marker=_MARKERS[spot],
                      color=PALETTE[place], markeredgecolor="white", markeredgewidth=0.4,
                      markersize=5)
        axis.plot([], [], color=PALETTE[place], marker="o", linestyle="none", label=kind)
    for spot, name in enumerate(data["function"].unique()):
        axis.plot([], [], color="0.4", marker=_MARKERS[spot], linestyle="none", label=name)
    axis.annotate("bound broken", (0.04, 0.94), xycoords="axes fraction", va="top", fontsize=7)
    axis.set(xscale="log", yscale="log", xlim=edge, ylim=edge, xlabel="certified bound",
             ylabel="largest error measured")
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_locator(LogLocator(subs=(1, 2, 5)))
        side.set_major_formatter("{x:g}")
        side.set_minor_locator(NullLocator())
    figure.legend(loc="outside right center", frameon=False)
    return figure
