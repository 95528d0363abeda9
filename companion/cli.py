"""The command `nslib`: list, run, reproduce, verify, refresh, claims, figures, bench.

Exit codes: 0 when all went well, 1 when a notebook failed, a re-run is not a reproduction, or the
claims are stale or not valid, 2 when the command itself was wrong or a file cannot be written, 130
when it was stopped.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nslib import checks

from . import files, interrupts, locks, notebooks, paths, presets

PATIENCE = 5.0  # seconds for the kernel of a run that was killed: it looks once a second


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = _parser().parse_args(argv)
    try:
        with interrupts.raised():
            return options.command(options)
    except _Refused as error:
        _say(f"nslib: error: {error}")
        return error.args[1]
    except OSError as error:
        _say(f"nslib: error: {_words(error)}")
        return 2
    except KeyboardInterrupt:
        _say("nslib: stopped")
        return interrupts.STOPPED


class _Refused(Exception):
    """What was asked for cannot be done: a message and the exit code."""

    def __str__(self) -> str:
        return self.args[0]


@contextlib.contextmanager
def _refusing(code: int) -> Iterator[None]:
    """Turn what the companion's checks raise inside into a message and an exit code."""
    try:
        yield
    except (FileNotFoundError, ValueError, TypeError) as error:
        raise _Refused(_words(error), code) from error


def _words(error: Exception) -> str:
    """Return an error in words, with the file that it is about."""
    file = getattr(error, "filename", None)
    return f"{file}: {error.strerror}" if file else str(error)


def _parser() -> argparse.ArgumentParser:
    """Return the reader of the command line; `command` is the function to call."""
    parser = argparse.ArgumentParser(
        prog="nslib", description="Run the notebooks of the NeuronSeek companion and its claims."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: Callable[[argparse.Namespace], int], words: str, **more: str):
        added = commands.add_parser(name, help=words, **more)
        added.set_defaults(command=function)
        return added

    command("list", _list, "show the notebooks")
    run = command("run", _run, "execute notebooks", description="Execute notebooks. All names, "
                  "types and values are checked first.")
    run.add_argument("notebooks", nargs="+", metavar="NOTEBOOK", help="a name, or: all")
    run.add_argument("--preset", default="quick", help="quick (default) or paper")
    run.add_argument("-p", dest="parameters", nargs=2, action="append", default=[],
                     metavar=("NAME", "VALUE"), help="set a parameter; VALUE is YAML")
    run.add_argument("--out", type=Path, metavar="DIR", help="write everything below DIR")
    reproduce = command("reproduce", _reproduce, "run all notebooks that are not up to date",
                        description="Run all notebooks that are not up to date, as `make "
                        "reproduce` does; goes on after any end of the last one.")
    reproduce.add_argument("--preset", default="quick", help="quick (default) or paper")
    verify = command("verify", _verify, "compare a run with the committed results",
                     description="Compare what notebooks gave with the committed results, write a "
                     "certificate, and exit 1 for a changed verdict or a missing value.")
    verify.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="names; without: all")
    verify.add_argument("--preset", default="quick", help="quick (default) or paper")
    verify.add_argument("--records", type=Path, metavar="DIR", help="somebody's results/ and "
                        "figures/, in place of build/ of this repository")
    refresh = command("refresh", _refresh, "make the last runs the committed results",
                      description="Say what changes and by how much, then write the records, "
                      "figures, tables and outputs of the last runs over the committed ones.")
    refresh.add_argument("notebooks", nargs="+", metavar="NOTEBOOK",
                         help="a name, or: all, or: claims (the pages made from records alone)")
    refresh.add_argument("--preset", default="quick", help="quick (default) or paper")
    refresh.add_argument("--dry-run", action="store_true", help="say what changes, write nothing")
    claims = command("claims", _claims, "show the claims and their verdicts")
    claims.add_argument("--check", action="store_true",
                        help="exit 1 where the pages made from them are stale")
    command("figures", _figures, "redraw all figures from their data")
    bench = command("bench", _bench, "measure; without a name: show the benches")
    bench.add_argument("name", nargs="?", metavar="NAME")
    bench.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENT")
    return parser


def _root() -> Path:
    with _refusing(2):
        return paths.root()


def _list(options: argparse.Namespace) -> int:
    rows = [("notebook", "title", "paper section", "minutes (quick / paper)")]
    with _refusing(2):
        for name, path in notebooks.find().items():
            info = notebooks.info(path)
            rows.append((name, info.title, info.section, info.minutes_in_words))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())
    return 0


@dataclass(frozen=True)
class _Job:
    """One notebook to execute, checked."""

    name: str
    path: Path
    values: dict[str, Any]
    preset: str
    executed: Path
    log: Path
    minutes: float | None


def _run(options: argparse.Namespace) -> int:
    # `Path.resolve` raises RuntimeError for a loop of links, on which `mkdir` has a clear word
    output = Path(os.path.realpath(options.out)) if options.out else None
    with contextlib.ExitStack() as reserved:
        with _refusing(2):
            jobs = _plan(options, output)
            for job in jobs:
                reserved.enter_context(_reserved(job))
        return _execute(jobs, output)


@contextlib.contextmanager
def _reserved(job: _Job) -> Iterator[None]:
    """Make a job's folders and keep other runs from its files; the system frees a dead run's lock.

    Raises ValueError where another run has them and OSError for a folder that takes no files.
    """
    for folder in (job.executed.parent, job.log.parent):
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise ValueError(f"{folder}: expected a folder that can be written")
    try:
        with locks.hold(job.log.with_suffix(".lock"), patience=PATIENCE):
            yield
    except locks.Taken:
        raise ValueError(
            f"{job.name}: found another run of it under way that writes {_short(job.executed)}; "
            "wait for it, or give this one a folder of its own with --out"
        ) from None


