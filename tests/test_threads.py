"""The number of threads: changed inside, restored when the last of overlapping uses leaves."""

import threading

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from nslib.threads import one_thread, threads

USES = {"one_thread": one_thread, "threads": lambda: threads(1)}


@pytest.fixture(autouse=True)
def two_threads_outside():
    before, pools = torch.get_num_threads(), threadpool_limits(limits=2)
    torch.set_num_threads(2)
    release_pools()
    yield
    pools.restore_original_limits()
    torch.set_num_threads(before)
    release_pools()


def release_pools():
    """Let other Python threads set the number of BLAS threads, as after any context."""
    with threadpool_limits(limits=None):
        pass


def counts():
    """The counts of torch in this thread and in a new one, and those of all BLAS libraries."""
    seen = []
    new = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    new.start()
    new.join()
    blas = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    return torch.get_num_threads(), *seen, blas


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("order", ["nested", "crossed"])
def test_overlapping_uses_in_one_thread(use, order):
    before = counts()
    assert before == (2, 2, {2})
    first, second = use(), use()
    first.__enter__()
    second.__enter__()
    assert torch.get_num_threads() == 1
    leave = [second, first] if order == "nested" else [first, second]
    leave[0].__exit__(None, None, None)
    assert torch.get_num_threads() == 1
    leave[1].__exit__(None, None, None)
    assert counts() == before


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_use_in_another_python_thread_leaves_this_one_alone(use):
    before, inside, may_leave = torch.get_num_threads(), threading.Event(), threading.Event()

    def other():
        with use():
            inside.set()
            may_leave.wait(10)

    thread = threading.Thread(target=other)
    with use():
        thread.start()
        assert inside.wait(10)
    may_leave.set()
    thread.join()
    assert torch.get_num_threads() == before


def test_an_inner_use_of_another_count_restores_the_outer_one():
    before = counts()
    with threads(3):
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3
        with threads(1):
            assert torch.get_num_threads() == 1
        assert counts() == (3, 3, {3})
    assert counts() == before


def test_an_error_inside_restores_the_count():
    before = counts()
    for use in USES.values():
        with pytest.raises(ZeroDivisionError), use():
            raise ZeroDivisionError
    assert counts() == before
