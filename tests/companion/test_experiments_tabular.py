"""The grid on tables: splits without leaks, reports that resume, equal numbers on any workers."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from companion.experiments.tabular_grid import grid, reports, run_cells, settings
from companion.experiments.tabular_grid.splits import PARTS, diverged, divide, scores, search_rows
from nslib.data import load_tabular
from nslib.structure import NeuronStructure
from nslib.training import TrainingOptions

SMALL = {"models": ["LN", "linear"], "budgets": [100], "seeds": [0, 1], "steps": 20,
         "progress": False}


@pytest.fixture(scope="module")
def diabetes():
    return load_tabular("diabetes")


@pytest.fixture(scope="module")
def wine():
    return load_tabular("wine")


@pytest.fixture
def fast_searches(monkeypatch):
    few = {"als": {"rows": 120, "options": {"order": 2, "resamples": 2, "restarts": 2}}}
    monkeypatch.setattr(settings, "SEARCHES", few)


@pytest.mark.parametrize("name", ["diabetes", "wine"])
def test_the_parts_divide_all_rows(name):
    data = load_tabular(name)
    split = divide(data, 3)
    rows = [split.X[part].index for part in PARTS]
    assert sorted(np.concatenate(rows)) == sorted(data.X.index)
    assert len(split.y["test"]) == pytest.approx(0.2 * len(data.X), abs=1)
    assert len(split.y["validation"]) == pytest.approx(0.15 * 0.8 * len(data.X), abs=1)
    again, other = divide(data, 3), divide(data, 4)
    assert split.X["test"].equals(again.X["test"])
    assert not split.X["test"].index.equals(other.X["test"].index)


def test_classes_are_codes_of_every_part(wine):
    split = divide(wine, 0)
    for part in PARTS:
        assert set(split.y[part]) == {0, 1, 2}
        names = np.unique(wine.y)[split.y[part]]
        assert (names == wine.y.loc[split.X[part].index]).all()


def test_targets_are_in_the_predecessors_units(diabetes):
    split = divide(diabetes, 0)
    known = np.concatenate([split.y["train"], split.y["validation"]])
    assert (known.min(), known.max()) == pytest.approx((-1.0, 1.0))
    trained = split.targets()["train"]
    assert trained.mean() == pytest.approx(0, abs=1e-12) and trained.std() == pytest.approx(1)
    np.testing.assert_allclose(trained * split.scale + split.mean, split.y["train"])


def test_nothing_is_learnt_from_rows_outside_training(diabetes):
    """Other values in validation and test rows change no encoding and no target scale."""
    split = divide(diabetes, 0)
    X = diabetes.X.astype(float)
    X.loc[split.X["test"].index] = 1e6
    X.loc[split.X["validation"].index] = -1e6
    y = diabetes.y.astype(float)
    y.loc[split.X["test"].index] = 1e6
    changed = divide(replace(diabetes, X=X, y=y), 0)
    for bins in (0, 4):
        np.testing.assert_array_equal(
            split.features(n_bins=bins)["train"], changed.features(n_bins=bins)["train"]
        )
    for part in ("train", "validation"):
        np.testing.assert_array_equal(split.y[part], changed.y[part])


@pytest.mark.parametrize("name", ["diabetes", "wine"])
def test_no_seed_tests_a_row_that_searches_may_see(name):
    data = load_tabular(name)
    seen = set(data.X.index[search_rows(data)])
    assert len(seen) == pytest.approx(0.4 * len(data.X), abs=1)
    for seed in range(5):
        assert seen.isdisjoint(divide(data, seed).X["test"].index)


def test_searches_see_their_rows_alone(diabetes):
    chosen = search_rows(diabetes)
    X, y = run_cells.search_data(diabetes, 50)
    assert X.shape == (50, 10) and y.shape == (50,)
    other_X, other_y = diabetes.X.astype(float), diabetes.y.astype(float)
    other_X.loc[~chosen], other_y.loc[~chosen] = 1e6, 1e6
    changed = run_cells.search_data(replace(diabetes, X=other_X, y=other_y), 50)
    np.testing.assert_array_equal(X, changed[0])
    np.testing.assert_array_equal(y, changed[1])


def test_scores_by_hand(diabetes, wine):
    split = divide(diabetes, 0)
    numbers = scores(split, {part: y + 0.5 for part, y in split.y.items()})
    assert numbers["test"]["mse"] == pytest.approx(0.25)
    assert numbers["test"]["r2"] == pytest.approx(1 - 0.25 / split.y["test"].var())
    assert not diverged(split, numbers)
    far = scores(split, {part: y + 10.0 for part, y in split.y.items()})
    assert diverged(split, far)
    assert diverged(split, scores(split, {p: y + np.nan for p, y in split.y.items()}))
    split = divide(wine, 0)
    sure = {part: np.eye(3)[y] for part, y in split.y.items()}
    numbers = scores(split, sure)["test"]
    assert (numbers["accuracy"], numbers["f1"], numbers["log_loss"]) == (1.0, 1.0, 0.0)
    wrong = {part: np.eye(3)[(y + 1) % 3] for part, y in split.y.items()}
    assert scores(split, wrong)["test"]["accuracy"] == 0.0
    assert diverged(split, scores(split, wrong))


def test_only_what_has_no_report_is_computed(tmp_path, monkeypatch):
    first = run_cells.run(["diabetes"], work=tmp_path, **SMALL)
    assert len(first) == 4 and not first["diverged"].any()
    calls = []
    monkeypatch.setattr(run_cells, "run_cell", lambda cell, data, work: calls.append(cell.label))
    pd.testing.assert_frame_equal(run_cells.run(["diabetes"], work=tmp_path, **SMALL), first)
    assert calls == []
    # another configuration, and a file that an interruption left half written
    run_cells.run(["diabetes"], work=tmp_path, **{**SMALL, "steps": 21})
    assert calls == ["diabetes LN 100"]
    file = tmp_path / "diabetes" / "linear" / "seed-1.json"
    file.write_bytes(file.read_bytes()[:50])
    calls.clear()
    run_cells.run(["diabetes"], work=tmp_path, **{**SMALL, "models": ["linear"]})
    assert calls == ["diabetes linear"]


@pytest.mark.parametrize("what", ["versions", "sources"])
def test_a_report_of_other_code_is_computed_again(what, tmp_path, monkeypatch):
    """A resumed grid holds runs of one code and of one set of versions."""
    run_cells.run(["diabetes"], work=tmp_path, **SMALL)
    other = json.loads((tmp_path / "diabetes" / "linear" / "seed-0.json").read_text())[what]
    key = next(iter(other))
    calls = []
    monkeypatch.setattr(run_cells, "run_cell", lambda cell, data, work: calls.append(cell.label))
    monkeypatch.setitem(reports.CODE[what], key, "another")
    run_cells.run(["diabetes"], work=tmp_path, **SMALL)
    assert calls == ["diabetes LN 100", "diabetes linear"]


def test_what_computes_a_cell_has_a_hash(tmp_path):
    package = tmp_path / "nslib"
    for name in ("neuron.py", "search/least.py", "theory/orbit.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("x = 1\n")
    first = reports.checksum_of(package, without="theory")
    (package / "theory" / "orbit.py").write_text("x = 2\n")
    assert reports.checksum_of(package, without="theory") == first
    (package / "search" / "least.py").write_text("x = 2\n")
    second = reports.checksum_of(package, without="theory")
    (package / "neuron.py").write_text("x = 2\n")
    assert len({first, second, reports.checksum_of(package, without="theory")}) == 3


def test_a_run_that_breaks_off_leaves_no_report(tmp_path, monkeypatch, diabetes):
    cell = grid.Cell("diabetes", "linear", None, (0, 1))
    monkeypatch.setattr("nslib.whole_files.os.replace", _stopped)
    with pytest.raises(KeyboardInterrupt):
        run_cells.run_cell(cell, diabetes, tmp_path)
    assert cell.answers(diabetes, tmp_path) == [None, None]
    assert not list(tmp_path.rglob("seed-*.json"))


def _stopped(*_):
    raise KeyboardInterrupt


def test_other_cells_survive_one_that_fails(tmp_path, monkeypatch):
    real = run_cells.run_cell

    def run_cell(cell, data, work):
        if cell.model == "LN":
            raise ValueError("no luck")
        real(cell, data, work)

    monkeypatch.setattr(run_cells, "run_cell", run_cell)
    with pytest.raises(RuntimeError, match="1 of 2 cells failed:\ndiabetes LN 100: .*no luck"):
        run_cells.run(["diabetes"], work=tmp_path, **SMALL)
    assert (tmp_path / "diabetes" / "linear" / "seed-1.json").is_file()


def test_a_set_that_is_missing_is_left_out(tmp_path, monkeypatch, capsys):
    real = run_cells.load_tabular

    def load(name):
        if name == "heloc":
            raise FileNotFoundError("heloc: found no copy")
        return real(name)

    monkeypatch.setattr(run_cells, "load_tabular", load)
    runs = run_cells.run(["heloc", "diabetes"], work=tmp_path, **{**SMALL, "models": ["linear"]})
    assert set(runs["dataset"]) == {"diabetes"}
    assert "left out heloc" in capsys.readouterr().err


def test_the_same_numbers_on_any_number_of_workers(tmp_path):
    one = run_cells.run(["diabetes"], work=tmp_path / "1", workers=1, **SMALL)
    two = run_cells.run(["diabetes"], work=tmp_path / "2", workers=2, **SMALL)
    pd.testing.assert_frame_equal(one.drop(columns="seconds"), two.drop(columns="seconds"))


def test_unknown_names_and_values_are_told():
    for arguments, message in (
        ((["diabetis"], ["LN"]), "diabetes"), ((["diabetes"], ["xgbost"]), "xgboost"),
        ((["diabetes"], ["LN"], [0]), "budgets"), ((["diabetes"], ["LN"], [100], []), "seeds"),
    ):
        with pytest.raises(ValueError, match=message):
            grid.cells(*arguments)


def test_the_searches_that_models_need_come_first():
    wanted = grid.cells(["diabetes"], ["TN-als", "TN", "TN-vsr", "linear"], [100, 300], [0])
    labels = [cell.label for cell in wanted]
    assert labels[:2] == ["diabetes search-als", "diabetes search-vsr"]
    assert sorted(labels[2:]) == [
        "diabetes TN", "diabetes TN-als 100", "diabetes TN-als 300", "diabetes TN-vsr 100",
        "diabetes TN-vsr 300", "diabetes linear",
    ]


def test_a_task_driven_cell(tmp_path, fast_searches):
    runs = run_cells.run(["diabetes"], work=tmp_path, **{**SMALL, "models": ["LN", "TN-als"]})
    report = json.loads((tmp_path / "diabetes" / "TN-als-100" / "seed-0.json").read_text())
    searched = json.loads((tmp_path / "diabetes" / "search-als.json").read_text())
    assert searched["rows"] == 120 and searched["leading_terms"]
    assert NeuronStructure.parse(report["structure"]).streams == (
        NeuronStructure.parse(searched["structure"]).streams
    )
    assert (report["learning_rate"], report["weight_decay"]) in settings.CANDIDATES
    counts = runs.pivot(index="seed", columns="model", values="n_parameters")
    assert (counts["TN-als"] <= counts["LN"]).all()


def test_all_seeds_and_candidates_are_one_batch(diabetes, monkeypatch):
    batches = []
    real = run_cells.train

    def train(models, parts, options, *, rates):
        batches.append((str(models[0].structure), len(models), len(set(map(id, parts)))))
        return real(models, parts, options, rates=rates)

    monkeypatch.setattr(run_cells, "train", train)
    structure = NeuronStructure((1, 2), ())
    splits = [divide(diabetes, seed) for seed in range(3)]
    results = run_cells.train_networks(
        "TN", splits, 200, structure=structure, candidates=[(0.01, 0.0), (1e-9, 0.0)],
        options=TrainingOptions(steps=20), as_linear=True,
    )
    assert batches == [("pure(1,2)", 6, 3)]
    for result, split in zip(results, splits, strict=True):
        assert result["fits"] and result["structure"] == "pure(1,2)"
        assert result["learning_rate"] == 0.01  # the other stays where it starts
        mse = result["metrics"]["validation"]["mse"]
        assert mse == pytest.approx(result["validation_loss"] * split.scale**2, rel=1e-4)


@pytest.mark.parametrize("budget", [30, 100, 1000])
def test_no_network_is_larger_than_its_budget(budget):
    rich = NeuronStructure((1, 2, 3), (2, 3), 8)
    limit = run_cells.linear_size(12, 2, budget)
    assert limit <= budget
    for family, structure in (("LN", None), ("TN", rich), ("KAN", None)):
        make = run_cells.sized(family, 12, 2, limit, structure)
        assert make is None or run_cells.n_parameters(make()) <= limit
    assert run_cells.sized("TN", 12, 2, 30, rich)().structure.streams == ("pure 1",)
    assert run_cells.sized("TN", 12, 2, 5, rich) is None
    assert run_cells.sized("TN", 12, 2, 10**4, rich, width=5)().hidden == (5, 5)


def test_splits_of_unequal_encodings_have_columns_of_zeros_behind():
    wide, narrow = {"train": np.ones((4, 3))}, {"train": np.ones((5, 2))}
    first, second = run_cells._aligned([wide, narrow])
    np.testing.assert_array_equal(first["train"], wide["train"])
    np.testing.assert_array_equal(second["train"], np.ones((5, 3)) * [1, 1, 0])


def test_structures_are_joined_and_capped():
    first, second = NeuronStructure((1, 2), (2,), 8), NeuronStructure((1, 4), (3,), 20)
    assert run_cells.joined(first, second) == NeuronStructure((1, 2), (2, 3), 8)
    assert run_cells.capped(second).rank == settings.MAX_RANK
