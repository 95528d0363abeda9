"""Fix the number of threads: how a sum is split over threads decides how its result is rounded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import torch
from threadpoolctl import threadpool_limits

from . import checks


class _Limit:
    """A number of threads that overlapping uses set, and that the last of them to leave restores.

    `limit(n)` sets the number and returns what undoes that.
    """

    def __init__(self, limit: Callable[[int], Callable[[], object]]) -> None:
        self._limit, self._inside = limit, {}

    @contextmanager
    def at(self, n: int) -> Iterator[None]:
        use, undo = object(), self._limit(n)
        if not self._inside:  # later ones would bring back the number of a use still inside
            self._restore = undo
        self._inside[use] = n
        try:
            yield
        finally:
            del self._inside[use]
            if self._inside:
                self._limit(list(self._inside.values())[-1])
            else:
                self._restore()


class _LimitOfThread(_Limit, threading.local):
    """A limit of which every Python thread has its own, as OpenMP's number of threads is."""


def _limit_torch(n: int) -> Callable[[], object]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    return partial(torch.set_num_threads, before)


def _limit_pools(user_api: str, n: int) -> Callable[[], object]:
    return threadpool_limits(n, user_api).restore_original_limits


_TORCH = _LimitOfThread(_limit_torch)
_OPENMP = _LimitOfThread(partial(_limit_pools, "openmp"))
_BLAS = _Limit(partial(_limit_pools, "blas"))


def one_thread() -> AbstractContextManager[None]:
    """Let torch compute in one thread inside; for small tensors this is also faster.

    The number of before is restored when the last of overlapping uses leaves.

    Examples
    --------
    >>> with one_thread():
    ...     torch.get_num_threads()
    1
    """
    return _TORCH.at(1)


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Let torch, and all libraries loaded that use BLAS or OpenMP, compute in `n` threads inside.

    The numbers of before are restored as `one_thread` does. BLAS has one number for the whole
    process, so that two Python threads should not be inside at once.
    """
    # torch reads its number from OpenMP, so it is asked first and restored last
    with _TORCH.at(checks.positive_int(n, "n")), _BLAS.at(n), _OPENMP.at(n):
        yield
