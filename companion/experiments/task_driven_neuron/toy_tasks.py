"""Notebook 01, toy tasks: what one neuron of each structure separates, and what theory says of it.

Every task is two sets of centres in the plane blurred by Gaussian noise, so the best possible
classifier and its accuracy are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import sympy as sp
import torch
from scipy.optimize import brentq
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from sklearn.datasets import make_circles, make_moons
from torch.nn import functional as F

from nslib import checks, formula
from nslib.neuron import TaskLinear
from nslib.structure import NeuronStructure
from nslib.threads import one_thread


@dataclass(frozen=True)
class ToyTask:
    """A toy task: noise is the standard deviation of a point about its centre.

    `extent`: half the side of the square that is drawn. `monomials`: exponents of (x_1, x_2), up
    to order 3, that the symmetry of the task allows in the log-odds.
    """

    noise: float
    extent: float
    monomials: tuple[tuple[int, int], ...]


TASKS = {
    "XOR": ToyTask(0.4, 2.2, ((1, 1),)),
    "two circles": ToyTask(0.12, 1.5, ((0, 0), (2, 0), (0, 2))),
    "two moons": ToyTask(0.15, 1.9, ((1, 0), (0, 1), (3, 0), (2, 1), (1, 2), (0, 3))),
}
MONOMIALS = tuple((k - j, j) for k in range(4) for j in range(k + 1))


def centres(task: str, n_points: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the points without noise (n_points, 2) and their classes (n_points,), half 1.

    "XOR": the corners of a square, class 1 where the signs differ. "two circles": scikit-learn's,
    radii 1 (class 0) and 1/2 (class 1). "two moons": scikit-learn's, moved to be symmetric about
    the origin.
    """
    checks.one_of(task, "task", TASKS)
    if task == "two circles":
        return make_circles(n_points, shuffle=False, factor=0.5)
    if task == "two moons":
        points, classes = make_moons(n_points, shuffle=False)
        return points - (0.5, 0.25), classes
    corners = np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])
    which = np.arange(n_points) % 4
    return corners[which], (which >= 2).astype(np.int64)


