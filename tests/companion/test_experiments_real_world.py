"""What the table of the real-world sets says, and the laws of physics, against tables by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companion.experiments.real_world import compare_rivals, physics, say_real_world
from companion.experiments.real_world import real_world_runs as real_world
from companion.experiments.real_world.compare_rivals import ASTEROID, COLLISION
from companion.experiments.tabular_grid import compare_models
from companion.experiments.tabular_grid import score_table as table


def runs(dataset, model, values, *, budget=None, validation=None, n=None, diverged=False):
    task = "regression" if dataset in (COLLISION, ASTEROID) else (
        "classification"
    )
    metric = "mse" if task == "regression" else "accuracy"
    validation = values if validation is None else [validation] * len(values)
    return pd.DataFrame({
        "dataset": dataset, "task": task, "model": model, "budget": budget,
        "seed": range(len(values)), "metric": metric, "value": values, "train_value": values,
        "validation_value": validation, "validation_loss": validation,
        "f1": [np.nan if task == "regression" else v - 0.1 for v in values], "n_parameters": n,
        "structure": "", "learning_rate": 0.01, "weight_decay": 1.0, "diverged": diverged,
        "seconds": 1.0,
    })


def joined(*parts, path):
    return table.read(table.write(pd.concat(parts, ignore_index=True), path))


@pytest.fixture
def whole(tmp_path):
    return joined(
        # ours is the network of the better validation score, not of the better test score
        runs(COLLISION, "TN-als", [0.2, 0.2, 0.2], budget=100, validation=0.9, n=90),
        runs(COLLISION, "TN-als", [0.25, 0.35, 0.45], budget=300, validation=0.1, n=280),
        runs(COLLISION, "xgboost", [0.2, 0.3, 0.4]),
        runs(COLLISION, "linear", [0.9, 0.9, 0.9], n=9),
        runs(COLLISION, "MLP", [0.05, 0.15, 0.24], n=900),
        runs(ASTEROID, "TN", [0.5, 0.5], n=900),
        runs(ASTEROID, "catboost", [0.1, 0.2, 0.3]),
        runs("heart_failure", "TN", [0.9, 0.8], n=900),
        runs("heart_failure", "tabm", [0.8], n=9000),
        runs("stellar_classification", "TN", [0.7, 0.6], n=900),
        runs("stellar_classification", "lightgbm", [0.7, 0.6], diverged=True),
        path=tmp_path / "t.csv",
    )


def test_ours_is_chosen_by_validation_and_the_rival_by_test_rows(whole):
    rows = compare_rivals.standing(whole).set_index("dataset")
    row = rows.loc[COLLISION]
    assert (row["model"], row["rival"], row["place"]) == ("TN-als 300", "xgboost", 2)
    assert row["mean"] == pytest.approx(0.35) and row["within"] and not row["reached"]
    # ours has two of the rival's three seeds: 0.5 against 0.1 and 0.2
    assert rows.loc[ASTEROID, "seeds"] == 2
    assert rows.loc[ASTEROID, "rival_std"] == pytest.approx(np.std([0.1, 0.2], ddof=1))
    assert not rows.loc[ASTEROID, "within"]
    assert rows.loc["heart_failure", "within"] and rows.loc["heart_failure", "place"] == 1
    assert rows.loc["stellar_classification", "reached"]


def test_models_are_compared_on_the_seeds_that_both_have(tmp_path):
    """The first seeds are easy: whoever has run on these alone is not the better for it."""
    unequal = joined(
        runs(ASTEROID, "TN", [0.1, 0.2, 0.9, 0.8], n=900),
        runs(ASTEROID, "xgboost", [0.12, 0.24, 1.0, 0.88]),
        runs(ASTEROID, "catboost", [0.2, 0.4, 1.1, 0.9]),
        runs(ASTEROID, "tabm", [0.15, 0.3]),
        runs(ASTEROID, "ft_transformer", [0.08, 0.1]),
        path=tmp_path / "t.csv",
    )
    row = compare_rivals.standing(unequal[unequal["model"] != "ft_transformer"]).iloc[0]
    assert (row["rival"], row["place"], row["seeds"]) == ("xgboost", 1, 4) and row["within"]
    row = compare_rivals.standing(unequal).iloc[0]
    assert (row["rival"], row["place"], row["seeds"]) == ("ft_transformer", 2, 2)
    assert row["mean"] == pytest.approx(0.15) and row["rival_mean"] == pytest.approx(0.09)
    rows = compare_rivals.relative(unequal).set_index("model")
    reference, base = 0.56, 0.09 / 0.18  # of xgboost, and what the best is of it
    assert rows.loc["ft_transformer", "ratio"] == pytest.approx(1)
    assert rows.loc["TN", "ratio"] == pytest.approx(0.5 / reference / base)
    assert rows.loc["tabm", "ratio"] == pytest.approx(0.225 / 0.18 / base)
    assert rows.loc["tabm", "high"] == pytest.approx(0.3 / 0.18 / base)
    gains = compare_rivals.with_every_other(unequal).set_index("other")["gain"]
    assert gains["tabm"] == pytest.approx((0.225 - 0.15) / 0.225)
    assert "2 seeds in common" in say_real_world.sentences(unequal)[0]


def test_sets_without_rivals_have_no_ratios(whole):
    alone = whole["dataset"] == ASTEROID
    rows = compare_rivals.relative(whole[~alone | (whole["model"] == "TN")])
    assert set(rows["dataset"]) == set(whole["dataset"]) - {ASTEROID}
    without = whole[whole["model"].isin(["TN", "TN-als", "MLP"])]
    assert list(compare_rivals.relative(without)) == list(rows)
    assert compare_rivals.relative(without).empty and compare_rivals.by_parameters(without).empty


def test_a_rival_of_one_seed_has_no_deviation(whole, tmp_path):
    worse = whole.assign(value=whole["value"].where(
        (whole["dataset"] != "heart_failure") | (whole["model"] != "TN"), 0.79
    ))
    row = compare_rivals.standing(worse).set_index("dataset").loc["heart_failure"]
    assert not row["within"] and not row["reached"]
    assert np.isnan(row["p_corrected"])


def test_metrics_of_the_claims(whole):
    numbers = compare_rivals.metrics(whole)
    assert numbers["sets_first"] == 2 and numbers["collision_mse"] == pytest.approx(0.35)
    assert numbers["sets_competitive"] == 3
    assert numbers["diverged_runs"] == 2 and numbers["diverged_task_driven"] == 0
    part = compare_rivals.metrics(whole[whole["dataset"] != ASTEROID])
    assert part["sets_competitive"] is None and part["asteroid_mse"] is None


def test_headline_scores_stand_beside_the_index(whole, tmp_path):
    vehicle = joined(runs("vehicle", "TN", [0.8, 0.9], n=90), path=tmp_path / "v.csv")
    scores = compare_rivals.headline(whole, vehicle)
    assert scores["vehicle_accuracy"] == pytest.approx(0.85)
    assert scores["heart_failure_f1"] == pytest.approx(0.75)
    assert scores["california_housing_mse"] is None
    ours = say_real_world.beside_headline(scores).set_index("dataset")["ours"]
    assert ours[COLLISION] == "0.3500" and ours["vehicle"] == "0.8500"
    assert ours["phoneme"] == "not run" and ours["stellar_classification"] == "0.5500"


def test_every_other_model_is_tested_on_the_seeds_in_common(whole):
    rows = compare_rivals.with_every_other(whole).set_index(["dataset", "other"])
    row = rows.loc[(COLLISION, "xgboost")]
    assert row["seeds"] == 3 and row["gain"] == pytest.approx(-1 / 7)
    change = np.array([-0.65, -0.55, -0.45])
    assert rows.loc[(COLLISION, "linear"), "p_corrected"] == pytest.approx(
        compare_models.corrected_t_test(change)
    )
    assert rows.loc[(ASTEROID, "catboost"), "seeds"] == 2
    text = say_real_world.gains_by_set(whole)
    assert text.columns[0] == COLLISION and text.loc["tabm", "heart_failure"].endswith(
        "(p –, 1)"
    )
    assert any("MLP" in line and line.startswith(COLLISION)
               for line in say_real_world.sentences(whole) if "clearly better" in line)


def test_ratios_are_to_the_best_rival(whole):
    rows = compare_rivals.relative(whole).set_index(["dataset", "model"])
    row = rows.loc[(COLLISION, "TN-als 300")]
    assert row["ratio"] == pytest.approx(7 / 6) and row["chosen"]
    assert (row["low"], row["high"]) == pytest.approx((5 / 6, 1.5))
    assert row["band"] == pytest.approx(1 + 0.1 / 0.3)
    assert rows["chosen"].sum() == 4
    assert rows.loc[(COLLISION, "MLP"), "kind"] == "control"
    perfect = whole.assign(value=whole["value"].where(whole["model"] != "catboost", 0.0))
    assert ASTEROID not in set(compare_rivals.relative(perfect)["dataset"])


def test_parameters_and_texts(whole):
    rows = compare_rivals.by_parameters(whole)
    assert rows.loc[rows["model"] == "TN-als", "n_parameters"].tolist() == [90, 280]
    assert rows.loc[rows["model"] == "xgboost", "n_parameters"].isna().all()
    ours = rows[(rows["dataset"] == COLLISION) & (rows["n_parameters"] == 280)].iloc[0]
    assert ours["ratio"] == pytest.approx(7 / 6) and ours["high"] == pytest.approx(1.5)
    text = say_real_world.scores_by_set(whole)
    assert text.loc["tabm", "heart_failure"] == "0.8000 (1)"
    assert text.loc["xgboost", COLLISION] == "0.3000 ± 0.1000 (3)"
    beside = say_real_world.beside_paper(whole)
    assert beside.loc["TN", (COLLISION, "this project")] == "0.3500 ± 0.1000 (3)"
    assert beside.loc["TN", (COLLISION, "paper")] == "0.0016 ± 0.0005"
    assert beside.loc["danets", (ASTEROID, "this project")] == "not run"


def test_groups_of_models_have_seeds_of_their_own(tmp_path):
    groups = [{"datasets": ["wine"], "models": ["linear"], "seeds": 2},
              {"datasets": ["wine"], "models": ["TN-als"], "seeds": 1, "budgets": [100]}]
    both = real_world.run(groups, 10, 1, tmp_path, progress=False)
    assert both.groupby("model").size().to_dict() == {"TN-als": 1, "linear": 2}
    rows = real_world.structures(["wine"], tmp_path)
    assert rows["method"].tolist() == ["als"] and rows["structure"].iloc[0]
    with pytest.raises(ValueError, match="seeds"):
        real_world.run([{**groups[0], "seed": 2}], 10, 1, tmp_path)
    assert real_world.is_disjoint("wine", 0)


def test_the_error_of_a_constant():
    errors = real_world.constants(["diabetes", "wine"], [0, 1])
    assert list(errors) == ["diabetes"] and 0.1 < errors["diabetes"] < 0.4


def test_generated_pairs_obey_the_kinematics():
    mass, square, diameter, _ = physics.cases("generated", 50, seed=1)
    E, p = mass.X["E1"] + mass.X["E2"], 0
    for axis in "xyz":
        p = p + (mass.X[f"p{axis}1"] + mass.X[f"p{axis}2"]) ** 2
    np.testing.assert_allclose(E**2 - p, mass.y**2, rtol=1e-9)
    np.testing.assert_allclose(square.y, mass.y**2)
    bright = diameter.X.assign(H=diameter.X["H"] - 5)
    np.testing.assert_allclose(
        1329 / np.sqrt(bright["albedo"]) * 10 ** (-bright["H"] / 5), 10 * diameter.y
    )


def test_the_search_returns_the_laws_and_says_so():
    cases = physics.cases("generated", 300, seed=2)
    laws = physics.searched([cases[1], cases[3]]).set_index("quantity")
    assert laws.loc["M²", "unexplained"] < 1e-6
    for case in (cases[1], cases[3]):
        assert laws.loc[case.quantity, "terms"] == pytest.approx(case.law, abs=1e-6)
    lines = physics.sentences(laws.reset_index())
    assert "px1*px2 -2 (law -2)" in lines[0] and "H -0.2 (law -0.2)" in lines[1]
    kept = physics.from_record({"M²": laws.loc["M²"].to_dict()})
    assert physics.sentences(kept) == lines[:1]
    with pytest.raises(ValueError, match="source"):
        physics.cases("guessed")


def test_terms_of_the_laws_are_found_among_the_leading_ones():
    rows = pd.DataFrame({
        "dataset": [COLLISION, ASTEROID, ASTEROID, "wine"],
        "method": ["als", "als", "vsr", "als"], "structure": "pure(1)",
        "leading": ["+1 E1*E2 -2 px2*px1 +3 py1**2", "-1 a", "+1 H", "+1 H"],
    })
    lines = physics.terms_of_the_laws(rows)
    assert len(lines) == 2
    assert lines[0].endswith(": E1*E2, px1*px2") and lines[1].endswith(": none")
