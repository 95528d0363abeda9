"""Figures of notebook 08: digits, errors over bits, winding and lattice, sizes, information."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullFormatter

from companion.figures import COLUMN, DOUBLE, PALETTE, drawing

_BLUE, _ORANGE, _RED = PALETTE[0], PALETTE[1], PALETTE[4]
_MARKS = {"A, depth": (_BLUE, "o", "-."), "B, digits": (_ORANGE, "s", "--"),
          "C, magnitude": (_RED, "^", "-"), "ordinary ReLU": ("black", "D", ":")}


@drawing
def digits_held(data: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the digits of α, word by word, and below the orbit of s with what is read off it.

    `data`: "digits" (place, word, digit), "orbit" (step, u), "cells" (cell, target, value, bound).
    """
    digits, orbit, cells = data["digits"], data["orbit"], data["cells"]
    width = int((digits["word"] == 1).sum())
    figure, (top, below) = plt.subplots(2, 1, figsize=(DOUBLE, 3.1), height_ratios=[1, 3.4],
                                        sharex=True)
    top.imshow(digits["digit"].to_numpy()[None], cmap="Greys", vmin=0, vmax=1.6, aspect="auto",
               extent=(0, len(digits), 0, 1), interpolation="nearest")
    for k in cells["cell"]:
        for axis in (top, below):
            axis.axvline((k - 1) * width, color=_RED, linestyle="-", linewidth=1.0)
        top.annotate(rf"$\theta_{{{k}}}$", ((k - 0.5) * width, 1.1), ha="center",
                     annotation_clip=False)
    top.set_yticks([])
    top.set_ylabel(r"digits of $\alpha$" "\n(dark: 1)")
    top.grid(False)
    below.plot(orbit["step"], orbit["u"], color="0.6", linestyle="-", marker=".", markersize=3,
               linewidth=0.7, label="$T^r(s)$")
    read = (cells["cell"] - 1) * width
    below.plot(read, cells["value"], color=_BLUE, marker="o", linestyle="none", markersize=5,
               label="read", zorder=4)
    below.errorbar(read, cells["target"], yerr=cells["bound"], color="black", marker="_",
                   markersize=11, linestyle="none", capsize=3, zorder=5,
                   label=r"target $\pm\, \pi 2^{-m}$")
    below.set(xlabel="place, or repetitions $r$", ylabel="value", xlim=(-1.5, len(digits)),
              ylim=(-0.05, 1.05))
    figure.legend(*below.get_legend_handles_labels(), loc="outside lower center", ncols=3,
                  frameon=False)
    return figure


@drawing
def errors_by_bits(data: pd.DataFrame) -> Figure:
    """Draw each draw's largest error over the bits a word, under the proved line π 2^-m.

    `data`: bits, draw, error, bound.
    """
    figure, axis = plt.subplots(figsize=(COLUMN, 2.5))
    largest = data.groupby("bits", as_index=False)[["error", "bound"]].max()
    axis.plot(largest["bits"], largest["bound"], color="black", linestyle="-",
              label=r"proved: $\pi\, 2^{-m}$")
    axis.plot(data["bits"], data["error"], color="0.6", marker=".", linestyle="none", markersize=3,
              label="a set of targets")
    axis.plot(largest["bits"], largest["error"], color=_BLUE, marker="o", linestyle="none",
              fillstyle="none", label="largest of all sets")
    axis.set(xlabel="bits a word $m$", ylabel="largest error of $K$ values", yscale="log")
    axis.legend()
    return figure


