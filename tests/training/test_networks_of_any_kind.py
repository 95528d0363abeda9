"""`train` with running statistics, images and devices, and what it must refuse."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from training_cases import classes, generator, mlps, part, weights

from nslib.networks import n_parameters
from nslib.neuron import TaskLinear
from nslib.training import FittedNetwork, Part, TrainingOptions, train
from nslib.training.rows import TrainingRows, rows_at_once

RATES = [(0.02, 1e-3), (0.005, 0.1), (0.01, 0.0)]


def normalised(seed, outputs=1):
    """Return a network with batch normalisation, whose weights depend on the seed."""
    torch.manual_seed(seed)
    # no bias before the normalisation, which would take it away and leave its gradient to rounding
    return nn.Sequential(
        nn.Linear(3, 6, bias=False), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, outputs)
    )


def convolutional(seed, outputs=1):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.Linear(16, outputs),
    )


def images(seed=0, n=160, dtype=np.float32):
    """Return a Part of images (N, 1, 8, 8) whose class is the brighter half."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, 1, 8, 8)), rng.integers(0, 2, n)
    X[y == 0, :, :4] += 1.0
    X[y == 1, :, 4:] += 1.0
    X = X.astype(dtype)
    return Part(X[:-40], y[:-40], X[-40:], y[-40:], seed)


@pytest.fixture(autouse=True)
def _own_randomness():
    with torch.random.fork_rng():
        yield


def test_networks_with_running_statistics_are_trained_as_each_alone():
    parts = [part(i) for i in range(3)]
    options = TrainingOptions(steps=60, batch_size=16, evaluations=12, patience=4)
    together = [normalised(i) for i in range(3)]
    models = train(together, parts, options, rates=RATES).models
    for i, model in enumerate(models):
        alone = normalised(i)
        (single,) = train([alone], parts[i : i + 1], options, rates=RATES[i : i + 1]).models
        assert model.step == single.step
        for name, value in alone.state_dict().items():
            torch.testing.assert_close(together[i].state_dict()[name], value, rtol=1e-3, atol=1e-4)
        # of the best step, not of the last one: one batch a step was counted
        assert together[i][1].num_batches_tracked == model.step
        expected = np.mean((model.predict(parts[i].X_validation) - parts[i].y_validation) ** 2)
        assert model.validation_loss == pytest.approx(expected, rel=1e-4)


def test_running_statistics_are_those_of_a_loop():
    """With a rate of zero the weights stay, so that the statistics follow from the batches."""
    network, rows = normalised(0), part()
    peer = copy.deepcopy(network)
    options = TrainingOptions(steps=9, batch_size=20, evaluations=1)
    train([network], [rows], options, rates=[(0.0, 0.0)])
    order = int(np.random.SeedSequence((rows.seed, 0)).generate_state(1)[0])
    order = torch.randperm(200, generator=torch.Generator().manual_seed(order))
    for step in range(9):
        peer.train()(torch.tensor(rows.X_train).float()[order[20 * step : 20 * (step + 1)]])
    for name, value in peer.named_buffers():
        torch.testing.assert_close(dict(network.named_buffers())[name], value)
    assert (network[1].running_mean != 0).all()


class Residual(nn.Module):
    """A network whose normalisation keeps no value from the output."""

    def __init__(self):
        super().__init__()
        self.norm, self.plain = normalised(0), nn.Linear(3, 1)

    def forward(self, x):
        return self.norm(x) + self.plain(x)


def test_a_step_that_is_left_out_leaves_the_running_statistics():
    rows = part(rows=30)
    spoiled = Part(np.vstack([rows.X_train[:29], [[1e30] * 3]]), rows.y_train, rows.X_validation,
                   rows.y_validation)
    network = Residual()
    history = train([network], [spoiled], TrainingOptions(steps=30)).history
    assert not np.isfinite(history["training_loss"]).all()
    assert all(value.isfinite().all() for value in network.state_dict().values())


def test_a_row_whose_variance_overflows_leaves_the_running_statistics():
    """Its gradient is finite, since the normalisation divides by infinity."""
    rows = part(rows=30)
    spoiled = Part(np.vstack([rows.X_train[:29], [[1e30] * 3]]), rows.y_train, rows.X_validation,
                   rows.y_validation)
    network = normalised(0)
    train([network], [spoiled], TrainingOptions(steps=30, evaluations=1))
    assert all(value.isfinite().all() for value in network.state_dict().values())


