"""Same seed, same answer: any number of worker processes, any number of threads."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import torch

import nslib
from nslib.data import make_formula

OPTIONS = {"als": {}, "gated": {"epochs": 2, "order": 3}, "threshold": {"epochs": 2, "order": 3},
           "vsr": {"generations": 2, "population": 50}}
JOBS = [(method, seed) for seed in (0, 1) for method in OPTIONS]


def found(job):
    """Return what a search found: structure, scores, history, weights; all as they are."""
    method, seed = job
    X, y, _ = make_formula("interact", 1, 400, 6, noise=0.1, seed=5)
    result = nslib.search(X, y, method, seed=seed, **OPTIONS[method])
    weights = {k: v.numpy() for k, v in result.neuron.state_dict().items()}
    return (str(result.structure), list(result.gate_probabilities.items()),
            result.history.to_dict("list"), weights, result.predict(X))


@pytest.fixture(scope="module")
def here():
    return [found(job) for job in JOBS]


def test_two_workers_find_what_one_does(here):
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as workers:
        there = list(workers.map(found, JOBS))
    np.testing.assert_equal(there, here)


def test_threads_do_not_matter(here):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        np.testing.assert_equal([found(job) for job in JOBS], here)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
