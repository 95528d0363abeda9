"""Estimators in files: the same predictions, no pickle, clear errors."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from sklearn.exceptions import NotFittedError
from test_estimators import QUICK, TINY, table

from nslib import NeuronSeekClassifier, NeuronSeekRegressor, NeuronStructure, load_estimator


@pytest.fixture(scope="module")
def regressor() -> NeuronSeekRegressor:
    X, y = table()
    return NeuronSeekRegressor(**{**QUICK, "n_bins": 3}).fit(X, y)


def again(model, folder):
    model.save(folder / "model.safetensors")
    return load_estimator(folder / "model.safetensors")


def test_a_loaded_regressor_is_the_same(regressor, tmp_path):
    X, _ = table(50, seed=1)
    X.iloc[0, 0], X.iloc[1, 2] = np.nan, "unseen"
    loaded = again(regressor, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]
    assert (tmp_path / "model.safetensors").stat().st_mode & 0o044, "others cannot read it"
    np.testing.assert_array_equal(loaded.predict(X), regressor.predict(X))
    assert loaded.formula_ == regressor.formula_
    assert loaded.structure_ == regressor.structure_
    assert loaded.n_parameters_ == regressor.n_parameters_
    assert loaded.get_params() == regressor.get_params()
    assert list(loaded.feature_names_in_) == list(X.columns)
    pd.testing.assert_frame_equal(loaded.history_, regressor.history_)
    pd.testing.assert_frame_equal(loaded.search_.history, regressor.search_.history)
    encoded = regressor._features.encoded(X)
    np.testing.assert_array_equal(
        loaded.search_.predict(encoded), regressor.search_.predict(encoded)
    )
    with pytest.raises(ValueError, match="same order"):
        loaded.predict(X[X.columns[::-1]])
    assert again(loaded, tmp_path).formula_ == regressor.formula_  # a second time


@pytest.mark.parametrize("classes", [
    np.array(["no", "yes"]), np.array(["no", "yes"], dtype=object), np.array([3, 7]),
    np.array([False, True]), np.array([0.0, 2.0]),
])
def test_a_loaded_classifier_has_its_classes(classes, tmp_path):
    X, y = table(60)
    labels = classes[(y > np.median(y)).astype(int)]
    model = NeuronSeekClassifier(**TINY).fit(X, labels)
    loaded = again(model, tmp_path)
    assert loaded.classes_.dtype == model.classes_.dtype
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert loaded.formula_ == model.formula_


def test_a_given_structure_and_array_without_names(tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 2))
    model = NeuronSeekRegressor(**{
        **TINY, "structure": NeuronStructure((1,), (2,), 2), "steps": np.int64(5),
        "random_state": np.random.RandomState(0),
    }).fit(X, X[:, 0])
    loaded = again(model, tmp_path)
    assert loaded.formula_ is None and not hasattr(loaded, "feature_names_in_")
    assert loaded.structure == str(model.structure) and loaded.random_state is None
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


@pytest.mark.parametrize("members", [1, 3])
def test_parameters_set_after_the_fit_do_not_spoil_the_file(regressor, tmp_path, members):
    X, _ = table(20)
    try:
        regressor.set_params(members=members, n_bins=7)
        loaded = again(regressor, tmp_path)
        assert loaded.members == members
        np.testing.assert_array_equal(loaded.predict(X), regressor.predict(X))
    finally:
        regressor.set_params(members=QUICK["members"], n_bins=3)


def test_a_full_disk_is_said_with_the_path_and_leaves_the_file(regressor, tmp_path, small_files):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"before")
    with pytest.raises(OSError, match=f"too large: '{path}'"):
        regressor.save(path)
    assert path.read_bytes() == b"before" and list(tmp_path.iterdir()) == [path]


class Other(NeuronSeekRegressor):
    """A class that no file could name."""


def test_what_cannot_be_saved(regressor, tmp_path):
    with pytest.raises(NotFittedError):
        NeuronSeekRegressor().save(tmp_path / "a")
    X, y = table(20)
    with pytest.raises(TypeError, match="subclass Other"):
        Other(**TINY).fit(X, y).save(tmp_path / "a")
    with pytest.raises(ValueError, match="folder"):
        regressor.save(tmp_path / "none" / "a")
    with pytest.raises(ValueError, match="folder"):
        regressor.save(tmp_path)


def test_files_that_are_no_estimators(regressor, tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors"):
        load_estimator(path)
    for content in (b"", b"anything but tensors", b"\x80\x04."):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"model\.safetensors"):
            load_estimator(path)
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        load_estimator(path)
    regressor.save(path)
    whole = path.read_bytes()
    for end in (10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match=r"model\.safetensors"):
            load_estimator(path)


def test_one_damaged_byte(regressor, tmp_path):
    path = tmp_path / "model.safetensors"
    regressor.save(path)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.safetensors.*changed"):
        load_estimator(path)


@pytest.mark.parametrize("damage", [
    lambda state, tensors: state.pop("features"),
    lambda state, tensors: state.update(kind="Other"),
    lambda state, tensors: state["params"].update(unknown=1),
    lambda state, tensors: state["network"].update(hidden=[99]),
    lambda state, tensors: state.update(structure="__import__('os')"),
    lambda state, tensors: tensors.pop("network.layers.0.weight"),
    lambda state, tensors: tensors.pop("neuron.weight"),
    lambda state, tensors: state["features"]["median"].pop(),
    lambda state, tensors: state["features"]["columns"].pop(),
])
def test_other_contents(regressor, tmp_path, monkeypatch, damage):
    monkeypatch.setattr("nslib.estimators.saving._checksum", lambda *_: "")
    path = tmp_path / "model.safetensors"
    regressor.save(path)
    with safe_open(path, "pt") as stored:
        header = stored.metadata()
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    state = json.loads(header["state"])
    damage(state, tensors)
    save_file(tensors, path, {**header, "state": json.dumps(state)})
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        load_estimator(path)
