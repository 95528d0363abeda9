"""Odd arguments for structures, layers, searches, estimators and their files, and their judges.

`DOORS` maps the name of a door to (strategy, judge): what hypothesis draws cases from, and a
function that raises AssertionError where a case is not answered as it should be: rightly and in
finite numbers, or refused in words by a TypeError or ValueError that names the argument.
"""

from __future__ import annotations

import json
import re
import tempfile
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file
from scipy import sparse

import nslib
from nslib.estimators import saving
from nslib.search import METHODS
from nslib.structure import Stream

# How an error of this library begins: an argument, or several, and what is the matter with it.
NAMED = re.compile(r"[A-Za-z_].{0,80}?: (found|not an option|expected|fit requires)")
OTHERS = (  # what Python and scikit-learn say of their own, with the argument or the remedy
    "unexpected keyword argument", "Expected 2D array", "Unknown label type", "Input y contains",
    "Input X contains", "inconsistent numbers of samples", "y should be a 1d array",
    "Found array with", "Complex data not supported", "feature names", "y cannot be None",
    "Feature names", "does not take numbers given as text",
)


class Refused(Exception):
    """A case was refused in words, as it may be."""


@contextmanager
def answering():
    """Turn an error in words, raised inside, into Refused, and any other into an AssertionError."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    except (TypeError, ValueError) as error:
        text = str(error)
        if not (NAMED.match(text) or any(words in text for words in OTHERS)):
            kind = type(error).__name__
            raise AssertionError(f"no argument named: {kind}: {text[:200]}") from error
        if len(text) > 5000:
            raise AssertionError(f"an error of {len(text)} characters: {text[:80]}") from error
        raise Refused(text) from None
    except (AssertionError, Refused):
        raise
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {str(error)[:200]}") from error


def judged(answer: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return the judge of what `answer` asserts of a case that is not refused."""

    def judge(case: Any) -> None:
        try:
            answer(case)
        except Refused:
            return

    return judge


def nested(levels: int = 50_000) -> list:
    """Return a list in a list in a list …"""
    value: list = []
    for _ in range(levels):
        value = [value]
    return value


ODD: dict[str, Callable[[], Any]] = {
    "None": lambda: None, "True": lambda: True, "no text": lambda: "", "text": lambda: "a",
    "bytes": lambda: b"1", "minus one": lambda: -1, "zero": lambda: 0, "1.5": lambda: 1.5,
    "nan": lambda: float("nan"), "inf": lambda: float("inf"), "1e300": lambda: 1e300,
    "1e-320": lambda: 1e-320, "10**6": lambda: 10**6 + 1, "10**12": lambda: 10**12,
    "10**30": lambda: 10**30, "10**400": lambda: 10**400, "10**5000": lambda: 10**5000,
    "-10**5000": lambda: -(10**5000), "no list": list, "dict": dict, "list": lambda: [1, 2],
    "set": lambda: {1}, "nested": nested, "object": object, "type": lambda: int,
    "complex": lambda: 1j, "fraction": lambda: Fraction(1, 3), "array": lambda: np.arange(3),
    "numpy int": lambda: np.int64(2), "numpy float": lambda: np.float32(0.5),
    "numpy text": lambda: np.str_("als"), "tensor": lambda: torch.tensor(2.0),
    "long text": lambda: "x" * 10**6, "nul": lambda: "a\0b", "half a surrogate": lambda: "\ud800",
}


@dataclass(frozen=True)
class Odd:
    """An odd value by its name, since some cannot be shown."""

    name: str

    def make(self) -> Any:
        return ODD[self.name]()


def made(case: Any) -> Any:
    """Return a case with the odd values that it names."""
    if isinstance(case, Odd):
        return case.make()
    if isinstance(case, dict):
        return {name: made(value) for name, value in case.items()}
    if isinstance(case, (list, tuple)):
        return type(case)(map(made, case))
    return case


odd = st.sampled_from(sorted(ODD)).map(Odd)


