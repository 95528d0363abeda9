"""A function of x (y, z) typed as text, read without evaluating code, with its proved slope.

The text is read by Python's `ast`, of which only numbers, names and functions on a list, + - * /
and ** pass; they are built into a sympy expression. No code in the text is ever run.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
from dataclasses import dataclass

import numpy as np
import sympy as sp

from .. import checks
from .slopes import lipschitz

VARIABLES = {name: sp.Symbol(name, real=True) for name in "xyz"}
CONSTANTS = {"pi": sp.pi, "e": sp.E}
CALLS = {"sin": sp.sin, "cos": sp.cos, "exp": sp.exp, "log": sp.log, "sqrt": sp.sqrt,
         "tanh": sp.tanh, "abs": sp.Abs, "min": sp.Min, "max": sp.Max}
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
VALUES = {sp.Add: np.add, sp.Mul: np.multiply, sp.Max: np.maximum, sp.Min: np.minimum,
          sp.sin: np.sin, sp.cos: np.cos, sp.exp: np.exp, sp.log: np.log, sp.tanh: np.tanh,
          sp.Abs: np.abs}
LENGTH = 400  # characters of the text
EXPONENT = 64  # largest magnitude of an exponent
NUMBER_BITS = 2000  # of a fraction in the text


@dataclass(frozen=True)
class TypedFunction:
    """What `parse_function` returns: call it on points (M,) where `dim` is 1, else (M, dim).

    `text` as typed; `expression` for sympy; `slope`: a proved Lipschitz constant on [0, 1]^dim in
    the Euclidean distance, of the formula (its doubles err by some units in the last place).
    """

    text: str
    expression: sp.Expr
    dim: int
    slope: float

    def __call__(self, points) -> np.ndarray:
        points = np.asarray(points, dtype=np.float64).reshape(-1, self.dim)
        with np.errstate(all="ignore"):  # what is not finite is said by whoever calls
            values = _values(self.expression, dict(zip(VARIABLES.values(), points.T)))  # noqa: B905
        return np.array(np.broadcast_to(values, len(points)), dtype=np.float64)


def parse_function(text: str, name: str = "function") -> TypedFunction:
    """Return the function of x, of x and y, or of x, y and z that `text` writes, such as
    "sin(2*pi*x)" or "max(0, 1 - 3*abs(x - y))".

    Known are numbers, pi, e, + - * / **, sin cos exp log sqrt tanh abs min max; an exponent is a
    number up to 64. Its dimension is the last variable's. Raises TypeError or ValueError naming the
    argument `name` for anything else, for values that are not real and finite on [0, 1]^dim and for
    a slope that interval arithmetic cannot bound there, as of sqrt(x) at 0.
    """
    if not isinstance(text, str):
        raise TypeError(f"{name}: found {text!r}, expected a text such as 'sin(2*pi*x)'")
    if len(text) > LENGTH:
        raise ValueError(f"{name}: found {len(text)} characters, expected at most {LENGTH}")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", error)
        raise ValueError(f"{name}: found {text!r}, which is no formula ({reason}), expected one "
                         "such as 'sin(2*pi*x)'") from None
    expression = sp.sympify(_build(tree.body, name))
    if expression.has(sp.I, sp.zoo, sp.nan, sp.oo, -sp.oo):
        raise ValueError(f"{name}: found {text!r}, which is {expression}, expected real and finite "
                         "values")
    used = [i for i, symbol in enumerate(VARIABLES.values()) if expression.has(symbol)]
    written = [i for i, variable in enumerate(VARIABLES) if variable in _names(tree)]
    dim = max([0, *used, *written]) + 1
    made = TypedFunction(text, expression, dim, math.inf)
    axis = np.linspace(0, 1, {1: 4097, 2: 65, 3: 17}[dim])
    points = np.stack(np.meshgrid(*[axis] * dim, indexing="ij"), axis=-1).reshape(-1, dim)
    values = made(points)
    if not np.isfinite(values).all():
        place = points[np.argmin(np.isfinite(values))]
        at = ", ".join(f"{v} = {p:g}" for v, p in zip(VARIABLES, place, strict=False))
        raise ValueError(f"{name}: found {text!r}, which is not finite at {at}, expected real and "
                         f"finite values on [0, 1]{f'^{dim}' * (dim > 1)}")
    slope = lipschitz(expression, tuple(VARIABLES.values())[:dim])
    if not math.isfinite(slope):
        raise ValueError(
            f"{name}: found {text!r}, whose slope interval arithmetic does not bound on [0, 1]"
            f"{f'^{dim}' * (dim > 1)}, expected a Lipschitz function (others: "
            "approximate with a modulus such as hoelder(1, 0.5))")
    return TypedFunction(text, expression, dim, slope)


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _build(node: ast.AST, name: str) -> sp.Expr:
    if isinstance(node, ast.Constant):
        return _number(node.value, name)
    if isinstance(node, ast.Name):
        known = {**VARIABLES, **CONSTANTS}
        if node.id in CALLS:
            raise ValueError(f"{name}: found {node.id} alone, expected {node.id}(…)")
        return known[checks.one_of(node.id, f"{name}: a name in it", known)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
        inner = _build(node.operand, name)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp):
        return _operation(node, name)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        function = checks.one_of(node.func.id, f"{name}: a function in it", CALLS)
        many = function in ("min", "max")
        if not (node.args if many else len(node.args) == 1):
            raise ValueError(f"{name}: found {function} of {len(node.args)} arguments, expected "
                             + ("at least one" if many else "one"))
        return CALLS[function](*[_build(argument, name) for argument in node.args])
    raise ValueError(f"{name}: found {ast.unparse(node)!r}, expected numbers, variables, + - * / **"
                     f" and {', '.join(CALLS)}")


def _operation(node: ast.BinOp, name: str) -> sp.Expr:
    one, other = _build(node.left, name), _build(node.right, name)
    if type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](one, other)
    if isinstance(node.op, ast.Div):
        if other.is_zero:
            raise ValueError(f"{name}: found a division by 0 in {ast.unparse(node)!r}, expected "
                             "finite values")
        return one / other
    if not isinstance(node.op, ast.Pow):
        hint = "; powers are written **" if isinstance(node.op, ast.BitXor) else ""
        raise ValueError(f"{name}: found {ast.unparse(node)!r}, expected the operators + - * / **"
                         f"{hint}")
    if not other.is_Rational or abs(other) > EXPONENT:
        raise ValueError(f"{name}: found the exponent {ast.unparse(node.right)!r}, expected a "
                         f"number from -{EXPONENT} to {EXPONENT}")
    if one.is_zero and other <= 0:
        raise ValueError(f"{name}: found {ast.unparse(node)!r}, expected finite values")
    if one.is_Rational and _bits(one) * abs(other) > NUMBER_BITS:
        raise ValueError(f"{name}: found {ast.unparse(node)!r}, expected numbers of at most "
                         f"{NUMBER_BITS} bits")
    power = one**other
    if abs(power.as_base_exp()[1]) > EXPONENT:
        raise ValueError(f"{name}: found {ast.unparse(node)!r}, expected exponents of at most "
                         f"{EXPONENT} in all")
    return power


def _number(value: object, name: str) -> sp.Rational:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{name}: found {value!r}, expected a finite number")
    return sp.Rational(repr(value))


def _bits(number: sp.Rational) -> int:
    return max(int(number.p).bit_length(), int(number.q).bit_length())


def _values(node: sp.Expr, leaves: dict[sp.Symbol, np.ndarray]) -> np.ndarray | float:
    if node in leaves:
        return leaves[node]
    if node.is_number:
        try:
            return float(node)
        except OverflowError:
            return math.inf
    if isinstance(node, sp.Pow):
        base = _values(node.base, leaves)
        return np.sqrt(base) if node.exp == sp.S.Half else base ** float(node.exp)
    if type(node) not in VALUES:
        raise ValueError(f"function: found {node.func.__name__}, expected one of "
                         f"{', '.join(CALLS)}")
    return functools.reduce(VALUES[type(node)], (_values(a, leaves) for a in node.args)) if (
        len(node.args) > 1) else VALUES[type(node)](_values(node.args[0], leaves))
