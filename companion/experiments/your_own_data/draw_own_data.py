"""Figures of a table of one's own: what streams are worth, models compared, partial effects."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from companion.figures import DOUBLE, PALETTE, drawing

_BLUE, _ORANGE = PALETTE[0], "#D55E00"
_LIGHT = "#B9CFE0"
_FAR = 1.0  # scores, leads and changes beyond are written, not drawn


@drawing
def own_streams(data: dict[str, pd.DataFrame], score: str, refitted: bool) -> Figure:
    """Draw for each stream how often it is chosen, its share of the variance, and its worth.

    Filled marks are streams of the shown formula. `data`: "frequencies" (stream, split, frequency,
    found) and "worth" (stream, found, resample, change, share); a point a split or resample, the
    mean as a bar. `score`: name of what `change` is a change of; `refitted`: whether the neuron was
    fitted again for it.
    """
    chosen, worth = data["frequencies"], data["worth"]
    streams = list(dict.fromkeys([*chosen["stream"], *worth["stream"]]))
    of_formula = set(worth.loc[worth["found"], "stream"])
    figure, axes = plt.subplots(1, 3, figsize=(DOUBLE, 0.24 * len(streams) + 0.95), sharey=True)
    panels = ((chosen, "frequency", 100, "chosen (% of the time)"),
              (worth.dropna(subset="share"), "share", 100, "share of the streams' variance (%)"),
              (worth, "change", 1, f"held-out {score} with it less without"))
    for axis, (table, column, unit, label) in zip(axes, panels, strict=True):
        for i, stream in enumerate(streams):
            values = unit * table.loc[table["stream"] == stream, column].to_numpy()
            if len(values):
                _row(axis, i, values, filled=stream in of_formula)
        axis.set_xlabel(label)
        axis.grid(axis="y", visible=False)
        axis.xaxis.set_major_locator(MaxNLocator(5))
    axes[0].set_title("the choice")
    axes[1].set_title("on held-out rows")
    axes[2].set_title("fitted again" if refitted else "output set to its mean")
    for axis in axes[:2]:
        axis.set_xlim(-4, 104)
    axes[2].axvline(0, color="black", linewidth=0.8)
    means = worth.groupby("stream")["change"].mean()
    ends = worth["change"].clip(-_FAR, _FAR)
    _bounded(axes[2], {i: means[s] for i, s in enumerate(streams) if s in means},
             min(ends.min(), 0), max(ends.max(), 0))
    axes[0].set_yticks(range(len(streams)), streams)
    for tick, stream in zip(axes[0].get_yticklabels(), streams, strict=True):
        tick.set_fontweight("bold" if stream in of_formula else "normal")
    axes[0].set_ylim(len(streams) - 0.5, -0.5)
    return figure


def _row(axis: plt.Axes, i: int, values: np.ndarray, *, filled: bool) -> None:
    """Draw the mean of the values (n,) of a stream as a bar in row `i`, and the values as points.
    """
    axis.barh(i, values.mean(), height=0.62, color=_LIGHT if filled else "white",
              edgecolor=_BLUE if filled else "#9a9a9a", linewidth=0.8)
    offsets = np.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else np.zeros(1)
    axis.plot(values, i + offsets, "o", color="black", markersize=2.6, linestyle="none",
              markerfacecolor="black" if filled else "white", markeredgewidth=0.6)


def _bounded(axis: plt.Axes, values: dict[int, float], low: float, high: float) -> None:
    """Let the axis reach from `low` to `high` and a little further; write values beyond there."""
    margin = 0.05 * (high - low) or 0.05
    low, high = low - margin, high + margin
    axis.set_xlim(low, high)
    for row, value in values.items():
        if not low <= value <= high:
            axis.annotate(f"◂ {value:.2g}" if value < low else f"{value:.2g} ▸",
                          (low if value < low else high, row), fontsize=6.5, va="center",
                          ha="left" if value < low else "right",
                          bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})


@drawing
def own_scores(data: dict[str, pd.DataFrame], score: str) -> Figure:
    """Draw each model's held-out score and the network's lead over it, with 95 % intervals.

    The axes fit the models but the mean; what lies beyond them is written at the edge. `data`:
    "compared" (model, score, low, high, lead, lead_low, lead_high) of one split, and "splits"
    (split, model, score), small points. `score`: its name.
    """
    table, splits = data["compared"], data["splits"]
    models = list(table["model"])
    figure, axes = plt.subplots(1, 2, figsize=(DOUBLE, 0.3 * len(models) + 1.05), sharey=True)
    others = splits.merge(table[["model"]].assign(row=range(len(models))), on="model")
    axes[0].plot(others["score"], others["row"] + 0.22, "o", color="#8a8a8a", markersize=3,
                 linestyle="none")
    for i, row in enumerate(table.to_dict("records")):
        network = row["model"] == "network"
        bars = [(axes[0], i - 0.08, *(row[name] for name in ("score", "low", "high")))]
        if not network:
            bars.append((axes[1], i, *(row[name] for name in ("lead", "lead_low", "lead_high"))))
        for axis, place, value, low, high in bars:
            axis.errorbar(value, place, xerr=[[max(value - low, 0)], [max(high - value, 0)]],
                          fmt="D" if network else "s", color=_ORANGE if network else "black",
                          capsize=2.5, markersize=4)
    axes[1].axvline(0, color="black", linewidth=0.8)
    learnt, seen = table[table["model"] != "mean"], splits[splits["model"] != "mean"]["score"]
    low, high = min(learnt["low"].min(), seen.min()), max(learnt["high"].max(), seen.max())
    _bounded(axes[0], dict(enumerate(table["score"])), max(low, -_FAR), high)
    _bounded(axes[1], dict(enumerate(table["lead"])),
             max(learnt["lead_low"].min(), -_FAR), min(learnt["lead_high"].max(), _FAR))
    axes[0].set_xlabel(f"held-out {score}")
    axes[1].set_xlabel(f"lead of the network in held-out {score}")
    axes[0].set_yticks(range(len(models)), models)
    axes[0].set_ylim(len(models) - 0.5, -0.5)
    for axis in axes:
        axis.grid(axis="y", visible=False)
        axis.xaxis.set_major_locator(MaxNLocator(5))
    figure.legend(handles=[
        Line2D([], [], color="black", marker="s", linestyle="-", label="first split, 95 %"),
        Line2D([], [], color="#8a8a8a", marker="o", linestyle="none", markersize=3,
               label="every split"),
    ], loc="outside upper center", ncols=2, frameon=False)
    return figure


@drawing
def own_effects(data: pd.DataFrame, classes: bool) -> Figure:
    """Draw partial effects, a panel a feature: the network's solid, the formula's dashed.

    A thin line a split and the mean thick; points for categories. The axis fits the network, so the
    formula may leave it. `data`: feature, output, model, split, x, label, effect; `classes`:
    whether effects are probabilities of classes.
    """
    features = list(data["feature"].unique())
    columns = min(len(features), 4)
    lines = -(-len(features) // columns)
    figure, axes = plt.subplots(lines, columns, squeeze=False, sharey=True,
                                figsize=(DOUBLE, 1.75 * lines + 0.35))
    looks = {"network": (_ORANGE, "-"), "found formula": ("black", "--")}
    for axis, feature in zip(axes.flat, features, strict=False):
        own = data[data["feature"] == feature]
        categories = own.drop_duplicates("x") if own["label"].iloc[0] else None
        for shift, (model, (color, dashes)) in zip((-0.12, 0.12), looks.items(), strict=True):
            rows = own[own["model"] == model]
            mean = rows.groupby("x")["effect"].mean()
            if categories is not None:
                axis.plot(rows["x"] + shift, rows["effect"], "o", color=color, markersize=2.2,
                          alpha=0.5, linestyle="none")
                axis.plot(mean.index + shift, mean, "D" if model == "network" else "s",
                          color=color, linestyle="none")
                continue
            for _, line in rows.groupby("split"):
                axis.plot(line["x"], line["effect"], color=color, linestyle=dashes, linewidth=0.6,
                          alpha=0.45)
            axis.plot(mean.index, mean, color=color, linestyle=dashes, linewidth=1.8)
        if categories is not None:
            axis.set_xticks(categories["x"], [_short(text, 8) for text in categories["label"]])
            axis.set_xlim(categories["x"].min() - 0.5, categories["x"].max() + 0.5)
            axis.tick_params(axis="x", rotation=40)
        else:
            axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.set_xlabel(_short(feature, 24))
        if classes:
            axis.set_title(f"P({_short(own['output'].iloc[0], 18)})")
    for axis in list(axes.flat)[len(features):]:
        axis.set_axis_off()
    name = "mean probability" if classes else f"mean prediction of {data['output'].iloc[0]}"
    for axis in axes[:, 0]:
        axis.set_ylabel(_short(name, 34))
    drawn = data.loc[data["model"] == "network", "effect"]
    margin = 0.4 * (drawn.max() - drawn.min()) or 1.0
    axes[0, 0].set_ylim(max(data["effect"].min() - 0.1 * margin, drawn.min() - margin),
                        min(data["effect"].max() + 0.1 * margin, drawn.max() + margin))
    figure.align_xlabels()
    marked = data["label"].map(bool).any()
    figure.legend(
        handles=[Line2D([], [], color=color, linestyle=dashes, linewidth=1.8, label=model,
                        marker=("D" if model == "network" else "s") if marked else None)
                 for model, (color, dashes) in looks.items()],
        loc="outside upper center", ncols=2, frameon=False,
    )
    return figure


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
