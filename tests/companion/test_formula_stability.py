"""Stability: what is repeated, how agreement is counted, what data can show."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, linregress

from companion.experiments.stability import consensus, detection
from companion.experiments.stability import formula_stability as stability
from nslib import NeuronStructure, search
from nslib.data import FORMULAS

TINY = {"gated": {"epochs": 3, "order": 2}, "vsr": {"population": 60, "generations": 3},
        "als": {"order": 2}}


def runs_table(structures, truth="pure 1", n=None, **columns):
    """Return a table of runs of one method and formula on data sets of their own."""
    return pd.DataFrame({
        "method": "gated", "formula": "pure 0", "noise": 0.1, "varied": "rows",
        "run": range(len(structures)), "structure": structures, "truth": truth,
        "exact": [s == truth for s in structures], "written": structures, **columns,
    })


def test_data_sets_share_the_formula_and_no_row():
    one, two, three = stability.data_sets("hybrid 1", 3, 40, 4, 0.1, 0)
    X, y = stability.data_sets("hybrid 1", 1, 40, 4, 0.1, 0, first=1)[0]
    np.testing.assert_array_equal(X, two[0])
    assert linregress(y, two[1]).rvalue == pytest.approx(1)  # standardised over other rows
    assert len(np.unique(np.concatenate([one[0], two[0], three[0]]), axis=0)) == 120
    other = stability.data_sets("hybrid 2", 1, 40, 4, 0.1, 0)[0][0]
    assert not np.isin(other, one[0]).any()


@pytest.mark.parametrize("linear_scaling", [False, True])
def test_the_genetic_search_is_that_of_the_package(linear_scaling):
    (X, y), = stability.data_sets("pure 2", 1, 200, 3, 0.1, 0)
    method = "vsr scaled" if linear_scaling else "vsr"
    fits = stability.find(method, [(X, y)], [0, 1, 2], TINY["vsr"])
    for seed, fit in enumerate(fits):
        result = search(X, y, "vsr", seed=seed, standardize=False, linear_scaling=linear_scaling,
                        **TINY["vsr"])
        assert fit.structure == result.structure
        written = {int(k) for k in fit.written.removeprefix("powers ").split(",")}
        assert written >= set(fit.structure.pure)


def test_runs_vary_seeds_on_one_data_set_and_rows_with_one_seed():
    arguments = (["pure 0", "hybrid 1"], [0.01, 0.3], {"als": 2, "gated": 1}, 130, 3, 0, TINY)
    table = stability.stability_runs(*arguments)
    assert len(table) == 2 * 2 * (2 + 1) * 2
    sets = stability.data_sets("hybrid 1", 3, 130, 3, 0.3, 0, first=3)
    own = table.query("method == 'als' and formula == 'hybrid 1' and noise == 0.3")
    expected = [search(*sets[0], "als", seed=s, standardize=False, order=2) for s in (0, 1)]
    expected += [search(*pair, "als", seed=0, standardize=False, order=2) for pair in sets[1:]]
    assert list(own["written"]) == [str(result.structure) for result in expected]
    truth = FORMULAS["hybrid", 1].structure
    assert list(own["exact"]) == [r.structure.same_streams(truth) for r in expected]
    again = stability.stability_runs(*arguments).drop(columns="seconds")
    pd.testing.assert_frame_equal(again, table.drop(columns="seconds"))


def test_dimensions_keep_the_formula():
    table = stability.dimension_runs(["pure 0"], [2, 3], {"als": 2}, 200, 0.01, 0, TINY)
    assert table.groupby("dimension").size().to_dict() == {2: 2, 3: 2}
    assert table["exact"].all() and set(table["structure"]) == {"pure 2"}
    assert consensus.overall(table)["agreement"].item() == 1


def test_texts_of_formulas():
    assert stability.streams_text(NeuronStructure((1, 3), (2,), 4)) == "pure 1,3 + interact 2"
    assert stability.streams_text(NeuronStructure((), (), sin=True)) == "sin"
    assert stability.streams_text(None) == stability.NO_POLYNOMIAL
    written = "0.31*x_2 - 1.2e-5*x_1**2*x_3 + x_4 - 0.0279"
    assert stability.skeleton(written) == "x_1**2*x_3 x_2 x_4"
    assert stability.skeleton("-3.5*x_2 + 7.1*x_4 + 2*x_1**2*x_3") == stability.skeleton(written)


def test_options_go_to_the_methods_of_the_model():
    options = stability.method_options({"vsr": {"population": 50}})
    assert options["vsr"] == {"population": 50} and options["gated"] == {}
    assert options["vsr scaled"] == {"population": 50, "linear_scaling": True}
    with pytest.raises(ValueError, match="did you mean 'gated'"):
        stability.method_options({"gatd": {}})


@given(st.integers(0, 60), st.integers(1, 60))
@settings(deadline=None, max_examples=25)
def test_wilson_is_that_of_scipy(k, n):
    k = min(k, n)
    expected = binomtest(k, n).proportion_ci(0.95, "wilson")
    low, high = consensus.wilson(k / n, n)
    assert (low, high) == pytest.approx(tuple(expected), abs=1e-4)
    assert 0 <= low <= k / n <= high <= 1


@given(st.lists(st.sampled_from(["pure 1", "pure 2", "pure 1,2"]), min_size=1, max_size=12))
@settings(deadline=None, max_examples=25)
def test_agreement_and_correctness_are_tied(structures):
    row = consensus.agreement_by(runs_table(structures), ["method", "formula"]).iloc[0]
    counts = {s: structures.count(s) for s in structures}
    assert row["agreement"] == max(counts.values()) / len(structures)
    assert row["exact"] == counts.get("pure 1", 0) / len(structures)
    assert row["distinct"] == len(counts) and row["data_sets"] == len(structures)
    assert row["exact"] == row["agreement"] if row["right"] else (
        row["exact"] <= 1 - row["agreement"] + 1e-9
    )
    assert row["agreement_low"] <= row["agreement"] <= row["agreement_high"]


def test_seeds_on_the_same_rows_count_as_one_data_set():
    rows = runs_table(["pure 1"] * 4)
    seeds = rows.assign(varied="seed")
    both = consensus.agreement_by(pd.concat([rows, seeds]), ["method", "formula"]).iloc[0]
    assert (both["runs"], both["data_sets"]) == (8, 5)


def test_claim_values_are_means_over_formulas():
    td = pd.concat([runs_table(["pure 2"] * 4), runs_table(["pure 1"] * 4, formula="pure 1")])
    sr = pd.concat([runs_table(["pure 1", "pure 2", "pure 3", "pure 3"]),
                    runs_table(["pure 1", "pure 4", "pure 4", "pure 4"], formula="pure 1")])
    table = pd.concat([td, sr.assign(method="vsr"), td.assign(method="als")])
    metrics = consensus.claim_metrics(consensus.overall(table).set_index("method"))
    assert (metrics["td_agreement"], metrics["td_exact"]) == (1.0, 0.5)
    assert (metrics["sr_agreement"], metrics["sr_exact"]) == (0.625, 0.25)
    assert metrics["sr_formulas_per_td_formula"] == 2.5


def test_claim_values_of_methods_that_were_not_run_are_none():
    one = runs_table(["pure 1", "pure 1"])
    means = consensus.overall(pd.concat([one, one.assign(method="vsr")])).set_index("method")
    assert len(consensus.claim_sentences(means)) == 2
    metrics = consensus.claim_metrics(means.loc[["vsr"]])
    assert metrics["sr_agreement"] == 1.0 and metrics["td_agreement"] is None
    assert metrics["sr_formulas_per_td_formula"] is None
    assert consensus.claim_sentences(means.loc[["vsr"]]) == ["TD (gated) was not run."]


def test_causes_vary_one_thing_at_a_time():
    table = pd.concat([
        runs_table(["pure 1", "pure 2"], varied="seed"), runs_table(["pure 1", "pure 1"]),
        runs_table(["pure 3", "pure 3"], varied="seed", noise=0.3),
        runs_table(["pure 3", "pure 3"], noise=0.3),
    ])
    row = consensus.causes(table).iloc[0]
    assert (row["seed"], row["rows"], row["noise"]) == (0.75, 1.0, 0.5)


def test_tiles_have_a_place_each():
    table = pd.concat([runs_table(["pure 1"] * 3, varied="seed"), runs_table(["pure 2"] * 3)])
    assert list(consensus.tiles(table, "noise")["column"]) == [0, 1, 2, 3, 4, 5]


def test_commonest_formulas_stand_beside_the_authors():
    record = {"metrics": {"structures": {"pure 0": "pure(2)+interact(2;rank=8)"}}}
    row = consensus.commonest(runs_table(["pure 2", "pure 2", "pure 1"]), "gated", record).iloc[0]
    assert row["gated, here"] == "pure 2" and row["authors' code"] == "pure 2 + interact 2"
    alone = consensus.commonest(runs_table(["pure 2"]), "gated", None)
    assert alone["authors' code"].item() == "not run"


def test_an_oracle_detects_what_noise_does_not_hide():
    table = detection.detectable(["pure 2", "interact 1"], [0.1, 1000.0], 200, 3, 2, 0)
    assert (table.query("noise == 0.1")["detectable"] == 1).all()
    hidden = table.query("noise == 1000")
    assert (hidden["detectable"] == 0).all() and (hidden["bic_gain"] < 0).all()
    (X, y), = stability.data_sets("pure 0", 1, 50, 1, 5.0, 0)
    row = detection.detectable(["pure 0"], [5.0], 50, 1, 1, 0).iloc[0]
    line = linregress(X[:, 0] ** 2, y)
    assert row["p_value"] == pytest.approx(line.pvalue)
    gain = -50 * np.log(1 - line.rvalue**2) - np.log(50)
    assert row["bic_gain"] == pytest.approx(gain)


def test_elsewhere_is_the_mean_of_the_other_data_sets():
    runs = detection.stated_and_found(["pure 2"], [1.5], [120], 3, 4, 0, {"order": 2})
    for _, own in runs.groupby("stream"):
        for run, row in own.set_index("run").iterrows():
            assert row["elsewhere"] == own.loc[own["run"] != run, "kept"].mean()
    assert set(runs.loc[runs["true"], "stream"]) == {"pure 1", "pure 2"}
    table = detection.calibration(runs).set_index("stream")
    kept = runs.loc[runs["stream"] == "pure 1", "kept"]
    assert table.loc["pure 1", "found"] == kept.mean() == 1


def test_calibration_is_exact_where_stated_is_found():
    stated = np.repeat([0.0, 0.3, 0.5, 1.0], [1, 2, 3, 4])
    runs = pd.DataFrame({"run": 0, "stated": stated, "elsewhere": stated})
    bins = detection.calibration_bins(runs)
    assert list(bins["entries"]) == [1, 2, 3, 4]
    assert detection.calibration_error(bins) == 0
    sure = detection.calibration_bins(runs.assign(stated=1.0))
    assert detection.calibration_error(sure) == pytest.approx(1 - stated.mean())