def _execute(jobs: list[_Job], output: Path | None) -> int:
    """Execute the jobs one after another and return the exit code."""
    with interrupts.at_once():
        from . import execution

    failed = []
    for job in jobs:
        about = "" if job.minutes is None else f", about {job.minutes:g} min"
        _say(f"{job.name}: running ({job.preset}{about}), log in {_short(job.log)}")
        started, partial = time.monotonic(), job.log.with_suffix(".ipynb")
        _clear(job, output)
        try:
            execution.execute(job.path, job.values, job.executed, job.log, output, job.preset)
        except execution.NotebookFailed as error:
            failed.append(job.name)
            _say(f"{job.name}: failed\n{error}\npartial notebook: {_short(partial)}")
            continue
        except KeyboardInterrupt:
            _say(f"{job.name}: stopped" + (f"; partial notebook: {_short(partial)}"
                                           if partial.exists() else ""))
            return interrupts.STOPPED
        _say(f"{job.name}: done in {time.monotonic() - started:.0f} s, {_short(job.executed)}")
    if failed:
        _say(f"nslib: {len(failed)} of {len(jobs)} notebooks failed: {', '.join(failed)}")
    return 1 if failed else 0


def _clear(job: _Job, output: Path | None) -> None:
    """Remove the records and figures of a notebook's earlier run, so that none outlives its run."""
    folder = output or paths.output(job.preset)
    for place in (paths.results(job.preset, job.name, folder),
                  paths.figures(job.preset, job.name, folder)):
        for path in place.glob("*.*"):
            path.unlink()


def _plan(options: argparse.Namespace, output: Path | None) -> list[_Job]:
    """Check every notebook, preset and parameter and return what is to be executed."""
    root = paths.root()
    checks.one_of(options.preset, "preset", presets.NAMES)
    files_of = notebooks.find(root)
    if not files_of:
        raise ValueError(f"found no notebooks in {root / 'notebooks'}")
    names = [checks.one_of(name, "notebook", [*files_of, "all"])
             for name in dict.fromkeys(options.notebooks)]
    if "all" in names:
        names = sorted(files_of, key=lambda name: notebooks.shows_claims(files_of[name]))
    overrides: dict[str, Any] = {}
    for name, value in options.parameters:
        if name in overrides:
            raise ValueError(f"-p {name}: found it twice, expected each parameter once")
        overrides[name] = files.parse_yaml(value, f"-p {name}")
    jobs = []
    for name in names:
        path = files_of[name]
        values = presets.check(path, options.preset, overrides)
        preset = presets.matching(path, values, first=options.preset)
        executed, log = paths.executed(name, preset, root, output)
        minutes = notebooks.info(path).minutes.get(preset)
        jobs.append(_Job(name, path, values, preset, executed, log, minutes))
    return jobs


def _reproduce(options: argparse.Namespace) -> int:
    from . import pipeline

    with _refusing(2):
        checks.one_of(options.preset, "preset", presets.NAMES)
        return pipeline.reproduce(paths.root(), options.preset)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _short(path: Path) -> str:
    """Return a path as seen from the current folder where that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)


def _claims(options: argparse.Namespace) -> int:
    with interrupts.at_once():
        from . import claims, pages

    root = _root()
    with _refusing(1):
        results = [claims.judge(claim, root) for claim in claims.load(root)]
        stale = pages.stale(results, root)
    for result in results:
        print(f"{result.claim['id']:<5}{result.verdict:<16}{result.claim['claim']}")
    for path in stale:
        _say(f"nslib: {path.name} is stale: run `nslib refresh claims`")
    return 1 if options.check and stale else 0


def _verify(options: argparse.Namespace) -> int:
    with interrupts.at_once():
        from .reproduction import certificate, verify

    root = _root()
    with _refusing(2):
        result = verify.verify(options.preset, options.notebooks, options.records, root)
    page = certificate.write(result, root / "build" / "reproduction" / options.preset)
    print("\n".join(verify.summary(result, Path(_short(page)))))
    return 1 if result.failed else 0


def _refresh(options: argparse.Namespace) -> int:
    with interrupts.at_once():
        from .reproduction import refresh

    root = _root()
    with _refusing(2):
        checks.one_of(options.preset, "preset", presets.NAMES)
        known = notebooks.find(root)
        names = [checks.one_of(name, "notebook", [*known, "all", "claims"])
                 for name in options.notebooks if name != "claims"]
        names = list(known) if "all" in names else list(dict.fromkeys(names))
        build = paths.output(options.preset)
        told = refresh.changes(names, options.preset, root, build)
        print("\n".join(refresh.in_words(told)) or "no value changes")
        if options.dry_run:
            return 0
        for path in refresh.write(names, options.preset, root, build, list(told)):
            _say(f"nslib: wrote {_short(path)}")
    return 0


def _figures(options: argparse.Namespace) -> int:
    with interrupts.at_once():
        from . import figures

    root = _root()
    with _refusing(1):
        outcome = figures.redraw(root / "figures")
    for path, what in outcome.items():
        print(f"{what:<12}{_short(path.with_suffix(''))}")
    return 0


def _bench(options: argparse.Namespace) -> int:
    from . import bench

    if options.name is None:
        for name, summary in bench.available().items():
            print(f"{name:<12}{summary}")
        return 0
    with _refusing(2), interrupts.at_once():
        main = bench.get(options.name)
    return main(options.arguments)


if __name__ == "__main__":
    sys.exit(main())
