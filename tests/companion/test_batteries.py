"""The batteries hold the truths that they say, and the judge and the bench see what is missed."""

import re
from dataclasses import replace
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from companion.bench import bench_recovery
from companion.bench.recovery import near_ties, printed_formulas
from companion.experiments.structure_recovery import batteries, battery_scores
from companion.experiments.structure_recovery.batteries import LEVELS
from nslib.data.public_formulas import PUBLIC_FORMULAS
from nslib.search import refit

REFITTED = {"one_hot": 2, "wide": 4, "few_active": 2, "rows_short": 2, "outliers": 2, "near_tie": 1}


def first(battery, count=1, seed=3):
    return list(islice(batteries.tasks(battery, seed), count))


def without_bounds(task):
    """Return rows, target, fresh rows of the features that matter, and the truth refitted."""
    columns = slice(None) if task.features is None else list(task.features)
    X, fresh = np.asarray(task.X)[:, columns], np.asarray(task.fresh)[:, columns]
    clean_rows = np.setdiff1d(np.arange(len(X)), task.outliers)
    X, y = X[clean_rows], task.y[clean_rows]
    return X, y, fresh, refit(task.structure, X, y, standardize=task.standardize, limits=None)


@pytest.mark.parametrize(("battery", "count"), REFITTED.items())
def test_the_truth_refitted_leaves_the_noise_alone(battery, count):
    for task in first(battery, count):
        X, y, fresh, fitted = without_bounds(task)
        assert fitted.structure.same_streams(task.structure)
        if battery == "near_tie":  # where rows are too few to tell: another optimum may do
            continue
        floor = np.mean((fitted.predict(X) - y) ** 2) / task.noise_floor
        assert 0.75 < floor < 1.15, task.name
        error = np.mean((fitted.predict(fresh) - task.clean) ** 2)
        assert error < 0.5 * task.noise_floor


def test_heavy_tails_have_their_truth_too():
    of_group = {t.group: t for t in batteries.tasks("heavy_tails", 3) if t.name == "pure(1,2)"}
    assert set(of_group) == {"t3", "lognormal"}
    for task in of_group.values():
        X, y, _, fitted = without_bounds(task)
        assert np.mean((fitted.predict(X) - y) ** 2) == pytest.approx(task.noise_floor, rel=0.15)
        assert np.abs((X - X.mean(0)) / X.std(0)).max() > 7  # no normal sample of 20,000 has that


def test_one_hot_groups_are_complete_and_few_features_matter():
    task = first("one_hot")[0]
    for group, levels in LEVELS.items():
        ones = task.X[[f"{group}_{level}" for level in levels]]
        assert set(np.unique(ones)) == {0.0, 1.0} and (ones.sum(axis=1) == 1).all()
    wide = first("wide")[0]
    columns = list(wide.features)
    shuffled = wide.fresh.copy()
    others = np.setdiff1d(np.arange(100), columns)
    shuffled[:, others] = 0.0
    assert len(columns) == 3 and wide.X.shape == (150, 100)
    _, _, fresh, fitted = without_bounds(replace(wide, fresh=shuffled))
    assert np.corrcoef(fitted.predict(fresh), wide.clean)[0, 1] > 0.999


def test_gross_outliers_are_where_they_are_said_to_be():
    task = first("outliers")[0]
    dirty = np.zeros(len(task.y), dtype=bool)
    dirty[task.outliers] = True
    assert dirty.sum() == 100
    assert np.abs(task.y[~dirty]).max() < 10 and np.median(np.abs(task.y[dirty])) > 8


def test_same_seed_same_data_and_fewer_tasks_are_the_first_ones():
    for battery in batteries.BATTERIES:
        task = first(battery)[0]
        again = list(batteries.tasks(battery, 3, limit=1))
        assert len(again) == len(batteries.BATTERIES[battery])
        assert np.array_equal(task.X, again[0].X) and np.array_equal(task.y, again[0].y)
        assert not np.array_equal(task.y, first(battery, seed=4)[0].y)


def test_what_is_not_known_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match=r"battery: found 'one_hit'.*one_hot"):
        next(batteries.tasks("one_hit", 0))
    with pytest.raises(ValueError, match="seed: found -1"):
        next(batteries.tasks("wide", -1))


def test_the_judge_takes_the_truth_for_exact_and_another_for_not():
    task = first("wide")[0]
    X, y, _, fitted = without_bounds(task)
    own = replace(task, X=X, fresh=task.fresh[:, list(task.features)], features=(0, 1, 2))
    right = battery_scores.judged(own, fitted)
    assert right["exact"] and right["features_exact"] and right["r2_formula"] > 0.99
    other = battery_scores.judged(
        replace(own, features=(0,), structure=first("wide", 4)[3].structure), fitted)
    assert not other["exact"] and not other["features_exact"]


def test_the_bench_prints_a_share_with_its_interval_and_the_misses(capsys):
    assert bench_recovery.main(
        "--battery wide --limit 2 --repeats 1 --first-seed 5 --before".split()) == 0
    printed = capsys.readouterr().out
    exact, of = map(int, re.search(r"\n *wide +wide +(\d+) +(\d+)", printed).groups())
    assert of == 2 and "seeds 5 to 5" in printed
    assert len(re.findall(r"missed: .* for ", printed)) == of - exact


def test_structures_that_differ_between_settings_are_told(capsys):
    table = pd.DataFrame({"base": {"a": "pure(1)", "b": "pure(2)"},
                          "other": {"a": "pure(1)", "b": "pure(1)"}})
    head, differs = near_ties.report(table)
    assert "1 of 2 tasks" in head
    assert differs == "differs: b: pure(2) (base); pure(1) (other)"


def test_a_printed_formula_is_judged_by_its_terms_and_coefficients():
    truth = PUBLIC_FORMULAS["II.37.1"]  # mom B + mom B chi
    terms = np.array(truth.exponents)
    printed = SimpleNamespace(terms=terms[::-1], coefficients=np.array([1.005, 1.0]))
    assert printed_formulas.judged(truth, printed) == {
        "exact": True, "coefficients_near": True, "n_terms": 2}
    printed.coefficients = np.array([1.02, 1.0])
    assert not printed_formulas.judged(truth, printed)["coefficients_near"]
    printed = SimpleNamespace(terms=terms[:1], coefficients=np.array([1.0]))
    assert not printed_formulas.judged(truth, printed)["exact"]
