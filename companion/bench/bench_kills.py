"""Whether `make reproduce` goes on after kills at random moments and ends as if undisturbed.

Kills `make reproduce` with its whole process group (-9) at moments drawn between nothing and the
time that an undisturbed run takes, and starts it again as it is; where a run comes to its end
before its kill, its end is compared and a fresh copy is begun. Works on a copy of the repository,
with two small notebooks in place of its own, or with its own by --notebooks. Compared are the
executed notebooks as they would be committed, records without their part `run`, figures and tables.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat

from companion import cleaning, files, notebooks, paths, presets

from .measuring import bench_parser

_CODE = ("nslib", "companion", "profiles", "Makefile", "Snakefile", "pyproject.toml",
         "constraints.txt", "README.md", "REPRODUCING.md")
_RECORDS = """import time
from companion import begin
run = begin("{name}", globals())
for i in range(parts):
    time.sleep(pause)
    run.record(f"part_{i}", {}, {"value": i + 0.5})
print("recorded", parts)"""
_FIGURE = """import matplotlib.pyplot as plt
import pandas as pd
from companion import figures
data = pd.DataFrame({"x": [1.0, 2.0], "y": [1.0, 4.0]})
figure, axes = plt.subplots()
axes.plot(data["x"], data["y"])
figures.save(figure, "line", data=data)"""
MADE_UP = {"01_records": (_RECORDS,), "02_figure": (_RECORDS, _FIGURE)}


def main(argv: list[str]) -> int:
    """Kill and compare, and print what came out; see --help. The exit code is 1 where they differ.
    """
    parser = bench_parser("kills", __doc__, kills=(20, "how many"), seed=(0, "of the moments"))
    parser.add_argument("--notebooks", nargs="*", metavar="NOTEBOOK",
                        help="the repository's own, in the quick preset: these, or all of them")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return kill_and_compare(Path(folder), options.kills, options.seed, options.notebooks)


def kill_and_compare(
    folder: Path, kills: int, seed: int = 0, names: Sequence[str] | None = None
) -> int:
    """Do what the bench does below a folder; return 0 where all ended as if undisturbed, else 1."""
    clone = folder / "clone"
    seconds, expected = _undisturbed(clone, names)
    if names is not None:  # what no two runs have in common, as measured seconds
        _, other = _undisturbed(clone, names)
        expected = {file: content for file, content in expected.items()
                    if other.get(file) == content}
    print(f"undisturbed: {seconds:.1f} s, {len(expected)} files to compare", flush=True)
    moments, told, ended = random.Random(seed), [], 0
    prepare(clone, names)
    done = 0
    while done < kills:
        moment = moments.uniform(0, seconds)
        process = _start(clone)
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            done += 1
            whole = len([*(clone / "build" / "notebooks").rglob("*.ipynb")])
            print(f"kill {done} at {moment:.1f} s: {whole} notebooks done; {_last_words(clone)}",
                  flush=True)
            if done < kills:
                continue
            process = _start(clone)
            process.wait()
        ended += 1
        told += faults(clone, process.returncode, expected)
        prepare(clone, names)
    print(f"{done} kills, {ended} runs to the end: "
          + ("not as if undisturbed" if told else "each as if undisturbed"))
    for fault in told:
        print(fault)
    return 1 if told else 0


def prepare(clone: Path, names: Sequence[str] | None) -> None:
    """Make a fresh copy of the repository, with its .venv, over whatever was there."""
    root = paths.root()
    shutil.rmtree(clone, ignore_errors=True)
    shutil.rmtree(clone, ignore_errors=True)  # a kernel's last file came in between
    clone.mkdir(exist_ok=True)
    for name in _CODE:
        if (root / name).is_dir():
            shutil.copytree(root / name, clone / name, dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(root / name, clone / name)
    (clone / "claims.yaml").write_text("[]\n", encoding="utf-8")
    (clone / "notebooks").mkdir(exist_ok=True)
    if names is None:
        for name, cells in MADE_UP.items():
            _write_notebook(clone, name, *cells)
    else:
        _copy_notebooks(root, clone, names)
    _write_commands(clone)


def _write_notebook(clone: Path, name: str, *cells: str) -> None:
    parameters = nbformat.v4.new_code_cell("parts: int = 5\npause: float = 0.2", id="0",
                                           metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[parameters, *(
        nbformat.v4.new_code_cell(cell.replace("{name}", name), id=str(i))
        for i, cell in enumerate(cells, start=1))])
    notebook.metadata.update(
        kernelspec={"name": "python3", "language": "python", "display_name": "Python 3"},
        nslib={"title": name, "section": "1", "minutes": {"quick": 0.1, "paper": 0.1}})
    nbformat.write(notebook, clone / "notebooks" / f"{name}.ipynb")


def _copy_notebooks(root: Path, clone: Path, names: Sequence[str]) -> None:
    """Copy the notebooks of these names, or all, with what belongs to them."""
    for name in names or notebooks.find(root):
        shutil.copy(notebooks.get(name, root), clone / "notebooks")
    kept = notebooks.find(clone)
    differing = {name: value for name, value in presets.differing(root).items() if name in kept}
    files.write({clone / "notebooks" / "paper.yaml": files.json_bytes(differing)})  # JSON is YAML
    if not names:
        shutil.copy(root / "claims.yaml", clone)
    for place in ("results", "figures"):
        shutil.copytree(root / place, clone / place, dirs_exist_ok=True)


def _write_commands(clone: Path) -> None:
    """Write a .venv that is this Python with the clone's own code, up to date for make."""
    folder = clone / ".venv" / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    for name, module in (("python", ""), ("pip", " -m pip"), ("nslib", " -m companion")):
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}"{module} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
    (clone / ".venv" / ".installed").touch()


