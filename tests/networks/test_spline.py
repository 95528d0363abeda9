"""The B-spline basis against scipy; SplineLinear and KAN as sums of splines and torch modules."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline
from torch.func import functional_call, stack_module_state, vmap

from nslib.networks import KAN, SplineLinear, bspline_basis

BASES = st.tuples(
    st.integers(1, 8), st.integers(1, 5), st.floats(-4.0, 0.0), st.floats(0.5, 4.0)
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def knots(n_intervals, degree, low, high):
    return low + (high - low) / n_intervals * np.arange(-degree, n_intervals + degree + 1)


def inside(low, high, n=40, seed=0):
    return np.random.default_rng(seed).uniform(low, high, n)


@given(basis=BASES, seed=st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_basis_and_its_derivative_equal_scipys(basis, seed):
    n_intervals, degree, low, high = basis
    t, x = knots(*basis), inside(low, high, seed=seed)
    values = bspline_basis(torch.as_tensor(x), *basis)
    expected = BSpline.design_matrix(x, t, degree).toarray()
    np.testing.assert_allclose(values.numpy(), expected, atol=1e-10)

    splines = BSpline(t, np.eye(n_intervals + degree), degree).derivative()
    _, slope = torch.func.jvp(
        lambda x: bspline_basis(x, *basis), (torch.as_tensor(x),), (torch.ones(len(x)).double(),)
    )
    np.testing.assert_allclose(slope.numpy(), splines(x), atol=1e-8)


@given(basis=BASES, x=st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=5),
       dtype=st.sampled_from([torch.float32, torch.float64]))
@settings(deadline=None, max_examples=40)
def test_basis_is_a_partition_of_unity_and_constant_outside(basis, x, dtype):
    n_intervals, degree, low, high = basis
    x = torch.tensor(x, dtype=dtype, requires_grad=True)
    values = bspline_basis(x, *basis)
    assert values.shape == (*x.shape, n_intervals + degree) and values.dtype == dtype
    assert (values >= 0).all()
    torch.testing.assert_close(values.sum(-1), torch.ones_like(x))
    torch.testing.assert_close(values, bspline_basis(x.clamp(low, high), *basis))
    values[..., 0].sum().backward()
    outside = (x < low - 1e-3) | (x > high + 1e-3)
    assert x.grad.isfinite().all() and (x.grad[outside] == 0).all()


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_float32_is_exact_to_rounding(degree):
    x = inside(-3.0, 3.0, 2000)
    values = bspline_basis(torch.as_tensor(x, dtype=torch.float32), 5, degree, -3.0, 3.0)
    exact = bspline_basis(torch.as_tensor(x), 5, degree, -3.0, 3.0)
    assert (values - exact).abs().max() < 2e-6


def test_both_ends_belong_to_the_basis():
    values = bspline_basis(torch.tensor([-3.0, 3.0, torch.inf, -torch.inf]), 5, 3, -3.0, 3.0)
    start = torch.tensor([1 / 6, 2 / 3, 1 / 6, 0, 0, 0, 0, 0])
    expected = torch.stack([start, start.flip(0), start.flip(0), start])
    torch.testing.assert_close(values, expected)
    assert bspline_basis(torch.tensor([torch.nan]), 5, 3, -3.0, 3.0).isnan().any()


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_basis_keeps_the_shape(shape):
    assert bspline_basis(torch.zeros(shape), 4, 2, -1.0, 1.0).shape == (*shape, 6)


def explicit(layer, x):
    """b_c + Σ_i [v_ci silu(x_i) + spline_ci(x_i)], one scipy spline at a time."""
    D, J = layer.in_features, layer.n_intervals + layer.degree
    weight = layer.weight.detach().numpy()
    v, w = weight[:, :D], weight[:, D:].reshape(-1, D, J)
    t = knots(layer.n_intervals, layer.degree, layer.low, layer.high)
    output = np.tile(layer.bias.detach().numpy(), (len(x), 1))
    for c in range(layer.out_features):
        for i in range(D):
            spline = BSpline(t, w[c, i], layer.degree)
            output[:, c] += v[c, i] * x[:, i] / (1 + np.exp(-x[:, i]))
            output[:, c] += spline(np.clip(x[:, i], layer.low, layer.high))
    return output


@given(sizes=st.tuples(st.integers(1, 4), st.integers(1, 3)), basis=BASES, seed=st.integers(0, 99))
@settings(deadline=None, max_examples=25)
def test_layer_equals_the_sum_of_scipy_splines(sizes, basis, seed):
    *counts, low, high = basis
    layer = SplineLinear(
        *sizes, *counts, low=low, high=high, generator=generator(seed), dtype=torch.float64
    )
    layer.bias.data.normal_(generator=generator(seed + 1))
    x = 3 * np.random.default_rng(seed).standard_normal((6, sizes[0]))
    np.testing.assert_allclose(
        layer(torch.as_tensor(x)).detach().numpy(), explicit(layer, x), atol=1e-8
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_parameter_receives_a_gradient(dtype):
    layer = SplineLinear(3, 2, generator=generator(), dtype=dtype)
    network = KAN(3, 2, [4, 4], generator=generator()).to(dtype)
    x = 3 * torch.randn(200, 3, generator=generator(1), dtype=dtype)
    for module in (layer, network):
        module(x).pow(3).sum().backward()
        for name, parameter in module.named_parameters():
            assert parameter.dtype == dtype and parameter.grad.isfinite().all()
            nonzero = parameter.grad != 0  # hidden features need not reach the outermost splines
            assert nonzero.all() if module is layer else nonzero.any(), name


@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_gradient_is_the_derivative(degree):
    network = KAN(3, 2, [2], degree=degree, generator=generator()).double()
    x = torch.randn(4, 3, generator=generator(1), dtype=torch.float64, requires_grad=True)
    names, values = zip(*network.named_parameters(), strict=True)

    def outputs(x, *values):
        return functional_call(network, dict(zip(names, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(outputs, (x, *values))


@pytest.mark.parametrize("x_has_models", [False, True])
def test_vmap_over_models_equals_a_loop(x_has_models):
    models = [KAN(3, 2, [4], generator=generator(seed)) for seed in range(3)]
    x = 2 * torch.randn(3, 7, 3, generator=generator(9))
    x = x if x_has_models else x[:1].expand(3, -1, -1)
    stacked, _ = stack_module_state(models)

    def call(parameters, x):
        return functional_call(models[0], parameters, (x,))

    together = (
        vmap(call)(stacked, x) if x_has_models else vmap(call, in_dims=(0, None))(stacked, x[0])
    )
    alone = torch.stack([model(rows) for model, rows in zip(models, x, strict=True)])
    torch.testing.assert_close(together, alone)

    together.square().sum().backward()
    alone.square().sum().backward()
    for name, parameters in stacked.items():
        expected = torch.stack([dict(model.named_parameters())[name].grad for model in models])
        torch.testing.assert_close(parameters.grad, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("hidden", [[], [4], (4, 5)])
@pytest.mark.parametrize("leading", [(), (5,), (2, 1, 4)])
def test_any_leading_shape_as_linear(leading, hidden):
    network = KAN(3, 2, hidden, generator=generator())
    x = torch.randn(*leading, 3, generator=generator(1))
    assert network(x).shape == (*leading, 2)
    torch.testing.assert_close(network(x).reshape(-1, 2), network(x.reshape(-1, 3)))


@pytest.mark.parametrize(("n_intervals", "degree"), [(5, 3), (1, 1), (20, 2)])
def test_initial_output_has_about_unit_mean_square(n_intervals, degree):
    layer = SplineLinear(64, 400, n_intervals, degree, generator=generator())
    with torch.no_grad():
        outputs = layer(torch.randn(400, 64, generator=generator(1)))
    assert 0.9 < outputs.square().mean() < 1.1


def test_same_seed_same_weights():
    make = lambda seed: KAN(3, 2, [4], generator=generator(seed)).state_dict()  # noqa: E731
    a, b, other = make(7), make(7), make(8)
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not any(torch.equal(a[name], other[name]) for name in a if "weight" in name)


def test_splines_reach_a_sine_at_the_order_of_their_degree():
    """Least squares on a grid: the error of degree p falls as h^(p + 1)."""
    x = torch.linspace(-3, 3, 2000, dtype=torch.float64)
    for degree in (1, 2, 3):
        errors = []
        for n_intervals in (10, 20):
            basis = bspline_basis(x, n_intervals, degree, -3.0, 3.0)
            layer = SplineLinear(1, 1, n_intervals, degree, dtype=torch.float64)
            with torch.no_grad():
                layer.weight.zero_()
                layer.weight[0, 1:] = torch.linalg.lstsq(basis, torch.sin(x)).solution
                errors.append((layer(x[:, None])[:, 0] - torch.sin(x)).abs().max().item())
        assert degree + 0.7 < np.log2(errors[0] / errors[1]) < degree + 1.3
    assert errors[1] < 2e-5


def test_normalisation_bounds_a_row_but_keeps_its_size():
    network = KAN(1, 1, [1], generator=generator())
    seen = []
    network.layers[1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        network.layers[0].weight[0, 1:] = 0.0  # what remains of the first layer is v silu(x)
        network.layers[0].weight[0, 0] = 1.0
        network(torch.tensor([[1.0], [2.0], [1e6]]))
    small, large, huge = seen[0][:, 0].tolist()
    assert 0.6 < small < 0.8 and 1.4 < large < 1.8 and 2.99 < huge <= 3.0


def test_exports_and_compiles():
    network = KAN(3, 2, [4], generator=generator()).eval()
    x = torch.randn(6, 3, generator=generator(1))
    torch.testing.assert_close(torch.export.export(network, (x,)).module()(x), network(x))
    compiled = torch.compile(network, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(x), network(x))


def test_bad_arguments_are_refused_in_words():
    x = torch.zeros(2, 3)
    with pytest.raises(ValueError, match="n_intervals: found 0"):
        bspline_basis(x, 0, 3, -1.0, 1.0)
    with pytest.raises(ValueError, match="degree: found 0"):
        bspline_basis(x, 5, 0, -1.0, 1.0)
    with pytest.raises(ValueError, match="low: found nan"):
        bspline_basis(x, 5, 3, float("nan"), 1.0)
    for x in ([1.0], torch.zeros(2, 3, dtype=torch.int64)):
        with pytest.raises(TypeError, match="x: found .* expected a floating-point tensor"):
            bspline_basis(x, 5, 3, -1.0, 1.0)
        with pytest.raises(TypeError, match="x: found .* expected a floating-point tensor"):
            SplineLinear(3, 1)(x)
    with pytest.raises(ValueError, match="high: found 1.0, expected a number above low = 1.0"):
        SplineLinear(3, 1, low=1.0, high=1.0)
    with pytest.raises(TypeError, match="dtype: found torch.int64"):
        SplineLinear(3, 1, dtype=torch.int64)
    with pytest.raises(TypeError, match="out_features: found 1.5"):
        SplineLinear(3, 1.5)
    for shape in ((), (2, 3)):
        with pytest.raises(ValueError, match="x: found shape .* expected 4 features"):
            SplineLinear(4, 1)(torch.zeros(shape))
    for hidden in (8, "8"):
        with pytest.raises(TypeError, match="hidden: found .* expected a sequence of ints"):
            KAN(3, 1, hidden)
    with pytest.raises(ValueError, match="hidden: found 0"):
        KAN(3, 1, [4, 0])