def test_a_buffer_may_be_infinite_from_the_start():
    networks = [Shifted(0.0), Shifted(0.0)]
    for network in networks:
        network.register_buffer("mask", torch.tensor([-torch.inf, 0.0]))
    start = weights(networks[0])
    train(networks, [part()] * 2, TrainingOptions(steps=20))
    assert not torch.equal(weights(networks[0]), start)


def test_batch_norm_of_task_driven_neurons():
    make = [TaskLinear(3, 1, norm="batch", generator=generator(i)) for i in range(2)]
    models = train(make, [part(0), part(1)], TrainingOptions(steps=200, learning_rate=0.03)).models
    assert all(model.validation_loss < 0.5 for model in models)  # of 1.8


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images(dtype):
    rows = images(dtype=dtype)
    assert rows.X_train.dtype == dtype
    networks = [convolutional(i, 2) for i in range(2)]
    models = train(networks, [rows, rows], TrainingOptions(steps=120, batch_size=32)).models
    for model in models:
        probabilities = model.predict(rows.X_validation)
        assert probabilities.shape == (40, 2)
        assert (probabilities.argmax(1) == rows.y_validation).mean() > 0.9
        losses = -np.log(probabilities[np.arange(40), rows.y_validation])
        assert model.validation_loss == pytest.approx(losses.mean(), rel=1e-4)


def test_rows_are_not_copied_and_may_be_of_any_layout():
    X = images().X_train
    kept = Part(X, np.arange(120) % 2, X, np.arange(120) % 2).X_train
    assert np.shares_memory(kept, X)
    X.flags.writeable = False
    turned = Part(X[::-1], np.arange(120) % 2, X[:5], np.arange(5) % 2)
    (model,) = train([convolutional(0, 2)], [turned], TrainingOptions(steps=2)).models
    np.testing.assert_allclose(model.predict(X[::-1])[::-1], model.predict(X), rtol=1e-5)
    grey = (X * 20 + 128).astype(np.uint8)
    whole = Part(grey, np.arange(120) % 2, grey.astype(float), np.arange(120) % 2)
    assert whole.X_train.dtype == np.float32 and (whole.X_train == whole.X_validation).all()


def test_fewer_large_images_at_once():
    assert rows_at_once((9,), 4096) == rows_at_once((3, 8, 8), 4096) == 4096
    assert rows_at_once((3, 32, 32), 4096) == 1024 and rows_at_once((3, 2048, 2048), 4096) == 1


@pytest.mark.parametrize("X", [
    np.full((4, 1, 8, 8), np.nan), np.zeros((0, 1, 8, 8)), np.full((4, 1, 8, 8), "a"),
    np.zeros((4, 0, 8, 8)), np.float64(3),
])
def test_images_that_are_none(X):
    rows = images()
    with pytest.raises((ValueError, TypeError), match="^X_train: found"):
        Part(X, np.zeros(len(np.atleast_1d(X)), int), rows.X_validation, rows.y_validation)


def test_images_of_several_shapes():
    rows, small = images(), np.zeros((4, 1, 4, 4))
    with pytest.raises(ValueError, match=r"^X_validation: found rows of shape \(1, 4, 4\)"):
        Part(rows.X_train, rows.y_train, small, np.zeros(4, int))
    other = Part(small, np.arange(4) % 2, small, np.arange(4) % 2)
    with pytest.raises(ValueError, match="^parts: found"):
        train([convolutional(0, 2), convolutional(1, 2)], [rows, other])
    with pytest.raises(ValueError, match=r"^networks: .*rows of shape \(3,\)"):
        train([convolutional(0)], [part()])
    with pytest.raises(ValueError, match="^networks: found outputs of shape"):
        train([nn.Conv2d(1, 2, 3)], [rows])


class Scaled(nn.Module):
    """A network with a number of its own, which neither weights nor its text show."""

    def __init__(self, scale, seed=0):
        super().__init__()
        self.layer, self.scale = mlps(1, seed=seed)[0], scale

    def forward(self, x):
        return self.scale * self.layer(x)


def test_networks_that_differ_in_a_number_are_refused():
    networks = [Scaled(2.0, 0), Scaled(2.0, 1), Scaled(2.001, 2)]
    with pytest.raises(ValueError, match="^networks: found that network 2 computes another"):
        train(networks, [part()] * 3, TrainingOptions(steps=2))
    (model, _) = train(networks[:2], [part()] * 2, TrainingOptions(steps=40)).models
    expected = np.mean((model.predict(part().X_validation) - part().y_validation) ** 2)
    assert model.validation_loss == pytest.approx(expected, rel=1e-5)


