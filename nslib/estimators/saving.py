"""Fitted estimators in one file without pickle: safetensors tensors and JSON in its header."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from ..networks import TaskNet
from ..neuron import TaskLinear
from ..search import SearchResult
from ..search.search_task import Scaling
from ..structure import NeuronStructure
from ..training import FittedNetwork
from .base import NeuronSeekEstimator
from .classifier import NeuronSeekClassifier
from .features import Features
from .regressor import NeuronSeekRegressor

FORMAT = "nslib estimator 1"
_KINDS = {kind.__name__: kind for kind in (NeuronSeekRegressor, NeuronSeekClassifier)}


def save_estimator(model: NeuronSeekEstimator, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator over what the file held: all at once, or not at all.

    Raises NotFittedError before `fit`, TypeError for a subclass or classes of other types than
    text, numbers and booleans, ValueError for a folder that does not exist.
    """
    check_is_fitted(model)
    kind = type(model).__name__
    if _KINDS.get(kind) is not type(model):
        raise TypeError(f"model: found {kind}, expected one of {', '.join(_KINDS)}")
    path = Path(path)
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"path: found {path}, expected a file in a folder that exists")
    network, found = model._fitted, model.search_
    tensors = {f"network.{name}": tensor for name, tensor in network.network.state_dict().items()}
    if found is not None:
        neuron = found.neuron.state_dict()
        tensors |= {f"neuron.{name}": tensor for name, tensor in neuron.items()}
    state = {
        "kind": kind,
        "params": {name: _plain(value) for name, value in model.get_params(deep=False).items()},
        "columns": [str(name) for name in getattr(model, "feature_names_in_", [])],
        "n_features": int(model.n_features_in_),
        "classes": _labels(getattr(model, "classes_", None)),
        "structure": str(model.structure_),
        "target": model._target,
        "features": model._features.to_state(),
        "history": model.history_.to_dict("list"),
        "network": {"hidden": network.network.hidden, "structure": str(network.network.structure),
                    "limits": network.limits, "validation_loss": network.validation_loss,
                    "step": network.step},
        "search": None if found is None else _search_state(found),
    }
    text = json.dumps(state)
    versions = {"torch": torch.__version__, "sklearn": sklearn.__version__}
    header = {"format": FORMAT, "state": text, "checksum": _checksum(text, tensors),
              "versions": json.dumps(versions)}
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    os.close(handle)
    try:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()},
                  temporary, header)
        os.chmod(temporary, 0o644)  # a temporary file is its owner's alone
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_estimator(
    path: str | os.PathLike[str],
) -> NeuronSeekRegressor | NeuronSeekClassifier:
    """Return the fitted estimator that `save` wrote to a file; it predicts the same numbers.

    Nothing in the file is run. Its parameters are those of the saved one, with text in place of a
    `structure` and None of a `random_state` that was no int. Raises FileNotFoundError where there
    is no file, ValueError naming a file that is damaged or no such estimator.
    """
    path = Path(path)
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
        return _restored(json.loads(header["state"]), tensors)
    except (SafetensorError, LookupError, TypeError, ValueError, AttributeError,
            RuntimeError) as error:
        raise ValueError(f"path: found no estimator in {path} ({error})") from error


