"""Lemma 1 by sympy: in the angle, the chaotic neuron is the binary shift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sympy as sp  # imported where it is used: it takes most of a second


@dataclass(frozen=True)
class Step:
    """One line of a proof.

    Attributes
    ----------
    left, right : expressions that are equal
    reason : why, in words
    """

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
    induction from r to r + 1. Source: Lemma 1, the conjugacy of the logistic map with the doubling
    of the angle (Ulam and von Neumann, 1947).

    Returns
    -------
    (6,) steps, each an identity that sympy has verified

    Raises
    ------
    ArithmeticError : where sympy does not verify a step
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
