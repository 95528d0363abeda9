"""NeuronSeekRegressor and NeuronSeekClassifier: scikit-learn's rules, tables, determinism."""

from __future__ import annotations

import ast
import doctest
import graphlib
import io
import pickle
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import sympy as sp
import torch
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import nslib
from nslib import NeuronSeekClassifier, NeuronSeekRegressor, NeuronStructure
from nslib.networks import n_parameters

TINY = {"budget": 100, "members": 1, "learning_rates": (0.1,), "weight_decays": (1e-3,),
        "steps": 40, "max_order": 1, "rank": 1, "enrich": False, "random_state": 0}
QUICK = {"budget": 400, "members": 2, "learning_rates": (0.01, 0.03), "weight_decays": (1e-3,),
         "steps": 60, "max_order": 2, "rank": 2, "random_state": 0}


def impossible(estimator) -> dict[str, str]:
    """Return the checks that cannot hold, with the reason."""
    return {"check_sample_weight_equivalence_on_dense_data": "training draws rows by chance: a row "
            "of weight 2 is drawn once, two rows twice or not at all"}


@parametrize_with_checks([NeuronSeekRegressor(**TINY), NeuronSeekClassifier(**TINY)],
                         expected_failed_checks=impossible)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def table(n: int = 120, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """A table with numbers, text, booleans, categories and missing values, and a target."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "size": rng.normal(50, 10, n),
        "count": rng.integers(0, 9, n),
        "city": rng.choice(["Rome", "Oslo", None], n),
        "street": [f"street {i}" for i in rng.integers(0, 30, n)],
        "new": rng.random(n) < 0.5,
        "grade": pd.Categorical(rng.choice([1, 2, 3], n)),
    }, index=np.arange(n) + 1000)
    y = frame["size"].to_numpy() ** 2 / 100 + 5.0 * (frame["city"] == "Oslo").to_numpy()
    frame.loc[frame.index[::7], "size"] = np.nan
    return frame, y


def test_three_lines_on_a_table_of_text_and_missing_values():
    X, y = table()
    model = NeuronSeekRegressor(**QUICK).fit(X, y)
    assert isinstance(model.formula_, sp.Expr)
    assert {str(s) for s in model.formula_.free_symbols} <= {
        "size", "count", "city=Rome", "city=Oslo", "city=missing", "street", "new",
        "grade=1", "grade=2", "grade=3",
    }
    assert sp.Symbol("size") in model.formula_.free_symbols
    assert np.isfinite(model.predict(X)).all()
    assert list(model.feature_names_in_) == list(X.columns)
    assert model.n_parameters_ <= 400


def test_the_formula_gives_the_values_of_the_searched_neuron_in_raw_units():
    X = np.random.default_rng(0).normal(3.0, 2.0, (100, 3))
    y = 4.0 + X[:, 0] * X[:, 1] - 2.0 * X[:, 2]
    model = NeuronSeekRegressor(**QUICK).fit(X, y)
    value = sp.lambdify(sp.symbols("x_1 x_2 x_3"), model.formula_)
    np.testing.assert_allclose(value(*X.T), y, rtol=1e-4, atol=1e-3)
    names = [str(symbol) for symbol in model.formula_.free_symbols]
    assert sorted(names) == ["x_1", "x_2", "x_3"]
    assert "interact 2" in model.structure_.streams


def test_a_long_formula_is_not_expanded():
    rng = np.random.default_rng(0)
    X = rng.normal(1e6, 1.0, (60, 2))  # expanded, its monomials would cancel
    y = (X[:, 0] - 1e6) ** 2 + rng.normal(0, 0.01, 60)
    model = NeuronSeekRegressor(**QUICK).fit(X, y)
    value = sp.lambdify(sp.symbols("x_1 x_2"), model.formula_)
    assert np.corrcoef(value(*X.T), y)[0, 1] > 0.99


def test_the_formula_of_classes_is_a_dict_of_logits():
    X, y = load_wine(return_X_y=True, as_frame=True)
    names = np.array(["barolo", "grignolino", "barbera"])[y]
    model = NeuronSeekClassifier(**QUICK).fit(X, names)
    assert list(model.formula_) == sorted(set(names)) == model.classes_.tolist()
    assert model.search_.classes.tolist() == model.classes_.tolist()
    assert model.score(X, names) > 0.9
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-9)


def test_same_random_state_same_predictions():
    X, y = table()
    first, second, other = (
        NeuronSeekRegressor(**{**QUICK, "random_state": seed}).fit(X, y).predict(X)
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


@pytest.mark.parametrize("copy", [
    lambda model: pickle.loads(pickle.dumps(model)),
    lambda model: joblib.load(_joblib(model)),
])
def test_copies_predict_the_same(copy):
    X, y = table()
    model = NeuronSeekRegressor(**TINY).fit(X, y)
    again = copy(model)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.formula_ == model.formula_


def _joblib(model) -> io.BytesIO:
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return file


def test_pipeline_and_grid_search():
    X, y = load_wine(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), NeuronSeekClassifier(**TINY))
    grid = {"neuronseekclassifier__structure": ["pure(1)", NeuronStructure((1, 2), (2,), 1)]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert search.best_score_ > 0.8
    assert not hasattr(clone(search.best_estimator_[-1]), "structure_")


def test_a_given_structure_is_used_as_it_is():
    X, y = table()
    model = NeuronSeekRegressor(**{**TINY, "structure": "pure(1,3)"}).fit(X, y)
    assert model.structure_ == model.network_.structure == NeuronStructure((1, 3), ())
    assert model.search_ is None and model.formula_ is None


@pytest.mark.parametrize("method", ["gated", "threshold", "vsr"])
def test_other_methods_of_search(method, monkeypatch):
    X = np.random.default_rng(0).normal(size=(40, 2))
    searched = []
    real = nslib.estimators.base.search

    def recorded(X, y, method, **options):
        small = {"vsr": {"population": 50, "generations": 2}}.get(method, {"epochs": 2})
        searched.append(method)
        return real(X, y, method, **options, **small)

    monkeypatch.setattr(nslib.estimators.base, "search", recorded)
    model = NeuronSeekRegressor(**{**TINY, "method": method, "steps": 5}).fit(X, X[:, 0])
    assert searched == [method] == [model.search_.method]
    assert isinstance(model.formula_, sp.Expr)


def test_enrich_adds_streams_to_the_network_alone():
    X = np.random.default_rng(0).normal(size=(60, 2))
    plain, rich = (
        NeuronSeekRegressor(**{**TINY, "steps": 2, "enrich": enrich}).fit(X, X[:, 0])
        for enrich in (False, True)
    )
    assert plain.structure_.streams == rich.structure_.streams == ("pure 1",)
    assert plain.network_.structure.streams == ("pure 1",)
    assert rich.network_.structure.streams == ("pure 1", "pure 2", "interact 2")


def test_history_names_each_candidate():
    X, y = table()
    model = NeuronSeekRegressor(
        **{**TINY, "learning_rates": (0.01, 0.03), "weight_decays": (0.0, 0.1), "steps": 40}
    ).fit(X, y)
    candidates = model.history_.groupby("candidate")[["highest_learning_rate", "weight_decay"]]
    pairs = {tuple(row) for row in candidates.first().to_numpy()}
    assert pairs == {(0.01, 0.0), (0.01, 0.1), (0.03, 0.0), (0.03, 0.1)}
    losses = model.history_["validation_loss"]
    assert losses.min() == pytest.approx(model._fitted.validation_loss)


def test_columns_in_another_order_are_refused():
    X, y = table()
    model = NeuronSeekRegressor(**TINY).fit(X, y)
    with pytest.raises(ValueError, match="same order"):
        model.predict(X[X.columns[::-1]])
    with pytest.raises(TypeError, match="'size'"):
        model.predict(X.assign(size="large"))


def test_new_rows_with_unseen_categories_and_all_values_missing():
    X, y = table()
    model = NeuronSeekRegressor(**TINY).fit(X, y)
    new = X.iloc[:3].astype(object)
    new.iloc[0] = [None] * 6
    new.iloc[1, 2:4] = ["Paris", "somewhere"]
    new.iloc[2, 0] = 1e300
    predicted = model.predict(new)
    assert (y.min() - 1e-9 <= predicted).all() and (predicted <= y.max() + 1e-9).all()


def test_odd_tables():
    rng = np.random.default_rng(0)
    y = rng.normal(size=12)
    wide = rng.normal(size=(12, 40))
    model = NeuronSeekRegressor(**{**TINY, "budget": 500}).fit(wide, y)
    assert np.isfinite(model.predict(wide)).all()
    with_constant = np.column_stack([np.full(12, 3.0), wide[:, 0], np.full(12, np.nan)])
    model = NeuronSeekRegressor(**{**TINY, "n_bins": 4}).fit(with_constant, y)
    assert np.isfinite(model.predict(with_constant)).all()
    nothing = NeuronSeekRegressor(**TINY).fit(np.full((12, 2), np.nan), y)
    assert np.isfinite(nothing.predict(wide[:, :2])).all()
    rare = np.array(["a"] * 8 + ["b"] * 3 + ["c"])  # a class of one row
    model = NeuronSeekClassifier(**TINY).fit(wide[:, :3], rare)
    assert model.predict_proba(wide[:, :3]).shape == (12, 3)


@pytest.mark.parametrize(("fit", "error", "words"), [
    (lambda X, y: (X.iloc[:1], y[:1]), ValueError, "1, 6"),
    (lambda X, y: (X.assign(size=np.inf), y), ValueError, "infinity in the column 'size'"),
    (lambda X, y: (X.assign(size=pd.Timestamp("2020")), y), TypeError, "'size'"),
    (lambda X, y: (X, np.where(y > 30, np.nan, y)), ValueError, "NaN"),
    (lambda X, y: (X, np.zeros(len(y))), ValueError, "constant"),
    (lambda X, y: (X.rename(columns={"size": "count"}), y), ValueError, "count"),
])
def test_bad_data_for_a_regression(fit, error, words):
    with pytest.raises(error, match=words):
        NeuronSeekRegressor(**TINY).fit(*fit(*table()))


def test_bad_classes():
    X, _ = table(20)
    with pytest.raises(ValueError, match="one class"):
        NeuronSeekClassifier(**TINY).fit(X, np.zeros(20))
    with pytest.raises(ValueError, match="NaN"):
        NeuronSeekClassifier(**TINY).fit(X, [None, "a"] * 10)
    with pytest.raises(ValueError, match="two rows"):
        NeuronSeekClassifier(**TINY).fit(X, np.arange(20))


@pytest.mark.parametrize(("name", "value", "error"), [
    ("method", "alz", ValueError), ("structure", 3, TypeError), ("structure", "x^2", ValueError),
    ("max_order", 0, ValueError), ("rank", 1.5, TypeError), ("enrich", 1, TypeError),
    ("budget", 3, ValueError), ("members", 0, ValueError), ("n_bins", -1, ValueError),
    ("learning_rates", 0.1, TypeError), ("learning_rates", (0.0,), ValueError),
    ("weight_decays", (-1.0,), ValueError), ("steps", 0, ValueError),
    ("batch_size", True, TypeError), ("validation_fraction", 1.0, ValueError),
    ("progress", None, TypeError),
])
def test_bad_parameters_are_named(name, value, error):
    X, y = table(20)
    with pytest.raises(error, match=name):
        NeuronSeekRegressor(**{**TINY, "steps": 1, name: value}).fit(X, y)


def _interrupted(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize("kind", [NeuronSeekRegressor, NeuronSeekClassifier])
@pytest.mark.parametrize(("change", "error"), [
    ({"budget": 2}, ValueError), ({"steps": 0}, ValueError), ({"rank": 0}, ValueError),
    ({"structure": "x^2"}, ValueError), ({}, KeyboardInterrupt),
], ids=str)
def test_a_fit_that_fails_leaves_the_fitted_estimator(kind, change, error, monkeypatch):
    X, y = table()
    other = pd.DataFrame(np.random.default_rng(1).normal(100.0, 30.0, (50, 6)))
    if kind is NeuronSeekClassifier:
        y, target = np.where(y > np.median(y), "high", "low"), np.arange(50) % 3
    else:
        target = other[0] ** 2
    model = kind(**TINY).fit(X, y)
    before, predicted = dict(vars(model)), model.predict(X)
    model.set_params(**change)
    if error is KeyboardInterrupt:
        monkeypatch.setattr("nslib.training.trainer._State.evaluate", _interrupted)
    with pytest.raises(error):
        model.fit(other, target)
    model.set_params(**{name: before[name] for name in change})
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is before[name] for name in before)
    np.testing.assert_array_equal(model.predict(X), predicted)


def test_a_fit_that_fails_leaves_an_estimator_without_a_fit():
    X, y = table(20)
    model = NeuronSeekRegressor(**{**TINY, "budget": 25, "enrich": True})
    with pytest.raises(ValueError, match=r"budget: .* of pure\(1,2\)\+interact\(2;rank=1\)"):
        model.fit(X, y)
    assert vars(model).keys() == model.get_params().keys()


def test_a_budget_without_room_for_any_network_is_refused_before_the_search(monkeypatch):
    monkeypatch.setattr(nslib.estimators.base, "search", None)
    with pytest.raises(ValueError, match=r"budget: found 2, expected .* of pure\(1\)"):
        NeuronSeekRegressor(**{**TINY, "budget": 2}).fit(*table(20))


def test_a_second_fit_forgets_the_first():
    X, y = table()
    numbers = np.random.default_rng(0).normal(size=(60, 2))
    model = NeuronSeekRegressor(**TINY).fit(X, y).fit(numbers, numbers[:, 0])
    assert model.n_features_in_ == 2 and not hasattr(model, "feature_names_in_")
    fresh = NeuronSeekRegressor(**TINY).fit(numbers, numbers[:, 0])
    np.testing.assert_array_equal(model.predict(numbers), fresh.predict(numbers))


def test_parameters_of_a_fitted_network_are_counted():
    X, y = table()
    model = NeuronSeekRegressor(**TINY).fit(X, y)
    assert n_parameters(model.network_) == model.n_parameters_ > 0


def test_docstrings_have_what_both_share():
    for kind in (NeuronSeekRegressor, NeuronSeekClassifier):
        assert kind.__doc__.startswith("Predict a ") and "\nParameters\n---" in kind.__doc__
        for name in kind().get_params():
            assert name in kind.__doc__
        assert kind.__doc__.count("Examples\n---") == (kind is NeuronSeekRegressor)
    assert doctest.testmod(nslib.estimators.regressor).attempted > 3
    assert not doctest.testmod(nslib.estimators.regressor).failed


def test_imports_within_estimators_are_no_circle():
    folder = Path(nslib.estimators.__file__).parent
    imports = {file.stem: set() for file in folder.glob("*.py")}
    for name, modules in imports.items():
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                modules |= {node.module} if node.module else {alias.name for alias in node.names}
    assert "saving" in imports["base"] and "base" in imports["regressor"]
    graphlib.TopologicalSorter(imports).prepare()  # which raises for a circle


def test_before_fit():
    for name in ("formula_", "network_", "n_parameters_"):
        with pytest.raises(NotFittedError):
            getattr(NeuronSeekRegressor(), name)


def test_progress_goes_to_stderr(capsys):
    X, y = table(30)
    NeuronSeekRegressor(**{**TINY, "progress": True, "steps": 4}).fit(X, y)
    printed = capsys.readouterr()
    assert printed.out == "" and "network: 4/4" in printed.err


ROWS = np.random.default_rng(0).normal(size=(30, 2))
LABELS = np.array(["a", "b", "c"] * 10)


@pytest.mark.parametrize(("X", "y", "options", "words"), [
    (ROWS, LABELS, {}, "y: found text 'a', expected numbers"),
    (ROWS, pd.date_range("2020", periods=30), {}, "y: found dtype datetime64"),
    ([[1.0, 2.0], [3.0]] * 15, ROWS[:, 0], {}, "X: found rows of different length"),
    (ROWS, [[1.0], [2.0, 3.0]] * 15, {}, "y: found rows of different length"),
    (torch.eye(30).to_sparse(), ROWS[:, 0], {}, "X: found a sparse tensor"),
    (ROWS * 1e307, ROWS[:, 0], {}, "X: found values up to .*e.307 in column"),
    (ROWS * 1e-320, ROWS[:, 0], {}, "X: found a spread of .*e-320 in column"),
    (ROWS, ROWS[:, 0] * 1e-320, {"structure": "pure(1)"}, "y: found a spread of .*e-320"),
    (ROWS, ROWS[:, 0], {"random_state": "a"}, "random_state: found 'a', expected None, an int"),
    (ROWS, ROWS[:, 0], {"random_state": -1}, "random_state: found -1, expected None, an int"),
    (ROWS, ROWS[:, 0], {"budget": 10**12}, "budget: found 1000000000000, expected an int of at mo"),
    (ROWS, ROWS[:, 0], {"max_order": 10**6}, "max_order: found 1000000, expected an int of at"),
    (ROWS, ROWS[:, 0], {"rank": 10**6}, "rank: found 1000000, expected an int of at most 10000"),
    (ROWS, ROWS[:, 0], {"members": 10**9}, "members: found 1000000000, expected an int of at most"),
    (ROWS, ROWS[:, 0], {"n_bins": 10**9}, "n_bins: found 1000000000, expected an int of at most"),
    (ROWS, ROWS[:, 0], {"steps": 10**12}, "steps: found 1000000000000, expected an int of at most"),
    (ROWS, ROWS[:, 0], {"learning_rates": [0.1] * 2000}, "learning_rates, weight_decays: found"),
    (ROWS, ROWS[:, 0], {"structure": "pure(1000000)"}, "structure: pure: found 1000000, .*most 64"),
    (ROWS, ROWS[:, 0], {"structure": "sine"}, "structure: found 'sine' in 'sine', expected a form"),
    (pd.DataFrame({"a": [10**400] * 30}), ROWS[:, 0], {}, "X: .*column 'a'"),
])
def test_what_cannot_be_fitted_is_named(X, y, options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        NeuronSeekRegressor(**{**TINY, **options}).fit(X, y)


@pytest.mark.parametrize(("y", "words"), [
    (["a", 1, 2] * 10, "y: found labels of types int, str, expected one type"),
    ([["a"], ["b", "c"]] * 15, "y: found rows of different length"),
    (pd.date_range("2020", periods=30), "y: found dtype datetime64"),
    (ROWS[:, 0] * 1j, "y: found dtype complex128"),
])
def test_labels_that_are_none_are_named(y, words):
    with pytest.raises((TypeError, ValueError), match=words):
        NeuronSeekClassifier(**TINY).fit(ROWS, y)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_tensors_are_rows_and_targets(dtype):
    X = torch.as_tensor(ROWS).to(dtype).requires_grad_()
    model = NeuronSeekRegressor(**TINY).fit(X, X[:, 0])
    same = NeuronSeekRegressor(**TINY).fit(X.detach().double().numpy(), X.detach().double()[:, 0])
    np.testing.assert_array_equal(model.predict(X), same.predict(X.detach().double()))
    codes = (X[:, 0] > 0).to(dtype)
    assert set(NeuronSeekClassifier(**TINY).fit(X, codes).predict(X)) == {0.0, 1.0}


@pytest.mark.parametrize("refused", [{"budget": 1}, {"rank": 0}, {"structure": "sine"}])
def test_a_refused_fit_draws_no_random_number(refused):
    state = np.random.RandomState(3)
    model = NeuronSeekRegressor(**{**TINY, "random_state": state, **refused})
    with pytest.raises(ValueError, match="found"):
        model.fit(ROWS, ROWS[:, 0])
    with pytest.raises(ValueError, match="constant"):
        NeuronSeekRegressor(**{**TINY, "random_state": state}).fit(ROWS, np.ones(30))
    NeuronSeekRegressor(**{**TINY, "random_state": state}).fit(ROWS, ROWS[:, 0])
    other = np.random.RandomState(3)
    other.randint(2**31 - 1)  # what one fit draws
    assert state.randint(2**31 - 1) == other.randint(2**31 - 1)


def contradiction(n=60):
    """Rows (2n, 2) of which the second half says the contrary of the first: a target (2n,)."""
    X = np.random.default_rng(0).normal(size=(n, 2))
    return np.vstack([X, X]), np.concatenate([X[:, 0], -X[:, 0]])


@pytest.mark.parametrize("kind", [NeuronSeekRegressor, NeuronSeekClassifier])
def test_rows_count_as_much_as_their_weights_say(kind):
    X, y = contradiction()
    weights = np.repeat([100.0, 1.0], len(X) // 2)
    if kind is NeuronSeekClassifier:
        y = np.where(y > 0, "high", "low")
    model = kind(**TINY)
    model.fit(X, y, sample_weight=weights)
    half = slice(len(X) // 2)
    assert model.score(X[half], y[half]) > 0.8
    opposite = kind(**TINY).fit(X, y, sample_weight=weights[::-1])
    assert opposite.score(X[half], y[half]) < 0.2


def test_equal_weights_change_nothing_and_rows_of_weight_zero_are_left_out():
    X, y = table(60)
    plain = NeuronSeekRegressor(**TINY).fit(X, y).predict(X)
    equal = NeuronSeekRegressor(**TINY).fit(X, y, np.full(60, 7.0)).predict(X)
    np.testing.assert_allclose(equal, plain, rtol=1e-3)
    kept = np.arange(60) % 3 > 0
    y[~kept] = np.nan  # even so
    part = NeuronSeekRegressor(**TINY).fit(X[kept], y[kept]).predict(X)
    np.testing.assert_allclose(NeuronSeekRegressor(**TINY).fit(X, y, kept).predict(X), part,
                               rtol=1e-3)


@pytest.mark.parametrize(("weights", "words"), [
    (np.full(30, -1.0), "found -1 at 0"), (np.zeros(30), "found zeros only"),
    (np.ones(29), r"found shape \(29,\), expected \(30,\)"), (np.full(30, np.nan), "found nan"),
    (np.eye(30)[0], "found 1 positive weights, expected at least 3"),
])
def test_bad_weights_are_named(weights, words):
    with pytest.raises(ValueError, match=f"sample_weight: {words}"):
        NeuronSeekRegressor(**TINY).fit(ROWS, ROWS[:, 0], sample_weight=weights)
