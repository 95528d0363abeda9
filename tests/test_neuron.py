"""TaskLinear against explicit polynomials built with tensorly, and as a torch module."""

import numpy as np
import pytest
import tensorly as tl
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nslib import NeuronStructure, TaskLinear

EVERYTHING = NeuronStructure((1, 2, 3), (2, 3), rank=3, sin=True)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def explicit(neuron, x):
    """The same neuron by full D^k tensors: b + Σ w·x^k + w·sin x + ⟨W^(k), x ⊗ … ⊗ x⟩."""
    structure, weights = neuron.structure, neuron.stream_weights()
    output = np.zeros((len(x), neuron.out_features))
    if neuron.bias is not None:
        output += neuron.bias.detach().numpy()
    for k in structure.pure:
        output += x**k @ weights[f"pure {k}"].detach().numpy().T
    if structure.sin:
        output += np.sin(x) @ weights["sin"].detach().numpy().T
    for k in structure.interact:
        factors = [f.detach().numpy().T for f in neuron.factor(k)]
        for c, v in enumerate(weights[f"interact {k}"].detach().numpy()):
            full = np.broadcast_to(tl.cp_to_tensor((v, factors)), (len(x), *[x.shape[1]] * k))
            for _ in range(k):
                full = np.einsum("n...d,nd->n...", full, x)
            output[:, c] += full
    return output


@given(
    pure=st.sets(st.integers(1, 4), max_size=3),
    interact=st.sets(st.integers(2, 4), max_size=2),
    rank=st.integers(1, 3),
    sin=st.booleans(),
    bias=st.booleans(),
    sizes=st.tuples(st.integers(1, 4), st.integers(1, 3)),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=40)
def test_equals_the_explicit_polynomial(pure, interact, rank, sin, bias, sizes, seed):
    structure = NeuronStructure(tuple(pure | {1}), tuple(interact), rank, sin)
    neuron = TaskLinear(*sizes, structure, bias, generator=generator(seed), dtype=torch.float64)
    x = np.random.default_rng(seed).standard_normal((5, sizes[0]))
    np.testing.assert_allclose(
        neuron(torch.as_tensor(x)).detach().numpy(), explicit(neuron, x), atol=1e-10
    )


@given(structure=st.sampled_from([EVERYTHING, NeuronStructure(), NeuronStructure((), (4,), 2)]),
       sizes=st.tuples(st.integers(1, 9), st.integers(1, 9)), bias=st.booleans())
@settings(deadline=None, max_examples=25)
def test_number_of_parameters_is_the_formula(structure, sizes, bias):
    neuron = TaskLinear(*sizes, structure, bias)
    assert sum(p.numel() for p in neuron.parameters()) == structure.n_parameters(*sizes, bias)


