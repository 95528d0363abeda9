"""TaskLinear under the transforms of torch, for batches on both sides of the kernel's threshold."""

import copy
import io
import pickle
import warnings

import pytest
import torch
from torch.autograd import forward_ad
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, linearize, vmap
from torch.fx.experimental.proxy_tensor import make_fx

from nslib import NeuronStructure, TaskLinear, neuron_kernel

STRUCTURE = NeuronStructure((1, 2, 3), (2, 3), rank=3, sin=True)
D = 4
SIDES = {"few rows": 8, "many rows": neuron_kernel._FEW // D + 1}


class PlainLayer(TaskLinear):
    """The same neurons by ordinary operations for every batch size."""

    def forward(self, x):
        return neuron_kernel.plain(x, self.weight, self.bias, self.factors, self.structure)


def layer_of(kind):
    generator = torch.Generator().manual_seed(0)
    return kind(D, 2, STRUCTURE, generator=generator, dtype=torch.float64)


def scalar(layer, x):
    y = layer(x)
    return (y * torch.linspace(0.5, 1.5, y.numel(), dtype=y.dtype).view_as(y)).square().sum()


def loss(layer):
    """The loss as a function of the layer's parameters and x."""
    return lambda parameters, x: scalar(
        lambda rows: functional_call(layer, parameters, (rows,)), x)


def parameters_of(layer):
    return {name: p.detach().clone() for name, p in layer.named_parameters()}


def ones_like(parameters):
    return {name: torch.ones_like(p) for name, p in parameters.items()}


def dual_x(layer, x):
    with forward_ad.dual_level():
        y = layer(forward_ad.make_dual(x, torch.ones_like(x)))
        return forward_ad.unpack_dual(y).tangent.clone()


def dual_parameters(layer, x):
    with forward_ad.dual_level():
        duals = {name: forward_ad.make_dual(p, torch.ones_like(p))
                 for name, p in parameters_of(layer).items()}
        return forward_ad.unpack_dual(functional_call(layer, duals, (x,))).tangent.clone()


def dual_of_the_backward_pass(layer, x):
    """Forward over reverse: the derivative of a gradient along one direction."""
    x = x.clone().requires_grad_()
    with forward_ad.dual_level():
        y = scalar(layer, forward_ad.make_dual(x, torch.ones_like(x)))
        return forward_ad.unpack_dual(torch.autograd.grad(y, x)[0]).tangent.clone()


def jvp_of_parameters(layer, x):
    parameters = parameters_of(layer)
    return jvp(lambda p: functional_call(layer, p, (x,)), (parameters,), (ones_like(parameters),))


def double_backward(layer, x):
    x = x.clone().requires_grad_()
    inputs = [x, *layer.parameters()]
    first = torch.autograd.grad(scalar(layer, x), inputs, create_graph=True)
    return first, torch.autograd.grad(sum(g.square().sum() for g in first), inputs)


def saved_and_loaded_trace(layer, x):
    with warnings.catch_warnings():  # tracing warns of every shape that is checked, and of itself
        warnings.simplefilter("ignore")
        traced, file = torch.jit.trace(layer, x), io.BytesIO()
        torch.jit.save(traced, file)
        file.seek(0)
        loaded = torch.jit.load(file)
    return traced(x), loaded(x), loaded(x[:3]), loaded(x.repeat(2, 1))


def exported_for_any_batch(layer, x):
    exported = torch.export.export(layer, (x,), dynamic_shapes=({0: torch.export.Dim("rows")},))
    return [exported.module()(rows) for rows in (x, x[:3], x.repeat(2, 1))]


def compiled(layer, x):
    torch.compiler.reset()
    graph = torch.compile(layer, fullgraph=True, dynamic=True, backend="aot_eager")
    return graph(x), graph(x[:3]), graph(x.repeat(2, 1))


def autocast(layer, x):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = copy.deepcopy(layer).float()(x.float())
    assert y.dtype == torch.bfloat16
    return y


def loaded_state(layer, x):
    other = type(layer)(D, 2, STRUCTURE, dtype=torch.float64)
    other.load_state_dict(layer.state_dict())
    return other(x)


SHIFT = torch.zeros(D, dtype=torch.float64)  # added to all rows, so that Jacobians stay small
USES = {
    "output": lambda layer, x: layer(x),
    "inference mode": lambda layer, x: torch.inference_mode()(layer)(x),
    "func.jvp of x": lambda layer, x: jvp(layer, (x,), (torch.ones_like(x),)),
    "func.jvp of the parameters": jvp_of_parameters,
    "func.linearize": lambda layer, x: linearize(layer, x)[1](torch.ones_like(x)),
    "forward_ad of x": dual_x,
    "forward_ad of the parameters": dual_parameters,
    "forward_ad of the backward pass": dual_of_the_backward_pass,
    "func.vmap": lambda layer, x: vmap(layer)(x),
    "func.grad": lambda layer, x: grad(loss(layer))(parameters_of(layer), x),
    "func.jacrev": lambda layer, x: jacrev(lambda s: layer(x + s).sum(0))(SHIFT),
    "func.jacfwd": lambda layer, x: jacfwd(lambda s: layer(x + s).sum(0))(SHIFT),
    "func.hessian": lambda layer, x: hessian(lambda s: scalar(layer, x + s))(SHIFT),
    "functional_call": lambda layer, x: functional_call(layer, parameters_of(layer), (x,)),
    "double backward": double_backward,
    "export": exported_for_any_batch,
    "compile": compiled,
    "make_fx": lambda layer, x: make_fx(layer)(x)(x),
    "jit.trace": saved_and_loaded_trace,
    "autocast": autocast,
    "deepcopy": lambda layer, x: copy.deepcopy(layer)(x),
    "pickle": lambda layer, x: pickle.loads(pickle.dumps(layer))(x),
    "state_dict": loaded_state,
}


@pytest.mark.parametrize("n_rows", SIDES.values(), ids=SIDES)
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_alike_on_both_sides_of_the_threshold(use, n_rows):
    x = torch.randn(n_rows, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    layer, plain_layer = layer_of(TaskLinear), layer_of(PlainLayer)
    assert ("Streams" in layer(x).grad_fn.name()) == (n_rows > SIDES["few rows"])
    # by value relative to the largest: sums of thousands of rows are compared
    results, expected = use(layer, x), use(plain_layer, x)
    torch.testing.assert_close(results, expected, rtol=1e-9, atol=1e-9)
