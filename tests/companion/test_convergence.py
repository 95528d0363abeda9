"""Notebook 05: curves and ratios of hand-made fits, and a judge that treats all methods alike."""

import time

import numpy as np
import pandas as pd
import pytest

from companion.experiments.convergence_and_scaling import convergence as experiments
from nslib import NeuronStructure, search
from nslib.data import make_formula, random_formula
from nslib.search import refit

DATA = {"n_train": 150, "n_test": 100, "n_features": 3, "noise": 0.01}


def fit(method, budget, error, seconds, seed=0, own=None, retrain=0.0):
    return {"method": method, "budget": budget, "seed": seed, "structure": "pure(1)",
            "exact": False, "own_mse": error if own is None else own, "test_mse": error,
            "noise_floor": 0.01, "search_seconds": seconds, "retrain_seconds": retrain}


FITS = pd.DataFrame([
    fit("gated", 10, 0.5, 1.0, retrain=2.0), fit("gated", 20, 0.2, 2.0, own=0.6, retrain=2.0),
    fit("als", 1, 0.1, 0.5), fit("vsr", 1, 0.9, 0.1), fit("vsr", 5, 0.31, 8.0),
    fit("vsr", 50, 0.3, 80.0), fit("mean", 0, 1.0, 0.0),
    fit("linear", 0, 0.8, 0.0), fit("ridge", 0, 0.31, 0.0),
])


def test_curves_are_medians_and_ranges_of_the_seeds():
    rows = [fit("vsr", 1, error, seconds, seed, own=10 * error)
            for seed, (error, seconds) in enumerate([(1.0, 5.0), (3.0, 1.0), (2.0, 3.0)])]
    curve = experiments.curves(pd.DataFrame(rows)).iloc[0]
    assert (curve["error"], curve["low"], curve["high"]) == (2, 1, 3)
    assert (curve["own_error"], curve["own_low"], curve["own_high"]) == (20, 10, 30)
    assert curve["seconds"] == 3


def test_curves_have_the_time_of_search_and_retraining_and_no_baseline():
    curve = experiments.curves(FITS)
    assert list(curve["seconds"])[:2] == [3.0, 4.0]
    assert "mean" not in set(curve["method"])


@pytest.mark.parametrize(("error", "time"), [(0.5, 3.0), (0.2, 4.0), (0.191, 4.0), (0.19, None)])
def test_an_error_is_reached_from_five_percent_above(error, time):
    curve = experiments.curves(FITS)
    assert experiments.time_to(curve[curve["method"] == "gated"], error) == time


def test_ratios_are_of_times_to_the_error_the_rival_ends_at():
    ratios = experiments.speed_ratios(FITS)
    assert ratios["vsr_over_td"] == 8.0 / 4.0  # 0.31 is within 5 % of 0.3
    assert ratios["vsr_over_als"] == 8.0 / 0.5
    assert ratios["vsr_over_td_unretrained"] == 0.0  # 0.5 and 0.6 never get to 0.3
    assert ratios["sr_over_td"] is ratios["sr_over_td_spread"] is None
    lines = experiments.sentences(FITS)
    assert lines[0].startswith("vsr ends at a test MSE of 0.3; of the baselines, ridge gets there")
    assert "  gated: 4 s (4 s to 4 s)" in lines
    assert "  gated, without retraining: never (never to never)" in lines


def test_a_ratio_is_paired_within_a_repetition_and_has_its_spread():
    rows = [fit(method, 1, error, seconds, seed) for seed, (error, td, vsr) in enumerate([
        (0.2, 1.0, 8.0), (0.4, 10.0, 40.0), (0.1, 2.0, 32.0)])
        for method, seconds in (("gated", td), ("vsr", vsr))]
    ratios = experiments.speed_ratios(pd.DataFrame(rows))
    assert ratios["vsr_over_td"] == 8.0 and ratios["vsr_over_td_spread"] == [4.0, 16.0]
    assert experiments.ratio_in_words(ratios, "vsr_over_td") == "8 (4 to 16)"
    assert experiments.ratio_in_words(ratios, "vsr_over_als") == "not run"
    rows[2]["test_mse"] = rows[4]["test_mse"] = 0.5  # the gated search of two never gets there
    ratios = experiments.speed_ratios(pd.DataFrame(rows))
    assert ratios["vsr_over_td"] == 0.0 and ratios["vsr_over_td_spread"] == [0.0, 8.0]
    assert "  gated: never (1 s to never)" in experiments.sentences(
        pd.concat([pd.DataFrame(rows), FITS[FITS["budget"] == 0]]))


def test_a_repetition_in_which_a_slow_method_was_left_out_does_not_count():
    rows = [fit("vsr", 1, 0.3, 8.0), fit("vsr", 1, 0.3, 6.0, 1), fit("als", 1, 0.1, 2.0)]
    ratios = experiments.speed_ratios(pd.DataFrame(rows))
    assert ratios["vsr_over_als"] == 4.0 and ratios["vsr_over_als_spread"] == [4.0, 4.0]


