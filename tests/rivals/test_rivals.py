"""`fit_model`: every model through one door, odd data, packages present, hidden and misbehaving."""

import pickle
import random
import sys
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LinearRegression

from companion.rivals import MODELS, RIVALS, Rival, fit_model, look
from companion.rivals.baselines import fitted_baselines
from companion.rivals.scaled_fit import ScaledFit
from nslib.search import METHODS

SMALL = {
    "gated": {"epochs": 3}, "threshold": {"epochs": 3}, "als": {},
    "vsr": {"population": 60, "generations": 3}, "mean": {}, "linear": {}, "ridge": {},
    "eql": {"units": 3, "order": 3, "epochs": 4, "polish": 6},
    "gplearn": {"population": 20, "generations": 2, "tournament": 3}, "tnlearn": {"epochs": 2},
}
TREE = [SimpleNamespace(name="add"), 0, SimpleNamespace(name="mul"), 1, 2]


def data(n=60, d=3, seed=0):
    X = np.random.default_rng(seed).standard_normal((n, d))
    return X, 2 * X[:, 0] - 3 * X[:, 1] * X[:, 2] + 5


class Regressor:
    """Stands for both packages' regressors: noisy, reseeding, of a known formula."""

    def __init__(self, **arguments):
        print("noise")
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        torch.manual_seed(0)
        torch.backends.cudnn.deterministic = True
        self.arguments = arguments
        self._program = SimpleNamespace(program=TREE)
        self.structure_ = {"pure_indices": [1], "interact_indices": [2, 3]}

    def fit(self, X, y):
        self.X, self.y = X, y
        return self

    def predict(self, X):
        return X[:, 0]


@pytest.fixture
def packages(monkeypatch):
    """Both packages, as far as they are used, replaced by stand-ins."""
    for module, name in {"gplearn": "", "gplearn.genetic": "SymbolicRegressor",
                         "tnlearn": "PolyTensorRegressor"}.items():
        stand_in = ModuleType(module)
        if name:
            setattr(stand_in, name, Regressor)
        monkeypatch.setitem(sys.modules, module, stand_in)


def state():
    return random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()  # noqa: NPY002


@pytest.mark.parametrize("name", MODELS)
def test_a_fitted_model_pickles(name, packages):
    X, y = data()
    model = fit_model(name, X, y, **SMALL[name])
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.formula == model.formula != ""
    assert (again.name, again.seed, again.structure) == (name, 0, model.structure)
    with pytest.raises(ValueError, match="^X: found"):
        again.predict(X[:, :2])


def test_a_pickled_model_leaves_the_training_rows_behind():
    small, large = (
        len(pickle.dumps(fit_model("linear", *data(n)))) for n in (60, 6000)
    )
    assert abs(large - small) < 100


@pytest.mark.parametrize("name", MODELS)
def test_same_seed_same_model_and_nothing_else_touched(name, packages, capsys):
    X, y = data()
    before, deterministic = state(), torch.backends.cudnn.deterministic
    first, second = (fit_model(name, X, y, seed=3, **SMALL[name]) for _ in range(2))
    assert state() == before and torch.backends.cudnn.deterministic is deterministic
    assert capsys.readouterr() == ("", "")
    assert (first.name, first.seed) == (name, 3) and first.seconds >= 0
    assert first.predict(X).shape == (60,) and np.isfinite(first.predict(X)).all()
    np.testing.assert_array_equal(first.predict(X), second.predict(X))
    assert first.structure == second.structure
    assert first.formula == second.formula != ""


@pytest.mark.parametrize("name", MODELS)
def test_data_that_cannot_be_fitted_is_refused(name):
    X, y = data()
    bad = X.copy()
    bad[4, 1] = np.nan
    for found, target, match in [
        (bad, y, "X: found nan"), (np.where(np.isnan(bad), np.inf, bad), y, "X: found inf"),
        (X, np.where(y == y[0], np.nan, y), "y: found nan"), (X, np.ones(60), "y: found the const"),
        (X[:1], y[:1], "X: found 1 rows"), (X, y[:-1], "y: found 59 values"),
    ]:
        with pytest.raises(ValueError, match=match):
            fit_model(name, found, target)
    with pytest.raises(TypeError, match="X: found text"):
        fit_model(name, [["a"], ["b"]], [1.0, 2.0])


@pytest.mark.parametrize("name", RIVALS)
def test_more_features_than_rows_constant_features_and_two_rows(name, packages):
    X, y = data(12, 20)
    X[:, 4] = 0.0
    X[:, 5] = 7.0
    for rows in (12, 2):
        model = fit_model(name, X[:rows], y[:rows], **SMALL[name])
        assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("name", MODELS)
def test_predictions_for_other_features_are_refused(name, packages):
    X, y = data()
    model = fit_model(name, pd.DataFrame(X, columns=list("abc")), y, **SMALL[name])
    assert model.predict(X[:1]).shape == (1,)
    with pytest.raises(ValueError, match="X: found 2 features, expected 3"):
        model.predict(X[:, :2])
    with pytest.raises(ValueError, match="X: found the columns"):
        model.predict(pd.DataFrame(X, columns=list("cba")))


