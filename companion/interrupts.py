"""How this process stops on Ctrl-C, on a termination and where its terminal is closed.

All three do the same. A signal that was ignored from the start stays so: `nohup` and the background
jobs of a shell ask for that. This module imports next to nothing, since it is there to be first.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False  # what type checkers take for true; typing itself takes its time to import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

STOPPED = 130  # the exit code
_SIGNALS = [number for name in ("SIGINT", "SIGTERM", "SIGHUP")
            if (number := getattr(signal, name, None))]


class Answer:
    """Answers every stop with `handler` inside, and as before afterwards."""

    def __init__(self, handler: Callable[..., Any]) -> None:
        self.handler = handler
        self.before: dict[int, Any] = {}

    def __enter__(self) -> None:
        for number in _SIGNALS:
            before = signal.getsignal(number)
            if before not in (signal.SIG_IGN, None):
                self.before[number] = before
                signal.signal(number, self.handler)

    def __exit__(self, *_: object) -> None:
        for number, before in self.before.items():
            signal.signal(number, before)


def at_once() -> Answer:
    """Let a stop end this process with one line: while it imports there is nothing to clear up.

    An exception would show as a traceback there, or be lost inside a compiled module.
    """
    return Answer(_exit)


def raised() -> Answer:
    """Let a stop raise KeyboardInterrupt, so that what runs inside clears up after itself."""
    return Answer(signal.default_int_handler)


def _exit(*_: object) -> None:
    os.write(2, b"nslib: stopped\n")
    os._exit(STOPPED)
