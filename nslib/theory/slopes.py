"""A proved Lipschitz constant of a formula on [0, 1]^d: its derivative in interval arithmetic."""

from __future__ import annotations

import functools
import heapq
import itertools
import math
import operator
from fractions import Fraction

import sympy as sp

from .intervals import context, ends, exact, round_up

BITS = 64
MAX_SPLITS = 500  # a second or two
LARGEST_BITS = 1000  # before the point: what is above counts as no bound
LARGEST_EXPONENT = 690  # of e, below 2^1000; what is below e^-690 counts as 0 or e^-690


class _Unbounded(Exception):
    """No finite bound on this box."""


def lipschitz(expression: sp.Expr, variables: tuple[sp.Symbol, ...], tolerance: float = 0.02
              ) -> float:
    """Return a proved bound of the slope |∇f| on [0, 1]^d, or inf where there is none.

    `expression`: a tree of + * ** sin cos exp log tanh Abs Min Max over real `variables` (d,),
    with fractions as exponents. The bound is proved whether or not it comes within `tolerance` of a
    slope that f has. At a kink the derivative is the interval of all slopes nearby, so the bound is
    a Lipschitz constant there too (Clarke's mean value theorem). Raises ValueError for any other
    function in the tree. Source: branch and bound on interval derivatives, Moore (1966).
    """
    ctx = context(BITS)
    order = itertools.count()  # breaks ties in the heap, where boxes would be compared

    def entry(box: tuple[tuple[Fraction, Fraction], ...]) -> tuple:
        return (-_slope(ctx, expression, variables, box)[1], next(order), box)

    heap, met = [entry(((Fraction(0), Fraction(1)),) * len(variables))], 0.0
    # The boxes in the heap always cover [0, 1]^d, so the largest of their bounds bounds them all;
    # only splitting that box can lower it. `met` bounds the true slope from below.
    for _ in range(MAX_SPLITS):
        steepest, _, box = heap[0]
        middle = tuple((sum(side) / 2,) * 2 for side in box)
        met = max(met, _slope(ctx, expression, variables, middle)[0])
        if -steepest <= met * (1 + tolerance):
            break
        heapq.heappop(heap)
        widest = max(range(len(box)), key=lambda i: box[i][1] - box[i][0])
        low, high = box[widest]
        for side in ((low, (low + high) / 2), ((low + high) / 2, high)):
            heapq.heappush(heap, entry((*box[:widest], side, *box[widest + 1:])))
    return -heap[0][0]


def _slope(ctx, expression, variables, box) -> tuple[float, float]:
    """Return bounds of |∇f| over a box, d pairs (low, high): (0, inf) where there is none."""
    leaves = {}
    for i, (symbol, (low, high)) in enumerate(zip(variables, box, strict=True)):
        value = ctx.mpf([exact(ctx, low), exact(ctx, high)])
        leaves[symbol] = value, [ctx.mpf(int(i == j)) for j in range(len(box))]
    try:
        _, gradient = _dual(ctx, expression, leaves)
        low, high = ends(ctx.sqrt(sum((abs(g) ** 2 for g in gradient), ctx.mpf(0))))
    except (_Unbounded, ArithmeticError):
        return 0.0, math.inf
    return float(low), round_up(high)


def _dual(ctx, node: sp.Expr, leaves: dict) -> tuple:
    """Return the value and the gradient [d] of a tree over a box, as intervals.

    Forward differentiation: `leaves` has value and gradient [d] of each variable.
    """
    if node in leaves:
        return leaves[node]
    flat = [ctx.mpf(0) for _ in leaves]
    if node.is_Rational:
        return ctx.mpf(int(node.p)) / int(node.q), flat
    if node in (sp.pi, sp.E):
        return (+ctx.pi if node is sp.pi else ctx.exp(ctx.mpf(1))), flat
    if not isinstance(node, tuple(RULES)):
        raise ValueError(f"function: found {node.func.__name__}({', '.join(map(str, node.args))}), "
                         "expected a tree of + * ** sin cos exp log tanh Abs Min Max")
    if isinstance(node, sp.Pow):
        value, gradient = _chain(_dual(ctx, node.base, leaves), *_power(ctx, node.exp), ctx)
    else:
        inner = [_dual(ctx, argument, leaves) for argument in node.args]
        rule = next(rule for kind, rule in RULES.items() if isinstance(node, kind))
        value, gradient = functools.reduce(functools.partial(rule, ctx), inner) if (
            len(inner) > 1) else rule(ctx, inner[0])
    return _kept(ctx, value), [_kept(ctx, g) for g in gradient]


