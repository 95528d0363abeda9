"""Figures of the search: gates over the epochs, recovery of formulas, streams of real data."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullLocator

from companion.figures import COLUMN, DOUBLE, PALETTE, drawing
from nslib.structure import Stream

_GREY = "#9a9a9a"


@drawing
def gate_history(data: dict[str, pd.DataFrame], true: list[str] | None = None) -> Figure:
    """Draw each stream's open probability over the epochs; λ and the training loss below.

    `data`: "gates" (epoch, stream, mean, low, high, kept) and "penalty" (epoch, lambda, loss).
    `true`: the true streams, drawn thick; without it the kept ones are. Other streams are grey.
    """
    gates, penalty = data["gates"], data["penalty"]
    figure, axes = plt.subplots(
        2, 2, figsize=(DOUBLE, 3.3), sharex=True, height_ratios=[3, 1]
    )
    for axis, kind in zip(axes[0], ("pure", "interact"), strict=True):
        _gates(axis, gates[gates["stream"].str.startswith(kind)], true)
        axis.set_title("element-wise powers" if kind == "pure" else "interactions")
        axis.set_ylabel("P(gate open)")
    labels = ("λ", "training loss\n(first seed)")
    for axis, name, label in zip(axes[1], ("lambda", "loss"), labels, strict=True):
        axis.plot(penalty["epoch"], penalty[name], color="black", linestyle="-")
        axis.set(xlabel="epoch", ylabel=label)
    axes[1, 1].set_yscale("log")
    return figure


def _gates(axis: plt.Axes, gates: pd.DataFrame, true: list[str] | None) -> None:
    """Draw the streams of one kind over the epochs, each with its order at the end of its line."""
    last = gates["epoch"].max()
    ends = []
    for i, (stream, rows) in enumerate(gates.groupby("stream", sort=False)):
        marked = stream in true if true is not None else rows["kept"].iloc[0] > 0.5
        color = PALETTE[i % len(PALETTE)] if marked else _GREY
        axis.plot(rows["epoch"], rows["mean"], color=color, linewidth=2.0 if marked else 0.9,
                  linestyle="-" if marked else "--", zorder=3 if marked else 2)
        axis.fill_between(rows["epoch"], rows["low"], rows["high"], color=color, alpha=0.2,
                          linewidth=0)
        ends.append((rows["mean"].iloc[-1], marked, str(Stream.parse(stream).order), color))
    axis.axhline(0.5, color="black", linewidth=0.6, linestyle=":")
    axis.set_ylim(0, 1.04)
    groups = _together(ends, 0.085)
    heights = _spread([height for height, *_ in groups], 0.085)
    for height, (_, marked, orders, color) in zip(heights, groups, strict=True):
        axis.annotate(f"k = {orders}", (last, height), xytext=(4, 0), color=color,
                      textcoords="offset points", va="center", fontsize=7,
                      fontweight="bold" if marked else "normal", annotation_clip=False)


def _together(
    ends: list[tuple[float, bool, str, str]], gap: float
) -> list[tuple[float, bool, str, str]]:
    """Join the labels of unmarked lines that end within `gap`: (height, marked, text, colour)."""
    groups: list[list[tuple[float, bool, str, str]]] = []
    for end in sorted(ends, key=lambda end: (end[1], end[0])):
        if groups and not end[1] and not groups[-1][0][1] and end[0] - groups[-1][0][0] < gap:
            groups[-1].append(end)
        else:
            groups.append([end])
    return [
        (float(np.mean([e[0] for e in group])), group[0][1],
         ", ".join(sorted(e[2] for e in group)), group[0][3])
        for group in groups
    ]


def _spread(heights: list[float], gap: float) -> list[float]:
    """Return label heights at least `gap` apart and within [0, 1], near the given ones."""
    order = np.argsort(heights)
    placed = np.array(heights, dtype=float)[order]
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + gap)
    placed[-1:] = np.minimum(placed[-1:], 1.0)
    for i in range(len(placed) - 2, -1, -1):
        placed[i] = min(placed[i], placed[i + 1] - gap)
    result = np.empty_like(placed)
    result[order] = placed
    return result.tolist()


@drawing
def recovery(data: pd.DataFrame, titles: dict[str, str]) -> Figure:
    """Draw formulas × streams, a panel a method: how often each stream is kept.

    A frame marks the true streams. `data`: method, formula, stream, true (bool), kept (share in
    [0, 1]); `titles`: method to the title of its panel.
    """
    figure, axes = plt.subplots(
        1, len(titles), figsize=(0.85 + 2.6 * len(titles), 4.2), sharey=True, squeeze=False
    )
    for axis, (method, title) in zip(axes[0], titles.items(), strict=True):
        image = _kept(axis, data[data["method"] == method])
        axis.set_title(title, pad=4)
    axes[0, 0].set_ylabel("formula")
    bar = figure.colorbar(image, ax=axes, location="right", fraction=0.03, pad=0.02,
                          boundaries=np.linspace(0, 1, 101), ticks=[0, 0.5, 1])
    bar.set_label("share of fits that keep the stream")
    return figure


def _kept(axis: plt.Axes, data: pd.DataFrame) -> AxesImage:
    """Draw one method's formulas × streams as shades, the true streams framed."""
    formulas, streams = data["formula"].unique(), data["stream"].unique()
    grid = data.pivot(index="formula", columns="stream", values="kept").loc[formulas, streams]
    truth = data.pivot(index="formula", columns="stream", values="true").loc[formulas, streams]
    image = axis.imshow(grid, cmap="Greys", vmin=0, vmax=1.25, aspect="auto")
    for row, column in np.argwhere(truth.to_numpy(dtype=bool)):
        axis.add_patch(Rectangle((column - 0.42, row - 0.42), 0.84, 0.84, fill=False,
                                 edgecolor="#D55E00", linewidth=1.8))
    axis.set_xticks(range(len(streams)), [Stream.parse(s).order for s in streams])
    axis.set_yticks(range(len(formulas)), formulas)
    n_pure = sum(Stream.parse(s).kind == "pure" for s in streams)
    axis.axvline(n_pure - 0.5, color="black", linewidth=0.8)
    for row in range(5, len(formulas), 5):
        axis.axhline(row - 0.5, color="black", linewidth=0.8)
    for first, last, kind in ((0, n_pure, "pure order"), (n_pure, len(streams), "interaction")):
        axis.text((first + last - 1) / 2, len(formulas) + 0.35, kind, ha="center", va="top")
    axis.grid(False)
    axis.tick_params(length=0)
    return image