@pytest.mark.parametrize("name", RIVALS)
def test_scales_of_the_data_do_not_matter(name, packages):
    X, y = data()
    small, large = (fit_model(name, X * a, y * b, seed=1, **SMALL[name])
                    for a, b in ((1.0, 1.0), (256.0, 1024.0)))
    if name not in ("ridge", "tnlearn"):  # ridge up to rounding, tnlearn takes features as they are
        assert small.structure == large.structure
        np.testing.assert_allclose(
            large.predict(X * 256.0), small.predict(X) * 1024.0, rtol=1e-6, atol=1e-6 * 1024
        )


def test_baselines_are_those_of_scikit_learn():
    X, y = data(40)
    labelled = fitted_baselines("regression", X, y)
    assert list(labelled) == ["mean", "linear", "ridge on x, x², x³"]
    for name, label in zip(("mean", "linear", "ridge"), labelled, strict=True):
        mine, theirs = fit_model(name, X, y), labelled[label]
        np.testing.assert_allclose(mine.predict(X), theirs.predict(X), rtol=1e-8)
    linear = fit_model("linear", X, y)
    assert linear.structure.streams == ("pure 1",)
    assert f"{LinearRegression().fit(X, y).intercept_:.3g}" in linear.formula
    assert fit_model("mean", X, y).structure is None


def test_standardised_features_have_their_own_streams():
    X, _ = data(200)
    X += 3
    y = X[:, 0] ** 2
    assert fit_model("ridge", X, y).structure.streams == ("pure 2",)
    assert fit_model("ridge", X, y, standardize=True).structure.streams == ("pure 1", "pure 2")


def test_formula_and_structure_of_a_gplearn_program(packages):
    X, y = data()
    model = fit_model("gplearn", X, y)
    assert model.structure.streams == ("pure 1", "interact 2")
    assert model.formula == "2.0*x_1 - 3.0*x_2*x_3 + 5.0"
    np.testing.assert_allclose(model.predict(X), y, rtol=1e-9)


def test_tnlearn_reports_by_its_own_rule(packages):
    X, y = data()
    model = fit_model("tnlearn", X, y, rank=2)
    assert model.structure.streams == ("pure 1", "interact 2", "interact 3")
    assert model.structure.rank == 2
    np.testing.assert_allclose(model.predict(X), X[:, 0] * y.std() + y.mean(), rtol=1e-5)


@pytest.mark.parametrize("name", ["gplearn", "tnlearn"])
def test_a_missing_package_is_named(name, monkeypatch):
    for module in (name, "gplearn.genetic"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"{name}.*pip install -e './companion\[peers\]'"):
        fit_model(name, *data())


@pytest.mark.parametrize("name, options, error, match", [
    ("ols", {}, ValueError, "name: found 'ols'"),
    ("eqI", {}, ValueError, "did you mean 'eql'"),
    ("linear", {"order": 2}, TypeError, "order: not an option of model 'linear'.*expected none"),
    ("eql", {"orders": 2}, TypeError, "did you mean 'order'"),
    ("als", {"orders": 2}, TypeError, "orders: not an option of method 'als'"),
    ("eql", {"seed": -1}, ValueError, "seed: found -1"),
    ("eql", {"standardize": 1}, TypeError, "standardize: found 1"),
    ("eql", {"penalties": 0.1}, TypeError, "penalties: found 0.1"),
    ("eql", {"penalties": ()}, ValueError, "penalties: found none"),
    ("eql", {"penalties": (-1.0,)}, ValueError, "penalties: found -1.0"),
    ("eql", {"validation": 0.9}, ValueError, "validation: found 0.9"),
    ("eql", {"units": 0}, ValueError, "units: found 0"),
    ("gplearn", {"population": 10}, ValueError, "tournament: found 20"),
    ("tnlearn", {"batch_size": 1}, ValueError, "batch_size: found 1"),
])
def test_unknown_names_and_options_are_refused(name, options, error, match):
    with pytest.raises(error, match=match):
        fit_model(name, *data(), **options)


def test_every_search_method_is_a_model():
    assert set(METHODS) <= set(MODELS) == set(SMALL)
    X, y = data(300)
    model = fit_model("als", X, y)
    assert model.structure.streams == ("pure 1", "interact 2")
    assert model.formula.startswith("2.0*x_1 - 3.0*x_2*x_3")
    wide = fit_model("gated", *data(100, 60), epochs=1)
    assert wide.formula == str(wide.structure)  # too long to be expanded


@dataclass(frozen=True)
class MedianOptions:
    shift: float = 0.0


def fit_median(Z, y, seed, options):
    median = float(np.median(y)) + options.shift
    return ScaledFit(lambda Z: 0.0 * Z[:, 0] + median)


def test_a_rival_is_its_file_and_one_entry(monkeypatch):
    entry = Rival(name="median", options_class=MedianOptions, function=fit_median, baseline=True,
                  label="the median", colour="#123456", marker="h")
    monkeypatch.setitem(RIVALS, "median", entry)
    X, y = data()
    model = fit_model("median", X, y)
    np.testing.assert_allclose(model.predict(X), np.median(y), rtol=1e-12)
    assert look("median").label == "the median" and "median" in MODELS and model.structure is None
    with pytest.raises(TypeError, match="shft: not an option of model 'median'.*'shift'"):
        fit_model("median", X, y, shft=1.0)
    with pytest.raises(ValueError, match="did you mean 'median'"):
        look("meidan")
