"""What the search does with odd data: bad input is refused in words, odd input has an answer."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import nslib

OPTIONS = {"gated": {"epochs": 3, "order": 2, "rank": 2},
           "threshold": {"epochs": 3, "order": 2, "rank": 2}}
methods = pytest.mark.parametrize("method", list(OPTIONS))


def data(n=130, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, X @ np.arange(1.0, d + 1) + 0.1 * rng.standard_normal(n)


def changed(array, index, value):
    array = array.astype(object if isinstance(value, str) else float)
    array[index] = value
    return array


X0, Y0 = data()
BAD = {
    "NaN in X": (changed(X0, (4, 1), np.nan), Y0, ValueError, r"X: found nan at \(4, 1\)"),
    "infinity in X": (changed(X0, (4, 1), np.inf), Y0, ValueError, "X: found inf"),
    "text in X": (changed(X0, (4, 1), "tall"), Y0, TypeError, "X: found text.*'tall'"),
    "complex X": (X0 * 1j, Y0, TypeError, "X: found dtype complex128"),
    "X of one dimension": (X0[:, 0], Y0, ValueError, "X: found shape"),
    "no row": (X0[:0], Y0[:0], ValueError, "X: found 0 rows"),
    "one row": (X0[:1], Y0[:1], ValueError, "X: found 1 rows, expected at least 2"),
    "no column": (X0[:, :0], Y0, ValueError, "X: found no column"),
    "other length": (X0, Y0[:-1], ValueError, "y: found 129 values, expected one for each of 130"),
    "NaN in y": (X0, changed(Y0, 7, np.nan), ValueError, "y: found nan at 7"),
    "constant y": (X0, np.full(130, 2.5), ValueError, "y: found the constant 2.5"),
    "one class": (X0, ["a"] * 130, ValueError, "y: found the one class 'a'"),
    "missing class": (X0, ["a", None] * 65, ValueError, "y: found a missing label at 1"),
    "ragged X": ([[1.0, 2.0], [3.0]], [1.0, 2.0], ValueError, "X: found rows of different length"),
    "numbers as text": (X0, [str(v) for v in Y0], ValueError, "y: found numbers given as text"),
    "dates": (X0, pd.date_range("2020", periods=130), TypeError, "y: found dtype datetime64"),
    "labels of two types": (X0, ["a", 1] * 65, TypeError, "y: found labels of types int, str"),
    "ragged y": (X0, [[1.0], [2.0, 3.0]] * 65, ValueError, "y: found rows of different length"),
    "y of two columns": (X0, np.zeros((130, 2)), ValueError, "y: found shape"),
}


@methods
@pytest.mark.parametrize("case", list(BAD))
def test_bad_data_is_refused_in_words(method, case):
    X, y, error, words = BAD[case]
    with pytest.raises(error, match=words):
        nslib.search(X, y, method, **OPTIONS[method])


def test_continuous_numbers_are_no_classes():
    with pytest.raises(ValueError, match="expected class names or whole numbers"):
        nslib.search(X0, Y0, task="classification")


def test_repeated_column_names_are_refused():
    with pytest.raises(ValueError, match="found the column name 'a' twice"):
        nslib.search(pd.DataFrame(X0, columns=["a", "a", "b"]), Y0)


def test_text_column_of_a_frame_is_named():
    frame = pd.DataFrame({"a": [1.0, 2.0], "colour": ["red", "blue"]})
    with pytest.raises(TypeError, match="X column 'colour': found text"):
        nslib.search(frame, [1.0, 2.0])


@methods
@pytest.mark.parametrize(("options", "error", "words"), [
    ({"order": 0}, ValueError, "order: found 0"),
    ({"rank": 0}, ValueError, "rank: found 0"),
    ({"order": 2.5}, TypeError, "order: found 2.5"),
    ({"epochs": 0}, ValueError, "epochs: found 0"),
    ({"seed": -1}, ValueError, "seed: found -1"),
    ({"seed": 2**70}, ValueError, "seed: found 1180591620717411303424, expected an int of at most"),
    ({"seeds": 3}, TypeError, "seeds: found 3, expected a sequence"),
    ({"standardize": "no"}, TypeError, "standardize: found 'no'"),
    ({"progress": "no"}, TypeError, "progress: found 'no'"),
    ({"seeds": []}, ValueError, "seeds: found none"),
    ({"task": "regresion"}, ValueError, "did you mean 'regression'"),
])
def test_bad_options_are_refused_in_words(method, options, error, words):
    with pytest.raises(error, match=words):
        nslib.search(X0, Y0, method, **options)


def test_values_whose_powers_overflow_are_refused_unless_standardised():
    with pytest.raises(ValueError, match="use standardize=True"):
        nslib.search(X0 * 1e6, Y0, "gated", standardize=False)
    result = nslib.search(X0 * 1e6, Y0, "gated", **OPTIONS["gated"])
    assert np.isfinite(result.predict(X0 * 1e6)).all()


def test_predictions_that_overflow_are_refused():
    result = nslib.search(X0, Y0, "gated", **OPTIONS["gated"])
    with pytest.raises(ValueError, match="X: found values so far from the training data"):
        result.predict(X0 * 1e200)
    with pytest.raises(ValueError, match="X: found 1 rows, expected at least 2"):
        result.stream_shares(X0[:1])


@pytest.mark.parametrize("data", [(X0, Y0), [(X0, Y0, 1)], {"X": X0}])
def test_data_are_pairs(data):
    with pytest.raises(TypeError, match="expected pairs"):
        nslib.search_many(data)


def test_sets_of_different_shape_are_no_batch():
    with pytest.raises(ValueError, match="expected one shape for a batch"):
        nslib.search_many([(X0, Y0), (X0[:50], Y0[:50])])


@methods
def test_constant_columns_have_no_place_in_the_formula(method):
    X = np.column_stack([X0, np.full(len(X0), 7.0)])
    result = nslib.search(X, Y0, method, **OPTIONS[method])
    names = {s.name for s in result.formula(raw=True, expand=False).free_symbols}
    assert names <= {"x_1", "x_2", "x_3"}
    assert np.isfinite(result.predict(X)).all()


@methods
@pytest.mark.parametrize("shape", [(65, 3), (129, 2), (2, 1), (3, 2), (8, 20), (64, 1)])
def test_small_and_awkward_shapes_work(method, shape):
    """One row more than a batch, two rows, more features than rows, one feature."""
    X, y = data(*shape)
    result = nslib.search(X, y, method, **OPTIONS[method])
    assert result.predict(X).shape == (len(y),)
    assert np.isfinite(result.predict(X)).all()
    assert np.isfinite(result.history.to_numpy(dtype=float)).all()


@methods
def test_repeated_columns_share_the_work(method):
    X = np.column_stack([X0[:, :1]] * 3)
    y = 3 * X0[:, 0]
    result = nslib.search(X, y, method, epochs=60, order=1, rank=1)
    assert result.structure == nslib.NeuronStructure((1,), ())
    assert np.mean((result.predict(X) - y) ** 2) < 0.1 * np.var(y)


@methods
@given(x_exponent=st.integers(-30, 30), y_exponent=st.integers(-30, 30), shift=st.sampled_from(
    [0.0, 5.0]), dtype=st.sampled_from(["float64", "float32", "int64", "torch"]))
@settings(deadline=None, max_examples=12)
def test_units_do_not_matter(method, x_exponent, y_exponent, shift, dtype):
    X, y = data(n=40, d=2)
    if dtype == "int64":
        X, x_exponent = np.round(10 * X).astype(int), 0
    X = (X + np.asarray(shift, dtype=X.dtype)) * (10.0**x_exponent if x_exponent else 1)
    y = y * 10.0**y_exponent
    given_X = torch.as_tensor(X) if dtype == "torch" else X.astype(dtype)
    result = nslib.search(given_X, y, method, **OPTIONS[method])
    reference = nslib.search(X / 10.0**x_exponent, y / 10.0**y_exponent, method, **OPTIONS[method])
    assert result.structure == reference.structure
    both = result.predict(given_X) / 10.0**y_exponent, reference.predict(X / 10.0**x_exponent)
    assert np.corrcoef(*both)[0, 1] > 0.98
    assert np.std(both[0]) == pytest.approx(np.std(both[1]), rel=0.1)


@methods
def test_frames_give_names_and_prediction_checks_features(method):
    frame = pd.DataFrame(X0, columns=["age", "mass", "height"])
    result = nslib.search(frame, pd.Series(Y0), method, **OPTIONS[method])
    assert {s.name for s in result.formula().free_symbols} == {"age", "mass", "height"}
    assert result.predict(frame).shape == (130,)
    assert result.stream_shares(frame).sum() == pytest.approx(1.0)
    with pytest.raises(ValueError, match="X: found the columns .*expected .'age'"):
        result.predict(frame[["mass", "age", "height"]])
    with pytest.raises(ValueError, match="X: found 2 features, expected 3"):
        result.predict(X0[:, :2])


@methods
def test_classes_by_text_by_bool_and_by_request(method):
    sign = X0[:, 0] > 0
    for y, task in ((np.where(sign, "b", "a"), "auto"), (sign, "auto"),
                    (sign.astype(int), "classification")):
        result = nslib.search(X0, y, method, task=task, **OPTIONS[method])
        assert len(result.classes) == 2 and set(result.formula()) == set(result.classes.tolist())
        assert set(result.predict(X0)) <= set(y)
        assert result.decision(X0).shape == (130, 2)


@methods
def test_formula_predicts_what_the_result_predicts(method):
    import sympy as sp

    X = 3 + 2 * X0
    result = nslib.search(X, Y0, method, **OPTIONS[method])
    raw = sp.lambdify(sp.symbols("x_1:4"), result.formula(raw=True), "numpy")(*X.T)
    np.testing.assert_allclose(raw, result.predict(X), rtol=1e-3, atol=1e-3)


def test_progress_is_plain_lines_on_stderr(capsys):
    nslib.search(X0, Y0, "gated", epochs=20, order=2, rank=1, progress=True)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == "" and len(lines) == 10
    assert lines[-1].startswith("gated: 20/20, loss ")


def test_tensors_of_few_bits_are_searched():
    X = torch.as_tensor(X0).bfloat16().requires_grad_()
    y = torch.as_tensor(Y0).bfloat16()
    result = nslib.search(X, y, order=1)
    same = nslib.search(X.detach().float(), y.float(), order=1)
    assert result.structure == same.structure
    np.testing.assert_array_equal(result.predict(X), same.predict(X.detach().double()))


@pytest.mark.parametrize(("method", "options", "words"), [
    ("als", {"rank": 10**6}, "rank: found 1000000, expected an int of at most 10000"),
    ("als", {"order": 10**6}, "order: found 1000000, expected an int of at most 64"),
    ("als", {"restarts": 10**12}, "restarts: found 1000000000000, expected an int of at most 1000"),
    ("gated", {"rank": 10**6}, "rank: found 1000000, expected an int of at most 10000"),
    ("gated", {"epochs": 10**12}, "epochs: found 1000000000000, expected an int of at most"),
    ("gated", {"lr": 1e300}, "lr: found 1e.300, expected a finite number"),
    ("threshold", {"rank": 10**6}, "rank: found 1000000, expected an int of at most 10000"),
    ("threshold", {"rank": 8, "decomposition": "tucker"},
     "rank: found 8 in a Tucker form of order 5, expected at most 6, so that"),
    ("vsr", {"population": 10**12}, "population: found 1000000000000, expected an int of at most"),
    ("vsr", {"order": 65}, "order: found 65, expected an int of at most 64"),
])
def test_more_than_can_be_computed_is_refused_at_once(method, options, words):
    with pytest.raises(ValueError, match=words):
        nslib.search(X0, Y0, method, **options)


def test_the_rank_of_many_classes_is_bounded_too():
    X, y = data(2000, 2)
    with pytest.raises(ValueError, match="rank: found 100 for 1000 classes, expected at most 10"):
        nslib.search(X, np.arange(2000) % 1000, "gated", rank=100, task="classification")


@pytest.mark.parametrize(("X", "y", "words"), [
    (X0 * 1e-320, Y0, r"X: found a spread of .*e-320 in column 0, expected at least 1e-300"),
    (X0, Y0 * 1e-320, r"y: found a spread of .*e-320, expected at least 1e-300"),
    (X0 * 1e307, Y0, r"X: found values up to .*e.307 in column ., expected at most 1e.300 in size"),
])
def test_values_at_the_ends_of_double_precision_are_refused(X, y, words):
    with pytest.raises(ValueError, match=words):
        nslib.search(X, y)


def test_the_smallest_values_that_are_taken_have_a_formula():
    result = nslib.search(X0 * 1e-299, Y0, order=2)
    assert np.isfinite(result.predict(X0 * 1e-299)).all()
    x = {f"x_{i + 1}": value for i, value in enumerate(X0[0] * 1e-299)}
    assert float(result.formula(raw=True).subs(x)) == pytest.approx(result.predict(X0 * 1e-299)[0])


def test_a_target_with_an_int_beyond_floats_is_told():
    X = np.random.default_rng(0).standard_normal((20, 2))
    y = X[:, 0].astype(object)
    y[3] = 10**400
    with pytest.raises(TypeError, match="y: found an int of 1329 bits, expected numbers"):
        nslib.search(X, y)