@pytest.mark.parametrize("norm", [None, "batch"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_parameter_receives_a_gradient(norm, dtype):
    neuron = TaskLinear(4, 3, EVERYTHING, norm=norm, generator=generator(), dtype=dtype)
    x = torch.randn(20, 4, generator=generator(1), dtype=dtype)
    neuron(x).pow(3).sum().backward()
    for name, parameter in neuron.named_parameters():
        assert parameter.dtype == dtype
        assert parameter.grad is not None and (parameter.grad != 0).all(), name


def test_gradient_is_the_derivative():
    neuron = TaskLinear(3, 2, EVERYTHING, generator=generator(), dtype=torch.float64)
    x = torch.randn(4, 3, generator=generator(1), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(neuron, (x,))


@pytest.mark.parametrize("norm", [None, "batch"])
@pytest.mark.parametrize("leading", [(), (5,), (2, 3), (2, 1, 4)])
def test_any_leading_shape_as_linear(norm, leading):
    neuron = TaskLinear(4, 3, EVERYTHING, norm=norm, generator=generator()).eval()
    x = torch.randn(*leading, 4, generator=generator(1))
    assert neuron(x).shape == torch.nn.Linear(4, 3)(x).shape
    torch.testing.assert_close(neuron(x).reshape(-1, 3), neuron(x.reshape(-1, 4)))


def test_streams_and_bias_add_up():
    neuron = TaskLinear(4, 3, EVERYTHING, generator=generator())
    x = torch.randn(6, 4, generator=generator(1))
    torch.testing.assert_close(sum(neuron.stream_outputs(x).values()) + neuron.bias, neuron(x))


def test_initial_output_has_about_unit_variance():
    neuron = TaskLinear(64, 400, NeuronStructure((1, 2, 3), (2, 3)), generator=generator())
    variance = neuron(torch.randn(400, 64, generator=generator(1))).var().item()
    assert 0.5 < variance < 2.0


def test_generator_and_state_dict_reproduce_the_layer():
    make = lambda seed: TaskLinear(4, 3, EVERYTHING, norm="batch", generator=generator(seed))  # noqa: E731
    a, b, other = make(7), make(7), make(8)
    x = torch.randn(9, 4, generator=generator(1))
    assert torch.equal(a(x), b(x)) and not torch.equal(a(x), other(x))
    other.load_state_dict(a.state_dict())
    assert torch.equal(other.eval()(x), a.eval()(x))


@pytest.mark.parametrize("norm", [None, "batch"])
def test_exports_and_compiles(norm):
    neuron = TaskLinear(4, 3, EVERYTHING, norm=norm, generator=generator()).eval()
    x = torch.randn(6, 4, generator=generator(1))
    exported = torch.export.export(neuron, (x,)).module()
    torch.testing.assert_close(exported(x), neuron(x))
    compiled = torch.compile(neuron, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(x), neuron(x))


@pytest.mark.parametrize("structure", [
    NeuronStructure((5,), (5,), 4), NeuronStructure((1, 2, 3, 4, 5), (2, 3, 4, 5), 8, True)
])
def test_large_inputs_train_without_nan_when_normalised(structure):
    neuron = TaskLinear(10, 1, structure, norm="batch", generator=generator())
    optimizer = torch.optim.Adam(neuron.parameters(), lr=0.01)
    x = torch.empty(256, 10).uniform_(-1e3, 1e3, generator=generator(1))
    y = torch.sin(x[:, :1])
    losses = []
    for _ in range(60):
        loss = (neuron(x) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.isfinite(losses).all()
    assert all(p.isfinite().all() for p in neuron.parameters())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("arguments", [(), (False,), (True,)])
@pytest.mark.parametrize("options", [
    {}, {"device": "cpu", "dtype": torch.float16}, {"device": torch.device("meta")},
])
def test_takes_the_arguments_of_linear(arguments, options):
    neuron = TaskLinear(10, 5, *arguments, **options)
    linear = torch.nn.Linear(10, 5, *arguments, **options)
    assert (neuron.bias is None) == (linear.bias is None)
    assert neuron.structure == NeuronStructure()
    for parameter in neuron.parameters():
        assert (parameter.dtype, parameter.device) == (linear.weight.dtype, linear.weight.device)
    assert neuron(torch.zeros(3, 10, **options)).shape == (3, 5)


def test_takes_a_structure_and_then_a_bias_too():
    assert TaskLinear(10, 5, EVERYTHING).bias is not None
    assert TaskLinear(10, 5, EVERYTHING, False).bias is None
    assert TaskLinear(10, 5, None, False).bias is None
    neuron = TaskLinear(10, 5, EVERYTHING, True, "batch")
    assert (neuron.structure, neuron.norm) == (EVERYTHING, "batch")


def test_bad_arguments_are_refused_in_words():
    with pytest.raises(ValueError, match="in_features: found 0"):
        TaskLinear(0, 1)
    with pytest.raises(TypeError, match="out_features"):
        TaskLinear(1, 1.5)
    with pytest.raises(ValueError, match="norm: found 'bacth'.*did you mean 'batch'"):
        TaskLinear(1, 1, norm="bacth")
    with pytest.raises(TypeError, match="structure: found .pure.1.., expected a NeuronStructure, "
                                        "or True or False for bias"):
        TaskLinear(1, 1, "pure(1)")
    with pytest.raises(TypeError, match="bias: found False as the third argument and True too"):
        TaskLinear(1, 1, False, True)
    with pytest.raises(ValueError, match="found 3 features in shape .2, 3., expected 4"):
        TaskLinear(4, 1)(torch.zeros(2, 3))
    for x in ([1.0, 2.0], torch.tensor(1.0), torch.zeros(2, 4, dtype=torch.int64)):
        with pytest.raises(TypeError, match="x: found .* expected a floating-point tensor"):
            TaskLinear(4, 1)(x)
    with pytest.raises(TypeError, match="dtype: found torch.int64"):
        TaskLinear(4, 1, dtype=torch.int64)
    with pytest.raises(TypeError, match="bias: found 'no'"):
        TaskLinear(4, 1, bias="no")
    with pytest.raises(ValueError, match="order: found 5"):
        TaskLinear(4, 1).factor(5)


def test_another_type_is_refused_in_words_where_there_is_no_autocast():
    layer = TaskLinear(3, 2, device="meta")
    with pytest.raises(TypeError, match="x: found dtype .*float16"):
        layer(torch.ones(1, 3, dtype=torch.float16, device="meta"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_another_floating_type_is_refused_in_words_and_taken_by_a_layer_of_that_type(dtype):
    x = torch.randn(5, 3).to(dtype)
    for norm in (None, "batch"):
        with pytest.raises(TypeError, match="x: found dtype .*expected that of the layer.*float32"):
            TaskLinear(3, 2, norm=norm)(x)
    y = TaskLinear(3, 2, dtype=dtype)(x)
    assert y.dtype == dtype and y.isfinite().all()
    with torch.autocast("cpu", dtype=torch.bfloat16):  # which casts what does not fit
        assert TaskLinear(3, 2)(x.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize(("make", "words"), [
    (lambda: TaskLinear(3, 2)(torch.eye(3).to_sparse()), "x: found layout torch.sparse_coo"),
    (lambda: TaskLinear(3, 2)(torch.eye(3).to_sparse_csr()), "x: found layout torch.sparse_csr"),
    (lambda: TaskLinear(3, 2)(torch.ones(1, 3, device="meta")), "x: found device meta"),
    (lambda: TaskLinear(3, 2).stream_outputs(torch.ones(1, 3).double()), "x: found dtype"),
    (lambda: TaskLinear(10**6, 10**6), "out_features: found 2000025000000 weights"),
    (lambda: TaskLinear(10**5000, 1), "in_features: found an int of 16610 bits"),
    (lambda: TaskLinear(3, 2, dtype="float32"), "dtype: found 'float32'"),
    (lambda: TaskLinear(3, 2, dtype=np.arange(3)), "dtype: found array"),
    (lambda: TaskLinear(3, 2, dtype=torch.float8_e5m2), "dtype: found torch.float8_e5m2"),
    (lambda: TaskLinear(3, 2, generator=7), "generator: found 7"),
    (lambda: TaskLinear(3, 2, device="nowhere"), "device: found 'nowhere'"),
])
def test_what_no_layer_can_be_or_take_is_named(make, words):
    with pytest.raises((TypeError, ValueError), match=words):
        make()


@pytest.mark.parametrize("order", [32, 64])
def test_the_highest_orders_have_weights_and_outputs_that_are_finite(order):
    layer = TaskLinear(3, 2, NeuronStructure((1, order), (order,), 2), dtype=torch.float64)
    assert (layer.weight != 0).all()
    assert layer(torch.randn(4, 3, dtype=torch.float64)).isfinite().all()
