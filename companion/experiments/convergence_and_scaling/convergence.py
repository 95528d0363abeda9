"""Notebook 05, test error against time: complete searches with growing budgets.

A point of a curve is one whole search that was given that budget, never a state on the way of a
longer one: the gated search, for one, anneals its penalty over all of its epochs.

Times are processor seconds of one thread, so that other work on the machine does not count. What is
judged are ratios of times within a repetition, whose fits follow each other on the same data: the
median of the repetitions, with the least and the largest beside it.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from companion.experiments.formula_tasks import named_formula
from companion.experiments.progress import say
from companion.rivals import BASELINES, MODELS, fit_model
from nslib import checks
from nslib.data import FormulaTask, make_formula
from nslib.search import refit, search_many
from nslib.structure import NeuronStructure

NO_SEARCH = "no search"
"""Label of the control: all streams of the paper's dictionary retrained, with no search before."""

EVERY_STREAM = NeuronStructure((1, 2, 3, 4, 5), (2, 3, 4, 5), rank=8)
CLAIMED, AGAINST = {"gated": "td", "als": "als"}, {"vsr": "vsr", "gplearn": "sr"}
"""The searches that the claim on speed is about and those it compares them with, and what the
ratios call them; TD is the paper's decomposition, the gated search."""

COLUMNS = {"": ("seconds", "error"), "_unretrained": ("search_seconds", "own_error")}
"""Time and error by which methods are compared: of the retrained structure, of the search alone."""

REACHED = 1.05
"""An error is reached from 5 % above it."""

SECONDS = ["search_seconds", "retrain_seconds"]


def budgeted(method: str, budget: int) -> dict[str, int]:
    """Return the option that gives a method this budget, none for 0 or its one budget."""
    option = MODELS[method].budget
    return {option: budget} if option and budget else {}


def warm_up(methods: Sequence[str]) -> None:
    """Fit every method once to a few rows, so that no measured time holds first-call costs."""
    task = make_formula("pure", 0, 60, 2)
    for method in methods:
        fit_model(method, task.X, task.y, **budgeted(method, 1))
    refit(task.structure, task.X, task.y, standardize=False)


class Judge:
    """Fit methods to the first `n_train` rows of a task and judge them on the others."""

    def __init__(self, task: FormulaTask, n_train: int, seed: int) -> None:
        checks.positive_int(n_train, "n_train", minimum=2, maximum=len(task.y) - 1)
        self.task, self.seed = task, seed
        self.train, self.test = slice(None, n_train), slice(n_train, None)
        self._refits: dict[NeuronStructure, tuple[float, float]] = {}

    def error(self, predict: Any) -> float:
        """Return the mean squared error on the test rows, in units of y's variance.

        `predict`: features (n, D) to predictions (n,).
        """
        predicted = predict(self.task.X[self.test])
        return float(np.mean((predicted - self.task.y[self.test]) ** 2))

    def _refit(self, structure: NeuronStructure) -> tuple[float, float]:
        """Return test error and seconds of a structure's retraining, done once for each."""
        if structure not in self._refits:
            X, y = self.task.X[self.train], self.task.y[self.train]
            start = time.process_time()
            result = refit(structure, X, y, seed=self.seed, standardize=False)
            seconds = time.process_time() - start
            self._refits[structure] = self.error(result.predict), seconds
        return self._refits[structure]

    def row(self, method: str, **options: Any) -> dict[str, Any]:
        """Fit a method and return its structure, its errors and its seconds.

        Keys: method, seed, structure ("" where it has none), exact (the true streams), own_mse
        (with the weights of the search), test_mse (retrained where the method is trained by
        "gradient" steps and has a structure without sin, the same otherwise), noise_floor,
        search_seconds, retrain_seconds (of the processor, for the whole call).
        """
        start = time.process_time()
        model = fit_model(
            method, self.task.X[self.train], self.task.y[self.train], seed=self.seed, **options
        )
        searched = time.process_time() - start
        own = self.error(model.predict)
        error, seconds = own, 0.0
        trained = MODELS[method].weights == "gradient" and model.structure is not None
        if trained and not model.structure.sin:  # least squares fits no sin stream
            error, seconds = self._refit(model.structure)
        return self._row(method, model.structure, own, error, searched, seconds)

    def control(self) -> dict[str, Any]:
        """Return the row of no search at all: every stream retrained; its own error is that too."""
        error, seconds = self._refit(EVERY_STREAM)
        return self._row(NO_SEARCH, EVERY_STREAM, error, error, 0.0, seconds)

    def _row(
        self, method: str, structure: NeuronStructure | None, own: float, error: float,
        search_seconds: float, retrain_seconds: float,
    ) -> dict[str, Any]:
        """Return the keys of `row`."""
        return {
            "method": method, "seed": self.seed, "structure": str(structure or ""),
            "exact": structure is not None and structure.same_streams(self.task.structure),
            "own_mse": own, "test_mse": error, "noise_floor": self.task.noise_floor,
            "search_seconds": search_seconds, "retrain_seconds": retrain_seconds,
        }


