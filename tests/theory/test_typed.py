"""Typed functions: what is read, what is refused, and slopes that hold by other routes."""

import math

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from nslib.theory import approximate, parse_function
from nslib.theory.slopes import lipschitz

CASES = {
    "sin(2*pi*x)": (lambda x: np.sin(2 * np.pi * x), 2 * math.pi),
    "-abs(x - 0.3)/0.7": (lambda x: -np.abs(x - 0.3) / 0.7, 1 / 0.7),
    "tanh(20*(x - 1/2))": (lambda x: np.tanh(20 * (x - 0.5)), 20.0),
    "x**1.5": (lambda x: x**1.5, 1.5),
    "sqrt(1 + x)": (lambda x: np.sqrt(1 + x), 0.5),
    "2*log(1 + x)": (lambda x: 2 * np.log(1 + x), 2.0),
    "exp(-x) + e": (lambda x: np.exp(-x) + math.e, 1.0),
    "max(x, 1 - 3*x, 0.5)": (lambda x: np.maximum(np.maximum(x, 1 - 3 * x), 0.5), 3.0),
    "min(2*x, cos(0))": (lambda x: np.minimum(2 * x, 1), 2.0),
    "1/(1 + x)**2": (lambda x: (1 + x) ** -2.0, 2.0),
    "(1 + x)**(1/3)": (lambda x: np.cbrt(1 + x), 1 / 3),
    "+3": (lambda x: np.full_like(x, 3), 0.0),
    "exp(x)**64": (lambda x: np.exp(64 * x), 64 * math.exp(64)),
    "exp(-x)**0.5": (lambda x: np.exp(-x / 2), 0.5),
    "exp(-1/(x + 1e-9))": (lambda x: np.exp(-1 / (x + 1e-9)), 4 * math.exp(-2)),
    "exp(-1e9*x)": (lambda x: np.exp(-1e9 * x), 1e9),
    "exp(-exp(300*x))": (lambda x: np.exp(-np.exp(300 * x)), 300 / math.e),
    "1" + "0" * 300 + "*x": (lambda x: 1e300 * x, 1e300),
}


@pytest.mark.parametrize("text", CASES)
def test_values_and_slope(text):
    f, slope = CASES[text]
    x = np.linspace(0, 1, 101)
    function = parse_function(text)
    assert function.dim == 1
    np.testing.assert_allclose(function(x), f(x), rtol=1e-12, atol=1e-14)
    assert slope * (1 - 1e-12) <= function.slope <= slope * 1.021 + 1e-12


@pytest.mark.parametrize("text, dim, slope", [
    ("x + 2*y", 2, math.sqrt(5)), ("0*y + x", 2, 1.0), ("x*y*z", 3, math.sqrt(3)),
    ("max(0, 1 - 3*abs(x - y))", 2, 3 * math.sqrt(2)),
])
def test_more_variables(text, dim, slope):
    function = parse_function(text)
    assert function.dim == dim
    assert slope * (1 - 1e-12) <= function.slope <= slope * 1.021
    points = np.random.default_rng(0).random((20, dim))
    expected = [float(function.expression.subs(dict(zip(sp.symbols("x:z", real=True), p.tolist(),
                                                     strict=False)))) for p in points]
    np.testing.assert_allclose(function(points), expected, atol=1e-12)


LEAF = st.sampled_from(["x", "y", "0.5", "3", "(x - y)"])
FORMULA = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), inner),
        st.builds("{}({})".format, st.sampled_from(["sin", "cos", "abs", "tanh"]), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner),
        st.builds("sqrt(1 + ({})**2)".format, inner),
    ),
    max_leaves=5,
)


@settings(deadline=None, max_examples=15)
@given(FORMULA, st.integers(0, 2**32))
def test_no_two_points_are_further_apart_than_the_slope_allows(text, seed):
    function = parse_function(f"0*y + {text}")
    draw = np.random.default_rng(seed)
    a = draw.random((400, 2))
    b = np.clip(a + draw.normal(size=a.shape) * 10.0 ** draw.uniform(-5, 0, (400, 1)), 0, 1)
    change = np.abs(function(a) - function(b))
    assert (change <= function.slope * np.linalg.norm(a - b, axis=1) + 1e-12).all()


def test_a_typed_function_becomes_a_network_within_its_bound():
    f = parse_function("max(0, 1 - 3*abs(x - y))")
    approximant = approximate(f, 0.4, f.dim, modulus=f.slope)
    assert approximant.status.startswith("proved")
    assert approximant.measured_sup_error() <= approximant.bound <= 0.4


