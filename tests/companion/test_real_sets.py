"""The 25 real sets: splits, rivals, and what is said of the differences."""

import numpy as np
import pandas as pd
import pytest

from companion.bench import real_sets
from nslib.data.tabular_loading import FOLDER_VARIABLE
from nslib.data.tabular_registry import REGISTRY


@pytest.fixture
def only_bundled(monkeypatch):
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)


def test_the_sets_are_of_the_registry():
    assert (len(real_sets.REGRESSIONS), len(real_sets.CLASSIFICATIONS)) == (12, 13)
    assert {REGISTRY[name].task for name in real_sets.REGRESSIONS} == {"regression"}
    assert {REGISTRY[name].task for name in real_sets.CLASSIFICATIONS} == {"classification"}


def test_splits_share_no_row_and_depend_on_the_seed(only_bundled):
    first, second = real_sets.split("diabetes", 0), real_sets.split("diabetes", 1)
    assert (len(first.y), len(first.y_test), first.task) == (331, 111, "regression")
    rows = np.vstack([first.X, first.X_test])
    assert len(np.unique(rows, axis=0)) == len(rows) == 442
    assert not np.array_equal(first.X, second.X)


def test_the_quadratic_rival_sees_products():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = X[:, 0] * X[:, 1]
    for target, task in ((y, "regression"), (np.where(y > 0, "high", "low"), "classification")):
        rows = real_sets.RealSplit(X[:200], target[:200], X[200:], target[200:], task)
        linear, quadratic = (real_sets.score(rows, real_sets.rival(k)(rows)) for k in (1, 2))
        assert quadratic > 0.93 and linear < 0.65


def test_bundled_sets_are_measured_and_others_left_out(only_bundled, capsys):
    table = real_sets.measure(1, 3, ["wine", "abalone"], ["linear", "prediction"])
    assert table["set"].tolist() == ["wine"] * 2
    assert (table["score"] > 0.9).all() and (table["seconds"] > 0).all()
    assert "abalone: no data, left out" in capsys.readouterr().err


def test_differences_are_of_means_over_sets():
    scores = {("regression", "a"): (0.5, 0.7), ("regression", "b"): (0.6, 0.5),
              ("classification", "c"): (0.9, 0.9)}
    table = pd.DataFrame([
        {"task": task, "set": name, "seed": seed, "model": model, "score": value + 0.01 * seed,
         "seconds": 1.0}
        for (task, name), values in scores.items() for seed in (0, 1)
        for model, value in zip(("linear", "prediction"), values, strict=True)
    ])
    row = real_sets.summary(table).set_index("task").loc["regression"]
    assert row["difference"] == pytest.approx(0.05)
    assert (row["worst"], row["worst_set"]) == (pytest.approx(-0.1), "b")
    assert row["high"] - row["low"] == pytest.approx(2 * 12.7062 * 0.15, rel=1e-4)
    assert set(real_sets.summary(table)["sets"]) == {1, 2, 3}
    assert real_sets.by_set(table).set_index("set").loc["a", "linear"] == pytest.approx(0.505)
