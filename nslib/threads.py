"""Fix the number of threads: how a sum is split over threads decides how its result is rounded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import torch
from threadpoolctl import ThreadpoolController

from . import checks

_Undo = Callable[[], object]


class _Limit:
    """A number of threads that overlapping uses set, and that the last of them to leave restores.

    Uses overlap where they are nested, where generators leave in another order than they entered,
    and where several Python threads are inside at once. `set_to(n)` sets the number and returns
    what undoes that; `per_thread` says whether each Python thread has a number of its own.
    """

    def __init__(self, set_to: Callable[[int], _Undo], per_thread: bool) -> None:
        self._set_to, self._per_thread = set_to, per_thread
        self._lock = threading.Lock()
        self._inside: dict[object, tuple[int, int]] = {}  # (Python thread, n), in order of entry
        self._restore: _Undo | None = None

    @contextmanager
    def at(self, n: int) -> Iterator[None]:
        use = object()
        with self._lock:
            undo = self._set_to(n)
            if not self._inside:
                # Later ones would only bring back the number of a use that is still inside.
                self._restore = undo
            self._inside[use] = threading.get_ident(), n
        try:
            yield
        finally:
            with self._lock:
                del self._inside[use]
                here = threading.get_ident()
                still = [m for thread, m in self._inside.values()
                         if thread == here or not self._per_thread]
                if still:
                    self._set_to(still[-1])
                else:
                    self._restore()


def _set_torch(n: int) -> _Undo:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    return partial(torch.set_num_threads, before)


def _set_pools(user_api: str, n: int) -> _Undo:
    pools = ThreadpoolController().select(user_api=user_api)
    limiter = pools.limit(limits=n)

    def release() -> None:
        # OpenBLAS obeys the Python thread that set it last until that one leaves a context.
        with pools.limit(limits=None):
            pass

    def restore() -> None:
        limiter.restore_original_limits()
        release()

    release()
    return restore


_TORCH = _Limit(_set_torch, per_thread=True)
_OPENMP = _Limit(partial(_set_pools, "openmp"), per_thread=True)
_BLAS = _Limit(partial(_set_pools, "blas"), per_thread=False)


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

    The numbers of before are restored as `one_thread` does.
    """
    checks.positive_int(n, "n")
    # torch reads its number from OpenMP, so it is asked first and restored last.
    with _TORCH.at(n), _BLAS.at(n), _OPENMP.at(n):
        yield
