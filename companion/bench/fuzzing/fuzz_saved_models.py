"""Files of saved estimators, damaged or edited with a checksum that fits."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

import nslib
from nslib.estimators import saving

from .odd_values import Door, answering, judged, made, odd

VALUES = [None, True, "", "a", -1, 0, 0.5, float("nan"), float("inf"), 1e308, 1e-320, 10**30, [],
          {}, [0.0], [[1]], ["a", "a"], "pure(1000000)", "pure(64)", "interact(2;rank=10000)",
          "DEEP", "DIGITS", 10**9, "<U1000000000", "M8[s]"]
saving_cases = st.fixed_dictionaries({
    "model": st.integers(0, 2), "place": st.integers(0, 10**6),
    "what": st.sampled_from(["state"] * 6 + ["delete"] * 2 + ["tensor"] * 2 + ["bytes", "path"]),
    "value": st.one_of(st.sampled_from(VALUES), st.floats(), st.integers(-5, 5)),
    "tensor": st.sampled_from(["nan", "inf", "3e38", "1e30", "double", "half", "int", "more",
                               "fewer", "reshaped", "renamed", "added", "empty"]),
    "path": odd,
})


@cache
def saved_models() -> tuple[tuple[Any, dict, dict, dict, bytes, np.ndarray], ...]:
    """Return of fitted estimators the rows; header, state, tensors and bytes of the file; and the
    predictions of the rows (N,)."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=40), "b": rng.choice(["u", "v", None], 40),
                      "c": rng.normal(size=40)})
    y = (X["a"] * X["c"]).to_numpy()
    tiny = {"budget": 200, "learning_rates": (0.1,), "weight_decays": (0.01,), "steps": 20,
            "max_order": 2, "rank": 1, "random_state": 0}
    models = [
        nslib.NeuronSeekRegressor(**tiny, n_bins=3, members=2).fit(X, y),
        nslib.NeuronSeekClassifier(**tiny, members=1).fit(X, np.where(y > 0, "yes", "no")),
        nslib.NeuronSeekRegressor(**tiny, structure="pure(1)+sin").fit(X[["a", "c"]].to_numpy(), y),
    ]
    saved = []
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            path = Path(folder) / "model.safetensors"
            model.save(path)
            with safe_open(path, "pt") as stored:
                header = stored.metadata()
                tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
            rows = X if "b" in getattr(model, "feature_names_in_", []) else X[["a", "c"]].to_numpy()
            saved.append((rows, header, json.loads(header["state"]), tensors, path.read_bytes(),
                          model.predict(rows)))
    return tuple(saved)


def places(state: Any) -> list[tuple[Any, Any]]:
    """Return (container, key) of every value in plain lists and dicts, histories left out."""
    items = state.items() if isinstance(state, dict) else enumerate(state)
    pairs = []
    for key, value in list(items):
        pairs.append((state, key))
        if isinstance(value, (dict, list)) and key != "history":
            pairs += places(value)
    return pairs


def changed_tensors(tensors: dict[str, torch.Tensor], place: int, how: str) -> None:
    """Change one of the named tensors, of any shape, in place."""
    name = sorted(tensors)[place % len(tensors)]
    tensor = tensors.pop(name)
    if how in ("nan", "inf", "3e38", "1e30"):
        tensor = torch.full_like(tensor, float(how)) if tensor.is_floating_point() else tensor - 9
    new = {
        "double": tensor.double, "half": tensor.half, "int": lambda: tensor.long(),
        "more": lambda: torch.cat([tensor, tensor]), "fewer": lambda: tensor[:-1].clone(),
        "reshaped": lambda: tensor.reshape(1, -1).clone(), "empty": lambda: tensor[:0].clone(),
    }.get(how, lambda: tensor.clone())()
    tensors[name + ("x" if how == "renamed" else "")] = new
    if how == "added":
        tensors["network.extra"] = new.clone()


def answer_saving(case: dict[str, Any]) -> None:
    """Load a changed file with a checksum that fits: refused, or predictions are finite."""
    rows, header, state, tensors, content, whole = saved_models()[case["model"]]
    what, place = case["what"], case["place"]
    if what == "path":
        try:
            with answering():
                nslib.load_estimator(made(case["path"]))
        except AssertionError as error:
            assert isinstance(error.__cause__, OSError), error
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        if what == "bytes":
            damaged = bytearray(content)
            damaged[place % len(content)] ^= 1 + place % 255
            path.write_bytes(bytes(damaged))
        else:
            state, tensors = json.loads(json.dumps(state)), dict(tensors)
            container, key = (pairs := places(state))[place % len(pairs)]
            if what == "tensor":
                changed_tensors(tensors, place, case["tensor"])
            elif what == "delete":
                del container[key]
            else:
                container[key] = case["value"]
            text = json.dumps(state).replace('"DEEP"', "[" * 50_000 + "]" * 50_000)
            text = text.replace('"DIGITS"', "9" * 5000)
            save_file(tensors, path, {**header, "state": text,
                                      "checksum": saving._checksum(text, tensors)})
        with answering():
            model = nslib.load_estimator(path)
            predicted = model.predict(rows)
            formula = model.formula_
            model.save(path)
            again = nslib.load_estimator(path).predict(rows)
    assert len(predicted) == len(rows) and (formula is None) == (model.search_ is None)
    np.testing.assert_array_equal(predicted, again)
    if what == "bytes":  # it was in the versions that wrote the file, which nothing reads
        np.testing.assert_array_equal(predicted, whole)
    if model.__class__ is nslib.NeuronSeekRegressor:
        assert np.isfinite(predicted).all()
    else:
        assert set(predicted.tolist()) <= set(model.classes_.tolist())
        assert np.isfinite(model.predict_proba(rows)).all()


DOORS: dict[str, Door] = {"saving": (saving_cases, judged(answer_saving))}