def sample(task: str, n_points: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy points (n_points, 2) and their classes (n_points,)."""
    points, classes = centres(task, n_points)
    return points + rng.normal(0.0, TASKS[task].noise, points.shape), classes


def optimal_log_odds(task: str, X: np.ndarray) -> np.ndarray:
    """Return log p(x | class 1) - log p(x | class 0), (N,) for X (N, 2).

    Both classes are equally frequent, so its sign is the best possible classifier.
    """
    return np.subtract(*_log_densities(task, X)[::-1])


def _log_densities(task: str, X: np.ndarray) -> list[np.ndarray]:
    """Return the log densities (N,) of both classes at X (N, 2).

    The 100 centres of a curve lie far closer than the noise.
    """
    points, classes = centres(task, 200)
    variance = TASKS[task].noise ** 2
    return [
        logsumexp(-cdist(X, points[classes == c], "sqeuclidean") / (2 * variance), axis=1)
        - np.log(100 * 2 * np.pi * variance)
        for c in (0, 1)
    ]


def optimal_accuracy(task: str) -> float:
    """Return the accuracy of the best possible classifier, half the integral of max(p_0, p_1)."""
    checks.one_of(task, "task", TASKS)
    X, cell = _grid(TASKS[task].extent + 1.5, 181)
    return float(0.5 * np.exp(np.max(_log_densities(task, X), axis=0)).sum() * cell)


def optimal_radius() -> float:
    """Return the radius of the best boundary between the two circles."""
    return brentq(lambda r: optimal_log_odds("two circles", np.array([[r, 0.0]]))[0], 0.5, 1.0)


def _grid(extent: float, n: int) -> tuple[np.ndarray, float]:
    """Return the points (n², 2) of a square grid about the origin and the area of a cell."""
    axis = np.linspace(-extent, extent, n)
    return np.stack([g.ravel() for g in np.meshgrid(axis, axis)], axis=1), (axis[1] - axis[0]) ** 2


def fit(
    structure: NeuronStructure, X: np.ndarray, y: np.ndarray, seed: int, *,
    loss: str = "logistic", weight_decay: float = 1e-4,
) -> TaskLinear:
    """Return one neuron fitted to X (N, D) and y (N,) by full-batch L-BFGS in float64.

    `seed`: of the initial weights. `loss`: "logistic" for classes 0 and 1, the output being the
    log-odds of class 1, or "squared". `weight_decay`: factor of the sum of squared weights.
    """
    checks.one_of(loss, "loss", ("logistic", "squared"))
    generator = torch.Generator().manual_seed(seed)
    neuron = TaskLinear(X.shape[1], 1, structure, generator=generator, dtype=torch.float64)
    inputs, target = torch.from_numpy(X), torch.from_numpy(y).double()
    measure = F.binary_cross_entropy_with_logits if loss == "logistic" else F.mse_loss
    optimiser = torch.optim.LBFGS(neuron.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def objective() -> torch.Tensor:
        optimiser.zero_grad()
        value = measure(neuron(inputs)[:, 0], target)
        value = value + weight_decay * sum(p.square().sum() for p in neuron.parameters())
        value.backward()
        return value

    with one_thread():
        optimiser.step(objective)
    return neuron


def outputs(neuron: TaskLinear, X: np.ndarray) -> np.ndarray:
    """Return the output (N,) of one neuron for X (N, D)."""
    with torch.no_grad():
        return neuron(torch.from_numpy(X))[:, 0].numpy()


def separate(
    structures: Iterable[NeuronStructure], n_points: int, seeds: Iterable[int],
    n_test: int = 4000,
) -> tuple[pd.DataFrame, dict[tuple[str, str, int], TaskLinear]]:
    """Fit one neuron of each structure to each toy task, for every seed.

    A seed draws `n_points` training and `n_test` test points and the initial weights. Returns a
    table (task, structure, parameters, seed, accuracy on the test points) and the neurons by task,
    text of the structure, and seed.
    """
    seeds, structures = list(seeds), list(structures)
    rows, neurons = [], {}
    for task in TASKS:
        for seed in seeds:
            rng = np.random.default_rng(seed)
            X, y = sample(task, n_points, rng)
            X_test, y_test = sample(task, n_test, rng)
            for structure in structures:
                neuron = fit(structure, X, y, seed)
                accuracy = float(np.mean((outputs(neuron, X_test) > 0) == y_test))
                rows.append((task, str(structure), structure.n_parameters(2), seed, accuracy))
                neurons[task, str(structure), seed] = neuron
    columns = ["task", "structure", "parameters", "seed", "accuracy"]
    return pd.DataFrame(rows, columns=columns), neurons


def accuracy_by_structure(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Return mean and standard deviation over seeds, beside the best possible accuracy.

    Also the worst seed; one row for a task and structure, in the order of first appearance. Raises
    ValueError for fewer than two seeds.
    """
    checks.positive_int(accuracies["seed"].nunique(), "seeds", minimum=2)
    groups = accuracies.groupby(["task", "structure", "parameters"], sort=False)["accuracy"]
    table = groups.agg(["mean", "std", "min", "count"]).reset_index()
    best = {task: optimal_accuracy(task) for task in accuracies["task"].unique()}
    return rounded(table.assign(optimal=table["task"].map(best)))


def boundaries(
    neurons: Mapping[tuple[str, str, int], TaskLinear], seed: int, n_grid: int = 41,
) -> pd.DataFrame:
    """Return the log-odds of the neurons of one seed on a square grid of each task.

    One row a point: task, x1, x2, `optimal`, and one column for each structure, every surface over
    its own standard deviation.
    """
    parts = []
    for task in dict.fromkeys(key[0] for key in neurons):
        X, _ = _grid(TASKS[task].extent, n_grid)
        values = {"task": task, "x1": X[:, 0], "x2": X[:, 1]}
        values["optimal"] = _scaled(optimal_log_odds(task, X))
        for (name, structure, which), neuron in neurons.items():
            if (name, which) == (task, seed):
                values[structure] = _scaled(outputs(neuron, X))
        parts.append(pd.DataFrame(values))
    return rounded(pd.concat(parts, ignore_index=True))


def shown_points(n_points: int, seed: int) -> pd.DataFrame:
    """Return points of every task for a figure: task, x1, x2, class."""
    samples = {task: sample(task, n_points, np.random.default_rng(seed)) for task in TASKS}
    return rounded(pd.concat([
        pd.DataFrame({"task": task, "x1": X[:, 0], "x2": X[:, 1], "class": y})
        for task, (X, y) in samples.items()
    ], ignore_index=True))


def coefficients(
    neurons: Mapping[tuple[str, str, int], TaskLinear], structure: NeuronStructure,
) -> pd.DataFrame:
    """Return the coefficients, up to order 3, of the learnt polynomials of one structure.

    One row for a task, monomial and seed: the coefficient over the root of the sum of squares of
    all of them, and whether the symmetry of the task allows the monomial (`allowed`).
    """
    rows = []
    for (task, name, seed), neuron in neurons.items():
        if name == str(structure):
            polynomial = as_polynomial(neuron)
            values = np.array([float(polynomial.coeff_monomial(m)) for m in MONOMIALS])
            for monomial, value in zip(MONOMIALS, values / np.linalg.norm(values), strict=True):
                rows.append((task, seed, *monomial, value, monomial in TASKS[task].monomials))
    columns = ["task", "seed", "power1", "power2", "coefficient", "allowed"]
    return rounded(pd.DataFrame(rows, columns=columns))


def scaled_formula(neuron: TaskLinear) -> sp.Expr:
    """Return the learnt polynomial over its largest coefficient, which changes no boundary."""
    polynomial = as_polynomial(neuron)
    largest = max(abs(c) for c in polynomial.coeffs())
    return (polynomial / largest).as_expr() if largest else polynomial.as_expr()


def learnt_radius(neuron: TaskLinear) -> float:
    """Return the radius of the learnt boundary, the mean of the two axes of an ellipse about 0."""
    polynomial = as_polynomial(neuron)
    constant, *squares = (float(polynomial.coeff_monomial(m)) for m in ((0, 0), (2, 0), (0, 2)))
    return float(np.mean(np.sqrt([-constant / square for square in squares])))


def as_polynomial(neuron: TaskLinear) -> sp.Poly:
    """Return the neuron as a polynomial in its features."""
    expression = formula.expressions(neuron)[0]
    return sp.Poly(expression, *formula.feature_symbols(None, neuron.in_features))


def shapes(structures: Iterable[NeuronStructure], seed: int, n_grid: int = 81) -> pd.DataFrame:
    """Return the outputs of neurons with random weights on a grid of [-3, 3]².

    One row a point: x1, x2, and one column for each structure, in standard deviations.
    """
    X, _ = _grid(3.0, n_grid)
    values = {"x1": X[:, 0], "x2": X[:, 1]}
    generator = torch.Generator().manual_seed(seed)
    for structure in structures:
        neuron = TaskLinear(2, 1, structure, generator=generator, dtype=torch.float64)
        values[str(structure)] = _scaled(outputs(neuron, X))
    return rounded(pd.DataFrame(values), decimals=6)


def _scaled(values: np.ndarray) -> np.ndarray:
    """Return values (n,) over their standard deviation."""
    return values / values.std()


def rounded(table: pd.DataFrame, decimals: int = 4) -> pd.DataFrame:
    """Return a table with floats of a few decimals: enough to draw, and without rounding noise."""
    return table.assign(**(table.select_dtypes("float").round(decimals) + 0.0))  # no -0.0
