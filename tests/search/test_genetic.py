"""The genetic search: fitness against direct sums, tournaments, and what it recovers."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import nslib
from nslib.data import make_formula
from nslib.search.genetic.evolution import GeneticOptions, evolve, tournament
from nslib.search.genetic.power_sums import PowerSums, power_sums

SMALL = {"population": 100, "generations": 6, "order": 4}


def data(n=130, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, X @ np.arange(1.0, d + 1) + 0.1 * rng.standard_normal(n)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), n=st.sampled_from([2, 5, 60, 1300]), order=st.integers(1, 6))
def test_fitness_is_the_mean_squared_error_of_the_sums(seed, n, order):
    """Also with linear scaling, where a straight line is fitted to each formula's outputs."""
    rng = np.random.default_rng(seed)
    Z, y = rng.normal(2, 3, (n, 3)), rng.normal(size=n)
    polynomials = rng.normal(size=(4, order + 1))
    sums = PowerSums.of(Z, y, order)
    values = [np.polynomial.polynomial.polyval(Z / sums.unit, a) for a in polynomials]
    direct = [v.sum(axis=1) / 3**0.5 for v in values]
    errors = [np.mean((y - f) ** 2) for f in direct]
    np.testing.assert_allclose(sums.errors(polynomials), errors, rtol=1e-8)
    lines = [y - np.polynomial.Polynomial.fit(f, y, 1)(f) for f in direct]
    scaled = [np.mean(residual**2) for residual in lines]
    np.testing.assert_allclose(sums.errors(polynomials, True), scaled, rtol=1e-6, atol=1e-12)
    spread = [((Z / sums.unit) ** k).sum(axis=1).std() / 3**0.5 for k in range(order + 1)]
    np.testing.assert_allclose(sums.spread, spread, rtol=1e-6, atol=1e-9)


def test_refit_is_least_squares_on_the_power_sums():
    Z, y = data(400)
    sums = PowerSums.of(Z, y, 5)
    coefficients, error = sums.refit([1, 4])
    columns = power_sums(Z / sums.unit, 5)[:, [0, 1, 4]] / 3**0.5
    wanted = np.linalg.lstsq(columns, y, rcond=None)[0]
    np.testing.assert_allclose(coefficients, wanted, rtol=1e-9)
    assert error == pytest.approx(np.mean((y - columns @ wanted) ** 2))


def test_orders_the_fit_does_not_miss_are_dropped():
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((1000, 4))
    y = (Z**3).sum(axis=1) + 0.1 * Z.sum(axis=1) + 0.3 * rng.standard_normal(1000)
    y /= y.std()
    sums = PowerSums.of(Z, y, 6)
    assert sums.needed(range(1, 7), threshold=0.001) == [1, 3]
    assert sums.needed(range(1, 7), threshold=0.1) == [3]  # the first order explains less
    assert sums.needed([2, 6], threshold=0.9) in ([2], [6])  # one always stays
    signs = PowerSums.of(np.sign(Z), y, 3)  # where x^3 = x, and x^2 is constant
    assert signs.needed([1, 2, 3], threshold=0.001) == [1]


def test_tournaments_pick_by_fitness_with_the_law_of_a_real_one():
    rng = np.random.default_rng(0)
    fitness = rng.permutation(20).astype(float)
    assert set(fitness[tournament(fitness, 50, 10_000, rng)]) == {0.0}
    winners = fitness[tournament(fitness, 100_000, 3, rng)]
    drawn = fitness[rng.integers(20, size=(100_000, 3))].min(axis=1)
    shares = [np.bincount(w.astype(int), minlength=20) / 100_000 for w in (winners, drawn)]
    assert np.abs(shares[0] - shares[1]).max() < 0.01
    fitness[fitness > 3] = np.inf
    assert np.isfinite(fitness[tournament(fitness, 500, 200, rng)]).all()


def test_the_best_formula_is_never_lost_and_has_the_error_that_is_told():
    Z, y = data(200)
    sums = PowerSums.of(Z, y / y.std(), 4)
    best, elite, history = evolve(
        sums, GeneticOptions(**SMALL), np.random.default_rng(3), lambda loss: None
    )
    assert (history["loss"].diff().dropna() <= 0).all()
    assert (history["median"] >= history["loss"]).all()
    assert sums.errors(best[None])[0] == pytest.approx(history["loss"].iloc[-1])
    errors = sums.errors(elite)
    assert len(elite) == 5 and (np.diff(errors) > 0).all()


