"""begin, presets, records: names that cannot drift, files that change only when something did."""

import json
import math

import numpy as np
import pandas as pd
import pytest

import companion
from companion import paths, presets, records


@pytest.fixture
def begun(repo):
    repo.presets({"01_x": {"seed": 0, "lam": 0.5, "orders": [1, 2]}},
                 {"01_x": {"seed": 0, "lam": 2.0, "orders": [1, 2]}})
    return repo


def begin(**changes):
    return companion.begin("01_x", {"seed": 0, "lam": 0.5, "orders": [1, 2], **changes})


def test_begin_finds_the_preset(begun):
    assert begin().preset == "quick"
    assert begin(lam=2).preset == "paper"
    assert begin(lam=3).preset == "custom"
    assert begin(orders=(1, 2)).preset == "quick"
    assert begin(seed=False).preset == "custom"
    assert companion.current().preset == "custom"


def test_begin_takes_the_preset_asked_for_where_it_has_these_parameters(begun, monkeypatch):
    same = {"seed": 0, "lam": 0.5, "orders": [1, 2]}
    begun.presets({}, {"01_x": same})
    assert begin().preset == "quick"
    monkeypatch.setenv("NSLIB_PRESET", "paper")
    assert begin().preset == "paper"
    assert begin(lam=3).preset == "custom"
    begun.presets({}, {"01_x": {"lam": 1.0}})
    assert begin().preset == "quick"


@pytest.mark.parametrize(("notebook", "parameters", "message"), [
    ("01_y", {}, "did you mean '01_x'"),
    ("01_x", {"seed": 0, "lamb": 1, "orders": []}, "namespace: found no lam"),
    ("01_x", {"seed": 0, "lam": math.nan, "orders": []}, r"parameters\.lam: found nan"),
])
def test_begin_refuses_what_the_notebook_does_not_have(begun, notebook, parameters, message):
    with pytest.raises(ValueError, match=message):
        companion.begin(notebook, parameters)


def test_without_begin_there_is_no_run(begun):
    with pytest.raises(RuntimeError, match="begin"):
        companion.current()


def test_root_is_found_upwards_or_by_name(begun, monkeypatch, tmp_path):
    assert paths.root() == begun.folder
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"claims\.yaml"):
        paths.root()
    monkeypatch.setenv("NSLIB_ROOT", str(begun.folder))
    assert paths.root() == begun.folder
    monkeypatch.setenv("NSLIB_ROOT", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="NSLIB_ROOT"):
        paths.root()


@pytest.mark.parametrize(("lam", "place"), [
    (0.5, "build/results/quick"), (2.0, "build/results/paper"),
    (7.0, "build/custom/results/custom"),
])
def test_a_record_goes_where_its_preset_belongs(begun, lam, place):
    path = begin(lam=lam).record("e1", {}, {"a": 1})
    assert path == begun.folder / place / "01_x" / "e1.json"
    assert path.is_file()


def test_output_folder_can_be_given(begun, monkeypatch, tmp_path):
    monkeypatch.setenv("NSLIB_OUTPUT", str(tmp_path / "out"))
    path = begin(lam=9).record("e1", {}, {"a": 1})
    assert path == tmp_path / "out" / "results" / "custom" / "01_x" / "e1.json"