@pytest.mark.parametrize("text, said", [
    ("sinn(x)", "a function in it: found 'sinn'.*did you mean 'sin'"),
    ("w + x", "a name in it: found 'w', expected one of x, y, z"),
    ("x^2", r"powers are written \*\*"),
    ("sin(x", "which is no formula"), ("", "which is no formula"), ("x\n+1", "which is no formula"),
    ("sin", r"expected sin\("), ("sin(x, y)", "sin of 2 arguments"), ("max()", "at least one"),
    ("x % 2", "expected the operators"), ("x**x", "found the exponent 'x'"),
    ("x**65", "expected a number from -64 to 64"), ("(x**9)**9", "at most 64 in all"),
    ("9**9**9**9", "exponent"), ("((9**64)**64)**64", "2000 bits"), ("0**-1", "finite"),
    ("log(x)", "not finite at x = 0"), ("1/(x - 0.5)", "not finite at x = 0.5"),
    ("log(x - y)", "not finite at x = 0, y = 0"),
    ("1e400*x", "found inf"), ("1/(1 - 1)", "division by 0"), ("sqrt(-1)", "expected real"),
    ("(0 - 1)**0.5*x", "expected real"), ("1j*x", "finite number"), ("True*x", "found True"),
    ("'a'*x", "found 'a'"), ("1e200*1e200*x", "not finite"),
    ("sqrt(x)", "does not bound"), ("1/(x - 0.3)", "does not bound"),
    ("exp(exp(exp(exp(x))))", "not finite"),
    ("x.real", "expected numbers, variables"), ("().__class__", "expected numbers, variables"),
    ("[x]", "expected numbers, variables"), ("lambda: 1", "expected numbers, variables"),
    ("x if x else y", "expected numbers, variables"), ("max(*x)", "expected numbers, variables"),
    ("sin(x=1)", "expected numbers, variables"), ("(x := 1)", "expected numbers, variables"),
    ("__import__('os')", "a function in it: found '__import__'"),
    ("x + " * 200 + "x", "801 characters"),
    ("x+" * 101 + "x", "nested 102 deep, expected at most 100"),
    ("-" * 390 + "x", "nested 391 deep, expected at most 100"),
    ("1" * 310 + "*x", "a number in it: found an int of 1027 bits, expected a finite number"),
    ("(-1)**(1/3)*x", "which is not real"), ("log(-1)*x", "which is not real"),
    ("tanh(exp(exp(exp(exp(9)))))*x", r"'exp\(exp\(9\)\)', which is not finite"),
    ("max(exp(exp(9)), x)", "which is not finite"), ("1e308*10*x", "which is not finite"),
    ("((x*y)**64*z)**64", "at most 64 in all"), ("exp(x)**x", "found the exponent 'x'"),
    ("tanh((((x + 3)**64 + 1)**64 + 1)**64)", "does not bound"), ("x**64*1e308", "does not bound"),
    ("exp(-1/(x + 1e-300))", "does not bound"),
    ("(1 + 1e-200*1e-200)**(1/3)*x", "roots of numbers of at most 1000 bits"),
])
def test_what_is_no_function_is_refused(text, said):
    with pytest.raises(ValueError, match=f"function: {said}|function: .*{said}"):
        parse_function(text)


@pytest.mark.parametrize("function", ["sin", "tanh", "abs", "sqrt"])
def test_functions_within_each_other_are_read_where_little_of_the_stack_is_left(function):
    text = f"{function}(" * 60 + "x + 1" + ")" * 60
    assert parse_function(text).slope <= 1

    def deeper(levels):
        return deeper(levels - 1) if levels else parse_function(text).slope

    assert deeper(300) <= 1


def test_the_argument_is_named():
    with pytest.raises(TypeError, match=r"target: found 3, expected a text"):
        parse_function(3, "target")


def test_no_code_runs(monkeypatch):
    def never(*_, **__):
        raise AssertionError("code was evaluated")

    for name in ("eval", "exec"):
        monkeypatch.setattr(f"builtins.{name}", never)
    assert parse_function("sin(x) + 1").slope == pytest.approx(1, rel=0.03)


def test_a_tree_with_another_function_is_refused():
    x = sp.Symbol("x", real=True)
    with pytest.raises(ValueError, match=r"function: found sinh\(x\), expected a tree"):
        lipschitz(sp.sinh(x), (x,))
