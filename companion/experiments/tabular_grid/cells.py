"""A cell: one model on one data set at one budget, for all seeds; its runs are reports on disk."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from companion.rivals.tables import fit_tabular
from nslib.data import TabularData
from nslib.structure import NeuronStructure
from nslib.threads import threads
from nslib.training import TrainingOptions

from . import cell_searches as searches
from . import reports
from .cell_networks import Trained, train_networks
from .scores import diverged, scores
from .settings import (
    BATCH_SIZE,
    CANDIDATES,
    LINEAR_NETWORKS,
    MAX_RANK,
    OURS,
    RIVALS,
    SEARCHES,
    SOURCES,
)
from .splits import PARTS, Split, divide


@dataclass(frozen=True)
class Cell:
    """One model on one data set, for some seeds.

    `model`: one of `NETWORKS`, with a `budget`; of `OURS` or `RIVALS`, with None; or "search-" and
    the name of a search, whose structures other cells use. `steps`: of the trainer.
    """

    dataset: str
    model: str
    budget: int | None
    seeds: tuple[int, ...]
    steps: int = TrainingOptions.steps

    @property
    def label(self) -> str:
        """Data set, model and budget as one text."""
        return " ".join(str(part) for part in (self.dataset, self.model, self.budget) if part)

    @property
    def is_search(self) -> bool:
        """Whether the cell finds structures and trains nothing."""
        return self.model.startswith("search-")

    @property
    def method(self) -> str:
        """The name of the search."""
        return self.model.removeprefix("search-")

    def path(self, work: Path, seed: int) -> Path:
        """Return the file of a run's report."""
        if self.is_search:
            return searches.path(work, self.dataset, self.method)
        name = self.model if self.budget is None else f"{self.model}-{self.budget}"
        return work / self.dataset / name / f"seed-{seed}.json"

    def config(self, data: TabularData, seed: int) -> dict[str, Any]:
        """Return all that the run of a seed depends on."""
        if self.is_search:
            return searches.config(data, self.method)
        config = {"dataset": self.dataset, "checksum": data.checksum, "model": self.model,
                  "budget": self.budget, "seed": seed}
        if self.model in RIVALS:
            return config
        # seeds are trained together, which rounds differently from one alone
        config |= {"seeds": list(self.seeds), "steps": self.steps}
        source = SOURCES.get(self.model)
        if self.model in OURS:
            config["settings"] = dict(OURS[self.model])
            source = OURS[self.model]["joined"]
        else:
            config |= {"candidates": CANDIDATES, "batch_size": BATCH_SIZE}
        if source is not None:
            config["search"] = {"method": source, "max_rank": MAX_RANK, **SEARCHES[source]}
        return config

    def is_done(self, data: TabularData, work: Path) -> bool:
        """Whether every seed has a report of this configuration."""
        return reports.all_answer(
            [(self.path(work, seed), self.config(data, seed)) for seed in self.seeds]
        )


def run_cell(cell: Cell, data: TabularData, work: Path) -> None:
    """Compute a cell and write a report for each seed."""
    start = time.perf_counter()
    with threads(1):
        if cell.is_search:
            searches.run(data, cell.method, work)
            return
        splits = [divide(data, seed) for seed in cell.seeds]
        found = _rivals(cell, splits) if cell.model in RIVALS else _networks(
            cell, data, splits, work
        )
    seconds = (time.perf_counter() - start) / len(splits)
    for split, results in zip(splits, found, strict=True):
        facts = {"task": split.task, "rows": split.sizes, "seconds": seconds, **results}
        reports.write(cell.path(work, split.seed), cell.config(data, split.seed), facts)


def _rivals(cell: Cell, splits: Sequence[Split]) -> list[dict[str, Any]]:
    found = []
    for split in splits:
        X, y = split.features(), split.y
        regression = split.n_classes is None
        model = fit_tabular(
            cell.model, (X["train"], y["train"]), (X["validation"], y["validation"]),
            task=split.task, seed=split.seed, threads=1,
        )
        predict = model.predict if regression else model.predict_proba
        outputs = {part: predict(X[part]) for part in PARTS}
        found.append({"fits": True, "n_parameters": model.n_parameters,
                      "structure": "", "learning_rate": None, "weight_decay": None,
                      **_judged(split, outputs)})
    return found


def _networks(
    cell: Cell, data: TabularData, splits: Sequence[Split], work: Path
) -> list[dict[str, Any]]:
    if cell.model in OURS:
        trained = _ours(cell, data, splits, work)
    else:
        family, own = cell.model, {}
        if cell.model in SOURCES:
            structure = searches.structure(data, SOURCES[cell.model], work)
            family, own = "TN", {"structure": searches.capped(structure), "as_linear": True}
        elif cell.model in LINEAR_NETWORKS:
            family, own = "LN", {"activation": LINEAR_NETWORKS[cell.model]}
        trained = train_networks(
            family, splits, cell.budget, candidates=CANDIDATES,
            options=TrainingOptions(steps=cell.steps, batch_size=BATCH_SIZE), **own,
        )
    if trained is None:
        return [{"fits": False}] * len(splits)
    return [_network_facts(split, result) for split, result in zip(splits, trained, strict=True)]


def _ours(
    cell: Cell, data: TabularData, splits: Sequence[Split], work: Path
) -> list[Trained] | None:
    settings = dict(OURS[cell.model])
    structure, source = settings.pop("structure"), settings.pop("joined")
    if structure is not None:
        structure = NeuronStructure.parse(structure)
    if source is not None:
        structure = searches.joined(structure, searches.structure(data, source, work))
    steps = min(cell.steps, settings.pop("steps"))
    return train_networks(
        "LN" if structure is None else "TN", splits, settings.pop("budget"), structure=structure,
        options=TrainingOptions(steps=steps), **settings,
    )


def _network_facts(split: Split, trained: Trained) -> dict[str, Any]:
    return {
        "fits": True, "n_parameters": trained.n_parameters, "structure": trained.structure,
        "learning_rate": trained.learning_rate, "weight_decay": trained.weight_decay,
        "step": trained.network.step, "validation_loss": trained.network.validation_loss,
        **_judged(split, trained.outputs),
    }


def _judged(split: Split, outputs: dict[str, Any]) -> dict[str, Any]:
    found = scores(split, outputs)
    return {"metrics": found, "diverged": diverged(split, found)}
