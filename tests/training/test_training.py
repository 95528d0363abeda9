"""`train` against torch's optimiser and loops, alone and in a batch, on what must be learnt."""

import copy
import doctest
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from training_cases import classes, generator, linear, mlps, part, weights

import nslib.training.trainer
from nslib.networks import KAN, MLP, TaskNet, task_net
from nslib.structure import NeuronStructure
from nslib.training import FittedNetwork, Part, TrainingOptions, train
from nslib.training.rows import TrainingRows
from nslib.training.stacked import StackedNetworks, prediction_losses, predictions, training_loss

CPU = torch.device("cpu")
MAKERS = {
    "MLP": lambda outputs, g: MLP(3, outputs, (6, 4), generator=g),
    "TaskNet": lambda outputs, g: TaskNet(3, outputs, (4,), NeuronStructure(rank=2), generator=g),
    "KAN": lambda outputs, g: KAN(3, outputs, (3,), generator=g),
    "members": lambda outputs, g: TaskNet(3, outputs, (4,), members=3, generator=g),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_stacked_networks_are_a_loop_over_networks(make):
    networks = [make(2, generator(i)) for i in range(3)]
    x = torch.randn(3, 7, 3, generator=generator(9))
    stacked = StackedNetworks(networks)
    matrix, buffers = stacked.stack(networks)
    outputs = stacked(matrix.requires_grad_(), buffers, x)
    expected = torch.stack([network(rows) for network, rows in zip(networks, x, strict=True)])
    torch.testing.assert_close(outputs, expected)
    outputs.square().sum().backward()
    expected.square().sum().backward()
    for row, network in zip(matrix.grad, networks, strict=True):
        gradient = torch.cat([p.grad.flatten() for p in network.parameters()])
        torch.testing.assert_close(row, gradient, rtol=1e-4, atol=1e-5)

    others = [make(2, generator(i + 5)) for i in range(3)]
    stacked.unstack(matrix, buffers, others)
    assert all(torch.equal(weights(a), weights(b)) for a, b in zip(networks, others, strict=True))


@pytest.mark.parametrize("task", ["regression", "classes", "members"])
@pytest.mark.parametrize("clip", [0.05, 1e9])
def test_a_step_is_that_of_torchs_adamw(task, clip):
    steps, rate = 12, 0.03
    rows = part(truth=classes if task == "classes" else linear)
    options = TrainingOptions(steps=steps, batch_size=20, weight_decay=0.3, clip=clip,
                              evaluations=1, warmup=0.25)
    network = MLP(3, 3 if task == "classes" else 1, (5,), generator=generator(),
                  members=2 if task == "members" else 1)
    start, peer = weights(network), copy.deepcopy(network)
    train([network], [rows], options, rates=[(rate, 0.3)])

    matrices = [p for p in peer.parameters() if p.dim() > 1]
    vectors = [p for p in peer.parameters() if p.dim() == 1]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.3}, {"params": vectors, "weight_decay": 0.0}],
        lr=rate, betas=(0.9, 0.99),
    )

    def scale(done):  # of the step done + 1
        share = (done + 1) / steps
        return share / 0.25 if share < 0.25 else 0.5 * (1 + np.cos(np.pi * (share - 0.25) / 0.75))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, scale)
    batches = TrainingRows([rows], CPU)
    for step in range(steps):
        x, y = (values[0] for values in batches.batch(torch.tensor([0]), step, 20))
        outputs = peer(x)
        if task == "classes":
            loss = nn.functional.cross_entropy(outputs, y)
        elif task == "members":
            loss = nn.functional.mse_loss(outputs[..., 0], y[:, None].expand(-1, 2))
        else:
            loss = nn.functional.mse_loss(outputs[:, 0], y)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(peer.parameters(), clip)
        optimiser.step()
        schedule.step()
    torch.testing.assert_close(weights(network), weights(peer), rtol=2e-4, atol=2e-5)
    assert (weights(network) - start).abs().max() > 0.05