def sometimes(usual: st.SearchStrategy, weight: int = 4) -> st.SearchStrategy:
    """Draw what is usual, and now and then something odd."""
    return st.one_of(*[usual] * weight, odd)


# structures -----------------------------------------------------------------------------------

orders = sometimes(st.lists(sometimes(st.integers(-1, 70), 8), max_size=4))
streams = sometimes(st.lists(sometimes(st.sampled_from(
    ["pure 1", "pure 2", "interact 2", "interact 64", "pure 65", "sin", "pure 0", "pure", " sin",
     "pure 1\n", "pure ١", "interact " + "9" * 5000])), max_size=4))
texts = st.one_of(
    st.text("pureintacts()(,;=+0123456789 ١", max_size=40), st.text(max_size=20), odd,
    st.builds(
        lambda pure, k, rank, tail: f"pure({pure})+interact({k};rank={rank}){tail}",
        st.sampled_from(["1", "1,2", "1,,2", "64", "65", "1000000", "9" * 5000, "0", "-1"]),
        st.sampled_from(["2", "64", "65", "", "2,3", "1"]),
        st.sampled_from(["1", "8", "10000", "10001", "1" * 4400, "1e3", "0"]),
        st.sampled_from(["", "+sin", "+sin+sin", "+", "\n", "+pure(3)", "+pure(1)" * 5000]),
    ),
)
structure_cases = st.one_of(
    st.fixed_dictionaries({"how": st.just("kwargs")}, optional={
        "pure": orders, "interact": orders, "rank": sometimes(st.integers(-1, 10_001)),
        "sin": sometimes(st.booleans()), "sine": odd}),
    st.fixed_dictionaries({"how": st.just("parse"), "text": texts}),
    st.fixed_dictionaries({"how": st.just("of"), "streams": streams,
                           "rank": sometimes(st.integers(-1, 12))}),
    st.fixed_dictionaries({"how": st.just("Stream"),
                           "kind": sometimes(st.sampled_from(["pure", "interact", "sin", "Pure"])),
                           "order": sometimes(st.integers(-1, 70))}),
    st.fixed_dictionaries({"how": st.just("to_sympy"), "n_features": sometimes(st.integers(-1, 4)),
                           "rank": st.sampled_from([1, 3, 10_000]),
                           "order": st.sampled_from([2, 3, 64])}),
)


def answer_structure(case: dict[str, Any]) -> None:
    """Make a structure: it is within the caps, and its text is its own."""
    how, case = case["how"], made({k: v for k, v in case.items() if k != "how"})
    with answering():
        if how == "Stream":
            stream = Stream(**case)
            assert Stream.parse(str(stream)) == stream
            return
        if how == "to_sympy":
            structure = nslib.NeuronStructure((1,), (case["order"],), case["rank"])
            n = case["n_features"]
            assert len(structure.to_sympy(n).free_symbols) == structure.n_parameters(n) + n
            return
        make = {"kwargs": nslib.NeuronStructure, "parse": nslib.NeuronStructure.parse,
                "of": nslib.NeuronStructure.of}[how]
        structure = make(**case)
    assert nslib.NeuronStructure.parse(str(structure)) == structure
    assert all(1 <= stream.order <= 64 for stream in structure.streams if stream.order)
    assert 1 <= structure.rank <= 10_000
    assert structure.latex() and structure.n_parameters(3) > 0


# layers ---------------------------------------------------------------------------------------

