"""Is the same formula found again: with other search seeds, rows, noise levels and dimensions.

A formula is its set of streams, the coarsest comparison and the fairest one between methods;
`written` is a finer one: the powers, terms or ranks as the method wrote them, without constants.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from companion.experiments.formula_tasks import FORMULA_KEYS, formula_key, named_formula
from companion.experiments.progress import say
from companion.rivals import MODELS, fit_model
from nslib import checks
from nslib.data import FORMULAS
from nslib.search import METHODS, search_many
from nslib.search.genetic.evolution import evolve
from nslib.search.genetic.power_sums import PowerSums
from nslib.search.search_task import make_task
from nslib.structure import NeuronStructure
from nslib.threads import one_thread

NO_POLYNOMIAL = "no polynomial"
_COEFFICIENT = re.compile(r"^-?\s*\d[\d.]*(e[-+]?\d+)?\*?")

Pair = tuple[np.ndarray, np.ndarray]
"""Features (N, D) and a target (N,)."""


class FormulaRun(NamedTuple):
    """A run's streams (None: no polynomial neuron), the finer text of its formula, seconds."""

    structure: NeuronStructure | None
    written: str
    seconds: float


class Form(NamedTuple):
    """A model of `companion.rivals.MODELS` with the options that make it this form, and a title.

    `fit_one`: fits X (N, D), y (N,) with a seed and options where the model's own door says too
    little of the formula as it was written.
    """

    model: str
    options: dict[str, Any]
    title: str
    fit_one: Callable[[np.ndarray, np.ndarray, int, Mapping[str, Any]], FormulaRun] | None = None


def forms() -> dict[str, Form]:
    """Return all that can be compared: every model that chooses streams, and two forms of VSR.

    The titles of those that claim C1 compares say what they are there.
    """
    by_default = {
        name: Form(name, {}, ": ".join(filter(None, (model.family, model.title))))
        for name, model in MODELS.items() if not model.baseline
    }
    return {
        **by_default,
        "gated": Form("gated", {}, "TD: gated (the paper's)"),
        "als": Form("als", {}, "TD: als (ours)"),
        "vsr": Form("vsr", {}, "SR: VSR as published", _genetic),
        "vsr scaled": Form("vsr", {"linear_scaling": True}, "SR: VSR, linear scaling", _genetic),
    }


