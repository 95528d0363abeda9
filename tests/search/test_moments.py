"""Starting points: moments against tensorly's unfolding, alternating fits against known factors."""

import numpy as np
import pytest
import tensorly as tl
import torch

from nslib.search.least_squares.moments import (
    Starts,
    alternate,
    eigenvectors,
    hermite,
    leading_subspace,
    unfolding_gram,
    whitening,
)

GENERATOR = np.random.default_rng


def product_task(seed, n=2000, d=30, order=3, rank=1):
    rng = GENERATOR(seed)
    Z = torch.as_tensor(rng.standard_normal((n, d)))
    factors = torch.as_tensor(rng.standard_normal((rank, order, d)) / np.sqrt(d))
    return Z, (Z @ factors.flatten(0, 1).T).unflatten(1, (rank, order)).prod(2).sum(1), factors


def share_inside(basis, factors):
    """Mean squared length of the unit factors' projections on an orthonormal basis."""
    unit = factors / factors.norm(dim=1, keepdim=True)
    return float((unit @ basis).square().sum(1).mean())


def test_hermite_polynomials_are_those_of_numpy():
    values = torch.linspace(-3, 3, 13, dtype=torch.float64)
    for k in range(6):
        wanted = np.polynomial.hermite_e.HermiteE.basis(k)(values.numpy())
        np.testing.assert_allclose(hermite(k, values).numpy(), wanted, atol=1e-12)


def test_whitening_leaves_out_repeated_and_constant_features():
    X = torch.as_tensor(GENERATOR(0).normal(3.0, 2.0, (400, 3)))
    X = torch.cat([X, X[:, :1], torch.full((400, 1), 7.0, dtype=torch.float64)], dim=1)
    mean, matrix = whitening(X)
    white = (X - mean) @ matrix
    assert matrix.shape == (5, 3)
    torch.testing.assert_close(white.T @ white / 400, torch.eye(3, dtype=torch.float64))


def test_unfolding_gram_is_that_of_tensorlys_unfolding():
    """The sum over pairs of rows is the Gram matrix of the unfolded moments, less the diagonal."""
    Z, e, _ = product_task(1, n=3000, d=5)
    S = Z / Z.norm(dim=1, keepdim=True) * 5**0.5
    found = unfolding_gram(S, e.unsqueeze(1), 3).numpy()
    e, S = e.numpy(), S.numpy()
    raw = tl.unfold(tl.tensor(np.einsum("n,na,nb,nc->abc", e, S, S, S)), 0)
    first = S.T @ e
    wanted = 2 * (raw @ raw.T / 5 - np.outer(first, first) - 4 * (S.T * e**2) @ S)
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


def test_directions_of_a_product_are_found_where_its_moment_tensor_is_noise():
    """Fourth order, 20 rows a dimension: far below Q^2 rows."""
    shares = []
    for seed in range(6):
        Z, e, factors = product_task(seed, n=1600, d=80, order=4)
        basis = leading_subspace(Z, (e - e.mean()).unsqueeze(1), 4, 12)
        moments = torch.linalg.eigh(unfolding_gram(Z, e.unsqueeze(1), 4))[1][:, -12:]
        shares.append([share_inside(b, factors[0]) for b in (basis, moments.double())])
    both, alone = np.mean(shares, axis=0)
    assert both > 0.6 and both > alone + 0.1


@pytest.mark.parametrize("order", [3, 4])
def test_moment_subspace_contains_the_true_directions(order):
    shares = []
    for seed in range(4):
        Z, e, factors = product_task(seed, n=2000, d=20, order=order)
        basis = leading_subspace(Z, (e - e.mean()).unsqueeze(1), order, 2 * order)
        shares.append(share_inside(basis, factors[0]))
    by_chance = 2 * order / 20
    assert np.mean(shares) > by_chance + 0.25


def test_alternating_fit_stays_at_the_true_factors():
    Z, e, factors = product_task(2, d=6)
    target = (e - e.mean()).unsqueeze(0)
    found, share = alternate(Z, target, factors.clone(), sweeps=3)
    assert share[0] > 1 - 1e-4
    cosine = torch.cosine_similarity(found[0], factors[0], dim=1).abs()
    assert cosine.min() > 1 - 1e-4


@pytest.mark.parametrize("order", [2, 3, 4, 5])
def test_candidate_finds_the_factors_from_random_starts(order):
    """In at least seven of eight tasks."""
    right = 0
    for seed in range(8):
        Z, e, factors = product_task(seed, n=1500, d=8, order=order)
        starts = Starts(Z, 16, 60, torch.Generator().manual_seed(seed))
        product = (Z @ starts.candidate(e.unsqueeze(1), order).T).prod(1)
        right += abs(np.corrcoef(product, e)[0, 1]) > 0.95
    assert right >= 7


def test_candidate_in_many_dimensions_starts_from_the_moments():
    Z, e, factors = product_task(3, n=2000, d=60, order=3)
    starts = Starts(Z, 16, 60, torch.Generator().manual_seed(0))
    product = (Z @ starts.candidate(e.unsqueeze(1), 3).T).prod(1)
    assert abs(np.corrcoef(product, e)[0, 1]) > 0.95


def test_signs_of_eigenvectors_change_no_start(monkeypatch):
    """LAPACK leaves them open."""
    Z, e, _ = product_task(5, n=150, d=16, order=3)
    target, eigh = e.unsqueeze(1), torch.linalg.eigh

    def candidates():
        starts = Starts(Z, 16, 10, torch.Generator().manual_seed(0))
        return [starts.candidate(target, order) for order in (2, 3, 4)]

    before = candidates()
    signs = torch.Generator().manual_seed(1)

    def flipped(matrix):
        values, vectors = eigh(matrix)
        return values, vectors * (1 - 2 * torch.randint(2, (vectors.shape[-1],), generator=signs))

    monkeypatch.setattr(torch.linalg, "eigh", flipped)
    for one, other in zip(before, candidates(), strict=True):
        assert torch.equal(one, other)


def test_equal_entries_of_an_eigenvector_do_not_decide_its_sign_by_rounding():
    vectors = [eigenvectors(torch.tensor([[1 + jitter, r], [r, 1.0]], dtype=torch.float64))[1]
               for r in (0.5, -0.5) for jitter in (0.0, 1e-15, -1e-15)]
    assert all((v[0] > 0).all() for v in vectors)


def test_few_rows_are_swept_in_double_precision(monkeypatch):
    """Their sweeps do not converge, and would turn the seventh digit into another product."""
    drawn, randn = [], torch.randn
    monkeypatch.setattr(torch, "randn", lambda *shape, **how: drawn.append(how["dtype"])
                        or randn(*shape, **how))
    for n, precision in ((150, torch.float64), (1500, torch.float32)):
        Z, e, _ = product_task(0, n=n, d=6)
        starts = Starts(Z, 4, 4, torch.Generator().manual_seed(0))
        assert starts.precision is precision
        assert starts.candidate(e.unsqueeze(1), 3).dtype is torch.float64
    assert drawn == [torch.float64, torch.float64]  # single precision is drawn otherwise elsewhere
