"""MLP and TaskNet against layers written out; ensembles against their members."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nslib.networks import MLP, TaskNet
from nslib.structure import NeuronStructure

STRUCTURES = ["pure(1)", "pure(1,2)+interact(2;rank=2)", "pure(2)+interact(2,3;rank=3)+sin"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_weights(network, seed=3):
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator(seed)) * 0.5)
    return network


@pytest.mark.parametrize("activation, function", [
    ("relu", nn.ReLU()), ("sigmoid", nn.Sigmoid()), ("silu", nn.SiLU()), ("tanh", nn.Tanh()),
])
def test_mlp_is_torchs_sequence(activation, function):
    network = random_weights(MLP(3, 2, (5, 4), activation=activation))
    peer = nn.Sequential(
        nn.Linear(3, 5), function, nn.Linear(5, 4), function, nn.Linear(4, 2)
    )
    for ours, theirs in zip(network.parameters(), peer.parameters(), strict=True):
        theirs.data.copy_(ours)
    x = torch.randn(6, 7, 3, generator=generator())
    torch.testing.assert_close(network(x), peer(x))
    assert network(x[0, 0]).shape == (2,) and network(x[:0]).shape == (0, 7, 2)


@pytest.mark.parametrize("text", STRUCTURES)
def test_task_net_is_its_layers_with_activations_between(text):
    structure = NeuronStructure.parse(text)
    network = TaskNet(3, 2, (5, 4), structure, generator=generator())
    assert network.structure == structure
    assert [layer.structure for layer in network.layers] == [structure] * 3
    x = torch.randn(7, 3, generator=generator(1))
    first, second, third = network.layers
    torch.testing.assert_close(network(x), third(torch.tanh(second(torch.tanh(first(x))))))


@pytest.mark.parametrize("make", [MLP, TaskNet])
@pytest.mark.parametrize("hidden", [(), (4,), (5, 4)])
def test_members_share_layers_and_have_scales_and_shifts_of_their_own(make, hidden):
    network = random_weights(make(3, 2, hidden, members=3))
    x = torch.randn(6, 7, 3, generator=generator())
    outputs = network(x)
    assert outputs.shape == (6, 7, 3, 2)
    activation = torch.relu if make is MLP else torch.tanh
    for j in range(3):
        h = x * network.input_scale[j]
        for i, layer in enumerate(network.layers):
            h = layer(activation(h) if i else h) * network.scales[i][j] + network.shifts[i][j]
        torch.testing.assert_close(outputs[..., j, :], h)


def test_members_start_from_random_signs_of_the_inputs():
    network = MLP(200, 1, (3,), members=5, generator=generator())
    assert set(network.input_scale.flatten().tolist()) == {-1.0, 1.0}
    assert abs(network.input_scale.mean()) < 0.1
    assert not any(shift.any() for shift in network.shifts)
    outputs = network(torch.randn(4, 200, generator=generator(1)))
    assert (outputs.std(1) > 1e-3).all()


def test_weights_of_mlp_keep_the_size_of_rows():
    network = MLP(100, 400, (400,), generator=generator())
    x = torch.randn(300, 100, generator=generator(1))
    first = network.layers[0](x)
    assert 1.8 < first.var() < 2.2 and 1.8 < network(x).var() < 2.2  # relu keeps half the square


@given(
    make=st.sampled_from([MLP, *STRUCTURES]), hidden=st.lists(st.integers(1, 4), max_size=2),
    members=st.sampled_from([1, 3]), features=st.integers(1, 4), outputs=st.integers(1, 3),
    seed=st.integers(0, 9),
)
@settings(deadline=None, max_examples=40)
def test_every_parameter_gets_a_gradient_and_seeds_give_weights(
    make, hidden, members, features, outputs, seed
):
    options = {} if make is MLP else {"structure": NeuronStructure.parse(make)}
    kind = MLP if make is MLP else TaskNet
    networks = [
        kind(features, outputs, hidden, members=members, activation="sigmoid",
             generator=generator(s), **options) for s in (seed, seed, seed + 1)
    ]
    for a, b, c in zip(*(network.parameters() for network in networks), strict=True):
        assert torch.equal(a, b) and (not torch.equal(a, c) or a.numel() < 9 or not a.any())
    x = torch.randn(8, features, generator=generator(seed))
    networks[0](x).square().sum().backward()
    for name, parameter in networks[0].named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all()
        assert (parameter.grad != 0).any(), name


@pytest.mark.parametrize("make", [MLP, TaskNet])
@pytest.mark.parametrize("change, name", [
    ({"in_features": 0}, "in_features"), ({"out_features": 1.0}, "out_features"),
    ({"hidden": (3, 0)}, "hidden"), ({"hidden": 3}, "hidden"), ({"hidden": "3"}, "hidden"),
    ({"members": 0}, "members"), ({"activation": "tahn"}, "activation.*tanh"),
    ({"activation": None}, "activation"),
])
def test_bad_arguments(make, change, name):
    with pytest.raises((ValueError, TypeError), match=f"^{name}"):
        make(**{"in_features": 3, "out_features": 1, **change})


@pytest.mark.parametrize("make", [MLP, TaskNet])
@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("shape", [(5, 2), (5, 1), (3, 1), ()])
def test_rows_of_another_width(make, members, shape):
    with pytest.raises(ValueError, match="^x: found shape"):
        make(3, 1, (2,), members=members)(torch.ones(shape))


def test_structure_of_another_type():
    with pytest.raises(TypeError, match="^structure"):
        TaskNet(3, 1, (2,), "pure(1)")
