"""Figures of notebook 07: the chaotic neuron, its orbits, waiting times, one network as many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from companion.figures import DOUBLE, PALETTE, drawing

_BLUE, _ORANGE, _RED = PALETTE[0], PALETTE[1], PALETTE[4]
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
_SPANS = {"1 second": 0, "1 hour": np.log2(3600), "1 year": np.log2(3.156e7),
          "age of the universe": np.log2(4.35e17)}


def _spaced(number: int) -> str:
    """Return a whole number in groups of three digits."""
    return f"{number:,}".replace(",", "\u2009")


@drawing
def chaotic_neuron(data: Mapping[str, pd.DataFrame], cobweb: int = 12) -> Figure:
    """Draw the neuron's graph with the first `cobweb` steps of an orbit, and the orbit by step.

    `data`: "map" (u, next) and "orbit" (step, u).
    """
    graph, orbit = data["map"], data["orbit"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(DOUBLE, 2.5), width_ratios=[1, 2.1])
    left.plot(graph["u"], graph["next"], color="black", linestyle="-", linewidth=1.6)
    left.plot([0, 1], [0, 1], color="0.5", linestyle=":")
    u = orbit["u"].to_numpy()[:cobweb + 1]
    left.plot(np.repeat(u, 2)[:-1], np.concatenate([[0], np.repeat(u[1:], 2)]), color=_BLUE,
              linestyle="-", linewidth=0.8)
    left.plot(u[0], 0, color=_BLUE, marker="o", linestyle="none", clip_on=False)
    left.set(xlabel="$u$", ylabel=r"$T(u) = \mathrm{ReLU}(4u - 4u^2)$", xlim=(0, 1), ylim=(0, 1),
             aspect="equal", title=f"graph, first {cobweb} steps")
    right.plot(orbit["step"], orbit["u"], color=_BLUE, linestyle="-", marker="o", markersize=2.5,
               linewidth=0.7)
    right.set(xlabel="repetitions $r$", ylabel="$T^r(u_1)$", ylim=(-0.02, 1.02),
              title=r"orbit of $u_1 = \sin^2(\pi/(c+1))$")
    return figure


@drawing
def doubles(data: Mapping[str, pd.DataFrame], first: int = 30) -> Figure:
    """Draw an orbit in doubles and exactly from step `first` on, and the errors over the steps.

    `data`: "example" (step, exact, float64), "errors" (format, step, median, low, high) and
    "formats" (format, digits).
    """
    example, errors = data["example"], data["errors"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(DOUBLE, 2.7), width_ratios=[1.3, 1])
    late = example[example["step"] >= first]
    left.plot(late["step"], late["exact"], color="black", linestyle="-", linewidth=0.9)
    left.plot(late["step"], late["float64"], color=_RED, linestyle="none", marker="o",
              fillstyle="none")
    left.set(xlabel="repetitions $r$", ylabel="$T^r(u)$",
             title="one orbit: exact (line), in doubles (circles)")
    for place, (name, digits) in enumerate(data["formats"][["format", "digits"]].to_numpy()):
        part = errors[(errors["format"] == name) & (errors["median"] > 0)]
        colour = (_BLUE, _ORANGE)[place]
        right.fill_between(part["step"], part["low"].clip(lower=1e-18), part["high"], color=colour,
                           alpha=0.3, linewidth=0)
        right.plot(part["step"], part["median"], color=colour, linestyle=_DASHES[place],
                   label=name)
        steps = np.arange(1, digits + 1)
        right.plot(steps, 2.0 ** (steps - digits), color="0.3", linestyle=":", linewidth=0.9)
        right.annotate(f"$2^{{r-{digits}}}$", (digits * 0.55, 2.0 ** (-0.45 * digits)),
                       textcoords="offset points", xytext=(-6, 8), ha="right", fontsize=7)
    right.set(xlabel="repetitions $r$", ylabel="|floating point − exact|", yscale="log",
              ylim=(1e-17, 3), title="error over many starts")
    right.legend(loc="lower right")
    return figure


@drawing
def weyl(data: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw g_m over c, and the Weyl sums over the number of steps.

    `data`: "curves" (vector, c, g), "sums" (vector, steps, size), "random" (steps, low, high: 90 %
    of the sums of independent random points).
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(DOUBLE, 2.9), width_ratios=[1, 1.3])
    band = data["random"]
    right.fill_between(band["steps"], band["low"], band["high"], color="0.88", linewidth=0,
                       label="random points, 90 %")
    right.plot(band["steps"], band["steps"] ** -0.5, color="0.3", linestyle="-", linewidth=0.8,
               label=r"$1/\sqrt{N}$")
    for place, vector in enumerate(data["curves"]["vector"].unique()):
        look = {"color": PALETTE[place], "linestyle": _DASHES[place]}
        part = data["curves"][data["curves"]["vector"] == vector]
        left.plot(part["c"], part["g"], **look)
        part = data["sums"][data["sums"]["vector"] == vector]
        right.plot(part["steps"], part["size"], marker=_MARKERS[place], markersize=3, label=vector,
                   linewidth=0.9, **look)
    left.set(xlabel="$c$", ylabel="$g_m(c) = \\sum_k m_k/(c+k)$", title="never constant in $c$")
    right.set(xlabel="steps $N$", ylabel=r"$|\sum_{r<N} e^{2\pi i\,2^r g_m(c)}|\,/\,N$",
              xscale="log", yscale="log", title=r"Weyl sums, $c = \pi$")
    figure.legend(*right.get_legend_handles_labels(), loc="outside upper center", ncols=4,
                  frameon=False)
    return figure


@drawing
def filling(data: pd.DataFrame, counts: Sequence[int]) -> Figure:
    """Draw the first points of an orbit in the square: values, angles, angles of an exception.

    `data`: step, u_1, u_2, angle_1, angle_2, root_1, root_2; `counts`: how many points, a column
    of panels each.
    """
    rows = {"u": "values\n$T^r(u_2)$", "angle": "angles\n$2^r/(c+2)$ mod 1",
            "root": "angles for\n$c = \\sqrt{2}$"}
    figure, axes = plt.subplots(3, len(counts), figsize=(0.85 * DOUBLE, 2.55 * DOUBLE / 3 + 0.2),
                                sharex=True, sharey=True, squeeze=False)
    for column, count in zip(axes.T, counts, strict=True):
        points = data.iloc[:count]
        size = float(np.clip(600 / count, 0.5, 9))
        for panel, name in zip(column, rows, strict=True):
            panel.scatter(points[f"{name}_1"], points[f"{name}_2"], s=size, linewidths=0,
                          color=_RED if name == "root" else _BLUE, rasterized=True)
            panel.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xticks=[0, 0.5, 1],
                      yticks=[0, 0.5, 1])
        column[0].set_title(f"{_spaced(count)} steps")
        column[-1].set_xlabel("coordinate 1")
    for panel, label in zip(axes[:, 0], rows.values(), strict=True):
        panel.set_ylabel(label)
    return figure


@drawing
def discrepancy(data: pd.DataFrame) -> Figure:
    """Draw the L2 star discrepancy over the number of steps, a panel for each K.

    `data`: cells, steps, orbit, rms, low, high, expected.
    """
    sizes = list(data["cells"].unique())
    figure, axes = plt.subplots(1, len(sizes), figsize=(DOUBLE, 2.5), sharey=True, squeeze=False)
    for panel, size in zip(axes[0], sizes, strict=True):
        part = data[data["cells"] == size]
        panel.fill_between(part["steps"], part["low"], part["high"], color="0.88", linewidth=0,
                           label="orbits from random $c$, 90 %")
        panel.plot(part["steps"], part["rms"], color="0.4", linestyle=":",
                   label="their root mean square")
        panel.plot(part["steps"], part["expected"], color=_ORANGE, linestyle="--",
                   label="independent points, expected")
        panel.plot(part["steps"], part["orbit"], color=_BLUE, linestyle="-", marker="o",
                   label=r"orbit, $c = \pi$")
        panel.set(xscale="log", yscale="log", xlabel="steps $N$", title=f"$K = {size}$")
    axes[0, 0].set_ylabel("discrepancy ($L_2$ star)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4,
                  frameon=False)
    return figure


@drawing
def waiting(data: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw measured against predicted waits, the mean of their ratio, and the ratio's law.

    `data`: "waits" (cells, eps, steps, kac), "means" (cells, eps, kac, ratio, low, high) and
    "survival" (cells, ratio, beyond).
    """
    waits, means, beyond = data["waits"], data["means"], data["survival"]
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(DOUBLE, 2.8))
    for place, cells in enumerate(waits["cells"].unique()):
        colour, marker = PALETTE[place], _MARKERS[place]
        part = waits[waits["cells"] == cells]
        left.plot(part["kac"], part["steps"], color=colour, marker=marker, linestyle="none",
                  markersize=2, alpha=0.5, markeredgewidth=0)
        part = means[means["cells"] == cells]
        middle.errorbar(part["kac"], part["ratio"], [part["ratio"] - part["low"],
                        part["high"] - part["ratio"]], color=colour, marker=marker,
                        linestyle="none", capsize=2, elinewidth=0.9, label=f"$K = {cells}$")
        part = beyond[beyond["cells"] == cells]
        right.plot(part["ratio"], part["beyond"], color=colour, linestyle=_DASHES[place],
                   drawstyle="steps-post")
    ends = np.array([waits["kac"].min(), waits["kac"].max()])
    left.plot(ends, ends, color="0.2", linestyle="-", linewidth=0.9)
    middle.axhline(1, color="0.2", linestyle="-", linewidth=0.9)
    t = np.linspace(0, beyond["ratio"].max(), 50)
    right.plot(t, np.exp(-t), color="0.2", linestyle="-", linewidth=2.2, alpha=0.45, zorder=0)
    left.set(xscale="log", yscale="log", xlabel="Kac's mean (steps)", ylabel="measured (steps)",
             title="each target")
    middle.set(xscale="log", xlabel="Kac's mean (steps)", ylabel="measured / Kac's mean",
               title="mean, 95 % interval")
    right.set(yscale="log", xlabel="$t$ = measured / Kac's mean", ylabel="share of longer waits",
              title="law, grey: $e^{-t}$", ylim=(1 / len(waits), 1.3))
    figure.legend(*middle.get_legend_handles_labels(), loc="outside upper center", ncols=7,
                  frameon=False)
    return figure