class Shifted(nn.Module):
    """A network with a constant in a buffer."""

    def __init__(self, shift):
        super().__init__()
        self.layer = mlps(1)[0]
        self.register_buffer("shift", torch.tensor(shift))

    def forward(self, x):
        return self.layer(x + self.shift)


def test_each_network_keeps_the_constants_of_its_buffers():
    rows = part()
    networks = [Shifted(0.0), Shifted(2.0)]
    for model in train(networks, [rows] * 2, TrainingOptions(steps=40)).models:
        expected = np.mean((model.predict(rows.X_validation) - rows.y_validation) ** 2)
        assert model.validation_loss == pytest.approx(expected, rel=1e-5)
    assert [float(network.shift) for network in networks] == [0.0, 2.0]


class Noisy(nn.Linear):
    def forward(self, x):
        return super().forward(x) + (torch.randn(()) if self.training else 0.0)


def test_what_is_random_in_training_is_refused_by_name():
    rows = [part()]
    dropout = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.3), nn.Linear(4, 1))
    with pytest.raises(ValueError, match=r"^networks: found something random .*1: Dropout\(p=0.3"):
        train([dropout], rows)
    with pytest.raises(ValueError, match=r"^networks: found something random .*\(Noisy\)"):
        train([Noisy(3, 1)], rows)
    assert not dropout.training  # a refused network is in evaluation mode, as the others


class Mean(nn.Linear):
    """One output for all rows."""

    def forward(self, x):
        return super().forward(x).mean(0, keepdim=True)


class Pair(nn.Linear):
    def forward(self, x):
        return super().forward(x), super().forward(x)


@pytest.mark.parametrize("network", [Mean(3, 1), Pair(3, 1)])
def test_outputs_that_are_not_one_a_row(network):
    with pytest.raises(ValueError, match="^networks: found"):
        train([network], [part()], TrainingOptions(steps=2))


def frozen():
    network = mlps(1)[0]
    network.layers[0].bias.requires_grad_(False)
    return network


def sharing():
    first, second = mlps(2)
    second.layers[0] = first.layers[0]
    return [first, second]


@pytest.mark.parametrize("networks, words", [
    (sharing(), "of one in another"), ([frozen()], "frozen"),
    ([nn.BatchNorm1d(3)], "found 3 outputs"), ([normalised(0), mlps(1)[0]], "architectures"),
    ([mlps(1)[0].to("meta")], "weights on meta"),
])
def test_networks_that_cannot_be_stacked(networks, words):
    with pytest.raises(ValueError, match=f"^networks: .*{words}"):
        train(networks, [part()] * len(networks), TrainingOptions(steps=2))


def test_a_batch_of_one_row_has_no_statistics():
    with pytest.raises(ValueError, match="^networks: found one that fails .*more than 1 value"):
        train([normalised(0)], [part(rows=12)], TrainingOptions(steps=2))


def test_device():
    rows = part(truth=classes)
    options = TrainingOptions(steps=20)
    trained = [mlps(1, outputs=3)[0] for _ in range(2)]
    train(trained[:1], [rows], options)
    train(trained[1:], [rows], options, device=torch.device("cpu"))
    assert torch.equal(*map(weights, trained))
    for device in ("abacus", "meta", "hpu", None, 3):
        with pytest.raises((ValueError, TypeError), match="^device: found"):
            train(trained[:1], [rows], options, device=device)


def test_limits_are_known_wherever_the_rows_are():
    rows = part()
    limits = TrainingRows([rows, rows], torch.device("meta")).limits
    assert limits == [(rows.y_train.min(), rows.y_train.max())] * 2


def test_a_restored_network_is_in_evaluation_mode():
    (model,) = train([normalised(0)], [part()], TrainingOptions(steps=20)).models
    again = FittedNetwork.from_state(model.to_state(), normalised(1), model.network.state_dict())
    assert not again.network.training
    x = torch.randn(5, 3, generator=generator())
    assert torch.equal(again.network(x), model.network(x))


def test_the_parameters_of_a_trained_network_are_counted():
    network = normalised(0)
    (model,) = train([network], [part()], TrainingOptions(steps=2)).models
    assert n_parameters(model.network.requires_grad_(False)) == 3 * 6 + 2 * 6 + 6 + 1
