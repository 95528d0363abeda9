"""Figures of notebook 01: level sets, decision boundaries, learnt monomials, cost, rank."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator

from companion.figures import COLUMN, DOUBLE, PALETTE, drawing

_BLUE, _ORANGE = PALETTE[0], PALETTE[1]
_FORMS = {  # form: colour, line style, marker
    "full tensor": ("black", "-", "s"),
    "distinct monomials": ("0.45", ":", None),
    "CP": (_BLUE, "--", "o"),
}


def _wrapped(structure: str) -> str:
    """Return the text of a structure on lines of one kind of stream each."""
    return structure.replace("+", "\n+ ")


def _surface(axes: Axes, table: pd.DataFrame, column: str) -> tuple[np.ndarray, ...]:
    """Return x1, x2 (n,) and the values (n, n) of a column on a square grid; square axes."""
    grid = table.pivot(index="x2", columns="x1", values=column)
    axes.set_aspect("equal")
    axes.grid(False)
    return grid.columns.to_numpy(), grid.index.to_numpy(), grid.to_numpy()


@drawing
def level_sets(data: pd.DataFrame, n_columns: int = 3) -> Figure:
    """Draw one panel of level sets for each column of `data` beside x1 and x2."""
    names = [name for name in data.columns if name not in ("x1", "x2")]
    n_rows = -(-len(names) // n_columns)
    figure, axes = plt.subplots(
        n_rows, n_columns, figsize=(DOUBLE, 2.3 * n_rows + 0.35), sharex=True, sharey=True,
        squeeze=False,
    )
    figure.suptitle("Level sets of one neuron with random weights, by structure", fontsize=9)
    levels = np.linspace(-3, 3, 13)
    for panel, name in zip(axes.flat, names, strict=True):
        x1, x2, values = _surface(panel, data, name)
        filled = panel.contourf(x1, x2, values, levels, extend="both")
        panel.contour(x1, x2, values, levels, colors="white", linewidths=0.3, linestyles="-")
        panel.contour(x1, x2, values, [0.0], colors="black", linewidths=1.6)
        panel.set_title(name)
    for panel in axes[:, 0]:
        panel.set_ylabel("$x_2$")
    for panel in axes[-1]:
        panel.set_xlabel("$x_1$")
    bar = figure.colorbar(filled, ax=axes, shrink=0.75, ticks=[-3, -2, -1, 0, 1, 2, 3])
    bar.set_label("output (standard deviations)")
    return figure


@drawing
def decision_boundaries(data: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw tasks (rows) against structures (columns): learnt and best boundary, test accuracy.

    `data`: "grid" (task, x1, x2, optimal, one column a structure), "points" (task, x1, x2, class)
    and "accuracy" (task, structure, parameters, mean, std, optimal).
    """
    grid, points = data["grid"], data["points"]
    accuracy = data["accuracy"].set_index(["task", "structure"])
    tasks = list(grid["task"].unique())
    structures = list(grid.columns[4:])
    figure, axes = plt.subplots(
        len(tasks), len(structures), figsize=(DOUBLE, 1.5 * len(tasks) + 0.75), squeeze=False
    )
    for row, task in zip(axes, tasks, strict=True):
        here = points[points["task"] == task]
        for panel, structure in zip(row, structures, strict=True):
            facts = accuracy.loc[task, structure]
            table = grid[grid["task"] == task]
            x1, x2, values = _surface(panel, table, structure)
            if values.min() < 0 < values.max():
                panel.contourf(x1, x2, values, [0, values.max()], colors=["0.88"])
                panel.contour(x1, x2, values, [0], colors="black", linewidths=1.3)
            best = _surface(panel, table, "optimal")[2]
            panel.contour(x1, x2, best, [0], colors=[_ORANGE], linewidths=1.3, linestyles="--")
            for label, marker, colour in ((0, "o", _BLUE), (1, "^", PALETTE[4])):
                chosen = here[here["class"] == label]
                panel.scatter(chosen["x1"], chosen["x2"], s=4, marker=marker, color=colour,
                              linewidths=0, alpha=0.75)
            extent = x1.max()
            panel.set(xlim=(-extent, extent), ylim=(-extent, extent), xticks=[], yticks=[])
            solved = facts["mean"] > facts["optimal"] - 0.01
            panel.set_xlabel(f"{facts['mean']:.3f} ± {facts['std']:.3f}", labelpad=2, fontsize=7,
                             fontweight="bold" if solved else "normal")
            for spine in panel.spines.values():
                spine.set(visible=True, linewidth=1.6 if solved else 0.6)
        row[0].set_ylabel(f"{task}\n(best {facts['optimal']:.3f})")
    for panel, structure in zip(axes[0], structures, strict=True):
        weights = int(accuracy.loc[tasks[0], structure]["parameters"])
        panel.set_title(f"{_wrapped(structure)}\n{weights} parameters", fontsize=7)
    handles = [
        Line2D([], [], color="black", linewidth=1.3, label="boundary of the neuron"),
        Line2D([], [], color=_ORANGE, linewidth=1.3, linestyle="--", label="best boundary"),
        Line2D([], [], color=_BLUE, marker="o", linestyle="", label="class 0"),
        Line2D([], [], color=PALETTE[4], marker="^", linestyle="",
               label="class 1 (neuron: shaded side)"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    return figure


def _monomial(power1: int, power2: int) -> str:
    factors = [f"x_{i}" + (f"^{p}" if p > 1 else "") for i, p in ((1, power1), (2, power2)) if p]
    return f"${' '.join(factors) or '1'}$"


@drawing
def learnt_monomials(data: pd.DataFrame) -> Figure:
    """Draw the coefficients of every seed by task and monomial, where symmetry allows them shaded.

    `data`: task, seed, power1, power2, coefficient, allowed.
    """
    tasks = list(data["task"].unique())
    figure, axes = plt.subplots(1, len(tasks), figsize=(DOUBLE, 2.1), sharey=True, squeeze=False)
    for panel, task in zip(axes[0], tasks, strict=True):
        groups = data[data["task"] == task].groupby(["power1", "power2"], sort=False)
        for place, (_, group) in enumerate(groups):
            values = group["coefficient"]
            if group["allowed"].all():
                panel.axvspan(place - 0.5, place + 0.5, color="0.88", linewidth=0)
            side = np.linspace(-0.28, 0.28, len(values))
            panel.plot(place + side, values, ".", color=_BLUE, markersize=3, alpha=0.6)
            panel.errorbar(place, values.mean(), values.std(), fmt="_", color="black",
                           markersize=9, elinewidth=1, capsize=2)
        panel.axhline(0, color="0.3", linewidth=0.6, linestyle="-")
        panel.set_xticks(range(len(groups)), [_monomial(*powers) for powers, _ in groups],
                         fontsize=6.2)
        panel.grid(False, axis="x")
        panel.set(title=task, xlim=(-0.5, len(groups) - 0.5))
    axes[0, 0].set_ylabel("coefficient (unit vector)")
    figure.supxlabel("monomial (shaded: allowed by the symmetry of the task)", fontsize=8)
    return figure


@drawing
def cost_of_interactions(data: Mapping[str, pd.DataFrame], rank: int, machine: str) -> Figure:
    """Draw weights and measured time against D, a column of panels for each order.

    `data`: "weights" (order, dimension, form, weights) and "times" (order, dimension, form,
    microseconds, low, high). `machine`: what the times were measured on.
    """
    weights, times = data["weights"], data["times"]
    orders = list(weights["order"].unique())
    figure, axes = plt.subplots(2, len(orders), figsize=(DOUBLE, 3.9), sharex=True, sharey="row",
                                squeeze=False)
    for (upper, lower), order in zip(axes.T, orders, strict=True):
        for form, (colour, dashes, marker) in _FORMS.items():
            line = {"color": colour, "linestyle": dashes, "marker": marker, "markersize": 3}
            table = weights[(weights["order"] == order) & (weights["form"] == form)]
            upper.loglog(table["dimension"], table["weights"], label=form, **line)
            table = times[(times["order"] == order) & (times["form"] == form)]
            if len(table):
                spread = [table["microseconds"] - table["low"],
                          table["high"] - table["microseconds"]]
                lower.errorbar(table["dimension"], table["microseconds"], spread, capsize=1.5,
                               **line)
        upper.set_title(f"order $k$ = {order}")
        lower.set(xscale="log", yscale="log", xlabel="features $D$")
        dimensions = weights["dimension"].unique()
        lower.set_xticks(dimensions[::2], [str(d) for d in dimensions[::2]])
        lower.minorticks_off()
        upper.minorticks_off()
    axes[0, 0].set_ylabel("weights")
    axes[1, 0].set_ylabel("time for one input (µs)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    labels = [f"CP form, rank {rank}" if label == "CP" else label for label in labels]
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    figure.supxlabel(f"times: median and quartiles, one thread, {machine}", fontsize=6.5)
    return figure


@drawing
def rank_needed(data: pd.DataFrame) -> Figure:
    """Draw the error of order-2 neurons against their rank, with the smallest possible one.

    `data`: form, rank, seed, error, best; mean over seeds, bars: smallest and largest.
    """
    figure, axes = plt.subplots(figsize=(COLUMN, 2.5))
    markers = zip(data["form"].unique(), "os^", PALETTE[:3], strict=True)
    for form, marker, colour in markers:
        groups = data[data["form"] == form].groupby("rank")
        mean, low, high = (getattr(groups["error"], name)() for name in ("mean", "min", "max"))
        axes.plot(mean.index, groups["best"].mean(), color=colour, linestyle="-", linewidth=1)
        axes.errorbar(mean.index, mean, [mean - low, high - mean], fmt=marker, color=colour,
                      markersize=4, capsize=2, elinewidth=0.8, label=form)
    handles, labels = axes.get_legend_handles_labels()
    handles.append(Line2D([], [], color="0.3", linestyle="-", linewidth=1))
    axes.legend(handles, [*labels, "best possible"], loc="upper right", frameon=False)
    axes.set(xlabel="rank $R$ (products of two linear forms)", ylabel="relative test error",
             ylim=(-0.03, 1.05))
    axes.xaxis.set_major_locator(MultipleLocator(1))
    axes.set_title(r"Quadratic forms $\mathbf{x}^\top A\,\mathbf{x}$ by one neuron")
    return figure