@given(lengths=st.lists(st.integers(10, 40), min_size=1, max_size=3), size=st.integers(1, 4))
@settings(deadline=None, max_examples=15)
def test_an_epoch_visits_each_row_at_most_once_and_each_in_some_epoch(lengths, size):
    parts = [
        Part(np.arange(n, dtype=float)[:, None] + 100 * i, np.arange(n) + 100.0 * i,
             np.zeros((1, 1)), np.zeros(1), seed=i)
        for i, n in enumerate(lengths)
    ]
    rows, models = TrainingRows(parts, CPU), torch.arange(len(parts))
    steps = 60 * max(lengths) // size
    drawn = [rows.batch(models, step, size) for step in range(steps)]
    for i, n in enumerate(lengths):
        values = [y[i].tolist() for _, y in drawn]
        assert all(torch.equal(x[i, :, 0], y[i]) for x, y in drawn)
        assert {v for batch in values for v in batch} == {100.0 * i + k for k in range(n)}
        for start in range(0, steps - n // size + 1, n // size):
            epoch = [v for batch in values[start : start + n // size] for v in batch]
            assert len(set(epoch)) == len(epoch)
    assert len(lengths) == 1 or drawn[0][0].shape == (len(lengths), size, 1)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_model_in_a_batch_has_the_result_it_has_alone(make):
    parts = [part(i) for i in range(3)]
    rates = [(0.02, 1e-3), (0.005, 0.1), (0.01, 0.0)]
    options = TrainingOptions(steps=40, batch_size=16, evaluations=8)
    together = [make(1, generator(i)) for i in range(3)]
    again = copy.deepcopy(together)
    training = train(together, parts, options, rates=rates)
    repeated = train(again, parts, options, rates=rates)
    pd.testing.assert_frame_equal(training.history, repeated.history, check_exact=True)
    for i in range(3):
        assert torch.equal(weights(together[i]), weights(again[i]))
        alone = make(1, generator(i))
        single = train([alone], parts[i : i + 1], options, rates=rates[i : i + 1])
        torch.testing.assert_close(weights(alone), weights(together[i]), rtol=1e-3, atol=1e-4)
        mine = training.history[training.history["model"] == i].drop(columns="model")
        expected = single.history.drop(columns="model")
        np.testing.assert_allclose(mine.to_numpy(), expected.to_numpy(), rtol=1e-3)
        assert training.models[i].step == single.models[0].step


@pytest.mark.parametrize("task", ["regression", "classes"])
def test_models_that_stop_keep_their_best_and_others_go_on(task):
    noise = np.random.default_rng(0)
    learnt = part(0, truth=linear if task == "regression" else classes)
    y = noise.permutation(learnt.y_train)
    hopeless = Part(learnt.X_train, y, learnt.X_validation, learnt.y_validation, 1)
    parts = [learnt, hopeless, learnt]
    networks = mlps(3, (20,), outputs=1 if task == "regression" else 3)
    options = TrainingOptions(steps=300, batch_size=20, evaluations=60, patience=6)
    training = train(networks, parts, options, rates=[(0.02, 0.0)] * 3)
    assert list(training.history) == [
        "model", "step", "learning_rate", "training_loss", "validation_loss"
    ]
    last = []
    for i, (model, rows) in enumerate(zip(training.models, parts, strict=True)):
        history = training.history[training.history["model"] == i].set_index("step")
        losses = history["validation_loss"]
        assert model.network is networks[i] and not model.network.training
        assert list(history.index) == list(range(5, history.index[-1] + 1, 5))
        assert model.step == losses.idxmin() and model.validation_loss == losses.min()
        waited = (history.index[-1] - model.step) // 5
        assert waited == 6 or (history.index[-1] == 300 and waited < 6)
        np.testing.assert_allclose(
            history["learning_rate"], [0.02 * options.scale(step) for step in history.index],
            rtol=1e-5, atol=1e-12,
        )
        predicted = model.predict(rows.X_validation)
        if task == "regression":
            expected = np.mean((predicted - rows.y_validation) ** 2)
        else:
            np.testing.assert_allclose(predicted.sum(1), 1, rtol=1e-6)
            expected = -np.log(predicted[np.arange(60), rows.y_validation]).mean()
        assert model.validation_loss == pytest.approx(expected, rel=1e-5)
        last.append(history.index[-1])
    assert last[1] < last[0] and last[1] < 300


def test_training_loss_is_the_mean_over_the_steps_since():
    """With a rate of zero the weights stay, so that the losses can be computed from the batches."""
    network, rows = mlps(1)[0], part(rows=40)
    options = TrainingOptions(steps=10, batch_size=8, evaluations=2)
    training = train([network], [rows], options, rates=[(0.0, 0.0)])
    batches = TrainingRows([rows], CPU)
    losses = []
    for step in range(10):  # batches of 4 rows, a tenth of them
        x, y = batches.batch(torch.tensor([0]), step, 4)
        losses.append(float((network(x[0])[:, 0] - y[0]).detach().square().mean()))
    expected = [np.mean(losses[:5]), np.mean(losses[5:])]
    np.testing.assert_allclose(training.history["training_loss"], expected, rtol=1e-5)
    assert training.history["validation_loss"].nunique() == 1 and training.models[0].step == 5


def test_validation_is_of_predictions_within_the_limits():
    rows = part(noise=0.0)
    rows = Part(rows.X_train, rows.y_train.clip(-0.5, 0.5), rows.X_validation, rows.y_validation)
    (model,) = train(mlps(1, ()), [rows], TrainingOptions(steps=30)).models
    predicted = model.predict(rows.X_validation)
    assert model.limits == (-0.5, 0.5) == (predicted.min(), predicted.max())
    with torch.no_grad():
        outputs = model.network(torch.tensor(rows.X_validation).float())[:, 0].numpy()
    assert outputs.max() > 0.5
    expected = np.mean((predicted - rows.y_validation) ** 2)
    assert model.validation_loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("members", [1, 4])
@pytest.mark.parametrize("hidden", [(), (16,)])
def test_a_linear_truth_is_learnt(members, hidden):
    rows = part(rows=600, noise=0.05)
    options = TrainingOptions(steps=400, learning_rate=0.03)
    (model,) = train(mlps(1, hidden, members=members), [rows], options).models
    assert model.validation_loss < (0.005 * rows.y_validation.var() if hidden else 1.5 * 0.05**2)


def test_a_product_is_learnt_by_a_task_net():
    rows = part(rows=600, noise=0.0, truth=lambda x: np.tanh(x[:, 0]) * np.tanh(x[:, 1]))
    rows = Part(np.tanh(rows.X_train), rows.y_train, np.tanh(rows.X_validation), rows.y_validation)
    make = task_net(3, 1, 100, NeuronStructure(rank=2))
    (model,) = train([make(generator=generator())], [rows], TrainingOptions(steps=400)).models
    assert model.validation_loss < 0.02 * rows.y_validation.var()


def test_classes_are_learnt():
    rows = part(rows=800, truth=classes)
    (model,) = train(mlps(1, (16,), outputs=3), [rows], TrainingOptions(steps=400)).models
    probabilities = model.predict(rows.X_validation)
    assert model.limits is None and probabilities.shape == (60, 3)
    assert (probabilities.argmax(1) == rows.y_validation).mean() > 0.9


@pytest.mark.parametrize("regression", [True, False])
def test_members_are_trained_apart_and_averaged(regression):
    outputs = torch.randn(2, 5, 4, 1 if regression else 3, generator=generator())
    y = torch.randn(2, 5) if regression else torch.arange(10).view(2, 5) % 3
    apart = [training_loss(outputs[:, :, j], y) for j in range(4)]
    torch.testing.assert_close(training_loss(outputs, y), torch.stack(apart).mean(0))
    averaged = predictions(outputs, regression)
    if regression:
        expected = outputs[..., 0].mean(2)
        losses = (expected - y).square()
    else:
        expected = torch.stack([outputs[:, :, j].softmax(-1) for j in range(4)]).mean(0)
        losses = nn.functional.nll_loss(
            expected.flatten(0, 1).log(), y.flatten(), reduction="none"
        ).view(2, 5)
    torch.testing.assert_close(averaged, expected)
    torch.testing.assert_close(prediction_losses(averaged, y), losses)


def test_gradients_that_are_not_finite_spoil_no_other_model():
    """Model 1 has such weights that its outputs are beyond float32 at every step."""
    networks = mlps(3, (4,))
    with torch.no_grad():
        for parameter in networks[1].parameters():
            parameter.add_(1e30)
    start = weights(networks[1])
    parts = [part(i) for i in range(3)]
    options = TrainingOptions(steps=60, batch_size=20, evaluations=6, patience=3)
    training = train(networks, parts, options)
    others = mlps(3, (4,))
    for i in (0, 2):
        (single,) = train([others[i]], [parts[i]], options).models
        assert training.models[i].validation_loss == pytest.approx(single.validation_loss, rel=1e-3)
    assert torch.equal(weights(networks[1]), start)
    assert not np.isfinite(training.history.query("model == 1")["training_loss"]).any()


def test_a_step_without_a_finite_gradient_is_left_out():
    """One of 30 rows of one model is beyond float32 when squared."""
    rows = part(rows=30, noise=0.0)
    spoiled = Part(np.vstack([rows.X_train[:29], [[1e30] * 3]]), rows.y_train, rows.X_validation,
                   rows.y_validation)
    networks = mlps(2, ())
    training = train(networks, [spoiled, rows], TrainingOptions(steps=120), rates=[(0.1, 0.0)] * 2)
    assert weights(networks[0]).isfinite().all()
    assert not np.isfinite(training.history["training_loss"]).all()
    for model in training.models:
        assert model.validation_loss < 0.3 * rows.y_validation.var()


def test_parts_of_different_lengths_and_single_rows():
    parts = [part(0, rows=7, validation=1), part(1, rows=90, validation=33), part(2, rows=30)]
    networks = mlps(3)
    training = train(networks, parts, TrainingOptions(steps=20, evaluations=4))
    for model, rows in zip(training.models, parts, strict=True):
        predicted = model.predict(rows.X_validation)
        expected = np.mean((predicted - rows.y_validation) ** 2)
        assert model.validation_loss == pytest.approx(expected, rel=1e-5)
        assert model.limits == (rows.y_train.min(), rows.y_train.max())


def test_models_may_share_a_part():
    rows = part()
    options = TrainingOptions(steps=20, evaluations=2)
    shared, apart = mlps(2), mlps(2)
    train(shared, [rows, rows], options)
    train(apart, [rows, copy.copy(rows)], options)
    assert all(torch.equal(weights(a), weights(b)) for a, b in zip(shared, apart, strict=True))


def test_predictions_in_pieces():
    model = FittedNetwork(mlps(1, (3,))[0], (-9.0, 9.0), 0.0, 0)
    X = np.random.default_rng(0).normal(size=(9000, 3))
    np.testing.assert_allclose(model.predict(X)[5000:5010], model.predict(X[5000:5010]), rtol=1e-5)
    assert model.predict(X[:1]).shape == (1,) and model.predict(X).dtype == np.float64


def test_the_example_of_the_docstring():
    tried = doctest.testmod(nslib.training.trainer)
    assert tried.attempted > 5 and not tried.failed


def test_report_tells_steps_and_the_mean_loss():
    told = []
    training = train(mlps(2), [part(0), part(1)], TrainingOptions(steps=20, evaluations=4),
                  report=lambda *values: told.append(values))
    assert [values[:2] for values in told] == [(5, 20), (10, 20), (15, 20), (20, 20)]
    mean = np.mean([model.validation_loss for model in training.models])
    assert told[-1][2] == pytest.approx(mean, rel=1e-6) and training.seconds > 0


@pytest.mark.parametrize("change, name", [
    ({"steps": 0}, "steps"), ({"batch_size": 1.5}, "batch_size"), ({"evaluations": 0}, "evalua"),
    ({"patience": True}, "patience"), ({"learning_rate": 0}, "learning_rate"),
    ({"learning_rate": np.nan}, "learning_rate"), ({"clip": 0.0}, "clip"),
    ({"weight_decay": -1}, "weight_decay"), ({"warmup": 1.5}, "warmup"), ({"clip": "1"}, "clip"),
])
def test_options_out_of_range(change, name):
    with pytest.raises((ValueError, TypeError), match=f"^{name}"):
        TrainingOptions(**change)


@given(steps=st.integers(1, 50), warmup=st.floats(0, 1))
@settings(deadline=None, max_examples=25)
def test_the_schedule_rises_to_one_and_falls_to_zero(steps, warmup):
    scales = [TrainingOptions(steps=steps, warmup=warmup).scale(i) for i in range(1, steps + 1)]
    assert all(0 <= scale <= 1 for scale in scales)
    rising = [i for i in range(1, steps) if scales[i] > scales[i - 1]]
    assert all(i / steps <= warmup + 1 / steps for i in rising)
    assert warmup > 1 - 1e-9 or scales[-1] == pytest.approx(0, abs=1e-12)


GOOD = {name: getattr(part(rows=12, validation=3), name)
        for name in ("X_train", "y_train", "X_validation", "y_validation")}


def test_rows_and_targets_may_be_tensors_of_any_floating_type():
    tensors = {name: torch.as_tensor(values).bfloat16() for name, values in GOOD.items()}
    made = Part(**{name: tensor.requires_grad_() for name, tensor in tensors.items()})
    np.testing.assert_array_equal(made.y_train, tensors["y_train"].detach().double())
    np.testing.assert_array_equal(made.X_train, tensors["X_train"].detach().double())


@pytest.mark.parametrize("change, name", [
    ({"y_train": torch.ones(12).to_sparse()}, "y_train"),
    ({"X_train": torch.ones(12, 3).to_sparse()}, "X_train"),
    ({"X_train": np.full((12, 3), np.nan)}, "X_train"), ({"X_validation": np.ones(3)}, "X_valid"),
    ({"X_validation": np.ones((3, 2))}, "X_validation"), ({"X_train": [["a"] * 3] * 12}, "X_train"),
    ({"y_train": np.ones(11)}, "y_train"), ({"y_train": np.full(12, np.inf)}, "y_train"),
    ({"y_validation": np.arange(3)}, "y_validation"), ({"y_train": np.full(12, "a")}, "y_train"),
    ({"y_train": np.arange(12) - 1, "y_validation": np.arange(3)}, "y_train"),
    ({"seed": -1}, "seed"), ({"X_validation": np.ones((0, 3))}, "X_validation"),
])
def test_rows_that_do_not_fit(change, name):
    with pytest.raises((ValueError, TypeError), match=f"^{name}"):
        Part(**{**GOOD, **change})


@pytest.mark.parametrize("networks, parts, options, name", [
    (mlps(2), [part()], {}, "networks, parts, rates"), ([], [], {}, "networks, parts, rates"),
    (mlps(2), [part()] * 2, {"rates": [(0.1, 0.1)]}, "networks, parts, rates"),
    (mlps(2), [part()] * 2, {"rates": [(0.1, 0.1), (np.nan, 0.1)]}, "rates"),
    (mlps(1), [part()], {"rates": [(0.1, -1)]}, "rates"),
    (mlps(1), [part()], {"rates": [(0.1,)]}, "rates"), (mlps(1), [part()], {"rates": [0.1]}, "rat"),
    (mlps(1) + mlps(1, (6,)), [part()] * 2, {}, "networks"),
    (mlps(1) + mlps(1, activation="tanh"), [part()] * 2, {}, "networks"),
    (mlps(1) * 2, [part()] * 2, {}, "networks"), ([mlps(1)[0].double()], [part()], {}, "networks"),
    (mlps(1, features=2), [part()], {}, "networks"), (mlps(1, outputs=2), [part()], {}, "networks"),
    (mlps(1, outputs=2), [part(truth=classes)], {}, "networks"),
    ([nn.Linear(2, 1)], [part()], {}, "networks"),
    (mlps(2), [part(), part(features=2)], {}, "parts"),
    (mlps(2, outputs=3), [part(), part(truth=classes)], {}, "parts"),
])
def test_what_cannot_be_trained(networks, parts, options, name):
    with pytest.raises((ValueError, TypeError), match=f"^{name}"):
        train(networks, parts, TrainingOptions(steps=2), **options)


def test_predictions_of_bad_features():
    (model,) = train(mlps(1), [part()], TrainingOptions(steps=2)).models
    for X in (np.full((2, 3), np.nan), np.ones(3), np.ones((2, 4)), np.ones((2, 1))):
        with pytest.raises(ValueError, match="^[Xx]"):
            model.predict(X)


@pytest.mark.parametrize("name", ["X_train", "X_validation", "y_train", "y_validation"])
def test_numbers_beyond_single_precision_are_refused(name):
    """Training is in single precision: they would be infinite there and nothing would be learnt."""
    arrays = {"X_train": np.ones((20, 2)), "y_train": np.arange(20.0),
              "X_validation": np.ones((5, 2)), "y_validation": np.arange(5.0)}
    arrays[name].flat[0] = -1e39
    with pytest.raises(ValueError, match=f"{name}: found -1e.39, expected numbers within ±3.4e.38"):
        Part(**arrays)


@pytest.mark.parametrize("truth", [linear, classes])
def test_weights_multiply_the_loss_of_each_row(truth):
    rows = part(truth=truth, rows=40, validation=20)
    counts = np.arange(40) % 4
    weighted = replace(rows, weights_train=counts, weights_validation=np.arange(20) % 2)
    plain, other = TrainingRows([rows], CPU), TrainingRows([weighted, rows], CPU)
    models = torch.tensor([0, 1])
    assert plain.batch_weights(models[:1], 0, 40) is None
    x, y = other.batch(models, 0, 40)
    w = other.batch_weights(models, 0, 40)
    torch.testing.assert_close(w.sum(1), torch.tensor([40.0, 40.0]))
    network = MLP(3, 3 if truth is classes else 1, (5,), generator=generator(), members=2)
    with torch.no_grad():
        outputs = network(x[0])
        repeated = outputs.repeat_interleave((w[0] * 1.5).round().long(), dim=0)  # mean 1.5
        targets = y[0].repeat_interleave((w[0] * 1.5).round().long())
    torch.testing.assert_close(training_loss(outputs[None], y[:1], w[:1]),
                               training_loss(repeated[None], targets[None]))
    odd = replace(rows, X_validation=rows.X_validation[1::2], y_validation=rows.y_validation[1::2])
    stacked = StackedNetworks([network])
    losses = [TrainingRows([p], CPU).validation_losses(stacked, *stacked.stack([network]),
                                                       torch.tensor([0]))
              for p in (weighted, odd)]
    torch.testing.assert_close(*losses)


def test_bad_weights_of_rows_are_named():
    with pytest.raises(ValueError, match="weights_validation: found shape"):
        replace(part(), weights_validation=np.ones(3))
    with pytest.raises(ValueError, match="weights_train: found zeros only"):
        replace(part(), weights_train=np.zeros(200))