def test_a_record_holds_what_made_it(begun):
    frame = pd.DataFrame({"x": [0.1, 0.2], "name": ["a", "b"]})
    path = begin().record("e1", {"rank": np.int64(8), "seeds": [3, 4]},
                          {"mse": np.float64(1 / 3), "found": None, "text": "x"},
                          timing={"seconds": 1.23456789}, data={"d": frame, "z": np.ones(3)})
    record = json.loads(path.read_text())
    assert record["experiment"] == "e1"
    assert record["notebook"] == "01_x"
    assert record["preset"] == "quick"
    assert record["config"] == {"rank": 8, "seeds": [3, 4]}
    assert record["seed"] == [3, 4]
    assert record["metrics"] == {"mse": 0.333333, "found": None, "text": "x"}
    assert record["data"] == {"d": records.checksum(frame), "z": records.checksum(np.ones(3))}
    assert record["versions"]["numpy"] == np.__version__
    assert set(record["run"]) == {"git", "wall_seconds", "peak_memory_mb", "cpu", "cores",
                                  "written_at", "timing", "code", "calibration_seconds"}
    assert record["run"]["timing"] == {"seconds": 1.23457}
    assert record["run"]["git"] == {"commit": None, "dirty": None}
    assert record["run"]["peak_memory_mb"] > 10


def test_a_record_names_the_sources_that_made_it(begun):
    """Its hash follows the core and the experiment's own folder, and no other experiment."""
    begun.notebook("01_x", "seed: int = 0\nlam: float = 0.5\norders: list = [1, 2]",
                   "from companion.experiments.mine import compute")
    files = {name: begun.folder / name for name in (
        "nslib/core.py", "companion/experiments/mine/compute.py",
        "companion/experiments/mine/paper.csv", "companion/experiments/other/compute.py",
        "companion/experiments/shared_grid/__init__.py", "companion/bench/bench_a.py",
    )}
    for path in files.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")

    def recorded(value):
        return records.read(begin().record("e1", {}, {"a": value}))["run"]["code"]

    first = recorded(0)
    for number, (name, path) in enumerate(files.items(), start=1):
        path.write_text("2")
        matters = "other" not in name and "bench" not in name
        assert (recorded(number) != first) is matters, name
        path.write_text("1")
    assert recorded(-1) == first


def test_a_broken_record_on_disk_is_replaced(begun):
    run = begin()
    path = run.record("e1", {}, {"a": 1})
    path.write_text("{")
    run.record("e1", {}, {"a": 1})
    assert records.read(path)["metrics"] == {"a": 1}


@pytest.mark.parametrize(("arguments", "error", "message"), [
    (("e 1", {}, {"a": 1}), ValueError, "name: found 'e 1'"),
    (("../e", {}, {"a": 1}), ValueError, "letters, digits"),
    (("e", {}, {"a": math.nan}), ValueError, r"metrics\.a: found nan"),
    (("e", {}, {"a": {"b": math.inf}}), ValueError, r"metrics\.a\.b: found inf"),
    (("e", {}, {"a": object()}), TypeError, r"metrics\.a"),
    (("e", {}, {}), ValueError, "at least one"),
    (("e", {}, [1]), TypeError, "mapping"),
    (("e", {"f": print}, {"a": 1}), TypeError, r"config\.f"),
    (("e", None, {"a": 1}), TypeError, "config: found None, expected a mapping"),
    (("e", [1], {"a": 1}), TypeError, r"config: found \[1\], expected a mapping"),
    (("e", {}, None), TypeError, "metrics: found None, expected a mapping"),
    (("e", {}, {"a": 1}, 0.5), TypeError, "timing: found 0.5, expected a mapping"),
    (("e", {}, {"a": 1}, []), TypeError, r"timing: found \[\], expected a mapping"),
    (("e", {}, {"a": 1}, None, [1]), TypeError, r"data: found \[1\], expected a mapping"),
    (("e", {}, {"a": 1}, None, {1: b""}), TypeError, "data: found the key 1, expected text"),
    (("e", {}, {"a": 1}, None, {"d": None}), TypeError, "data: found dtype object"),
    (("e", {}, {"a": 1}, {"s": math.nan}), ValueError, r"timing\.s"),
    (("e", {}, {"a": 1}, None, {"d": "no checksum"}), ValueError, "sha256"),
    (("e", {}, {"a": 1}, None, {"d": np.array(["x"])}), TypeError, "dtype"),
])
def test_a_record_refuses_what_it_cannot_hold(begun, arguments, error, message):
    run = begin()
    with pytest.raises(error, match=message):
        run.record(*arguments)
    assert not (begun.folder / "build").exists()


