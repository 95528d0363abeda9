"""Chunked least squares against one-shot algebra, and the polynomial against `TaskLinear`."""

import numpy as np
import pytest
import torch

from nslib.search.least_squares.gram import (
    Data,
    gradient,
    minimise,
    normal_equations,
    power_columns,
    solve,
    squared_error,
)
from nslib.search.least_squares.objective import Squares
from nslib.search.least_squares.polynomial import Polynomial, Rows
from nslib.structure import Stream


def random_polynomial(d=4, seed=0, outputs=1):
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    model = Polynomial.constant(d, outputs).with_pure(1).with_pure(3)
    for k in (2, 3, 3):
        model = model.with_term(drawn(k, d), drawn(outputs))
    weights = {k: drawn(outputs, d) for k in model.pure}
    return Polynomial(d, drawn(outputs), weights, model.factors, model.mix)


def points(n=200, d=4, seed=1):
    return np.random.default_rng(seed).standard_normal((n, d))


@pytest.mark.parametrize("outputs", [1, 3])
def test_neuron_computes_the_polynomial(outputs):
    model, Z = random_polynomial(outputs=outputs), torch.as_tensor(points())
    neuron = model.to_neuron()
    assert neuron.structure.streams == model.streams == ("pure 1", "pure 3", "interact 2",
                                                         "interact 3")
    assert neuron.structure.rank == 2
    torch.testing.assert_close(neuron(Z), model.outputs(Rows(Z)))


def test_tangent_is_the_derivative():
    model, rows = random_polynomial(), Rows(torch.as_tensor(points(20)))
    tangent, output = model.tangent(rows)
    torch.testing.assert_close(output, model.outputs(rows))
    direction = torch.randn(tangent.shape[1], dtype=torch.float64)
    step = 1e-6
    moved = model.moved(step * direction).outputs(rows) - model.moved(-step * direction).outputs(
        rows
    )
    torch.testing.assert_close(moved[:, 0] / (2 * step), tangent @ direction, rtol=1e-5, atol=1e-6)
    assert len(model.parameters()) == tangent.shape[1]


def test_chunks_add_up_to_the_whole():
    Z = points(203)
    y = torch.as_tensor(np.random.default_rng(2).standard_normal((203, 1)))
    model = random_polynomial()
    tangent, output = model.tangent(Rows(torch.as_tensor(Z)))
    residual = (y - output)[:, 0]
    for chunk in (16, 50, 1000):
        data = Data(Z, y, chunk, keep=chunk == 50)
        gram, right, squares = normal_equations(model, data, squared_error, 0.0)
        torch.testing.assert_close(gram, tangent.T @ tangent)
        torch.testing.assert_close(right, tangent.T @ residual)
        assert squares == pytest.approx(float(residual @ residual))
        columns = power_columns(Rows(torch.as_tensor(Z)), 4)
        torch.testing.assert_close(data.power_gram(4), columns.T @ columns)
        torch.testing.assert_close(data.power_products(y, 4), columns.T @ y)
        torch.testing.assert_close(Squares(data).residual(model)[:, 0], residual)


def test_the_gradient_needs_no_tangent():
    model, rows = random_polynomial(), Rows(torch.as_tensor(points(60)))
    tangent, output = model.tangent(rows)
    found, pull = model.pulled_back(rows)
    torch.testing.assert_close(found, output)
    s = torch.as_tensor(points(60, 1))[:, 0]
    torch.testing.assert_close(pull(s), tangent.T @ s)
    data = Data(points(60), torch.as_tensor(points(60, 1, seed=5)), 16, keep=False)
    penalty = torch.rand(tangent.shape[1], dtype=torch.float64)
    _, right, value = normal_equations(model, data, squared_error, penalty)
    torch.testing.assert_close(gradient(model, data, squared_error, penalty)[0], right)
    assert gradient(model, data, squared_error, penalty)[1] == pytest.approx(value)


@pytest.mark.parametrize("tails", [None, 2.5])
@pytest.mark.parametrize("seed", range(3))
def test_the_curvature_of_a_sample_leads_to_the_fit_of_all_rows(tails, seed):
    """Also where a few rows beyond the sample decide, with heavy tails."""
    rng = np.random.default_rng(seed)
    Z = points(6000, seed=seed)
    Z *= 1.0 if tails is None else rng.standard_t(tails, (6000, 1))
    truth = random_polynomial(seed=seed)
    target = truth.outputs(Rows(torch.as_tensor(Z)))
    target = target + 0.3 * torch.as_tensor(rng.standard_normal((6000, 1)))
    sample = Data(Z[:600], target[:600], 200, keep=True)
    start, _ = minimise(truth, sample, 40, 1e-5)
    p = truth.n_free
    whole = Data(Z, target, 500, keep=False)
    _, exact = minimise(start, whole, 200, 1e-12)
    data = Data(Z, target, 500, keep=False, sample=sample)
    _, found = minimise(start, data, 40, 1e-9)
    assert exact * (1 - 1e-9) <= found <= exact * (1 + 0.05 * p / 6000)
    assert data.passes <= 25


def test_without_noise_the_fit_of_the_sample_stays_exact():
    Z, truth = points(3000), random_polynomial(seed=3)
    target = truth.outputs(Rows(torch.as_tensor(Z)))
    sample = Data(Z[:500], target[:500], 200, keep=True)
    start, _ = minimise(truth.moved(torch.full((len(truth.parameters()),), 1e-3).double()),
                        sample, 100, 1e-12)
    data = Data(Z, target, 500, keep=False, sample=sample)
    assert minimise(start, data)[1] < 1e-20 * float(target.square().sum())


def test_data_on_disk_gives_the_same_matrix(tmp_path):
    Z = points(100)
    np.save(tmp_path / "Z.npy", Z)
    y = torch.zeros(100, 1, dtype=torch.float64)
    mapped = Data(np.load(tmp_path / "Z.npy", mmap_mode="r"), y, 30, keep=False)
    torch.testing.assert_close(mapped.power_gram(3), Data(Z, y, 30, keep=True).power_gram(3))


def test_solve_gives_zero_for_columns_of_zeros_and_survives_copies():
    columns = torch.as_tensor(points(50, 3))
    columns = torch.cat([columns, columns[:, :1], torch.zeros(50, 1)], dim=1)
    y = columns[:, 0] + 2 * columns[:, 1]
    found = solve(columns.T @ columns, columns.T @ y)
    torch.testing.assert_close(columns @ found, y, atol=1e-8, rtol=0)
    assert found[4] == 0 and found.abs().max() < 10


def test_refinement_recovers_an_exact_polynomial():
    Z = points(600)
    truth = random_polynomial(seed=3)
    target = truth.outputs(Rows(torch.as_tensor(Z)))
    noise = 0.05 * torch.randn(
        len(truth.parameters()), generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    data = Data(Z, target, 100, keep=True)
    model, squares = minimise(truth.moved(noise), data, 100, 1e-12)
    assert squares < 1e-16 * float(target.square().sum())
    fresh = Rows(torch.as_tensor(points(50, seed=9)))
    torch.testing.assert_close(model.outputs(fresh), truth.outputs(fresh), atol=1e-8, rtol=1e-8)


def test_free_parameters_count_shared_scales_once():
    model = random_polynomial(d=4)
    assert model.n_free == 1 + 2 * 4 + (2 * 3 + 1) + 2 * (3 * 3 + 1)
    assert model.without(("interact", 3, 0)).n_free == model.n_free - 10
    assert model.without_stream(Stream("interact", 3)).streams == ("pure 1", "pure 3", "interact 2")
