"""The gated search: its parts against their definitions, its batches against single fits."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import nslib
from nslib.data import make_formula
from nslib.search import METHODS
from nslib.search.gated import (
    BETA,
    GAMMA,
    ZETA,
    DualStream,
    GatedOptions,
    batches,
    hard_concrete,
    open_probability,
)

FEW = {"epochs": 6, "order": 3, "rank": 2}


def data(n=200, d=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, 2 * X[:, 0] - X[:, 1] + 0.1 * rng.standard_normal(n)


@given(st.floats(-4, 4))
@settings(deadline=None, max_examples=20)
def test_open_probability_is_the_share_of_open_samples(log_alpha):
    noise = torch.logit(torch.linspace(0, 1, 200_003, dtype=torch.float64)[1:-1])
    log_alpha = torch.tensor(log_alpha, dtype=torch.float64)
    gates = hard_concrete(log_alpha, noise)
    assert gates.min() >= 0 and gates.max() <= 1
    share = (gates > 0).double().mean().item()
    assert share == pytest.approx(open_probability(log_alpha).item(), abs=1e-4)
    stretched = torch.sigmoid(log_alpha) * (ZETA - GAMMA) + GAMMA
    assert hard_concrete(log_alpha).item() == pytest.approx(min(1, max(0, stretched.item())))


def test_constants_are_the_papers():
    assert (BETA, GAMMA, ZETA) == (0.66, -0.1, 1.1)
    options = GatedOptions()
    assert (options.order, options.rank, options.penalty) == (5, 8, 0.05)
    assert (options.epochs, options.batch_size) == (200, 64)
    assert (options.lr_pure, options.lr) == (0.005, 0.01)


def test_penalty_rises_after_the_warm_up():
    options = GatedOptions(epochs=200)
    found = [options.penalty_at(epoch) for epoch in (0, 49, 50, 100, 150, 199)]
    assert found == pytest.approx([0, 0, 0, 0.025, 0.05, 0.05])
    assert GatedOptions(epochs=1).penalty_at(0) == pytest.approx(0.05)


@given(st.integers(2, 500), st.integers(2, 100))
@settings(deadline=None, max_examples=50)
def test_batches_cover_all_rows_and_never_hold_one(n_rows, batch_size):
    sizes = batches(n_rows, batch_size)
    assert sum(sizes) == n_rows and min(sizes) >= 2 and max(sizes) <= batch_size + 1


def test_every_parameter_receives_a_gradient():
    options = GatedOptions(order=4, rank=2)
    model = DualStream(3, 2, options, seeds=[0, 1])
    x = torch.randn(2, 16, 3, generator=torch.Generator().manual_seed(0))
    powers = torch.stack([x**k for k in range(1, 5)], dim=1)
    model(powers, torch.full((2, 8), -2.0)).pow(2).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_folded_neuron_is_the_network_at_test_time(norm, n_outputs):
    options = GatedOptions(order=3, rank=2, norm=norm)
    model = DualStream(4, n_outputs, options, seeds=[0, 5])
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 32, 4, generator=generator)
    powers = torch.stack([x**k for k in range(1, 4)], dim=1)
    with torch.no_grad():
        for parameter in (model.scale, model.shift, model.bias):
            parameter.normal_(generator=generator)
        model.log_alpha.uniform_(-1, 2, generator=generator)
        model(powers, torch.zeros(2, 6))  # fills the running statistics
        streams = model.streams(powers)
        if norm:
            flat, mean, var = streams.flatten(1), model.running_mean, model.running_var
            streams = torch.nn.functional.batch_norm(
                flat, mean, var, model.scale.flatten(), model.shift.flatten(), training=False
            ).view_as(streams)
        gates = hard_concrete(model.log_alpha).unsqueeze(-1)
        wanted = ((streams * gates).sum(2) + model.bias).transpose(0, 1)
        for fit in range(2):
            structure, neuron = model.to_neuron(fit, range(6))
            assert structure == nslib.NeuronStructure((1, 2, 3), (2, 3), 2)
            torch.testing.assert_close(neuron(x[fit]), wanted[fit], atol=1e-4, rtol=1e-4)


def test_dropped_streams_leave_their_constant_only():
    model = DualStream(4, 1, GatedOptions(order=2, rank=2), seeds=[0])
    with torch.no_grad():
        model.shift += 0.7
        _, neuron = model.to_neuron(0, [0])
        gate = hard_concrete(model.log_alpha[0, 0]).item()
    assert neuron.structure == nslib.NeuronStructure((1,), ())
    assert neuron.bias.item() == pytest.approx(4 * 0.7 * gate, rel=1e-5)


def test_same_seed_same_result_and_other_seed_another():
    X, y = data()
    a, b, c = (nslib.search(X, y, "gated", seed=s, **FEW) for s in (3, 3, 4))
    assert torch.equal(a.neuron.weight, b.neuron.weight)
    assert a.history.equals(b.history) and not a.history.equals(c.history)


def test_threads_do_not_matter():
    X, y = data()
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(nslib.search(X, y, "gated", **FEW))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert results[0].history.equals(results[1].history)


def test_a_batch_holds_the_fits_that_single_searches_make():
    pairs = [data(seed=0), data(seed=1)]
    batch = nslib.search_many(pairs, "gated", seeds=[0, 7], **FEW)
    for (X, y), row in zip(pairs, batch, strict=True):
        for seed, together in zip((0, 7), row, strict=True):
            alone = nslib.search(X, y, "gated", seed=seed, **FEW)
            assert together.seed == seed and together.structure == alone.structure
            np.testing.assert_allclose(together.history, alone.history, rtol=1e-3, atol=1e-4)


def test_history_tells_the_whole_search():
    X, y = data()
    result = nslib.search(X, y, "gated", **FEW)
    assert list(result.history.columns[:3]) == ["epoch", "loss", "lambda"]
    assert list(result.history["epoch"]) == [1, 2, 3, 4, 5, 6]
    streams = [f"{kind} {k}" for kind in ("pure", "interact") for k in (1, 2, 3)]
    assert list(result.history.columns[3:]) == streams == list(result.gate_probabilities)
    last = result.history.iloc[-1]
    assert last[streams].to_dict() == pytest.approx(result.gate_probabilities)
    assert result.seconds > 0 and result.method == "gated"


def test_the_search_learns_and_prunes():
    """Three seeds on a clean quadratic: the true stream stays open, most others close."""
    X, y, truth = make_formula("pure", 0, n_samples=1000, n_features=5, seed=2)
    for result in nslib.search(X, y, "gated", seeds=[0, 1, 2], standardize=False, rank=4):
        assert set(truth.pure) <= set(result.structure.pure)
        assert len(result.structure.streams) <= 6
        assert np.mean((result.predict(X) - y) ** 2) < 0.05


def test_nothing_left_keeps_the_likeliest_stream():
    X, y = data()
    result = nslib.search(X, y, "gated", epochs=40, penalty=100.0, lr=0.5, order=2)
    assert max(result.gate_probabilities.values()) < 0.5
    assert len(result.structure.streams) == 1


def test_methods_are_named_with_the_nearest():
    X, y = data()
    with pytest.raises(ValueError, match="method: found 'gatd'.*did you mean 'gated'"):
        nslib.search(X, y, "gatd")
    with pytest.raises(TypeError, match="epoch: not an option.*did you mean 'epochs'"):
        nslib.search(X, y, "gated", epoch=3)
    assert set(METHODS) >= {"gated", "threshold"}