@drawing
def stream_shares(data: pd.DataFrame, methods: list[str]) -> Figure:
    """Draw each stream's share of the streams' variance: a point a seed and the mean as a bar.

    A panel for each of `methods`. `data`: method, seed, stream, share.
    """
    streams = list(data["stream"].unique())
    figure, axes = plt.subplots(
        1, len(methods), figsize=(0.85 + 2.5 * len(methods), 0.22 * len(streams) + 0.8),
        sharex=True, sharey=True, squeeze=False,
    )
    for axis, method in zip(axes[0], methods, strict=True):
        own = data[data["method"] == method]
        for i, stream in enumerate(streams):
            shares = 100 * own.loc[own["stream"] == stream, "share"]
            axis.barh(i, shares.mean(), height=0.62, color="#B9CFE0", edgecolor=PALETTE[0],
                      linewidth=0.8)
            axis.plot(shares, np.full(len(shares), i), "o", color="black", markersize=2.8,
                      markerfacecolor="white", linestyle="none")
        axis.set_title(method)
        axis.set_xlabel("share of the streams' variance (%)")
        axis.grid(axis="y", visible=False)
    axes[0, 0].set_yticks(range(len(streams)), streams)
    axes[0, 0].invert_yaxis()
    axes[0, 0].set_xlim(left=0)
    return figure


@drawing
def model_errors(data: pd.DataFrame, metric: str, marked: list[str]) -> Figure:
    """Draw each model's test score: a point a seed, and the mean with one standard deviation.

    `data`: model, seed, value. `metric`: "mse" (log scale, lower is better) or "accuracy".
    `marked`: the models to set off in colour.
    """
    models = list(data["model"].unique())
    figure, axis = plt.subplots(figsize=(COLUMN, 0.32 * len(models) + 0.7))
    for i, model in enumerate(models):
        values = data.loc[data["model"] == model, "value"]
        axis.plot(values, np.full(len(values), i + 0.18), "o", color=_GREY, markersize=3,
                  linestyle="none")
        spread = values.std() if len(values) > 1 else 0.0
        axis.errorbar(values.mean(), i - 0.1, xerr=spread, fmt="D" if model in marked else "s",
                      color="#D55E00" if model in marked else "black", capsize=2.5, markersize=4)
    axis.set_yticks(range(len(models)), models)
    axis.invert_yaxis()
    if metric == "mse":
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_xlabel("test MSE (variance of y = 1)")
    else:
        axis.set_xlabel("test accuracy")
    axis.grid(axis="y", visible=False)
    return figure
