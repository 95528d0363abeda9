"""Retraining of a given structure: the true one reaches the noise, others what they allow."""

import numpy as np
import pytest

from nslib import NeuronStructure
from nslib.data import make_formula, random_formula
from nslib.search import refit, search


def errors(task, n, structure, **options):
    result = refit(structure, task.X[:n], task.y[:n], standardize=False, **options)
    return result, np.mean((result.predict(task.X[n:]) - task.y[n:]) ** 2)


@pytest.mark.parametrize("text", ["pure(2)+interact(3;rank=1)",
                                  "pure(1,2,3)+interact(2,3;rank=4)"])
def test_the_true_streams_reach_the_noise_and_superfluous_ones_do_no_harm(text):
    truth = NeuronStructure((2,), (3,), rank=1)
    for seed in (0, 1):
        task = random_formula(truth, 1200, 5, noise=0.05, seed=seed)
        result, error = errors(task, 600, NeuronStructure.parse(text))
        assert result.structure.same_streams(truth)
        assert error < 1.5 * task.noise_floor


def test_a_missing_stream_costs_its_share_of_the_variance():
    task = random_formula(NeuronStructure((1, 2), (), rank=1), 4000, 4, noise=0.0, seed=3)
    result, error = errors(task, 2000, NeuronStructure((1,), ()))
    assert result.structure == NeuronStructure((1,), ())
    assert error == pytest.approx(0.5, abs=0.1)  # two streams of equal variance


def test_the_rank_is_the_most_that_is_used():
    task = random_formula(NeuronStructure((), (2,), rank=3), 1500, 6, noise=0.01, seed=0)
    low, high = (errors(task, 1000, NeuronStructure((), (2,), rank=r)) for r in (1, 8))
    assert low[0].structure.rank == 1 and high[0].structure.rank == 3
    assert high[1] < 1.5 * task.noise_floor < low[1]


def test_of_all_streams_it_finds_what_the_search_finds():
    task = make_formula("hybrid", 1, 500, 5)
    everything = NeuronStructure((1, 2, 3), (2, 3), rank=8)
    mine = refit(everything, task.X, task.y, standardize=False)
    theirs = search(task.X, task.y, order=3, standardize=False)
    assert mine.structure == theirs.structure
    np.testing.assert_allclose(mine.predict(task.X), theirs.predict(task.X), atol=1e-6)


def test_streams_that_explain_nothing_leave_the_mean():
    X = np.random.default_rng(0).standard_normal((200, 3))
    y = 5 + np.random.default_rng(1).standard_normal(200)
    for structure in (NeuronStructure((3,), ()), NeuronStructure((), (3,), rank=2)):
        result = refit(structure, X, y)
        assert result.structure.streams == structure.streams
        np.testing.assert_allclose(result.predict(X), y.mean())


def test_same_seed_same_result_in_raw_units():
    task = make_formula("hybrid", 0, 400, 4)
    X, y = 3 + 2 * task.X, 100 * task.y - 7
    structure = NeuronStructure((1, 2), (2,), rank=2)
    first, second = (refit(structure, X, y, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.predict(X), second.predict(X))
    assert np.mean((first.predict(X) - y) ** 2) < 1e-3 * y.var()


def test_other_structures_are_refused_in_words():
    X, y = np.eye(4), np.arange(4.0)
    with pytest.raises(TypeError, match="structure: found 'pure"):
        refit("pure(1)", X, y)
    with pytest.raises(ValueError, match="without the sin stream"):
        refit(NeuronStructure(sin=True), X, y)
    with pytest.raises(ValueError, match="y: found"):
        refit(NeuronStructure(), X, np.zeros(4))
