"""NeuronStructure: canonical, immutable, round-trips through text and JSON."""

import copy
import dataclasses
import itertools
import json
import pickle

import pytest
import sympy as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nslib import NeuronStructure
from nslib.structure import Stream

orders = st.lists(st.integers(1, 7), max_size=4)
structures = st.builds(
    lambda pure, interact, rank, sin: NeuronStructure(pure, interact, rank, sin),
    orders.map(lambda o: [*o, 1]), orders, st.integers(1, 9), st.booleans(),
)


@given(structures)
@settings(deadline=None, max_examples=50)
def test_text_round_trip(structure):
    assert NeuronStructure.parse(str(structure)) == structure
    assert hash(NeuronStructure.parse(str(structure))) == hash(structure)


def test_value_is_canonical_and_immutable():
    assert NeuronStructure((2, 1, 2), (3, 1)) == NeuronStructure((1, 2), (3,))
    assert NeuronStructure((1,), (), rank=5) == NeuronStructure((1,), (), rank=2)
    assert str(NeuronStructure((1, 2), (2,), 8, True)) == "pure(1,2)+interact(2;rank=8)+sin"
    with pytest.raises(dataclasses.FrozenInstanceError):
        NeuronStructure().rank = 3


def test_streams_are_compared_without_the_rank():
    assert NeuronStructure((1,), (2,), 1).same_streams(NeuronStructure((1,), (2,), 8))
    assert not NeuronStructure((1,), (2,)).same_streams(NeuronStructure((1,), (3,)))


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"pure": (0,)}, ValueError, "pure: found 0"),
        ({"interact": (-1,)}, ValueError, "interact: found -1"),
        ({"rank": 0}, ValueError, "rank: found 0"),
        ({"rank": 2.0}, TypeError, "rank"),
        ({"pure": (1.5,)}, TypeError, "pure"),
        ({"pure": 2}, TypeError, "pure: found 2"),
        ({"pure": "12"}, TypeError, "pure: found '12'"),
        ({"pure": (), "interact": ()}, ValueError, "no stream"),
        ({"sin": 1}, TypeError, "sin"),
    ],
)
def test_bad_fields_are_refused_in_words(fields, error, words):
    with pytest.raises(error, match=words):
        NeuronStructure(**fields)


@pytest.mark.parametrize(
    "text",
    ["", "pure()", "pure(1)+pure(2)", "pur(1)", "pure(1,,2)", "interact(2)", "pure(1);x", "sin()"],
)
def test_other_text_is_refused(text):
    with pytest.raises(ValueError, match="found"):
        NeuronStructure.parse(text)


def test_other_values_are_refused():
    with pytest.raises(TypeError, match="other: found 'pure"):
        NeuronStructure().same_streams("pure(1)")
    with pytest.raises(ValueError, match="in_features: found -3"):
        NeuronStructure().n_parameters(-3, 1)


def test_symbolic_formula_has_one_symbol_a_weight():
    structure = NeuronStructure((1, 3), (2,), rank=2, sin=True)
    expression = structure.to_sympy(3)
    inputs = set(sp.symbols("x_1:4"))
    weights = expression.free_symbols - inputs
    assert len(weights) == structure.n_parameters(3)
    polynomial = expression.replace(sp.sin, lambda _: sp.Integer(0))
    assert sp.Poly(polynomial, *inputs).total_degree() == 3


def test_latex_names_every_stream():
    latex = NeuronStructure((1, 2), (3,), rank=4, sin=True).latex()
    parts = r"\mathbf{x}^{\circ 2}", r"\sin(\mathbf{x})", r"\sum_{r=1}^{4}", r"\prod_{m=1}^{3}"
    for part in parts:
        assert part in latex


@pytest.mark.parametrize("stream", [Stream("pure", 2), Stream("interact", 13), Stream("sin")])
def test_a_stream_is_its_own_name(stream):
    assert Stream.parse(str(stream)) == stream == str(stream)
    for same in (Stream.parse(str(stream)), pickle.loads(pickle.dumps(stream)), copy.copy(stream)):
        assert (type(same), same.kind, same.order) == (Stream, stream.kind, stream.order)
    assert json.loads(json.dumps({stream: stream})) == {stream: stream}


@pytest.mark.parametrize(
    "name", ["pure", "pure 0", "pure 02", "pure  2", "interact -1", "sin 1", ""]
)
def test_a_text_that_names_no_stream_is_refused(name):
    with pytest.raises(ValueError, match="stream: found"):
        Stream.parse(name)


@pytest.mark.parametrize(("arguments", "error"), [
    (("pur", 1), ValueError), (("pure",), TypeError), (("pure", 0), ValueError),
    (("sin", 1), ValueError), (("interact", 2.0), TypeError),
])
def test_a_stream_out_of_range_is_refused(arguments, error):
    with pytest.raises(error):
        Stream(*arguments)


@given(structures)
@settings(deadline=None, max_examples=50)
def test_a_structure_is_made_of_its_streams(structure):
    assert NeuronStructure.of(structure.streams, structure.rank) == structure
    assert NeuronStructure.of(map(str, structure.streams), structure.rank) == structure
    for stream in structure.streams if len(structure.streams) > 1 else ():
        less = structure.without(stream)
        assert {*less.streams, stream} == set(structure.streams) and stream not in less.streams


@pytest.mark.parametrize(("make", "words"), [
    (lambda: NeuronStructure(pure=(10**6,)), "pure: found 1000000, expected an int of at most 64"),
    (lambda: NeuronStructure(interact=(65,)), "interact: found 65, expected an int of at most 64"),
    (lambda: NeuronStructure(rank=10**12),
     "rank: found 1000000000000, expected an int of at most 10000"),
    (lambda: NeuronStructure(pure=(10**5000,)), "pure: found an int of 16610 bits, expected"),
    (lambda: NeuronStructure(pure=nested()), "pure: found "),
    (lambda: NeuronStructure(pure=(nested(),)), "pure: found "),
    (lambda: NeuronStructure(rank=None), "rank: found None"),
    (lambda: Stream("pure", 65), "order: found 65, expected an int of at most 64"),
    (lambda: Stream.parse("pure " + "9" * 5000), "stream: found 5000 digits"),
    (lambda: Stream.parse(None), "stream: found None"),
    (lambda: Stream("sin", 10**5000), "order: found an int of 16610 bits, expected None for sin"),
    (lambda: NeuronStructure.of(torch.tensor(2.0)), "streams: found tensor"),
    (lambda: NeuronStructure(pure=itertools.count(1)), "pure: found more than 10000 values"),
    (lambda: NeuronStructure.of(None), "streams: found None"),
    (lambda: NeuronStructure.of("pure 1"), "streams: found 'pure 1'"),
    (lambda: NeuronStructure.of([nested()]), "stream: found "),
    (lambda: NeuronStructure.parse(f"pure({'9' * 5000})"), "text: found 5000 digits"),
    (lambda: NeuronStructure.parse("pure(1" + "+" * 10**6), "text: found 1000006 characters"),
    (lambda: NeuronStructure.parse("("), "text: found '\\('"),
    (lambda: NeuronStructure().to_sympy(10**9), "n_features: found 1000000000"),
    (lambda: NeuronStructure((), (64,), 10_000).to_sympy(2), "n_features: found 2"),
    (lambda: NeuronStructure().n_parameters(10**5000), "in_features: found an int of 16610 bits"),
])
def test_what_cannot_be_computed_is_refused_at_once(make, words):
    with pytest.raises((TypeError, ValueError), match=words):
        make()


def nested(levels=50_000):
    value = ()
    for _ in range(levels):
        value = (value,)
    return value
