"""From a structure or a fitted neuron to sympy formulas, in scaled or in raw units."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import sympy as sp
import torch

from . import checks
from .neuron import TaskLinear
from .structure import NeuronStructure, Stream, numbered_symbols

Term = TypeVar("Term")

MAX_MONOMIALS = 20_000
MAX_MAGNIFICATION = 1e8  # of a monomial against the value: half the digits of a double are left

ROUNDING = 1e-9
"""Terms below this share of the largest are left out: where monomials cancel, noise remains."""


def feature_symbols(names: Sequence[str] | None, n_features: int) -> list[sp.Symbol]:
    """Return D = `n_features` symbols of these names, None for x_1 … x_D.

    Raises ValueError for another number of names, or the same name twice.
    """
    if names is None:
        return numbered_symbols("x", n_features)
    if len(names) != n_features or len(set(names)) != n_features:
        raise ValueError(
            f"names: found {len(names)} names, {len(set(names))} of them distinct, "
            f"expected {n_features} distinct names"
        )
    return [sp.Symbol(str(name)) for name in names]


def above_rounding(sizes: Mapping[Term, float], magnification: float = 1.0) -> list[Term]:
    """Return the terms that are more than rounding, in their order.

    sizes: absolute values of terms; magnification: of the largest term against their sum, where
    terms cancel: the share below which a term is rounding is smaller by it.

    Examples
    --------
    >>> above_rounding({"x": 2.0, "x**3": 1.09e-32})
    ['x']
    """
    least = ROUNDING / magnification * max(sizes.values(), default=0.0)
    return [term for term, size in sizes.items() if size > least]


def count_monomials(structure: NeuronStructure, n_features: int) -> int:
    """Return the most monomials that the expanded polynomial part can have.

    Raw units shift the features, so an interaction of order k has monomials of all degrees up to
    k, C(D + k, k) for D = `n_features`; those of the pure streams are the D k powers.
    """
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
    """Return the fitted formula of each output; `SearchResult.formula` is made of it.

    The neuron sees z = (x - x_mean) / x_scale, and y_scale times its output plus y_mean is
    reported, so the formulas are in the units of x and y.

    Parameters
    ----------
    neuron : TaskLinear
        D features, C outputs, without normalisation.
    names : sequence of D str, optional
        The features' names, by default x_1 … x_D.
    expand : bool
        Whether to write sums of monomials, else sums of products of linear forms.
    x_mean, x_scale : array (D,) or float
    y_mean, y_scale : float

    Returns
    -------
    list of C sympy expressions

    Raises
    ------
    ValueError
        For a normalised neuron, for a mean that is not finite, for a scale that is not positive and
        finite, and for an expansion of more than `MAX_MONOMIALS` monomials or in which a feature
        so far from zero, in units of its scale, occurs in so high a power that its monomials would
        cancel to noise in double precision.

    Examples
    --------
    >>> neuron = TaskLinear(2, 1, NeuronStructure(pure=(2,), interact=()))
    >>> _ = neuron.weight.data.copy_(torch.tensor([[3.0, -1.0]]))
    >>> expressions(neuron, ["a", "b"])
    [3.0*a**2 - 1.0*b**2]
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
    generators = x
    if expand:
        magnification = _check_cancellation(neuron, shift, x)
        size = np.abs(mean) + scale  # of the features
        # Elements of a polynomial ring multiply out as they are computed, far faster than
        # sympy's own expansion of a product of sums.
        generators = sp.polys.rings.ring(x, sp.RR)[1:]
    z = [g * float(1 / s) - float(m) for g, s, m in zip(generators, scale, shift, strict=True)]
    sines = [sp.sin(xi * float(1 / s) - float(m)) for xi, s, m in zip(x, scale, shift, strict=True)]

    weights = {stream: _numpy(w) for stream, w in neuron.stream_weights().items()}
    products = {k: _products(neuron, k, z) for k in structure.interact}
    bias = np.zeros(neuron.out_features) if neuron.bias is None else _numpy(neuron.bias)
    formulas = []
    for c in range(neuron.out_features):
        polynomial = z[0] * 0 + float(bias[c]) * y_scale + y_mean
        for k in structure.pure:
            powers = [zi**k for zi in z]
            polynomial += y_scale * _linear_form(weights[Stream("pure", k)][c], powers)
        for k in structure.interact:
            polynomial += y_scale * _linear_form(weights[Stream("interact", k)][c], products[k])
        if expand:
            polynomial = _without_rounding(polynomial, size, magnification).as_expr()
        expression = polynomial
        if structure.sin:
            expression += y_scale * _linear_form(weights[Stream("sin")][c], sines)
        formulas.append(sp.sympify(expression))
    return formulas


