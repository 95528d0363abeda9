"""A training that stops goes on from its checkpoint and ends as if it had not stopped."""

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from training_cases import classes, mlps, part, weights

from nslib.training import Part, TrainingOptions, train

OPTIONS = {"steps": 60, "batch_size": 20, "evaluations": 12, "patience": 4}
RATES = [(0.01, 1e-3), (0.02, 0.0), (0.0, 0.1)]  # the last learns nothing, and stops early


class Stopped(Exception):
    """Raised by the reports below."""


def parts(regression=True):
    cases = [part(seed, **({} if regression else {"truth": classes})) for seed in (0, 1)]
    return [*cases, cases[0]]


def stopping_at(step):
    def report(done, steps, loss):
        if done == step:
            raise Stopped

    return report


def stopped(file, step=30, **options):
    """Start a training and stop it after an evaluation."""
    with pytest.raises(Stopped):
        train(mlps(3), parts(), TrainingOptions(**{**OPTIONS, **options}), rates=RATES,
              report=stopping_at(step), checkpoint_file=file)


@pytest.mark.parametrize("regression", [True, False])
@pytest.mark.parametrize("steps", [[5], [30], [10, 25, 55], [60]])
def test_resumed_is_as_uninterrupted(tmp_path, regression, steps):
    file, outputs = tmp_path / "state.safetensors", 1 if regression else 3
    for step in steps:
        networks = mlps(3, outputs=outputs)
        with pytest.raises(Stopped):
            train(networks, parts(regression), TrainingOptions(**OPTIONS), rates=RATES,
                  report=stopping_at(step), checkpoint_file=file)
        for network, fresh in zip(networks, mlps(3, outputs=outputs), strict=True):
            assert torch.equal(weights(network), weights(fresh))
        assert list(tmp_path.iterdir()) == [file]
    told = []
    resumed = train(networks, parts(regression), TrainingOptions(**OPTIONS), rates=RATES,
                    report=lambda *values: told.append(values[0]), checkpoint_file=file)
    assert told == list(range(steps[-1] + 5, 65, 5)) and not list(tmp_path.iterdir())

    others = mlps(3, outputs=outputs)
    whole = train(others, parts(regression), TrainingOptions(**OPTIONS), rates=RATES)
    pd.testing.assert_frame_equal(resumed.history, whole.history, check_exact=True)
    for a, b in zip(resumed.models, whole.models, strict=True):
        assert torch.equal(weights(a.network), weights(b.network))
        assert (a.limits, a.validation_loss, a.step) == (b.limits, b.validation_loss, b.step)
    assert (whole.history["model"] == 2).sum() == 5 and (whole.history["model"] == 0).sum() == 12


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "other tensors", "no header"])
def test_damaged_file(tmp_path, damage):
    file = tmp_path / "state"
    stopped(file)
    whole, tensors = file.read_bytes(), load_file(file)
    if damage == "other tensors":
        save_file({"matrix": tensors["matrix"]}, file)
    elif damage == "no header":
        save_file(tensors, file)
    else:
        file.write_bytes({"cut": whole[:-9], "empty": b"", "text": b"steps: 30\n" * 9}[damage])
    before = file.read_bytes()
    networks = mlps(3)
    with pytest.raises(ValueError, match="^checkpoint_file: found no checkpoint in"):
        train(networks, parts(), TrainingOptions(**OPTIONS), rates=RATES, checkpoint_file=file)
    assert file.read_bytes() == before and list(tmp_path.iterdir()) == [file]
    assert torch.equal(weights(networks[0]), weights(mlps(1)[0]))


def changed_part():
    rows = parts()[0]
    y = rows.y_train.copy()
    y[3] += 1e-9
    return Part(rows.X_train, y, rows.X_validation, rows.y_validation, rows.seed)


def other_seed():
    rows = parts()[0]
    return Part(rows.X_train, rows.y_train, rows.X_validation, rows.y_validation, 7)


@pytest.mark.parametrize("change, differs", [
    ({"options": TrainingOptions(**{**OPTIONS, "clip": 2.0})}, "clip"),
    ({"networks": mlps(3, seed=1)}, "weights"),
    ({"networks": mlps(3)[::-1]}, "weights"),
    ({"networks": mlps(3, activation="tanh")}, "architecture"),
    ({"networks": mlps(3, (2,))}, "architecture, weights"),
    ({"rates": RATES[::-1]}, "rates"),
    ({"parts": [changed_part(), *parts()[1:]]}, "parts"),
    ({"parts": [other_seed(), *parts()[1:]]}, "parts"),
    ({"parts": [parts()[i] for i in (1, 0, 1)]}, "parts"),
])
def test_file_of_another_training(tmp_path, change, differs):
    file = tmp_path / "state"
    stopped(file)
    before = file.read_bytes()
    case = {"networks": mlps(3), "parts": parts(), "options": TrainingOptions(**OPTIONS),
            "rates": RATES, **change}
    with pytest.raises(ValueError, match=f"^checkpoint_file: found one of another .*{differs}"):
        train(**case, checkpoint_file=file)
    assert file.read_bytes() == before


def test_numbers_of_numpy_are_the_same_training(tmp_path):
    file = tmp_path / "state"
    stopped(str(file), steps=np.int32(60), clip=np.float32(1), warmup=np.float64(0.05))
    train(mlps(3), parts(), TrainingOptions(**OPTIONS), rates=np.array(RATES),
          checkpoint_file=str(file))
    assert not file.exists()


def test_a_place_where_no_file_can_be(tmp_path):
    for file in (tmp_path, tmp_path / "missing" / "state"):
        with pytest.raises(ValueError, match="^checkpoint_file: "):
            train(mlps(1), parts()[:1], TrainingOptions(steps=2), checkpoint_file=file)


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    file = tmp_path / "state"
    stopped(file)
    before = file.read_bytes()

    def fails(tensors, path, header):
        with open(path, "wb") as half:
            half.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr("nslib.training.checkpoint.save_file", fails)
    with pytest.raises(OSError, match="no space"):
        train(mlps(3), parts(), TrainingOptions(**OPTIONS), rates=RATES, checkpoint_file=file)
    assert file.read_bytes() == before and list(tmp_path.iterdir()) == [file]
