"""A table of one's own: read it, fit networks and baselines to several splits, compare them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split

from companion import paths, records
from companion.experiments.progress import say
from companion.rivals.tables import fit_tabular
from nslib import checks
from nslib.data import OwnTable, TableEncoder, load_tabular, make_table, read_table
from nslib.estimators import NeuronSeekClassifier, NeuronSeekRegressor
from nslib.estimators.base import NeuronSeekEstimator

TEST_SIZE = 0.25
RIVALS = {"mean": "mean", "linear": "linear", "hist_gradient_boosting": "boosting"}
MODELS = (*RIVALS.values(), "found formula", "network")


@dataclass(frozen=True, eq=False)
class Source:
    """A table with its name, checksum of the file or the set, and how many rows that has."""

    name: str
    checksum: str
    table: OwnTable = field(repr=False)
    rows_found: int


@dataclass(frozen=True, eq=False)
class SplitFit:
    """A fitted model, its split (disjoint row numbers), and what all `MODELS` predict for `test`.

    predictions: model to values, or class names, (rows,).
    """

    seed: int
    train: np.ndarray = field(repr=False)
    test: np.ndarray = field(repr=False)
    model: NeuronSeekEstimator = field(repr=False)
    predictions: dict[str, np.ndarray] = field(repr=False)


def load(
    path: str, dataset: str, target: str = "", task: str = "auto", drop: Sequence[str] = (),
    max_rows: int = 20_000, seed: int = 0,
) -> Source:
    """Return the CSV file at `path` or, where that is empty, a set of the registry.

    Of more than `max_rows` rows a random part is used. Raises the errors of
    `nslib.data.read_table`, and of `load_tabular` for a set that is not there.
    """
    max_rows = checks.positive_int(max_rows, "max_rows", minimum=100)
    seed = checks.positive_int(seed, "seed", minimum=0)
    if path:
        file = paths.given(path)
        table = read_table(file, target, task=task, drop=drop)
        name, checksum = file.name, records.checksum(file)
    else:
        data = load_tabular(dataset)
        task = data.task if task == "auto" and target in ("", "target") else task
        table = make_table(data.X.assign(target=data.y), target, task=task, drop=drop)
        name, checksum = dataset, f"sha256:{data.checksum[:16]}"
    n = len(table.y)
    if n > max_rows:
        rows = _parts(table, max_rows, seed)[0]
        rest = f"{max_rows} of {n} rows are used, drawn by chance; max_rows sets how many."
        X, y = (part.iloc[rows].reset_index(drop=True) for part in (table.X, table.y))
        table = replace(table, X=X, y=y, warnings=(*table.warnings, rest))
    return Source(name, checksum, table, n)


def fit_splits(
    table: OwnTable, n_splits: int, seed: int, *, method: str, budget: int, **options: Any
) -> list[SplitFit]:
    """Fit the network, its formula and the baselines to `n_splits` random splits of the rows.

    A quarter of the rows is held out each time, with classes in their shares. `method`, `budget`
    and `options` go to the estimator. A line of progress a split is printed to stderr.
    """
    n_splits = checks.positive_int(n_splits, "splits")
    seed = checks.positive_int(seed, "seed", minimum=0)
    kind = NeuronSeekRegressor if table.task == "regression" else NeuronSeekClassifier
    fits = []
    for split in range(seed, seed + n_splits):
        train, test = _parts(table, 1 - TEST_SIZE, split)
        model = kind(method=method, budget=budget, random_state=split, **options)
        model.fit(table.X.iloc[train], table.y.iloc[train].to_numpy())
        predictions = _rivals(table, train, test, split)
        X = table.X.iloc[test]
        predictions["found formula"] = model.search_.predict(model.formula_inputs(X))
        predictions["network"] = model.predict(X)
        fits.append(SplitFit(split, train, test, model, predictions))
        say(f"split {len(fits)} of {n_splits}: {model.structure_}")
    return fits


def _parts(table: OwnTable, size: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return sorted row numbers of a random part of this size, and of the rest: (n,), (N - n,).

    Classes keep their shares.
    """
    labels = table.y if table.task == "classification" else None
    try:
        parts = train_test_split(
            np.arange(len(table.y)), train_size=size, random_state=seed, stratify=labels
        )
    except ValueError as error:
        raise ValueError(
            f"target {table.target!r}: found {table.y.nunique()} classes in {len(table.y)} rows, "
            f"too many for a split with each class in both parts ({error})"
        ) from None
    return np.sort(parts[0]), np.sort(parts[1])


