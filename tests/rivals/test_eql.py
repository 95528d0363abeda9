"""The equation learner: its arithmetic, its support, and what it recovers."""

import numpy as np
import pytest
import torch

from companion.rivals import fit_model
from companion.rivals.eql import EqlOptions, _forward, _initial, _polish, _train, fit_eql
from companion.rivals.polynomial_streams import Graded
from nslib.data import make_formula

SMALL = {"units": 4, "order": 3, "epochs": 60, "polish": 200, "batch_size": 64}


@pytest.mark.parametrize("layers", [1, 2])
def test_outputs_of_tensors_arrays_and_graded_values_agree(layers):
    options = EqlOptions(layers=layers, order=2, units=3, restarts=2, penalties=(0.0,))
    weights = [w.detach().double() for w in _initial(4, 2, options, torch.Generator())]
    X = torch.randn(7, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    together = _forward(weights, X, 2)
    assert together.shape == (2, 7)
    for network in range(2):
        own = [w[network].numpy() for w in weights]
        np.testing.assert_allclose(_forward(own, X.numpy(), 2), together[network])
        graded = _forward(own, Graded.of(X.numpy()), 2)
        np.testing.assert_allclose(graded.parts.sum(axis=0), together[network])


def test_units_are_powers_and_a_product_of_forms():
    forms = np.array([[1.0, 0.0, 1.0, 2.0], [0.0, 1.0, 1.0, -1.0]])
    X = np.array([[3.0, 5.0]])
    for output, wanted in zip(np.eye(3), (3.0, 25.0, 8.0 * 1.0), strict=True):
        found = _forward([forms, output[:, None], np.array([[0.5]])], X, 2)
        assert found == pytest.approx(wanted + 0.5)


def test_weights_below_the_threshold_are_zero_and_stay_so():
    X = torch.randn(80, 3, generator=torch.Generator().manual_seed(0))
    y = X[:, 0] - X[:, 1] * X[:, 2]
    options = EqlOptions(**SMALL, penalties=(1e-2,), threshold=0.05)
    trained = _train(X, y, options, torch.Generator().manual_seed(1))
    zero = [w == 0 for w in trained[:-1]]
    assert all(z.any() and not z.all() for z in zero)
    network = [w.double() for w in trained]
    polished = _polish(network, X.double(), y.double(), 3, 20)
    for z, w in zip(zero, polished, strict=False):
        assert not w[z].any()
    before, after = (
        (_forward(w, X.double(), 3) - y).square().mean() for w in (network, polished)
    )
    assert after < before


def test_recovers_a_formula_and_its_streams():
    task = make_formula("hybrid", 1, 300, 3, seed=1)
    model = fit_model("eql", task.X[:200], task.y[:200], **SMALL)
    assert model.structure.streams == task.structure.streams
    assert np.mean((model.predict(task.X[200:]) - task.y[200:]) ** 2) < 10 * task.noise_floor


def test_a_training_that_diverges_says_so():
    X = np.random.default_rng(0).standard_normal((40, 2))
    with pytest.raises(ValueError, match="learning_rate: found a training that diverges"):
        fit_eql(X, X[:, 0], 0, EqlOptions(units=2, epochs=3, learning_rate=1e12))
