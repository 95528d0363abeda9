"""Notebook 06: how a search's result depends on its settings, one at a time around the default.

A setting is judged by the paper's 15 formulas: exact structures, streams kept beyond the true ones,
F1 over streams, and the error of the fitted neuron on fresh rows over that of the true formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from companion.experiments.formula_tasks import (
    FORMULA_KEYS,
    folded_streams,
    formula_tasks,
    judged_streams,
)
from companion.experiments.progress import say
from companion.experiments.shares import wilson
from nslib import checks
from nslib.data import random_formula
from nslib.data.synthetic import FormulaTask
from nslib.search import METHODS, SearchResult, search, search_many
from nslib.structure import NeuronStructure

DEFAULT, TOGETHER = "default", "together"
"""The factors under which the default setting and combinations of options are listed."""


class Setting(NamedTuple):
    """Options of a search that differ from its defaults, under the name of what is varied."""

    factor: str
    value: Any
    options: dict[str, Any]

    @property
    def label(self) -> str:
        """The setting in words, such as "rank 1"."""
        return label(self.factor, text(self.value))


def label(factor: str, value: str) -> str:
    """Return a value of a factor in words, such as "rank 1"; combinations name their factors."""
    return value if factor == TOGETHER else f"{factor} {value}".strip()


def defaults_of(method: str) -> dict[str, Any]:
    """Return the default of each option of a search method."""
    return {f.name: f.default for f in fields(METHODS[method].options)}


def settings(
    method: str, factors: Mapping[str, Sequence[Any]],
    together: Sequence[Mapping[str, Any]] = (),
) -> list[Setting]:
    """Return the default setting of a method, each value of each factor alone, and combinations.

    `factors`: option to values, its default among them being left out; `together`: combinations of
    options, listed under the factor `TOGETHER`. Raises ValueError for an unknown method or option,
    with the nearest name.
    """
    checks.one_of(method, "method", METHODS)
    defaults = defaults_of(method)
    listed = [Setting(DEFAULT, "", {})]
    for factor, values in factors.items():
        checks.one_of(factor, f"factor of {method}", defaults)
        listed += [Setting(factor, value, {factor: value}) for value in values
                   if value != defaults[factor]]
    for options in together:
        for name in options:
            checks.one_of(name, f"factor of {method}", defaults)
        words = ", ".join(f"{name} {text(value)}" for name, value in options.items())
        listed.append(Setting(TOGETHER, words, dict(options)))
    return listed


def chosen_tasks(
    names: Sequence[str], data_seeds: Sequence[int], n_samples: int, n_features: int, noise: float
) -> dict[tuple[str, int], FormulaTask]:
    """Return the tasks of some formulas, all 15 for no name, by (name, data seed).

    Raises ValueError with the nearest right name for an unknown one.
    """
    for name in names:
        checks.one_of(name, "formula", FORMULA_KEYS)
    tasks = formula_tasks(n_samples, n_features, noise, data_seeds)
    return {key: task for key, task in tasks.items() if not names or key[0] in names}


def ablation(
    method: str, settings: Sequence[Setting], formulas: Sequence[str], data_seeds: Sequence[int],
    n_samples: int, n_features: int, noise: float, seed: int = 0,
) -> pd.DataFrame:
    """Search formulas × data seeds with each setting, all data of a setting in one batch.

    Prints a line a setting to stderr. Returns a row a fit: factor, value (text), position (the
    place of the value in its factor), the columns of `judged`, seconds.
    """
    n = checks.positive_int(n_samples, "n_samples", minimum=2)
    tasks = chosen_tasks(formulas, data_seeds, 2 * n, n_features, noise)
    train = [(task.X[:n], task.y[:n]) for task in tasks.values()]
    rows = []
    for position, (factor, value, options) in enumerate(settings):
        results = search_many(train, method, seeds=[seed], standardize=False, **options)
        for (name, data_seed), (result,) in zip(tasks, results, strict=True):
            rows.append({
                "factor": factor, "value": text(value), "position": position, "formula": name,
                "data_seed": data_seed, **judged(result, tasks[name, data_seed], n),
                "seconds": result.seconds,
            })
        own = rows[-len(tasks):]
        say(f"{method}, {factor} {text(value)}: {sum(r['exact'] for r in own)} of {len(own)} "
            f"exact, {sum(r['seconds'] for r in own):.1f} s")
    return pd.DataFrame(rows)


def text(value: Any) -> str:
    """Return a value of a setting as text: on and off for truth values, numbers short."""
    if isinstance(value, (bool, np.bool_)):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def judged(result: SearchResult, task: FormulaTask, n_train: int) -> dict[str, Any]:
    """Return how a result compares with its task's truth.

    truth, structure (text); streams: number of true ones; exact: the true streams and no other;
    orders: the orders are right, whichever their kinds; ranked: the true streams have the largest
    gate probabilities, so that some threshold would be right; kept, extra, lost: numbers of
    streams; f1 over streams; twin: an extra stream has a true order in the other kind; parity: an
    extra stream has no true order but the parity of one; other: any other extra stream;
    over_floor: mean squared error on the rows after `n_train`, over that of the true formula.
    """
    true, kept = set(task.structure.streams), set(result.structure.streams)
    gates = dict.fromkeys(folded_streams(result), 0.0)
    for name, probability in result.gate_probabilities.items():
        name = "pure 1" if name == "interact 1" else name
        gates[name] = max(gates[name], probability)
    extra = kept - true
    true_orders = {s.order for s in true}
    twins = {s for s in extra if s.order in true_orders}
    same = {s for s in extra - twins if s.order % 2 in {k % 2 for k in true_orders}}
    error = np.mean((result.predict(task.X[n_train:]) - task.y[n_train:]) ** 2)
    return {
        **judged_streams(result.structure, task.structure), "streams": len(true),
        "orders": {s.order for s in kept} == true_orders,
        "ranked": min(gates.get(s, 0.0) for s in true)
        > max((p for s, p in gates.items() if s not in true), default=0.0),
        "kept": len(kept), "extra": len(extra), "lost": len(true - kept),
        "f1": 2 * len(true & kept) / (len(true) + len(kept)),
        "twin": bool(twins), "parity": bool(same), "other": bool(extra - twins - same),
        "over_floor": float(error / task.noise_floor),
    }


def scores_by_setting(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row a setting, in the order of the settings.

    factor, value, fits, exact (share) with its Wilson interval of 95 % as low and high, exact_one
    and exact_more (shares of the fits to formulas of one stream and of more; None without any),
    orders and ranked (shares), f1, extra, lost (means), over_floor (median), seconds (mean).
    """
    rows = []
    for (_, factor, value), own in fits.groupby(["position", "factor", "value"], sort=True):
        means = own[["exact", "orders", "ranked", "f1", "extra", "lost"]].astype(float).mean()
        low, high = wilson(own["exact"].sum(), len(own))
        parts = {"exact_one": own["streams"] == 1, "exact_more": own["streams"] > 1}
        rows.append({
            "factor": factor, "value": value, "fits": len(own), **means.to_dict(),
            "low": low, "high": high,
            **{name: float(own.loc[part, "exact"].mean()) if part.any() else None
               for name, part in parts.items()},
            "over_floor": own["over_floor"].median(), "seconds": own["seconds"].mean(),
        })
    return pd.DataFrame(rows)


