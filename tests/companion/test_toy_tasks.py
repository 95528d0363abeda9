"""Notebook 01: toy tasks against closed forms, one neuron against theory."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq
from scipy.special import i0e

from companion.experiments.task_driven_neuron import toy_tasks as toys
from nslib import NeuronStructure, TaskLinear

LINEAR, SQUARES = NeuronStructure((1,), ()), NeuronStructure((2,), ())
PRODUCT = NeuronStructure((), (2,), rank=1)
CUBIC = NeuronStructure((1, 2, 3), (2, 3), rank=2)
points = st.lists(st.floats(-2, 2), min_size=2, max_size=2).map(lambda x: np.array([x]))


def circles_log_odds(r):
    """Log-odds of the inner circle (radius 1/2) by the density of a blurred circle at radius r."""
    variance = toys.TASKS["two circles"].noise ** 2

    def log_density(radius):
        return -((r - radius) ** 2) / (2 * variance) + np.log(i0e(radius * r / variance))

    return log_density(0.5) - log_density(1.0)


@pytest.mark.parametrize("task", toys.TASKS)
def test_sample_is_balanced_seeded_and_blurred_by_the_noise(task):
    X, y = toys.sample(task, 400, np.random.default_rng(3))
    again, _ = toys.sample(task, 400, np.random.default_rng(3))
    assert X.shape == (400, 2) and np.array_equal(X, again)
    assert np.array_equal(np.bincount(y), [200, 200])
    spread = (X - toys.centres(task, 400)[0]).std()
    assert spread == pytest.approx(toys.TASKS[task].noise, rel=0.1)


def test_unknown_task_is_named():
    with pytest.raises(ValueError, match="found 'two moon'.*did you mean 'two moons'"):
        toys.centres("two moon", 10)


@settings(deadline=None, max_examples=25)
@given(x=points)
def test_symmetries_of_the_log_odds(x):
    def log_odds(task, *signs):
        return toys.optimal_log_odds(task, x * signs)[0]

    assert log_odds("XOR", -1, 1) == pytest.approx(-log_odds("XOR", 1, 1), abs=1e-9)
    assert log_odds("XOR", 1, -1) == pytest.approx(-log_odds("XOR", 1, 1), abs=1e-9)
    assert log_odds("two moons", -1, -1) == pytest.approx(-log_odds("two moons", 1, 1), abs=1e-8)
    assert log_odds("two circles", 1, 1) == pytest.approx(
        circles_log_odds(np.linalg.norm(x)), abs=1e-8
    )


def test_optimal_accuracies_equal_closed_forms():
    right = stats.norm.cdf(1 / toys.TASKS["XOR"].noise)
    assert toys.optimal_accuracy("XOR") == pytest.approx(right**2 + (1 - right) ** 2, abs=1e-4)

    noise, radius = toys.TASKS["two circles"].noise, brentq(circles_log_odds, 0.5, 1)
    assert toys.optimal_radius() == pytest.approx(radius, abs=1e-8)
    inner = stats.rice.cdf(radius, 0.5 / noise, scale=noise)
    outer = stats.rice.sf(radius, 1 / noise, scale=noise)
    assert toys.optimal_accuracy("two circles") == pytest.approx((inner + outer) / 2, abs=1e-4)


def test_one_neuron_solves_what_theory_says_and_no_other():
    accuracies, neurons = toys.separate([LINEAR, SQUARES, PRODUCT], 200, [0, 1], n_test=1000)
    table = toys.accuracy_by_structure(accuracies).set_index(["task", "structure"])
    assert list(accuracies.columns) == ["task", "structure", "parameters", "seed", "accuracy"]
    assert len(accuracies) == len(neurons) == 3 * 3 * 2
    for task, structure in (("XOR", PRODUCT), ("two circles", SQUARES)):
        best = table.loc[task, str(structure)]
        assert best["mean"] > best["optimal"] - 0.03
        assert table.loc[task]["mean"].drop(str(structure)).max() < 0.85
    radius = toys.learnt_radius(neurons["two circles", str(SQUARES), 0])
    assert radius == pytest.approx(toys.optimal_radius(), rel=0.08)
    with pytest.raises(ValueError, match="seeds: found 1, expected an int of at least 2"):
        toys.accuracy_by_structure(accuracies[accuracies["seed"] == 0])

    grid = toys.boundaries(neurons, seed=0, n_grid=5)
    X = grid[grid["task"] == "XOR"][["x1", "x2"]].to_numpy()
    expected = toys.outputs(neurons["XOR", str(PRODUCT), 0], X)
    surface = grid[grid["task"] == "XOR"][str(PRODUCT)]
    assert surface.to_numpy() == pytest.approx(expected / expected.std(), abs=1e-4)


def test_fit_is_repeatable_and_recovers_a_quadratic_form():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = 2 * X[:, 0] * X[:, 1] - X[:, 2] ** 2 + 0.5
    structure = NeuronStructure((2,), (2,), rank=1)
    neuron, again = (toys.fit(structure, X, y, 1, loss="squared", weight_decay=0.0)
                     for _ in range(2))
    assert all(map(torch.equal, neuron.parameters(), again.parameters()))
    assert toys.outputs(neuron, X) == pytest.approx(y, abs=1e-3)
    with pytest.raises(ValueError, match="loss: found 'hinge'"):
        toys.fit(structure, X, y, 1, loss="hinge")


def test_coefficients_are_those_of_the_output():
    generator = torch.Generator().manual_seed(0)
    neurons = {(task, str(CUBIC), 5): TaskLinear(2, 1, CUBIC, generator=generator,
                                                 dtype=torch.float64) for task in toys.TASKS}
    table = toys.coefficients(neurons, CUBIC)
    for (task, _, seed), neuron in neurons.items():
        part = table[(table["task"] == task) & (table["seed"] == seed)]
        assert np.sum(part["coefficient"] ** 2) == pytest.approx(1, abs=1e-3)
        assert part["allowed"].sum() == len(toys.TASKS[task].monomials)
        X = np.random.default_rng(0).normal(size=(20, 2))
        value = sum(row.coefficient * X[:, 0] ** row.power1 * X[:, 1] ** row.power2
                    for row in part.itertuples())
        output = toys.outputs(neuron, X)
        assert np.corrcoef(value, output)[0, 1] > 0.999999


def test_learnt_radius_and_scaled_formula_of_known_weights():
    neuron = TaskLinear(2, 1, SQUARES, dtype=torch.float64)
    with torch.no_grad():
        neuron.weight.copy_(torch.tensor([[-4.0, -4.0]]))
        neuron.bias.fill_(1.0)
    assert toys.learnt_radius(neuron) == pytest.approx(0.5)
    formula = toys.scaled_formula(neuron)
    x1, x2 = sorted(formula.free_symbols, key=str)
    assert float(formula.subs({x1: 2, x2: 0})) == pytest.approx((1 - 16) / 4)


def test_rounded_has_no_negative_zero_and_keeps_integers():
    table = toys.rounded(pd.DataFrame({"a": [-1e-9, 1.23456789], "n": [1, 2]}))
    assert list(table["a"]) == [0.0, 1.2346] and not np.signbit(table["a"][0])
    assert table["n"].dtype == np.int64
