"""Searches and estimators under odd rows, targets and options."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from hypothesis import strategies as st
from scipy import sparse

import nslib
from nslib.search import METHODS

from .odd_values import Door, Refused, answering, judged, made, nested, odd, sometimes

FORMS = ["float64", "float32", "float16", "int64", "list", "frame", "object", "memory", "Fortran",
         "tensor float32", "tensor bfloat16", "tensor float16", "tensor int64", "tensor grad",
         "tensor bool", "tensor float8_e5m2", "tensor conj", "tensor quantised"]
BROKEN = ["ragged", "sparse", "tensor sparse", "text", "one text", "complex", "dates", "masked",
          "one dimension", "three dimensions", "big int", "nullable", "structured", "generator",
          "nan", "inf", "None in it"]
arrays = st.fixed_dictionaries({
    "form": st.one_of(*[st.sampled_from(FORMS)] * 3, st.sampled_from(BROKEN)),
    "exponent": st.one_of(*[st.just(0)] * 4, st.sampled_from([-323, -320, -305, -299, -150, -8, 4,
                                                              8, 150, 299, 305])),
    "offset": st.sampled_from([0.0, 0.0, 0.0, 3.0, 1e9]),
    "constant": st.sampled_from([False] * 6 + [True]),
})
labels = st.sampled_from(["numbers"] * 5 + ["text", "codes", "bools", "mixed", "one class", "pairs",
                                            "column", "categories", "missing", "nested", "short"])


def array_of(case: dict[str, Any], values: np.ndarray) -> Any:
    """Return finite values of any shape in the form that a case says."""
    values = np.zeros_like(values) if case["constant"] else values
    values = (values + case["offset"]) * 10.0 ** max(case["exponent"], -323)
    form, place = case["form"], (0,) * values.ndim
    if form.startswith("tensor "):
        kind = form.removeprefix("tensor ")
        tensor = torch.as_tensor(values)
        special = {"grad": lambda: tensor.requires_grad_(), "sparse": tensor.to_sparse,
                   "conj": lambda: tensor.to(torch.complex64).conj(),
                   "quantised": lambda: torch.quantize_per_tensor(
                       tensor.float(), 0.1, 0, torch.qint8)}
        return special[kind]() if kind in special else tensor.to(getattr(torch, kind))
    if form in ("float64", "float32", "float16", "int64", "object"):
        return values.astype(form)
    if form in ("text", "one text", "None in it", "big int"):
        values = values.astype(object)
        if form == "text":
            values[...] = "a"
        elif values.size:
            values[place] = {"one text": "tall", "None in it": None, "big int": 10**400}[form]
        return values
    if form in ("nan", "inf"):
        if values.size:
            values[place] = float(form)
        return values
    return {
        "list": values.tolist, "frame": lambda: pd.DataFrame(values) if values.ndim < 3 else values,
        "memory": lambda: memoryview(np.ascontiguousarray(values)),
        "Fortran": lambda: np.asfortranarray(values)[::-1],
        "ragged": lambda: [[0.0] * (1 + i % 2) for i in range(len(values))],
        "sparse": lambda: sparse.csr_matrix(values if values.ndim == 2 else values[None]),
        "complex": lambda: values * 1j, "dates": lambda: values.astype("datetime64[s]"),
        "masked": lambda: np.ma.masked_greater(values, 0.0), "one dimension": values.ravel,
        "three dimensions": lambda: values[None],
        "nullable": lambda: pd.DataFrame(values).convert_dtypes(),
        "structured": lambda: np.zeros(len(values), dtype=[("a", float), ("b", "U3")]),
        "generator": lambda: (row for row in values),
    }[form]()


def target_of(case: dict[str, Any], values: np.ndarray) -> Any:
    """Return a target (N,), or something like one, of the labels that a case says."""
    kind, codes = case["labels"], (values > 0).astype(int)
    if kind == "numbers":
        return array_of(case["y"], values)
    return {
        "text": lambda: np.array(["no", "yes"])[codes].tolist(), "codes": lambda: codes,
        "bools": lambda: codes == 1, "mixed": lambda: ["a" if c else 1 for c in codes],
        "one class": lambda: ["a"] * len(codes), "pairs": lambda: np.column_stack([values, values]),
        "column": lambda: values[:, None], "short": lambda: values[:-1],
        "categories": lambda: pd.Series(pd.Categorical(np.array(["u", "v"])[codes])),
        "missing": lambda: ["a" if c else None for c in codes], "nested": nested,
    }[kind]()


data_cases = {
    "X": arrays, "y": arrays, "labels": labels,
    "rows": st.sampled_from([0, 1, 2, 3, 5, 20, 20, 40]),
    "columns": st.sampled_from([0, 1, 2, 2, 3]), "seed": st.integers(0, 5),
}


def data_of(case: dict[str, Any]) -> tuple[Any, Any]:
    """Return X and y of a case, (N, D) and (N,) where nothing is wrong with them."""
    rng = np.random.default_rng(case["seed"])
    X = rng.standard_normal((case["rows"], case["columns"]))
    y = X.sum(1) + X[:, :1].sum(1) ** 2 if case["columns"] else rng.standard_normal(case["rows"])
    return array_of(case["X"], X), target_of(case, y)


SEARCH_OPTIONS = {
    "als": {"order": 2, "restarts": 1, "sweeps": 2, "resamples": 1, "rank": 2},
    "gated": {"order": 2, "rank": 2, "epochs": 2},
    "threshold": {"order": 2, "rank": 2, "epochs": 1},
    "vsr": {"population": 8, "generations": 2, "order": 2, "nodes": 5},
}
EXTREME = st.one_of(odd, st.sampled_from([1e6, 1e-12, 0.999999, 1.0, 0.0, 2, 3, 1]))
search_cases = st.fixed_dictionaries({
    **data_cases, "method": sometimes(st.sampled_from(sorted(SEARCH_OPTIONS)), 12),
    "option": st.one_of(st.none(), st.none(), st.tuples(st.integers(0, 12), EXTREME)),
    "arguments": st.fixed_dictionaries({}, optional={
        "seed": sometimes(st.integers(0, 3)), "task": sometimes(st.sampled_from(
            ["auto", "regression", "classification"]), 8),
        "standardize": sometimes(st.booleans(), 8),
        "limits": sometimes(st.sampled_from(["data", None]), 8),
        "goal": sometimes(st.sampled_from(["formula", "prediction"]), 8)}),
})


def answer_search(case: dict[str, Any]) -> None:
    """Search: predictions of the rows are finite, and the formula's are the same."""
    with answering():
        X, y = data_of(case)
    method = made(case["method"])
    options = dict(SEARCH_OPTIONS.get(method, {}) if isinstance(method, str) else {})
    if case["option"] is not None and isinstance(method, str) and method in METHODS:
        fields = list(METHODS[method].options.__dataclass_fields__)
        options[fields[case["option"][0] % len(fields)]] = made(case["option"][1])
    with answering():
        result = nslib.search(X, y, method, **made(case["arguments"]), **options)
        predicted = result.predict(X)
        expression = result.formula(raw=True, expand=False)
    n = case["rows"]
    assert predicted.shape == (n,)
    assert np.isfinite(result.history.select_dtypes("number").to_numpy(float)).all(), "history"
    if result.classes is not None:
        assert set(predicted.tolist()) <= set(result.classes.tolist())
        assert set(expression) == set(result.classes.tolist())
        return
    assert np.isfinite(predicted).all()
    rows = nslib.checks.as_matrix(X)
    scaling = result.scaling
    if np.abs(scaling.x_mean / scaling.x_scale).max() > 1e6:
        return  # differences of x and its mean have lost their digits
    names = [f"x_{i + 1}" for i in range(rows.shape[1])]
    if scaling.feature_names is not None:
        names = list(scaling.feature_names)
    row = rows[0]
    if result.limits is not None:  # for predictions a row may lie beyond them
        row = np.clip(row, *result.feature_ranges[["low", "high"]].to_numpy().T)
    value = float(expression.subs(dict(zip(names, row.tolist(), strict=True))))
    unit = abs(predicted[0]) + np.ptp(predicted) + scaling.y_scale
    assert abs(value - predicted[0]) <= 1e-3 * unit, (value, predicted[0])


