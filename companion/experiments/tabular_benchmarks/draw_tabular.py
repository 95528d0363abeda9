"""Figures of notebook 10: networks on tables against linear neurons, Table 6 and boosting."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from companion.figures import COLUMN, DOUBLE, PALETTE, drawing

_LARGEST_GAIN = 0.5  # at which the colours of gains end
_TASKS = {"regression": "regression (mean squared error)",
          "classification": "classification (share wrong)"}
_MARKS = {  # model: colour, marker, line style
    "LN": ("black", "s", "-"), "LN-tanh": ("0.45", "s", (0, (5, 1))),
    "KAN": (PALETTE[5], "D", (0, (3, 1, 1, 1))), "TN-als": (PALETTE[0], "^", "--"),
    "TN-gated": (PALETTE[6], "v", "-."), "TN-vsr": (PALETTE[3], ">", ":"),
    "TN-best": (PALETTE[4], "o", "-"),
    "TN": (PALETTE[4], "*", "none"), "MLP": ("black", "P", "none"),
}
_LEVELS = ("-", "--", "-.", ":", (0, (5, 1)))
_GREY = "0.5"
_OURS = ("TN", "TN-best")


def words(name: str) -> str:
    """Return a data set's or model's name as text."""
    return name.replace("_", " ")


@drawing
def gains(data: pd.DataFrame, title: str) -> Figure:
    """Draw the gain of networks over LN: a panel a model, rows data sets, columns budgets.

    `data`: model, dataset, budget, gain, clear (bold, what the test over seeds is clear about).
    """
    models = list(data["model"].unique())
    sets = sorted(data["dataset"].unique())
    figure, panels = plt.subplots(
        1, len(models), figsize=(DOUBLE, 0.165 * len(sets) + 1.15), sharey=True, squeeze=False,
        width_ratios=data.groupby("model", sort=False)["budget"].nunique(),
    )
    for axes, model in zip(panels[0], models, strict=True):
        own = data[data["model"] == model]
        tiles = own.pivot(index="dataset", columns="budget", values="gain").reindex(index=sets)
        budgets = list(tiles.columns)
        image = axes.imshow(tiles.to_numpy(dtype=float), vmin=-_LARGEST_GAIN, vmax=_LARGEST_GAIN,
                            aspect="auto")
        for row in own.itertuples():
            axes.text(budgets.index(row.budget), sets.index(row.dataset), _percent(row.gain),
                      ha="center", va="center_baseline", fontsize=5.3,
                      fontweight="bold" if row.clear else "normal",
                      color="white" if row.gain < 0.05 else "black")
        axes.set_xticks(range(len(budgets)), [f"{b:g}" if b < 1000 else f"{b / 1000:g}k"
                                              for b in budgets], fontsize=6)
        axes.set_yticks(range(len(sets)), [words(name) for name in sets])
        axes.set_title(model)
        axes.tick_params(length=0)
        axes.grid(False)
        axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=panels[0], fraction=0.025, pad=0.01, extend="both",
                    format=lambda value, _: _percent(value) + " %")
    figure.supxlabel("parameters of LN, at most; a number: how much smaller the error is than that "
                     "of LN, %; bold: clear over seeds", fontsize=7)
    figure.suptitle(title, fontsize=8)
    return figure


def _percent(share: float) -> str:
    """Return a share as a whole percentage with its sign."""
    number = round(100 * share)
    return f"{number:+d}".replace("-", "−") if number else "0"


@drawing
def beside_table6(data: pd.DataFrame, title: str) -> Figure:
    """Draw our error over that of the best TN of Table 6, a row a data set, both with spreads.

    `data`: dataset, label, ratio, spread, paper_spread, linear (NaN: none), comparable, reached.
    """
    figure, axes = plt.subplots(figsize=(DOUBLE * 0.72, 0.19 * len(data) + 1.25))
    places = np.arange(len(data))[::-1]
    axes.axvline(1, color="black", linewidth=0.8)
    axes.barh(places, 2 * data["paper_spread"], left=1 - data["paper_spread"], height=0.62,
              color="0.85", zorder=0, label="paper, ± 1 standard deviation")
    axes.plot(data["linear"], places, "x", color=_GREY, markersize=4, label="linear model (ours)")
    for reached, marker, fill, label in ((True, "o", PALETTE[0], "ours, at or better"),
                                         (False, "s", "white", "ours, worse")):
        own = (data["reached"] == reached).to_numpy()
        if own.any():
            axes.errorbar(data["ratio"][own], places[own], xerr=data["spread"][own], fmt=marker,
                          markersize=4.5, color="black", markerfacecolor=fill, elinewidth=0.9,
                          markeredgewidth=0.8, label=f"{label}, ± 1 standard deviation")
    axes.set_yticks(places, [words(name) + ("" if same else " (stand-in)") for name, same in
                             zip(data["dataset"], data["comparable"], strict=True)])
    right = axes.secondary_yaxis("right")
    right.set_yticks(places, data["label"], fontsize=6.5)
    right.tick_params(length=0)
    right.spines["right"].set_visible(False)
    low = min((data["ratio"] - data["spread"]).clip(lower=data["ratio"] / 4).min(),
              (1 - data["paper_spread"]).clip(lower=0.25).min())
    high = np.nanmax([*(data["ratio"] + data["spread"]), *(1 + data["paper_spread"]),
                      *data["linear"]])
    axes.set(xscale="log", xlim=(low / 1.1, high * 1.1), ylim=(-0.7, len(data) - 0.3),
             xlabel="error / error of the best TN of Table 6", title=title)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


@drawing
def ranks(data: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Draw mean ranks over data sets with the ranks on each; bars join what does not differ.

    `data`: "means" (model, rank; best first), "each" (dataset, model, rank) and "test" (a row:
    datasets, critical_difference).
    """
    means, each, test = data["means"], data["each"], data["test"].iloc[0]
    difference = float(test["critical_difference"])
    models = list(means["model"])
    figure, axes = plt.subplots(figsize=(DOUBLE * 0.72, 0.21 * len(models) + 1.0))
    groups = _groups(means["rank"].to_numpy(), difference)
    counts = each.groupby(["model", "rank"]).size().reset_index(name="sets")
    axes.scatter(counts["rank"], [models.index(m) for m in counts["model"]],
                 s=9 * counts["sets"], facecolor="none", edgecolor="0.6", linewidth=0.7)
    for place, (model, rank) in enumerate(zip(models, means["rank"], strict=True)):
        own = model.split()[0] in _OURS
        axes.plot(rank, place, "D", color="black", markersize=5.5,
                  markerfacecolor=PALETTE[4] if own else "black")
    edge = len(models) + 0.6
    for i, (first, last) in enumerate(groups):
        axes.plot([edge + 0.35 * i] * 2, [first - 0.25, last + 0.25], color="black", linewidth=2.5,
                  linestyle="-", solid_capstyle="butt", clip_on=False)
    axes.set_yticks(range(len(models)), [words(model) for model in models])
    for tick, model in zip(axes.get_yticklabels(), models, strict=True):
        tick.set_fontweight("bold" if model.split()[0] in _OURS else "normal")
    axes.set(xlim=(0.5, edge + 0.35 * max(len(groups) - 1, 0) + 0.3),
             ylim=(len(models) - 0.4, -0.6), xticks=range(1, len(models) + 1),
             xlabel="rank (1: smallest error); diamond: mean; circle: data sets, by area",
             title=f"{title}: {test['datasets']:.0f} data sets, critical difference "
                   f"{difference:.2f}")
    return figure


