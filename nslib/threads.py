"""A fixed number of threads: sums are then the same whatever the machine does beside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in one thread inside; small tensors are also faster so."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Let torch, and all libraries loaded that use BLAS or OpenMP, compute in `n` threads inside.

    threadpoolctl, which does the latter, comes with scikit-learn.
    """
    before = torch.get_num_threads()
    try:
        with threadpool_limits(n):
            torch.set_num_threads(n)
            yield
    finally:
        torch.set_num_threads(before)
