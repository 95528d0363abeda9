"""The fast formulation of TaskLinear against the plain one, and under the transforms of torch."""

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.func import functional_call, grad, stack_module_state, vmap

from nslib import NeuronStructure, TaskLinear, neuron_kernel

STRUCTURES = [
    NeuronStructure((1, 2, 3), (2, 3), rank=3, sin=True),
    NeuronStructure((1, 2, 5), (2, 5), rank=2),
    NeuronStructure((2, 5), (5,), rank=2),
    NeuronStructure((1,), ()),
    NeuronStructure((), (2, 4), rank=2),
]


@pytest.fixture(autouse=True, scope="module")
def fast_for_few_rows_too():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neuron_kernel, "_FEW", 0)
        yield


def layer(structure, d=3, c=2, seed=0, **options):
    generator = torch.Generator().manual_seed(seed)
    return TaskLinear(d, c, structure, generator=generator, dtype=torch.float64, **options)


def rows(*shape, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def plain(neuron, x):
    return neuron_kernel.plain(x, neuron.weight, neuron.bias, neuron.factors, neuron.structure)


def gradients(y, x, neuron):
    wanted = [t for t in (x, *neuron.parameters()) if t.requires_grad]
    return torch.autograd.grad((y * y.detach().cos()).sum(), wanted, allow_unused=False)


@given(
    pure=st.sets(st.integers(1, 5), max_size=3), interact=st.sets(st.integers(2, 5), max_size=3),
    rank=st.integers(1, 3), sin=st.booleans(), bias=st.booleans(), seed=st.integers(0, 99),
    differentiate_x=st.booleans(), leading=st.sampled_from([(), (7,), (2, 3), (0,), (2, 1, 2)]),
)
@settings(deadline=None, max_examples=40)
def test_equals_the_plain_formulation(
    pure, interact, rank, sin, bias, seed, differentiate_x, leading
):
    if not (pure or interact or sin):
        pure = {1}
    structure = NeuronStructure(tuple(pure), tuple(interact), rank, sin)
    neuron = layer(structure, seed=seed, bias=bias)
    x = rows(*leading, 3, seed=seed).requires_grad_(differentiate_x)
    y, expected = neuron(x), plain(neuron, x)
    if 1 in structure.pure and len(leading) == 1:
        assert "Streams" in y.grad_fn.name()
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(gradients(y, x, neuron), gradients(expected, x, neuron))


@pytest.mark.parametrize("structure", STRUCTURES)
def test_first_and_second_derivatives(structure):
    neuron = layer(structure)
    x = rows(4, 3).requires_grad_()
    names, parameters = zip(*neuron.named_parameters(), strict=True)

    def function(x, *values):
        return functional_call(neuron, dict(zip(names, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(function, (x, *parameters), check_batched_grad=True)
    assert torch.autograd.gradgradcheck(function, (x, *parameters))


@pytest.mark.parametrize("frozen", ["weight", "bias", "factors"])
def test_frozen_parameters_get_no_gradient(frozen):
    neuron = layer(STRUCTURES[0])
    getattr(neuron, frozen).requires_grad_(False)
    x = rows(5, 3)
    expected = gradients(plain(neuron, x), x, neuron)
    torch.testing.assert_close(gradients(neuron(x), x, neuron), expected)


def test_a_gradient_without_memory_of_its_own():
    neuron, x = layer(STRUCTURES[0]), rows(5, 3)
    neuron(x).sum().backward()
    expected = torch.autograd.grad(plain(neuron, x).sum(), neuron.parameters())
    for parameter, wanted in zip(neuron.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, wanted)


def test_a_weight_changed_before_the_backward_pass_is_noticed():
    neuron = layer(STRUCTURES[0])
    y = neuron(rows(5, 3))
    with torch.no_grad():
        neuron.weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("batched", [True, False])
def test_many_models_at_once_equal_each_alone(structure, batched):
    models = [layer(structure, seed=s) for s in range(3)]
    stacked, _ = stack_module_state(models)
    x = rows(*((3,) if batched else ()), 6, 3).requires_grad_()
    y = vmap(
        lambda p, x: functional_call(models[0], p, (x,)), in_dims=(0, 0 if batched else None)
    )(stacked, x)
    (y * y.detach().cos()).sum().backward()
    total = torch.zeros_like(x)
    for i, model in enumerate(models):
        own = x[i] if batched else x
        d_own, *expected = gradients(model(own), own, model)
        (total[i] if batched else total).add_(d_own)
        for name, wanted in zip(dict(model.named_parameters()), expected, strict=True):
            torch.testing.assert_close(stacked[name].grad[i], wanted)
        torch.testing.assert_close(y[i], model(own))
    torch.testing.assert_close(x.grad, total)


def test_gradients_of_each_row_add_up_to_that_of_all():
    neuron, x = layer(STRUCTURES[0]), rows(4, 3)
    parameters = dict(neuron.named_parameters())

    def loss(parameters, x):
        return functional_call(neuron, parameters, (x,)).square().sum()

    each = vmap(grad(loss), in_dims=(None, 0))(parameters, x)
    whole = torch.autograd.grad(loss(parameters, x), parameters.values())
    torch.testing.assert_close([d.sum(0) for d in each.values()], list(whole))


def test_copies_of_a_normalised_layer_give_the_same_numbers():
    neuron, x = layer(STRUCTURES[0], norm="batch"), rows(4, 3)
    neuron(x)
    copies = [copy.deepcopy(neuron), pickle.loads(pickle.dumps(neuron)), layer(STRUCTURES[0],
              seed=5, norm="batch")]
    copies[2].load_state_dict(neuron.state_dict())
    for other in copies:
        assert torch.equal(other(x), neuron(x))
        neuron.load_state_dict(other.state_dict())


@pytest.mark.parametrize("shape", [(6, 3), (2, 4, 3)])
def test_normalisation_is_that_of_torch_over_all_streams(shape):
    neuron = layer(STRUCTURES[0], norm="batch")
    whole = copy.deepcopy(neuron.batch_norm)
    x = rows(*shape).requires_grad_()
    for training in (True, True, False):
        neuron.train(training), whole.train(training)
        streams = torch.cat(list(neuron.stream_outputs(x).values()), dim=-1)
        normalised = whole(streams.reshape(-1, streams.shape[-1])).view_as(streams)
        expected = normalised.unflatten(-1, (-1, 2)).sum(-2) + neuron.bias
        y = neuron(x)
        torch.testing.assert_close(y, expected)
        torch.testing.assert_close(*(torch.autograd.grad((z**3).sum(), x)[0]
                                     for z in (y, expected)))
        for name, value in neuron.batch_norm.state_dict().items():
            torch.testing.assert_close(value, whole.state_dict()[name])