def split(fits: pd.DataFrame) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the columns of a table of fits that a record keeps as metrics, and as timing."""
    return fits.drop(columns=SECONDS).to_dict("list"), fits[SECONDS].to_dict("list")


def joined(record: Mapping[str, Any]) -> pd.DataFrame:
    """Return the table of fits of a record whose metrics and timing hold it under `fits`."""
    return pd.DataFrame({**record["metrics"]["fits"], **record["run"]["timing"]["fits"]})


def convergence(
    formula: str, n_train: int, n_test: int, n_features: int, noise: float,
    seeds: Sequence[int], ladders: Mapping[str, Sequence[int]], slow: Sequence[str] = (),
) -> pd.DataFrame:
    """Search one formula with every method and budget, one data set a seed, one fit at a time.

    `ladders`: method to its budgets, ascending, as values of the option that its entry in `MODELS`
    names; [] for its defaults alone; the methods in `slow` are run with the first seed only.
    Returns a row a fit: budget (0 for the defaults) and the keys of `Judge.row`; the control
    `NO_SEARCH` and the baselines, with budget 0, come last.
    """
    for method in ladders:
        checks.one_of(method, "ladders", MODELS)
        if ladders[method] and not MODELS[method].budget:
            raise ValueError(f"ladders: found budgets of {method!r}, expected [] for its defaults")
    warm_up([*ladders, *BASELINES])
    rows = []
    for seed in seeds:
        task = named_formula(formula, n_train + n_test, n_features, noise, seed)
        judge = Judge(task, n_train, seed)
        for method, budgets in {**ladders, **dict.fromkeys(BASELINES, ())}.items():
            if seed != seeds[0] and method in slow:
                continue
            for budget in budgets or [0]:
                row = judge.row(method, **budgeted(method, budget))
                rows.append({"budget": budget, **row})
                say(f"seed {seed}, {method} {budget or ''}: test MSE {row['test_mse']:.3g}, "
                    f"{row['search_seconds']:.1f} + {row['retrain_seconds']:.1f} s")
        rows.append({"budget": 0, **judge.control()})
    order = {method: i for i, method in enumerate([*ladders, NO_SEARCH, *BASELINES])}
    return pd.DataFrame(rows).sort_values(
        ["method", "budget", "seed"], key=lambda c: c.map(order) if c.name == "method" else c,
        ignore_index=True,
    )


def batch_seconds(
    formula: str, n_train: int, n_features: int, noise: float, n_fits: int, epochs: int
) -> float:
    """Return a fit's share of the processor's seconds of `n_fits` gated searches as one batch.

    `epochs`: 0 for the default. 0 seconds for no fits.
    """
    if not n_fits:
        return 0.0
    task = named_formula(formula, n_train, n_features, noise, 0)
    start = time.process_time()
    search_many(
        [(task.X, task.y)], "gated", seeds=range(n_fits), standardize=False,
        **budgeted("gated", epochs),
    )
    return (time.process_time() - start) / n_fits


def curves(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row a method and budget, over the seeds, from the table of `convergence`.

    Baselines are left out. Columns: method, budget, seconds (median of search and retraining
    together), search_seconds, error (median test_mse), low, high (its range), own_error, own_low,
    own_high (the same with the weights of the search), exact (share of the seeds).
    """
    fits = fits.assign(seconds=fits["search_seconds"] + fits["retrain_seconds"])
    searched = fits[~fits["method"].isin(BASELINES)]
    return searched.groupby(["method", "budget"], sort=False).agg(
        seconds=("seconds", "median"), search_seconds=("search_seconds", "median"),
        error=("test_mse", "median"), low=("test_mse", "min"), high=("test_mse", "max"),
        own_error=("own_mse", "median"), own_low=("own_mse", "min"), own_high=("own_mse", "max"),
        exact=("exact", "mean"),
    ).reset_index()


