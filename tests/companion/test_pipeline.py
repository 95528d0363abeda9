"""`nslib reproduce`: the lock of a killed Snakemake goes, that of a living one stays."""

import sys
from pathlib import Path

import pytest

from companion import cli, locks, pipeline

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="Snakemake needs Python 3.11")


@pytest.fixture
def left(repo, monkeypatch) -> Path:
    """What a killed Snakemake left of its lock, and a stand-in for the next one that ends with 3.
    """
    folder = repo.folder / ".snakemake" / "locks"
    folder.mkdir(parents=True)
    (folder / "0.input.lock").write_text("notebooks/01_x.ipynb\n")
    (folder / "0.output.lock").write_text("build/notebooks/quick/01_x.ipynb\nbuild/a.txt\n")
    (repo.folder / "build" / "logs" / "quick").mkdir(parents=True)
    monkeypatch.setattr("snakemake.cli.main", lambda arguments: sys.exit(3))
    monkeypatch.setattr(pipeline, "PATIENCE", 0.1)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return folder


def test_a_lock_that_nobody_living_holds_is_removed(left):
    assert cli.main(["reproduce"]) == 3
    assert not left.exists() and locks.held() == ()


@pytest.mark.parametrize(("lock", "shared", "message"), [
    ("build/logs/quick/01_x.lock", False, "01_x: found a run of it still under way"),
    ("build/reproduce.lock", False, "found another `make reproduce` or Snakemake under way"),
    ("build/reproduce.lock", True, "found another `make reproduce` or Snakemake under way"),
])
def test_a_lock_whose_holder_lives_stays(left, repo, capsys, lock, shared, message):
    """A notebook that outlived its Snakemake, another reproduce, a Snakemake started by hand."""
    with locks.hold(repo.folder / lock, shared=shared):
        assert cli.main(["reproduce"]) == 2
    assert message in capsys.readouterr().err
    assert len([*left.iterdir()]) == 2


def test_an_unknown_preset_is_refused(left, capsys):
    assert cli.main(["reproduce", "--preset", "papr"]) == 2
    assert "did you mean 'paper'" in capsys.readouterr().err
    assert left.exists()