PARAMETERS = ["method", "structure", "max_order", "rank", "enrich", "budget", "members", "n_bins",
              "learning_rates", "weight_decays", "steps", "batch_size", "validation_fraction",
              "random_state", "progress"]
estimator_cases = st.fixed_dictionaries({
    **data_cases, "kind": st.sampled_from(["NeuronSeekRegressor", "NeuronSeekClassifier"]),
    "words": st.sampled_from([False, False, True]),
    "parameters": st.dictionaries(st.sampled_from(PARAMETERS), odd, max_size=2),
})


def answer_estimator(case: dict[str, Any]) -> None:
    """Fit: predictions are finite or classes, there is a formula, refusals draw no number."""
    tiny = {"budget": 60, "members": 1, "learning_rates": (0.1,), "weight_decays": (0.01,),
            "steps": 3, "max_order": 2, "rank": 1}
    state = np.random.RandomState(1)
    before = state.get_state()[2]
    model = getattr(nslib, case["kind"])(**{
        **tiny, "random_state": state, **made(case["parameters"])})
    model.set_params(progress=False) if model.progress is True else None
    with answering():
        X, y = data_of(case)
        if case["words"] and isinstance(X, np.ndarray) and X.ndim == 2:
            X = pd.DataFrame(X).assign(word=np.resize(["red", None, "blue"], len(X)))
    try:
        with answering():
            model.fit(X, y)
            predicted = model.predict(X)
            formula = model.formula_
            model.structure_.latex()
    except Refused:
        assert hasattr(model, "_fitted") or state.get_state()[2] == before, "a number was drawn"
        raise
    assert len(predicted) == case["rows"]
    assert formula is not None or model.structure is not None
    if case["kind"] == "NeuronSeekClassifier":
        assert set(predicted.tolist()) <= set(model.classes_.tolist())
        np.testing.assert_allclose(model.predict_proba(X).sum(1), 1.0, rtol=1e-6)
    else:
        assert np.isfinite(predicted).all()


DOORS: dict[str, Door] = {
    "search": (search_cases, judged(answer_search)),
    "estimators": (estimator_cases, judged(answer_estimator)),
}
