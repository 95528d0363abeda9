"""How this process stops on Ctrl-C, on a termination and where its terminal is closed.

All three do the same. A signal that was ignored from the start stays so: `nohup` and the background
jobs of a shell ask for that.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

STOPPED = 130  # the exit code
_SIGNALS = [number for name in ("SIGINT", "SIGTERM", "SIGHUP")
            if (number := getattr(signal, name, None))]


def exit_at_once() -> None:
    """Let a stop end this process with one line: while it imports there is nothing to clear up.

    An exception would show as a traceback there, or be lost inside a compiled module.
    """
    _answer(_exit)


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """Do as `exit_at_once` inside alone, for imports that take a while."""
    before = _answer(_exit)
    try:
        yield
    finally:
        _restore(before)


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Let a stop raise KeyboardInterrupt inside, so that what runs there clears up after itself."""
    before = _answer(signal.default_int_handler)
    try:
        yield
    finally:
        _restore(before)


def _answer(handler: Callable[..., Any]) -> dict[int, Any]:
    """Set the handler of every signal that is not ignored and return those before."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    before = {number: old for number, old in before.items() if old not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, handler)
    return before


def _restore(before: dict[int, Any]) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)


def _exit(*_: object) -> None:
    os.write(2, b"nslib: stopped\n")
    os._exit(STOPPED)
