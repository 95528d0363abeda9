"""Phases of recovery, and the predecessor's sets: counts, thresholds, detectable orders."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.experiments.structure_recovery import phase
from companion.experiments.structure_recovery import predecessor_recovery as predecessor
from companion.experiments.structure_recovery.predecessor_sets import make_predecessor_sets


def test_phase_counts_exact_fits_and_stops_when_sure(capsys):
    table = phase.phase([2], [4], [12, 200, 300, 400], 0.1, [0, 1, 2])
    assert list(table["N"]) == [12, 200, 300, 400]
    assert list(table["fits"]) == [3, 3, 3, 0]
    assert list(table["share"][1:]) == [1.0, 1.0, 1.0] and table["share"][0] < 1
    assert "order 2, D = 4" in capsys.readouterr().err


def shares(values, samples=(10, 100, 1000), d=8):
    return pd.DataFrame({"order": 3, "D": d, "N": samples, "share": values, "fits": 4})


@pytest.mark.parametrize(("values", "half"), [
    ([0.0, 1.0, 1.0], 10**1.5), ([0.0, 0.25, 0.75], 10**2.5), ([0.0, 0.5, 1.0], 100),
    ([1.0, 1.0, 1.0], None), ([0.0, 0.25, 0.25], None),
])
def test_half_points_are_interpolated_in_log_n(values, half):
    points = phase.half_points(shares(values))
    assert points["N"].tolist() == ([] if half is None else pytest.approx([half]))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_half_points_lie_on_the_grid_whatever_the_shares(values):
    points = phase.half_points(shares(values))
    assert ((points["N"] >= 10 * (1 - 1e-9)) & (points["N"] <= 1000 * (1 + 1e-9))).all()


def test_exponents_are_slopes_with_their_error():
    points = pd.DataFrame({"order": 4, "D": [8, 16, 32, 64],
                           "N": [3.0 * d**1.7 for d in (8, 16, 32, 64)]})
    slope, error = phase.exponents(points)[4]
    assert slope == pytest.approx(1.7) and error < 1e-9
    assert phase.exponents(points[:2]) == {4: None}
    assert phase.slope_text((1.234, 0.05)) == "1.23 ± 0.05" and phase.slope_text(None) == "–"


def test_thresholds_go_through_the_middle_point_with_known_slopes():
    points = pd.DataFrame({"order": 4, "D": [8, 16, 32], "N": [50.0, 130.0, 400.0]})
    lines = phase.thresholds(points, [2, 4], [8, 16, 32, 64])
    assert set(lines.loc[lines["order"] == 2, "line"]) == {"weights"}
    slopes = {}
    for name, own in lines[lines["order"] == 4].groupby("line"):
        slopes[name] = np.polyfit(np.log(own["D"]), np.log(own["N"]), 1)[0]
        at = own.set_index("D")["N"][16]
        assert at == pytest.approx(64 if name == "weights" else 130)
    assert slopes == pytest.approx({"weights": 1, "N ∝ D": 1, "correlational": 2})


@pytest.mark.parametrize(("order", "exponent"), [(1, 1), (2, 1), (3, 1.5), (4, 2)])
def test_correlational_exponents(order, exponent):
    assert phase.correlational_exponent(order) == exponent


def test_metrics_of_a_phase_name_every_order():
    table = shares([0.0, 1.0, 1.0])
    points = phase.half_points(table)
    kept = phase.metrics(table, points, phase.exponents(points))
    assert kept == {"slopes": {"3": None}, "half": {"3": {"8": pytest.approx(10**1.5)}},
                    "fits": 12}


def test_detectable_orders_are_those_above_the_noise():
    rng = np.random.default_rng(0)
    X = rng.uniform(-50, 50, (600, 10))
    sums = {k: (X**k).sum(axis=1) for k in (1, 3)}
    clean, noise = 2 * sums[3] + 3 * sums[1], rng.standard_normal(600)
    assert predecessor.detectable_orders(X, clean + 1e-3 * noise, [1, 3]) == (1, 3)
    assert predecessor.detectable_orders(X, clean + 3e4 * noise, [1, 3]) == (3,)
    assert predecessor.detectable_orders(X, noise, [1, 3]) in ((1,), (3,))


def test_orders_found_judges_against_truth_and_what_is_detectable():
    sets = [s for s in make_predecessor_sets(seed=2) if s.formula in (1, 9) and s.noise == "low"]
    vsr = {"name": "vsr", "population": 300, "generations": 15}
    table = predecessor.orders_found(sets, {"vsr": vsr, "mean": {"name": "mean"}})
    rows = table.set_index(["formula", "method"])
    assert rows.loc[(1, "vsr"), "found"] == rows.loc[(1, "vsr"), "true"] == "pure(2)"
    assert rows.loc[(1, "vsr"), "exact"] and rows.loc[(1, "vsr"), "error"] < 0.1
    assert rows.loc[(9, "vsr"), "true"] == "pure(1,3)"
    assert rows.loc[(9, "vsr"), "detectable"] == "pure(3)"
    assert rows.loc[(1, "mean"), "found"] == "" and rows.loc[(1, "mean"), "error"] > 1
    kept = predecessor.metrics(table)
    assert kept["mean"]["exact_all"] is None and kept["vsr"]["exact_low"] >= 0.5
    shown = predecessor.shown(table, ["vsr"])
    assert list(shown["true"]) == ["2", "1 3"] and len(shown) == 2


def test_short_texts_mark_interactions():
    assert predecessor.short("pure(1,2)+interact(4;rank=2)") == "1 2 ×4"
    assert predecessor.short("") == ""


def test_sources_and_noises_are_checked(monkeypatch):
    assert [s.noise for s in predecessor.load_sets("generated", ["high"])] == ["high"] * 10
    monkeypatch.delenv("NSLIB_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="NSLIB_DATA"):
        predecessor.load_sets("published", ["low"])
    for arguments, near in ((("publishd", ["low"]), "published"), (("generated", ["lo"]), "low")):
        with pytest.raises(ValueError, match=f"did you mean '{near}'"):
            predecessor.load_sets(*arguments)
