"""How fast the machine is at the moment: the time of a fixed piece of work."""

from __future__ import annotations

import statistics
import time

import numpy as np
from threadpoolctl import threadpool_limits

_SIZE, _STEPS, _REPEATS = 256, 20_000, 5


def seconds() -> float:
    """Return the wall seconds of one pass of the calibration loop, the median of five.

    The loop is half matrix products and half plain Python, as the searches are. A measured time
    divided by this one can be compared with that of another machine (`nslib verify`).

    Examples
    --------
    >>> seconds() > 0
    True
    """
    matrix = np.ones((_SIZE, _SIZE))
    # threads of one product wait for each other where another process has a core: 14 times as long
    with threadpool_limits(1):
        return statistics.median(_once(matrix) for _ in range(_REPEATS))


def _once(matrix: np.ndarray) -> float:
    """Return the seconds of one pass with a square matrix (n, n)."""
    started, total = time.perf_counter(), 0.0
    for _ in range(3):
        total += (matrix @ matrix)[0, 0]
    for step in range(_STEPS):
        total += step % 7
    return time.perf_counter() - started