@drawing
def one_network(data: Mapping[str, pd.DataFrame], n_columns: int = 2) -> Figure:
    """Draw each function with what the network holds of it, the depth in the title.

    `data`: "cells" (function, cell, left, right, target, value, eps, depth) and "curves"
    (function, x, f).
    """
    names = list(data["cells"]["function"].unique())
    n_columns = min(n_columns, len(names))
    n_rows = -(-len(names) // n_columns)
    figure, axes = plt.subplots(
        n_rows, n_columns, figsize=(DOUBLE * min(1, n_columns * 0.55), 1.75 * n_rows + 0.5),
        sharex=True, sharey=True, squeeze=False,
    )
    for panel, name in zip(axes.flat, names, strict=False):
        cells = data["cells"].query("function == @name")
        curve = data["curves"].query("function == @name")
        panel.bar(cells["left"], 2 * cells["eps"], cells["right"] - cells["left"],
                  cells["target"] - cells["eps"], align="edge", color="0.85", edgecolor="white",
                  linewidth=0.6, label="allowed: target ± ε")
        panel.plot(curve["x"], curve["f"], color=_ORANGE, linestyle="-", linewidth=1.0,
                   label="function")
        panel.hlines(cells["value"], cells["left"], cells["right"], color=_BLUE, linewidth=2.2,
                     linestyle="-", label="network")
        panel.set(xlim=(0, 1), ylim=(-0.13, 1.13),
                  title=f"{name}: $r$ = {_spaced(int(cells['depth'].iloc[0]))}")
    for panel in axes.flat[len(names):]:
        panel.axis("off")
    for panel in axes[-1]:
        panel.set_xlabel("$x$")
    for panel in axes[:, 0]:
        panel.set_ylabel("value")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3,
                  frameon=False, title="the same weights; only the repetitions $r$ differ")
    return figure


