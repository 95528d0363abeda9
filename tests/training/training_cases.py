"""Small data sets and networks that the tests of training share."""

import numpy as np
import torch

from nslib.networks import MLP
from nslib.training import Part


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def linear(x):
    return x @ np.linspace(-1, 1, x.shape[1])


def part(seed=0, rows=200, features=3, truth=linear, noise=0.1, validation=60):
    """Return a Part of normal features and a truth with noise, of which all depends on `seed`."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows + validation, features))
    y = truth(X)
    if y.dtype.kind == "f":
        y = y + noise * rng.normal(size=len(X))
    return Part(X[:rows], y[:rows], X[rows:], y[rows:], seed)


def classes(x):
    """Return three classes, by the angle of the first two features."""
    return ((np.arctan2(x[:, 1], x[:, 0]) / (2 * np.pi) % 1) * 3).astype(int)


def mlps(n, hidden=(5,), features=3, outputs=1, seed=0, **options):
    return [
        MLP(features, outputs, hidden, generator=generator(seed + i), **options) for i in range(n)
    ]


def weights(network):
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])
