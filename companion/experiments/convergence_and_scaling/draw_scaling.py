"""Figures of notebook 05: test error against time, time and error against D and N."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from companion.figures import DOUBLE, PALETTE, drawing
from companion.rivals import look
from nslib.search.methods import Look

_CONTROL = Look(label="no search", colour=PALETTE[5], marker="*", size=9, dashes=None)
_FLOOR = Look(label="noise floor", colour="0.5", marker=None, dashes=(0, (6, 2)))


def _look(model: str) -> Look:
    """Return how a model is drawn, or the control without a search, or the noise floor."""
    own = {extra.label: extra for extra in (_CONTROL, _FLOOR)}
    return own.get(model) or look(model)


def _points(axes: Axes, table: pd.DataFrame, method: str, x: str, y: str, spread: str) -> None:
    """Draw a method's line, ranges and markers, filled by the share of seeds that are exact.

    The range of y is in the columns `{spread}low` and `{spread}high`. Baselines are lines alone.
    """
    look = _look(method)
    table = table.sort_values(x)
    axes.plot(table[x], table[y], color=look.colour, linestyle=look.dashes or "-")
    axes.vlines(table[x], table[f"{spread}low"], table[f"{spread}high"], color=look.colour,
                linewidth=0.9, linestyle="-")
    if look.marker is None:
        return
    for share, fill in ((1.0, "full"), (0.5, "left"), (0.0, "none")):
        part = table["exact"].map(lambda e: 0.0 if e == 0 else 1.0 if e == 1 else 0.5) == share
        axes.plot(table[part][x], table[part][y], color=look.colour, marker=look.marker,
                  linestyle="none", fillstyle=fill, markerfacecoloralt="white",
                  markersize=look.size, **({"markerfacecolor": "white"} if fill == "none" else {}))


def _handle(look: Look, note: str = "", **line: float) -> Line2D:
    """Return the entry of a legend for a look, a note after its label."""
    return Line2D([], [], color=look.colour, marker=look.marker, markersize=4,
                  label=look.label + note, linestyle=look.dashes or "none", **line)


def _caption(figure: Figure, machine: str) -> None:
    """Say below a figure what its marks mean and what was measured."""
    figure.supxlabel(
        "median and range over the repetitions; marker filled: the true streams in all of them, "
        f"half: in some, open: in none\none thread, {machine}", fontsize=6.5,
    )


@drawing
def convergence(
    data: Mapping[str, pd.DataFrame], machine: str, batch: int = 0, batch_seconds: float = 0.0
) -> Figure:
    """Draw test error against time: weights retrained, and as the search leaves them.

    `data`: "curves" (method, budget, seconds, search_seconds, error, low, high, own_error, own_low,
    own_high, exact; a row a method and budget) and "levels" (level, error): the baselines and the
    noise floor. `batch`, `batch_seconds`: a gated search's share of a batch of as many, 0 for none.
    """
    curves, levels = data["curves"], data["levels"].set_index("level")["error"]
    figure, panels = plt.subplots(1, 2, figsize=(DOUBLE, 3.3), sharex=True, sharey=True)
    kinds = (("retrained", "seconds", "error", ""),
             ("with the weights of the search", "search_seconds", "own_error", "own_"))
    methods = list(curves["method"].unique())
    batch_mark = {"color": look("gated").colour, "marker": look("gated").marker, "markersize": 8,
                  "fillstyle": "none", "linestyle": "none"}
    for axes, (title, x, y, spread) in zip(panels, kinds, strict=True):
        axes.set(xscale="log", yscale="log", title=title)
        for level, error in levels.items():
            axes.axhline(error, color=_look(level).colour, linestyle=_look(level).dashes,
                         linewidth=0.9)
        for method in methods:
            table = curves[curves["method"] == method]
            if method != _CONTROL.label or x == "seconds":
                _points(axes, table, method, x, y, spread)
        if batch:
            last = curves[curves["method"] == "gated"].iloc[-1]
            retraining = last[x] - last["search_seconds"]
            axes.plot(batch_seconds + retraining, last[y], **batch_mark)
    panels[0].set_xlabel("search + retraining (processor s)")
    panels[0].set_ylabel("test MSE (variance of $y$ = 1)")
    panels[1].set_xlabel("search (processor s)")
    handles = [_handle(_look(method)) for method in methods]
    if batch:
        handles.append(Line2D([], [], label=f"gated, one of a batch of {batch}", **batch_mark))
    handles += [_handle(_look(level), linewidth=0.9) for level in levels.index]
    figure.legend(handles=handles, loc="outside upper center", ncols=5, frameon=False)
    _caption(figure, machine)
    return figure


@drawing
def scaling(data: Mapping[str, pd.DataFrame], size: str, machine: str) -> Figure:
    """Draw time, own error and retrained error over the noise floor against D or N, all axes log.

    `data`: "medians" (method, size, seconds, own, retrained, each of these three with columns _low
    and _high, exact) and "exponents" (method, exponent, error), which says whose times are drawn.
    `size`: what the sizes are, for the axis: words, then a symbol.
    """
    medians, exponents = data["medians"], data["exponents"].set_index("method")
    figure, panels = plt.subplots(1, 3, figsize=(DOUBLE, 3.1), sharex=True)
    panels[2].sharey(panels[1])
    handles = []
    for method in medians["method"].unique():
        table = medians[medians["method"] == method]
        note = ""
        if method in exponents.index:
            fit = exponents.loc[method]
            note = f": {fit['exponent']:.2f} ± {fit['error']:.2f}".replace("-", "−")
            _points(panels[0], table, method, "size", "seconds", "seconds_")
        _points(panels[1], table, method, "size", "own", "own_")
        _points(panels[2], table, method, "size", "retrained", "retrained_")
        handles.append(_handle(_look(method), note))
    ticks = _apart(sorted(medians["size"].unique()))
    for axes in panels:
        axes.set(xscale="log", yscale="log", xlabel=size)
        axes.set_xticks(ticks, [f"{value:g}" for value in ticks], rotation=45 * (len(ticks) > 4))
        axes.minorticks_off()
    for axes in panels[1:]:
        axes.axhline(1.0, color="0.3", linewidth=0.8, linestyle=_FLOOR.dashes)
    panels[0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panels[0].yaxis.set_major_formatter("{x:g}")
    panels[0].set(ylabel="seconds of one thread", title=f"time, with its power of {size[-1]}")
    panels[1].set(ylabel="test MSE / noise floor", title="weights of the search")
    panels[2].set_title("retrained")
    figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False)
    _caption(figure, machine)
    return figure


def _apart(sizes: list[float], least: float = 1.4) -> list[float]:
    """Return the sizes without those that come too soon after another to be labelled."""
    kept = sizes[:1]
    for size in sizes[1:]:
        if size >= least * kept[-1]:
            kept.append(size)
    return kept