def levels(fits: pd.DataFrame) -> pd.DataFrame:
    """Return level and error: the baselines' median test errors and that of the noise floor."""
    errors = fits.groupby("method")["test_mse"].median()[list(BASELINES)]
    errors["noise floor"] = fits["noise_floor"].median()
    return errors.rename_axis("level").rename("error").reset_index()


def time_to(
    curve: pd.DataFrame, error: float, seconds: str = "seconds", errors: str = "error"
) -> float | None:
    """Return the least time in which a method reaches an error, None where it never does.

    `curve`: its rows of `curves`. Reached: within 5 % of the error or below it.
    """
    times = curve.loc[curve[errors] <= REACHED * error, seconds]
    return float(times.min()) if len(times) else None


def times_to_last_error(fits: pd.DataFrame, rival: str) -> pd.DataFrame:
    """Return how long each method takes to the error that a rival ends at, in each repetition.

    The error is the rival's test error with its largest budget on the same data. Index: seed.
    Columns: method, search and retraining together, and with the suffix `_unretrained` the time to
    that error with the weights of the search alone. Infinite where it is never reached.
    """
    rows = {}
    for seed, part in fits.groupby("seed"):
        table = curves(part)
        if rival in set(table["method"]):
            target = ends(table).loc[rival, "error"]
            times = {f"{method}{suffix}": time_to(curve, target, *columns)
                     for method, curve in table.groupby("method", sort=False)
                     for suffix, columns in COLUMNS.items()}
            rows[seed] = {key: math.inf if t is None else t for key, t in times.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def speed_ratios(fits: pd.DataFrame) -> dict[str, Any]:
    """Return the times of VSR and of SR over those of TD (gated) and of als to the same error.

    Keys: vsr_over_td and so on, each with its `_spread`, as in `with_spread`. A repetition's ratio
    is the rival's time to the error it ends at over the method's, search and retraining together,
    0 where the method never reaches it. With the ending `_unretrained` the method has the weights
    and the time of its search alone.
    """
    ratios: dict[str, Any] = {}
    for rival, short in AGAINST.items():
        times = times_to_last_error(fits, rival)
        for method, suffix in itertools.product(CLAIMED, COLUMNS):
            both = {rival, method + suffix} <= set(times)
            each = times[rival] / times[method + suffix] if both else pd.Series(dtype=float)
            ratios |= with_spread(f"{short}_over_{CLAIMED[method]}{suffix}", each)
    return ratios


def with_spread(name: str, ratios: pd.Series) -> dict[str, Any]:
    """Return the median of ratios (repetitions,) as `name`, least and largest as `{name}_spread`.

    Both are None where there are none; a repetition without a value (NaN) does not count.
    """
    known = ratios.dropna()
    if known.empty:
        return {name: None, f"{name}_spread": None}
    spread = [float(known.min()), float(known.max())]
    return {name: float(known.median()), f"{name}_spread": spread}


def ratio_in_words(times: Mapping[str, Any] | None, name: str) -> str:
    """Return a ratio of a record's timing with its spread, such as '2.5 (1.9 to 3.1)'."""
    if not times or times[name] is None:
        return "not run"
    least, largest = times[f"{name}_spread"]
    return f"{times[name]:.3g} ({least:.3g} to {largest:.3g})"


def ends(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `curves` with the largest budget of each method."""
    return table.groupby("method", sort=False).tail(1).set_index("method")


def sentences(fits: pd.DataFrame) -> list[str]:
    """Return in words how long each method takes to the last errors of VSR and of SR."""
    lines = []
    for rival in [name for name in AGAINST if name in set(fits["method"])]:
        target = ends(curves(fits)).loc[rival, "error"]
        known = levels(fits).set_index("level")["error"]
        enough = [name for name in BASELINES if known[name] <= REACHED * target]
        lines.append(f"{rival} ends at a test MSE of {target:.3g}; of the baselines, "
                     f"{' and '.join(enough) or 'none'} gets there. Time to its error, median of "
                     "the repetitions (least to largest):")
        for name, times in times_to_last_error(fits, rival).items():
            method = str(name).removesuffix("_unretrained")
            if name != method and (method == NO_SEARCH or MODELS[method].weights != "gradient"):
                continue
            times = times.dropna()
            middle, least, largest = map(_in_words, (times.median(), times.min(), times.max()))
            label = method if name == method else f"{method}, without retraining"
            lines.append(f"  {label}: {middle} ({least} to {largest})")
    return lines


def _in_words(seconds: float) -> str:
    """Return a time in words; infinite is never."""
    return f"{seconds:.2g} s" if math.isfinite(seconds) else "never"
