"""What a typed formula may say: its syntax tree as a sympy expression, and the expression's values.

Only numbers, names and functions on a list, + - * / and ** pass. No code in the text is ever run.
"""

from __future__ import annotations

import ast
import functools
import math
import operator

import numpy as np
import sympy as sp

from .. import checks

VARIABLES = {name: sp.Symbol(name, real=True) for name in "xyz"}
CONSTANTS = {"pi": sp.pi, "e": sp.E}
CALLS = {"sin": sp.sin, "cos": sp.cos, "exp": sp.exp, "log": sp.log, "sqrt": sp.sqrt,
         "tanh": sp.tanh, "abs": sp.Abs, "min": sp.Min, "max": sp.Max}
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
VALUES = {sp.Add: np.add, sp.Mul: np.multiply, sp.Max: np.maximum, sp.Min: np.minimum,
          sp.sin: np.sin, sp.cos: np.cos, sp.exp: np.exp, sp.log: np.log, sp.tanh: np.tanh,
          sp.Abs: np.abs}
EXPONENT = 64  # largest magnitude of an exponent
NUMBER_BITS = 2000  # of a fraction in the text
ROOT_BITS = 1000  # of a fraction whose root is taken: sympy looks for factors, in doubles


def build(node: ast.AST, name: str) -> sp.Expr:
    """Return the expression that a tree means; ValueError, which starts with `name`, if none.

    Constants are refused where they are not real or beyond the doubles: sympy would take for ever
    to compare towers such as exp(exp(exp(exp(9)))).
    """
    expression = _built(node, name)
    if expression.is_number and not math.isfinite(value := values(expression, {})):
        what = "not real" if math.isnan(value) else "not finite"
        raise ValueError(f"{name}: found {ast.unparse(node)!r}, which is {what}, expected real and "
                         "finite values")
    return expression


def _built(node: ast.AST, name: str) -> sp.Expr:
    if isinstance(node, ast.Constant):
        return _number(node.value, name)
    if isinstance(node, ast.Name):
        known = {**VARIABLES, **CONSTANTS}
        if node.id in CALLS:
            raise ValueError(f"{name}: found {node.id} alone, expected {node.id}(…)")
        return known[checks.one_of(node.id, f"{name}: a name in it", known)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
        inner = build(node.operand, name)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp):
        return _operation(node, name)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        function = checks.one_of(node.func.id, f"{name}: a function in it", CALLS)
        many = function in ("min", "max")
        if not (node.args if many else len(node.args) == 1):
            raise ValueError(f"{name}: found {function} of {len(node.args)} arguments, expected "
                             + ("at least one" if many else "one"))
        return CALLS[function](*[build(argument, name) for argument in node.args])
    raise _refusal(node, name, f"numbers, variables, + - * / ** and {', '.join(CALLS)}")


def _refusal(node: ast.AST, name: str, expected: str) -> ValueError:
    return ValueError(f"{name}: found {ast.unparse(node)!r}, expected {expected}")


def _operation(node: ast.BinOp, name: str) -> sp.Expr:
    """Return a sum, product, quotient or power; what would take sympy for ever is refused."""
    one, other = build(node.left, name), build(node.right, name)
    if type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](one, other)
    if isinstance(node.op, ast.Div):
        if other.is_zero:
            raise ValueError(f"{name}: found a division by 0 in {ast.unparse(node)!r}, expected "
                             "finite values")
        return one / other
    if not isinstance(node.op, ast.Pow):
        hint = "; powers are written **" if isinstance(node.op, ast.BitXor) else ""
        raise _refusal(node, name, f"the operators + - * / **{hint}")
    if not other.is_Rational or abs(other) > EXPONENT:
        raise ValueError(f"{name}: found the exponent {ast.unparse(node.right)!r}, expected a "
                         f"number from -{EXPONENT} to {EXPONENT}")
    if one.is_zero and other <= 0:
        raise _refusal(node, name, "finite values")
    bits = max(one.p.bit_length(), one.q.bit_length()) if one.is_Rational else 0
    if bits * abs(other) > NUMBER_BITS:
        raise _refusal(node, name, f"numbers of at most {NUMBER_BITS} bits")
    if bits > ROOT_BITS and not other.is_Integer:
        raise _refusal(node, name, f"roots of numbers of at most {ROOT_BITS} bits")
    power = one**other
    if any(abs(part.exp) > EXPONENT for part in power.atoms(sp.Pow) if part.exp.is_Rational):
        raise _refusal(node, name, f"exponents of at most {EXPONENT} in all")
    return power


def _number(value: object, name: str) -> sp.Rational:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name}: found {checks.shown(value)}, expected a finite number")
    checks.real(value, f"{name}: a number in it")
    return sp.Rational(repr(value))


def values(node: sp.Expr, leaves: dict[sp.Symbol, np.ndarray]) -> np.ndarray | float:
    """Return the values (M,) of an expression, or its one value if it is a constant.

    `leaves`: the values (M,) of each variable.
    """
    if node in leaves:
        return leaves[node]
    if node.is_number:
        try:
            return float(node)
        except OverflowError:
            return math.inf
        except TypeError:  # complex
            return math.nan
    if isinstance(node, sp.Pow):
        base = values(node.base, leaves)
        return np.sqrt(base) if node.exp == sp.S.Half else base ** float(node.exp)
    if type(node) not in VALUES:
        raise ValueError(f"function: found {node.func.__name__}, expected one of "
                         f"{', '.join(CALLS)}")
    function, inner = VALUES[type(node)], [values(argument, leaves) for argument in node.args]
    return functools.reduce(function, inner) if len(inner) > 1 else function(*inner)
