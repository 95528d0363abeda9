"""Notebook 01: the CP form against the full tensor, by enumeration, einsum and eigenvalues."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.experiments.task_driven_neuron import tensors
from nslib import TaskLinear


@settings(deadline=None, max_examples=25)
@given(order=st.integers(2, 4), d=st.integers(1, 4), rank=st.integers(1, 5))
def test_counts_against_enumeration(order, d, rank):
    table = tensors.counts([d], [order], rank).set_index("form")["weights"]
    neuron = TaskLinear(d, 1, tensors.interaction(order, rank), bias=False)
    assert table["CP"] == sum(p.numel() for p in neuron.parameters()) == order * d * rank + rank
    indices = list(itertools.product(range(d), repeat=order))
    assert table["full tensor"] == len(indices)
    assert table["distinct monomials"] == len({tuple(sorted(index)) for index in indices})


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_contract_against_einsum(order):
    rng = np.random.default_rng(order)
    tensor, x = rng.normal(size=(3,) * order), rng.normal(size=(7, 3))
    letters = "abcd"[:order]
    expected = np.einsum(f"{letters},{','.join('n' + i for i in letters)}->n", tensor, *[x] * order)
    contracted = tensors.contract(torch.from_numpy(tensor), torch.from_numpy(x))
    assert contracted.numpy() == pytest.approx(expected, abs=1e-12)


def test_the_neuron_equals_its_tensor():
    table = tensors.differences([2, 3, 4], n_features=4, rank=3, seed=0, n_points=20)
    assert list(table.groupby("order").size()) == [20, 20, 20]
    assert table["difference"].max() < 1e-13
    assert np.abs(table["neuron"]).min() > 0


def test_times_cover_what_fits_and_leave_the_threads_alone():
    threads = torch.get_num_threads()
    table = tensors.times([2, 4], [2, 3], rank=2, max_entries=20, repeats=2, seed=0)
    assert torch.get_num_threads() == threads
    assert (table["low"] <= table["microseconds"]).all() and (table["low"] > 0).all()
    full = table[table["form"] == "full tensor"]
    assert list(zip(full["order"], full["dimension"], strict=True)) == [(2, 2), (2, 4), (3, 2)]
    assert (table["form"] == "CP").sum() == 4

    ratios = tensors.ratios(table).set_index("order")
    times = table.set_index(["order", "dimension", "form"])["microseconds"]
    assert list(ratios["dimension"]) == [4, 2]
    assert ratios.loc[2, "ratio"] == pytest.approx(times[2, 4, "full tensor"] / times[2, 4, "CP"])


@settings(deadline=None, max_examples=25)
@given(positive=st.integers(0, 5), negative=st.integers(0, 5), seed=st.integers(0, 100))
def test_best_rank_error_by_signature(positive, negative, seed):
    rng = np.random.default_rng(seed)
    values = np.r_[rng.uniform(1, 2, positive), -rng.uniform(1, 2, negative), 1.0]
    rotation = np.linalg.qr(rng.normal(size=(len(values),) * 2))[0]
    A = rotation @ np.diag(values) @ rotation.T
    needed = max(positive + 1, negative)
    assert tensors.best_rank_error(A, needed) == pytest.approx(0, abs=1e-12)
    assert tensors.best_rank_error(A, needed - 1) > 0.1
    errors = [tensors.best_rank_error(A, rank) for rank in range(needed + 1)]
    assert errors[0] == pytest.approx(1) and errors == sorted(errors, reverse=True)


def test_trained_neurons_reach_the_best_error_of_their_rank():
    forms = tensors.quadratic_forms(6, seed=0)
    assert all(np.array_equal(A, A.T) for A in forms.values())
    signs = np.sign(np.linalg.eigvalsh(forms["three products"]).round(9))
    assert (signs > 0).sum() == (signs < 0).sum() == 3
    assert tensors.best_rank_error(forms["sum of squares"], 2) == pytest.approx(np.sqrt(4 / 6))

    table = tensors.rank_errors(6, [2, 6], seeds=[0], n_points=1000)
    assert set(table["form"]) == set(forms) and len(table) == 6
    assert (table["error"] - table["best"]).abs().max() < 0.08
    assert table[table["rank"] == 6]["error"].max() < 0.01
