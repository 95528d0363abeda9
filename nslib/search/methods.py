"""The register of search methods: a method is one module of this package and one entry here.

Search, estimators, figures and benches read what they need of a method from its entry. Code is
named as "module:name" and imported when it is first used, so that names, labels and colours cost
no import of a method.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ..structure import NeuronStructure

if TYPE_CHECKING:
    from .result import SearchResult
    from .search_task import SearchTask


def imported(place: Any) -> Any:
    """Return what the text "module:name" stands for, and anything that is no text as it is."""
    if not isinstance(place, str):
        return place
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


@dataclass(frozen=True, kw_only=True)
class Look:
    """How figures show a model.

    `label`: in legends; `title`: a longer one where there is space, by default the label;
    `colour`, `marker` (None: a line alone), `size` of the marker in points, and `dashes` of its
    line (None: no line in a legend): as matplotlib takes them.
    """

    label: str
    colour: str
    marker: str | None
    title: str = ""
    dashes: str | tuple[float, tuple[float, ...]] | None = "-"
    size: float = 5.0

    def __post_init__(self) -> None:
        if not self.title:
            object.__setattr__(self, "title", self.label)


@dataclass(frozen=True, kw_only=True)
class ComparedModel(Look):
    """What comparisons know of a model, be it a search of this package or a rival of it.

    `options_class`: a dataclass; `function`: what searches or fits; both as objects or as
    "module:name". `family`: "TD" for searches by tensor decomposition, "SR" for symbolic
    regression. `budget`: the option that sets its effort, None where its defaults are its one
    budget. `weights`: how they are fitted, by "least squares" as `refit` does, by stochastic
    "gradient" steps, so that what counts is the structure, which comparisons refit, or by its
    "own" means. `highest_pure` (None: any) and `interactions`: the streams that it can represent;
    `baseline`: it chooses no streams; `classifies`: it takes classes too; `weighs`: it takes
    weights of rows.
    """

    name: str
    options_class: type | str
    function: Callable | str
    family: str = ""
    budget: str | None = None
    weights: str = "own"
    highest_pure: int | None = None
    interactions: bool = True
    baseline: bool = False
    classifies: bool = True
    weighs: bool = False

    @property
    def options(self) -> type:
        """The dataclass of its options."""
        return imported(self.options_class)

    def accepted(self, **options: Any) -> dict[str, Any]:
        """Return those of `options` that the model has."""
        known = {field.name for field in fields(self.options)}
        return {name: value for name, value in options.items() if name in known}

    def represents(self, structure: NeuronStructure) -> bool:
        """Whether the model can be a neuron of exactly these streams, at any order it is given."""
        highest = max(structure.pure, default=0)
        return (
            not self.baseline
            and (self.highest_pure is None or highest <= self.highest_pure)
            and (self.interactions or not structure.interact)
            and (not structure.sin or bool(self.accepted(sin=True)))
        )


@dataclass(frozen=True, kw_only=True)
class Method(ComparedModel):
    """A search method of this package.

    `function(task, seed, options) -> SearchResult`, or with `batched`
    `function(tasks, seeds, options, report) -> [SearchResult, …]`, seed by seed for each task.
    `predicting`: `(task, seed, options) -> SearchResult` for goal="prediction", None without one.
    """

    batched: bool = False
    predicting: Callable | str | None = None

    def run(
        self, tasks: Sequence[SearchTask], seeds: Sequence[int], options: Any, report: Callable,
        goal: str = "formula",
    ) -> list[SearchResult]:
        """Search every task with every seed; `report(done, total, loss)` is told of progress."""
        function = imported(self.function if goal == "formula" else self.predicting)
        if self.batched and goal == "formula":
            return function(tasks, seeds, options, report)
        pairs = [(task, seed) for task in tasks for seed in seeds]
        results: list[SearchResult] = []
        for done, (task, seed) in enumerate(pairs, start=1):
            results.append(function(task, seed, options))
            report(done, len(pairs), float(results[-1].history["loss"].iloc[-1]))
        return results


METHODS = {method.name: method for method in (
    Method(
        name="gated", options_class="nslib.search.gated:GatedOptions",
        function="nslib.search.gated:search_gated", batched=True,
        family="TD", budget="epochs", weights="gradient",
        label="gated (v2)", title="gated (the paper's v2)", colour="#0072B2", marker="o", size=7.5,
    ),
    Method(
        name="als", options_class="nslib.search.least_squares:LeastSquaresOptions",
        function="nslib.search.least_squares:search_least_squares",
        predicting="nslib.search.prediction:search_prediction",
        family="TD", budget="restarts", weights="least squares", weighs=True,
        label="als (ours)", title="least squares (ours)", colour="#D55E00", marker="s", dashes="--",
    ),
    Method(
        name="threshold", options_class="nslib.search.threshold:ThresholdOptions",
        function="nslib.search.threshold:search_threshold",
        family="TD", weights="gradient", highest_pure=1,
        label="threshold (v1)", colour="#56B4E9", marker="X", size=6.5,
        dashes=(0, (3, 1, 1, 1)),
    ),
    Method(
        name="vsr", options_class="nslib.search.genetic:GeneticOptions",
        function="nslib.search.genetic:search_genetic", batched=True,
        family="SR", budget="generations", interactions=False,
        label="VSR", colour="#000000", marker="^", dashes="-.",
    ),
)}
