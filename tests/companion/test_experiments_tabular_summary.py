"""What notebook 10 says of a table of runs, against tables made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tabular_runs import joined, runs

from companion import records
from companion.experiments.tabular_benchmarks import benchmark_runs as benchmark
from companion.experiments.tabular_benchmarks import benchmark_tables as views
from companion.experiments.tabular_benchmarks import say_benchmarks as say
from companion.experiments.tabular_benchmarks import table5_formulas as formulas
from companion.experiments.tabular_grid import compare_models as compare
from companion.experiments.tabular_grid import reports, splits
from companion.experiments.tabular_grid import score_table as table
from companion.experiments.tabular_grid.grid import search_cell
from companion.run import Run
from nslib.data import load_tabular

ROOT = Path(__file__).parents[2]


@pytest.fixture
def whole():
    """Two sets of Table 6, one without a model, and a bundled one."""
    parts = [
        runs(name, model, budget, [loss, 1.1 * loss, 1.2 * loss], n=n)
        for name, scale in (("abalone", 0.02), ("fifa", 0.08), ("diabetes", 0.1))
        for model, budget, loss, n in (
            ("LN", 100, 1.2 * scale, 90), ("LN-tanh", 100, 0.9 * scale, 90),
            ("TN-als", 100, scale, 80), ("TN-vsr", 100, 1.5 * scale, 85),
            ("TN", None, 0.5 * scale, 50_000), ("MLP", None, 0.4 * scale, 49_000),
            ("linear", None, 2 * scale, 9), ("xgboost", None, 0.6 * scale, None),
        ) if (name, model) != ("fifa", "xgboost")
    ]
    return joined(*parts)


def test_powers_and_their_overlap():
    assert formulas.powers("0.5*x**3 - 0.15*x + 0.76") == {1, 3}
    assert formulas.powers("1.5") == set()
    assert formulas.overlap({1, 3}, {1, 2, 3, 4}) == 0.5
    assert formulas.overlap([], []) == 1.0 and formulas.overlap([1], []) == 0.0


def test_table5_names_every_set_of_table6():
    assert set(formulas.table5().index) == set(views.table6()["dataset"])
    assert all(formulas.powers(text) for text in formulas.table5())


def test_structures_are_those_that_this_code_has_found(tmp_path, monkeypatch):
    wine, diabetes = load_tabular("wine"), load_tabular("diabetes")
    for data, method, text in ((wine, "vsr", "pure(1,2)"), (diabetes, "als", "pure(1)")):
        cell = search_cell(data.name, method)
        reports.write(cell.path(tmp_path, 0), cell.config(data, 0), {"structure": text})
    assert formulas.searched([wine, diabetes], tmp_path) == {
        "wine": {"vsr": "pure(1,2)"}, "diabetes": {"als": "pure(1)"}
    }
    monkeypatch.setitem(reports.CODE["versions"], "torch", "another")
    assert formulas.searched([wine, diabetes], tmp_path) == {}


def test_structures_beside_table5():
    structures = {
        "abalone": {"vsr": "pure(1,2,3)", "als": "pure(1)+interact(2;rank=1)"},
        "fifa": {"vsr": "pure(1)"}, "airlines_delay_nyc": {"vsr": "pure(1,2)"},
        "diabetes": {"vsr": "pure(1)"},
    }
    numbers = formulas.metrics(structures)
    # {1,2,3} as in the table, {1} of {1,...,5}; the stand-in is not counted
    assert numbers["vsr_power_overlap"] == pytest.approx((1 + 1 / 5) / 2)
    assert (numbers["sets_compared"], numbers["vsr_powers_equal"]) == (2, 1)
    assert numbers["constant_power_overlap"] == pytest.approx((1 + 3 / 5) / 2)
    assert "0.60 on average" in formulas.sentence(numbers)
    rows = formulas.beside_table5(structures).set_index("dataset")
    assert rows.loc["abalone", "overlap"] == "1.00" and rows.loc["diabetes", "Table 5"] == "–"
    assert rows.loc["fifa", "als"] == "–"
    none = formulas.metrics({"diabetes": {"vsr": "pure(1)"}})
    assert none["vsr_power_overlap"] is None and "no set" in formulas.sentence(none)


def test_the_numbers_of_a_table(whole):
    numbers = records.rounded(benchmark.metrics(whole))
    assert (numbers["n_runs"], numbers["datasets"], numbers["diverged_runs"]) == (69, 3, 0)
    assert numbers["tn_beats_ln_share"] == numbers["tn_als_share"] == 1.0
    assert numbers["tn_vsr_share"] == 0.0 and numbers["tn_gated_share"] is None
    assert numbers["tn_beats_tanh_share"] == numbers["tn_beats_best_linear_share"] == 0.0
    # the best TN of the table: 0.0250 for abalone, 0.0597 for fifa
    assert (numbers["sets_at_table6"], numbers["sets_compared"]) == (2, 2)
    assert (numbers["sets_at_xgboost"], numbers["sets_with_xgboost"]) == (2, 2)
    assert numbers["linear_pairs"] == {"pairs": 0, "won": None, "won_of_others": 0.5}


def test_bundled_sets_are_no_evidence_for_the_claims(whole):
    numbers = benchmark.metrics(whole[whole["dataset"] == "diabetes"])
    assert numbers["tn_beats_ln_share"] is None and numbers["sets_at_table6"] is None
    assert numbers["pairs"]["LN"]["TN-als"]["won"] == 1.0
    lone = benchmark.metrics(joined(runs("abalone", "catboost", None, [1.0, 2.0])))
    assert lone["tn_beats_ln_share"] is lone["mean_ranks"] is lone["sets_at_xgboost"] is None


def test_networks_of_linear_structure_are_counted_apart():
    numbers = benchmark.metrics(joined(
        runs("abalone", "LN", 100, [0.4, 0.4]),
        runs("abalone", "TN-als", 100, [0.3, 0.3]).assign(structure="pure(1)"),
        runs("abalone", "TN-vsr", 100, [0.5, 0.5]).assign(structure="pure(1,2)"),
    ))
    assert numbers["linear_pairs"] == {"pairs": 1, "won": 1.0, "won_of_others": 0.0}


def test_validation_chooses_among_linear_neurons_where_the_control_ran():
    both = compare.with_best(joined(
        runs("abalone", "LN", 100, [0.4, 0.4], validation=[0.1, 0.3]),
        runs("abalone", "LN-tanh", 100, [0.5, 0.2], validation=[0.2, 0.2]),
        runs("abalone", "LN", 300, [0.1, 0.1]),
    ))
    best = both[both["model"] == "LN-best"]
    assert best["budget"].tolist() == [100, 100] and best["value"].tolist() == [0.4, 0.2]
    alone = joined(runs("abalone", "LN", 100, [0.4]))
    pd.testing.assert_frame_equal(compare.with_best(alone), alone)


def test_sentences_say_where_it_falls_short(whole):
    text = "\n".join(say.shortfalls(whole))
    assert "LN is at least as good: TN-als in 0 of 3 (0 clearly); TN-vsr in 3 of 3" in text
    assert "LN-tanh is better than LN in 3 of 3 pairs, by +25.0% in the median" in text
    assert "best TN of Table 6 on 0 of 2 sets" in text
    assert "xgboost on 0 of 2 sets" in text
    assert "is better than TN on 3 of 3 sets (abalone, diabetes, fifa)" in text
    assert "Runs that diverged: 0 of 69." in text
    only = say.shortfalls(joined(runs("diabetes", "xgboost", None, [1.0])))
    assert only == ["Runs that diverged: 0 of 1."]


def test_rows_of_text_of_every_table(whole):
    tables = {"a": whole, "b": whole[whole["dataset"] == "diabetes"]}
    won = say.each_table(tables, say.won_rows)
    assert set(won.index) == {"a", "b"}
    assert set(won["against"]) == {"LN", "LN-tanh", "LN-best"}
    paper = say.each_table(tables, say.table6_rows)
    assert list(paper.index) == ["a", "a"] and set(paper["verdict"]) == {"at or better"}
    assert paper["value"].iloc[0] == "0.0110 ± 0.0010"
    rows = say.against_rows(whole, "xgboost")
    assert rows["verdict"].str.startswith("at or better").all()
    scores = say.scores(whole, ["LN", "xgboost", "KAN"])
    assert list(scores.columns) == ["dataset", "metric", "LN", "xgboost"]
    assert scores.set_index("dataset").loc["fifa", "xgboost"] == "–"
    empty = {"c": joined(runs("diabetes", "xgboost", None, [1.0]))}
    for function, *options in ((say.won_rows,), (say.table6_rows,),
                               (say.against_rows, "xgboost"), (say.scores, ["LN"])):
        assert say.each_table(empty, function, *options) == "no runs for this table"


def test_table6_itself_is_counted():
    assert say.table6_itself().startswith("Table 6: TN better in 99 of 100 pairs, equal in 1")


def test_the_views_of_figures(whole):
    gains = views.gains(whole)
    assert list(gains["model"].unique()) == ["TN-best", "TN-als", "TN-vsr", "LN-tanh"]
    own = gains.set_index(["model", "dataset"])["gain"]
    assert own["TN-als", "fifa"] == pytest.approx(1 - 1 / 1.2)
    beside = views.over_table6(whole).set_index("dataset")
    assert beside.loc["abalone", "ratio"] == pytest.approx(0.011 / 0.025)
    assert beside.loc["abalone", "linear"] == pytest.approx(0.044 / 0.025)
    ranks = views.ranks(whole)
    assert ranks["test"]["datasets"].tolist() == [2]  # where xgboost has run
    assert ranks["means"]["model"].iloc[0] == "MLP" and len(ranks["each"]) == 12
    errors = views.error_by_parameters(whole)
    points = errors["points"].set_index(["model", "budget"])
    assert points.loc[("TN-als", 100), "ratio"] == pytest.approx(0.5)
    assert points.loc[("TN", 0), "n_parameters"] == pytest.approx(50_000)
    assert errors["levels"]["model"].tolist() == ["xgboost"]
    lone = joined(runs("diabetes", "xgboost", None, [1.0]))
    for view in (views.gains, views.over_table6, views.ranks, views.error_by_parameters):
        assert view(lone) is None


def test_intervals_of_relative_errors_hold_their_mean(whole):
    rng = np.random.default_rng(0)
    whole = whole.assign(value=whole["value"] * rng.uniform(0.5, 1.5, len(whole)))
    points = views.error_by_parameters(whole)["points"]
    assert ((points["low"] <= points["ratio"]) & (points["ratio"] <= points["high"])).all()


@pytest.mark.parametrize("moved", [False, True])
def test_no_row_is_leaked_and_a_leak_would_be_seen(moved, monkeypatch):
    """A searched row that is tested, beside its place in training or instead of it, is seen."""
    data = {"wine": load_tabular("wine")}
    assert benchmark.leaked_rows(data, range(3)) == 0
    divide, searched = splits.divide, splits.search_rows(data["wine"])

    def leaky(one, seed):
        split = divide(one, seed)
        train, test = split.X["train"], split.X["test"]
        row = train.index.intersection(one.X.index[searched])[:1]
        X = {**split.X, "test": pd.concat([test, train.loc[row]])}
        return replace(split, X=X | ({"train": train.drop(index=row)} if moved else {}))

    monkeypatch.setattr(splits, "divide", leaky)
    assert benchmark.leaked_rows(data, range(3)) == 3


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_a_row_in_no_part_is_seen(part, monkeypatch):
    divide = splits.divide

    def lossy(one, seed):
        split = divide(one, seed)
        return replace(split, X={**split.X, part: split.X[part].iloc[1:]})

    monkeypatch.setattr(splits, "divide", lossy)
    assert benchmark.leaked_rows({"wine": load_tabular("wine")}, [0]) == 1


def test_only_the_paper_preset_writes_to_the_results(tmp_path, monkeypatch):
    monkeypatch.setenv("NSLIB_OUTPUT", str(tmp_path))
    paths = {p: benchmark.csv_path(Run("10_tabular_benchmarks", {}, p))
             for p in ("quick", "paper", "custom")}
    assert paths["paper"].parent == tmp_path / "results" / "paper" / "10_tabular_benchmarks"
    assert all("results" not in paths[p].parts for p in ("quick", "custom"))
    folders = {benchmark.work_folder(Run("n", {}, p)) for p in paths}
    assert len(folders) == 3


def test_the_committed_table_is_one_of_the_paper_preset(whole, tmp_path, monkeypatch):
    (tmp_path / "claims.yaml").write_text("[]\n")
    monkeypatch.setenv("NSLIB_ROOT", str(tmp_path))
    quick = Run("10_tabular_benchmarks", {}, "quick")
    assert benchmark.committed(quick) is None
    path = table.write(
        whole, tmp_path / "results" / "paper" / "10_tabular_benchmarks" / "tabular.csv")
    pd.testing.assert_frame_equal(benchmark.committed(quick), table.read(path))
    assert benchmark.committed(Run("10_tabular_benchmarks", {}, "paper")) is None


def test_committed_tables_can_be_read_and_hold_what_the_claims_need():
    for path in (ROOT / "results").rglob("tabular.csv"):
        runs_there = table.read(path)
        assert tuple(runs_there.columns) == table.COLUMNS
        assert compare.pairs(runs_there)["n_own"].gt(0).all()
        assert benchmark.metrics(runs_there)["tn_beats_ln_share"] is not None
