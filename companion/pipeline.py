"""The workflow in Snakemake: one at a time in a clone, and going on after any end of the last one.

Snakemake's own lock is a list of files that a killed process leaves behind. Beside it stands one
that the system frees, `build/reproduce.lock`: a Snakemake that works holds it to its end.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from . import interrupts, locks, paths

PATIENCE = 10.0  # seconds for the kernels of a run that was killed: they look once a second
_until_exit = contextlib.ExitStack()


def reproduce(root: Path, preset: str) -> int:
    """Run the notebooks of a preset that are not up to date; return the exit code of Snakemake.

    What a killed run left, its lock and its unfinished outputs, does not matter. Raises ValueError
    where another one is at work, or a notebook that a killed one had started.
    """
    with _working(root, shared=False):
        try:
            with interrupts.at_once():
                from snakemake.cli import main
        except ImportError:
            raise ValueError("found no Snakemake, expected the one that comes with Python 3.11 "
                             "or later") from None
        _unlock(root)
        os.chdir(root)
        found_in = [os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)]
        os.environ["PATH"] = os.pathsep.join(found_in)  # the jobs call nslib
        try:
            main(["--profile", "profiles/local", "--config", f"preset={preset}"])
        except SystemExit as ended:
            return int(ended.code or 0)
    return 0


def join(root: Path) -> None:
    """Let a Snakemake that begins to work hold the lock to its end, beside others of its kind.

    Raises ValueError while `reproduce` is at work elsewhere; in `reproduce` this process has it.
    """
    if not locks.held():
        _until_exit.enter_context(_working(root, shared=True))


@contextlib.contextmanager
def _working(root: Path, shared: bool) -> Iterator[None]:
    path = root / "build" / "reproduce.lock"
    path.parent.mkdir(exist_ok=True)
    try:
        with locks.hold(path, shared):
            yield
    except locks.Taken:
        raise ValueError(f"{root}: found another `make reproduce` or Snakemake under way here; "
                         "wait for it, or stop it") from None


def _unlock(root: Path) -> None:
    """Remove Snakemake's lock, whose process is gone, once the notebooks it had started are too."""
    folder = root / ".snakemake" / "locks"
    outputs = [Path(line) for file in sorted(folder.glob("*.output.lock"))
               for line in file.read_text(encoding="utf-8").splitlines()]
    for output in outputs:
        if output.suffix != ".ipynb":
            continue
        _, log = paths.executed(output.stem, output.parent.name, root, None)
        try:
            if log.parent.is_dir():
                with locks.hold(log.with_suffix(".lock"), patience=PATIENCE):
                    pass
        except locks.Taken:
            raise ValueError(f"{output.stem}: found a run of it still under way that an earlier "
                             "`make reproduce` started; wait for it, or stop it") from None
    shutil.rmtree(folder, ignore_errors=True)