def test_the_papers_record_is_the_committed_one_wherever_this_run_writes(
    begun, monkeypatch, tmp_path
):
    assert records.paper("01_x", "e1") is None
    monkeypatch.setenv("NSLIB_OUTPUT", str(begun.folder))
    path = begin(lam=2.0).record("e1", {"lam": 2.0}, {"a": 0.5})
    begin().record("e1", {"lam": 0.5}, {"a": 0.1})
    monkeypatch.setenv("NSLIB_OUTPUT", str(tmp_path / "out"))
    begin(lam=2.0).record("e1", {"lam": 2.0}, {"a": 0.9})
    found = companion.records.paper("01_x", "e1")
    assert found["metrics"] == {"a": 0.5}
    assert found == records.read(path)
    assert records.paper("01_x", "e2") is None


@pytest.mark.parametrize(("notebook", "name", "message"), [
    ("01_y", "e1", "notebook.*did you mean '01_x'"),
    ("01_x", "e1.json", "name: found 'e1.json'"),
    ("01_x", "broken", "broken JSON"),
])
def test_a_record_of_the_paper_that_cannot_be_is_refused(begun, notebook, name, message):
    folder = begun.folder / "results" / "paper" / "01_x"
    folder.mkdir(parents=True)
    (folder / "broken.json").write_text("{")
    with pytest.raises(ValueError, match=message):
        records.paper(notebook, name)


def test_checksums_tell_data_apart(tmp_path):
    file = tmp_path / "f"
    file.write_bytes(b"abc")
    assert records.checksum(file) == records.checksum(b"abc")
    different = [np.zeros(4), np.zeros((2, 2)), np.zeros(4, np.float32), np.ones(4),
                 pd.DataFrame({"a": [0.0]}), pd.DataFrame({"b": [0.0]})]
    assert len({records.checksum(data) for data in different}) == len(different)
    assert records.checksum(records.checksum(b"abc")) == records.checksum(b"abc")
    assert records.checksum(np.arange(6).reshape(2, 3).T) == records.checksum(
        np.ascontiguousarray(np.arange(6).reshape(2, 3).T)
    )


def test_git_state_sees_sources_and_not_outputs(tmp_path):
    import subprocess

    def git(*arguments):
        subprocess.run(["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@t.t",
                        *arguments], check=True, capture_output=True)

    git("init", "-q")
    (tmp_path / "a.py").write_text("1")
    git("add", ".")
    git("commit", "-qm", "x")
    clean = records.git_state(tmp_path)
    assert len(clean["commit"]) == 40
    assert clean["dirty"] is False
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "f.png").write_text("1")
    assert records.git_state(tmp_path)["dirty"] is False
    (tmp_path / "a.py").write_text("2")
    assert records.git_state(tmp_path)["dirty"] is True


def test_git_state_without_git(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert records.git_state(tmp_path) == {"commit": None, "dirty": None}


@pytest.mark.parametrize(("left", "right", "equal"), [
    (1, 1.0, True), (1, True, False), ([1, 2], (1, 2), True), ([1], [1, 2], False),
    ({"a": [1]}, {"a": [1.0]}, True), ({"a": 1}, {"b": 1}, False), ("1", 1, False),
    (None, {}, False),
])
def test_equality_of_parameters(left, right, equal):
    assert presets.same(left, right) is equal
    assert presets.same(right, left) is equal


def test_a_preset_that_is_no_mapping_is_refused(begun):
    file = begun.folder / "notebooks" / "paper.yaml"
    file.write_text("- 1\n")
    with pytest.raises(ValueError, match=r"paper\.yaml: found list"):
        presets.differing()
    file.write_text("01_x: 3\n")
    with pytest.raises(ValueError, match="01_x: found 3"):
        presets.differing()