def test_time_that_other_work_takes_does_not_count(monkeypatch):
    fit_model = experiments.fit_model

    def interrupted(*arguments, **options):
        time.sleep(0.3)
        return fit_model(*arguments, **options)

    monkeypatch.setattr(experiments, "fit_model", interrupted)
    judge = experiments.Judge(make_formula("pure", 0, 300, 2), 200, seed=0)
    judge.row("mean")  # imports done
    assert 0 < judge.row("mean")["search_seconds"] < 0.2


def test_levels_are_the_baselines_and_the_floor():
    levels = experiments.levels(FITS).set_index("level")["error"]
    assert levels.to_dict() == {"mean": 1.0, "linear": 0.8, "ridge": 0.31, "noise floor": 0.01}


def test_a_record_gives_the_table_back():
    metrics, timing = experiments.split(FITS)
    record = {"metrics": {"fits": metrics}, "run": {"timing": {"fits": timing}}}
    pd.testing.assert_frame_equal(experiments.joined(record), FITS)
    assert not any("seconds" in column for column in metrics)


def test_decompositions_are_retrained_and_others_judged_as_they_are():
    task = make_formula("hybrid", 1, 250, 3)
    judge = experiments.Judge(task, 150, seed=0)
    row = judge.row("gated", epochs=3, order=2, rank=1)
    structure = NeuronStructure.parse(row["structure"])
    expected = refit(structure, task.X[:150], task.y[:150], standardize=False)
    error = np.mean((expected.predict(task.X[150:]) - task.y[150:]) ** 2)
    assert row["test_mse"] == pytest.approx(error) and row["test_mse"] < row["own_mse"]
    assert judge.row("gated", epochs=3, order=2, rank=1)["retrain_seconds"] == (
        row["retrain_seconds"])
    result = search(task.X[:150], task.y[:150], "vsr", standardize=False, generations=2)
    row = judge.row("vsr", generations=2)
    error = np.mean((result.predict(task.X[150:]) - task.y[150:]) ** 2)
    assert row["own_mse"] == row["test_mse"] == pytest.approx(error)
    assert row["retrain_seconds"] == 0.0 and not row["exact"]
    assert judge.row("als")["exact"]


def test_the_control_retrains_every_stream():
    judge = experiments.Judge(make_formula("pure", 0, 300, 2), 200, seed=0)
    row = judge.control()
    assert row["method"] == "no search" and row["search_seconds"] == 0
    assert row["structure"] == "pure(1,2,3,4,5)+interact(2,3,4,5;rank=8)"
    assert row["test_mse"] < 2 * row["noise_floor"]


def test_convergence_has_a_row_a_fit_in_the_order_asked_for():
    ladders = {"vsr": [1, 2], "threshold": []}
    fits = experiments.convergence("pure 0", seeds=[3, 4], ladders=ladders, slow=["threshold"],
                                   **DATA)
    rest = [m for m in ("no search", "mean", "linear", "ridge") for _ in range(2)]
    assert list(fits["method"]) == ["vsr"] * 4 + ["threshold"] + rest
    assert list(fits["seed"]) == [3, 4, 3, 4, 3] + [3, 4] * 4
    assert list(fits["budget"]) == [1, 1, 2, 2] + [0] * 9
    task = make_formula("pure", 0, 250, 3, 0.01, 3)
    error = np.mean((task.y[150:] - task.y[:150].mean()) ** 2)
    assert fits["test_mse"][fits["method"] == "mean"].iloc[0] == pytest.approx(error)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="did you mean 'pure 0'"):
        experiments.convergence("pur 0", seeds=[0], ladders={}, **DATA)
    with pytest.raises(ValueError, match="ladders.*did you mean 'gated'"):
        experiments.convergence("pure 0", seeds=[0], ladders={"gatd": [1]}, **DATA)
    with pytest.raises(ValueError, match="budgets of 'threshold'"):
        experiments.convergence("pure 0", seeds=[0], ladders={"threshold": [1]}, **DATA)
    with pytest.raises(ValueError, match="n_train"):
        experiments.Judge(make_formula("pure", 0, 50, 2), 50, 0)


def test_a_structure_with_sin_keeps_the_weights_of_its_search():
    task = random_formula(NeuronStructure((1,), (), sin=True), 400, 2, 0.01, 0)
    row = experiments.Judge(task, 300, 0).row("threshold", order=1, epochs=40)
    assert row["structure"].endswith("+sin") and row["test_mse"] == row["own_mse"]
    assert row["retrain_seconds"] == 0


def test_a_batch_has_its_time_shared():
    assert experiments.batch_seconds("pure 0", 80, 2, 0.01, 2, 1) > 0
