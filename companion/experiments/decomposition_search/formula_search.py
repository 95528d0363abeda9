"""The search walked through: one synthetic task, all 15 formulas, one real data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import sympy as sp
import torch

from companion.experiments.formula_tasks import (
    folded_streams,
    formula_tasks,
    judged_streams,
    kept_streams,
    named_formula,
)
from companion.experiments.table_preparation import preprocessor, split
from companion.rivals.baselines import fitted_baselines
from nslib import checks
from nslib.data import load_tabular
from nslib.formula import feature_symbols, leading_terms
from nslib.search import SearchResult, search, search_many
from nslib.structure import NeuronStructure


def gate_history(results: Sequence[SearchResult]) -> pd.DataFrame:
    """Return the open probability of every stream over the epochs: mean and range over the fits.

    Columns: epoch, stream, mean, low, high, kept (share of the fits that keep the stream).
    """
    streams = list(results[0].gate_probabilities)
    paths = np.stack([result.history[streams].T for result in results])
    epochs = results[0].history["epoch"]
    kept = [np.mean([r.gate_probabilities[stream] > 0.5 for r in results]) for stream in streams]
    return pd.DataFrame({
        "epoch": np.tile(epochs, len(streams)), "stream": np.repeat(streams, len(epochs)),
        "mean": paths.mean(axis=0).ravel(), "low": paths.min(axis=0).ravel(),
        "high": paths.max(axis=0).ravel(), "kept": np.repeat(kept, len(epochs)),
    })


def penalty_history(result: SearchResult) -> pd.DataFrame:
    """Return epoch, lambda and training loss of one fit."""
    return result.history[["epoch", "lambda", "loss"]].copy()


def synthetic(
    formula: str, n_samples: int, n_features: int, noise: float, data_seed: int,
    methods: dict[str, dict[str, Any]], seeds: Sequence[int],
) -> tuple[pd.DataFrame, dict[str, list[SearchResult]]]:
    """Search one of the paper's formulas with several methods, each with every seed.

    `methods`: label to the arguments of `search`, `method` among them. Returns a row a fit (label,
    seed, structure, exact: whether the streams are the true ones, test_mse on as many fresh rows in
    units of y's variance, noise_floor, seconds) and the results by label.
    """
    checks.positive_int(n_samples, "n_samples", minimum=2)
    task = named_formula(formula, 2 * n_samples, n_features, noise, data_seed)
    train, test = slice(None, n_samples), slice(n_samples, None)
    rows, by_label = [], {}
    for label, arguments in methods.items():
        by_label[label] = search(
            task.X[train], task.y[train], seeds=seeds, standardize=False, **arguments
        )
        for result in by_label[label]:
            judged = judged_streams(result.structure, task.structure)
            rows.append({
                "method": label, "seed": result.seed, "structure": judged["structure"],
                "exact": judged["exact"],
                "test_mse": np.mean((result.predict(task.X[test]) - task.y[test]) ** 2),
                "noise_floor": task.noise_floor, "seconds": result.seconds,
            })
    return pd.DataFrame(rows), by_label


def formula_recovery(
    n_samples: int, n_features: int, noise: float, data_seeds: Sequence[int],
    seeds: Sequence[int], method: str = "gated", **options: Any,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Search all 15 formulas, drawn with each of `data_seeds`, with each of `seeds`.

    Returns a row for each formula and stream (method, formula, stream, true, kept: share of the
    fits that keep it) and a row a fit (method, formula, data_seed, seed, structure, truth, exact,
    seconds).
    """
    tasks = formula_tasks(n_samples, n_features, noise, data_seeds)
    results = search_many(
        [(t.X, t.y) for t in tasks.values()], method, seeds=seeds, standardize=False, **options
    )
    fits = pd.DataFrame([
        {"method": method, "formula": name, "data_seed": data_seed, "seed": result.seed,
         **judged_streams(result.structure, task.structure), "seconds": result.seconds}
        for ((name, data_seed), task), own in zip(tasks.items(), results, strict=True)
        for result in own
    ])
    return kept_streams(fits, folded_streams(results[0][0])), fits


def agreement(fits: pd.DataFrame, others: dict[str, str]) -> pd.DataFrame:
    """Return a row a fit: its structure beside another search's on the same formula.

    `fits`: of `formula_recovery`; `others`: formula to text of a structure. Columns: formula,
    truth, structure, theirs, exact, theirs_exact, agreement (shared streams over all streams kept
    by either, in [0, 1]).
    """
    table = fits[["formula", "truth", "structure"]].reset_index(drop=True)
    table["theirs"] = table["formula"].map(others)
    sets = table.drop(columns="formula").map(lambda text: set(NeuronStructure.parse(text).streams))
    return table.assign(
        exact=fits["exact"].to_numpy(), theirs_exact=sets["theirs"] == sets["truth"],
        agreement=[len(mine & theirs) / len(mine | theirs)
                   for mine, theirs in zip(sets["structure"], sets["theirs"], strict=True)],
    )


def real_data(
    dataset: str, methods: dict[str, dict[str, Any]], seeds: Sequence[int], test_size: float = 0.2
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any], dict[str, list[SearchResult]]]:
    """Search a tabular data set by several methods and compare their neurons with baselines.

    `methods`: label to the arguments of `search`, `method` among them. One split a seed,
    preprocessing learnt from its training rows. Returns a row for each model and seed (model, seed,
    metric, value: test MSE in units of the training variance of y, or test accuracy), a row for
    each method, seed and stream (method, seed, stream, share: its share of the streams' variance on
    the training rows, 0 where it was dropped), the facts of the data (name, rows, features, task,
    source, checksum) and the results by label.
    """
    data = load_tabular(dataset)
    rows, shares, results = [], [], {label: [] for label in methods}
    for seed in seeds:
        X_train, X_test, y_train, y_test = split(data, test_size, seed)
        prepare = preprocessor()
        X_train, X_test = prepare.fit_transform(X_train), prepare.transform(X_test)
        names = prepare.get_feature_names_out().tolist()
        train = pd.DataFrame(X_train, columns=names), y_train.to_numpy()
        for label, arguments in methods.items():
            result = search(*train, seed=seed, task=data.task, **arguments)
            results[label].append(result)
            share = result.stream_shares(X_train)
            shares += [
                {"method": label, "seed": seed, "stream": stream,
                 "share": float(share.get(stream, 0.0))}
                for stream in folded_streams(result)
            ]
        models = {
            **{f"{label} neuron": own[-1] for label, own in results.items()},
            **fitted_baselines(data.task, X_train, y_train),
        }
        metric, value = _score(data.task, y_train, y_test)
        rows += [
            {"model": name, "seed": seed, "metric": metric, "value": value(model.predict(X_test))}
            for name, model in models.items()
        ]
    facts = {
        "name": data.name, "rows": len(data.y), "features": data.X.shape[1], "task": data.task,
        "source": data.source, "checksum": data.checksum,
    }
    return pd.DataFrame(rows), pd.DataFrame(shares), facts, results


