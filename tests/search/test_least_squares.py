"""The least-squares search: exact recovery, stated rates over seeds, and defined answers."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import nslib
from companion.experiments.structure_recovery.predecessor_sets import make_predecessor_sets
from nslib.data import FORMULAS, make_formula, random_formula
from nslib.search import search_many
from nslib.search.least_squares.engine import LeastSquaresOptions, relocated
from nslib.search.least_squares.polynomial import Polynomial
from nslib.search.search_task import make_task


def search(X, y, **options):
    return nslib.search(X, y, "als", **options)


def test_recovers_at_least_14_of_15_formulas():
    """One task each; errors near the noise where the streams are right."""
    right = 0
    for formula in FORMULAS:
        task = make_formula(*formula, n_samples=1300, n_features=5, seed=20)
        result = search(task.X[:800], task.y[:800], standardize=False)
        if result.structure.same_streams(task.structure):
            right += 1
            error = np.mean((result.predict(task.X[800:]) - task.y[800:]) ** 2)
            assert error < 2 * task.noise_floor
    assert right >= 14


@pytest.mark.parametrize("formula", [("pure", 4), ("interact", 1), ("hybrid", 3)])
def test_exact_without_noise(formula):
    task = make_formula(*formula, n_samples=1200, n_features=5, noise=0.0, seed=3)
    result = search(task.X[:1000], task.y[:1000], standardize=False)
    assert result.structure.same_streams(task.structure)
    np.testing.assert_allclose(result.predict(task.X[1000:]), task.y[1000:], atol=1e-8)


def test_rank_is_the_smallest_that_explains():
    structure = nslib.NeuronStructure((1,), (3,), rank=2)
    ranks = []
    for seed in range(4):
        X, y, truth = random_formula(structure, n_samples=1000, n_features=5, seed=seed)
        result = search(X, y, standardize=False)
        ranks.append(result.structure.rank if result.structure.same_streams(truth) else None)
    assert ranks.count(2) >= 3


def test_chance_means_do_not_add_lower_orders():
    """Standardised by the sample mean, x⁵ would have all lower orders."""
    X, y, truth = make_formula("pure", 4, n_samples=1500, n_features=5, seed=1)
    result = search(X * 3.0, y)
    assert result.structure.same_streams(truth)
    np.testing.assert_allclose(result.scaling.x_mean, 0.0)
    np.testing.assert_allclose(result.scaling.x_scale, (X * 3.0).std(axis=0))


def test_real_means_are_removed():
    X = np.random.default_rng(0).normal([50.0, 0.0], 1.0, (400, 2))
    task = relocated(make_task(X, X[:, 0] + X[:, 1]))
    assert task.x_mean == pytest.approx([X[:, 0].mean(), 0.0])
    np.testing.assert_allclose(task.Z * task.x_scale + task.x_mean, X)


def test_same_seed_same_answer_in_any_company():
    X, y, _ = make_formula("hybrid", 4, n_samples=600, n_features=5, seed=5)
    alone = search(X, y, seed=3)
    first, second = search(X, y, seeds=[7, 3])
    together = search_many([(X, y), (X, -y)], "als", seeds=[3])[0][0]
    for other in (second, together):
        np.testing.assert_array_equal(alone.predict(X), other.predict(X))
        assert alone.gate_probabilities == other.gate_probabilities
    assert first.structure.same_streams(second.structure)


def test_scores_say_which_streams_are_kept():
    X, y, _ = make_formula("interact", 2, n_samples=1000, n_features=5, noise=0.3, seed=2)
    result = search(X, y, order=4)
    assert len(result.gate_probabilities) == 7
    kept = {name for name, score in result.gate_probabilities.items() if score > 0.5}
    assert kept == set(result.structure.streams)


def test_frequencies_are_the_shares_of_the_resamples():
    """The stream that noise hides is chosen less often, and the frequency says how often."""
    shares = []
    for noise in (0.01, 0.3):
        X, y, truth = make_formula("interact", 2, 1000, 5, noise=noise, seed=2)
        result = search(X, y, order=4, resamples=20)
        found, scores = result.selection_frequencies, result.gate_probabilities
        assert result.structure.same_streams(truth) and list(found) == list(scores)
        assert all(20 * share == pytest.approx(round(20 * share)) for share in found.values())
        assert scores == found
        assert found["interact 2"] == 1.0
        shares.append(found["interact 3"])
    assert shares[0] == 1.0 and 0.0 < shares[1] < 1.0


def test_ranks_count_the_terms_of_each_order():
    task = make_formula("pure", 0, 100, 5, seed=0)
    model = Polynomial.constant(5, 1).with_pure(2)
    generator = torch.Generator().manual_seed(0)
    for k in (2, 3, 3, 3):
        factors = torch.randn(k, 5, generator=generator, dtype=torch.float64)
        model = model.with_term(factors, torch.ones(1, dtype=torch.float64))
    result, neuron = search(task.X, task.y), model.to_neuron()
    assert result.ranks == {}
    result = replace(result, neuron=neuron, structure=neuron.structure)
    assert result.ranks == {2: 1, 3: 3} and result.structure.rank == 3


@pytest.mark.parametrize("rows, features", [(2, 1), (2, 3), (5, 12), (30, 40)])
def test_few_rows_have_a_defined_answer(rows, features):
    rng = np.random.default_rng(rows)
    X, y = rng.standard_normal((rows, features)), rng.standard_normal(rows)
    result = search(X, y)
    assert result.structure.streams == ("pure 1",)
    assert np.isfinite(result.predict(X)).all()


def test_constant_repeated_and_huge_features():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 2))
    X = np.column_stack([x, x[:, 0], np.full(300, 4.0), 1e8 * rng.standard_cauchy(300)])
    result = search(X, x[:, 0] * x[:, 1] + 0.01 * rng.standard_normal(300))
    assert np.isfinite(result.predict(X)).all()
    assert "interact 2" in result.structure.streams
    result = search(X[:, :4], x[:, 0] + 0.1, standardize=False)
    np.testing.assert_allclose(result.predict(X[:, :4]), x[:, 0] + 0.1, atol=1e-8)


def test_heavy_tails_fall_back_to_the_linear_model():
    """Never much worse than linear regression on fresh rows, over several draws."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X = rng.standard_t(2.0, (800, 4))
        y = X @ [1.0, -1.0, 0.5, 0.0] + rng.standard_normal(800)
        result = search(X[:400], y[:400])
        design = np.column_stack([np.ones(800), X])
        weights = np.linalg.lstsq(design[:400], y[:400], rcond=None)[0]
        linear = np.mean((design[400:] @ weights - y[400:]) ** 2)
        assert np.mean((result.predict(X[400:]) - y[400:]) ** 2) <= 1.01 * linear


