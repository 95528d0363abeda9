"""A search from a file on disk: the numbers of the search from memory, without a full copy."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nslib
from nslib.data import make_formula
from nslib.search.columns import CHUNK_ELEMENTS, finite_columns
from nslib.search.search_task import make_task


def mapped(folder, X):
    np.save(folder / "X.npy", X)
    return np.load(folder / "X.npy", mmap_mode="r")


def same(first, second):
    assert first.structure == second.structure
    assert first.gate_probabilities == second.gate_probabilities
    assert first.history.equals(second.history)
    for name, weights in first.neuron.state_dict().items():
        np.testing.assert_array_equal(weights, second.neuron.state_dict()[name])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("standardize", [True, False])
def test_the_map_gives_the_numbers_of_the_array(tmp_path, dtype, standardize):
    task = make_formula("hybrid", 1, 2500, 4, seed=1)
    X = (task.X + 0.5 if standardize else task.X).astype(dtype)
    options = {"standardize": standardize, "search_rows": 800, "chunk_rows": 300}
    file = mapped(tmp_path, X)
    result = nslib.search(X, task.y, "als", **options)
    same(result, nslib.search(file, task.y, "als", **options))
    same(result, nslib.search(X.astype(float), task.y, "als", **options))
    np.testing.assert_array_equal(result.predict(X), result.predict(file))
    assert result.stream_shares(X).equals(result.stream_shares(file))


@pytest.mark.parametrize("method, options", [
    ("gated", {"epochs": 2}), ("threshold", {"epochs": 2}), ("vsr", {"generations": 2}),
])
def test_every_method_reads_a_map(tmp_path, method, options):
    task = make_formula("pure", 0, 300, 3, seed=1)
    X = task.X.astype(np.float32)
    first = nslib.search(X, task.y, method, **options)
    same(first, nslib.search(mapped(tmp_path, X), task.y, method, **options))


def test_no_copy_of_the_whole_is_made(tmp_path):
    rows, features = 120_000, 20
    X = np.random.default_rng(0).standard_normal((rows, features), dtype=np.float32)
    y = X[:, 0] + X[:, 1] ** 2
    file = mapped(tmp_path, X)
    tracemalloc.start()
    try:
        result = nslib.search(file, y, order=2, search_rows=500, resamples=1)
        searched = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        result.predict(file)
        predicted = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert max(searched, predicted) < 0.7 * X.nbytes


@settings(deadline=None, max_examples=25)
@given(
    exponent=st.integers(-290, 299), growth=st.sampled_from([1.0, 1e-6, 1e6]),
    shift=st.sampled_from([0.0, 1.0, -1e6]), rows=st.integers(2, 40),
    chunk=st.integers(1, 50),
)
def test_chunks_merge_to_the_moments_of_the_whole(exponent, growth, shift, rows, chunk):
    """Also where the later rows are far larger or smaller than the first."""
    rng = np.random.default_rng(rows)
    values = rng.standard_normal((rows, 2)) + shift
    values[rows // 2 :] *= growth
    values *= 10.0 ** (exponent if exponent < 290 else exponent - 12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(finite_columns.__globals__, "CHUNK_ELEMENTS", 2 * chunk)
        found = finite_columns(values, "X")
    size = np.abs(values).max(axis=0)
    exact = (values / size).astype(np.longdouble)
    np.testing.assert_allclose(found.mean, exact.mean(axis=0) * size, rtol=1e-9,
                               atol=1e-12 * size.min())
    np.testing.assert_allclose(found.scale, exact.std(axis=0) * size, rtol=1e-7)
    np.testing.assert_array_equal(found.low, values.min(axis=0))
    np.testing.assert_array_equal(found.high, values.max(axis=0))


def test_a_constant_column_stays_constant_over_chunks():
    values = np.full((CHUNK_ELEMENTS + 7, 1), 0.1)
    found = finite_columns(values, "X")
    assert found.mean == 0.1 and found.scale == 1.0


def test_the_first_bad_value_of_all_chunks_is_named():
    X = np.zeros((CHUNK_ELEMENTS, 3), dtype=np.float32)
    X[:, 0] = np.arange(len(X))
    X[CHUNK_ELEMENTS - 9, 2], X[-1, 0] = np.nan, np.inf
    with pytest.raises(ValueError, match=rf"X: found nan at \({len(X) - 9}, 2\) \(2 such\)"):
        make_task(X, X[:, 0])
    result = nslib.search(X[:100], X[:100, 0])
    with pytest.raises(ValueError, match=r"X: found nan .* \(2 such\)"):
        result.predict(X)


def test_scaled_rows_are_what_a_task_gives_out():
    X = np.random.default_rng(0).normal([3.0, 0.0], [2.0, 1.0], (50, 2)).astype(np.float32)
    task = make_task(X, X[:, 0])
    assert task.X is X
    expected = (X.astype(float) - task.x_mean) / task.x_scale
    np.testing.assert_array_equal(task.Z, expected)
    np.testing.assert_array_equal(task.rows[10:20], expected[10:20])
    np.testing.assert_array_equal(task.rows[np.array([3, 7])], expected[[3, 7]])
    np.testing.assert_array_equal(task.limits, [expected.min(axis=0), expected.max(axis=0)])
    assert not task.constant.any() and task.largest == np.abs(expected).max()
