"""A lock lives as long as the last process that holds it, however the others ended."""

import os
import signal
import subprocess
import sys

import pytest

from companion import locks

HOLDS = """if True:
    import subprocess, sys, time
    from pathlib import Path
    from companion import locks
    with locks.hold(Path(sys.argv[1])):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"],
                                 pass_fds=locks.held())
        print(child.pid, flush=True)
        time.sleep(60)"""


def test_a_child_that_inherits_a_lock_holds_it_after_its_parent_was_killed(tmp_path):
    path = tmp_path / "a.lock"
    parent = subprocess.Popen([sys.executable, "-c", HOLDS, str(path)], text=True,
                              stdout=subprocess.PIPE)
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    try:
        with pytest.raises(locks.Taken), locks.hold(path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
    with locks.hold(path, patience=10):
        pass
    assert locks.held() == ()


def test_shared_holders_stand_beside_each_other_and_keep_others_out(tmp_path):
    path = tmp_path / "a.lock"
    with locks.hold(path, shared=True), locks.hold(path, shared=True):
        with pytest.raises(locks.Taken), locks.hold(path):
            pass
    with locks.hold(path), pytest.raises(locks.Taken), locks.hold(path, shared=True):
        pass
