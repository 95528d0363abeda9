"""The ablations: settings, how a fit is judged, summaries, and starts of products."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.experiments.ablations import moment_starts
from companion.experiments.ablations import search_settings as ablations
from companion.experiments.ablations.normalisation import normalised_fit, normalised_streams
from nslib import search
from nslib.data import make_formula
from nslib.search.gated import GatedOptions

FEW = {"epochs": 3, "order": 2, "rank": 2}


def fits(exact, position=0, factor="default", value="", data_seed=0, **more):
    return pd.DataFrame([
        {"position": position, "factor": factor, "value": value, "data_seed": data_seed,
         "streams": 1, "exact": e, "orders": e, "ranked": e, "f1": 1.0 if e else 0.5, "extra": 0,
         "lost": 0 if e else 1, "over_floor": 2.0, "seconds": 0.1, "twin": False, "parity": not e,
         "other": False, **more} for e in exact
    ])


def test_settings_are_the_default_and_one_change_each():
    made = ablations.settings("gated", {"rank": [1, 8], "norm": [False]}, [{"rank": 2, "order": 3}])
    assert [s.label for s in made] == ["default", "rank 1", "norm off", "rank 2, order 3"]
    assert [s.options for s in made] == [
        {}, {"rank": 1}, {"norm": False}, {"rank": 2, "order": 3}
    ]
    with pytest.raises(ValueError, match="did you mean 'penalty'"):
        ablations.settings("gated", {"penlty": [1]})
    with pytest.raises(ValueError, match="did you mean 'rank'"):
        ablations.settings("als", {}, [{"rnk": 1}])
    with pytest.raises(ValueError, match="did you mean 'hybrid"):
        ablations.chosen_tasks(["hybrd 1"], [0], 10, 3, 0.1)


def test_a_fit_is_judged_by_its_streams():
    task = make_formula("pure", 1, 400, 3)  # S_3
    result = search(task.X[:200], task.y[:200])
    gates = {f"{kind} {k}": 0.1 for kind in ("pure", "interact") for k in range(1, 6)}
    judged = {}
    for kept in (["pure 3"], ["pure 3", "interact 3"], ["pure 3", "pure 5"], ["pure 2"],
                 ["interact 1"]):
        neuron = result.structure.__class__(
            tuple(int(s[-1]) for s in kept if s.startswith("pure")),
            tuple(int(s[-1]) for s in kept if s.startswith("interact")), 1,
        )
        object.__setattr__(result, "structure", neuron)
        object.__setattr__(result, "gate_probabilities", gates | dict.fromkeys(kept, 0.9))
        judged[" ".join(kept)] = ablations.judged(result, task, 200)
    assert [row["exact"] for row in judged.values()] == [True, False, False, False, False]
    assert [row["orders"] for row in judged.values()] == [True, True, False, False, False]
    assert [row["ranked"] for row in judged.values()] == [True, False, False, False, False]
    assert [row["twin"] for row in judged.values()] == [False, True, False, False, False]
    assert [row["parity"] for row in judged.values()] == [False, False, True, False, True]
    assert [row["other"] for row in judged.values()] == [False, False, False, True, False]
    assert [row["lost"] for row in judged.values()] == [0, 0, 0, 1, 1]
    assert [row["f1"] for row in judged.values()] == pytest.approx([1, 2 / 3, 2 / 3, 0, 0])
    error = np.mean((result.predict(task.X[200:]) - task.y[200:]) ** 2)
    assert judged["pure 3"]["over_floor"] == pytest.approx(error / task.noise_floor)


def test_an_ablation_is_the_searches_it_names():
    made = ablations.settings("gated", {"penalty": [0.0]}, [FEW])[1:]
    rows = ablations.ablation("gated", made[1:], ["pure 0", "hybrid 0"], [0, 1], 130, 3, 0.01)
    assert list(rows["formula"]) == ["pure 0", "pure 0", "hybrid 0", "hybrid 0"]
    task = make_formula("pure", 0, 260, 3, 0.01, 0)
    alone = search(task.X[:130], task.y[:130], "gated", standardize=False, **FEW)
    assert rows["structure"].iloc[0] == str(alone.structure)
    assert list(rows["streams"]) == [1, 1, 2, 2]


def test_an_order_above_the_highest_is_never_found():
    made = ablations.settings("als", {"order": [2]})
    rows = ablations.ablation("als", made, ["pure 1"], [0], 200, 3, 0.01)
    assert list(rows["exact"]) == [True, False]
    table = ablations.panels(ablations.scores_by_setting(rows), "als")
    assert list(table["value"]) == ["2", "5"] and list(table["default"]) == [False, True]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_shares_lie_in_their_interval(exact):
    row = ablations.scores_by_setting(fits(exact)).iloc[0]
    assert row["exact"] == pytest.approx(np.mean(exact)) and row["fits"] == len(exact)
    assert 0 <= row["low"] <= row["exact"] + 1e-12 and row["exact"] <= row["high"] + 1e-12 <= 1.1
    assert row["exact_one"] == pytest.approx(np.mean(exact)) and pd.isna(row["exact_more"])


def test_panels_put_the_default_in_its_place():
    own = pd.concat([
        fits([True]), fits([False], 1, "penalty", "1.5"), fits([False], 2, "penalty", "0"),
        fits([True], 3, "norm", "off"), fits([True], 4, "together", "rank 1, norm off"),
    ])
    table = ablations.panels(ablations.scores_by_setting(own), "gated")
    assert "seconds" not in table  # a figure's data must come out the same every time
    assert list(table["value"]) == ["0", "0.05", "1.5", "off", "on", "default", "rank 1, norm off"]
    assert list(table["x"]) == [0, 1, 2, 0, 1, 0, 1]
    assert list(table["default"]) == [False, True, False, False, True, True, False]
    assert list(table["exact"]) == [0, 1, 0, 1, 1, 1, 1]
    shares = ablations.errors(own).set_index("value")
    assert shares.loc["1.5", ["exact", "parity", "lost"]].tolist() == [0, 1, 1]
    said = ablations.findings(ablations.scores_by_setting(own), 0.5)
    assert said[0].startswith("default: 100% of 1 exact") and said[-1].endswith("50%")


def test_the_setting_is_chosen_on_other_data_than_it_is_judged_on():
    made = ablations.settings("gated", {"rank": [1]})
    own = pd.concat([
        fits([True, True], 0, data_seed=0), fits([False, False], 0, data_seed=1),
        fits([False, False], 1, "rank", "1", data_seed=0),
        fits([True, True], 1, "rank", "1", data_seed=1),
    ])
    table = ablations.chosen_elsewhere(own, made).set_index("data_seed")
    assert list(table["setting"]) == ["rank 1", "default"]
    assert list(table["exact_there"]) == [1, 1] and list(table["exact"]) == [0, 0]
    assert list(table["default"]) == [1, 0]
    with pytest.raises(ValueError, match="expected at least two"):
        ablations.chosen_elsewhere(own[own["data_seed"] == 0], made)


def test_a_cap_below_the_rank_leaves_an_error():
    table = ablations.rank_cap(3, [1, 8], 1000, 10, 0.01, 0).set_index("rank")
    assert table.loc[1, "over_floor"] > 10 > 2 > table.loc[8, "over_floor"]
    assert table.loc[8, "structure"] == "interact(2;rank=3)"


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.integers(1, 4))
def test_overlap_ignores_order_sign_and_length(seed, order):
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal((order, 6))
    truth /= np.linalg.norm(truth, axis=1, keepdims=True)
    moved = rng.permutation(truth) * rng.choice([-3.0, 0.2], (order, 1))
    wrong = moved.copy()
    wrong[0] = np.linalg.svd(truth)[2][-1]  # orthogonal to every factor
    cosines = moment_starts.overlap(np.stack([moved, wrong]), truth)
    np.testing.assert_allclose(cosines, [1, 0], atol=1e-9)


def test_the_moments_of_a_product_are_its_symmetric_tensor():
    task = moment_starts.product(3, 200_000, 3, 0.0, 0)
    rows = task.centred.numpy()
    tensor = moment_starts.moment_tensor(rows, task.target.numpy())
    factors = task.truth @ np.linalg.inv(task.matrix.numpy()).T
    expected = sum(
        np.einsum("i,j,k->ijk", *factors[list(p)])
        for p in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    )
    cosine = np.sum(tensor * expected) / np.linalg.norm(tensor) / np.linalg.norm(expected)
    assert abs(cosine) > 0.99
    factors = moment_starts.cp_factors(expected, 4, 2, 0)
    rebuilt = np.einsum("ria,rib,ric->iabc", *factors.transpose(2, 1, 0, 3))
    errors = np.square(rebuilt - expected).sum(axis=(1, 2, 3)) / np.square(expected).sum()
    assert errors.min() < 1e-3  # the real rank of a product of three forms is 4
    np.testing.assert_array_equal(factors, moment_starts.cp_factors(expected, 4, 2, 0))


def test_starts_are_followed_to_the_product():
    rows = moment_starts.moment_starts(
        3, 6, [400], list(moment_starts.STARTS), 2, 12, 0.01, [0]
    )
    assert len(rows) == 4 * 2 * 2 * 13
    table = moment_starts.reached(rows)
    assert table["share"].between(0, 1).all()
    arrived = moment_starts.arrivals(table)
    assert (arrived["sweep"] == 12).all() and arrived["share"].max() == 1
    one = table[(table["source"] == "random") & table["weighted"]]
    first = one.loc[one["share"] >= 0.5, "sweep"].min()
    half = arrived.loc[(arrived["source"] == "random") & arrived["weighted"], "half"].iloc[0]
    assert half == first or (np.isnan(half) and np.isnan(first))
    with pytest.raises(ValueError, match="did you mean 'moments'"):
        moment_starts.moment_starts(3, 6, [400], ["moment"], 1, 1, 0.01, [0])


def test_a_true_start_stays_at_the_product_and_cp_needs_order_3():
    task = moment_starts.product(3, 500, 6, 0.0, 0)
    truth = torch.as_tensor(task.truth @ np.linalg.inv(task.matrix.numpy()).T).float()
    for weighted in (False, True):
        path = moment_starts.followed(task, moment_starts.Start(truth), weighted, 3)
        assert path.shape == (4,) and path.min() > 0.999
    rows = moment_starts.moment_starts(4, 5, [300], ["random", "CP, rank 1"], 1, 1, 0.01, [0])
    assert set(rows["source"]) == {"random"}


def test_normalised_batches_leave_the_chance_of_their_mean_and_scale():
    values = np.random.default_rng(0).standard_normal(64 * 2000)
    assert normalised_fit(values, 64) == pytest.approx(1.5 / 64, rel=0.1)  # 1/B + 1/(2B)
    assert normalised_fit(values[:64], 64) == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match="batch_size"):
        normalised_fit(values[:10], 64)
    table = normalised_streams([2], [16, 64], 6400, 4, 0)
    left = table.pivot(index="stream", columns="batch", values="left")
    assert (left[16] > left[64]).all()
    assert GatedOptions().batch_size == 64  # the size that the notebook looks at
