"""`fit_tabular`: each model through one door, odd data, packages present, hidden, misbehaving."""

import importlib.util
import pickle
import random
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from companion.rivals.peers import undisturbed
from companion.rivals.tables import TABULAR_RIVALS, deep_training, fit_tabular
from companion.rivals.tables.deep_training import Inputs, train
from companion.rivals.tables.table_task import checked_task

BOOSTED = {
    "xgboost": ("xgboost", "XGBRegressor", "XGBClassifier"),
    "lightgbm": ("lightgbm", "LGBMRegressor", "LGBMClassifier"),
    "catboost": ("catboost", "CatBoostRegressor", "CatBoostClassifier"),
}
DEEP = [name for name, rival in TABULAR_RIVALS.items() if rival.kind == "deep"]
PACKAGES = {name: rival.packages for name, rival in TABULAR_RIVALS.items() if rival.packages}
INSTALLED = [
    name for name, rival in TABULAR_RIVALS.items()
    if all(importlib.util.find_spec(package.split(".")[0]) for package in rival.packages)
]


def data(task, n=90, d=3, n_classes=3, seed=0):
    """Return training and validation rows of a linear truth, and X and y of all."""
    X = np.random.default_rng(seed).standard_normal((n, d))
    y = 2 * X[:, 0] - X[:, 1] + 5
    if task == "classification":
        y = np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))
    m = 2 * n // 3
    return (X[:m], y[:m]), (X[m:], y[m:]), X, y


def disturb():
    print("noise")
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    torch.backends.cudnn.deterministic = True


def state():
    return random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()  # noqa: NPY002


class Network(torch.nn.Module):
    """Stands for both packages' networks: a linear map, of k members where k is given."""

    seen = []

    def __init__(self, n_features, n_outputs, k=None):
        super().__init__()
        disturb()
        self.linear = torch.nn.Linear(n_features, n_outputs * (k or 1))
        self.shape = (-1, n_outputs) if k is None else (-1, k, n_outputs)

    def forward(self, x, categories=None):
        type(self).seen.append((len(x), self.training, torch.get_num_threads()))
        return self.linear(x).reshape(self.shape)

    def make_default_optimizer(self):
        return torch.optim.AdamW(self.parameters(), lr=0.1)


class FTTransformer(Network):
    seen = []

    def __init__(self, n_cont_features, cat_cardinalities, d_out, n_blocks):
        super().__init__(n_cont_features, d_out)
        assert cat_cardinalities == [] and n_blocks == 3

    @staticmethod
    def get_default_kwargs():
        return {"n_blocks": 3}


class TabM(Network):
    seen = []

    @classmethod
    def make(cls, *, n_num_features, cat_cardinalities, d_out, num_embeddings):
        assert cat_cardinalities == [] and num_embeddings == ("bins", 16, False, "B")
        return cls(n_num_features, d_out, k=4)


class TabNet:
    """Stands for TabNet's two models: the mean of the training target, or the classes' shares."""

    fits = []

    def __init__(self, **arguments):
        disturb()
        assert arguments == {"seed": 3, "verbose": 0, "device_name": "cpu"}
        self.network = torch.nn.Linear(2, 1)

    def fit(self, X, y, *, eval_set, **options):
        type(self).fits.append((X, y, eval_set, options))
        self.y = y

    def predict(self, X):
        return np.full((len(X), 1), self.y.mean() + 1, dtype=np.float32)

    def predict_proba(self, X):
        return np.tile(np.bincount(self.y) / len(self.y), (len(X), 1)).astype(np.float32)


@pytest.fixture
def packages(monkeypatch):
    """All packages, as far as they are used, replaced by stand-ins; returns what was asked."""
    asked = []

    def stand_in(kind):
        def made(**arguments):
            disturb()
            asked.append(arguments)
            model = kind(max_depth=3, random_state=0)
            return SimpleNamespace(
                fit=lambda X, y: (arguments.update(rows=len(X)), model.fit(X, y))[1]
            )

        return made

    def add(name, **contents):
        module = ModuleType(name)
        for key, value in contents.items():
            setattr(module, key, value)
        monkeypatch.setitem(sys.modules, name, module)

    for name, regressor, classifier in BOOSTED.values():
        add(name, **{regressor: stand_in(DecisionTreeRegressor),
                     classifier: stand_in(DecisionTreeClassifier)})
    add("pytorch_tabnet")
    add("pytorch_tabnet.tab_model", TabNetRegressor=TabNet, TabNetClassifier=TabNet)
    add("rtdl_revisiting_models", FTTransformer=FTTransformer)
    add("tabm", TabM=TabM)
    add("rtdl_num_embeddings", compute_bins=lambda X, n_bins: "bins",
        PiecewiseLinearEmbeddings=lambda bins, d, activation, version:
            (bins, d, activation, version))
    for kind in (FTTransformer, TabM):
        monkeypatch.setattr(kind, "seen", [])
    monkeypatch.setattr(TabNet, "fits", [])
    return asked


