"""From a function and an ε to a network of fixed size that comes within ε of it everywhere.

The network finds a point's cell, reads the value that a construction holds for it, and takes the
median over shifted copies. Theorems C8 and C9 of the paper (arXiv 2506.15715), in numbers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks
from .bounds import waiting_bits
from .construction import Construction
from .cube_cells import MAX_CELLS, MAX_DIM, Cells, grid, points_in_cube, probe_size
from .digits import encode, word_bits
from .probing import Modulus, choose_cells, estimated, evaluate, given, refuse_contradicted
from .trajectory import find_depth
from .winding import find_winding

ROUNDING = 2.0**-50  # of |lowest| + range: targets and results as doubles, each off by 2^-52 or so
LARGEST_EPS = 0.4999  # with a tolerance of half the range any value would do


# Cells held by default: half a minute for B. For C a lattice takes seconds at 64 cells and about
# ten times as long for twice as many. For A, Kac's waiting time sets a far lower limit.
FEW_CELLS = {"trajectory": 1 << 16, "digits": 1 << 16, "winding": 64}
CONSTRUCTIONS: dict[str, Callable[..., Construction]] = {
    "trajectory": find_depth, "digits": lambda targets, eps: encode(targets, word_bits(eps)),
    "winding": find_winding,
}


@dataclass(frozen=True, eq=False, repr=False)
class Approximant:
    """A network of fixed size near a function on [0, 1]^d, as `approximate` returns it.

    Call it on points (M, d), or (M,) where d = 1: the network's values (M,), computed exactly and
    rounded to doubles.

    Attributes
    ----------
    f, eps : as given
    name : "trajectory", "digits" or "winding"
    cells : the K cubes
    construction : holds a value for each cube
    lowest, highest : the range of f that is scaled to [0, 1]
    value_error : proved bound of |value - f(centre)| over all cells, in units of f
    modulus : how fast f changes
    """

    f: Callable[[np.ndarray], Any]
    eps: float
    name: str
    cells: Cells
    construction: Construction
    lowest: float
    highest: float
    value_error: float
    modulus: Modulus

    def __call__(self, points: Any) -> np.ndarray:
        points = points_in_cube(points, self.dim)
        values = self.cells.evaluate(points, self.construction.values_at)
        return self.lowest + self.scale * values

    @property
    def dim(self) -> int:
        """d."""
        return self.cells.dim

    @property
    def n_cells(self) -> int:
        """K."""
        return self.cells.count

    @property
    def scale(self) -> float:
        """highest - lowest, the network's last weight."""
        return self.highest - self.lowest

    @property
    def bits(self) -> int:
        """Bits of the one number that holds all values: depth, digits or winding."""
        return self.construction.bits

    @property
    def repeat_counts(self) -> dict[str, int]:
        """How often each step is repeated. This and the number that holds f depend on f and ε."""
        return {"halve the shift": self.cells.halvings,
                "take a bit": self.cells.digits * self.dim,
                "steepen a ramp": self.cells.digits * self.dim * self.cells.ramps,
                "chaotic neuron": self.construction.repeats}

    @property
    def repeats(self) -> int:
        """Repeated steps in all, one after the other."""
        return sum(self.repeat_counts.values())

    @property
    def weights(self) -> list[int | float]:
        """All weights and biases of the network, as `network.weights` lists them by neuron."""
        from .network import weights

        return [weight for entries in weights(self).values() for weight in entries]

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases; the same for every f and ε."""
        return len(self.weights)

    @property
    def max_weight(self) -> int | float:
        """The largest magnitude of a weight or bias; an int where a double may not hold it."""
        return max(map(abs, self.weights))

    @property
    def bound(self) -> float:
        """Bound of sup|network - f|: ω(reach) + value error, in units of f; see `status`."""
        # A copy's centre is within `reach` of the point, and a median of such values as near f as
        # they are. The factor covers the rounding of the sum itself.
        return (self.modulus.change(self.cells.reach) + self.value_error) * (1 + 2.0**-50)

    @property
    def status(self) -> str:
        """Whether `bound` is proved for the given modulus, or estimated and not proved."""
        return self.modulus.status

    def measured_sup_error(self, points: Any = None) -> float:
        """Return max |network - f| over points: a lower bound of the sup error.

        `points`: an array (M, d), or (M,) where d = 1; or the number of points a side of a regular
        grid, by default about 2^16 points in all, which holds the borders of cells.
        """
        points = probe_size(self.dim) if points is None else points
        if np.ndim(points) == 0:
            points = grid(self.dim, checks.positive_int(points, "points", 2))
        points = points_in_cube(points, self.dim)
        if not len(points):
            raise ValueError("points: found none, expected at least one")
        return float(np.abs(self(points) - evaluate(self.f, points)).max())

    def module(self, precision: float | None = None):
        """Return the network in double precision, a `nslib.theory.network.ApproximantModule`.

        `precision`: how far doubles may take it from the exact values, in units of f; ε/10 by
        default. Raises ValueError where doubles cannot be proved to hold it.
        """
        from .network import build

        return build(self, precision)

    def __repr__(self) -> str:
        return (f"Approximant({self.name}, {self.n_cells} cells, {self.n_parameters} parameters, "
                f"{self.bits} bits, {self.repeats} repeats, error <= {self.bound:.4g}: "
                f"{self.status})")


def approximate(
    f: Callable[[np.ndarray], Any],
    eps: float,
    dim: int = 1,
    construction: str = "digits",
    *,
    modulus: float | Callable[[float], float] | None = None,
    share: float | None = 0.5,
    max_cells: int | None = None,
    **options: Any,
) -> Approximant:
    """Return a network of fixed size with sup|network - f| <= eps on [0, 1]^dim.

    Parameters
    ----------
    f : maps points (M, dim), or (M,) where dim = 1, to values (M,), of any range
    eps : tolerance in units of f
    dim : d, at most 8
    construction : what holds f: "trajectory" (A: the number of repetitions), "digits" (B: the
        digits of one parameter) or "winding" (C: the size of one weight)
    modulus : a Lipschitz constant in the Euclidean distance, or a callable ω(h). With it the bound
        is proved; without it the bound is estimated from a grid and labelled so.
    share : of eps, the most that the size of the cells may cost; the values get the rest. None: the
        number of cells that needs the fewest bits.
    max_cells : at most 2^18. By default 2^16 for "digits" (half a minute) and 64 for "winding"
        (seconds; 128 also take a larger `max_seconds`).
    options : of the construction, see `find_depth` and `find_winding`

    Raises
    ------
    TypeError, ValueError : before any long computation, for bad arguments, an f that raises an
        error (which is the cause of this one), is of wrong shape, not finite or faster than
        `modulus` allows, and an eps beyond what the construction can do, with what it would take
    RuntimeError : where the search of the construction ends without a result

    Examples
    --------
    >>> network = approximate(lambda x: x * (1 - x), eps=0.05, modulus=1)
    >>> network.n_parameters, network.status
    (52, 'proved for the given modulus')
    >>> network.measured_sup_error() <= network.bound <= 0.05
    True
    """
    if not callable(f):
        raise TypeError(f"f: found {checks.shown(f)}, expected a function of points")
    eps = checks.real(eps, "eps")
    if eps <= 0:
        raise ValueError(f"eps: found {eps}, expected a tolerance above 0")
    dim = checks.positive_int(dim, "dim", 1, MAX_DIM)
    name = checks.one_of(construction, "construction", CONSTRUCTIONS)
    if share is not None and not 0 < checks.real(share, "share") < 1:
        raise ValueError(f"share: found {share}, expected a share of eps above 0 and below 1")
    max_cells = FEW_CELLS[name] if max_cells is None else (
        checks.positive_int(max_cells, "max_cells", 1, MAX_CELLS))
    known = [key for key, kind in inspect.signature(CONSTRUCTIONS[name]).parameters.items()
             if kind.kind is inspect.Parameter.KEYWORD_ONLY]
    if unknown := [key for key in options if key not in known]:
        expected = f"one of {', '.join(known)}" if known else "no option"
        raise TypeError(f"{unknown[0]}: found an unknown option of {name!r}, expected {expected}"
                        f"{checks.suggest(unknown[0], known)}")
    limits = None if modulus is None else given(modulus, dim)

    # 1. Look at f on a grid: its range, and how fast it changes.
    size = probe_size(dim)
    seen = evaluate(f, grid(dim, size)).reshape((size,) * dim)
    if limits is None:
        limits = estimated(seen)
    else:
        refuse_contradicted(limits, seen)
    # 2. eps = change over a cell + rounding of doubles + error of the value that is held.
    cells = choose_cells(limits, eps, share, seen, max_cells)
    values = evaluate(f, cells.centres())
    lowest = float(min(seen.min(), values.min()))  # the grid's alone up to 2^11 cells, d = 1
    highest = float(max(seen.max(), values.max()))
    scale = highest - lowest
    rounding = ROUNDING * (abs(lowest) + scale)
    left = eps * (1 - 2.0**-48) - limits.change(cells.reach) - rounding
    if left <= 0:
        raise ValueError(f"eps: found {eps}, expected more than {eps - left:.3g}: doubles near "
                         f"{lowest:.6g} err by up to {rounding:.3g}")
    # 3. Hold f at the centres, scaled to [0, 1], to within what is left. A constant needs no range.
    targets = np.clip((values - lowest) / scale, 0, 1) if scale else np.zeros(len(values))
    tolerance = min(left / scale, LARGEST_EPS) if scale else LARGEST_EPS
    try:
        made = CONSTRUCTIONS[name](targets, tolerance, **options)
    except ValueError as error:
        if not str(error).startswith(("eps:", "bits:", "targets:")):
            raise
        bits = waiting_bits(targets, tolerance)
        raise ValueError(
            f"eps: found {eps}, which asks the construction {name!r} for {cells.count} cells, each "
            f"to within {tolerance:.3g} of the range (about {bits:.0f} bits): {error}"
        ) from error
    value_error = made.error * scale * (1 + 2.0**-50) + rounding
    return Approximant(f, eps, name, cells, made, lowest, highest, value_error, limits)
