"""Batteries of tasks whose streams are known, on tables as people have them.

A battery is a named list of cases; `tasks` makes them from a seed, the same for the same seed.
A truth is a neuron on scaled columns Z = (X - mean) / scale, with mean and scale those of the rows
for training wherever a column's mean is not zero by its making, so that the streams of a search
that scales its features can be the true ones exactly. Its weights are drawn as in `make_formula`
and `random_formula` of `nslib.data.synthetic`: each stream has unit variance on normal columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from companion.experiments.formula_tasks import FORMULA_KEYS, named_formula
from nslib import checks
from nslib.data.synthetic import Weights, stream_values
from nslib.structure import NeuronStructure, Stream

FRESH = 2000
"""Rows without noise on which a fit is judged."""

LEVELS = {"colour": ("red", "green", "blue"), "site": ("north", "east", "south", "west")}
"""Groups of the columns of `mixed_columns`; each has one column a level, a 1 in one of them."""

_REFERENCE_ROWS = 10_000


@dataclass(frozen=True, eq=False)
class BatteryTask:
    """A table, its target, and the truth behind it.

    Attributes
    ----------
    battery, group, name, seed : where it is from; a group is what one share is told of.
    X : (N, D), an array or a DataFrame of raw columns.
    y : (N,), the raw target with its noise.
    structure : the true streams.
    features : numbers of the columns that matter; None where all do.
    fresh : (FRESH, D), other rows of the same kind as X.
    clean : (FRESH,), their target without noise.
    noise_floor : the mean squared error of the truth on rows with the usual noise, in units of y².
    outliers : (n,), numbers of the rows whose target is grossly wrong.
    standardize : whether a search scales the features; the truth of N(0, I) needs no scaling.
    """

    battery: str
    group: str
    name: str
    seed: int
    X: np.ndarray | pd.DataFrame
    y: np.ndarray
    structure: NeuronStructure
    features: tuple[int, ...] | None
    fresh: np.ndarray | pd.DataFrame
    clean: np.ndarray
    noise_floor: float
    outliers: np.ndarray
    standardize: bool = True


def tasks(
    battery: str, seed: int, limit: int | None = None, most_rows: int = 10**9
) -> Iterator[BatteryTask]:
    """Yield the tasks of a battery with this seed, the first `limit` of each group.

    Each has the rows of the battery, but no more than `most_rows`.

    Raises ValueError with the nearest name for a battery that is not in `BATTERIES`, and TypeError
    or ValueError for a seed that is no natural number.
    """
    cases = BATTERIES[checks.one_of(battery, "battery", BATTERIES)]
    seed = checks.positive_int(seed, "seed", minimum=0)
    for group, makers in cases.items():
        for number, (name, maker) in enumerate(list(makers.items())[:limit]):
            # a generator of its own for each task: fewer tasks are the same tasks
            stream = [seed, list(BATTERIES).index(battery), list(cases).index(group), number]
            origin = {"battery": battery, "group": group, "name": name, "seed": seed}
            yield maker(origin, most_rows, np.random.default_rng(stream))


def mixed_columns(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return n rows of 12 raw columns: two complete one-hot groups, continuous, skewed, integer."""
    columns = {
        "length": 20 + 4 * rng.standard_normal(n), "weight": 70 + 12 * rng.standard_normal(n),
        "age": rng.uniform(18, 80, n), "smoker": (rng.random(n) < 0.15).astype(float),
        "visits": rng.poisson(3.0, n).astype(float),
    }
    for group, levels in LEVELS.items():
        shares = rng.dirichlet(np.full(len(levels), 8.0))
        drawn = rng.choice(len(levels), n, p=shares)
        columns |= {f"{group}_{level}": (drawn == i).astype(float)
                    for i, level in enumerate(levels)}
    return pd.DataFrame(columns)


def normal_columns(d: int) -> Callable[[int, np.random.Generator], np.ndarray]:
    """Return a maker of n rows (n, d) of independent N(0, 1)."""
    return lambda n, rng: rng.standard_normal((n, d))


