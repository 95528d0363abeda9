"""Notebooks: find them, check their parameters before anything starts, execute them."""

from __future__ import annotations

import ast
import contextlib
import json
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nslib import checks

from . import imports, paths, presets
from .cleaning import clean, refresh

__all__ = ["Info", "NotebookFailed", "NotebookStopped", "Parameter", "check", "clean",
           "dependencies", "execute", "find", "get", "info", "parameters", "refresh",
           "shows_claims", "shows_paper_records", "typed"]

TYPES: dict[str, type] = {
    "int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict
}
PROGRESS_SECONDS = 20.0


@dataclass(frozen=True)
class Info:
    """What a notebook says of itself: title, section of the paper, minutes by preset."""

    title: str
    section: str
    minutes: dict[str, float]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a notebook: name of its type and the default in the parameters cell."""

    type: str
    default: Any


class NotebookFailed(RuntimeError):
    """A notebook stopped; `partial` is the notebook as far as it got."""

    def __init__(self, message: str, partial: Path) -> None:
        super().__init__(message)
        self.partial = partial


class NotebookStopped(KeyboardInterrupt):
    """A run was stopped from outside; `partial` is the notebook as far as it got."""

    def __init__(self, partial: Path) -> None:
        super().__init__("stopped")
        self.partial = partial


def find(root: Path | None = None) -> dict[str, Path]:
    """Return name to path of every notebook `NN_topic.ipynb`, in order."""
    folder = (root or paths.root()) / "notebooks"
    return {path.stem: path for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}


def get(name: str, root: Path | None = None) -> Path:
    """Return the path of a notebook; ValueError with the nearest name for an unknown one."""
    found = find(root)
    return found[checks.one_of(name, "notebook", found)]


def _read(path: Path) -> dict[str, Any]:
    """Return a notebook as it is on disk; nbformat would take a second to import."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path.name}: found broken JSON ({error}), expected a notebook") from None


def _code(path: Path, tag: str | None = None) -> list[str]:
    """Return the text of the code cells, or of those with a tag."""
    return ["".join(cell["source"]) for cell in _read(path)["cells"]
            if cell["cell_type"] == "code" and tag in (None, *cell["metadata"].get("tags", []))]


def info(path: Path) -> Info:
    """Return what the notebook's metadata `nslib` says; ValueError where something is missing."""
    found = _read(path)["metadata"].get("nslib", {})
    try:
        return Info(found["title"], found["section"], dict(found["minutes"]))
    except KeyError as error:
        raise ValueError(f"{path.name}: found no {error} in its metadata nslib") from None


def parameters(path: Path) -> dict[str, Parameter]:
    """Return the parameters in the cell tagged `parameters`, as papermill reads them.

    Raises ValueError where one has no type annotation of int, float, str, bool, list or dict, a
    default that is no literal of that type, or a form that papermill would skip.
    """
    import papermill

    assigned = [
        node.target.id if isinstance(node, ast.AnnAssign) else ast.unparse(node)
        for source in _code(path, "parameters") for node in ast.parse(source).body
    ]
    inspected = papermill.inspect_notebook(str(path))
    found = {}
    for name in assigned:
        where = f"{path.name}: parameter {name}"
        if name not in inspected or inspected[name]["inferred_type_name"] not in TYPES:
            raise ValueError(
                f"{where}: expected the form `name: type = value` with a type of "
                f"{', '.join(TYPES)} on lines with one = sign"
            )
        kind = inspected[name]["inferred_type_name"]
        try:
            default = ast.literal_eval(inspected[name]["default"])
        except (ValueError, SyntaxError):
            raise ValueError(f"{where}: found no literal value, expected a {kind}") from None
        found[name] = Parameter(kind, typed(default, kind, where))
    return found


def typed(value: Any, kind: str, where: str) -> Any:
    """Return `value` as the type named `kind`; an int passes for a float, a bool for no number.

    Raises ValueError that says `where`, what was found and what was expected.
    """
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, TYPES[kind]) or (kind == "int" and isinstance(value, bool)):
        hint = " (in quotes if it is meant as text)" if kind == "str" else ""
        raise ValueError(
            f"{where}: found {value!r} of type {type(value).__name__}, expected {kind}{hint}"
        )
    return value


