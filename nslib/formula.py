"""From a structure or a fitted neuron to sympy formulas, in scaled or in raw units."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import sympy as sp

from . import checks
from .neuron import TaskLinear
from .structure import NeuronStructure, Stream, numbered_symbols

MAX_MONOMIALS = 20_000
MAX_MAGNIFICATION = 1e8


def feature_symbols(names: Sequence[str] | None, n_features: int) -> list[sp.Symbol]:
    """Return one symbol a feature: x_1 … x_D, or the given names; ValueError for another number."""
    if names is None:
        return numbered_symbols("x", n_features)
    if len(names) != n_features or len(set(names)) != n_features:
        raise ValueError(
            f"names: found {len(names)} names, {len(set(names))} of them distinct, "
            f"expected {n_features} distinct names"
        )
    return [sp.Symbol(str(name)) for name in names]


def count_monomials(structure: NeuronStructure, n_features: int) -> int:
    """Return the most monomials that the expanded polynomial part can have (shifts included)."""
    interact = math.comb(n_features + max(structure.interact, default=0), n_features)
    return interact + n_features * max(structure.pure, default=0)


def expressions(
    neuron: TaskLinear,
    names: Sequence[str] | None = None,
    *,
    expand: bool = True,
    x_mean: np.ndarray | float = 0.0,
    x_scale: np.ndarray | float = 1.0,
    y_mean: float = 0.0,
    y_scale: float = 1.0,
) -> list[sp.Expr]:
    """Return the fitted formula of each output of `neuron`, C sympy expressions.

    The neuron sees z = (x - x_mean) / x_scale, both (D,) or scalar, and its output times y_scale
    plus y_mean is reported, so the expressions are in the units of x and y. With `expand` they are
    sums of monomials, else sums of products of linear forms.

    Raises ValueError for a normalised neuron, for a shift or scale that is not finite (or a scale
    not positive), and for an expansion of more than 20 000 monomials or in which a feature so far
    from zero, in units of its scale, occurs in so high a power that its monomials would cancel to
    noise in double precision.
    """
    if neuron.norm is not None:
        raise ValueError(f"neuron: found norm={neuron.norm!r}, expected a neuron without norm")
    structure, d = neuron.structure, neuron.in_features
    x = feature_symbols(names, d)
    if expand and (n := count_monomials(structure, d)) > MAX_MONOMIALS:
        raise ValueError(
            f"expand: found up to {n} monomials, expected at most {MAX_MONOMIALS}; use expand=False"
        )
    scale = np.broadcast_to(np.asarray(x_scale, dtype=np.float64), (d,))
    mean = np.broadcast_to(np.asarray(x_mean, dtype=np.float64), (d,))
    if not (np.isfinite(scale).all() and (scale > 0).all() and np.isfinite(mean).all()):
        raise ValueError("x_mean, x_scale: expected finite means and finite, positive scales")
    shift = mean / scale
    if expand:
        _check_cancellation(neuron, shift, feature_symbols(names, d))
    if expand:
        generators = sp.polys.rings.ring(x, sp.RR)[1:]
    else:
        generators = x
    z = [g * float(1 / s) - float(m) for g, s, m in zip(generators, scale, shift, strict=True)]
    sines = [sp.sin(xi * float(1 / s) - float(m)) for xi, s, m in zip(x, scale, shift, strict=True)]

    def linear_form(weights: np.ndarray, basis: Sequence) -> sp.Expr:
        return sum(
            (float(w) * b for w, b in zip(weights, basis, strict=True) if w != 0), basis[0] * 0
        )

    weights = {k: _numpy(w) for k, w in neuron.stream_weights().items()}
    products = {k: _products(neuron, k, z, linear_form) for k in structure.interact}
    bias = np.zeros(neuron.out_features) if neuron.bias is None else _numpy(neuron.bias)
    results = []
    for c in range(neuron.out_features):
        polynomial = z[0] * 0 + float(bias[c]) * y_scale + y_mean
        for k in structure.pure:
            polynomial += y_scale * linear_form(weights[Stream("pure", k)][c], [zi**k for zi in z])
        for k in structure.interact:
            polynomial += y_scale * linear_form(weights[Stream("interact", k)][c], products[k])
        expression = polynomial.as_expr() if expand else polynomial
        if structure.sin:
            expression += y_scale * linear_form(weights["sin"][c], sines)
        results.append(sp.sympify(expression))
    return results


def _check_cancellation(neuron: TaskLinear, shift: np.ndarray, x: Sequence[sp.Symbol]) -> None:
    used = np.zeros(neuron.in_features, dtype=bool)
    if neuron.structure.pure:
        pure = [w for k, w in neuron.stream_weights().items() if k.kind == "pure"]
        used |= np.any([_numpy(w).any(axis=0) for w in pure], axis=0)
    if neuron.factors is not None:
        used |= _numpy(neuron.factors).any(axis=0)
    order = max((*neuron.structure.pure, *neuron.structure.interact), default=0)
    worst = int(np.argmax(np.where(used, np.abs(shift), 0.0)))
    if used[worst] and (1 + abs(shift[worst])) ** order > MAX_MAGNIFICATION:
        raise ValueError(
            f"expand: found the feature {x[worst]} with a mean of {shift[worst]:.3g} standard "
            f"deviations in order {order}, whose monomials would cancel to noise; "
            "use expand=False"
        )


def _numpy(parameter) -> np.ndarray:
    return parameter.detach().double().cpu().numpy()


def _products(neuron: TaskLinear, order: int, z: Sequence, linear_form) -> list:
    """Return the R products of `order` linear forms in z."""
    factor = _numpy(neuron.factor(order))
    products = []
    for r in range(factor.shape[1]):
        product = linear_form(factor[0, r], z)
        for m in range(1, order):
            product = product * linear_form(factor[m, r], z)
        products.append(product)
    return products


def leading_terms(expression: sp.Expr, n_terms: int = 8, digits: int = 3) -> sp.Expr:
    """Return the constant and the `n_terms` largest coefficients of a sum, rounded for display."""
    if not isinstance(expression, sp.Basic):
        raise TypeError(f"expression: found {expression!r}, expected a sympy expression")
    checks.positive_int(n_terms, "n_terms")
    constant, rest = sp.sympify(expression).as_independent(
        *expression.free_symbols, as_Add=True
    )
    terms = sp.Add.make_args(rest)
    largest = sorted(terms, key=lambda term: -abs(float(term.as_coeff_Mul()[0])))[:n_terms]
    return sp.Add(constant, *largest).evalf(digits)