def _kept(ctx, value):
    """Return an interval without ends nearer to 0 than 2^-1000, outward: 0 or ±2^-1000 for them.

    mpmath's exponents have no limit, and their exact fractions take as many bits. Raises
    _Unbounded for ends beyond 2^1000.
    """
    sizes = [number[2] + number[3] for number in value._mpi_ if number[1]]
    if max(sizes, default=0) > LARGEST_BITS:
        raise _Unbounded
    if min(sizes, default=0) >= -LARGEST_BITS:
        return value
    tiny = ctx.ldexp(ctx.mpf(1), -LARGEST_BITS)
    low = value.a if abs(value.a) >= tiny else -tiny if value.a < 0 else ctx.mpf(0)
    high = value.b if abs(value.b) >= tiny else tiny if value.b > 0 else ctx.mpf(0)
    return ctx.mpf([low.a, high.b])


def _chain(inner: tuple, function, slope, ctx) -> tuple:
    """Return value and gradient [d] of function(inner) by the chain rule."""
    value, gradient = inner
    if all(g == 0 for g in gradient):  # a constant has no slope, whatever stands around it
        return function(value), gradient
    factor = slope(value)
    return function(value), [factor * g for g in gradient]


def _power(ctx, exponent: sp.Rational):
    """Return the functions v -> v^exponent and v -> its derivative on intervals.

    A whole exponent keeps its sign and parity: v² of [-1, 1] is [0, 1], which exp(2 log v) would
    not give. Other roots than the square root need v > 0.
    """
    number = ctx.mpf(int(exponent.p)) / int(exponent.q)

    def power(value, p: int, q: int):
        if p == 0:
            return ctx.mpf(1)
        if p < 0:
            if 0 in value:
                raise _Unbounded
            return 1 / power(value, -p, q)
        if q == 1:
            return value**p
        if value.a < 0:
            raise _Unbounded
        if q == 2:
            return ctx.sqrt(value) ** p
        if value.a <= 0:
            raise _Unbounded
        return ctx.exp(ctx.log(value) * p / q)

    p, q = int(exponent.p), int(exponent.q)
    return (lambda v: power(v, p, q)), (lambda v: number * power(v, p - q, q))


def _of_one(function, slope):
    """Return the rule of a function of one argument with this derivative."""
    def rule(ctx, inner):
        return _chain(inner, functools.partial(function, ctx), functools.partial(slope, ctx), ctx)

    return rule


def _exp(ctx, value):
    if value.b > LARGEST_EXPONENT:
        raise _Unbounded
    low, high = (ctx.exp(max(end, -LARGEST_EXPONENT)) for end in (value.a, value.b))
    return ctx.mpf([0 if value.a < -LARGEST_EXPONENT else low.a, high.b])


def _tanh(ctx, value):
    # 1 - 2/(e^2v + 1) at both ends, since tanh rises; mpmath's intervals have no tanh, and e^600
    # is as far as it need go
    low, high = (1 - 2 / (ctx.exp(2 * max(min(end, 300), -300)) + 1) for end in (value.a, value.b))
    return ctx.mpf([-1 if value.a < -300 else low.a, 1 if value.b > 300 else high.b])


def _positive(ctx, value):
    if value.a <= 0:
        raise _Unbounded
    return value


def _sign(ctx, value):
    """Return all slopes of |v| on an interval: [-1, 1] where it holds the kink at 0."""
    return ctx.mpf([-1 if value.a <= 0 else 1, 1 if value.b >= 0 else -1])


# Rules for two duals, each a value and its gradient [d]. A node of more arguments is folded.


def _add(ctx, one, other):
    return one[0] + other[0], list(map(operator.add, one[1], other[1]))


def _mul(ctx, one, other):
    (v, a), (w, b) = one, other
    return v * w, [v * y + w * x for x, y in zip(a, b, strict=True)]


def _larger(ctx, one, other):
    (v, a), (w, b) = one, other
    value = ctx.mpf([max(v.a, w.a), max(v.b, w.b)])
    if v.a > w.b:
        return value, a
    if w.a > v.b:
        return value, b
    # either may be the larger: the hull of both gradients holds every slope, at the kink as well
    return value, [ctx.mpf([min(x.a, y.a), max(x.b, y.b)]) for x, y in zip(a, b, strict=True)]


def _smaller(ctx, *pair):
    value, gradient = _larger(ctx, *((-v, [-x for x in a]) for v, a in pair))
    return -value, [-x for x in gradient]


RULES = {
    sp.Add: _add, sp.Mul: _mul, sp.Pow: None, sp.Max: _larger, sp.Min: _smaller,
    sp.sin: _of_one(lambda ctx, v: ctx.sin(v), lambda ctx, v: ctx.cos(v)),
    sp.cos: _of_one(lambda ctx, v: ctx.cos(v), lambda ctx, v: -ctx.sin(v)),
    sp.exp: _of_one(_exp, _exp),
    sp.log: _of_one(lambda ctx, v: ctx.log(_positive(ctx, v)),
                    lambda ctx, v: 1 / _positive(ctx, v)),
    sp.tanh: _of_one(_tanh, lambda ctx, v: 1 - _tanh(ctx, v) ** 2),
    sp.Abs: _of_one(lambda ctx, v: abs(v), _sign),
}
