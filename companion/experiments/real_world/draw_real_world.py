"""Figures of notebook 11: errors of all models on the real-world sets, and against parameters."""

from __future__ import annotations

import math
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axis import Axis
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from companion.figures import DOUBLE, PALETTE, drawing
from companion.rivals.tables import TABULAR_RIVALS

_KINDS = {  # kind: legend, colour, marker, face
    "task-driven": ("task-driven (ours)", PALETTE[0], "D", PALETTE[0]),
    "control": ("linear neurons, same training", PALETTE[4], "s", "0.8"),
    "rival": ("rival", "black", "o", "white"),
}
_NAMES = {
    "heart_failure": "heart failure", "stellar_classification": "stellar",
    "cern_dielectron_sample": "collision", "asteroid_diameter": "asteroid",
    "cern_zee_2011": "collision 2011", "breast_cancer": "breast cancer",
}
_NETWORKS = {  # model: colour, marker
    "LN": ("0.45", "s"), "MLP": ("0.45", "P"), "TN-als": (PALETTE[0], "D"),
    "TN-gated": (PALETTE[3], "v"), "TN-vsr": (PALETTE[4], "^"), "TN": ("black", "*"),
}
_DIGITS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7),
           (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9))
_NOT_JUDGED = ("cern_zee_2011",)


@drawing
def real_world_scores(data: pd.DataFrame) -> Figure:
    """Draw each model's loss over that of the best rival, a panel a data set, models below.

    `data`: a row a model and data set: dataset, metric, model, kind ("task-driven", "control",
    "rival"), ratio, low, high (range over the seeds), band (one standard deviation of the best
    rival above it), chosen (our network by the validation rows). Models stand in order of the rows;
    a ratio of 0 is a triangle at the left end.
    """
    datasets, models = list(data["dataset"].unique()), list(data["model"].unique())
    figure, panels = plt.subplots(
        1, len(datasets), figsize=(DOUBLE, 0.9 + 0.17 * len(models)), sharey=True, squeeze=False
    )
    for axes, dataset in zip(panels[0], datasets, strict=True):
        part = data[data["dataset"] == dataset]
        axes.axvspan(1.0, part["band"].iloc[0], color="0.85", zorder=0, linewidth=0)
        floor = _floor(part[["low", "ratio", "high"]])
        axes.axvline(1.0, color="0.4", linewidth=0.8, linestyle="-")
        for row in part.itertuples():
            _, colour, marker, face = _KINDS[row.kind]
            y = models.index(row.model)
            axes.plot([max(row.low, floor), row.high], [y, y], color=colour, linewidth=0.9,
                      linestyle="-")
            x = max(row.ratio, floor)
            axes.plot([x], [y], color=colour, marker=marker if row.ratio > 0 else "<",
                      markerfacecolor=face, markersize=4, linestyle="none")
            if row.chosen:
                axes.plot([x], [y], color="black", marker="o", markersize=9,
                          fillstyle="none", linestyle="none")
        axes.set(title=_title(part), xscale="log")
        _logarithmic(axes.xaxis, floor, max(part["high"].max(), part["band"].max()))
    panels[0, 0].set_yticks(range(len(models)), [_label(model) for model in models])
    panels[0, 0].set_ylim(len(models) - 0.5, -0.5)
    figure.supxlabel("test loss over the best rival's; marker: mean, line: range over the seeds",
                     fontsize=7.5)
    handles = [Line2D([], [], color=colour, marker=marker, markerfacecolor=face, markersize=4,
                      linestyle="none", label=name)
               for kind, (name, colour, marker, face) in _KINDS.items()
               if kind in set(data["kind"])]
    handles.append(Line2D([], [], color="black", marker="o", markersize=8, fillstyle="none",
                          linestyle="none", label="chosen by validation"))
    handles.append(Patch(color="0.85", label="best rival + 1 std"))
    figure.legend(handles=handles, loc="outside upper center", ncols=5, frameon=False)
    return figure


def _label(model: str) -> str:
    """Return a model's name, and its budget where it has one, as text."""
    name, *budget = model.split(" ")
    return " ".join([TABULAR_RIVALS[name].label if name in TABULAR_RIVALS else name, *budget])


