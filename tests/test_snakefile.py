"""The Snakefile on a small copy of the repository: what depends on what, and what runs again.

The command `nslib` is a stand-in there that copies the notebook, so that only the workflow runs.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from companion import job_resources

ROOT = Path(__file__).resolve().parents[1]
COMMAND = """#!/bin/sh
set -e
case "$1" in
run) while test -e wait; do sleep 0.05; done
     test "$2" != "$FAIL"; echo "$2 $4 $OMP_NUM_THREADS" >> runs.txt
     cp "notebooks/$2.ipynb" "build/notebooks/$4/" ;;
esac
"""
pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="Snakemake needs Python 3.11")


def write_notebook(path: Path, source: str) -> None:
    parameters, _, code = source.partition("\n")
    cells = [nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}),
             nbformat.v4.new_code_cell(code)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["nslib"] = {"title": "t", "section": "1", "minutes": {"quick": 1, "paper": 4}}
    nbformat.write(notebook, path)


def write_repository(repo: Path, command: str = COMMAND) -> None:
    """Write two notebooks, each with a folder of its experiment, a small core and `nslib`."""
    # of nslib only what the Snakefile imports: without the science it starts in half the time
    for name in ("nslib", "companion", "notebooks", "bin"):
        (repo / name).mkdir()
    for path in (*(ROOT / "companion").glob("*.py"), ROOT / "nslib/checks.py", ROOT / "Snakefile",
                 ROOT / "nslib/whole_files.py", ROOT / "nslib/portable.py",
                 ROOT / "nslib/__init__.py", ROOT / "constraints.txt"):
        shutil.copy(path, repo / path.relative_to(ROOT))
    shutil.copytree(ROOT / "profiles", repo / "profiles")
    for number, topic in enumerate(("alpha", "beta"), 1):
        folder = repo / "companion" / "experiments" / topic
        folder.mkdir(parents=True)
        (folder / "compute.py").write_text("value = 1\n")
        (folder / "paper.csv").write_text("1\n")
        write_notebook(repo / "notebooks" / f"0{number}_{topic}.ipynb",
                       f"k: int = 1\nfrom companion.experiments.{topic} import compute")
    write_paper(repo, alpha=1)
    for name in ("claims.yaml", "README.md", "REPRODUCING.md"):
        (repo / name).write_text("text\n")
    (repo / "bin" / "nslib").write_text(command)
    (repo / "bin" / "nslib").chmod(0o755)


@pytest.fixture(scope="module")
def repo(tmp_path_factory) -> Path:
    repo = tmp_path_factory.mktemp("repo")
    write_repository(repo)
    return repo


def write_paper(repo: Path, alpha: int) -> None:
    (repo / "notebooks" / "paper.yaml").write_text(f"01_alpha: {{k: {alpha}}}\n")


def surroundings(repo: Path, **variables: str) -> dict[str, str]:
    """The environment of a run: the stand-in first on the path."""
    environment = {key: value for key, value in os.environ.items() if key != "NSLIB_DATA"}
    return {**environment, "PATH": f"{repo / 'bin'}{os.pathsep}{environment['PATH']}", **variables}


def snakemake(repo: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Run Snakemake with the local profile."""
    command = [sys.executable, "-m", "snakemake", "--profile", "profiles/local", *arguments]
    return subprocess.run(command, cwd=repo, env=surroundings(repo, **variables),
                          capture_output=True, text=True)


def planned(repo: Path, *arguments: str, **variables: str) -> set[str]:
    """What a dry run would make."""
    done = snakemake(repo, "--quiet", "host", "--dry-run", *arguments, **variables)
    assert done.returncode == 0, done.stderr + done.stdout
    return set(re.findall(r"^    output: (\S+)$", done.stdout, re.MULTILINE))


def test_runs_each_notebook_once_then_nothing_until_content_changes(repo):
    alpha, beta = (f"build/notebooks/quick/{name}.ipynb" for name in ("01_alpha", "02_beta"))

    failed = snakemake(repo, FAIL="02_beta")
    assert failed.returncode != 0 and (repo / alpha).exists() and not (repo / beta).exists()
    done = snakemake(repo)
    assert done.returncode == 0, done.stderr
    assert (repo / "runs.txt").read_text().splitlines() == ["01_alpha quick 1", "02_beta quick 1"]
    for file in repo.rglob("*.*"):
        if not file.is_relative_to(repo / ".snakemake") and "build" not in file.parts:
            os.utime(file)
    assert planned(repo) == set()

    folder = repo / "companion" / "experiments" / "alpha"
    for file, content in ((folder / "compute.py", "value = 1\n"), (folder / "paper.csv", "1\n")):
        file.write_text("value = 2\n")
        assert planned(repo) == {alpha}, file
        file.write_text(content)
    (repo / "nslib" / "core.py").write_text("value = 1\n")
    assert planned(repo) == {alpha, beta}
    (repo / "nslib" / "core.py").unlink()
    write_paper(repo, alpha=2)
    assert planned(repo) == set()  # the quick preset's parameters stand in the notebooks
    write_paper(repo, alpha=1)


