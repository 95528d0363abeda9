"""Synthetic tasks whose neuron is known: the paper's 15 formulas and random ones.

Source: NeuronSeek (arXiv 2506.15715), experiments on structure recovery and stability.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from .. import checks
from ..portable import power
from ..structure import NeuronStructure, Stream

_RANGES = {"c": (1.0, 3.0), "c'": (1.0, 3.0), "e": (0.5, 3.0)}  # of |coefficient|; random sign
_REFERENCE_ROWS = 10_000


@dataclass(frozen=True)
class Formula:
    """A sum of ``coefficient * S_k``, S_k = sum_i x_i^k, and I_k = prod_{m=1..k} (x . w_m).

    `terms` holds (coefficient, "S" or "I", k), where a coefficient is a number or the name of a
    random one: c and c' have |.| ~ U(1, 3), e has |.| ~ U(0.5, 3), each with a random sign.
    """

    terms: tuple[tuple[float | str, str, int], ...]

    @property
    def structure(self) -> NeuronStructure:
        """The streams in the formula; each I_k is a CP form of rank 1."""
        return NeuronStructure(
            pure=tuple(k for _, symbol, k in self.terms if symbol == "S"),
            interact=tuple(k for _, symbol, k in self.terms if symbol == "I"),
            rank=1,
        )


FORMULAS: Mapping[tuple[str, int], Formula] = MappingProxyType({
    ("pure", 0): Formula((("c", "S", 2),)),
    ("pure", 1): Formula((("c", "S", 3),)),
    ("pure", 2): Formula(((10.0, "S", 1), (0.5, "S", 2))),
    ("pure", 3): Formula(((5.0, "S", 2), (0.5, "S", 4))),
    ("pure", 4): Formula((("c", "S", 5),)),
    ("interact", 0): Formula((("c", "I", 2),)),
    ("interact", 1): Formula((("c", "I", 2), ("e", "I", 3))),
    ("interact", 2): Formula(((8.0, "I", 2), (0.5, "I", 3))),
    ("interact", 3): Formula((("c", "I", 2), ("e", "I", 4))),
    ("interact", 4): Formula((("c", "I", 4),)),
    ("hybrid", 0): Formula((("c", "S", 2), ("c'", "I", 2))),
    ("hybrid", 1): Formula((("c", "S", 1), ("c'", "I", 2))),
    ("hybrid", 2): Formula(((5.0, "S", 3), (0.5, "I", 2))),
    ("hybrid", 3): Formula(((0.5, "S", 2), (5.0, "I", 3))),
    ("hybrid", 4): Formula((("c", "S", 2), ("c'", "I", 3))),
})
Weights = Mapping[str, "np.ndarray | tuple[np.ndarray, np.ndarray]"]


@dataclass(frozen=True, eq=False)
class FormulaTask:
    """A synthetic task; unpacks as ``X, y, structure = task``.

    Attributes
    ----------
    X : (N, D) float64, drawn from N(0, I).
    y : (N,), standardised.
    structure : the true streams.
    signal : (N,), y without its noise, in the same standardised units.
    noise_floor : the mean squared error in standardised units that the true formula has in
        expectation, (noise / scale)².
    mean, scale : those of the raw target, so raw = mean + scale * y.
    weights : the true weights in raw units: w (D,) for "pure k" and "sin", (v (R,), u (R, k, D))
        for "interact k", which stands for sum_r v_r prod_m (u_{r,m} . x).
    """

    X: np.ndarray
    y: np.ndarray
    structure: NeuronStructure
    signal: np.ndarray
    noise_floor: float
    mean: float
    scale: float
    weights: Weights

    def __iter__(self) -> Iterator[np.ndarray | NeuronStructure]:
        return iter((self.X, self.y, self.structure))


def stream_values(weights: Weights, X: np.ndarray) -> dict[str, np.ndarray]:
    """Return what each stream contributes to the raw target, (N,) each, at the points X (N, D).

    No BLAS and no `**`, so that the data of a seed do not depend on the processor.
    """
    values = {}
    for stream, weight in weights.items():
        if stream.kind == "interact":
            v, u = weight
            values[stream] = np.einsum("nr,r->n", np.einsum("nd,rkd->nrk", X, u).prod(axis=2), v)
        else:
            terms = np.sin(X) if stream.kind == "sin" else power(X, stream.order)
            values[stream] = np.einsum("nd,d->n", terms, weight)
    return values


def make_formula(
    mode: str, variant: int, n_samples: int = 2500, n_features: int = 10, noise: float = 0.01,
    seed: int = 0, *, rank: int = 1,
) -> FormulaTask:
    """Return one of the paper's 15 tasks (`FORMULAS`); unpacks as X, y, structure.

    The target is the formula of x ~ N(0, I_D), plus ``noise * N(0, 1)``, then standardised; each
    interaction has its own w_m ~ N(0, I/D). The formula of a seed is the same for every n_samples
    and noise, and more samples extend the same X.

    Parameters
    ----------
    mode, variant : "pure", "interact" or "hybrid", and 0 to 4.
    n_samples, n_features : N rows and D features.
    noise : its standard deviation in the units of the raw target.
    seed : of the coefficients, inputs and noise.
    rank : products of one coefficient that make up each interaction; the paper has 1.

    Returns
    -------
    FormulaTask with X (N, D) and y (N,).

    Raises
    ------
    TypeError, ValueError : for an argument out of range.

    Examples
    --------
    >>> from nslib.data import make_formula
    >>> X, y, structure = make_formula("hybrid", 0, n_samples=100, n_features=4)
    >>> X.shape, y.shape, str(structure)
    ((100, 4), (100,), 'pure(2)+interact(2;rank=1)')
    """
    checks.one_of(mode, "mode", dict.fromkeys(mode for mode, _ in FORMULAS))
    variant = checks.positive_int(variant, "variant", minimum=0)
    if (mode, variant) not in FORMULAS:
        raise ValueError(f"variant: found {variant}, expected 0 to 4")
    n_features = checks.positive_int(n_features, "n_features")
    rank = checks.positive_int(rank, "rank")
    formula = FORMULAS[mode, variant]
    rng = _generator(seed, "formula")
    weights = {}
    for coefficient, symbol, order in formula.terms:
        if isinstance(coefficient, str):
            coefficient = rng.choice((-1.0, 1.0)) * rng.uniform(*_RANGES[coefficient])
        if symbol == "S":
            weights[Stream("pure", order)] = np.full(n_features, coefficient)
        else:
            u = rng.standard_normal((rank, order, n_features)) / np.sqrt(n_features)
            weights[Stream("interact", order)] = (np.full(rank, coefficient), u)
    structure = replace(formula.structure, rank=rank)
    return _task(weights, structure, n_samples, n_features, noise, seed)


def random_formula(
    structure: NeuronStructure, n_samples: int = 2500, n_features: int = 10, noise: float = 0.01,
    seed: int = 0,
) -> FormulaTask:
    """Return a task with random weights for any set of streams; unpacks as X, y, structure.

    Weights are normal; interactions are sums of `structure.rank` rank-one terms. Each stream is
    scaled to unit variance (measured on 10,000 points of its own), so none is drowned by another.
    Other arguments, result and errors are those of `make_formula`.
    """
    if not isinstance(structure, NeuronStructure):
        raise TypeError(f"structure: found {checks.shown(structure)}, expected a NeuronStructure")
    n_features = checks.positive_int(n_features, "n_features")
    rng = _generator(seed, "formula")
    weights = {Stream("pure", k): rng.standard_normal(n_features) for k in structure.pure}
    if structure.sin:
        weights[Stream("sin")] = rng.standard_normal(n_features)
    for k in structure.interact:
        u = rng.standard_normal((structure.rank, k, n_features)) / np.sqrt(n_features)
        weights[Stream("interact", k)] = (rng.choice((-1.0, 1.0), structure.rank), u)
    reference = rng.standard_normal((_REFERENCE_ROWS, n_features))
    for name, values in stream_values(weights, reference).items():
        weight, scale = weights[name], values.std()
        weights[name] = (
            (weight[0] / scale, weight[1]) if isinstance(weight, tuple) else weight / scale
        )
    return _task(weights, structure, n_samples, n_features, noise, seed)


def _generator(seed: int, purpose: str) -> np.random.Generator:
    """Return an independent generator for each purpose of one seed."""
    seed = checks.positive_int(seed, "seed", minimum=0)
    return np.random.default_rng([seed, ("formula", "inputs", "noise").index(purpose)])


def _task(
    weights: Weights, structure: NeuronStructure, n_samples: int, n_features: int, noise: float,
    seed: int,
) -> FormulaTask:
    """Return the task of these true weights: inputs (N, D), noise and the standardised target."""
    n_samples = checks.positive_int(n_samples, "n_samples", minimum=2)
    noise = checks.real(noise, "noise", low=0.0)
    X = _generator(seed, "inputs").standard_normal((n_samples, n_features))
    with np.errstate(over="ignore", invalid="ignore"):  # said in words below
        clean = sum(stream_values(weights, X).values())
        raw = clean + noise * _generator(seed, "noise").standard_normal(n_samples)
        mean, scale = float(raw.mean()), float(raw.std())
    if not np.isfinite(scale):
        raise ValueError(f"noise: found {noise}, expected one whose square float64 can hold")
    return FormulaTask(X, (raw - mean) / scale, structure, (clean - mean) / scale,
                       (noise / scale) ** 2, mean, scale, MappingProxyType(weights))
