"""The experiments on the search: what its tables say of the fits."""

import numpy as np
import pandas as pd
import pytest
import sympy as sp

from companion.experiments.decomposition_search import formula_search as experiments
from companion.experiments.start_here import hidden_formula as start
from nslib import NeuronStructure, search
from nslib.data import FORMULAS, make_formula, random_formula

FEW = {"epochs": 4, "order": 2, "rank": 2}


def test_synthetic_compares_methods_on_fresh_rows():
    methods = {"gated": {"method": "gated", **FEW},
               "v1": {"method": "threshold", "order": 2, "epochs": 60}}
    fits, by_label = experiments.synthetic("hybrid 1", 600, 4, 0.01, 0, methods, [0, 1])
    assert list(fits["method"]) == ["gated", "gated", "v1", "v1"]
    for label, results in by_label.items():
        rows = fits[fits["method"] == label]
        assert list(rows["structure"]) == [str(r.structure) for r in results]
        truth = FORMULAS["hybrid", 1].structure
        assert list(rows["exact"]) == [r.structure.same_streams(truth) for r in results]
    task = make_formula("hybrid", 1, 1200, 4, 0.01, 0)
    error = np.mean((by_label["v1"][0].predict(task.X[600:]) - task.y[600:]) ** 2)
    assert fits["test_mse"].iloc[2] == pytest.approx(error)
    assert fits["test_mse"].iloc[2] < fits["test_mse"].iloc[0]


def test_recovery_covers_formulas_streams_and_fits():
    streams, fits = experiments.formula_recovery(130, 3, 0.01, [0], [0, 1], **FEW)
    assert len(fits) == 30 and fits["formula"].nunique() == 15
    assert len(streams) == 15 * 3  # pure 1, pure 2, interact 2
    assert streams["kept"].isin([0.0, 0.5, 1.0]).all()
    row = streams.set_index(["formula", "stream"]).loc[("hybrid 0", "interact 2")]
    mine = fits[fits["formula"] == "hybrid 0"]["structure"].str.contains("interact(2", regex=False)
    assert row["kept"] == mine.mean() and row["true"]


def test_gate_history_is_mean_and_range_over_fits():
    task = make_formula("pure", 0, 200, 3)
    results = search(task.X, task.y, "gated", seeds=[0, 1, 2], **FEW)
    history = experiments.gate_history(results)
    last = history[(history["stream"] == "pure 2") & (history["epoch"] == 4)].iloc[0]
    gates = [r.gate_probabilities["pure 2"] for r in results]
    assert (last["low"], last["high"]) == pytest.approx((min(gates), max(gates)))
    assert last["mean"] == pytest.approx(np.mean(gates))


@pytest.mark.parametrize(("dataset", "metric"), [("diabetes", "mse"), ("iris", "accuracy")])
def test_real_data_has_baselines_and_one_split_a_seed(dataset, metric):
    methods = {"gated": {"method": "gated", **FEW}, "v1": {"method": "threshold", **FEW}}
    scores, shares, facts, results = experiments.real_data(dataset, methods, [0, 1])
    assert set(scores["metric"]) == {metric} and facts["name"] == dataset
    means = scores.groupby("model")["value"].mean()
    assert len(means) == 5 and np.isfinite(means).all()
    trivial, linear = ("mean", "linear") if metric == "mse" else ("commonest class", "logistic")
    better = means[linear] < means[trivial] if metric == "mse" else means[linear] > means[trivial]
    assert better
    np.testing.assert_allclose(shares.groupby(["method", "seed"])["share"].sum(), 1)
    assert {label: [r.seed for r in own] for label, own in results.items()} == {
        "gated": [0, 1], "v1": [0, 1]
    }


def test_agreement_is_shared_streams_over_all_streams():
    fits = pd.DataFrame([{"formula": "pure 0", "truth": "pure(2)", "exact": False,
                          "structure": "pure(2)+interact(2,4;rank=8)"}])
    row = experiments.agreement(fits, {"pure 0": "pure(2)"}).iloc[0]
    assert row["agreement"] == pytest.approx(1 / 3)
    assert row["theirs_exact"] and not row["exact"]


def test_formula_gap_sees_a_wrong_formula():
    task = make_formula("pure", 0, 200, 3)
    result = search(task.X, task.y, "gated", **FEW)
    assert experiments.formula_gap(result) < 1e-5
    broken = object.__new__(type(result))
    for name, value in vars(result).items():
        object.__setattr__(broken, name, value)
    object.__setattr__(broken, "formula", lambda: result.formula() + 1)
    assert experiments.formula_gap(broken) > 1e-2


def test_true_expression_is_the_task():
    structure = NeuronStructure((1, 3), (2,), rank=2, sin=True)
    task = random_formula(structure, 50, 3, noise=0.0, seed=1)
    expression = start.true_expression(task)
    values = sp.lambdify(sp.symbols("x_1:4"), expression, "numpy")(*task.X.T)
    np.testing.assert_allclose(values, task.y, atol=1e-10)


def test_hidden_formula_lists_every_monomial():
    hidden = start.hidden_formula(NeuronStructure((1,), (2,), 1), "threshold", 1000, 4, 0.05, 0)
    assert len(hidden.coefficients) == 1 + 4 + 10
    error = (hidden.coefficients["true"] - hidden.coefficients["found"]).abs().max()
    assert error < 0.05 and hidden.test_mse < 2 * hidden.noise_floor


def test_formulas_too_long_to_expand_are_said_to_be():
    X = np.random.default_rng(0).standard_normal((60, 40))
    result = search(X, X[:, 0], "gated", epochs=2, order=5, rank=1)
    said, terms = experiments.short_formula(result)
    assert "expected at most" in said and terms is None
    said, terms = experiments.short_formula(search(X[:, :2], X[:, 0], "als"))
    assert said.endswith("monomials") and terms is not None


def test_comparison_says_what_a_model_beats():
    scores = pd.DataFrame({"model": ["a", "b", "c"], "metric": "mse", "value": [2.0, 1.0, 3.0]})
    assert experiments.compared(scores, ["a"]) == [
        "a: 2.000, better than c (3.000); no better than b (1.000)"
    ]
