"""Structures of neurons and layers of them under odd arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

import nslib
from nslib.structure import Stream

from .odd_values import ODD, Door, Odd, answering, judged, made, odd, sometimes

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


DOORS: dict[str, Door] = {
    "structure": (structure_cases, judged(answer_structure)),
    "layer": (layer_cases, judged(answer_layer)),
}
