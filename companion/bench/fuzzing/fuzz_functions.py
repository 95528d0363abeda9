"""Typed formulas, and the constructions under odd targets, functions and tolerances."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from nslib import theory
from nslib.theory.construction import Construction

from .odd_values import Door, Refused, answering, judged, made, odd, sometimes

LEAVES = ["x", "x", "y", "z", "0.5", "1e-9", "2", "pi", "e", "1e300", "1e-300", "0", "64",
          "1" + "0" * 320, "(-1)", "1/3"]
formulas = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.builds("({}{}{})".format, inner, st.sampled_from(["+", "-", "*", "/", "**"]), inner),
        st.builds("{}({})".format, st.sampled_from(
            ["sin", "cos", "exp", "log", "sqrt", "tanh", "abs", "exp", "-"]), inner),
        st.builds("{}({},{})".format, st.sampled_from(["min", "max"]), inner, inner),
        st.builds("({})**{}".format, inner, st.sampled_from(
            ["2", "64", "-64", "0.5", "(1/3)", "65", "-1", "0", "63.9", "1e-9"])),
        st.builds("1/(1+({})**2)".format, inner),
        st.builds("{1}{0}{2}".format, inner, st.sampled_from(["sin(" * 60, "(" * 90, "-" * 80]),
                  st.sampled_from([")" * 60, ")" * 90, ""])),
    ), max_leaves=8)
formula_cases = st.one_of(
    *[formulas] * 6, odd, st.text(max_size=40),
    st.text("xyz0123456789.e+-*/(), sincoexplgqrtabm\n", max_size=60),
    st.builds(str.__mul__, st.sampled_from(["x+", "2**", "x*", "exp(", "-", "((x+1)**64+", "1/",
                                            "max(x,", "[", "9"]), st.integers(1, 250)).map(
                                                lambda text: text + "x"))


def answer_formula(case: Any) -> None:
    """Read a formula: its values are finite, and no two points further apart than its slope says.
    """
    with answering():
        function = theory.parse_function(made(case))
    assert 1 <= function.dim <= 3 and 0 <= function.slope < math.inf
    draw = np.random.default_rng(0)
    a, b = draw.random((2, 300, function.dim))
    one, other = function(a), function(b)
    assert one.shape == (300,)
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return  # between the points of the grid on which it was looked at
    change, distance = np.abs(one - other), np.linalg.norm(a - b, axis=1)
    unit = 1e-9 * (1 + np.abs(one) + np.abs(other))  # of rounding, which formulas make larger
    assert (change <= function.slope * distance * (1 + 1e-9) + unit).all(), (
        function.slope, (change / distance).max())


def recurse(points: np.ndarray) -> np.ndarray:
    """Never end."""
    return recurse(points)


def divide(points: np.ndarray) -> float:
    """Raise an error of one's own."""
    return len(points) // 0


def overwrite(points: np.ndarray) -> np.ndarray:
    """Change the points that are given, to points of no use."""
    points[...] = -1
    return np.zeros(len(points))


def first(points: np.ndarray) -> np.ndarray:
    """Return the first coordinate (M,)."""
    return points if points.ndim == 1 else points[:, 0]


FUNCTIONS: dict[str, tuple[Callable[[np.ndarray], Any], float | None]] = {  # with a true constant
    "sine": (lambda p: np.sin(3 * first(p)), 3.0), "steep": (lambda p: 1e6 * first(p), 1e6),
    "constant": (lambda p: 0 * first(p) + 7, 0.0), "huge": (lambda p: 1e300 * first(p), 1e300),
    "beyond": (lambda p: 1e308 * (2 * first(p) - 1) * 1.7, 4e308),
    "tiny": (lambda p: 1e-310 * first(p), 1e-310), "far": (lambda p: 1e15 + first(p), 1.0),
    "step": (lambda p: (first(p) > 0.3) * 1.0, None), "nan": (lambda p: first(p) / 0 * 0, None),
    "inf": (lambda p: 1 / first(p), None), "text": (lambda p: ["a"] * len(p), None),
    "scalar": (lambda p: 1.0, None), "none": (lambda p: None, None), "divide": (divide, None),
    "recurse": (recurse, None), "overwrite": (overwrite, 0.0),
    "complex": (lambda p: first(p) * 1j, None), "column": (lambda p: first(p)[:, None], 1.0),
    "pairs": (lambda p: np.stack([first(p)] * 2, 1), None),
    "list": (lambda p: first(p).tolist(), 1.0), "ints": (lambda p: [10**400] * len(p), None),
    "ragged": (lambda p: [[0.0] * (1 + i % 2) for i in range(len(p))], None),
    "frame": (lambda p: pd.DataFrame({"a": first(p)}), 1.0), "attribute": (lambda p: p.no, None),
    "bool": (lambda p: first(p) > 2, 0.0),
}
MODULI: dict[str, Any] = {
    "none": None, "true": "true", "negative": -1.0, "nothing": lambda h: None, "raise": divide,
    "nan": lambda h: math.nan, "text": "3", "small": 1e-9, "root": theory.hoelder(1e3, 0.5),
}
unit_values = st.one_of(st.sampled_from([0.0, 1.0, 0.5, 1e-300, 1 - 2**-53, 5e-324]),
                        st.floats(0, 1))
