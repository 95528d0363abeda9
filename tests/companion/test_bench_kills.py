"""make reproduce goes on after kills, and the bench that says so sees what differs."""

import json

from companion.bench import bench_kills


def test_three_kills_of_make_reproduce_end_as_if_undisturbed(tmp_path, monkeypatch, capsys):
    """With one notebook. The seed's moments: 0.15, 0.45, 0.77 of its time."""
    monkeypatch.setattr(bench_kills, "MADE_UP",
                        {"01_records": bench_kills.MADE_UP["01_records"]})
    assert bench_kills.kill_and_compare(tmp_path, kills=3, seed=100) == 0, capsys.readouterr().out
    told = capsys.readouterr().out.splitlines()
    assert told[-1].startswith("3 kills, ") and told[-1].endswith("each as if undisturbed")


def test_what_differs_from_an_undisturbed_run_is_told(tmp_path):
    record = tmp_path / "clone" / "results" / "quick" / "01_x" / "e1.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"metrics": {"a": 1}, "run": {"wall_seconds": 1}}))
    expected = {**bench_kills.end_of(tmp_path / "clone"), "exit code": b"0"}
    record.write_text(json.dumps({"metrics": {"a": 1}, "run": {"wall_seconds": 2}}))
    assert bench_kills.faults(tmp_path / "clone", 0, expected) == []
    record.write_text(json.dumps({"metrics": {"a": 2}, "run": {"wall_seconds": 2}}))
    (record.parent / ".e2.json.ab12cd34.part").touch()
    lock = tmp_path / "clone" / ".snakemake" / "locks" / "0.output.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    (tmp_path / "output.txt").write_text("what make printed")
    assert bench_kills.faults(tmp_path / "clone", 2, expected) == [
        "results/quick/01_x/e1.json: differs", "exit code: differs",
        "results/quick/01_x/.e2.json.ab12cd34.part: left behind", f"{lock}: left behind",
        "what make printed",
    ]
