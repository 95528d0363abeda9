"""Networks by budget: never above it, and one unit wider would be."""

import doctest

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import nslib.networks.sizing
from nslib.networks import KAN, MLP, TaskNet, kan, mlp, n_parameters, task_net
from nslib.networks.sizing import NARROWEST
from nslib.structure import NeuronStructure

SIZES = {"in_features": st.integers(1, 30), "out_features": st.integers(1, 5),
         "budget": st.integers(1, 3000)}
STRUCTURES = st.builds(
    NeuronStructure, pure=st.sampled_from([(1,), (1, 2), (2, 3)]),
    interact=st.sampled_from([(), (2,), (2, 3)]), rank=st.integers(1, 9), sin=st.booleans(),
)


def size(make):
    """Return the number of parameters of two networks that `make` makes."""
    a, b = (make(generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    assert type(a) is type(b) and n_parameters(a) == n_parameters(b)
    assert any(not torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    return n_parameters(a)


def mlp_count(widths, members=1):
    """Return the number of parameters of an MLP, counted by hand."""
    own = members * (widths[0] + 2 * sum(widths[1:])) if members > 1 else 0
    return sum(a * b + b for a, b in zip(widths, widths[1:], strict=False)) + own


def task_count(widths, structure, members=1):
    rank = min([structure.rank, *widths[1:-1]]) if len(widths) > 2 else 1
    small = NeuronStructure(structure.pure, structure.interact, rank, structure.sin)
    own = members * (widths[0] + 2 * sum(widths[1:])) if members > 1 else 0
    return own + sum(
        small.n_parameters(a, b) for a, b in zip(widths, widths[1:], strict=False)
    )


def check_two_layers_or_fewer(make, count, in_features, out_features, budget):
    """Check the documented choice: as many layers of equal width as fit, as wide as fits."""
    def widths(width, layers):
        return (in_features, *(width,) * layers, out_features)

    narrowest = {2: NARROWEST, 1: 1, 0: 0}
    layers = next((n for n, w in narrowest.items() if count(widths(w, n)) <= budget), None)
    if layers is None:
        assert make is None
        return
    network = make(generator=torch.Generator())
    assert len(network.hidden) == layers and len(set(network.hidden)) <= 1
    width = network.hidden[0] if layers else 1
    assert size(make) == count(widths(width, layers)) <= budget
    assert not layers or count(widths(width + 1, layers)) > budget


@given(members=st.sampled_from([1, 1, 4]), **SIZES)
@settings(deadline=None, max_examples=25)
def test_mlp_is_the_widest_that_fits(in_features, out_features, budget, members):
    make = mlp(in_features, out_features, budget, members=members)
    check_two_layers_or_fewer(
        make, lambda widths: mlp_count(widths, members), in_features, out_features, budget
    )


@given(structure=STRUCTURES, members=st.sampled_from([1, 1, 4]), **SIZES)
@settings(deadline=None, max_examples=25)
def test_task_net_is_the_widest_that_fits(in_features, out_features, budget, structure, members):
    make = task_net(in_features, out_features, budget, structure, members=members)
    check_two_layers_or_fewer(
        make, lambda widths: task_count(widths, structure, members), in_features, out_features,
        budget,
    )
    if make is not None:
        network = make(generator=torch.Generator())
        assert network.structure.same_streams(structure)
        wanted = min([structure.rank, *network.hidden]) if network.hidden else 1
        assert network.structure.rank == (wanted if structure.interact else 1)


@given(**SIZES)
@settings(deadline=None, max_examples=25)
def test_kan_is_the_widest_of_the_finest_splines_that_fit(in_features, out_features, budget):
    def count(width, intervals):
        widths = (in_features, *(width,) * (width > 0), out_features)
        pairs = zip(widths, widths[1:], strict=False)
        return sum(b * (a * (1 + intervals + 3) + 1) for a, b in pairs)

    make = kan(in_features, out_features, budget)
    options = [(layer, n) for layer in (1, 0) for n in (5, 3, 2, 1) if count(layer, n) <= budget]
    if not options:
        assert make is None
        return
    hidden, intervals = options[0]
    network = make(generator=torch.Generator())
    assert len(network.layers) == hidden + 1 and network.layers[0].n_intervals == intervals
    width = network.layers[0].out_features if hidden else 0
    assert size(make) == count(width, intervals) <= budget
    assert not hidden or count(width + 1, intervals) > budget


def test_options_are_passed_on():
    structure = NeuronStructure()
    assert mlp(3, 1, 500, activation="silu")().activation == "silu"
    assert task_net(3, 1, 500, structure, activation="sigmoid")().activation == "sigmoid"
    assert kan(3, 1, 500, degree=2)().layers[0].degree == 2
    kinds = [type(make()) for make in (mlp(3, 1, 99), task_net(3, 1, 99, structure), kan(3, 1, 99))]
    assert kinds == [MLP, TaskNet, KAN]


@pytest.mark.parametrize("sized", [mlp, kan, lambda *a: task_net(*a, NeuronStructure())])
@pytest.mark.parametrize("arguments, name", [
    ((3, 1, 0), "budget"), ((3, 1, 1.5), "budget"), ((3, 1, True), "budget"),
    ((0, 1, 100), "in_features"), ((3, 0, 100), "out_features"),
])
def test_bad_arguments(sized, arguments, name):
    with pytest.raises((ValueError, TypeError), match=f"^{name}"):
        sized(*arguments)


def test_the_example_of_the_docstring():
    tried = doctest.testmod(nslib.networks.sizing)
    assert tried.attempted and not tried.failed


def test_n_parameters_counts_what_was_trained():
    network = MLP(3, 2, (4,))
    assert n_parameters(network) == 3 * 4 + 4 + 4 * 2 + 2
    assert n_parameters(network.requires_grad_(False)) == 3 * 4 + 4 + 4 * 2 + 2
