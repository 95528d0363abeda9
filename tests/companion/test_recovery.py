"""Structure recovery: which structures are exact, which errors are counted, what is explained."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.experiments.formula_tasks import FORMULA_KEYS, formula_tasks, kept_streams
from companion.experiments.structure_recovery import identifiability, recovery
from companion.rivals import MODELS
from nslib import NeuronStructure, search
from nslib.data import make_formula

SMALL = {"vsr": {"population": 100, "generations": 5, "order": 5}}


@pytest.fixture(scope="module")
def fitted():
    return recovery.methods_on_formulas(
        200, 4, 0.01, {"als": [0], "vsr": [0, 1], "mean": [0]}, SMALL
    )


def test_each_method_has_its_data_seeds_and_every_formula(fitted):
    fits, models = fitted
    assert fits.groupby("method").size().to_dict() == {"als": 15, "vsr": 30, "mean": 15}
    assert set(models) == set(zip(fits["method"], fits["formula"], fits["data_seed"], strict=True))
    assert tuple(fits["formula"].unique()) == tuple(FORMULA_KEYS)


def test_states_say_what_can_be_judged(fitted):
    fits, _ = fitted
    pure = ~fits["truth"].str.contains("interact")
    vsr, mean = fits["method"] == "vsr", fits["method"] == "mean"
    assert (fits.loc[vsr & pure, "state"] == "scored").all()
    assert (fits.loc[vsr & ~pure, "state"] == "not representable").all()
    assert (fits.loc[mean, "state"] == "no search").all() and not fits.loc[mean, "exact"].any()
    assert (fits.loc[mean, "structure"] == "").all()


def test_exact_and_errors_are_those_of_the_models(fitted):
    fits, models = fitted
    row = fits[(fits["method"] == "als") & (fits["formula"] == "hybrid 1")].iloc[0]
    model, task = models["als", "hybrid 1", 0], make_formula("hybrid", 1, 400, 4, 0.01, 0)
    assert row["exact"] == model.structure.same_streams(task.structure)
    error = np.mean((model.predict(task.X[200:]) - task.y[200:]) ** 2) / task.noise_floor
    assert row["own"] == pytest.approx(error) and row["retrained"] == row["own"]
    assert fits.loc[fits["method"] == "als", "exact"].mean() >= 0.8
    mean = fits[fits["method"] == "mean"]
    floors = [t.noise_floor for t in formula_tasks(400, 4, 0.01, [0]).values()]
    np.testing.assert_allclose(mean["own"] * floors, 1, rtol=0.6)


def test_retraining_repairs_weights_but_not_streams():
    task = make_formula("hybrid", 0, 800, 4, 0.01, 0)
    right = recovery.retrained_error("gated", NeuronStructure((2, 4), (2,), 3), task, 400, 9e9)
    wrong = recovery.retrained_error("gated", NeuronStructure((1,), (3,), 3), task, 400, 9e9)
    assert right < 1.5 and wrong > 100
    for structure in (None, NeuronStructure((1,), (), sin=True)):
        assert recovery.retrained_error("threshold", structure, task, 400, 7.0) == 7.0


@pytest.mark.parametrize(("method", "truth", "can"), [
    ("vsr", NeuronStructure((2, 4), ()), True), ("vsr", NeuronStructure((2,), (2,)), False),
    ("threshold", NeuronStructure((1,), (2,)), True),
    ("threshold", NeuronStructure((2,), ()), False),
    ("gated", NeuronStructure((2,), (3,)), True), ("mean", NeuronStructure((1,), ()), False),
    ("threshold", NeuronStructure((1,), (), sin=True), True),
    ("gated", NeuronStructure((1,), (), sin=True), False),
])
def test_what_a_method_can_say(method, truth, can):
    assert MODELS[method].represents(truth) is can


def test_unknown_methods_are_named():
    with pytest.raises(ValueError, match="did you mean 'gated'"):
        recovery.methods_on_formulas(100, 3, 0.1, {"gatd": [0]}, {})


def table(*rows):
    columns = ["method", "formula", "structure", "truth", "state", "exact"]
    return pd.DataFrame(rows, columns=columns)


def test_confusion_counts_what_is_missed_and_what_is_in_vain():
    fits = table(
        ("m", "a", "pure(1)+interact(2;rank=8)", "pure(1)", "scored", False),
        ("m", "b", "pure(1)", "pure(1)+interact(2;rank=1)", "scored", False),
        ("m", "c", "interact(2;rank=3)", "interact(2;rank=1)", "scored", True),
    )
    errors = recovery.confusion(fits, ["pure 1", "interact 2"])
    counted = errors.set_index(["stream", "error"])[["count", "of"]].apply(tuple, axis=1)
    assert counted.to_dict() == {
        ("pure 1", "missed"): (0, 2), ("pure 1", "kept in vain"): (0, 1),
        ("interact 2", "missed"): (1, 2), ("interact 2", "kept in vain"): (1, 1),
    }
    assert ((errors["low"] <= errors["share"]) & (errors["share"] <= errors["high"])).all()
    rate = recovery.rates(errors)["m"]
    assert rate["recall"] == 3 / 4 and rate["precision"] == 3 / 4
    assert rate["most_often_in_vain"] == "interact 2"
    assert recovery.sentences(fits) == [
        "m: exact on 1 of 3 data sets, all true streams and more on 1, a true stream missing on 1"
    ]


@settings(deadline=None, max_examples=25)
@given(
    data=st.lists(
        st.tuples(*[st.lists(st.integers(1, 3), min_size=1, max_size=3)] * 2),
        min_size=1, max_size=6,
    )
)
def test_confusion_agrees_with_sets(data):
    """Recall and precision over all streams equal those of the sets of streams."""
    fits = table(*(
        ("m", "f", str(NeuronStructure(kept, ())), str(NeuronStructure(true, ())), "scored", False)
        for kept, true in data
    ))
    shared = sum(len(set(kept) & set(true)) for kept, true in data)
    errors = recovery.confusion(fits, [f"pure {k}" for k in (1, 2, 3)])
    if set(errors["error"]) != {"missed", "kept in vain"}:
        return
    rate = recovery.rates(errors)["m"]
    assert rate["recall"] == pytest.approx(shared / sum(len(set(true)) for _, true in data))
    assert rate["precision"] == pytest.approx(shared / sum(len(set(kept)) for kept, _ in data))


def test_kept_streams_averages_over_fits():
    fits = table(*(("m", "a", s, "pure(1)", "scored", False) for s in ("pure(1)", "pure(1,2)")))
    kept = kept_streams(fits, ["pure 1", "pure 2"])
    assert list(kept["kept"]) == [1.0, 0.5] and list(kept["true"]) == [True, False]


def test_plain_tables_have_no_missing_numbers():
    frame = pd.DataFrame({"a": [1.0, float("nan")]}, index=["x", "y"])
    assert recovery.plain(frame) == {"x": {"a": 1.0}, "y": {"a": None}}


def test_by_method_leaves_out_what_cannot_be_represented():
    fits = table(
        ("vsr", "a", "pure(1)", "pure(1)", "scored", True),
        ("vsr", "b", "pure(1)", "interact(2;rank=1)", "not representable", False),
        ("mean", "a", "", "pure(1)", "no search", False),
    ).assign(own=[1.0, 100.0, 50.0], retrained=[1.0, 90.0, 50.0])
    rows = recovery.by_method(fits).set_index("method")
    assert rows.loc["vsr", ["scored", "exact_share", "exact_of_all"]].tolist() == [1, 1.0, 0.5]
    assert rows.loc["vsr", "retrained"] == 45.5 and rows.loc["vsr", "retrained_exact"] == 1.0
    assert rows.loc["mean", ["exact_share", "exact_of_all"]].isna().all()


def test_a_power_is_an_interaction_of_full_rank():
    twins = identifiability.twins([1, 2, 3, 4, 5], n_features=5, n_points=50, seed=3)
    assert twins["gap"].max() < 1e-12
    assert (twins["power"] == 5).all() and twins["interaction"].iloc[1] == 2 * 5 * 5 + 5


def test_moments_are_those_of_the_normal():
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()
    for order in range(11):
        assert float(identifiability.normal_moment(order)) == pytest.approx(
            weights @ nodes**order, abs=1e-9
        )
    powers = np.stack([nodes**k for k in range(1, 6)])
    centred = powers - (powers @ weights)[:, None]
    covariance = (centred * weights) @ centred.T
    scale = np.sqrt(np.diag(covariance))
    exact = identifiability.power_correlations(5, 50, 2, 0).pivot(
        index="a", columns="b", values="exact"
    )
    np.testing.assert_allclose(exact, covariance / np.outer(scale, scale), atol=1e-9)


def test_sample_correlations_come_near_the_exact_ones():
    table = identifiability.power_correlations(3, 20_000, 3, 1)
    assert (table["sample"] - table["exact"]).abs().max() < 0.05


def test_dropping_a_true_stream_costs_and_a_redundant_one_does_not():
    task = make_formula("hybrid", 1, 500, 4, 0.05, 0)
    result = search(task.X, task.y, "gated", standardize=False, epochs=3, order=3, rank=4)
    assert set(task.structure.streams) < set(result.structure.streams)
    costs = identifiability.cost_of_dropping(result, task.structure, task.X, task.y)
    assert list(costs["stream"]) == list(result.structure.streams)
    assert list(costs["needed"]) == list(costs["true"])
    ratio = costs["refitted_without"] / costs["refitted"]
    assert (ratio[costs["true"]] > 5).all() and (ratio[~costs["true"]] < 1.2).all()


def test_closing_a_stream_leaves_the_others_as_they_are():
    task = make_formula("hybrid", 1, 300, 4, 0.05, 0)
    result = search(task.X, task.y, "als", standardize=False, order=2)
    costs = identifiability.cost_of_dropping(result, task.structure, task.X, task.y)
    outputs = result.neuron.stream_outputs(torch.as_tensor(task.X))
    for row in costs.itertuples():
        lost = float(outputs[row.stream].var(correction=0))
        assert row.found < 1e-3 and row.closed == pytest.approx(lost, rel=0.1)


def test_the_only_stream_is_needed():
    task = make_formula("pure", 0, 200, 3, 0.05, 0)
    result = search(task.X, task.y, "als", standardize=False, order=2)
    row = identifiability.cost_of_dropping(result, task.structure, task.X, task.y).iloc[0]
    assert row["needed"] and row["refitted_without"] == 1
    assert row["closed"] == pytest.approx(1)


def test_without_keeps_the_other_streams():
    structure = NeuronStructure((1, 2), (2, 3), rank=4, sin=True)
    less = structure.without("interact 2")
    assert less == NeuronStructure((1, 2), (3,), 4, sin=True)
    assert structure.without("sin") == NeuronStructure((1, 2), (2, 3), 4)
    with pytest.raises(ValueError, match="stream"):
        structure.without("pure 3")


def test_costs_need_a_known_formula_and_are_none_without_a_gated_fit():
    costs = identifiability.costs_by_formula({}, ["pure 0"], 100, 3, 0.1, 0)
    assert costs.empty and list(costs) == ["formula", *identifiability.COSTS]
    assert identifiability.spoken(costs) == [
        "no gated fits to these formulas, so no gates to look at"]
    with pytest.raises(ValueError, match="did you mean 'pure 0'"):
        identifiability.costs_by_formula({}, ["pure0"], 100, 3, 0.1, 0)