@drawing
def winding(data: Mapping[str, pd.DataFrame], eps: float) -> Figure:
    """Draw two cells' angles with the boxes aimed at, and one cell's lattice with both bases.

    `data`: "points" (w, x, y, hit), "boxes" (left, right, low, high), "lattice" (x, y), "vectors"
    (stage, x, y), "goal" (x, y).
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(DOUBLE, 3.2), width_ratios=[1, 1.7])
    points = data["points"]
    left.plot(points["x"], points["y"], color="0.55", marker=".", linestyle="none", markersize=1.5)
    hits = points[points["hit"]]
    left.plot(hits["x"], hits["y"], color=_RED, marker="o", markersize=4, linestyle="none")
    for i, row in enumerate(hits.itertuples()):
        side = -1 if row.x > 0.5 else 1
        left.annotate(f"$w$ = {row.w}", (row.x, row.y), xytext=(7 * side, 7 if i % 2 else -9),
                      textcoords="offset points", fontsize=7, color=_RED, fontweight="bold",
                      ha="left" if side > 0 else "right", va="center",
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85})
    for box in data["boxes"].itertuples():
        left.add_patch(Rectangle((box.left, box.low), box.right - box.left, box.high - box.low,
                                 fill=False, edgecolor="black", linewidth=1.2, zorder=4))
    left.set(xlabel=r"$w/(\pi+1)$ mod 1", ylabel=r"$w/(\pi+2)$ mod 1", xlim=(0, 1), ylim=(0, 1),
             aspect="equal", title=f"two cells, $w < {len(points)}$, boxes: ε = {eps:g}")
    right.plot(data["lattice"]["x"], data["lattice"]["y"], color="0.45", marker="o",
               linestyle="none", markersize=2.5)
    styles = {"given": ("black", "--"), "reduced": (_RED, "-")}
    for stage, (colour, dash) in styles.items():
        for i, row in enumerate(data["vectors"].query("stage == @stage").itertuples()):
            right.plot([0, row.x], [0, row.y], color=colour, linestyle=dash, linewidth=1.8,
                       label=f"{stage} basis" if not i else None, zorder=5)
            right.plot(row.x, row.y, color=colour, marker="D", markersize=3.5, zorder=5)
    goal = data["goal"].iloc[0]
    right.add_patch(Rectangle((goal["x"] - 1, -1), 2, 2, facecolor=_BLUE, alpha=0.3,
                              edgecolor=_BLUE, zorder=2))
    right.plot(goal["x"], goal["y"], color=_BLUE, marker="+", markersize=9, linestyle="none",
               markeredgewidth=1.8, label="target and tolerance")
    high = 1.02 * data["lattice"]["y"].abs().max()
    right.set(xlabel=r"$(w/(\pi+1) - n)/\delta$", ylabel=r"$w/W$", title="one cell: plane lattice",
              xlim=(data["lattice"]["x"].min() - 0.3, data["lattice"]["x"].max() + 0.3),
              ylim=(-high, high), aspect="equal")
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=3,
                  frameon=False)
    return figure


@drawing
def network_sizes(data: pd.DataFrame) -> Figure:
    """Draw parameters and bits of the largest weight over the measured error, by construction.

    `data`: construction, function, measured, parameters, log2_largest. The first function has open
    markers, the second full ones.
    """
    figure, axes = plt.subplots(1, 2, figsize=(DOUBLE, 3.0), sharex=True)
    functions = list(data["function"].unique())
    for name, (colour, marker, dash) in _MARKS.items():
        own = data[data["construction"] == name].sort_values("measured")
        for i, function in enumerate(functions):
            part = own[own["function"] == function].drop_duplicates("measured")
            for axis, column in zip(axes, ("parameters", "log2_largest"), strict=True):
                axis.plot(part["measured"], part[column], color=colour, marker=marker,
                          linestyle=dash, fillstyle="full" if i else "none",
                          label=f"{name}: {function}")
    axes[0].set(xscale="log", yscale="log", ylabel="parameters",
                xlabel="measured sup error", title="number of parameters")
    axes[1].set(yscale="log", ylabel=r"$\log_2$ of the largest weight",
                xlabel="measured sup error", title="magnitude of parameters")
    axes[0].invert_xaxis()
    for axis in axes:
        axis.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        axis.yaxis.set_minor_formatter("{x:g}")
        axis.yaxis.set_major_formatter("{x:g}")
        axis.tick_params(axis="y", which="minor", labelsize=6)
        axis.xaxis.set_minor_formatter(NullFormatter())
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    return figure


@drawing
def information(data: pd.DataFrame) -> Figure:
    """Draw the bits that each construction holds against the bound, and bits a cell above it.

    `data`: construction, cells, eps, bits, bound.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(DOUBLE, 2.9), width_ratios=[1.1, 1])
    ends = np.array([data["bound"].min() * 0.8, data["bound"].max() * 1.2])
    left.plot(ends, ends, color="black", linestyle="-", linewidth=0.9, label="bound")
    for name, part in data.groupby("construction", sort=False):
        colour, marker, dash = _MARKS[name]
        left.plot(part["bound"], part["bits"].clip(lower=1), color=colour, marker=marker,
                  linestyle="none", fillstyle="none", label=name)
        above = (part["bits"] - part["bound"]) / part["cells"]
        stats = above.groupby(part["cells"]).agg(["mean", "min", "max"])
        right.fill_between(stats.index, stats["min"], stats["max"], color=colour, alpha=0.18,
                           linewidth=0)
        right.plot(stats.index, stats["mean"], color=colour, marker=marker, linestyle=dash,
                   label=name)
    left.set(xscale="log", yscale="log", xlabel=r"$K\,\log_2(1/2\varepsilon)$ (bits)",
             ylabel="bits held", title="bits of depth, digits or magnitude")
    left.legend(loc="upper left")
    right.axhline(0, color="black", linestyle="-", linewidth=0.9)
    right.set_xscale("log", base=2)
    right.xaxis.set_major_formatter("{x:g}")
    right.set(xlabel="cells $K$", ylabel="(bits held − bound) / $K$",
              title="mean and range over targets and ε")
    right.legend(loc="lower right")
    return figure