def panels(table: pd.DataFrame, method: str) -> pd.DataFrame:
    """Return a table by setting for a figure, with the default in every factor.

    `table`: of `scores_by_setting` or `errors`. Adds `default` (whether the row is the default
    setting) and `x`, the place of a value in its factor, ascending; combinations of options follow
    the default as they were given. Seconds, which differ every time, are left out.
    """
    defaults = defaults_of(method)
    table = table.drop(columns=["exact_one", "exact_more", "seconds"], errors="ignore")
    base = table[table["factor"] == DEFAULT].iloc[0]
    parts = []
    for factor, own in table[table["factor"] != DEFAULT].groupby("factor", sort=False):
        value = DEFAULT if factor == TOGETHER else text(defaults[factor])
        middle = pd.DataFrame([{**base, "factor": factor, "value": value}])
        part = pd.concat([middle.assign(default=True), own.assign(default=False)])
        if factor != TOGETHER:
            keys = pd.to_numeric(part["value"].replace({"off": "0", "on": "1"}), errors="coerce")
            part = part.iloc[np.argsort(keys.to_numpy(), kind="stable")]
        parts.append(part.assign(x=range(len(part))))
    return pd.concat(parts, ignore_index=True)


def errors(fits: pd.DataFrame) -> pd.DataFrame:
    """Return for each setting the share of fits with each error, and with none (exact).

    Columns: factor, value, exact, twin, parity, other (see `judged`), lost (a true stream is).
    """
    kinds = ["exact", "twin", "parity", "other", "lost"]
    shares = fits.assign(lost=fits["lost"] > 0).groupby(["position", "factor", "value"])[kinds]
    return shares.mean().reset_index().drop(columns="position")


