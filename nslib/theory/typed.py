"""A function of x (y, z) typed as text, read without running code, with its proved slope."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import checks
from .cube_cells import grid

if TYPE_CHECKING:
    import sympy as sp

# `grammar` and `slopes` are imported where they are used: sympy takes most of a second
LENGTH = 400  # characters of the text
DEPTH = 100  # operations and functions within each other


@dataclass(frozen=True)
class TypedFunction:
    """A function that was typed as text, as `parse_function` returns it.

    Call it on points (M,) where `dim` is 1, else (M, dim): values (M,).

    Attributes
    ----------
    text : as typed
    expression : for sympy
    dim : number of variables
    slope : proved Lipschitz constant of the formula on [0, 1]^dim in the Euclidean distance; the
        doubles that a call returns err by some units in the last place
    """

    text: str
    expression: sp.Expr
    dim: int
    slope: float

    def __call__(self, points: Any) -> np.ndarray:
        from .grammar import VARIABLES, values

        points = np.asarray(points, dtype=np.float64).reshape(-1, self.dim)
        with np.errstate(all="ignore"):  # what is not finite is said by whoever calls
            result = values(self.expression, dict(zip(VARIABLES.values(), points.T)))  # noqa: B905
        return np.array(np.broadcast_to(result, len(points)), dtype=np.float64)


def parse_function(text: str, name: str = "function") -> TypedFunction:
    """Return the function of x, of x and y, or of x, y and z that a text writes.

    A formula may have numbers, pi, e, + - * / **, sin cos exp log sqrt tanh abs min max. Its
    dimension is that of its last variable: "y" is a function of x and y.

    Parameters
    ----------
    text : such as "sin(2*pi*x)"; at most 400 characters and 100 operations within each other (a
        sum of 100 terms has as many), exponents at most 64
    name : what errors call the text

    Raises
    ------
    TypeError, ValueError : for anything else, for values that are not real and finite on
        [0, 1]^dim, and for a slope that interval arithmetic cannot bound, as of sqrt(x) at 0

    Examples
    --------
    >>> f = parse_function("max(0, 1 - 3*abs(x - y))")
    >>> f.dim, f([[0.5, 0.5], [0.25, 0.5]])
    (2, array([1.  , 0.25]))
    """
    import sympy as sp

    from .grammar import VARIABLES, build
    from .slopes import lipschitz

    if not isinstance(text, str):
        raise TypeError(f"{name}: found {checks.shown(text)}, "
                        "expected a text such as 'sin(2*pi*x)'")
    if len(text) > LENGTH:
        raise ValueError(f"{name}: found {len(text)} characters, expected at most {LENGTH}")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", error)
        raise ValueError(f"{name}: found {text!r}, which is no formula ({reason}), expected one "
                         "such as 'sin(2*pi*x)'") from None
    if (depth := _depth(tree)) > DEPTH:
        raise ValueError(f"{name}: found operations nested {depth} deep, expected at most {DEPTH}")
    expression = sp.sympify(build(tree.body, name))
    if expression.has(sp.I, sp.zoo, sp.nan, sp.oo, -sp.oo):
        raise ValueError(f"{name}: found {text!r}, which is {expression}, expected real and finite "
                         "values")
    # of the text, not of the expression: "y - y + x" is a function of x and y
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    dim = max((i for i, variable in enumerate(VARIABLES, 1) if variable in names), default=1)
    cube = "[0, 1]" if dim == 1 else f"[0, 1]^{dim}"
    points = grid(dim, {1: 4097, 2: 65, 3: 17}[dim])
    finite = np.isfinite(TypedFunction(text, expression, dim, math.inf)(points))
    if not finite.all():
        place = points[np.argmin(finite)]
        at = ", ".join(f"{v} = {p:g}" for v, p in zip(VARIABLES, place, strict=False))
        raise ValueError(f"{name}: found {text!r}, which is not finite at {at}, expected real and "
                         f"finite values on {cube}")
    slope = lipschitz(expression, tuple(VARIABLES.values())[:dim])
    if not math.isfinite(slope):
        raise ValueError(
            f"{name}: found {text!r}, whose slope interval arithmetic does not bound on {cube}, "
            "expected a Lipschitz function (others: approximate with a modulus such as "
            "hoelder(1, 0.5))")
    return TypedFunction(text, expression, dim, slope)


def _depth(tree: ast.AST) -> int:
    """Return how many operations and functions of a tree lie within each other."""
    depth, level = -1, [tree]
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)
                 if isinstance(child, ast.expr)]
    return depth