def _groups(values: np.ndarray, difference: float) -> list[tuple[int, int]]:
    """Return the largest runs (first, last) of ordered values that differ by less."""
    runs: list[tuple[int, int]] = []
    for first in range(len(values)):
        last = int(np.flatnonzero(values - values[first] < difference)[-1])
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs


@drawing
def error_by_parameters(data: Mapping[str, pd.DataFrame], title: str, unit: str) -> Figure:
    """Draw mean relative error against parameters, a panel a task, lines for models without count.

    `data`: "points" (task, model, budget, n_parameters, ratio, low, high, all_sets) and "levels"
    (task, model, ratio). `unit`: the model whose error is 1.
    """
    points, levels = data["points"], data["levels"]
    tasks = [task for task in _TASKS if task in set(points["task"])]
    figure, panels = plt.subplots(
        1, len(tasks), figsize=(DOUBLE if len(tasks) > 1 else COLUMN, 3.5), sharex=True,
        squeeze=False,
    )
    names = list(levels["model"].unique())
    for axes, task in zip(panels[0], tasks, strict=True):
        own = points[points["task"] == task]
        models = [model for model in _MARKS if model in set(own["model"])]
        for i, model in enumerate(models):
            line = own[own["model"] == model].sort_values("n_parameters")
            # apart, so that intervals at the same budget are seen
            apart = 1.035 ** (i - (len(models) - 1) / 2)
            _line(axes, model, line.assign(n_parameters=line["n_parameters"] * apart))
        for row in levels[levels["task"] == task].itertuples():
            axes.axhline(row.ratio, color=_GREY, linewidth=0.9,
                         linestyle=_LEVELS[names.index(row.model) % len(_LEVELS)])
        axes.set(xscale="log", yscale="log", title=_TASKS[task],
                 xlabel="parameters (geometric mean)")
        wide = own["high"].max() > 4 * own["low"].min()
        axes.yaxis.set_major_locator(
            LogLocator(subs=(1, 2, 5) if wide else (1, 1.1, 1.2, 1.5, 2, 3, 4, 5, 6, 7, 8))
        )
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())
    panels[0, 0].set_ylabel(f"error / error of the {unit} model")
    handles = [Line2D([], [], color=colour, marker=mark, linestyle=style, markersize=4, label=name)
               for name, (colour, mark, style) in _MARKS.items() if name in set(points["model"])]
    handles += [Line2D([], [], color=_GREY, linewidth=0.9, label=words(name),
                       linestyle=_LEVELS[i % len(_LEVELS)]) for i, name in enumerate(names)]
    figure.legend(handles=handles, loc="outside lower center", ncols=6, frameon=False)
    figure.suptitle(f"{title}; means over data sets, 95 % intervals; open: not on all sets",
                    fontsize=8)
    return figure


def _line(axes: Axes, model: str, line: pd.DataFrame) -> None:
    colour, marker, dash = _MARKS[model]
    axes.plot(line["n_parameters"], line["ratio"], color=colour, linestyle=dash)
    axes.vlines(line["n_parameters"], line["low"], line["high"], color=colour, linewidth=0.8,
                linestyle="-", alpha=0.45)
    for whole, face in ((True, colour), (False, "white")):
        part = line[line["all_sets"] == whole]
        axes.plot(part["n_parameters"], part["ratio"], color=colour, marker=marker,
                  linestyle="none", markerfacecolor=face,
                  markersize=8 if marker == "*" else 4.5)
