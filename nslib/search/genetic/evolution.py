"""The predecessor's search: vectorised symbolic regression (VSR), a genetic programme.

    ŷ = Σ_i g(x_i),    g(x) = Σ_k a_k x^k

over formulas g of one symbol x, with constants, negation, +, − and ×; all coordinates share g.
Since every formula is a polynomial, the data enter only through the triangular factor of the
column sums Σ_i x_i^k and y: fitness costs the same for any number of rows.

Source: Fan et al., "No One-Size-Fits-All Neurons" (arXiv 2405.02369). What differs: formulas beyond
a highest order are refused, tournaments see the right fitness (the authors' population is
shuffled after its fitness is computed), constants are real numbers that mutate, and the orders
of the best formula are refitted, so that the search is judged by its orders, not by how finely it
tuned their constants.
Its best is had with `linear_scaling` (Keijzer, "Improving symbolic regression with interval
arithmetic and linear scaling", EuroGP 2003), which is not published for it and so not the default.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression

from ... import checks
from ...neuron import TaskLinear
from ...structure import NeuronStructure, Stream
from ..result import SearchResult, without_constants
from ..search_task import SearchTask
from . import trees as programs
from .power_sums import PowerSums, power_sums

MAX_POPULATION = 100_000
"""Twenty times the most that was published."""

MAX_NODES = 1000
"""Of a tree; a population is an array of so many nodes each."""

_INVERSE_PENALTY = 100.0  # of the logistic refit, on features of unit variance


@dataclass(frozen=True)
class GeneticOptions:
    """Settings of the genetic search; shares are of the population.

    population, generations: the published range is 500–5000 and 20–80.
    tournament: share that competes to be a parent.
    crossover, mutation: shares of the children made so (a third each of the mutations changes a
        subtree, a node or a constant); the rest are copies.
    elite: share of best, distinct formulas kept.
    order, nodes: highest power of x, and nodes of the largest tree.
    constant: first constants are uniform in ±`constant`.
    linear_scaling: whether a + b·ŷ with the best a and b is judged (not published).
    threshold: an order is kept if the error without it grows by more than threshold² variances of
        y, and by more than chance would (as BIC judges).
    """

    population: int = 1000
    generations: int = 40
    tournament: float = 0.03
    crossover: float = 0.3
    mutation: float = 0.6
    elite: float = 0.05
    order: int = 10
    nodes: int = 64
    constant: float = 1.0
    linear_scaling: bool = False
    threshold: float = 0.01

    def __post_init__(self) -> None:
        checks.positive_int(self.population, "population", 4, MAX_POPULATION)
        checks.positive_int(self.nodes, "nodes", 3, MAX_NODES)
        checks.positive_int(self.generations, "generations", maximum=checks.MAX_REPEATS)
        checks.positive_int(self.order, "order", maximum=checks.MAX_ORDER)
        for name in ("tournament", "crossover", "mutation"):
            checks.real(getattr(self, name), name, 0.0, 1.0)
        checks.real(self.elite, "elite", 0.0, 0.5)
        if self.crossover + self.mutation > 1 + 1e-12:
            raise ValueError(
                f"crossover + mutation: found {self.crossover + self.mutation:g}, "
                "expected at most 1"
            )
        checks.real(self.constant, "constant", 1e-12, checks.MAX_RATE)
        checks.boolean(self.linear_scaling, "linear_scaling")
        checks.real(self.threshold, "threshold", 1e-12, 1.0)


def tournament(fitness: np.ndarray, n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return n winners (n,) by fitness (P,): each the fittest of `size` drawn with replacement.

    The best rank of `size` uniform draws has the law of 1 − u^(1/size), so one draw is enough.
    """
    ranked = np.argsort(fitness, kind="stable")
    best = -np.expm1(np.log1p(-rng.random(n)) / size)
    return ranked[np.minimum((best * len(fitness)).astype(int), len(fitness) - 1)]


def evolve(
    sums: PowerSums, options: GeneticOptions, rng: np.random.Generator,
    report: Callable[[float], None],
) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Return the best polynomial (K + 1,), the elite's (E, K + 1), and a row a generation."""
    o = options
    population = programs.grow(o.population, o.nodes, rng, o.constant)
    population.codes[0], population.values[0] = programs.PAD, 0.0
    population.codes[0, 0] = programs.X  # the ordinary neuron: one member is always valid
    n_elite = max(1, round(o.elite * o.population))
    size = max(2, round(o.tournament * o.population))
    rows = []
    for generation in range(1, o.generations + 1):
        polynomials, valid = programs.coefficients(population, o.order)
        valid &= (polynomials[:, 1:] != 0).any(axis=1)
        errors = np.full(o.population, np.inf)
        errors[valid] = sums.errors(polynomials[valid], o.linear_scaling)
        elite = np.unique(errors, return_index=True)[1][:n_elite]  # distinct, best first
        elite = elite[np.isfinite(errors[elite])]
        shares = sums.used(polynomials[elite], o.threshold).mean(axis=0)
        finite = errors[np.isfinite(errors)]
        row = {"epoch": generation, "loss": errors[elite[0]], "median": np.median(finite)}
        orders = {Stream("pure", k): share for k, share in enumerate(shares, start=1)}
        rows.append({**row, "lambda": 0.0, **orders})
        report(float(errors[elite[0]]))
        if generation < o.generations:
            n = o.population - len(elite)
            parents = population.take(tournament(errors, n, size, rng))
            partners = population.take(tournament(errors, n, size, rng))
            population = programs.join(population.take(elite), _vary(parents, partners, o, rng))
    ranked = polynomials[elite]
    return ranked[0], ranked, pd.DataFrame(rows)


