"""Figures of notebook 06: exact structures by setting, errors, and starts of products."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from companion.experiments.shares import below_and_above
from companion.figures import COLUMN, DOUBLE, PALETTE, drawing

_GREY = "0.55"
_MARKERS = ("o", "s", "^", "v", "P")
_ERRORS = {  # error: words, colour, line style, marker
    "exact": ("exact", "black", "-", "D"),
    "twin": ("extra twin of a true order", "#D55E00", "--", "o"),
    "parity": ("extra order of a true parity", PALETTE[0], "-.", "s"),
    "other": ("any other extra stream", "#009E73", ":", "^"),
    "lost": ("a true stream lost", "0.45", (0, (5, 1)), "v"),
}
_LABELS = {
    "penalty": "penalty λ", "rank": "rank R", "order": "highest order K", "norm": "normalisation",
    "warm_up": "warm-up (share)", "initial_probability": "initial probability",
    "batch_size": "batch size", "minimum_gain": "minimum gain", "search_rows": "search rows",
}
_WIDE = "together"
_SHORT = {"penalty ": "λ ", "rank ": "R ", "norm off": "no norm", "order ": "K ", ", ": "\n"}


@drawing
def ablated_settings(
    data: pd.DataFrame, alone: float | None = None, columns: int = 4
) -> Figure:
    """Draw a panel a factor: share of exact structures by its value, with 95 % intervals.

    `data`: case, factor, value (text), x (place), default (bool), exact, low, high, f1; each case
    has a marker, the default setting is filled, F1 a grey dash. `alone`: a share to mark by a
    dotted line, that of the formulas of one stream.
    """
    factors, cases = list(data["factor"].unique()), list(data["case"].unique())
    columns = min(columns, len(factors) + (_WIDE in factors))
    places = _places(factors, columns)
    rows = 1 + max(row for row, _ in places.values())
    figure = plt.figure(figsize=(max(COLUMN, DOUBLE * columns / 4), 1.65 * rows + 0.45))
    grid, axes = figure.add_gridspec(rows, columns), []
    for factor, (row, place) in places.items():
        axis = figure.add_subplot(grid[row, place], sharey=axes[0] if axes else None)
        axes.append(axis)
        own = data[data["factor"] == factor]
        for i, case in enumerate(cases):
            shift = 0.22 * (i - (len(cases) - 1) / 2)
            _case(axis, own[own["case"] == case], shift, i)
        values = own.drop_duplicates("x").sort_values("x")
        axis.set_xticks(values["x"], [_shortened(value) for value in values["value"]])
        for tick, default in zip(axis.get_xticklabels(), values["default"], strict=True):
            tick.set_fontweight("bold" if default else "normal")
            tick.set_fontsize(7 if len(values) < 5 else 6)
        axis.set_xlim(-0.5, len(values) - 0.5)
        axis.set_xlabel(_LABELS.get(factor, factor))
        axis.grid(axis="x", visible=False)
        if place.start == 0:
            axis.set_ylabel("share exact")
        else:
            axis.tick_params(labelleft=False)
        if alone is not None:
            axis.axhline(alone, color="black", linewidth=0.8, linestyle=":")
    axes[0].set_ylim(-0.04, 1.06)
    figure.legend(handles=_legend(cases, alone), loc="outside upper center",
                  ncols=4 if columns > 2 else 2, frameon=False)
    return figure


def _places(factors: list[str], columns: int) -> dict[str, tuple[int, slice]]:
    """Return row and columns of each panel; that of the combinations, the last, is wide."""
    places = {}
    for i, factor in enumerate(factors):
        row, column = divmod(i, columns)
        if factor == _WIDE and columns - column < 2:
            row, column = row + 1, 0
        places[factor] = row, slice(column, columns if factor == _WIDE else column + 1)
    return places


def _shortened(value: str) -> str:
    """Return a combination of settings in short lines; other values as they are."""
    for words, short in _SHORT.items():
        value = value.replace(words, short)
    return value


def _case(axis: Axes, own: pd.DataFrame, shift: float, number: int) -> None:
    """Draw the settings of one case, moved sideways by `shift`; `number` sets colour and marker."""
    marks = _marks(number)
    axis.plot(own["x"] + shift, own["f1"], "_", color=_GREY, markersize=9, markeredgewidth=1.6)
    for default, rows in own.groupby("default"):
        axis.errorbar(
            rows["x"] + shift, rows["exact"], yerr=below_and_above(rows, "exact"), **marks,
            markerfacecolor=marks["color"] if default else "white", capsize=2, linewidth=0.9,
        )


def _marks(number: int) -> dict[str, Any]:
    """Return colour and marker of a case by its place."""
    return {"color": ("black", PALETTE[0], "#D55E00")[number % 3], "marker": _MARKERS[number % 5],
            "markersize": 4.5, "linestyle": "none"}


def _legend(cases: list[str], alone: float | None) -> list[Line2D]:
    """Return the entries of the legend of `ablated_settings`."""
    handles = [Line2D([], [], markerfacecolor="white", label=case, **_marks(i))
               for i, case in enumerate(cases)]
    handles.append(Line2D([], [], label="filled, bold: the default", **_marks(0)))
    handles.append(Line2D([], [], color=_GREY, marker="_", linestyle="none", markersize=9,
                          markeredgewidth=1.6, label="F1 over streams"))
    if alone is not None:
        handles.append(Line2D([], [], color="black", linestyle=":", linewidth=0.8,
                              label="formulas of one stream"))
    return handles


@drawing
def ablated_errors(data: pd.DataFrame, factor: str) -> Figure:
    """Draw the share of fits with each error, and with none, by the value of one factor.

    `data`: factor, value (text), x (place) and a column for each of exact, twin, parity, other and
    lost.
    """
    figure, axis = plt.subplots(figsize=(COLUMN, 2.7))
    own = data[data["factor"] == factor].sort_values("x")
    for name, (words, color, line, marker) in _ERRORS.items():
        axis.plot(own["x"], own[name], color=color, linestyle=line, marker=marker, label=words,
                  linewidth=2.0 if name == "exact" else 1.2)
    axis.set_xticks(own["x"], own["value"])
    axis.set(xlabel=_LABELS.get(factor, factor), ylabel="share of fits", ylim=(-0.04, 1.04))
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure


@drawing
def product_starts(data: pd.DataFrame, words: dict[str, str]) -> Figure:
    """Draw the share of starts that reach the product by the number of rows, with 95 % intervals.

    A column a case, a row for plain and for weighted fits. `data`: case, rows, source, weighted,
    share, low, high. `words`: source to its label.
    """
    cases = list(data["case"].unique())
    figure, axes = plt.subplots(
        2, len(cases), figsize=(max(COLUMN, 2.3 * len(cases)), 3.9), sharey=True, squeeze=False
    )
    drawn = [source for source in words if source in set(data["source"])]
    for weights, row in zip((False, True), axes, strict=True):
        for axis, case in zip(row, cases, strict=True):
            own = data[(data["case"] == case) & (data["weighted"] == weights)]
            _reached(axis, own, drawn)
            axis.set_title(f"{case}, {'weighted' if weights else 'plain'}")
    for axis in axes[1]:
        axis.set_xlabel("rows N")
    for axis in axes[:, 0]:
        axis.set(ylabel="starts that reach it", ylim=(-0.04, 1.06))
    handles = [Line2D([], [], label=words[source], **_look(i)) for i, source in enumerate(drawn)]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False)
    return figure


def _reached(axis: Axes, own: pd.DataFrame, drawn: list[str]) -> None:
    """Draw the shares of one case by the number of rows, a line for each of the sources `drawn`."""
    places = {rows: i for i, rows in enumerate(sorted(own["rows"].unique()))}
    for i, source in enumerate(drawn):
        chosen = own[own["source"] == source]
        if chosen.empty:
            continue
        x = chosen["rows"].map(places) + 0.11 * (i - (len(drawn) - 1) / 2)
        axis.errorbar(x, chosen["share"], yerr=below_and_above(chosen, "share"), elinewidth=0.7,
                      **_look(i))
    axis.set_xticks(list(places.values()), [str(rows) for rows in places])
    axis.set_xlim(-0.5, len(places) - 0.5)


def _look(number: int) -> dict[str, Any]:
    """Return how the line of a source is drawn, by its place."""
    color = ("0.5", "#D55E00", PALETTE[0], "black")[number % 4]
    return {"color": color, "marker": _MARKERS[number % 5], "markersize": 4,
            "linestyle": ("--", "-", "-.", ":")[number % 4], "linewidth": 1.2}