def agree(name, task, capfd):
    """Fit twice, and check the two models' form and that nothing else was touched."""
    fit, validation, X, y = data(task)
    before, deterministic = state(), torch.backends.cudnn.deterministic
    first, second = (
        fit_tabular(name, fit, validation, task=task, seed=3) for _ in range(2)
    )
    assert state() == before and torch.backends.cudnn.deterministic is deterministic
    predicted = first.predict(X)
    assert predicted.shape == (90,) and np.isfinite(predicted).all()
    np.testing.assert_array_equal(predicted, second.predict(X))
    if task == "regression":
        assert predicted.dtype == np.float64
    else:
        shares = first.predict_proba(X)
        assert shares.shape == (90, 3) and (shares >= 0).all()
        np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_array_equal(shares, second.predict_proba(X))
        np.testing.assert_array_equal(predicted, shares.argmax(axis=1))
        assert predicted.dtype == np.int64
    assert first.n_parameters == second.n_parameters
    assert (first.n_parameters is None) == (name not in (*DEEP, "linear"))
    assert tuple(capfd.readouterr()) == ("", "")


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("name", TABULAR_RIVALS)
def test_same_seed_same_model_and_nothing_else_touched(name, task, packages, capfd):
    agree(name, task, capfd)


@pytest.mark.filterwarnings("ignore:Please import `spmatrix`:DeprecationWarning")
@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("name", INSTALLED)
def test_the_packages_that_are_here_do_so_too_and_write_nothing(
    name, task, capfd, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    agree(name, task, capfd)
    assert list(tmp_path.iterdir()) == []


def test_linear_truths_are_recovered_by_the_linear_models():
    fit, validation, X, y = data("regression")
    model = fit_tabular("linear", fit, validation, task="regression")
    np.testing.assert_allclose(model.predict(X), y, atol=1e-3)
    assert model.n_parameters == 4
    fit, validation, X, y = data("classification", n=400, n_classes=2)
    model = fit_tabular("linear", fit, validation, task="classification")
    assert np.mean(model.predict(X) == y) > 0.97


def test_mean_and_shares_are_those_of_training_and_validation_rows():
    fit, validation, X, y = data("regression")
    model = fit_tabular("mean", fit, validation, task="regression")
    np.testing.assert_allclose(model.predict(X[:2]), np.full(2, y.mean()))
    y = np.array([0] * 50 + [1] * 40)
    model = fit_tabular(
        "mean", (X[30:], y[30:]), (X[:30], np.arange(30) % 2), task="classification"
    )
    np.testing.assert_allclose(model.predict_proba(X[:1]), [[35 / 90, 55 / 90]])
    assert model.predict(X[:1]).tolist() == [1]


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_boosting_bends_where_the_linear_model_cannot(task):
    X = np.random.default_rng(1).uniform(-1, 1, (900, 2))
    y = X[:, 0] ** 2 if task == "regression" else (np.abs(X[:, 0]) > 0.5).astype(int)
    error = {}
    for name in ("linear", "hist_gradient_boosting"):
        model = fit_tabular(name, (X[:400], y[:400]), (X[400:600], y[400:600]), task=task)
        error[name] = np.mean((model.predict(X[600:]) - y[600:]) ** 2)
    assert error["hist_gradient_boosting"] < 0.1 * error["linear"]


@pytest.mark.parametrize("name", BOOSTED)
def test_boosting_packages_get_all_rows_seed_and_one_thread(name, packages):
    fit, validation, *_ = data("classification")
    fit_tabular(name, fit, validation, task="classification", seed=7)
    (asked,) = packages
    assert asked["rows"] == 90
    assert asked.get("random_state", asked.get("random_seed")) == 7
    assert asked.get("n_jobs", asked.get("thread_count")) == 1
    if name == "catboost":
        assert asked["allow_writing_files"] is False


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("name", TABULAR_RIVALS)
def test_fitted_models_survive_a_pickle(name, task, packages, capsys):
    fit, validation, X, _ = data(task)
    model = fit_tabular(name, fit, validation, task=task, seed=3)
    kept = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(kept.predict(X), model.predict(X))
    if task == "classification":
        np.testing.assert_array_equal(kept.predict_proba(X), model.predict_proba(X))
    assert kept.n_parameters == model.n_parameters


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize(("name", "kind"), [("ft_transformer", FTTransformer), ("tabm", TabM)])
def test_networks_train_on_training_rows_only_and_learn(
    name, kind, task, packages, monkeypatch
):
    fit, validation, X, y = data(task)
    before = torch.get_num_threads()
    monkeypatch.setattr(deep_training, "PATIENCE", 2)
    model = fit_tabular(name, fit, validation, task=task)
    assert torch.get_num_threads() == before
    assert len(kind.seen) >= 6 and kind.seen == [(60, True, 1), (30, False, 1)] * (
        len(kind.seen) // 2
    )
    assert model.n_parameters == 4 * (1 if task == "regression" else 3) * (4 if kind is TabM else 1)
    other = fit_tabular(name, fit, validation, task=task, seed=1)
    assert (other._outputs(X) != model._outputs(X)).any()
    if kind is FTTransformer:
        monkeypatch.setattr(deep_training, "PATIENCE", 150)
        model = fit_tabular(name, fit, validation, task=task)
        wrong = model.predict(X) - y
        assert np.mean(wrong**2) < 0.2 * y.var()


def test_tabnet_gets_a_standardised_target_and_batches_that_fit(packages):
    fit, validation, X, y = data("regression")
    model = fit_tabular("tabnet", fit, validation, task="regression", seed=3)
    ((X_fit, y_fit, eval_set, options),) = TabNet.fits
    assert X_fit.dtype == np.float32 and X_fit.shape == (60, 3)
    np.testing.assert_allclose([y_fit.mean(), y_fit.std()], [0, 1], atol=1e-9)
    mean, scale = fit[1].mean(), fit[1].std()
    np.testing.assert_allclose(eval_set[0][1][:, 0] * scale + mean, validation[1])
    assert {k: options[k] for k in ("max_epochs", "patience", "batch_size")} == {
        "max_epochs": 100, "patience": 10, "batch_size": 60
    }
    np.testing.assert_allclose(model.predict(X[:2]), mean + scale, rtol=1e-6)
    assert model.n_parameters == 3


def task_of(y, y_validation):
    X = np.linspace(-1, 1, len(y))[:, None]
    return checked_task("tabm", (X, y), (X, y_validation), "regression", seed=0)


def trained(task, rate=0.1):
    network = torch.nn.Linear(1, 2)
    torch.nn.init.zeros_(network.weight)
    torch.nn.init.zeros_(network.bias)
    optimizer = torch.optim.SGD(network.parameters(), lr=rate)
    with undisturbed():
        torch.manual_seed(0)
        return train(task, network, optimizer, Inputs(task.X, 0), lambda x: network(x)[..., None])


def test_training_stops_by_its_patience_and_keeps_the_best_epoch(monkeypatch):
    x = np.linspace(-1, 1, 60)
    errors = []
    real = deep_training._error

    def error(*arguments):
        errors.append(real(*arguments))
        return errors[-1]

    monkeypatch.setattr(deep_training, "_error", error)
    monkeypatch.setattr(deep_training, "PATIENCE", 4)
    kept = trained(task_of(x, -x))
    assert len(errors) == 1 + 4 + 1 and np.argmin(errors) == 0
    assert np.mean((kept.evaluate(x[:, None]) + x) ** 2) == errors[0]
    assert kept.n_parameters == 4
    improving = trained(task_of(x, x))
    assert np.mean((improving.evaluate(x[:, None]) - x) ** 2) < 0.3 * x.var()


def test_a_training_that_diverges_says_so():
    x = np.linspace(-1, 1, 60)
    with pytest.raises(ValueError, match="train: found data on which tabm diverges"):
        trained(task_of(x, x), rate=float("inf"))


def test_inputs_are_normal_scores_standardised_pairs_and_no_constants():
    rng = np.random.default_rng(0)
    X = np.stack([rng.lognormal(3, 2, 1000), np.arange(1000) % 2 * 8.0, np.full(1000, 4.0)], 1)
    inputs = Inputs(X, seed=0)
    Z = inputs(X).numpy()
    assert Z.shape == (1000, 2) and Z.dtype == np.float32
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(Z.std(axis=0), 1, atol=0.05)
    assert np.corrcoef(np.argsort(np.argsort(X[:, 0])), Z[:, 0])[0, 1] > 0.97
    assert set(np.unique(Z[:, 1])) == {-1.0, 1.0}
    far = inputs(np.array([[1e12, 0.0, 5.0]])).numpy()
    assert np.isfinite(far).all() and far[0, 0] > Z[:, 0].max() - 0.1


@pytest.mark.parametrize("name", TABULAR_RIVALS)
def test_predictions_for_other_features_are_refused(name, packages):
    fit, validation, X, _ = data("classification")
    model = fit_tabular(name, fit, validation, task="classification", seed=3)
    for predict in (model.predict, model.predict_proba):
        assert len(predict(X[:1])) == 1
        with pytest.raises(ValueError, match="X: found 2 features, expected 3"):
            predict(X[:, :2])
        with pytest.raises(ValueError, match=r"X: found nan at \(0, 1\)"):
            predict([[0.0, np.nan, 1.0]])


def with_nan(X):
    X = X.copy()
    X[4, 1] = np.nan
    return X


@pytest.mark.parametrize("change, error, match", [
    (lambda X, y: ((with_nan(X), y), (X, y)), ValueError, r"train X: found nan at \(4, 1\)"),
    (lambda X, y: ((X, y), (with_nan(X), y)), ValueError, "validation X: found nan"),
    (lambda X, y: ((X, y), (X[:, :2], y)), ValueError, "validation X: found 2 features, expec.* 3"),
    (lambda X, y: ((X, y[:-1]), (X, y)), ValueError, "train y: found 89 values"),
    (lambda X, y: ((X, y), (X[:1], y[:1])), ValueError, "validation X: found 1 rows"),
    (lambda X, y: ((X * 0, y), (X, y)), ValueError, "train X: found only constant features"),
    (lambda X, y: ((X, y * 0), (X, y)), ValueError, "train y: found the"),
    (lambda X, y: (X, (X, y)), TypeError, "train: found ndarray, expected a tuple"),
    (lambda X, y: ((X, y), None), TypeError, "validation: found NoneType"),
])
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_rows_that_cannot_be_used_are_refused(task, change, error, match):
    *_, X, y = data(task)
    with pytest.raises(error, match=match):
        fit_tabular("mean", *change(X, y), task=task)


@pytest.mark.parametrize("train_y, validation_y, match", [
    ([1, 2, 3], [1, 2, 3], "train y: found 3 of the codes 0 to 3, expected all"),
    ([0, 1, 10**15], [0, 1, 1], "train y: found 3 of the codes 0 to 10"),
    ([0, 1, 1], [0, 2, 1], "validation y: found the code 2, expected .* 0 to 1"),
    ([0, -1, 1], [0, 1, 1], "train y: found the class -1, expected codes"),
    (list("aba"), [0, 1, 1], "train y: found the class 'a', expected codes"),
    ([0, 1, 0.5], [0, 1, 1], "train y: found 0.5"),
])
def test_classes_that_are_no_codes_are_refused(train_y, validation_y, match):
    X = np.eye(3)
    with pytest.raises((ValueError, TypeError), match=match):
        fit_tabular("mean", (X, train_y), (X, validation_y), task="classification")


@pytest.mark.parametrize("name, options, error, match", [
    ("xgbost", {}, ValueError, "did you mean 'xgboost'"),
    ("mean", {"task": "regress"}, ValueError, "task: found 'regress'.*did you mean 'regression'"),
    ("mean", {"seed": -1}, ValueError, "seed: found -1"),
    ("mean", {"seed": 2**31}, ValueError, "seed: found 2147483648"),
])
def test_unknown_names_and_settings_are_refused(name, options, error, match):
    fit, validation, *_ = data("regression")
    with pytest.raises(error, match=match):
        fit_tabular(name, fit, validation, **({"task": "regression"} | options))


@pytest.mark.parametrize("name", PACKAGES)
def test_a_missing_package_is_named(name, monkeypatch):
    for module in PACKAGES[name]:
        monkeypatch.setitem(sys.modules, module, None)
    fit, validation, *_ = data("regression")
    match = rf"{PACKAGES[name][0]}.*pip install -e './companion\[peers\]'"
    with pytest.raises(ImportError, match=match):
        fit_tabular(name, fit, validation, task="regression")


def test_frames_columns_and_more_features_than_rows_are_taken():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((12, 20)))
    y = pd.Series(rng.standard_normal(12))
    for name in ("mean", "linear", "hist_gradient_boosting"):
        model = fit_tabular(name, (X, y), (X, y.to_frame()), task="regression")
        assert np.isfinite(model.predict(X)).all()
