"""The predecessor's synthetic sets, read from a small file of the same form."""

import numpy as np
import pytest

from companion.experiments.structure_recovery.predecessor_sets import (
    LEVELS,
    NOISES,
    PREDECESSOR_FORMULAS,
    load_predecessor_synthetic,
    make_predecessor_sets,
)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    made = {}
    for formula, terms in PREDECESSOR_FORMULAS.items():
        X = rng.uniform(-50, 50, (20, 3)).astype(np.float32)
        y = sum(a * (X.astype(float) ** k).sum(axis=1) for k, a in terms.items())
        for noise in ("low", "medium", "high"):
            made[f"{noise}__no{formula}__x_train"] = X
            made[f"{noise}__no{formula}__y_train"] = y[:, None]
    return made


def test_the_30_sets_in_order(tmp_path, monkeypatch, arrays):
    np.savez(tmp_path / "predecessor_synthetic.npz", **arrays)
    sets = load_predecessor_synthetic(tmp_path)
    assert [s.noise for s in sets] == ["low"] * 10 + ["medium"] * 10 + ["high"] * 10
    assert [s.formula for s in sets] == 3 * list(range(1, 11))
    for predecessor in sets:
        assert predecessor.X.shape == (20, 3) and predecessor.y.shape == (20,)
        assert predecessor.X.dtype == predecessor.y.dtype == np.float64
        powers = [(predecessor.X**k).sum(axis=1) for k in predecessor.structure.pure]
        solution = np.linalg.lstsq(np.stack(powers, axis=1), predecessor.y, rcond=None)[0]
        wanted = [PREDECESSOR_FORMULAS[predecessor.formula][k] for k in predecessor.structure.pure]
        np.testing.assert_allclose(solution, wanted, rtol=1e-6)
    monkeypatch.setenv("NSLIB_DATA", str(tmp_path))
    assert len(load_predecessor_synthetic()) == 30


def test_no_file_is_told(tmp_path, monkeypatch):
    monkeypatch.delenv("NSLIB_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="NSLIB_DATA is not set"):
        load_predecessor_synthetic()
    with pytest.raises(FileNotFoundError, match="has no such file"):
        load_predecessor_synthetic(tmp_path)


def test_another_content_is_refused(tmp_path, arrays):
    path = tmp_path / "predecessor_synthetic.npz"
    np.savez(path, **{k: v for k, v in arrays.items() if not k.startswith("low__no4")})
    with pytest.raises(ValueError, match="found no array low__no4__x_train"):
        load_predecessor_synthetic(tmp_path)
    np.savez(path, **{**arrays, "high__no2__y_train": np.zeros((3, 1))})
    with pytest.raises(ValueError, match="high__no2__y_train: found 3 values"):
        load_predecessor_synthetic(tmp_path)
    path.write_bytes(b"not an archive")
    with pytest.raises(ValueError, match="found no readable .npz file"):
        load_predecessor_synthetic(tmp_path)


def test_made_sets_are_like_the_published_ones():
    sets = make_predecessor_sets(n_samples=4000, n_features=3, seed=1)
    assert [(s.noise, s.formula) for s in sets] == [
        (noise, formula) for noise in NOISES for formula in PREDECESSOR_FORMULAS
    ]
    for low, high in zip(sets[:10], sets[20:], strict=True):
        terms = PREDECESSOR_FORMULAS[low.formula]
        clean = sum(a * (low.X**k).sum(axis=1) for k, a in terms.items())
        np.testing.assert_array_equal(low.X, high.X)
        np.testing.assert_allclose(high.y - clean, 6 * (low.y - clean), rtol=1e-3, atol=1e-6)
        ratio = np.std(low.y - clean) / np.sqrt(np.mean(clean**2))
        assert ratio == pytest.approx(LEVELS["low"], rel=0.05)
        assert np.abs(low.X).max() <= 50 and low.structure.pure == tuple(terms)
    again = make_predecessor_sets(n_samples=4000, n_features=3, seed=1)
    np.testing.assert_array_equal(again[7].y, sets[7].y)
    assert not np.array_equal(sets[0].X, sets[1].X)


@pytest.mark.parametrize(("name", "value"), [("n_samples", 1), ("n_features", 0), ("seed", -1)])
def test_arguments_out_of_range_are_named(name, value):
    with pytest.raises(ValueError, match=name):
        make_predecessor_sets(**{name: value})
