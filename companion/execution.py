"""Execute a notebook through papermill in a kernel of this Python, with a log and progress."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import arithmetic, files, interrupts, locks, paths

PROGRESS_SECONDS = 20.0


class NotebookFailed(RuntimeError):
    """A cell of a notebook failed, or its kernel died."""


@contextlib.contextmanager
def _environment(root: Path, output: Path | None, preset: str) -> Iterator[None]:
    """Let kernels started inside be this Python, with the run's folders and no user's settings."""
    from ipykernel.kernelspec import write_kernel_spec

    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="nslib-") as folder:
        # ipykernel reports the interrupt at every kernel's end as an error; those of a notebook's
        # code do not go through its log
        try:
            write_kernel_spec(Path(folder) / "kernels" / "python3",
                              extra_arguments=["--log-level=CRITICAL"])
        except OSError as error:  # that of a full disk names no file
            raise OSError(error.errno, error.strerror or str(error), folder) from error
        jupyter = [folder, *filter(None, [before.get("JUPYTER_PATH")])]
        os.environ.update(
            JUPYTER_PATH=os.pathsep.join(jupyter), JUPYTER_RUNTIME_DIR=f"{folder}/runtime",
            IPYTHONDIR=f"{folder}/ipython", NSLIB_ROOT=str(root), NSLIB_PRESET=preset,
            NSLIB_STARTED_IN=os.getcwd(), **({"NSLIB_OUTPUT": str(output)} if output else {}),
            **arithmetic.settings(before),
        )
        os.environ.pop("MPLBACKEND", None)
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


class _Log(logging.FileHandler):
    """A log that a full disk cuts short in silence: the notebook, written beside it, says why."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


@contextlib.contextmanager
def _logged(log: Path) -> Iterator[None]:
    """Send what papermill and the notebook print to a file, and lines of progress to stderr."""
    log.parent.mkdir(parents=True, exist_ok=True)
    logger = logging.getLogger("papermill")
    before = logger.level, logger.propagate
    handlers: list[logging.Handler] = [_Log(log, mode="w", encoding="utf-8")]
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

    Raises NotebookFailed when a cell fails or the kernel dies and KeyboardInterrupt on Ctrl-C; the
    partial copy is kept. Raises OSError where it cannot be written; it stays as it was then.
    """
    with interrupts.at_once():
        import papermill
        import zmq
        from jupyter_client import AsyncKernelManager
        from papermill.iorw import LocalHandler, papermill_io
        from traitlets.config import Config

    class Whole(LocalHandler):
        """Writes a notebook whole or not at all: stopped, killed or with the disk full."""

        def write(self, text: str, path: str) -> None:
            files.write({Path(path): text.encode()})

    class Manager(AsyncKernelManager):
        """Starts kernels that hold the locks of this run as well, to their own end."""

        async def start_kernel(self, **options: Any) -> None:
            await super().start_kernel(pass_fds=locks.held(), **options)

    config = Config()
    if zmq.has("curve"):  # ipykernel warns in every run that is not encrypted
        config.KernelManager.transport_encryption = "auto"
    partial = log.with_suffix(".ipynb")
    papermill_io.register(str(partial), Whole())
    for earlier in (executed, partial):
        earlier.unlink(missing_ok=True)
    with _environment(path.parent.parent, output, preset), _logged(log):
        # what a run that was killed left half-written; this one holds the notebook's lock
        files.clear(partial.parent, partial.name)
        for folder in (paths.results(preset, path.stem), paths.figures(preset, path.stem)):
            files.clear(folder)
        try:
            papermill.execute_notebook(
                str(path), str(partial), parameters=dict(values), kernel_name="python3",
                cwd=str(path.parent), log_output=True, progress_bar=sys.stderr.isatty(),
                config=config, kernel_manager_class=Manager,
            )
        except papermill.PapermillExecutionError as error:
            lines = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback)).splitlines()
            raise NotebookFailed("\n".join(lines[-6:]) or str(error)) from None
        except RuntimeError as error:  # the kernel died, or did not start
            raise NotebookFailed(f"{error} (out of memory?)") from None
        except KeyboardInterrupt:
            # nobody waits any more for what nbclient had begun, and asyncio would report that
            logging.getLogger("asyncio").setLevel(logging.CRITICAL)
            raise
    executed.parent.mkdir(parents=True, exist_ok=True)
    os.replace(partial, executed)