def t3_columns(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return n rows of 10 columns of Student's t with three degrees of freedom, unit variance."""
    return rng.standard_t(3.0, (n, 10)) / np.sqrt(3.0)


def lognormal_columns(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return n rows of 10 columns whose logarithms are N(0, 1)."""
    return rng.lognormal(size=(n, 10))


def true_weights(
    structure: NeuronStructure, d: int, active: Sequence[int], rng: np.random.Generator
) -> Weights:
    """Return weights of a neuron of these streams, zero on all but the active of d features.

    A pure stream has one weight for all active features, an interaction is one product of linear
    forms with normal weights; both have a random sign and unit variance on N(0, I).
    """
    active = np.asarray(active)
    weights: dict[Stream, np.ndarray | tuple[np.ndarray, np.ndarray]] = {}
    for k in structure.pure:
        weights[Stream("pure", k)] = np.zeros(d)
        weights[Stream("pure", k)][active] = 1.0
    for k in structure.interact:
        u = np.zeros((1, k, d))
        u[:, :, active] = rng.standard_normal((1, k, len(active))) / np.sqrt(len(active))
        weights[Stream("interact", k)] = (np.ones(1), u)
    for stream, values in stream_values(
        weights, rng.standard_normal((_REFERENCE_ROWS, d))
    ).items():
        factor = rng.choice((-1.0, 1.0)) / values.std()
        weight = weights[stream]
        weights[stream] = ((factor * weight[0], weight[1]) if isinstance(weight, tuple)
                           else factor * weight)
    return weights


Maker = Callable[[Mapping[str, Any], int, np.random.Generator], BatteryTask]
"""What makes a task: its first fields by name, the most rows, a generator -> the task."""


def _neuron(
    truth: str, columns: Callable[[int, np.random.Generator], np.ndarray | pd.DataFrame],
    rows: int, noise: float, *, active: int | None = None, centred: bool = False,
) -> Maker:
    """Return the maker of a task: a truth on columns of which `active` matter, all by default.

    `noise`: its standard deviation, that of a stream on normal columns being 1; `centred`: the
    columns have mean zero by their making.
    """
    structure = NeuronStructure.parse(re.sub(r"(interact[^)]*)", r"\1;rank=1", truth))

    def make(origin: Mapping[str, Any], most_rows: int, rng: np.random.Generator) -> BatteryTask:
        n = min(rows, most_rows)
        table = columns(n + FRESH, rng)
        raw = np.asarray(table, dtype=float)
        d = raw.shape[1]
        mean = np.zeros(d) if centred else raw[:n].mean(axis=0)
        scale = np.ones(d) if centred else raw[:n].std(axis=0)
        chosen = np.arange(d) if active is None else np.sort(rng.choice(d, active, replace=False))
        weights = true_weights(structure, d, chosen, rng)
        clean = sum(stream_values(weights, (raw - mean) / scale).values())
        return BatteryTask(
            **origin, X=table[:n], y=clean[:n] + noise * rng.standard_normal(n),
            structure=structure, fresh=table[n:], clean=clean[n:], noise_floor=noise * noise,
            features=None if active is None else tuple(chosen.tolist()),
            outliers=np.arange(0),
        )

    return make


def _formula(key: str, rows: int, d: int, noise: float, outliers: float = 0.0) -> Maker:
    """Return the maker of one of the paper's formulas; a share of `outliers` is 10 sd off."""

    def make(origin: Mapping[str, Any], most_rows: int, rng: np.random.Generator) -> BatteryTask:
        n = min(rows, most_rows)
        task = named_formula(key, n + FRESH, d, noise, int(rng.integers(2**31)))
        y, wrong = task.y[:n].copy(), np.sort(rng.choice(n, round(outliers * n), replace=False))
        y[wrong] += 10.0 * rng.choice((-1.0, 1.0), len(wrong))
        return BatteryTask(
            **origin, X=task.X[:n], y=y, structure=task.structure, features=None,
            fresh=task.X[n:], clean=task.signal[n:], noise_floor=task.noise_floor, outliers=wrong,
            standardize=False,
        )

    return make


def _neurons(truths: Sequence[str], *arguments: object, **options: object) -> dict[str, Maker]:
    return {truth: _neuron(truth, *arguments, **options) for truth in truths}


def _formulas(names: Sequence[str], *arguments: object) -> dict[str, Maker]:
    return {name: _formula(name, *arguments) for name in names}


_HEAVY = ("interact(2,3)", "pure(2)+interact(3)", "interact(3)", "pure(1,2)", "interact(2)",
          "pure(1)+interact(2)", "pure(3)", "pure(1)+interact(3)")

BATTERIES: Mapping[str, Mapping[str, Mapping[str, Maker]]] = MappingProxyType({
    "one_hot": {"one-hot": _neurons(
        ("interact(2,3)", "interact(2)", "pure(2)+interact(3)", "interact(3)",
         "pure(1)+interact(2)", "pure(1)+interact(3)"), mixed_columns, 2000, 0.01)},
    "wide": {"wide": _neurons(
        ("interact(2)", "interact(3)", "pure(2)+interact(2)", "pure(1,2)"), normal_columns(100),
        150, 0.1, active=3, centred=True)},
    "few_active": {"few active": _neurons(
        ("interact(2)", "interact(3)", "pure(1)+interact(2)", "pure(2)", "pure(2)+interact(2)",
         "interact(2,3)"), normal_columns(50), 500, 0.3, active=3, centred=True)},
    "rows_short": {"rows short": {
        f"{truth} of {active}": _neuron(truth, normal_columns(300), 2000, 0.1, active=active,
                                        centred=True)
        for truth, active in product(("interact(3)", "pure(1)+interact(3)"), (3, 5))}},
    "outliers": {"outliers": _formulas(list(FORMULA_KEYS), 2000, 10, 0.01, 0.05)},
    "heavy_tails": {"t3": _neurons(_HEAVY, t3_columns, 2000, 0.01, centred=True),
                    "lognormal": _neurons(_HEAVY, lognormal_columns, 2000, 0.01)},
    "near_tie": {
        "120 rows": _formulas(("interact 4", "interact 3", "hybrid 4", "interact 1"), 120, 10, 0.3),
        "200 rows": _neurons(("interact(4)",), normal_columns(16), 200, 0.1, centred=True),
        "lognormal, 500 rows": _neurons(("interact(2,3)",), lognormal_columns, 500, 0.01)},
    "paper": {f"D {d}, noise {noise:g}": _formulas(list(FORMULA_KEYS), 2000, d, noise)
              for d, noise in ((10, 0.01), (30, 0.01), (100, 0.01), (10, 0.5))},
    # the hardest: a handful of rows holds the variance of a product of four
    "heavy_order_4": {"heavy tails, order 4": {
        "t3": _neuron("interact(4)", t3_columns, 2000, 0.01, centred=True),
        "lognormal": _neuron("interact(4)", lognormal_columns, 2000, 0.01)}},
})
"""Name of a battery to its groups, each from the name of a case to what makes its task.

New ones come last: data depend on the place.
"""