def _score(
    task: str, y_train: pd.Series, y_test: pd.Series
) -> tuple[str, Callable[[np.ndarray], float]]:
    """Return the name of the score of predictions (n,) for targets `y_test` (n,), and the score."""
    if task == "classification":
        return "accuracy", lambda predicted: float(np.mean(predicted == y_test.to_numpy()))
    scale = float(np.var(y_train))
    return "mse", lambda predicted: float(np.mean((predicted - y_test.to_numpy()) ** 2) / scale)


def short_formula(result: SearchResult, n_terms: int = 6) -> tuple[str, sp.Expr | None]:
    """Return how long the expanded formula is, and its largest terms; for classes, the last logit.

    The expression is None where the expansion is refused.
    """
    try:
        expression = result.formula(raw=True)
    except ValueError as refused:
        return str(refused), None
    if result.classes is not None:
        expression = expression[result.classes.tolist()[-1]]
    length = len(expression.as_coefficients_dict())
    return f"{length} monomials", leading_terms(expression, n_terms)


def compared(scores: pd.DataFrame, marked: Sequence[str]) -> list[str]:
    """Return a sentence for each marked model: its mean score, and whether it beats the others."""
    means = scores.groupby("model", sort=False)["value"].mean()
    sign = 1 if scores["metric"].iloc[0] == "accuracy" else -1
    others, lines = means.drop(marked), []
    for model in marked:
        beaten = sign * (means[model] - others) > 0
        parts = [f"{word} " + ", ".join(f"{name} ({value:.3f})" for name, value in group.items())
                 for word, group in (("better than", others[beaten]),
                                     ("no better than", others[~beaten])) if len(group)]
        lines.append(f"{model}: {means[model]:.3f}, {'; '.join(parts)}")
    return lines


def formula_gap(result: SearchResult, n_points: int = 50) -> float:
    """Return the largest difference between formula and neuron, in units of its outputs' range.

    At `n_points` standard normal points in scaled units; the first logit for classes.
    """
    n_features = result.neuron.in_features
    Z = np.random.default_rng(0).standard_normal((n_points, n_features))
    expression = result.formula()
    expression = expression if result.classes is None else expression[result.classes.tolist()[0]]
    symbols = feature_symbols(result.scaling.feature_names, n_features)
    values = sp.lambdify(symbols, expression, "numpy")(*Z.T)
    expected = result.neuron(torch.as_tensor(Z, dtype=result.neuron.weight.dtype))[:, 0].numpy()
    return float(np.max(np.abs(values - expected)) / np.ptp(expected))
