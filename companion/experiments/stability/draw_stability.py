"""Figures of stability: agreement against correctness, the formulas found, stated and found."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from string import ascii_uppercase

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from companion.figures import COLUMN, DOUBLE, drawing

_MARKERS = "os^DvPX*<>phHd8"
_GREY = "#8a8a8a"
_TRUE = "#0072B2"
_FILLS = ("#E69F00", "#FFFFFF", "#9FD3EE", "#C9C9C9", "#E7B8D2", "#8FD0BC", "#F0A67A")
_HATCHES = ("", "", "////", "", "....", "\\\\\\\\", "xxxx")


@drawing
def agreement_and_correctness(
    data: dict[str, pd.DataFrame], titles: dict[str, str], group: str = "noise"
) -> Figure:
    """Draw for each method how far its runs agree (x) and how many are right (y).

    A mark is a formula (shape) at a value of `group` (the darker, the larger); the cross is the
    mean with its intervals. `data`: "cells" (method, formula, `group`, agreement, exact) and
    "means" (method, agreement, exact and their _low and _high). `titles`: method to title.
    """
    cells, means = data["cells"], data["means"].set_index("method")
    rows = -(-len(titles) // 4)
    columns = -(-len(titles) // rows)
    figure, axes = plt.subplots(
        rows, columns, figsize=(DOUBLE, 1.95 * rows + 0.55), sharex=True, sharey=True,
        squeeze=False,
    )
    formulas, levels = list(cells["formula"].unique()), sorted(cells[group].unique())
    shades = dict(zip(levels, np.linspace(1, 0, len(levels)), strict=True))
    for axis, (method, title) in zip(axes.flat, titles.items(), strict=False):
        _corners(axis)
        own = cells[cells["method"] == method]
        x, y = _apart(own["agreement"].to_numpy(), own["exact"].to_numpy())
        for px, py, row in zip(x, y, own.to_dict("records"), strict=True):
            axis.plot(px, py, _MARKERS[formulas.index(row["formula"]) % len(_MARKERS)],
                      markersize=4.6, markeredgewidth=0.7, markeredgecolor="black",
                      markerfacecolor=str(shades[row[group]]), clip_on=False, zorder=3)
        mean = means.loc[method]
        bars = [[[mean[n] - mean[f"{n}_low"]], [mean[f"{n}_high"] - mean[n]]]
                for n in ("agreement", "exact")]
        axis.errorbar(mean["agreement"], mean["exact"], xerr=bars[0], yerr=bars[1],
                      color="#D55E00", linewidth=1.6, zorder=2, clip_on=False)
        axis.set_title(title)
    for empty in range(len(titles), rows * columns):
        axes.flat[empty].set_axis_off()
        axes.flat[empty - columns].tick_params(labelbottom=True)
    figure.supxlabel("agreement: share of runs with the commonest formula", fontsize=8)
    figure.supylabel("share of runs that are right", fontsize=8)
    marks = {"color": "black", "linestyle": "none", "markersize": 4.6}
    handles = [Line2D([], [], marker=_MARKERS[i % len(_MARKERS)], markerfacecolor="white",
                      label=formula, **marks) for i, formula in enumerate(formulas)]
    handles += [Patch(facecolor=str(shades[level]), edgecolor="black", linewidth=0.7,
                      label=f"{group} {level:g}") for level in levels]
    handles.append(Line2D([], [], color="#D55E00", linewidth=1.6, marker="+", markersize=9,
                          linestyle="none", markeredgewidth=1.6, label="mean, 95 % interval"))
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 8),
                  frameon=False, handlelength=1.3, handletextpad=0.4, columnspacing=1.2)
    return figure


def _corners(axis: plt.Axes) -> None:
    """Shade what cannot be, draw where the commonest formula is the true one, name the corners."""
    for x, y in (([0, 1, 0], [0, 1, 1]), ([0.5, 1, 1], [0.5, 0, 1])):
        axis.fill(x, y, color="#efefef", zorder=0, linewidth=0)
    axis.plot([0, 1], [0, 1], color=_GREY, linewidth=0.8, linestyle="-", zorder=1)
    words = {"fontsize": 6.5, "style": "italic", "color": "#444444", "ha": "right"}
    axis.text(0.98, 0.24, "stably wrong", va="bottom", **words)
    axis.text(0.66, 0.98, "stably right", va="top", **words)
    axis.set(xlim=(-0.06, 1.06), ylim=(-0.08, 1.08), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    axis.grid(False)


def _apart(x: np.ndarray, y: np.ndarray) -> tuple[list[float], list[float]]:
    """Return places for marks at x (n,), y (n,), as near to these as leaves none upon another."""
    gap = 0.062, 0.085  # the size of a mark
    steps = sorted(((i, j) for i in range(-9, 10) for j in range(5)), key=lambda s: np.hypot(*s))
    placed: list[tuple[float, float]] = []
    for px, py in zip(x, y, strict=True):
        inward = gap[1] if py < 0.5 else -gap[1]
        free = (
            (px + i * gap[0], py + j * inward) for i, j in steps
            if -0.05 <= px + i * gap[0] <= 1.05 and all(
                abs(px + i * gap[0] - a) > 0.99 * gap[0] or abs(py + j * inward - b) > 0.99 * gap[1]
                for a, b in placed)
        )
        placed.append(next(free, (px, py)))
    return [a for a, _ in placed], [b for _, b in placed]


@drawing
def formulas_found(
    data: pd.DataFrame, titles: dict[str, str], group: str, parts: list[str] | None = None
) -> Figure:
    """Draw which formula every run found: a panel a formula, a row a method, a column a run.

    Dark tiles are the true formula; each other one has its letter. `data`: method, formula,
    `group` (a number: the columns are in groups), column (within the group), structure, truth.
    `titles`: method to the label of its row; `parts`: what equal parts of a group's columns are.
    """
    formulas, levels = list(data["formula"].unique()), sorted(data[group].unique())
    width = int(data["column"].max()) + 1
    stride = width * 1.06 + 0.3
    figure, axes = plt.subplots(
        len(formulas), 1, figsize=(DOUBLE, len(formulas) * (0.19 * len(titles) + 0.3) + 0.3),
        squeeze=False, sharex=True,
    )
    for axis, formula in zip(axes[:, 0], formulas, strict=True):
        own = data[data["formula"] == formula]
        names = _letters(own)
        for i, method in enumerate(titles):
            for j, level in enumerate(levels):
                cell = own[(own["method"] == method) & (own[group] == level)]
                _strip(axis, cell, i, j * stride, names)
        axis.set(xlim=(-0.2, len(levels) * stride), ylim=(len(titles) - 0.4, -0.6))
        axis.set_yticks(range(len(titles)), list(titles.values()))
        axis.tick_params(length=0)
        axis.grid(False)
        axis.spines[["left", "bottom"]].set_visible(False)
        axis.annotate(formula, (0, 1), xycoords="axes fraction", xytext=(-4, 3), fontsize=8,
                      textcoords="offset points", ha="right", va="bottom", fontweight="bold")
        _key(axis, own, names)
    parts = [""] if parts is None else parts
    share = width / len(parts)
    places = [j * stride + (k + 0.5) * share for j in range(len(levels)) for k in range(len(parts))]
    axes[-1, 0].set_xticks(places, parts * len(levels))
    for j, level in enumerate(levels):
        axes[0, 0].annotate(f"{group} {level:g}", (j * stride + width / 2, -0.6), ha="center",
                            va="bottom", fontsize=8, xytext=(0, 2), textcoords="offset points",
                            annotation_clip=False)
    return figure


def _letters(data: pd.DataFrame, most: int = 7) -> Mapping[str, tuple[str, str, str]]:
    """Return for each structure its letter, fill and hatch; those beyond `most` are "+"."""
    truth = data["truth"].iloc[0]
    names = {truth: ("✓", _TRUE, "")}
    others = [name for name in data["structure"].value_counts(sort=True).sort_index().sort_values(
        ascending=False, kind="stable").index if name != truth]
    for i, name in enumerate(others):
        names[name] = (
            (ascii_uppercase[i], _FILLS[i], _HATCHES[i]) if i < most else ("+", "#707070", "")
        )
    return names


def _strip(
    axis: plt.Axes, runs: pd.DataFrame, row: int, left: float,
    names: Mapping[str, tuple[str, str, str]],
) -> None:
    """Draw the runs of a method as tiles; a letter stands once for equal neighbours."""
    tiles = dict(zip(runs["column"], runs["structure"], strict=True))
    for column, structure in tiles.items():
        letter, fill, hatch = names[structure]
        axis.add_patch(Rectangle((left + column, row - 0.4), 1, 0.8, facecolor=fill, hatch=hatch,
                                 edgecolor="#555555", linewidth=0.4))
    streaks = groupby(sorted(tiles), key=lambda c: (names[tiles[c]][0], _first(tiles, c)))
    for (letter, _), columns in streaks:
        columns = list(columns)
        middle = columns[(len(columns) - 1) // 2]
        _, fill, hatch = names[tiles[middle]]
        axis.text(left + middle + 0.5, row, letter, ha="center", va="center_baseline", fontsize=6,
                  color="white" if letter in "✓+" else "black", fontweight="bold",
                  bbox={"facecolor": fill, "edgecolor": "none", "pad": 0.4} if hatch else None)


def _first(tiles: Mapping[int, str], column: int) -> int:
    """Return the first of the columns without a gap that `column` belongs to."""
    while column - 1 in tiles:
        column -= 1
    return column


def _key(
    axis: plt.Axes, data: pd.DataFrame, names: Mapping[str, tuple[str, str, str]]
) -> None:
    """List the formulas of a panel beside it, with their letters and shares of the runs."""
    counts = data["structure"].value_counts()
    handles = []
    for name, (letter, fill, hatch) in names.items():
        if letter == "+":
            continue
        share = counts.get(name, 0) / len(data)
        handles.append(Patch(facecolor=fill, hatch=hatch, edgecolor="#555555", linewidth=0.4,
                             label=f"{letter}  {name} ({share:.0%})"))
    rest = sum(letter == "+" for letter, *_ in names.values())
    if rest:
        handles.append(Patch(facecolor="#707070", label=f"+  {rest} other formulas"))
    axis.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False,
                fontsize=6, handlelength=1.0, labelspacing=0.25, borderaxespad=0.3)


@drawing
def stated_and_found(data: dict[str, pd.DataFrame]) -> Figure:
    """Draw how often one search states a stream against how often fresh data show it.

    `data`: "streams" (true, stated, stated_low, stated_high, found, found_low, found_high; a mark
    each) and "bins" (stated, elsewhere, entries; joined by a line, with the number of entries).
    """
    streams, bins = data["streams"], data["bins"]
    figure, axis = plt.subplots(figsize=(COLUMN, COLUMN + 0.3))
    axis.plot([0, 1], [0, 1], color=_GREY, linestyle=":", linewidth=1)
    for true, marker, fill, label in ((True, "o", _TRUE, "true stream"),
                                      (False, "s", "white", "false stream")):
        own = streams[streams["true"] == true]
        bars = {f"{axis_}err": [own[name] - own[f"{name}_low"], own[f"{name}_high"] - own[name]]
                for axis_, name in (("x", "stated"), ("y", "found"))}
        axis.errorbar(own["stated"], own["found"], **bars, fmt=marker, markersize=4.5,
                      color="black", markerfacecolor=fill, ecolor="#b5b5b5", elinewidth=0.7,
                      markeredgewidth=0.7, label=label, clip_on=False)
    axis.plot(bins["stated"], bins["elsewhere"], "D-", color="#D55E00", markersize=5,
              linewidth=1.4, label="mean of all runs, by stated share", zorder=4)
    for row in bins.itertuples():
        place = "left" if row.stated < 0.1 else "right" if row.stated > 0.9 else "center"
        axis.annotate(f"n = {row.entries}", (row.stated, row.elsewhere), fontsize=6.5, zorder=5,
                      textcoords="offset points", xytext=(0, -6), ha=place, va="top",
                      color="#A34700", bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})
    axis.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04),
             xlabel="share of one data set's resamples that choose it",
             ylabel="share of other data sets that show it")
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=6.5)
    return figure
