"""What K values to within ε cost: the information bound, and Kac's waiting time."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from .. import checks


def as_targets(targets: Any) -> np.ndarray:
    """Return target values (K,) in [0, 1] as a read-only float64 array (K,).

    Raises TypeError for text, ValueError for no target, another shape, NaN, or a value outside.
    """
    shape = shape_of(targets, "targets")
    if len(shape) > 1:
        raise ValueError(f"targets: found shape {shape}, expected (cells,)")
    array = checks.as_matrix(np.reshape(targets, (-1, 1)), "targets", min_rows=0)[:, 0].copy()
    if not len(array):
        raise ValueError("targets: found no value, expected at least one cell")
    outside = np.flatnonzero((array < 0) | (array > 1))
    if len(outside):
        k = outside[0]
        raise ValueError(f"targets: found {array[k]} at {k} ({len(outside)} such), "
                         "expected values in [0, 1]")
    array.setflags(write=False)
    return array


def shape_of(values: Any, name: str) -> tuple[int, ...]:
    """Return the shape of an array, tensor, list or number; ValueError for what has none."""
    try:
        return tuple(np.shape(values))
    except Exception as error:  # ragged lists, and whatever else a stranger's array raises
        raise ValueError(f"{name}: found {type(values).__name__} that makes no array ({error}), "
                         "expected numbers") from None


def as_eps(eps: Any) -> float:
    """Return a tolerance in (0, 1/2); TypeError or ValueError otherwise."""
    eps = checks.real(eps, "eps")
    if not 0 < eps < 0.5:
        raise ValueError(f"eps: found {eps}, expected a tolerance above 0 and below 1/2")
    return eps


def information_bound(cells: int, eps: float) -> float:
    """Return K log2(1/(2ε)): the bits that any store of K values in [0, 1] to ±ε needs.

    Each of its 2^bits answers is right for a cube of side 2ε, and the cubes must cover [0, 1]^K.

    Parameters
    ----------
    cells : K
    eps : ε in (0, 1/2)
    """
    return checks.positive_int(cells, "cells") * math.log2(1 / (2 * as_eps(eps)))


def angle_intervals(targets: Any, eps: float) -> np.ndarray:
    """Return the lowest and highest α in [0, 1/2] with |sin²(πα) - y| <= ε by target (K, 2).

    In turns, with small relative errors also near 0 and 1/2. The other half of the circle mirrors
    them.

    Parameters
    ----------
    targets : array (K,) in [0, 1]
    eps : ε in (0, 1/2)
    """
    y, width = as_targets(targets), Fraction(as_eps(eps))
    # 1 - y as a fraction first: the arctangent of both roots keeps its digits where the arcsine of
    # one would lose half of them, near α = 1/2
    edges = [[max(Fraction(v) - width, Fraction(0)), min(Fraction(v) + width, Fraction(1))]
             for v in y.tolist()]
    sine, cosine = np.array([[[float(e), float(1 - e)] for e in pair] for pair in edges]).T
    return (np.arctan2(np.sqrt(sine), np.sqrt(cosine)) / np.pi).T


def arcsine_measure(targets: Any, eps: float) -> np.ndarray:
    """Return μ([y - ε, y + ε]) (K,) of targets (K,) under the arcsine law, which T keeps."""
    return 2 * np.diff(angle_intervals(targets, eps), axis=1)[:, 0]


def waiting_bits(targets: Any, eps: float) -> float:
    """Return log2 of Kac's mean waiting time, Σ log2(1/μ_k): the bits that these targets cost.

    The mean return time to a set is one over its measure (Kac, 1947). That the first visit from the
    given start takes as long is what to expect of a random start, not a proved bound.

    Parameters
    ----------
    targets : array (K,) in [0, 1]
    eps : ε in (0, 1/2)
    """
    return float(-np.log2(arcsine_measure(targets, eps)).sum())


def waiting_time(targets: Any, eps: float) -> float:
    """Return Kac's mean waiting time 1/Π μ_k in steps of the neuron; inf above the doubles.

    Parameters
    ----------
    targets, eps : as for `waiting_bits`
    """
    bits = waiting_bits(targets, eps)
    return 2.0**bits if bits < 1024 else math.inf


def hoelder(constant: float, exponent: float = 1.0) -> Callable[[float], float]:
    """Return the modulus of continuity h -> constant · h^exponent.

    Parameters
    ----------
    constant : at least 0
    exponent : in (0, 1]; 1 for Lipschitz functions
    """
    constant = checks.real(constant, "constant", 0)
    exponent = checks.real(exponent, "exponent", np.finfo(float).tiny, 1)
    return lambda h: constant * checks.real(h, "h", 0) ** exponent