def _vary(
    parents: programs.Trees, partners: programs.Trees, o: GeneticOptions,
    rng: np.random.Generator,
) -> programs.Trees:
    """Return the children: crossed, mutated in one of three ways, or copied, by the shares."""
    lot = rng.random(len(parents.codes))
    bounds = [o.crossover + o.mutation * third / 3 for third in range(4)]
    kinds = np.searchsorted(bounds, lot, side="right")  # 0: cross, 1–3: mutate, 4: copy
    groups = [kinds == kind for kind in range(5)]
    crossed, subtree, point, constant, copied = (parents.take(group) for group in groups)
    return programs.join(
        programs.cross(crossed, partners.take(groups[0]), rng),
        programs.mutate_subtrees(subtree, rng, o.constant),
        programs.mutate_points(point, rng, o.constant),
        programs.mutate_constants(constant, rng),
        copied,
    )


def search_genetic(
    tasks: Sequence[SearchTask],
    seeds: Sequence[int],
    options: GeneticOptions,
    report: Callable[[int, int, float], None],
) -> list[SearchResult]:
    """Search each task with each seed, one after the other; results task by task.

    Regression: one formula g. Classes: one g for each class against the rest, fitted to its
    standardised indicator; the orders of all are refitted together by logistic regression.
    `gate_probabilities` is the share of the elite's formulas that use an order (the mean over
    classes); the best formula alone decides which orders are kept.
    Raises ValueError where a power of X would leave the range of floating-point numbers.
    """
    for task in tasks:
        largest = float(np.abs(task.Z).max()) or 1.0
        if options.order * abs(np.log10(largest)) > 250:
            raise ValueError(
                f"X: found values up to {largest:.3g} in the search's units, whose power "
                f"{options.order} cannot be held; use standardize=True or lower the order"
            )
    total = sum(t.n_outputs for t in tasks) * len(seeds) * options.generations
    done = 0

    def step(loss: float) -> None:
        nonlocal done
        done += 1
        report(done, total, loss)

    return [_search_one(task, seed, options, step) for task in tasks for seed in seeds]


def _search_one(
    task: SearchTask, seed: int, options: GeneticOptions, step: Callable[[float], None]
) -> SearchResult:
    """Return the result of one task and seed; `step` is told the best error of each generation."""
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    if task.classes is None:
        targets = [task.target]
    else:
        indicators = (task.target[:, None] == np.arange(len(task.classes))).astype(float).T
        targets = [(t - t.mean()) / t.std() for t in indicators]
    orders, histories = set(), []
    for target in targets:
        sums = PowerSums.of(task.Z, target, options.order)
        best, _, history = evolve(sums, options, rng, step)
        orders |= set(sums.needed(np.flatnonzero(best[1:]) + 1, options.threshold))
        histories.append(history)
    history = sum(histories) / len(histories)
    neuron = _neuron(task, sorted(int(k) for k in orders), sums)
    last = history.iloc[-1]
    return SearchResult(
        method="vsr", structure=neuron.structure,
        gate_probabilities={s: float(last[s]) for s in _streams(options.order)},
        history=history.astype({"epoch": int}), seconds=time.perf_counter() - start, seed=seed,
        neuron=without_constants(neuron, task), scaling=task.scaling,
    )


def _streams(order: int) -> list[Stream]:
    """Return the candidates: the pure streams of all orders up to `order`."""
    return [Stream("pure", k) for k in range(1, order + 1)]


@torch.no_grad()
def _neuron(task: SearchTask, orders: list[int], sums: PowerSums) -> TaskLinear:
    """Return the neuron with the refitted coefficients, the same for all coordinates."""
    n_features = task.Z.shape[1]
    if task.classes is None:
        solution = sums.refit(orders)[0][None]
        slopes, constants = solution[:, 1:] / n_features**0.5, solution[:, 0] * n_features**0.5
    else:
        features = power_sums(task.Z / sums.unit, sums.root.shape[1] - 2)[:, orders]
        mean, scale = features.mean(axis=0), features.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        model = LogisticRegression(C=_INVERSE_PENALTY, max_iter=1000)
        model.fit((features - mean) / scale, task.target)
        slopes, constants = model.coef_ / scale, model.intercept_
        if len(task.classes) == 2:
            slopes, constants = (np.concatenate([-v, v]) / 2 for v in (slopes, constants))
        constants = constants - slopes @ mean
    structure = NeuronStructure(pure=tuple(orders), interact=())
    neuron = TaskLinear(n_features, task.n_outputs, structure, dtype=torch.float64)
    weights = neuron.stream_weights()
    for slope, k in zip(slopes.T / sums.unit ** np.array(orders)[:, None], orders, strict=True):
        weights[Stream("pure", k)].copy_(torch.as_tensor(slope)[:, None])
    neuron.bias.copy_(torch.as_tensor(constants))
    return neuron