def _rivals(
    table: OwnTable, train: np.ndarray, test: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """Return what the baselines, learnt from rows `train`, predict for rows `test`, each (rows,).

    They take two parts and choose nothing on the second; the first holds all classes.
    """
    encoder = TableEncoder().fit(table.X.iloc[train])
    X, X_test = (encoder.transform(table.X.iloc[rows]) for rows in (train, test))
    y, classes = table.y.iloc[train].to_numpy(), None
    order = np.random.default_rng(seed).permutation(len(y))
    if table.task == "classification":
        classes, y = np.unique(y, return_inverse=True)
        first = np.unique(y[order], return_index=True)[1]
        order = np.r_[order[first], np.delete(order, first)]
    cut = max(round(0.8 * len(y)), 3, 0 if classes is None else len(classes))
    parts = order[:cut], order[cut:]
    if classes is not None and len(np.unique(y[parts[1]])) < 2 or len(parts[1]) < 2:
        parts = order, order  # too few for two parts
    learn, choose = ((X[rows], y[rows]) for rows in parts)
    predictions = {}
    for name, title in RIVALS.items():
        values = fit_tabular(name, learn, choose, task=table.task, seed=seed).predict(X_test)
        predictions[title] = values if classes is None else classes[values]
    return predictions


def score(task: str, y: np.ndarray, predicted: np.ndarray) -> float:
    """Return R² of predictions (N,) of a regression target y (N,), else the accuracy."""
    return float(r2_score(y, predicted) if task == "regression" else accuracy_score(y, predicted))


def scores(table: OwnTable, fits: Sequence[SplitFit]) -> pd.DataFrame:
    """Return the held-out score of every model on every split: split, model, score, rmse.

    The score is R² or accuracy; rmse is in the units of the target and NaN for classes.
    """
    rows = []
    for fit in fits:
        y = table.y.iloc[fit.test].to_numpy()
        for model in MODELS:
            predicted = fit.predictions[model]
            regression = table.task == "regression"
            error = float(np.sqrt(np.mean((y - predicted) ** 2))) if regression else np.nan
            rows.append((fit.seed, model, score(table.task, y, predicted), error))
    return pd.DataFrame(rows, columns=["split", "model", "score", "rmse"])


def compared(
    table: OwnTable, fit: SplitFit, resamples: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Return each model's held-out score and the network's lead, with 95 % bootstrap intervals.

    Columns: model, score, low, high, lead (score of the network less the model's), lead_low,
    lead_high. The test rows are drawn with replacement, the same ones for all models.
    """
    resamples = checks.positive_int(resamples, "resamples")
    y = table.y.iloc[fit.test].to_numpy()
    draws = np.random.default_rng(seed).integers(len(y), size=(resamples, len(y)))
    predictions = [fit.predictions[model] for model in MODELS]  # the network's last
    drawn = np.array([_drawn_scores(table.task, y, values, draws) for values in predictions])
    own = np.array([score(table.task, y, values) for values in predictions])
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=1)
    lead_low, lead_high = np.nanquantile(drawn[-1] - drawn, [0.025, 0.975], axis=1)
    return pd.DataFrame({"model": MODELS, "score": own, "low": low, "high": high,
                         "lead": own[-1] - own, "lead_low": lead_low, "lead_high": lead_high})


def _drawn_scores(
    task: str, y: np.ndarray, predicted: np.ndarray, draws: np.ndarray
) -> np.ndarray:
    """Return the score (resamples,) of predictions (N,) on each of the `draws` (resamples, N)."""
    if task != "regression":
        return (y == predicted)[draws].mean(axis=1)
    residual = ((y - predicted) ** 2)[draws].mean(axis=1)
    variance = y[draws].var(axis=1)
    return 1 - residual / np.where(variance > 0, variance, np.nan)


def score_table(scores: pd.DataFrame, comparison: pd.DataFrame) -> pd.DataFrame:
    """Return a row a model: mean, lowest and highest score over splits, rmse, lead with interval.

    `rmse`, the mean over splits, is left out for classes.
    """
    over = scores.groupby("model", sort=False)
    table = over["score"].agg(["mean", "min", "max"]).assign(rmse=over["rmse"].mean())
    leads = comparison.set_index("model")[["lead", "lead_low", "lead_high"]]
    leads.loc["network"] = np.nan  # over itself
    return table.join(leads).dropna(axis=1, how="all").reset_index()


def verdicts(comparison: pd.DataFrame) -> list[str]:
    """Return a sentence for each other model: whether the test rows tell the network from it."""
    said = []
    for row in comparison[comparison["model"] != "network"].itertuples():
        what = ("better than" if row.lead_low > 0 else "worse than" if row.lead_high < 0
                else "not told apart from")
        said.append(f"The network is {what} {row.model} on the test rows: lead {row.lead:+.3f}, "
                    f"95 % interval {row.lead_low:+.3f} to {row.lead_high:+.3f}.")
    return said


def metrics(scores: pd.DataFrame, structures: Sequence[str]) -> dict[str, Any]:
    """Return what a record keeps: each model's mean score over splits, and the structures."""
    means = scores.groupby("model", sort=False)["score"].mean()
    return {**{f"{model}, held-out score": value for model, value in means.items()},
            "same streams in splits": structures.count(structures[0]) / len(structures),
            "structures": list(structures)}


def same_table(record: dict[str, Any] | None, source: Source) -> dict[str, Any] | None:
    """Return a record where it is of the same data, else None."""
    same = record is not None and record["data"].get("table") == source.checksum
    return record if same else None


def page_of_table(
    source: Source, structures: Sequence[str], said: Sequence[str]
) -> dict[str, list[Any]]:
    """Return the first two sections of the page: what came out, and the table."""
    table = source.table
    return {
        "What came out": [[f"Streams found, split by split: {', '.join(structures)}.", *said]],
        "The table": [
            f"{source.rows_found} rows; {table.task} of {table.target} from "
            f"{table.X.shape[1]} features.",
            list(table.warnings), table.columns,
        ],
    }