def method_options(options: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the options of every method, given those of its model ("vsr" serves both forms).

    Raises ValueError, with the nearest name, for an unknown model.
    """
    known = forms()
    for model in options:
        checks.one_of(model, "options", {form.model for form in known.values()})
    return {name: {**options.get(form.model, {}), **form.options} for name, form in known.items()}


def stream_seed(formula: str, data_seed: int) -> int:
    """Return the seed of a formula's data: another one for each formula and each `data_seed`."""
    checks.one_of(formula, "formula", FORMULA_KEYS)
    return len(FORMULA_KEYS) * data_seed + list(FORMULA_KEYS).index(formula)


def data_sets(
    formula: str, n_sets: int, n_rows: int, n_features: int, noise: float, data_seed: int,
    first: int = 0,
) -> list[Pair]:
    """Return data sets `first` … `first + n_sets - 1` of one formula: pairs X (N, D), y (N,).

    All have the same coefficients and no row in common, nor with those of other formulas.
    """
    seed = stream_seed(formula, data_seed)
    task = named_formula(formula, (first + n_sets) * n_rows, n_features, noise, seed)
    blocks = [slice(i * n_rows, (i + 1) * n_rows) for i in range(first, first + n_sets)]
    return [(task.X[rows], task.y[rows]) for rows in blocks]


def find(
    method: str, data: Sequence[Pair], seeds: Sequence[int], options: Mapping[str, Any]
) -> list[FormulaRun]:
    """Fit one of `forms()` to every data set with every seed; fits data set by data set.

    Features are taken as they are, not standardised.
    """
    form = forms()[checks.one_of(method, "method", forms())]
    options = {**options, **form.options}
    if form.fit_one is None and form.model in METHODS:
        batches = search_many(data, form.model, seeds=seeds, standardize=False, **options)
        return [FormulaRun(result.structure, str(result.structure), result.seconds)
                for results in batches for result in results]
    fit_one = form.fit_one or functools.partial(_rival, form.model)
    return [fit_one(X, y, seed, options) for X, y in data for seed in seeds]


def _rival(
    model: str, X: np.ndarray, y: np.ndarray, seed: int, options: Mapping[str, Any]
) -> FormulaRun:
    """Return the streams of a rival fitted to X (N, D), y (N,), and the terms of its formula."""
    result = fit_model(model, X, y, seed=seed, **options)
    return FormulaRun(result.structure, skeleton(result.formula), result.seconds)


def _genetic(X: np.ndarray, y: np.ndarray, seed: int, options: Mapping[str, Any]) -> FormulaRun:
    """Return the streams of the search "vsr", and the powers in the best formula as written.

    X (N, D), y (N,). A `SearchResult` keeps the powers that are left when those of no use are
    dropped.
    """
    settings = checks.options(options, METHODS["vsr"].options, "method 'vsr'")
    start = time.perf_counter()
    task = make_task(X, y, "regression", standardize=False)
    with one_thread():
        sums = PowerSums.of(task.Z, task.target, settings.order)
        best = evolve(sums, settings, np.random.default_rng(seed), lambda loss: None)[0]
        written = (np.flatnonzero(best[1:]) + 1).tolist()
        kept = sums.needed(written, settings.threshold)
    structure = NeuronStructure(pure=tuple(map(int, kept)), interact=())
    powers = f"powers {','.join(map(str, written))}"
    return FormulaRun(structure, powers, time.perf_counter() - start)


def skeleton(formula: str) -> str:
    """Return the terms of an expanded formula without their coefficients, sorted."""
    terms = {_COEFFICIENT.sub("", term).lstrip("- ") for term in re.split(r" [+-] ", formula)}
    return " ".join(sorted(terms - {""}))


def streams_text(structure: NeuronStructure | None) -> str:
    """Return the streams as short text, without ranks: "pure 1,3 + interact 2"."""
    if structure is None:
        return NO_POLYNOMIAL
    parts = [f"{kind} {','.join(map(str, orders))}" for kind, orders in
             (("pure", structure.pure), ("interact", structure.interact)) if orders]
    return " + ".join([*parts, *(["sin"] if structure.sin else [])])


def _table(fits: Iterable[FormulaRun], keys: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a row a fit: its keys, structure, truth, whether exact, written, seconds."""
    rows = []
    for fit, key in zip(fits, keys, strict=True):
        truth = FORMULAS[formula_key(key["formula"])].structure
        rows.append({
            **key, "structure": streams_text(fit.structure), "truth": streams_text(truth),
            "exact": fit.structure is not None and fit.structure.same_streams(truth),
            "written": fit.written, "seconds": fit.seconds,
        })
    return rows


def stability_runs(
    formulas: Sequence[str], noise_levels: Sequence[float], methods: Mapping[str, int],
    n_samples: int, n_features: int, data_seed: int, options: Mapping[str, Mapping[str, Any]],
) -> pd.DataFrame:
    """Search each formula at each noise level: n runs with other seeds, n with other rows.

    `methods`: label to n; `options`: label to options. "seed" runs: seeds 0 … n - 1 on one data
    set of N = `n_samples` rows; "rows" runs: seed 0 on n other data sets. No row is used at two
    noise levels. Returns a row a run: method, formula, noise, varied, run, structure, truth,
    exact, written, seconds.
    """
    most, rows = max(methods.values()), []
    for method, n in methods.items():
        say(f"stability: {method}")
        sets = {
            (formula, float(noise)): data_sets(formula, n + 1, n_samples, n_features, noise,
                                               data_seed, first=level * (most + 1))
            for formula in formulas for level, noise in enumerate(noise_levels)
        }
        varied = {"seed": ([own[0] for own in sets.values()], range(n)),
                  "rows": ([pair for own in sets.values() for pair in own[1:]], [0])}
        for what, (data, seeds) in varied.items():
            keys = [{"method": method, "formula": formula, "noise": noise, "varied": what, "run": i}
                    for formula, noise in sets for i in range(n)]
            rows += _table(find(method, data, seeds, options.get(method, {})), keys)
    return pd.DataFrame(rows)


def dimension_runs(
    formulas: Sequence[str], dimensions: Sequence[int], methods: Mapping[str, int],
    n_samples: int, noise: float, data_seed: int, options: Mapping[str, Mapping[str, Any]],
) -> pd.DataFrame:
    """Search each formula in each dimension, n runs with other rows.

    Arguments and columns as in `stability_runs`, with `dimension` for noise and without `varied`.
    The coefficients of a formula differ from dimension to dimension; its streams do not.
    """
    rows = []
    for method, n in methods.items():
        for d in dimensions:
            say(f"dimension {d}: {method}")
            keys = [{"method": method, "formula": f, "dimension": int(d), "run": i}
                    for f in formulas for i in range(n)]
            data = [pair for f in formulas
                    for pair in data_sets(f, n, n_samples, d, noise, data_seed)]
            rows += _table(find(method, data, [0], options.get(method, {})), keys)
    return pd.DataFrame(rows)