def test_data_folder_matters_only_to_notebooks_that_can_read_it(repo, tmp_path):
    (tmp_path / "set.csv").write_text("1\n")
    beta = repo / "companion" / "experiments" / "beta" / "compute.py"
    beta.write_text("value = load_tabular('wine')\n")
    assert snakemake(repo, "--config", "preset=paper").returncode == 0
    changed = planned(repo, "--config", "preset=paper", NSLIB_DATA=str(tmp_path))
    assert changed == {"build/notebooks/paper/02_beta.ipynb"}


def test_a_notebook_that_shows_results_runs_again_when_their_records_change(repo):
    """The committed ones of both presets for claims; of records.paper those of the paper."""
    for name, code in (("01_alpha", "claims.judge(claims.load()[0])"),
                       ("02_beta", "records.paper('02_beta', 'e1')")):
        write_notebook(repo / "notebooks" / f"{name}.ipynb", f"k: int = 1\n{code}")
    paper, quick = (repo / "results" / preset / "02_beta" / "e1.json"
                    for preset in ("paper", "quick"))
    for record in (paper, quick):
        record.parent.mkdir(parents=True)
        record.write_text("1")
    alpha, beta = (f"build/notebooks/quick/{name}.ipynb" for name in ("01_alpha", "02_beta"))
    assert planned(repo, "--force", alpha) == {alpha}  # asked for alone it runs alone
    assert snakemake(repo).returncode == 0
    quick.write_text("2")
    assert planned(repo) == {alpha}
    (repo / "claims.yaml").write_text("more text\n")
    assert planned(repo) == {alpha}
    paper.write_text("2")
    assert planned(repo) == {alpha, beta}


def test_each_attempt_asks_for_more_memory_and_time_but_no_more_processors():
    target = "build/notebooks/paper/10_tabular_benchmarks.ipynb"
    plan = snakemake(ROOT, "--dry-run", "--quiet", "host", "--attempt", "3", "--force", target)
    asked = dict(re.findall(r"(mem_mb|runtime|cpus_per_task)=(\d+)", plan.stdout))
    first = job_resources.of_notebook(ROOT / "notebooks" / f"{Path(target).stem}.ipynb", "paper")
    assert {key: int(value) for key, value in asked.items()} == {
        "mem_mb": 3 * first.memory_mb, "runtime": 3 * first.minutes,
        "cpus_per_task": first.processes,
    }


def test_reproduce_keeps_others_out_while_it_lives_and_goes_on_after_a_kill(repo):
    write_notebook(repo / "notebooks" / "01_alpha.ipynb", "k: int = 5\nk")
    (repo / "runs.txt").unlink(missing_ok=True)
    (repo / "wait").touch()
    command = [sys.executable, "-m", "companion", "reproduce"]
    settings = {"cwd": repo, "env": surroundings(repo), "text": True}
    alive = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             start_new_session=True, **settings)
    try:
        while not [*(repo / ".snakemake" / "locks").glob("*.output.lock")]:
            assert alive.poll() is None
            time.sleep(0.05)
        second = subprocess.run(command, capture_output=True, **settings)
        assert (second.returncode, second.stdout) == (2, "")
        assert second.stderr == (f"nslib: error: {repo}: found another `make reproduce` or "
                                 "Snakemake under way here; wait for it, or stop it\n")
        by_hand = snakemake(repo, "--nolock")
        assert by_hand.returncode != 0
        assert "found another `make reproduce`" in by_hand.stderr + by_hand.stdout
        assert not (repo / "runs.txt").exists()
    finally:
        os.killpg(alive.pid, signal.SIGKILL)
        alive.wait()
        (repo / "wait").unlink()
    assert snakemake(repo).returncode != 0  # its lock is still there
    done = subprocess.run(command, capture_output=True, **settings)
    assert done.returncode == 0, done.stderr
    assert planned(repo) == set()


def test_unknown_preset_is_refused_with_the_nearest_name(repo):
    done = snakemake(repo, "--config", "preset=papr")
    assert done.returncode != 0 and "did you mean 'paper'?" in done.stderr + done.stdout


def test_covers_every_notebook_of_this_repository():
    names = [path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")]
    assert planned(ROOT, "--forceall") == {f"build/notebooks/quick/{name}.ipynb" for name in names}