FLOATS = ["float16", "bfloat16", "float32", "float64"]
sizes = sometimes(st.one_of(st.integers(0, 5), st.just(10**9)), 8)
layer_cases = st.fixed_dictionaries({
    "layer": st.fixed_dictionaries({"in_features": sizes, "out_features": sizes}, optional={
        "structure": sometimes(st.sampled_from(
            ["pure(1)", "pure(1,2)+interact(2;rank=2)", "interact(3;rank=1)+sin", "pure(3)+sin",
             "pure(1,64)", "interact(64;rank=2)", "pure(1)+interact(2;rank=10000)"]), 8),
        "bias": sometimes(st.booleans()), "norm": sometimes(st.sampled_from([None, "batch"])),
        "dtype": sometimes(st.sampled_from(
            [*FLOATS, "int64", "bool", "complex64", "float8_e5m2"]), 8),
        "device": st.sampled_from(["cpu", "nowhere", "meta", Odd("minus one")]),
    }),
    "dtype": st.sampled_from([*FLOATS * 3, "int64", "bool", "complex64", "float8_e5m2"]),
    "shape": st.lists(st.integers(0, 4), max_size=3), "fits": st.booleans(),
    "layout": st.sampled_from(["strided"] * 4 + ["to_sparse", "to_sparse_csr", "meta", "numpy"]),
    "scale": st.sampled_from([1.0, 1.0, 0.0, 1e-30, 1e4]), "seed": st.integers(0, 9),
})


def tensor_of(values: np.ndarray, dtype: str) -> torch.Tensor:
    """Return values of any shape as a tensor of this type."""
    return torch.as_tensor(values).to(getattr(torch, dtype))


def answer_layer(case: dict[str, Any]) -> None:
    """Make a layer and apply it: the outputs are the sum of its streams in double precision."""
    options, rng = made(case["layer"]), np.random.default_rng(case["seed"])
    if isinstance(options.get("dtype"), str) and options["dtype"] not in ODD:
        options["dtype"] = getattr(torch, options["dtype"], options["dtype"])
    with answering():
        if isinstance(options.get("structure"), str):
            options["structure"] = nslib.NeuronStructure.parse(options["structure"])
        layer = nslib.TaskLinear(**options)
        shape = (*case["shape"], layer.in_features) if case["fits"] else tuple(case["shape"])
        assert np.prod(shape, dtype=float) < 1e6
        x = tensor_of(case["scale"] * rng.standard_normal(shape), case["dtype"])
        if case["layout"] == "meta":
            x = x.to("meta")
        elif case["layout"] == "numpy":
            x = x.float().numpy()
        elif case["layout"] != "strided" and x.dim() == 2 and x.element_size() > 1:
            x = getattr(x, case["layout"])()
        y = layer.eval()(x)
        if y.device.type == "meta":
            return
    assert y.shape == (*x.shape[:-1], layer.out_features) and y.dtype == layer.weight.dtype
    exact = nslib.TaskLinear(layer.in_features, layer.out_features, layer.structure,
                             layer.bias is not None, layer.norm, dtype=torch.float64).eval()
    exact.load_state_dict({name: t.double() for name, t in layer.state_dict().items()})
    terms = [part.detach().abs() for part in exact.stream_outputs(x.double()).values()]
    expected, eps = exact(x.double()).detach(), torch.finfo(y.dtype).eps
    size = sum(terms) + expected.abs() + 1
    if float(size.max() if size.numel() else 0) < 1e4 and layer.structure.latex().count("64") == 0:
        # products of k projections of D terms each: the roundings add up
        assert ((y.double() - expected).abs() <= 300 * eps * size).all(), (y, expected)


# rows, targets, and those who take them -------------------------------------------------------

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
        "limits": sometimes(st.sampled_from(["data", None]), 8)}),
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
    value = float(expression.subs(dict(zip(names, rows[0].tolist(), strict=True))))
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


# files ----------------------------------------------------------------------------------------

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
    found = []
    for key, value in list(items):
        found.append((state, key))
        if isinstance(value, (dict, list)) and key != "history":
            found += places(value)
    return found


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
            container, key = (found := places(state))[place % len(found)]
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


DOORS: dict[str, tuple[st.SearchStrategy, Callable[[Any], None]]] = {
    "structure": (structure_cases, judged(answer_structure)),
    "layer": (layer_cases, judged(answer_layer)),
    "search": (search_cases, judged(answer_search)),
    "estimators": (estimator_cases, judged(answer_estimator)),
    "saving": (saving_cases, judged(answer_saving)),
}