def best_setting(fits: pd.DataFrame) -> int:
    """Return the position of the best setting: most exact structures, then the largest mean F1."""
    means = fits.groupby("position")[["exact", "f1"]].mean()
    return int(means.sort_values(["exact", "f1"], ascending=False, kind="stable").index[0])


def chosen_elsewhere(fits: pd.DataFrame, settings: Sequence[Setting]) -> pd.DataFrame:
    """Choose the best setting on all data seeds but one and judge it on that one, for each seed.

    Returns data_seed, setting, fits, exact_there (its share where it was chosen), exact (on the
    seed left out), default (the default setting's share on the seed left out). Raises ValueError
    for fewer than two data seeds.
    """
    seeds = list(fits["data_seed"].unique())
    if len(seeds) < 2:
        raise ValueError(f"fits: found the data seeds {seeds}, expected at least two")
    rows = []
    for seed in seeds:
        here, there = fits[fits["data_seed"] == seed], fits[fits["data_seed"] != seed]
        best = best_setting(there)
        exact = here.groupby("position")["exact"].mean()
        rows.append({
            "data_seed": seed, "setting": settings[best].label,
            "fits": int((here["position"] == best).sum()),
            "exact_there": there.loc[there["position"] == best, "exact"].mean(),
            "exact": exact[best], "default": exact[0],
        })
    return pd.DataFrame(rows)


def findings(table: pd.DataFrame, alone: float) -> list[str]:
    """Return in words the default, the best setting and those that differ clearly from it.

    `table`: of `scores_by_setting`; `alone`: share of the fits whose formula has one stream.
    """
    labelled = table.assign(label=[*map(label, table["factor"], table["value"])])
    default = labelled[labelled["factor"] == DEFAULT].iloc[0]
    best = labelled.sort_values(["exact", "f1"], ascending=False, kind="stable").iloc[0]

    def line(row: pd.Series) -> str:
        return (f"{row['exact']:.0%} of {row['fits']} exact ({row['low']:.0%} to {row['high']:.0%})"
                f", {row['extra']:.1f} streams too many, F1 {row['f1']:.2f}")

    above = labelled[labelled["low"] > default["high"]]["label"]
    below = labelled[labelled["high"] < default["low"]]["label"]
    return [
        f"default: {line(default)}",
        f"best ({best['label']}): {line(best)}",
        f"clearly better than the default: {', '.join(above) or 'none'}",
        f"clearly worse than the default: {', '.join(below) or 'none'}",
        f"keeping one stream only could be right in at most {alone:.0%}",
    ]


def rank_cap(
    true_rank: int, ranks: Sequence[int], n_samples: int, n_features: int, noise: float, seed: int
) -> pd.DataFrame:
    """Search an interaction of order 2 and a known rank by least squares with a cap on the rank.

    Returns a row a cap: rank, structure, over_floor (as in `judged`).
    """
    structure = NeuronStructure((), (2,), rank=true_rank)
    task = random_formula(structure, 2 * n_samples, n_features, noise, seed)
    n, columns, rows = n_samples, ["structure", "over_floor"], []
    for rank in ranks:
        result = search(task.X[:n], task.y[:n], rank=rank, standardize=False)
        row = judged(result, task, n)
        rows.append({"rank": rank, **{name: row[name] for name in columns}})
    return pd.DataFrame(rows)
