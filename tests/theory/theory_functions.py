"""Functions to come near: (f, dim, Lipschitz constant in the Euclidean distance)."""

import numpy as np
from sklearn.datasets import load_digits


def sine(x):
    return np.sin(2 * np.pi * x)


def kink(x):
    return 7 * np.abs(x - 0.3) - 20


FREQUENCIES = np.random.default_rng(5).uniform(1, 60, 20)


def noisy(x):
    """Many sines, of amplitude 1/frequency: the slope is at most their number."""
    return (np.sin(FREQUENCIES * x[:, None] + FREQUENCIES**2) / FREQUENCIES).sum(axis=1)


def bump(p):
    return np.exp(-8 * ((p - 0.5) ** 2).sum(axis=1))


IMAGE = load_digits().images[0] / 16  # 8 x 8 greys


def image(p):
    """The grey values of a digit on a grid, bilinear between."""
    place = p * 7
    low = np.minimum(place.astype(int), 6)
    (r, c), (i, j) = (place - low).T, low.T
    return ((1 - r) * (1 - c) * IMAGE[i, j] + (1 - r) * c * IMAGE[i, j + 1]
            + r * (1 - c) * IMAGE[i + 1, j] + r * c * IMAGE[i + 1, j + 1])


def image_slope():
    """Each partial derivative is a mean of differences of neighbours."""
    steps = [7 * np.abs(np.diff(IMAGE, axis=axis)).max() for axis in (0, 1)]
    return float(np.hypot(*steps))


FUNCTIONS = {
    "sine": (sine, 1, 2 * np.pi), "kink": (kink, 1, 7.0), "noisy": (noisy, 1, 20.0),
    "bump": (bump, 2, 4 * np.exp(-0.5)), "image": (image, 2, image_slope()),
}
