"""The grid: which cells there are, where their reports lie and what each depends on.

A cell is one model on one data set at one budget, for all seeds, which are trained together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from companion.rivals.tables import TABULAR_RIVALS
from nslib import checks
from nslib.data import REGISTRY, TabularData
from nslib.training import TrainingOptions

from . import reports, settings


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
    def method(self) -> str | None:
        """The name of the search that the cell runs, None for a cell that fits a model."""
        return self.model.removeprefix("search-") if self.model.startswith("search-") else None

    def path(self, work: Path, seed: int) -> Path:
        """Return the file of a run's report."""
        if self.method:
            return work / self.dataset / f"{self.model}.json"
        name = self.model if self.budget is None else f"{self.model}-{self.budget}"
        return work / self.dataset / name / f"seed-{seed}.json"

    def config(self, data: TabularData, seed: int) -> dict[str, Any]:
        """Return all that the run of a seed depends on, the code aside."""
        if self.method:
            return {"dataset": data.name, "checksum": data.checksum, "method": self.method,
                    "seed": seed, **settings.SEARCHES[self.method]}
        config = {"dataset": self.dataset, "checksum": data.checksum, "model": self.model,
                  "budget": self.budget, "seed": seed}
        if self.model in settings.RIVALS:
            return config
        # seeds are trained together, which rounds differently from one alone
        config |= {"seeds": list(self.seeds), "steps": self.steps}
        if self.model in settings.OURS:
            config["settings"] = dict(settings.OURS[self.model])
        else:
            config |= {"candidates": settings.CANDIDATES, "batch_size": settings.BATCH_SIZE}
        if source := settings.search_of(self.model):
            config["search"] = {"method": source, "max_rank": settings.MAX_RANK,
                                **settings.SEARCHES[source]}
        return config

    def answers(self, data: TabularData, work: Path) -> list[dict[str, Any] | None]:
        """Return each seed's report of this configuration and code, None where there is none."""
        return [reports.answer(self.path(work, seed), self.config(data, seed))
                for seed in self.seeds]


def search_cell(dataset: str, method: str) -> Cell:
    """Return the cell that searches the structure of a data set."""
    return Cell(dataset, f"search-{method}", None, (settings.SEARCH_SEED,))


def cells(
    datasets: Iterable[str], models: Iterable[str], budgets: Iterable[int] = settings.BUDGETS,
    seeds: Sequence[int] = tuple(range(10)), steps: int = TrainingOptions.steps,
) -> list[Cell]:
    """Return the cells of a grid, the searches that they need first, the costly ones early.

    `models`: of `NETWORKS` (a cell a budget up to `LARGEST_BUDGET`), `OURS` and `RIVALS`. Raises
    ValueError or TypeError for unknown names, for budgets and steps below 1 and seeds below 0.
    """
    known = (*settings.NETWORKS, *settings.OURS, *settings.RIVALS)
    models = [checks.one_of(model, "models", known) for model in models]
    datasets = [checks.one_of(name, "datasets", REGISTRY) for name in datasets]
    budgets = [checks.positive_int(budget, "budgets") for budget in budgets]
    seeds = tuple(checks.positive_int(seed, "seeds", minimum=0) for seed in seeds)
    if not seeds:
        raise ValueError("seeds: found none, expected at least one")
    steps = checks.positive_int(steps, "steps")
    sources = {settings.search_of(model) for model in models} - {None}
    searches = [search_cell(name, source) for source in sorted(sources) for name in datasets]
    trained = [
        Cell(name, model, budget, seeds, steps)
        for name in datasets for model in models
        for budget in (budgets if model in settings.NETWORKS else [None])
        if budget is None or budget <= settings.LARGEST_BUDGET.get(model, budget)
    ]
    return searches + sorted(trained, key=_cost, reverse=True)


def _cost(cell: Cell) -> float:
    """Return a rough order of the cells by time."""
    if cell.model in settings.OURS:
        weights = settings.OURS[cell.model]["budget"]
    elif cell.budget is not None:
        weights = cell.budget * (6 if cell.model == "KAN" else 1)
    else:
        weights = 20_000 if TABULAR_RIVALS[cell.model].slow else 1
    return float(weights * min(REGISTRY[cell.dataset].rows, 5000))
