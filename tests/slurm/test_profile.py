"""The profile profiles/slurm on a real cluster of one node without accounting.

One run of a small repository, whose command `nslib` is a stand-in: a notebook that finishes, one
killed for memory at its first attempt, one killed for time at its first, and one that never has
memory enough. `make test-slurm` installs what this needs; `make test` leaves it out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import one_node_cluster
import pytest
from test_snakefile import write_notebook, write_repository

COMMAND = """#!/bin/sh
set -e
scontrol show job --oneliner "$SLURM_JOB_ID" >> "attempts_of_$2.txt"
attempt=$(wc -l < "attempts_of_$2.txt")
hold() { python3 -c "import time; block = b'x' * ($1 << 20); time.sleep(15)"; }
case "$2 $attempt" in
02_greedy*) hold 700 ;;
"03_slow 1") scontrol update JobId="$SLURM_JOB_ID" TimeLimit=1; sleep 600 ;;
04_hopeless*) hold 2500 ;;
esac
mkdir -p "build/notebooks/$4"
cp "notebooks/$2.ipynb" "build/notebooks/$4/"
"""
PEAK_MB = 20.0  # on record, so that the first attempt gets about 500 MB
NAMES = ("01_easy", "02_greedy", "03_slow", "04_hopeless")


class Finished(NamedTuple):
    """A workflow that has run to its end: its repository, exit code, and what was said."""

    repo: Path
    code: int
    text: str
    states: dict[str, str]
    sacct: str


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Iterator[Finished]:
    if missing := one_node_cluster.missing():
        pytest.fail(f"found no {', '.join(missing)}; make test-slurm installs Slurm", pytrace=False)
    repo = tmp_path_factory.mktemp("repo")
    write_repository(repo, COMMAND)
    for path in (repo / "notebooks").glob("*.ipynb"):
        path.unlink()
    (repo / "notebooks" / "paper.yaml").write_text("{}\n")
    for name in NAMES:
        write_notebook(repo / "notebooks" / f"{name}.ipynb", "k: int = 1\n")
        record = repo / "results" / "quick" / name / "e1.json"
        record.parent.mkdir(parents=True)
        record.write_text(json.dumps({"run": {"wall_seconds": 60, "peak_memory_mb": PEAK_MB}}))
    with one_node_cluster.running() as commands:
        environment = {**os.environ, "PATH": os.pathsep.join(
            [str(repo / "bin"), str(commands), os.environ["PATH"]])}
        done = run(repo, environment, sys.executable, "-m", "snakemake", "--profile",
                   "profiles/slurm", "--slurm-init-seconds-before-status-checks", "1",
                   *(f"build/notebooks/quick/{name}.ipynb" for name in NAMES))
        states = run(repo, environment, "squeue", "--states=all", "-h", "-o", "%i %T")
        sacct = run(repo, environment, "sacct")
    yield Finished(repo, done.returncode, done.stdout,
                   dict(line.split() for line in states.stdout.splitlines()), sacct.stdout)


def run(repo: Path, environment: dict[str, str], *command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=repo, env=environment, text=True, timeout=600,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def attempts(finished: Finished, name: str) -> list[dict[str, str]]:
    """What Slurm said of the job of each attempt when it began."""
    lines = (finished.repo / f"attempts_of_{name}.txt").read_text().splitlines()
    return [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines]


def slurm_log(finished: Finished, name: str, job: str) -> Path:
    return finished.repo / f"build/logs/slurm/rule_notebook/quick_{name}/{job}.log"


def minutes(limit: str) -> int:
    hours, minutes, _ = limit.split(":")
    return 60 * int(hours) + int(minutes)


def is_made(finished: Finished, name: str) -> bool:
    return (finished.repo / f"build/notebooks/quick/{name}.ipynb").exists()


def test_a_job_ends_without_accounting(finished):
    assert "accounting storage is disabled" in finished.sacct
    assert is_made(finished, "01_easy"), finished.text
    assert len(attempts(finished, "01_easy")) == 1


def test_a_job_killed_for_memory_finishes_with_more(finished):
    first, second = attempts(finished, "02_greedy")
    assert second["MinMemoryNode"] == f"{2 * int(first['MinMemoryNode'].rstrip('M'))}M"
    log = slurm_log(finished, "02_greedy", first["JobId"])
    assert "exceeded memory limit" in log.read_text()
    assert str(log) in finished.text
    assert is_made(finished, "02_greedy"), finished.text


def test_a_job_killed_for_time_finishes_with_more(finished):
    first, second = attempts(finished, "03_slow")
    assert minutes(second["TimeLimit"]) == 2 * minutes(first["TimeLimit"])
    assert finished.states[first["JobId"]] == "TIMEOUT"
    log = slurm_log(finished, "03_slow", first["JobId"])
    assert "DUE TO TIME LIMIT" in log.read_text()
    assert str(log) in finished.text
    assert is_made(finished, "03_slow"), finished.text


def test_a_job_that_never_has_memory_enough_fails_and_names_its_log(finished):
    tried = attempts(finished, "04_hopeless")
    assert len(tried) == 3 and not is_made(finished, "04_hopeless")
    assert finished.code == 1
    last = tried[-1]["JobId"]
    assert f"SLURM-job '{last}' failed" in finished.text
    log = slurm_log(finished, "04_hopeless", last)
    assert str(log) in finished.text and "exceeded memory limit" in log.read_text()
