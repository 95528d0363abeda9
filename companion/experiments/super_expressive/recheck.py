"""Certificates checked by a second route, in whole numbers: no mpmath, FLINT or floating point.

π by Machin's formula and the cosine by its series. Where few repetitions are needed, no angles at
all: the neuron 4u - 4u² is repeated on intervals. A number x is held as x·2^bits.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from nslib.theory import Construction, DenseTrajectory, Digits, Winding, start_angles

BITS = 256
LONGEST = 4096  # repetitions up to which the neuron itself is repeated
LEEWAY = Fraction(1, 1 << 200)  # far more than the check's own intervals are wide
GUARD = 64

Bounds = tuple[int, int]


def pi_bounds(bits: int) -> Bounds:
    """Return whole numbers below and above π·2^bits, a few apart: 16 arctan 1/5 - 4 arctan 1/239.

    Each of the fewer than `bits` + 64 terms is cut by at most two units of 2^-(bits + 64).
    """
    near = 16 * _arctan(5, bits + GUARD) - 4 * _arctan(239, bits + GUARD)
    cut = 1 << GUARD // 2
    return near - cut >> GUARD, (near + cut >> GUARD) + 1


def _arctan(inverse: int, bits: int) -> int:
    """Return arctan(1/inverse)·2^bits by its series."""
    power, total, odd, sign = (1 << bits) // inverse, 0, 1, 1
    while power:
        total += sign * (power // odd)
        power //= inverse * inverse
        odd, sign = odd + 2, -sign
    return total


def sine_squared(low: int, high: int, bits: int) -> Bounds:
    """Return bounds of sin²(πα)·2^bits for α·2^bits between `low` and `high`.

    (1 - cos 2πα)/2 by the series at the middle, folded to [0, 1/4]; the slope is at most π < 4.
    """
    one, work = 1 << bits, bits + GUARD
    angle = (low + high) // 2 % one
    angle = min(angle, one - angle)
    folded = 4 * angle > one
    if folded:
        angle = one // 2 - angle
    turn = 2 * pi_bounds(work)[0] * angle >> bits
    square = turn * turn >> work
    term, total, n, sign = 1 << work, 1 << work, 0, 1
    while term:
        n, sign = n + 2, -sign
        term = (term * square >> work) // (n * (n - 1))
        total += sign * term
    value = (1 << work) - total >> GUARD + 1
    if folded:
        value = one - value
    slack = 4 * ((high - low) // 2 + 2)
    return max(value - slack, 0), min(value + slack, one)


def neuron(low: int, high: int, bits: int) -> Bounds:
    """Return bounds of (4u - 4u²)·2^bits for u·2^bits in [low, high] within [0, 2^bits]."""
    one = 1 << bits
    ends = [4 * u * (one - u) for u in (low, high)]
    over = low <= one >> 1 <= high
    return min(ends) >> bits, one if over else -(-max(ends) >> bits)


def repeated(angle: Fraction, steps: int) -> list[tuple[Fraction, Fraction]]:
    """Return bounds of T^r(sin²(π·angle)) for r = 0 … `steps`, by repeating the neuron.

    2·steps + 256 bits: an error doubles in the angle at each step, and near 0 and 1 an error of u
    is the square of one in the angle.
    """
    bits = 2 * steps + BITS
    start = angle.numerator * (1 << bits) // angle.denominator
    low, high = sine_squared(start, start + 1, bits)
    bounds = [(low, high)]
    for _ in range(steps):
        bounds.append(neuron(*bounds[-1], bits))
    return _fractions(bounds, bits)


def enclosures(result: Construction) -> tuple[str, list[tuple[Fraction, Fraction]]]:
    """Return the route in words, and exact bounds [K] of the values.

    C: w/(π + k) by division, then the series. A and B: the neuron repeated, up to 4096 times; for
    more, the binary digits shifted and then the series.
    """
    if isinstance(result, Winding):
        return "w/(π + k) divided", _wound(result.w, result.cells)
    if isinstance(result, DenseTrajectory):
        angles = start_angles(result.c, result.cells)
        if result.depth <= LONGEST:
            return "neuron repeated", [repeated(a, result.depth)[-1] for a in angles]
        shifted = [(a.numerator * pow(2, result.depth, a.denominator) << BITS)
                   // a.denominator % (1 << BITS) for a in angles]
    elif isinstance(result, Digits):
        if result.repeats <= LONGEST:
            return "neuron repeated", repeated(result.angle, result.repeats)[::result.word_bits]
        kept = (1 << result.bits) - 1
        shifted = [((result.code << result.word_bits * k & kept) << BITS) >> result.bits
                   for k in range(result.cells)]
    else:
        raise TypeError(f"result: found {type(result).__name__}, expected a construction A, B or C")
    return "digits shifted", _fractions(
        [sine_squared(place, place + 1, BITS) for place in shifted], BITS)


def _wound(w: int, cells: int) -> list[tuple[Fraction, Fraction]]:
    """Return bounds [K] of sin²(π w/(π + k))."""
    bits = w.bit_length() + BITS
    low, high = pi_bounds(bits)
    return _fractions([sine_squared((w << 2 * bits) // (high + (k << bits)),
                                    (w << 2 * bits) // (low + (k << bits)) + 1, bits)
                       for k in range(1, cells + 1)], bits)


def _fractions(bounds: list[Bounds], bits: int) -> list[tuple[Fraction, Fraction]]:
    return [(Fraction(low, 1 << bits), Fraction(high, 1 << bits)) for low, high in bounds]


def recheck(result: Construction) -> dict[str, Any]:
    """Check every bound that a construction states against `enclosures`.

    Checked are: each value lies in its certified interval (K bounds); the largest error is at most
    `error`, which is at most `eps`; for B the largest error is at most π 2^-m. Returns route, error
    (float), checked, and violated: the number that is not confirmed to within 2^-200.
    """
    route, bounds = enclosures(result)
    low, high = result.values.low.tolist(), result.values.high.tolist()
    confirmed = [Fraction(a) - LEEWAY <= x and y <= Fraction(b) + LEEWAY
                 for a, b, (x, y) in zip(low, high, bounds, strict=True)]
    error = max(max(y - Fraction(t), Fraction(t) - x)
                for t, (x, y) in zip(result.targets.tolist(), bounds, strict=True))
    confirmed += [error <= Fraction(result.error) + LEEWAY, result.error <= result.eps]
    if isinstance(result, Digits):
        limit = Fraction(pi_bounds(BITS)[0], 1 << BITS + result.word_bits)
        confirmed.append(error <= limit + LEEWAY)
    return {"route": route, "error": float(error), "checked": len(confirmed),
            "violated": len(confirmed) - sum(confirmed)}
