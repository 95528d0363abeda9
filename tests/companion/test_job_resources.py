"""What a cluster should give a notebook: from its records, and without any."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from nbformat import v4, write

from companion import files, job_resources, notebooks

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def notebook(tmp_path) -> Path:
    """A notebook that says 10 minutes for the quick preset and nothing for the paper's."""
    path = tmp_path / "notebooks" / "01_x.ipynb"
    path.parent.mkdir()
    write_notebook(path, "workers: int = 1")
    return path


def write_notebook(path: Path, parameters: str) -> None:
    cell = v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    content = v4.new_notebook(cells=[cell])
    content.metadata["nslib"] = {"title": "t", "section": "1", "minutes": {"quick": 10}}
    write(content, path)


def write_record(notebook: Path, name: str, run: object) -> None:
    path = notebook.parents[1] / "results" / "quick" / notebook.stem / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"run": run}))


def memory(peak: float, processes: int = 1) -> int:
    margin = job_resources.MEMORY_MARGIN * peak * processes
    return round(job_resources.OVERHEAD_MB + margin)


def minutes(known: float) -> int:
    return round(job_resources.START_MINUTES + job_resources.TIME_MARGIN * known)


def test_takes_the_largest_memory_and_the_longest_time_on_record(notebook):
    write_record(notebook, "a", {"wall_seconds": 1800, "peak_memory_mb": 700.0})
    write_record(notebook, "b", {"wall_seconds": 600, "peak_memory_mb": 1500.0})
    assert job_resources.of_notebook(notebook, "quick") == (memory(1500), minutes(30), 1)


def test_without_records_takes_what_the_notebook_says_and_defaults(notebook):
    unmeasured = memory(job_resources.UNMEASURED_MB)
    assert job_resources.of_notebook(notebook, "quick") == (unmeasured, minutes(10), 1)
    unsaid = minutes(job_resources.UNMEASURED_MINUTES)
    assert job_resources.of_notebook(notebook, "paper") == (unmeasured, unsaid, 1)


@pytest.mark.parametrize("run", [
    None, [], {"wall_seconds": 3000}, {"wall_seconds": "long", "peak_memory_mb": 1.0},
    {"wall_seconds": 3000, "peak_memory_mb": None},
])
def test_a_record_that_tells_nothing_of_memory_leaves_the_default(notebook, run):
    write_record(notebook, "a", run)
    needed = job_resources.of_notebook(notebook, "quick")
    assert needed.memory_mb == memory(job_resources.UNMEASURED_MB)


def test_broken_record_is_left_out(notebook):
    write_record(notebook, "a", {"wall_seconds": 600, "peak_memory_mb": 300.0})
    (notebook.parents[1] / "results" / "quick" / notebook.stem / "b.json").write_text('{"run": {')
    assert job_resources.of_notebook(notebook, "quick").memory_mb == memory(300)


def test_processes_of_a_grid_have_memory_each_beside_the_one_that_waits(notebook):
    write_notebook(notebook, "workers: int = 4")
    write_record(notebook, "a", {"wall_seconds": 600, "peak_memory_mb": 1500.0})
    assert job_resources.of_notebook(notebook, "quick") == (memory(1500, 5), minutes(10), 4)


def test_a_run_that_went_on_from_earlier_results_tells_nothing_of_the_memory_of_the_whole(notebook):
    write_record(notebook, "a", {"wall_seconds": 5, "peak_memory_mb": 100.0})
    needed = job_resources.of_notebook(notebook, "quick")
    assert needed == (memory(job_resources.UNMEASURED_MB), minutes(10), 1)


def test_every_notebook_gets_more_than_it_took_and_less_than_a_small_node_has():
    for path in notebooks.find(ROOT).values():
        for preset in ("quick", "paper"):
            needed = job_resources.of_notebook(path, preset)
            for record in (ROOT / "results" / preset / path.stem).glob("*.json"):
                run = json.loads(record.read_text())["run"]
                assert run["peak_memory_mb"] < needed.memory_mb <= 16_000, record
                assert run["wall_seconds"] < 60 * needed.minutes <= 24 * 3600, record


def test_the_profile_asks_slurm_itself_tries_again_and_logs_below_the_logs():
    profile = files.read_yaml(ROOT / "profiles" / "slurm" / "config.yaml")
    assert profile["executor"] == "slurm"
    assert profile["slurm-status-command"] == "squeue"  # sacct waits for ever without accounting
    # the plugin turns to sacct where squeue forgets a job before its longest pause of 180 s
    assert 3 * profile["slurm-init-seconds-before-status-checks"] >= 180
    assert profile["retries"] >= 1
    # a folder of their own: the plugin deletes old logs in it
    assert Path(profile["slurm-logdir"]).parent == Path("build/logs")
