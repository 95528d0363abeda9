"""Fitted estimators in one file without pickle: safetensors tensors and JSON in its header."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from sklearn.base import BaseEstimator, is_classifier
from torch import Tensor

from .. import checks, whole_files
from ..networks import TaskNet
from ..search import SearchResult
from ..structure import NeuronStructure
from ..training import FittedNetwork
from .features import Features

FORMAT = "nslib estimator 1"
MAX_LABEL_BYTES = 2**20  # of one class name


def write(model: BaseEstimator, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator over what the file held; errors as of the estimator's `save`."""
    path = Path(checks.path(path))
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"path: found {path}, expected a file in a folder that exists")
    state, tensors = _state(model)
    text = json.dumps(state)
    versions = json.dumps({"torch": torch.__version__, "sklearn": sklearn.__version__})
    header = {"format": FORMAT, "state": text, "checksum": _checksum(text, tensors),
              "versions": versions}
    whole_files.write({path: save(tensors, header)})


def read(path: str | os.PathLike[str], kinds: Mapping[str, type[BaseEstimator]]) -> BaseEstimator:
    """Return the estimator that `write` wrote, of a class in `kinds`; see `load_estimator`."""
    path = Path(checks.path(path))
    if not path.is_file():
        raise FileNotFoundError(f"path: found no file {path}, expected one that `save` wrote")
    try:
        with safe_open(path, "pt") as stored:
            header = stored.metadata() or {}
            if header.get("format") != FORMAT:
                raise ValueError(f"its format is {header.get('format')!r}, not {FORMAT!r}")
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        if header["checksum"] != _checksum(header["state"], tensors):
            raise ValueError("its contents have changed since it was written")
        return _restored(json.loads(header["state"]), tensors, kinds)
    except (SafetensorError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError,
            RuntimeError) as error:
        raise ValueError(f"path: found no estimator in {path} ({str(error)[:500]})") from error


