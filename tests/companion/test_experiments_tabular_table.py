"""The table of runs and what is read off it, against tables made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tabular_runs import joined, runs

from companion.experiments.tabular_benchmarks import benchmark_tables as views
from companion.experiments.tabular_grid import compare_models as compare
from companion.experiments.tabular_grid import score_table as table


@pytest.fixture
def small():
    return joined(
        runs("abalone", "LN", 100, [0.4, 0.5, 0.6]),
        runs("abalone", "TN-als", 100, [0.3, 0.4, 0.5], validation=[0.1, 0.9, 0.9]),
        runs("abalone", "TN-vsr", 100, [0.6, 0.2, 0.2], validation=[0.2, 0.3, 0.3], n=40),
        runs("vehicle", "LN", 100, [0.8, 0.7, 0.9], task="classification"),
        runs("vehicle", "TN-als", 100, [0.7, 0.7, 0.9], task="classification"),
        runs("abalone", "xgboost", None, [0.4, 0.4, 0.4], n=None),
        runs("abalone", "TN", None, [0.2, 0.4, 0.6], n=5000),
    )


def test_a_table_is_what_it_was_after_writing(small, tmp_path):
    path = table.write(small.sample(frac=1, random_state=0), tmp_path / "tabular.csv")
    pd.testing.assert_frame_equal(table.read(path), small)
    first = path.read_bytes()
    table.write(table.read(path), path)
    assert path.read_bytes() == first


def test_numbers_have_six_digits(tmp_path):
    path = table.write(runs("abalone", "LN", 100, [1 / 3]), tmp_path / "t.csv")
    assert ",0.333333," in path.read_text()


def test_another_csv_is_no_table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("dataset,value\nabalone,1\n")
    with pytest.raises(ValueError, match="found the columns"):
        table.read(path)


def test_means(small):
    row = compare.means(small).set_index(["dataset", "model"]).loc[("vehicle", "LN")]
    assert row["mean"] == pytest.approx(0.8) and row["std"] == pytest.approx(0.1)
    assert row["loss"] == pytest.approx(0.2) and row["seeds"] == 3


def test_validation_chooses_the_source_of_each_seed(small):
    both = compare.with_best(small)
    best = both[(both["model"] == compare.BEST_SOURCE) & (both["dataset"] == "abalone")]
    assert best.sort_values("seed")["value"].tolist() == [0.3, 0.2, 0.2]


def test_pairs_and_shares(small):
    pairs = compare.pairs(small).set_index(["model", "dataset"])
    assert pairs["won"].to_dict() == {
        ("TN-als", "abalone"): True, ("TN-als", "vehicle"): False, ("TN-vsr", "abalone"): True,
        ("TN-best", "abalone"): True, ("TN-best", "vehicle"): False,
    }
    assert pairs.loc[("TN-als", "abalone"), "gain"] == pytest.approx(0.2)
    assert pairs.loc[("TN-als", "vehicle"), "gain"] == pytest.approx(-1 / 7)
    shares = compare.shares_won(pairs.reset_index()).set_index("model")
    assert shares["won"].to_dict() == {"TN-als": 0.5, "TN-vsr": 1.0, "TN-best": 0.5}
    assert shares.loc["TN-als", "significant"] == 0  # two equal gains: nothing to judge them by
    clear = compare.shares_won(pairs.reset_index().assign(p_corrected=0.01)).set_index("model")
    assert clear.loc["TN-als", ["significant", "lost_significant"]].tolist() == [0.5, 0.5]


def test_pairs_of_unequal_size_are_refused():
    unfair = joined(
        runs("abalone", "LN", 100, [0.4, 0.5], n=50),
        runs("abalone", "TN-als", 100, [0.3, 0.4], n=51),
    )
    with pytest.raises(ValueError, match="found 51 parameters, expected at most the 50 of LN"):
        compare.pairs(unfair)


def test_tests_of_paired_differences():
    change = np.array([0.3, -0.1, 0.4, 0.2, 0.25])
    plain = stats.ttest_1samp(change, 0)
    corrected = compare.corrected_t_test(change)  # a fifth is tested
    factor = np.sqrt((1 / 5) / (1 / 5 + 0.25))
    assert corrected == pytest.approx(2 * stats.t.sf(plain.statistic * factor, 4))
    assert corrected > plain.pvalue
    assert compare.wilcoxon(change) == stats.wilcoxon(change).pvalue
    assert compare.wilcoxon(np.zeros(3)) == compare.corrected_t_test(np.zeros(3)) == 1
    assert np.isnan(compare.wilcoxon(change[:1]))
    assert np.isnan(compare.corrected_t_test(change[:1]))
    assert np.isnan(compare.corrected_t_test(np.array([0.3 - 0.2, 0.2 - 0.1])))


def test_table6_has_the_papers_numbers():
    paper = views.table6()
    assert len(paper) == 20 * 5 * 2
    by_name = paper.set_index(["dataset", "structure", "network"])
    row = by_name.loc[("california_housing", "S5", "TN")]
    assert (row["mean"], row["std"]) == (0.0540, 0.0036)
    wide = paper.pivot(index=["dataset", "metric", "structure"], columns="network", values="mean")
    wide = wide.reset_index()
    better = (wide["TN"] < wide["LN"]).where(wide["metric"] == "mse", wide["TN"] > wide["LN"])
    assert (better.sum(), (wide["TN"] == wide["LN"]).sum()) == (99, 1)  # as claims.yaml says


def test_our_best_beside_table6():
    beside = views.beside_table6(joined(
        # validation prefers the first, whose test error is larger
        runs("abalone", "TN-als", 100, [0.03, 0.03], validation=[0.01, 0.01]),
        runs("abalone", "TN-als", 300, [0.02, 0.02], validation=[0.02, 0.02]),
        runs("abalone", "xgboost", None, [0.001, 0.001]),
        runs("vehicle", "TN", None, [0.83, 0.84], task="classification"),
        runs("airlines_delay_nyc", "TN-vsr", 100, [0.01, 0.01]),
    )).set_index("dataset")
    assert beside.loc["abalone", ["mean", "paper", "reached"]].tolist() == [0.03, 0.025, False]
    assert beside.loc["vehicle", "paper"] == 0.824 and beside.loc["vehicle", "reached"]
    assert beside["comparable"].to_dict() == {
        "abalone": True, "airlines_delay_nyc": False, "vehicle": True
    }


def test_ours_against_a_rival(small):
    row = compare.compared(small, "TN", "xgboost").iloc[0]
    assert (row["dataset"], row["own"], row["other"]) == (
        "abalone", pytest.approx(0.4), pytest.approx(0.4)
    )
    assert compare.compared(small, "TN", "LN").empty  # LN has a budget, TN has none
    worse = small.assign(value=small["value"].where(small["model"] != "TN", 0.5))
    assert compare.compared(small, "TN", "xgboost")["reached"].tolist() == [True]
    assert compare.compared(worse, "TN", "xgboost")["reached"].tolist() == [False]


def test_ranks():
    table = joined(
        *(runs(d, m, None, [v, v]) for d, values in {
            "abalone": (1, 2, 3), "fifa": (1, 2, 3), "diamonds": (1, 3, 2), "space_ga": (2, 2, 3),
        }.items() for m, v in zip(("TN", "xgboost", "linear"), values, strict=True)),
        runs("vehicle", "TN", None, [0.5], task="classification"),
    )
    ranking = compare.ranking(table, ["linear", "TN", "xgboost"])
    means, test = ranking["means"], ranking["test"].iloc[0]
    assert means["model"].tolist() == ["TN", "xgboost", "linear"]
    assert means["rank"].tolist() == [4.5 / 4, 8.5 / 4, 11 / 4]
    assert test["datasets"] == 4
    # q of Demšar (2006), Table 5, for three classifiers
    expected = 2.343 * np.sqrt(3 * 4 / (6 * 4))
    assert test["critical_difference"] == pytest.approx(expected, rel=1e-3)
    assert compare.ranking(table, ["TN", "xgboost"]) is None
    one_set = table[table["dataset"] == "abalone"]
    assert compare.ranking(one_set, ["linear", "TN", "xgboost"]) is None


def test_pareto_front():
    rows = compare.pareto(joined(
        runs("abalone", "LN", 100, [0.5], n=90), runs("abalone", "KAN", 100, [0.4], n=90),
        runs("abalone", "LN", 300, [0.3], n=200), runs("abalone", "KAN", 300, [0.3], n=250),
        runs("abalone", "xgboost", None, [0.1], n=None),
    )).set_index(["model", "budget"])
    assert rows["front"].to_dict() == {
        ("KAN", 100): True, ("KAN", 300): False, ("LN", 100): False, ("LN", 300): True,
    }