def _without_rounding(
    polynomial: sp.polys.rings.PolyElement, size: np.ndarray, magnification: float
) -> sp.polys.rings.PolyElement:
    """Return a polynomial of D features less its terms that are rounding at features of size (D,).

    Sizes are compared by logarithms, as powers of large features may leave float64, and with that
    of the largest term but the constant, beside which a target far from zero has small terms.
    """
    logs = {exponents: math.log(abs(float(c))) + float(np.log(size) @ exponents)
            for exponents, c in polynomial.terms() if float(c)}
    largest = max((log for exponents, log in logs.items() if any(exponents)), default=0.0)
    sizes = {exponents: math.exp(min(log - largest, 0.0)) for exponents, log in logs.items()}
    kept = above_rounding(sizes, magnification)
    return polynomial.ring.from_dict({exponents: polynomial[exponents] for exponents in kept})


def _linear_form(weights: np.ndarray, basis: Sequence) -> sp.Expr:
    """Return the sum of `weights` (n,) times the n expressions or polynomials of `basis`."""
    return sum((float(w) * b for w, b in zip(weights, basis, strict=True) if w != 0), basis[0] * 0)


def _products(neuron: TaskLinear, order: int, z: Sequence) -> list:
    """Return the R products of `order` linear forms in the D expressions or polynomials z."""
    factor = _numpy(neuron.factor(order))
    products = []
    for r in range(factor.shape[1]):
        product = _linear_form(factor[0, r], z)
        for m in range(1, order):
            product = product * _linear_form(factor[m, r], z)
        products.append(product)
    return products


def _check_cancellation(neuron: TaskLinear, shift: np.ndarray, x: Sequence[sp.Symbol]) -> float:
    """Return how much larger than the value expanded monomials in the D symbols x can be.

    ValueError where they would cancel to noise.

    `shift` (D,) holds the features' means in units of their scales. (z + shift)^k, with z about 1,
    has monomials of up to (1 + |shift|)^k, the differences of which are to be about 1.
    """
    used = np.zeros(neuron.in_features, dtype=bool)
    if neuron.structure.pure:
        pure = [w for stream, w in neuron.stream_weights().items() if stream.kind == "pure"]
        used |= np.any([_numpy(w).any(axis=0) for w in pure], axis=0)
    if neuron.factors is not None:
        used |= _numpy(neuron.factors).any(axis=0)
    order = max((*neuron.structure.pure, *neuron.structure.interact), default=0)
    worst = int(np.argmax(np.where(used, np.abs(shift), 0.0)))
    magnification = float((1 + abs(shift[worst])) ** order) if used[worst] else 1.0
    if magnification > MAX_MAGNIFICATION:
        raise ValueError(
            f"expand: found the feature {x[worst]} with a mean of {shift[worst]:.3g} standard "
            f"deviations in order {order}, whose monomials would cancel to noise; "
            "use expand=False"
        )
    return magnification


def _numpy(parameter: torch.Tensor) -> np.ndarray:
    """Return the numbers of a parameter, of its shape, in double precision."""
    return parameter.detach().double().cpu().numpy()


def leading_terms(expression: sp.Expr, n_terms: int = 8, digits: int = 3) -> sp.Expr:
    """Return the constant and the `n_terms` terms of largest coefficients, to some digits.

    Raises TypeError for anything but a sympy expression, ValueError for `n_terms` below 1.

    Examples
    --------
    >>> x, y = sp.symbols("x y")
    >>> leading_terms(5.4321 * x - 0.2 * x * y - 9.8765 * y**2 + 1.0, n_terms=2)
    5.43*x - 9.88*y**2 + 1.0
    """
    if not isinstance(expression, sp.Basic):
        shown = checks.shown(expression)
        raise TypeError(f"expression: found {shown}, expected a sympy expression")
    checks.positive_int(n_terms, "n_terms")
    constant, rest = expression.as_independent(*expression.free_symbols, as_Add=True)
    terms = sp.Add.make_args(rest)
    largest = sorted(terms, key=lambda term: -abs(float(term.as_coeff_Mul()[0])))[:n_terms]
    return sp.Add(constant, *largest).evalf(digits)