def _state(model: BaseEstimator) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return all of a fitted estimator: plain values, and tensors by name."""
    network = model._fitted.network
    modules = {"network": network}
    if model.search_ is not None:
        modules["neuron"] = model.search_.neuron
    tensors = {f"{prefix}.{name}": tensor.contiguous() for prefix, module in modules.items()
               for name, tensor in module.state_dict().items()}
    return {
        "kind": type(model).__name__,
        "params": {name: _json_value(value, name)
                   for name, value in model.get_params(deep=False).items()},
        "columns": [str(name) for name in getattr(model, "feature_names_in_", [])],
        "n_features": int(model.n_features_in_),
        "classes": _labels(getattr(model, "classes_", None)),
        "structure": str(model.structure_),
        "target": model._target,
        "features": model._features.to_state(),
        "history": model.history_.to_dict("list"),
        "network": {"hidden": network.hidden, "structure": str(network.structure),
                    **model._fitted.to_state()},
        "search": None if model.search_ is None else model.search_.to_state(),
    }, tensors


def _restored(
    state: dict[str, Any], tensors: dict[str, Tensor], kinds: Mapping[str, type[BaseEstimator]]
) -> BaseEstimator:
    """Return the estimator of a state and its tensors, of whatever shapes its networks have.

    Raises an error of some kind where anything does not fit the rest, or is not finite.
    """
    params = {k: tuple(v) if isinstance(v, list) else v for k, v in state["params"].items()}
    model = kinds[state["kind"]](**params)
    model.n_features_in_ = checks.positive_int(state["n_features"], "n_features")
    if len(state["columns"]) not in (0, model.n_features_in_):
        raise ValueError(f"it has {len(state['columns'])} names of {model.n_features_in_} columns")
    if state["columns"]:
        model.feature_names_in_ = np.asarray(state["columns"], dtype=object)
    classes = _classes(state["classes"])
    if (classes is None) == is_classifier(model):
        raise ValueError(f"its classes are not those of a {state['kind']}")
    if classes is not None:
        model.classes_ = classes
    model.structure_ = NeuronStructure.parse(state["structure"])
    model._target = None
    if classes is None:
        model._target = mean, scale = tuple(
            checks.finite_numbers(state["target"], "target", (2,)).tolist()
        )
        if not (abs(mean) <= checks.MAX_SIZE and checks.MIN_SPREAD <= scale <= checks.MAX_SIZE):
            raise ValueError(f"target: found the mean {mean:g} and the scale {scale:g}")
    model._features = Features.from_state(state["features"])
    if len(model._features.table.columns_) != model.n_features_in_:
        raise ValueError(f"it has encodings of {len(model._features.table.columns_)} of its "
                         f"{model.n_features_in_} columns")
    model.history_ = pd.DataFrame(state["history"])
    model.search_ = None
    if state["search"] is not None:
        neuron = _named(tensors, "neuron.")
        model.search_ = SearchResult.from_state(state["search"], neuron, classes)
        if model.search_.neuron.in_features != model._features.clipper.n_features_in_:
            raise ValueError("the formula is not one of its columns")
    stored, weights = state["network"], _named(tensors, "network.")
    with torch.device("meta"):  # no numbers: nothing is allocated before all fits
        network = TaskNet(
            model._features.n_bounded, 1 if classes is None else len(classes), stored["hidden"],
            NeuronStructure.parse(stored["structure"]),
            members=len(weights["input_scale"]) if "input_scale" in weights else 1,
        )
    model._fitted = FittedNetwork.from_state(stored, network, weights)
    limits = model._fitted.limits
    if (limits is None) == (classes is None):
        raise ValueError("its limits are those of another task")
    if limits is not None and not np.isfinite(mean + scale * np.asarray(limits)).all():
        raise ValueError(f"limits: found {limits}, which in the units of y are not finite")
    model._fitted.predict(np.zeros((1, model._features.n_bounded)))  # raises where it overflows
    return model


def _named(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors, of any shapes, whose names begin with the prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()
            if name.startswith(prefix)}


def _checksum(text: str, tensors: dict[str, Tensor]) -> str:
    """Return a hash of a text and of named tensors of any shapes."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].numpy().tobytes())
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    """Return the value of a parameter as JSON has it; None for what only this process knows."""
    if isinstance(value, NeuronStructure):
        return str(value)
    if isinstance(value, (tuple, list, np.ndarray)):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        return value.item()
    return None if isinstance(value, (np.random.RandomState, np.random.Generator)) else value


def _json_value(value: Any, name: str) -> Any:
    """Return the value of a parameter as JSON has it; TypeError names one that JSON cannot hold."""
    value = _plain(value)
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        raise TypeError(f"{name}: found {checks.shown(value)}, expected a value that JSON can "
                        "hold") from None
    return value


def _classes(stored: dict[str, Any] | None) -> np.ndarray | None:
    """Return the classes (C,) that `_labels` stored; ValueError unless distinct, two or more."""
    if stored is None:
        return None
    values, dtype = stored["values"], np.dtype(stored["dtype"])
    if dtype.kind not in "OUbiuf" or dtype.itemsize > MAX_LABEL_BYTES:
        raise ValueError(f"its classes have the type {dtype}")
    n = len(values)
    if n < 2 or len(set(values)) != n or len({type(value) for value in values}) != 1:
        raise ValueError(f"its classes are {checks.shown(values)}")
    return np.asarray(values, dtype=dtype)


def _labels(classes: np.ndarray | None) -> dict[str, Any] | None:
    """Return the classes (C,) as JSON has them, with their type."""
    if classes is None:
        return None
    values = classes.tolist()
    if not all(isinstance(value, (str, bool, int, float)) for value in values):
        raise TypeError(f"classes_: found {classes.dtype}, expected text, numbers or booleans")
    return {"dtype": "O" if classes.dtype.kind == "O" else classes.dtype.str, "values": values}