def _restored(state: dict[str, Any], tensors: dict[str, Tensor]) -> NeuronSeekEstimator:
    params = {k: tuple(v) if isinstance(v, list) else v for k, v in state["params"].items()}
    model = _KINDS[state["kind"]](**params)
    model.n_features_in_ = state["n_features"]
    if state["columns"]:
        model.feature_names_in_ = np.asarray(state["columns"], dtype=object)
    classes = state["classes"]
    if classes is not None:
        model.classes_ = np.asarray(classes["values"], dtype=np.dtype(classes["dtype"]))
    model.structure_ = NeuronStructure.parse(state["structure"])
    model._target = None if state["target"] is None else tuple(state["target"])
    model._features = Features.from_state(state["features"])
    model.history_ = pd.DataFrame(state["history"])
    model.search_ = None
    if state["search"] is not None:
        neuron = _loaded(_neuron(state["search"]), "neuron.", tensors)
        model.search_ = _search_result(state["search"], neuron, getattr(model, "classes_", None))
    stored = state["network"]
    first = tensors["network.layers.0.weight"]
    n_inputs = len(model._features.clipper.median_)
    bins = model._features.bins
    if bins is not None:
        n_inputs += sum(len(bins.edges_[i]) - 1 for i in bins.encoded_)
    network = TaskNet(
        n_inputs, 1 if classes is None else len(model.classes_), stored["hidden"],
        NeuronStructure.parse(stored["structure"]), members=model.members,
    ).to(first.dtype)
    limits = None if stored["limits"] is None else tuple(stored["limits"])
    model._fitted = FittedNetwork(
        _loaded(network, "network.", tensors), limits, stored["validation_loss"], stored["step"]
    )
    return model


def _loaded(module: nn.Module, prefix: str, tensors: dict[str, Tensor]) -> nn.Module:
    module.load_state_dict({
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items() if name.startswith(prefix)
    })
    return module.requires_grad_(False)


def _search_state(found: SearchResult) -> dict[str, Any]:
    neuron, scaling = found.neuron, found.scaling
    return {
        "neuron": {"sizes": [neuron.in_features, neuron.out_features],
                   "structure": str(neuron.structure), "bias": neuron.bias is not None,
                   "norm": neuron.norm, "double": neuron.weight.dtype == torch.float64},
        "scaling": {"x_mean": scaling.x_mean.tolist(), "x_scale": scaling.x_scale.tolist(),
                    "y_mean": scaling.y_mean, "y_scale": scaling.y_scale,
                    "feature_names": scaling.feature_names},
        "method": found.method, "structure": str(found.structure), "seconds": found.seconds,
        "seed": found.seed, "gate_probabilities": found.gate_probabilities,
        "selection_frequencies": found.selection_frequencies, "passes": found.passes,
        "fit_seconds": found.fit_seconds, "history": found.history.to_dict("list"),
        "limits": None if found.limits is None else [end.tolist() for end in found.limits],
    }


def _neuron(state: dict[str, Any]) -> TaskLinear:
    neuron = state["neuron"]
    return TaskLinear(
        *neuron["sizes"], NeuronStructure.parse(neuron["structure"]), neuron["bias"],
        neuron["norm"], dtype=torch.float64 if neuron["double"] else torch.float32,
    ).eval()


def _search_result(
    state: dict[str, Any], neuron: TaskLinear, classes: np.ndarray | None
) -> SearchResult:
    scaling, limits = state["scaling"], state["limits"]
    return SearchResult(
        method=state["method"], structure=NeuronStructure.parse(state["structure"]),
        gate_probabilities=state["gate_probabilities"], history=pd.DataFrame(state["history"]),
        seconds=state["seconds"], seed=state["seed"], neuron=neuron,
        scaling=Scaling(
            np.asarray(scaling["x_mean"]), np.asarray(scaling["x_scale"]), scaling["y_mean"],
            scaling["y_scale"], classes, tuple(scaling["feature_names"]),
        ),
        limits=None if limits is None else tuple(np.asarray(end) for end in limits),
        selection_frequencies=state["selection_frequencies"], passes=state["passes"],
        fit_seconds=state["fit_seconds"],
    )


def _checksum(text: str, tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].contiguous().numpy().tobytes())
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


def _labels(classes: np.ndarray | None) -> dict[str, Any] | None:
    if classes is None:
        return None
    values = classes.tolist()
    if not all(isinstance(value, (str, bool, int, float)) for value in values):
        raise TypeError(f"classes_: found {classes.dtype}, expected text, numbers or booleans")
    return {"dtype": "O" if classes.dtype.kind == "O" else classes.dtype.str, "values": values}
