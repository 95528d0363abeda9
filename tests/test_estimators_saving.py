"""Estimators in files: the same predictions, no pickle, clear errors."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from sklearn.exceptions import NotFittedError
from test_estimators import QUICK, TINY, table

from nslib import NeuronSeekClassifier, NeuronSeekRegressor, NeuronStructure, load_estimator
from nslib.estimators import saving


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


EDITS = {
    "target": lambda state: state.update(target=[math.nan, 1.0]),
    "scale of the target": lambda state: state.update(target=[0.0, 0.0]),
    "no target": lambda state: state.update(target=None),
    "target of three": lambda state: state.update(target=[0.0, 1.0, 2.0]),
    "huge target": lambda state: state.update(target=[0.0, 1e308]),
    "limits": lambda state: state["network"].update(limits=[math.nan, 1.0]),
    "limits upside down": lambda state: state["network"].update(limits=[1.0, -1.0]),
    "no limits": lambda state: state["network"].update(limits=None),
    "median": lambda state: state["features"]["median"].__setitem__(0, math.inf),
    "scale": lambda state: state["features"]["scale"].__setitem__(0, 0.0),
    "text as scale": lambda state: state["features"]["scale"].__setitem__(0, "1"),
    "limit": lambda state: state["features"].update(limit=-3.0),
    "median of a column": lambda state: state["features"]["columns"][0].update(median=math.nan),
    "text as median": lambda state: state["features"]["columns"][0].update(median="a"),
    "kind of a column": lambda state: state["features"]["columns"][0].update(kind="text"),
    "categories": lambda state: state["features"]["columns"][2].update(categories=5),
    "categories twice": lambda state: state["features"]["columns"][2].update(
        categories=["Rome", "Rome", "missing"]),
    "number of bins": lambda state: state["features"]["bins"].update(n_bins="M8[s]"),
    "edges": lambda state: state["features"]["bins"]["edges"][0].__setitem__(1, math.nan),
    "edges upside down": lambda state: state["features"]["bins"]["edges"][0].reverse(),
    "edges of another column": lambda state: state["features"]["bins"]["edges"].append([0.0, 1.0]),
    "features": lambda state: state.update(n_features=10**12),
    "names": lambda state: state["columns"].pop(),
    "order": lambda state: state["network"].update(structure="pure(1000000)"),
    "order of the search": lambda state: state["search"].update(structure="pure(1000000)"),
    "order of its neuron": lambda state: state["search"]["neuron"].update(
        structure="pure(1,2,3,4,5,6)"),
    "width": lambda state: state["network"].update(hidden=[10**9, 10**9]),
    "text as width": lambda state: state["network"].update(hidden="12"),
    "features of the neuron": lambda state: state["search"]["neuron"].update(sizes=[10**12, 1]),
    "mean of the search": lambda state: state["search"]["scaling"]["x_mean"].pop(),
    "scale of the search": lambda state: state["search"]["scaling"]["x_scale"].__setitem__(0, 0.0),
    "unit of the search": lambda state: state["search"]["scaling"].update(y_scale=math.inf),
    "names of the search": lambda state: state["search"]["scaling"].update(feature_names=["a"]),
    "limits of the search": lambda state: state["search"].update(limits=[[0.0], [1.0]]),
    "classes": lambda state: state.update(classes={"dtype": "O", "values": ["a", "b"]}),
    "parameter": lambda state: state.update(params=5),
    "history": lambda state: state.update(history=5),
    "nested": lambda state: state.update(history="DEEP"),
}


def edited(model, path, edit=None, edit_tensors=None):
    """Save a model, change its state or its tensors, and make the checksum fit."""
    model.save(path)
    with safe_open(path, "pt") as stored:
        header = stored.metadata()
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    state = json.loads(header["state"])
    if edit is not None:
        edit(state)
    if edit_tensors is not None:
        edit_tensors(tensors)
    text = json.dumps(state).replace('"DEEP"', "[" * 50_000 + "]" * 50_000)
    save_file(tensors, path, {**header, "state": text, "checksum": saving._checksum(text, tensors)})


@pytest.mark.parametrize("edit", list(EDITS))
def test_an_edited_state_with_a_checksum_that_fits(regressor, tmp_path, edit):
    path = tmp_path / "model.safetensors"
    edited(regressor, path, EDITS[edit])
    with pytest.raises(ValueError, match=r"path: found no estimator in .*model\.safetensors \("):
        load_estimator(path)


@pytest.mark.parametrize("value", [math.nan, math.inf, 3e38])
@pytest.mark.parametrize("name", ["network.layers.0.weight", "neuron.weight"])
def test_edited_weights_are_refused_or_predict_finite_numbers(regressor, tmp_path, name, value):
    path = tmp_path / "model.safetensors"
    edited(regressor, path, None, lambda tensors: tensors[name].fill_(value))
    X, _ = table(20)
    try:
        model = load_estimator(path)
        assert np.isfinite(value)
        assert np.isfinite(model.predict(X)).all()
        assert np.isfinite(model.search_.predict(model.formula_inputs(X))).all()
    except ValueError as error:
        assert re.match("path: found no estimator|X: found", str(error))


def test_a_regressor_is_no_classifier(regressor, tmp_path):
    path = tmp_path / "model.safetensors"
    edited(regressor, path, lambda state: state.update(kind="NeuronSeekClassifier"))
    with pytest.raises(ValueError, match="path: found no estimator"):
        load_estimator(path)


@pytest.mark.parametrize("path", [5, None, "", "a\0b", ["a"]])
def test_paths_that_are_none(regressor, path):
    for function in (regressor.save, load_estimator):
        with pytest.raises((TypeError, ValueError), match="path: found"):
            function(path)


def test_parameters_that_json_cannot_hold(regressor, tmp_path):
    before = regressor.get_params()
    try:
        regressor.set_params(learning_rates=object())
        with pytest.raises(TypeError, match="learning_rates: found <object"):
            regressor.save(tmp_path / "model.safetensors")
    finally:
        regressor.set_params(**before)
    assert not list(tmp_path.iterdir())