targets = st.one_of(*[st.lists(unit_values, min_size=1, max_size=20)] * 4,
                    st.lists(sometimes(st.floats()), max_size=4), odd,
                    st.sampled_from([[0.5] * 100, [0.5] * 600, [[0.5], [0.1, 0.2]], [[0.5]], []]))
tolerances = sometimes(st.one_of(
    st.sampled_from([0.49, 0.3, 0.1, 0.05, 0.01, 1e-3, 1e-6, 1e-12, 1e-13, 5e-324, 0.5, 0.0]),
    st.floats(1e-6, 0.5)), 8)
no_day = odd.filter(lambda value: value.name != "10**12")  # a budget of hours, as it is documented
theory_cases = st.one_of(
    st.fixed_dictionaries({"door": st.just("encode"), "targets": targets,
                           "bits": sometimes(st.sampled_from([1, 2, 8, 53, 4096, 4097, 0, 20]))}),
    st.fixed_dictionaries({"door": st.just("find_depth"), "targets": targets, "eps": tolerances},
                          optional={
        "c": sometimes(st.sampled_from([1, 2.5, "7/2", "1e1000000000", "1e-9", "x", "1/0"])),
        "max_depth": st.one_of(st.sampled_from([0, 1, 10**5, 10**7]), no_day),
        "progress": sometimes(st.just(False), 8)}),
    st.fixed_dictionaries({"door": st.just("find_winding"), "targets": targets,
                           "eps": tolerances}, optional={
        "seed": sometimes(st.integers(0, 9)), "max_bits": sometimes(st.sampled_from([1, 64, 4096])),
        "max_seconds": st.sampled_from([0.0, 10.0])}),
    st.fixed_dictionaries({
        "door": st.just("approximate"), "f": st.sampled_from(sorted(FUNCTIONS)),
        "eps": tolerances, "dim": sometimes(st.sampled_from([1, 1, 1, 2, 3, 8, 9])),
        "modulus": sometimes(st.sampled_from(sorted(MODULI)), 8),
        "construction": sometimes(st.sampled_from(["digits", "winding", "trajectory"]), 9),
        "max_cells": st.sampled_from([1, 16, 64, 1024, 2**18 + 1])}, optional={
        "share": sometimes(st.sampled_from([None, 0.5, 0.9, 1.0])),
        "max_depth": st.sampled_from([10, 10**6]), "seed": st.just(1), "sed": odd}),
)


def answer_theory(case: dict[str, Any]) -> None:
    """Find what holds the targets, or a network near a function, within the tolerance."""
    door = case["door"]
    arguments = made({name: value for name, value in case.items() if name != "door"})
    true = None
    if door == "approximate":
        arguments["f"], true = FUNCTIONS[case["f"]]
        modulus = case["modulus"]
        modulus = MODULI[modulus] if isinstance(modulus, str) else made(modulus)
        arguments["modulus"] = true if isinstance(modulus, str) and modulus == "true" else modulus
    with answering():
        try:
            result = getattr(theory, door)(**arguments)
        except RuntimeError as error:  # a search within its budget, as documented
            if ": found no" in str(error):
                raise Refused(str(error)) from None
            raise
    held: Construction = result.construction if door == "approximate" else result
    wanted = np.asarray(held.targets)
    assert held.error <= held.eps and np.isfinite(held.values.middle).all()
    assert (held.values.low - held.eps <= wanted).all()
    assert (held.values.high + held.eps >= wanted).all()
    if door == "approximate":
        points = np.random.default_rng(0).random((200, result.dim))
        assert np.isfinite(result(points)).all() and result.bound <= result.eps
        if result.status.startswith("proved") and true is not None and case["modulus"] == "true":
            assert result.measured_sup_error(points) <= result.bound


DOORS: dict[str, Door] = {
    "parse_function": (formula_cases, judged(answer_formula)),
    "theory": (theory_cases, judged(answer_theory)),
}