def _undisturbed(clone: Path, names: Sequence[str] | None) -> tuple[float, dict[str, bytes]]:
    """Return the seconds of a whole run in a fresh copy and its end."""
    prepare(clone, names)
    started = time.monotonic()
    code = _start(clone).wait()
    whole, kept = end_of(clone), notebooks.find(clone)
    if not all(f"build/notebooks/quick/{name}.ipynb" in whole for name in kept):
        raise RuntimeError(f"make reproduce: found the exit code {code} and notebooks missing "
                           f"without any kill:\n{_output(clone).read_text(encoding='utf-8')}")
    return time.monotonic() - started, {**whole, "exit code": str(code).encode()}


def _start(clone: Path) -> subprocess.Popen[bytes]:
    """Start `make reproduce` as a process group of its own."""
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith(("NSLIB_", "MAKE", "MFLAGS"))}
    environment |= {"PYTHONPATH": str(clone), "PYTHONDONTWRITEBYTECODE": "1"}
    with _output(clone).open("wb") as output:
        return subprocess.Popen(["make", "reproduce"], cwd=clone, env=environment, stdout=output,
                                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                start_new_session=True)


def _output(clone: Path) -> Path:
    return clone.with_name("output.txt")


def _last_words(clone: Path) -> str:
    """Return the last line that make or a notebook printed."""
    lines = _output(clone).read_text(encoding="utf-8").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "nothing printed")


def end_of(clone: Path) -> dict[str, bytes]:
    """Return what a run left, by path: all that two equal runs have in common."""
    end = {}
    for place in ("build", "results", "figures"):
        for path in sorted(path for path in (clone / place).rglob("*") if path.is_file()):
            name = path.relative_to(clone).as_posix()
            if path.suffix in (".log", ".lock") or "reproduction" in path.parts:
                continue
            content = path.read_bytes()
            if path.suffix == ".ipynb":
                cleaned = cleaning.clean(nbformat.reads(content.decode(), as_version=4), clone)
                content = nbformat.writes(cleaned).encode()
            elif path.suffix == ".json":
                record = json.loads(content)
                record.pop("run", None)
                content = files.json_bytes(record)
            end[name] = content
    return end


def faults(clone: Path, code: int, expected: dict[str, bytes]) -> list[str]:
    """Return what is not as in an undisturbed run, a line each."""
    end = {**end_of(clone), "exit code": str(code).encode()}
    left = [path for part in ("locks", "incomplete")
            for path in (clone / ".snakemake" / part).rglob("*") if path.is_file()]
    told = [f"{file}: {'differs' if file in end else 'missing'}"
            for file, content in expected.items() if end.get(file) != content]
    told += [f"{file}: left behind" for file in end if file.endswith(".part")]
    told += [f"{path}: found it in build/logs after a whole run" for path in end
               if path.startswith("build/logs/")]
    told += [f"{path}: left behind" for path in left]
    if told:
        told.append(_output(clone).read_text(encoding="utf-8"))
    return told
