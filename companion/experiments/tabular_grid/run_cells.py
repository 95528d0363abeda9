"""Where the numbers of the tables come from: `run` computes the cells of a grid, one by one.

`run_cell` divides the rows (`splits`), searches a structure (`nslib.search`), trains networks
(`nslib.training`) or fits a rival, and writes a report for each seed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sympy as sp
import torch
from torch import nn

from companion.experiments.table_preparation import preprocessor, target_scaler
from companion.rivals.tables import fit_tabular
from nslib import checks
from nslib.data import TabularData, load_tabular
from nslib.formula import count_monomials
from nslib.networks import MLP, TaskNet, kan, mlp, n_parameters, task_net
from nslib.search import SearchResult, search
from nslib.structure import NeuronStructure
from nslib.threads import threads
from nslib.training import Part, TrainingOptions, train

from . import grid, reports, score_table, settings
from .cell_processes import GridProgress, computed
from .grid import Cell
from .splits import PARTS, Split, diverged, divide, scores, search_rows

_LEADING = 8  # terms of a formula that a report keeps
_MONOMIALS = 2000  # beyond which a formula is not expanded


def run(
    datasets: Iterable[str], models: Iterable[str], budgets: Iterable[int], seeds: Sequence[int],
    steps: int, workers: int = 1, *, work: str | Path, resume: bool = True, progress: bool = True,
) -> pd.DataFrame:
    """Run what is not done yet on `workers` processes and return the table of all runs.

    Reports go below `work`, relative to the repository; without `resume` those that are there are
    not used. A data set that cannot be found is left out, with a line on stderr. `progress` prints
    a line for each cell. Raises the errors of `grid.cells` and, after all other cells have run,
    RuntimeError that names the cells that failed.
    """
    workers = checks.positive_int(workers, "workers")
    folder = reports.folder(work)
    wanted = grid.cells(datasets, models, budgets, seeds, steps)
    data = _load(dict.fromkeys(cell.dataset for cell in wanted))
    wanted = [cell for cell in wanted if cell.dataset in data]
    missing = [cell for cell in wanted
               if not (resume and all(cell.answers(data[cell.dataset], folder)))]
    lines = GridProgress(len(wanted), len(wanted) - len(missing), progress)
    failures: dict[str, str] = {}
    for stage in (True, False):  # searches first: other cells read their structures
        now = [cell for cell in missing if bool(cell.method) == stage]
        for cell, error in computed(run_cell, now, data, folder, workers):
            if error is not None:
                failures[cell.label] = error
            lines.show(cell, folder, error)
    if failures:
        text = "\n".join(f"{label}: {error}" for label, error in failures.items())
        raise RuntimeError(f"{len(failures)} of {len(wanted)} cells failed:\n{text}")
    return score_table.collect([cell for cell in wanted if not cell.method], folder)


def _load(names: Iterable[str]) -> dict[str, TabularData]:
    """Return the data sets that are there, with a line on stderr for each that is not."""
    data = {}
    for name in names:
        try:
            data[name] = load_tabular(name)
        except FileNotFoundError as error:
            print(f"left out {error}", file=sys.stderr, flush=True)
    return data


def run_cell(cell: Cell, data: TabularData, work: Path) -> None:
    """Compute a cell and write a report for each seed."""
    start = time.perf_counter()
    with threads(1):
        if cell.method:
            _run_search(cell, data, work)
            return
        splits = [divide(data, seed) for seed in cell.seeds]
        if cell.model in settings.RIVALS:
            results = [_rival(cell.model, split) for split in splits]
        else:
            results = _networks(cell, data, splits, work)
    seconds = (time.perf_counter() - start) / len(splits)
    for split, result in zip(splits, results, strict=True):
        facts = {"task": split.task, "seconds": seconds, **result}
        reports.write(cell.path(work, split.seed), cell.config(data, split.seed), facts)


def _judged(split: Split, outputs: dict[str, np.ndarray], **facts: Any) -> dict[str, Any]:
    """Return what a report says of a model and its outputs (n,) or (n, C) by part, as `scores`."""
    by_part = scores(split, outputs)
    return {"fits": True, **facts, "metrics": by_part, "diverged": diverged(split, by_part)}


def _rival(name: str, split: Split) -> dict[str, Any]:
    """Fit a rival to one split and judge it."""
    X, y = split.features(), split.y
    model = fit_tabular(
        name, (X["train"], y["train"]), (X["validation"], y["validation"]),
        task=split.task, seed=split.seed,
    )
    predict = model.predict if split.n_classes is None else model.predict_proba
    return _judged(split, {part: predict(X[part]) for part in PARTS}, structure="",
                   n_parameters=model.n_parameters, learning_rate=None, weight_decay=None)


def _networks(
    cell: Cell, data: TabularData, splits: Sequence[Split], work: Path
) -> list[dict[str, Any]]:
    """Train the networks of a cell, with the structure that its search has found; judge them."""
    source = settings.search_of(cell.model)
    structure = None if source is None else structure_of(data, source, work)
    if cell.model in settings.OURS:
        ours = dict(settings.OURS[cell.model])
        first, _ = ours.pop("structure"), ours.pop("joined")
        if structure is not None:
            structure = joined(NeuronStructure.parse(first), structure)
        steps = min(cell.steps, ours.pop("steps"))
        return train_networks(
            "LN" if structure is None else "TN", splits, ours.pop("budget"),
            structure=structure, options=TrainingOptions(steps=steps), **ours,
        )
    family, own = cell.model, {}
    if cell.model in settings.SOURCES:
        family, own = "TN", {"structure": capped(structure), "as_linear": True}
    elif cell.model in settings.LINEAR_NETWORKS:
        family, own = "LN", {"activation": settings.LINEAR_NETWORKS[cell.model]}
    return train_networks(
        family, splits, cell.budget, candidates=settings.CANDIDATES,
        options=TrainingOptions(steps=cell.steps, batch_size=settings.BATCH_SIZE), **own,
    )


def train_networks(
    family: str, splits: Sequence[Split], budget: int, *,
    structure: NeuronStructure | None = None, candidates: Sequence[tuple[float, float]],
    options: TrainingOptions, as_linear: bool = False, n_bins: int = 0,
    width: int | None = None, together: int | None = None, **network: Any,
) -> list[dict[str, Any]]:
    """Train a network for each split and return the results for the reports.

    With `as_linear` the budget is what the network of linear neurons of this budget really has.
    All splits, with all `candidates` (learning rate, weight decay), are one batch, or batches of
    `together` models; for each split the candidate with the best validation loss is taken. Splits
    whose encoding gives fewer columns have columns of zeros behind, so that networks agree.
    """
    encoded = _aligned([split.features(n_bins=n_bins) for split in splits])
    n_inputs, n_outputs = encoded[0]["train"].shape[1], splits[0].n_outputs
    if as_linear:
        budget = linear_size(n_inputs, n_outputs, budget)
    make = sized(family, n_inputs, n_outputs, budget, structure, width, **network)
    if make is None:
        return [{"fits": False}] * len(splits)
    # models stand split by split, and of a split candidate by candidate
    networks, parts = [], []
    for split, X in zip(splits, encoded, strict=True):
        y = split.targets()
        part = Part(X["train"], y["train"], X["validation"], y["validation"], split.seed)
        parts += [part] * len(candidates)
        networks += [make(generator=torch.Generator().manual_seed(split.seed)) for _ in candidates]
    rates = [*candidates] * len(splits)
    models, size = [], together or len(networks)
    for i in range(0, len(networks), size):
        batch = slice(i, i + size)
        models += train(networks[batch], parts[batch], options, rates=rates[batch]).models
    results = []
    for i, (split, X) in enumerate(zip(splits, encoded, strict=True)):
        own = range(i * len(candidates), (i + 1) * len(candidates))
        best = min(own, key=lambda k: models[k].validation_loss)
        model, (learning_rate, weight_decay) = models[best], rates[best]
        results.append(_judged(
            split, {part: split.in_units(model.predict(X[part])) for part in PARTS},
            n_parameters=n_parameters(model.network), learning_rate=learning_rate,
            weight_decay=weight_decay, structure=str(getattr(model.network, "structure", "")),
            step=model.step, validation_loss=model.validation_loss,
        ))
    return results


def _aligned(encoded: list[dict[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
    """Return the features (N, D) of each split, all with the most columns of any."""
    width = max(features["train"].shape[1] for features in encoded)
    return [
        {part: X if X.shape[1] == width else np.pad(X, ((0, 0), (0, width - X.shape[1])))
         for part, X in features.items()} for features in encoded
    ]


def sized(
    family: str, in_features: int, out_features: int, budget: int,
    structure: NeuronStructure | None = None, width: int | None = None, **options: Any,
) -> Callable[..., nn.Module] | None:
    """Return how to make the widest network of a family within the budget, None where none fits.

    `family`: "LN" (linear neurons), "KAN" or "TN". A structure of which nothing fits loses its
    highest interaction, then its highest power, until something does. `width` caps hidden layers.
    """
    if family == "KAN":
        return kan(in_features, out_features, budget, **options)
    if family == "LN":
        make, kind, fixed = mlp(in_features, out_features, budget, **options), MLP, ()
    else:
        make = task_net(in_features, out_features, budget, structure, **options)
        while make is None and len(structure.streams) > 1:
            structure = structure.without(structure.streams[-1])
            make = task_net(in_features, out_features, budget, structure, **options)
        kind, fixed = TaskNet, (structure,)
    if make is None or width is None:
        return make
    hidden = make(generator=torch.Generator()).hidden
    if not hidden or hidden[0] <= width:
        return make
    return partial(kind, in_features, out_features, (width,) * len(hidden), *fixed, **options)


def linear_size(in_features: int, out_features: int, budget: int) -> int:
    """Return the parameters of the network of linear neurons of a budget; it, where none fits."""
    make = mlp(in_features, out_features, budget)
    return n_parameters(make(generator=torch.Generator())) if make else budget


def _run_search(cell: Cell, data: TabularData, work: Path) -> dict[str, Any]:
    """Search with rows that no seed tests; write the report and return what it says."""
    how, (seed,) = settings.SEARCHES[cell.method], cell.seeds
    X, y = search_data(data, how["rows"])
    result = search(X, y, cell.method, seed=seed, task=data.task, **how["options"])
    facts = {"rows": len(X), "columns": X.shape[1], "structure": str(result.structure),
             "seconds": result.seconds, "probabilities": result.gate_probabilities,
             "leading_terms": leading_terms(result)}
    reports.write(cell.path(work, seed), cell.config(data, seed), facts)
    return facts


def search_data(data: TabularData, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return at most `n_rows` of the rows that searches may see: X (N, D), encoded, and y (N,).

    Features and a regression's target are prepared by these rows alone.
    """
    rows = np.flatnonzero(search_rows(data))
    rows = np.sort(np.random.default_rng(settings.SEARCH_SEED).permutation(rows)[:n_rows])
    X, y = data.X.iloc[rows], data.y.iloc[rows]
    X = preprocessor("robust").fit_transform(X)
    if data.task == "classification":
        return X, np.unique(y, return_inverse=True)[1]
    return X, target_scaler(data.target_scaling).fit_transform(y.to_numpy(float)[:, None])[:, 0]


