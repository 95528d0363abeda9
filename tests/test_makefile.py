"""The Makefile with a stand-in for Python that says how it was called."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PYTHON = """#!/bin/sh
test "$1" != -m || echo "$OMP_NUM_THREADS $NSLIB_OUTPUT $*" >> calls.txt
"""


@pytest.fixture
def repo(tmp_path) -> Path:
    """A folder with the Makefile and a .venv that is up to date."""
    (tmp_path / "companion").mkdir()
    for name in ("Makefile", "pyproject.toml", "companion/pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    (tmp_path / ".venv" / ".installed").touch()
    return tmp_path


def test_tests_write_no_committed_figure_or_record(repo):
    subprocess.run(["make", "test"], cwd=repo, check=True, capture_output=True)
    calls = (repo / "calls.txt").read_text().splitlines()
    assert [call.split(" -m ")[0] for call in calls] == [f"1 {repo / 'build' / 'test'}"] * 2
    assert calls[1].endswith("--nbval-lax notebooks")


def test_slurm_is_installed_by_nobody_but_root(repo):
    stand_in = repo / "bin" / "id"
    stand_in.parent.mkdir()
    stand_in.write_text("#!/bin/sh\necho 1000\n")
    stand_in.chmod(0o755)
    environment = {**os.environ, "PATH": f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["make", "test-slurm"], cwd=repo, env=environment, capture_output=True,
                          text=True)
    assert done.returncode != 0 and "run it as root, on a Debian" in done.stderr
    assert not (repo / "calls.txt").exists()
