"""The chaotic neuron T(u) = ReLU(4u - 4u²), the logistic map: its orbits and its conjugacy.

A double loses one bit a step and is noise after 52 steps, so orbits are fractions or intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from numbers import Integral
from typing import TYPE_CHECKING, Any

from .. import checks
from .intervals import Intervals, context, ends, exact, fraction, outward

if TYPE_CHECKING:  # torch and sympy take a second or two: imported where they are used
    import sympy as sp
    import torch

MAX_EXPONENT = 1 << 16  # bits of a number given as text, Decimal or mpmath number
MAX_STEPS = 10_000  # of an orbit, whose arithmetic has two bits a step: a minute


def chaotic_neuron(dtype: torch.dtype | None = None) -> torch.nn.Sequential:
    """Return the neuron T(u) = ReLU(4u - 4u²) as a torch module.

    A `TaskLinear` of the pure orders 1 and 2 with the weights (4, -4) and no bias, then ReLU. In
    floating point its orbit is right for at most as many steps as the mantissa has bits. The module
    maps (..., 1) to (..., 1).

    Parameters
    ----------
    dtype : of the weights; torch.float64 by default
    """
    import torch

    from ..neuron import TaskLinear
    from ..structure import NeuronStructure

    neuron = TaskLinear(1, 1, NeuronStructure(pure=(1, 2), interact=()), bias=False,
                        dtype=dtype or torch.float64)
    with torch.no_grad():
        neuron.weight.copy_(torch.tensor([[4.0, -4.0]]))
    return torch.nn.Sequential(neuron, torch.nn.ReLU())


def as_fraction(value: Any, name: str) -> Fraction:
    """Return the exact value of an int, float, Fraction, text like "3/8" or mpmath number.

    Raises TypeError for True and False; ValueError for what is no finite number, and for a text or
    number whose digits and exponent take more than `MAX_EXPONENT` bits.
    """
    if isinstance(value, bool):
        raise TypeError(f"{name}: found {value!r}, expected a number")
    size = 0  # bits: "1e1000000000" is short, but gigabytes as a fraction
    try:
        if hasattr(value, "_mpf_"):
            size = abs(value._mpf_[2]) if value._mpf_[1] else 0
        elif isinstance(value, (str, Decimal)):
            parts = [Decimal(part) for part in str(value).split("/")]
            size = 4 * max(len(str(value)), *(abs(part.adjusted()) for part in parts))
        if size <= MAX_EXPONENT:
            if isinstance(value, Integral):  # of numpy, whose fraction would overflow
                return Fraction(int(value))
            return fraction(value._mpf_) if hasattr(value, "_mpf_") else Fraction(value)
    except (ArithmeticError, TypeError, ValueError):
        raise ValueError(f"{name}: found {checks.shown(value)}, expected a finite number") from None
    raise ValueError(f"{name}: found a number of some {size} bits, expected at most {MAX_EXPONENT}")


def orbit_intervals(start: Any, steps: int, bits: int = 64) -> Intervals:
    """Return certified intervals of the orbit, by repeating the neuron in interval arithmetic.

    Parameters
    ----------
    start : a number in [0, 1], taken exactly
    steps : at least 0 and at most 10,000; the result has shape (steps + 1,)
    bits : the arithmetic has 2·steps + `bits` bits
    """
    u, steps = as_fraction(start, "start"), checks.positive_int(steps, "steps", 0, MAX_STEPS)
    if not 0 <= u <= 1:
        raise ValueError(f"start: found {start}, expected a number in [0, 1]")
    ctx = context(2 * steps + checks.positive_int(bits, "bits", 8, MAX_EXPONENT))
    point, points = exact(ctx, u), []
    for step in range(steps + 1):
        # 4u - 4u² with u once only: an interval gets at most four times as wide, hence two bits
        point = 1 - (2 * point - 1) ** 2 if step else point
        low, high = ends(point)
        low, high = max(low, Fraction(0)), min(high, Fraction(1))
        points.append((low, high))
        point = ctx.mpf([exact(ctx, low).a, exact(ctx, high).b])
    return outward(points)


def angle_at(angle: Fraction, depth: int) -> Fraction:
    """Return 2^depth · angle mod 1 exactly: the angle of T^depth(sin²(π angle)).

    `angle`: a rational number, in turns; `depth`: repetitions, at least 0, whose number of bits
    alone decides what this costs. A fraction in [0, 1).
    """
    angle = as_fraction(angle, "angle")
    depth = checks.positive_int(depth, "depth", 0)
    q = angle.denominator
    return Fraction(pow(2, depth, q) * angle.numerator % q, q)


def angle_orbit(angle: Fraction, steps: int) -> list[Fraction]:
    """Return the angles α, 2α, …, 2^steps α mod 1 exactly, [steps + 1] fractions in turns.

    Parameters
    ----------
    angle : α, a rational number, in turns
    steps : at least 0
    """
    points = [angle_at(angle, 0)]
    for _ in range(checks.positive_int(steps, "steps", 0)):
        points.append(2 * points[-1] % 1)
    return points


@dataclass(frozen=True)
class Step:
    """One line of a proof: expressions that are equal, and why, in words."""

    left: sp.Expr
    right: sp.Expr
    reason: str

    def verified(self) -> bool:
        """Whether sympy reduces left - right to zero."""
        import sympy as sp

        return sp.simplify(self.left - self.right) == 0

    def latex(self) -> str:
        """Return the line as LaTeX."""
        import sympy as sp

        return f"{sp.latex(self.left)} = {sp.latex(self.right)}"


def prove_conjugacy() -> tuple[Step, ...]:
    """Return the steps that prove T^r(sin²(πα)) = sin²(π 2^r α) for T(u) = ReLU(4u - 4u²).

    First T(u) = 4u - 4u² on [0, 1], where ReLU does nothing; then r = 1 for every angle; then the
    induction from r to r + 1: six steps, each an identity that sympy has verified, or
    ArithmeticError. Source: Lemma 1, the conjugacy of the logistic map with the doubling of the
    angle (Ulam and von Neumann, 1947).
    """
    import sympy as sp

    alpha, u = sp.Symbol("alpha", real=True), sp.Symbol("u", real=True)
    r = sp.Symbol("r", integer=True, nonnegative=True)
    sine, cosine = sp.sin(sp.pi * alpha), sp.cos(sp.pi * alpha)
    angle = sp.pi * 2**r * alpha
    steps = (
        Step(4 * u - 4 * u**2, 1 - (2 * u - 1) ** 2,
             "completing the square: u in [0, 1] stays in [0, 1], where ReLU changes nothing"),
        Step((4 * u - 4 * u**2).subs(u, sine**2), 4 * sine**2 * (1 - sine**2),
             "the neuron at u = sin²(πα)"),
        Step(4 * sine**2 * (1 - sine**2), (2 * sine * cosine) ** 2, "1 - sin² = cos²"),
        Step((2 * sine * cosine) ** 2, sp.sin(2 * sp.pi * alpha) ** 2, "the double angle: r = 1"),
        Step((4 * u - 4 * u**2).subs(u, sp.sin(angle) ** 2), sp.sin(2 * angle) ** 2,
             "the same with 2^r α in place of α"),
        Step(sp.sin(2 * angle) ** 2, sp.sin(sp.pi * 2 ** (r + 1) * alpha) ** 2,
             "2 · 2^r = 2^(r+1): if the lemma holds for r, it holds for r + 1"),
    )
    for step in steps:
        if not step.verified():
            raise ArithmeticError(f"conjugacy: sympy does not verify {step.left} = {step.right}")
    return steps