def search_reports(
    datasets: Iterable[TabularData], work: Path
) -> Iterator[tuple[TabularData, str, dict[str, Any]]]:
    """Yield (data set, method, report) of each search that this code has run on the data sets."""
    for data in datasets:
        for method in settings.SEARCHES:
            report, = grid.search_cell(data.name, method).answers(data, work)
            if report:
                yield data, method, report


def structure_of(data: TabularData, method: str, work: Path) -> NeuronStructure:
    """Return the structure from the report of a search, which is run where that lacks."""
    cell = grid.search_cell(data.name, method)
    report = cell.answers(data, work)[0] or _run_search(cell, data, work)
    return NeuronStructure.parse(report["structure"])


def capped(structure: NeuronStructure) -> NeuronStructure:
    """Return the structure with a rank of at most `MAX_RANK`."""
    return replace(structure, rank=min(structure.rank, settings.MAX_RANK))


def joined(first: NeuronStructure, second: NeuronStructure) -> NeuronStructure:
    """Return the first structure with the interactions of both, of the rank `MAX_RANK`.

    For networks whose features have bins, which express every function of one feature: pure
    streams beyond the first structure's would add nothing.
    """
    return NeuronStructure(
        first.pure, (*first.interact, *second.interact), settings.MAX_RANK, first.sin
    )


def leading_terms(result: SearchResult) -> list[list[Any]]:
    """Return the largest monomials [term, coefficient] in scaled units, of the first output.

    Empty for a formula of too many monomials to be expanded.
    """
    if count_monomials(result.structure, result.neuron.in_features) > _MONOMIALS:
        return []
    formula = result.formula()
    if result.classes is not None:
        formula = next(iter(formula.values()))
    terms = [term.as_coeff_Mul() for term in sp.Add.make_args(formula)]
    terms = sorted(((str(m), float(c)) for c, m in terms), key=lambda t: (-abs(t[1]), t[0]))
    return [list(term) for term in terms[:_LEADING]]