def check(
    path: Path, preset: str = "quick", overrides: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return all parameters of a notebook under a preset, with `overrides` in place.

    Nothing is executed. Raises ValueError with the nearest right name for an unknown preset or
    parameter (in the overrides and in the preset itself) and for a value of a wrong type.
    """
    root = path.parent.parent
    values = presets.get(preset, path.stem, root)
    known = parameters(path)
    presets.check_names(values, known, f"presets/{preset}.yaml: {path.stem}")
    for name in overrides or {}:
        checks.one_of(name, f"parameter of {path.stem}", known)
    where = {**dict.fromkeys(values, f"presets/{preset}.yaml"),
             **dict.fromkeys(overrides or {}, "parameter")}
    values = {**values, **(overrides or {})}
    return {name: typed(values[name], parameter.type, f"{where[name]}: {path.stem}: {name}")
            for name, parameter in known.items()}


@contextlib.contextmanager
def _environment(root: Path, output: Path | None, preset: str) -> Iterator[None]:
    """Let kernels started inside be this Python, with the run's folders and no user's settings."""
    from ipykernel.kernelspec import write_kernel_spec

    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="nslib-") as folder:
        # ipykernel reports the interrupt at every kernel's end as an error; those of a notebook's
        # code do not go through its log
        write_kernel_spec(Path(folder) / "kernels" / "python3",
                          extra_arguments=["--log-level=CRITICAL"])
        os.environ["JUPYTER_PATH"] = os.pathsep.join(
            filter(None, [folder, before.get("JUPYTER_PATH")])
        )
        os.environ.update(JUPYTER_RUNTIME_DIR=f"{folder}/runtime", IPYTHONDIR=f"{folder}/ipython",
                          NSLIB_ROOT=str(root), NSLIB_PRESET=preset,
                          NSLIB_STARTED_IN=os.getcwd())
        os.environ.pop("MPLBACKEND", None)
        if output is not None:
            os.environ["NSLIB_OUTPUT"] = str(output)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


class _Progress(logging.Handler):
    """Says which cell a notebook has come to, a line at most every `PROGRESS_SECONDS`."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name_of_notebook = name
        self.last = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        cell = re.match(r"Executing Cell (\d+)", record.getMessage())
        if cell and time.monotonic() - self.last >= PROGRESS_SECONDS:
            self.last = time.monotonic()
            print(f"{self.name_of_notebook}: cell {cell[1]}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _logged(log: Path) -> Iterator[None]:
    """Send what papermill and the notebook print to a file, and lines of progress to stderr."""
    log.parent.mkdir(parents=True, exist_ok=True)
    logger = logging.getLogger("papermill")
    before = logger.level, logger.propagate
    handlers: list[logging.Handler] = [logging.FileHandler(log, mode="w", encoding="utf-8")]
    handlers[0].setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    if not sys.stderr.isatty():  # a terminal has papermill's own progress bar
        handlers.append(_Progress(log.stem))
    for handler in handlers:
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(before[0])
        logger.propagate = before[1]


def execute(
    path: Path, values: Mapping[str, Any], executed: Path, log: Path, output: Path | None = None,
    preset: str = "quick",
) -> None:
    """Execute a notebook through papermill in a kernel of this Python, in the notebook's folder.

    `values`: its parameters, already checked. `executed`: where the executed copy goes, once it
    is whole. `log`: the text of the run; beside it, with suffix .ipynb, grows the partial copy.
    `output`: folder for figures and records in place of the usual one. `preset`: the one that
    the run belongs to where several have these values.

    Raises NotebookFailed when a cell fails or the kernel dies and NotebookStopped on Ctrl-C; the
    partial copy is kept.
    """
    import papermill
    import zmq
    from traitlets.config import Config

    config = Config()
    if zmq.has("curve"):  # ipykernel warns in every run that is not encrypted
        config.KernelManager.transport_encryption = "auto"
    partial = log.with_suffix(".ipynb")
    for earlier in (executed, partial):
        earlier.unlink(missing_ok=True)
    with _environment(path.parent.parent, output, preset), _logged(log):
        try:
            papermill.execute_notebook(
                str(path), str(partial), parameters=dict(values), kernel_name="python3",
                cwd=str(path.parent), log_output=True, progress_bar=sys.stderr.isatty(),
                config=config,
            )
        except papermill.PapermillExecutionError as error:
            lines = _plain_text("\n".join(error.traceback)).splitlines()
            raise NotebookFailed("\n".join(lines[-6:]) or str(error), partial) from None
        except RuntimeError as error:  # the kernel died, or did not start
            raise NotebookFailed(f"{error} (out of memory?)", partial) from None
        except KeyboardInterrupt:
            # nobody waits any more for what nbclient had begun, and asyncio would report that
            logging.getLogger("asyncio").setLevel(logging.CRITICAL)
            raise NotebookStopped(partial) from None
    executed.parent.mkdir(parents=True, exist_ok=True)
    os.replace(partial, executed)


def _plain_text(text: str) -> str:
    """Return text without terminal colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def shows_claims(path: Path) -> bool:
    """Whether a notebook shows verdicts of claims, which the records of all others decide."""
    return any("claims.load(" in source for source in _code(path))


def shows_paper_records(path: Path) -> bool:
    """Whether a notebook shows committed records of the paper preset."""
    return shows_claims(path) or any("records.paper(" in source for source in _code(path))


def dependencies(path: Path) -> list[Path]:
    """Return the files of the package nslib that a notebook needs, sorted."""
    code = [line for source in _code(path) if not source.lstrip().startswith("%%")
            for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    return imports.modules("\n".join(code), path.parent.parent / imports.PACKAGE)
