"""The network once more, neuron by neuron, in fractions and long numbers: the tests' own route."""

from fractions import Fraction
from itertools import product

import mpmath
import numpy as np

from nslib.theory import DenseTrajectory, Digits, Winding

HALF = Fraction(1, 2)


def relu(z):
    return z if z > 0 else 0 * z


def index(point, digits, ramps):
    """The index, from 0, of exact coordinates, by repeated ReLU ramps."""
    a, b = [Fraction(x) for x in point], Fraction(0)
    for _ in range(digits):
        for i, z in enumerate(a):
            for _ in range(ramps):
                z = relu(2 * z - HALF) - relu(2 * z - 3 * HALF)
            a[i] = 2 * a[i] - z
            b = 2 * b + z
    return b


def value(held, k):
    """What the construction's network gives at the fraction k, repeating its neuron in mpmath."""
    extra = held.w.bit_length() if isinstance(held, Winding) else 2 * held.repeats
    with mpmath.workprec(extra + held.bits + 120):
        k = mpmath.mpf(k.numerator) / k.denominator
        if isinstance(held, Winding):
            t = k + mpmath.pi - 1
            return mpmath.sin(mpmath.pi * held.w * t / (1 + t)) ** 2
        if isinstance(held, DenseTrajectory):
            t = k - 1 + mpmath.mpf(held.c.numerator) / held.c.denominator
            u = mpmath.sin(mpmath.pi * t / (1 + t)) ** 2
            for _ in range(held.depth):
                u = relu(4 * u - 4 * u * u)
            return u
        assert isinstance(held, Digits)
        u = mpmath.sin(mpmath.pi * mpmath.mpf(held.code) / mpmath.mpf(2) ** held.bits) ** 2
        out = mpmath.mpf(0)
        for step in range(1, held.cells + 1):
            z = step - k
            out += relu(1 - relu(z) - relu(-z)) * u
            for _ in range(held.word_bits):
                u = relu(4 * u - 4 * u * u)
        return out


def network(approximant, point):
    """The approximant at one point (d,): the medians of 3^d copies, then the range."""
    digits, dim = approximant.cells.digits, approximant.dim
    shift = 2.0 ** -(digits + 6)
    copies = [value(approximant.construction,
                    1 + index([float(x + s * shift) for x, s in zip(point, signs, strict=True)],
                              digits, digits + 7))
              for signs in product((-1, 0, 1), repeat=dim)]
    while len(copies) > 1:
        copies = [sorted(copies[i:i + 3])[1] for i in range(0, len(copies), 3)]
    return float(approximant.lowest + approximant.scale * copies[0])


def hard_points(cells, rng, count):
    """Points (M, d): at random, on the cells' borders, and a little beside them."""
    side = 2.0**-cells.digits
    borders = rng.integers(0, 2**cells.digits + 1, (count, cells.dim)) * side
    shift = 2.0 ** -(cells.digits + 6)
    beside = rng.choice([0, 2.0**-53, 1e-9, shift / 16, shift / 4, shift, 1.01 * shift],
                        (count, cells.dim)) * rng.choice([-1, 1], (count, cells.dim))
    near = np.clip(borders + beside, 0, 1)
    inside = rng.random((count, cells.dim))
    mixed = np.where(rng.random((count, cells.dim)) < 0.5, near, inside)
    return np.concatenate([near, inside, mixed])