@pytest.mark.parametrize(
    ("variant", "options", "least"),
    [
        (0, {}, 4),  # c S2, as published
        (2, {"linear_scaling": True}, 4),  # 10 S1 + 0.5 S2
        (3, {"linear_scaling": True}, 4),  # 5 S2 + 0.5 S4
    ],
)
def test_recovers_pure_formulas(variant, options, least):
    """Four of five seeds at least, each with a formula of its own, at most at 1.1 × the noise."""
    right = 0
    for seed in range(5):
        task = make_formula("pure", variant, n_samples=1000, seed=seed)
        result = nslib.search(
            task.X, task.y, "vsr", seed=seed, standardize=False, generations=25, **options
        )
        right += (
            result.structure == task.structure
            and np.mean((result.predict(task.X) - task.y) ** 2) < 1.1 * task.noise_floor
        )
    assert right >= least


def test_coordinates_share_one_formula_in_the_units_of_the_data():
    """x in the tens, y in the millions: y = 2 S4 + 3 S3, all read back from the formula."""
    X = np.random.default_rng(0).uniform(-50, 50, (600, 3))
    y = (2 * X**4 + 3 * X**3).sum(axis=1)
    result = nslib.search(X, y, "vsr", standardize=False, linear_scaling=True)
    assert result.structure == nslib.NeuronStructure((3, 4), ())
    wanted = sum(2 * s**4 + 3 * s**3 for s in sp.symbols("x_1:4"))
    found = sp.Poly(result.formula(raw=True), *sp.symbols("x_1:4"))
    for monomial, coefficient in sp.Poly(wanted).terms():
        assert float(found.coeff_monomial(monomial)) == pytest.approx(coefficient, rel=1e-6)
    np.testing.assert_allclose(result.predict(X), y, rtol=1e-6, atol=1.0)


def test_same_seed_same_result():
    X, y = data()
    first, again, other = nslib.search(X, y, "vsr", seeds=[4, 4, 5], **SMALL)
    assert first.history.equals(again.history) and not first.history.equals(other.history)
    assert (first.predict(X) == again.predict(X)).all()
    assert first.gate_probabilities == again.gate_probabilities
    assert set(first.gate_probabilities) == {f"pure {k}" for k in range(1, 5)}
    assert all(0 <= share <= 1 for share in first.gate_probabilities.values())


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_are_told_apart(n_classes):
    X, _ = data(500)
    radius = np.square(X).sum(axis=1)
    levels = np.quantile(radius, np.arange(1, n_classes) / n_classes)
    y = np.array(["near", "mid", "far"])[np.digitize(radius, levels)]
    result = nslib.search(X, y, "vsr", **SMALL)
    assert 2 in result.structure.pure and result.decision(X).shape == (500, n_classes)
    assert np.mean(result.predict(X) == y) > 0.9
    assert set(result.formula()) == set(result.classes)


@pytest.mark.parametrize("shape", [(2, 1), (3, 2), (8, 20), (64, 1)])
def test_small_and_awkward_shapes_work(shape):
    X, y = data(*shape)
    X = np.column_stack([X, np.full(len(X), 7.0)])
    result = nslib.search(X, y, "vsr", **SMALL)
    assert np.isfinite(result.predict(X)).all()
    assert np.isfinite(result.history.to_numpy(dtype=float)).all()
    assert f"x_{X.shape[1]}" not in {s.name for s in result.formula().free_symbols}


@pytest.mark.parametrize("unit", [1e-20, 1e20])
def test_units_do_not_matter(unit):
    X, y = data()
    reference = nslib.search(X, y, "vsr", standardize=False, **SMALL)
    result = nslib.search(X * unit, y * unit, "vsr", standardize=False, **SMALL)
    assert result.structure == reference.structure
    np.testing.assert_allclose(result.predict(X * unit) / unit, reference.predict(X), rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"population": 3}, ValueError, "population: found 3"),
        ({"generations": 0}, ValueError, "generations: found 0"),
        ({"order": 2.5}, TypeError, "order: found 2.5"),
        ({"nodes": 2}, ValueError, "nodes: found 2"),
        ({"tournament": 1.5}, ValueError, "tournament: found 1.5"),
        ({"crossover": 0.5}, ValueError, r"crossover \+ mutation: found 1.1"),
        ({"elite": 0.7}, ValueError, "elite: found 0.7"),
        ({"constant": 0}, ValueError, "constant: found 0"),
        ({"linear_scaling": 1}, TypeError, "linear_scaling: found 1"),
        ({"threshold": 0.0}, ValueError, "threshold: found 0.0"),
        ({"generation": 5}, TypeError, "did you mean 'generations'"),
    ],
)
def test_bad_options_are_refused_in_words(options, error, words):
    with pytest.raises(error, match=words):
        nslib.search(*data(), "vsr", **options)


def test_values_whose_powers_cannot_be_held_are_refused():
    X, y = data()
    with pytest.raises(ValueError, match="use standardize=True"):
        nslib.search(X * 1e40, y, "vsr", standardize=False)


def test_progress_is_plain_lines_on_stderr(capsys):
    nslib.search(*data(), "vsr", progress=True, population=20, generations=20)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10 and lines[-1].startswith("vsr: 20/20, loss ")
