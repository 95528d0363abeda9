"""Locks on files that the system frees when the last process that holds one is gone.

A lock belongs to the open file, so a child that inherits the descriptor holds the lock as well,
until it has ended too, however that happens.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

_held: set[int] = set()


class Taken(Exception):
    """Another living process holds the lock."""


def held() -> tuple[int, ...]:
    """Return the descriptors of the locks that this process holds, for a child to inherit."""
    return tuple(sorted(_held))


@contextlib.contextmanager
def hold(path: Path, shared: bool = False, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock `path` inside; its file is made where it is missing, and stays.

    Parameters
    ----------
    path : Path
        A file in a folder that exists.
    shared : bool
        Whether others may hold it as well, shared too.
    patience : float
        Seconds to wait for others to let it go.

    Raises
    ------
    Taken
        Where another process holds it.
    OSError
        Where the file cannot be opened or its file system knows no locks.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.lock"
    >>> with hold(path):
    ...     len(held())
    1
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _take(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, path, patience)
        _held.add(descriptor)
        yield
    finally:
        _held.discard(descriptor)
        os.close(descriptor)


def _take(descriptor: int, kind: int, path: Path, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            return fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Taken(str(path)) from None
            time.sleep(0.05)