def test_far_outside_its_data_a_polynomial_is_not_used():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 2))
    result = search(X, (X**2).sum(axis=1), standardize=False)
    inside, edge, outside = [[2.0, 0.0]], [[6.0, 0.0]], [[600.0, 0.0]]
    assert result.predict(inside) == pytest.approx(4.0)
    assert result.predict(edge) == pytest.approx(result.predict(outside))
    linear = search(X, X.sum(axis=1), standardize=False)
    assert linear.predict(outside) == pytest.approx(600.0)


def test_two_classes_by_a_product():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((1500, 4))
    labels = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
    result = search(X[:1000], labels[:1000])
    assert result.structure.streams == ("interact 2",)
    assert np.mean(result.predict(X[1000:]) == labels[1000:]) > 0.95


def test_three_classes_by_the_radius():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((900, 2))
    radius = (X**2).sum(axis=1) + 0.5 * rng.standard_normal(900)
    labels = np.digitize(radius, [1.0, 3.0])
    result = search(X[:600], labels[:600], task="classification", order=2)
    assert "pure 2" in result.structure.streams
    assert result.neuron.out_features == 3
    assert np.mean(result.predict(X[600:]) == labels[600:]) > 0.75


def test_search_on_a_part_of_the_rows_fits_all_of_them():
    task = make_formula("hybrid", 1, n_samples=3000, n_features=4, noise=0.3, seed=4)
    whole = search(task.X, task.y, standardize=False)
    part = search(task.X, task.y, standardize=False, search_rows=1000, chunk_rows=256)
    assert part.structure == whole.structure
    errors = [np.mean((r.predict(task.X) - task.y) ** 2) for r in (part, whole)]
    assert errors[0] <= errors[1] * (1 + 0.01 * 13 / 3000)  # a hundredth of what 13 weights cost
    assert 2 <= part.passes <= 12 and part.fit_seconds < part.seconds


def test_a_linear_model_is_fitted_to_all_rows_too():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((900, 3))
    y = X @ [1.0, 2.0, 3.0] + rng.standard_normal(900)
    result = search(X, y, search_rows=200, standardize=False)
    assert result.structure.streams == ("pure 1",)
    design = np.column_stack([np.ones(900), X])
    exact = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    distance = np.sum((result.predict(X) - exact) ** 2)
    assert distance < 0.01 * 4  # of 4 weights, in units of the noise


@pytest.mark.parametrize("classes", [2, 3])
def test_classes_from_a_part_of_the_rows(classes):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((3000, 2))
    radius = (X**2).sum(axis=1) + 0.5 * rng.standard_normal(3000)
    labels = np.digitize(radius, [1.0, 3.0][: classes - 1])
    options = {"task": "classification", "order": 2, "standardize": False}
    whole = search(X, labels, **options)
    part = search(X, labels, search_rows=1500, **options)
    assert part.structure.streams == whole.structure.streams
    assert np.mean(part.predict(X) == whole.predict(X)) > 0.99


@pytest.mark.parametrize(
    "options", [{"rank": 0}, {"minimum_gain": 1.5}, {"search_rows": 3}, {"chunk_rows": 1}]
)
def test_options_out_of_range_are_named(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        LeastSquaresOptions(**options)


def test_noise_on_few_rows_is_not_taken_for_an_interaction():
    """A product of four forms can be found that fits the noise of these 480 rows."""
    for seed in range(3):
        task = make_predecessor_sets(seed=seed)[0]
        found = nslib.search(task.X[:480], task.y[:480])
        assert found.structure.streams == task.structure.streams == ("pure 2",)


def test_nothing_to_explain_it_with_or_left_to_explain():
    y = np.arange(20.0)
    assert search(np.ones((20, 3)), y).predict(np.ones((1, 3))) == pytest.approx(y.mean())
    x = np.array([0.0, 1, 1, 0, 0, 1, 2, 0])  # the pure order 1 leaves an error of exactly zero
    assert search(x[:, None], x, order=2, rank=2).structure.streams == ("pure 1",)