def _mark(model: str) -> dict[str, Any]:
    """Return a model's colour and marker as options of a plot; deep rivals are hollow."""
    if model in _NETWORKS:
        colour, marker = _NETWORKS[model]
        return {"color": colour, "marker": marker, "markerfacecolor": colour}
    rival = TABULAR_RIVALS[model]
    colour = to_rgba(rival.colour)  # "C5" would change outside of the companion's style
    face = "white" if rival.kind == "deep" else colour
    return {"color": colour, "marker": rival.marker, "markerfacecolor": face}


def _floor(ends: pd.DataFrame) -> float:
    """Return the least positive value: ends of lines at 0 are drawn there on a logarithmic axis."""
    return float(ends.where(ends > 0).min(axis=None))


def _title(part: pd.DataFrame) -> str:
    """Return the name of a data set and the unit of its losses."""
    dataset = part["dataset"].iloc[0]
    unit = "MSE" if part["metric"].iloc[0] == "mse" else "wrong classes"
    note = ", not judged" if dataset in _NOT_JUDGED else ""
    return f"{_NAMES.get(dataset, dataset)}\n({unit}{note})"


def _logarithmic(axis: Axis, low: float, high: float) -> None:
    """Let a logarithmic axis show a range, with a few round ticks in it."""
    margin = (high / low) ** 0.06
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in _DIGITS:
        ticks = [a * 10.0**k for k in decades for a in digits if low <= a * 10.0**k <= high]
        if len(ticks) >= 3:
            break
    axis.set_view_interval(low / margin, high * margin, ignore=True)
    step = math.ceil(len(ticks) / 5) or 1
    first = ticks.index(1.0) % step if 1.0 in ticks else 0  # ratios are read from 1
    axis.set_major_locator(FixedLocator(ticks[first::step]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))


@drawing
def real_world_parameters(data: pd.DataFrame) -> Figure:
    """Draw relative loss against trained parameters, a panel a data set; trees are lines.

    `data`: a row a model and data set: dataset, metric, model (without budget), n_parameters (NaN
    for trees), ratio, low, high (range over the seeds). Trees: only the best is drawn.
    """
    datasets = list(data["dataset"].unique())
    figure, panels = plt.subplots(1, len(datasets), figsize=(DOUBLE, 2.5), squeeze=False)
    for axes, dataset in zip(panels[0], datasets, strict=True):
        part = data[data["dataset"] == dataset]
        ends = ["low", "ratio", "high"]
        part = part.assign(**part[ends].clip(lower=_floor(part[ends])))
        trees = part[part["n_parameters"].isna()].sort_values("ratio")
        if len(trees):
            axes.axhline(trees["ratio"].iloc[0], color="black", linewidth=0.9, linestyle="--")
        for model, rows in part.dropna(subset=["n_parameters"]).groupby("model", sort=False):
            mark, rows = _mark(model), rows.sort_values("n_parameters")
            axes.vlines(rows["n_parameters"], rows["low"], rows["high"], color=mark["color"],
                        linewidth=0.7, linestyle="-")
            axes.plot(rows["n_parameters"], rows["ratio"], **mark, linestyle="-", linewidth=0.8,
                      markersize=7 if mark["marker"] == "*" else 4.5)
        axes.set(xscale="log", yscale="log", title=_title(part))
        axes.xaxis.set_minor_locator(NullLocator())
        _logarithmic(axes.yaxis, part["low"].min(), part["high"].max())
    panels[0, 0].set_ylabel("test loss over the best rival's")
    figure.supxlabel("trained parameters (dashed: the best boosted trees); "
                     "marker: mean, line: range over the seeds", fontsize=7.5)
    counted = set(data.dropna(subset=["n_parameters"])["model"])
    handles = [Line2D([], [], **_mark(model), markersize=5, linestyle="none", label=_label(model))
               for model in (*_NETWORKS, *TABULAR_RIVALS) if model in counted]
    figure.legend(handles=handles, loc="outside upper center", ncols=10, frameon=False,
                  columnspacing=0.9, handletextpad=0.1)
    return figure