@drawing
def cost(data: Mapping[str, pd.DataFrame], rate: float) -> Figure:
    """Draw bits of depth against the bound, and Kac's mean over K with the time that it takes.

    `data`: "depths" (kind, bound, depth_bits) and "means" (eps, cells, kac_bits, low, high).
    `rate`: positions a second that the times reckon with.
    """
    depths, means = data["depths"], data["means"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(DOUBLE, 3.0))
    for place, kind in enumerate(depths["kind"].unique()):
        part = depths[depths["kind"] == kind]
        faint = kind == "random"
        left.plot(part["bound"], part["depth_bits"], color="0.55" if faint else PALETTE[place],
                  marker="." if faint else _MARKERS[place], linestyle="none", label=kind,
                  alpha=0.6 if faint else 1, zorder=1 if faint else 2)
    ends = np.array([depths["bound"].min(), depths["bound"].max()])
    left.plot(ends, ends, color="0.2", linestyle="-", linewidth=0.9, label="bound")
    left.set(xlabel=r"$K\,\log_2(1/2\varepsilon)$ (bits)", ylabel=r"$\log_2(r+1)$ (bits)",
             title="bits that the depth holds")
    left.legend(loc="upper left", ncols=2)
    for place, eps in enumerate(means["eps"].unique()):
        part = means[means["eps"] == eps]
        right.fill_between(part["cells"], part["low"], part["high"], color=PALETTE[place],
                           alpha=0.25, linewidth=0)
        right.plot(part["cells"], part["kac_bits"], color=PALETTE[place], linestyle=_DASHES[place],
                   label=f"ε = {eps:g}")
    top = 1.05 * means["high"].max()
    right.set(xlabel="cells $K$", ylabel=r"$\log_2$ of Kac's mean", ylim=(0, top),
              title="mean wait, range over the functions")
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    for label, bits in _SPANS.items():
        height = np.log2(rate) + bits
        if height < top:
            right.axhline(height, color="0.3", linestyle=":", linewidth=0.8)
            high = height > top / 3  # the right end is then crossed by the curves
            right.annotate(label, (means["cells"].min() if high else means["cells"].max(), height),
                           ha="left" if high else "right", va="bottom", fontsize=6.5)
    right.legend(loc="upper left")
    return figure
