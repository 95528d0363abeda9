"""A stop while a command imports: one line and exit code 130, whichever signal and whenever."""

import signal
import subprocess
import sys

import pytest

# sends itself a signal when it comes to import the module of this number, once the door is open
STOPPED_THERE = """if True:
    import os, sys
    number, left = int(sys.argv.pop(1)), int(sys.argv.pop(1))
    from companion.__main__ import main
    class Finder:
        def find_spec(self, name, path=None, target=None):
            global left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), number)
    sys.meta_path.insert(0, Finder())
    sys.exit(main())"""
RUN = ["run", "01_x"]


def stopped(number: int, module: int, arguments: list[str], **settings) -> tuple[int, list[str]]:
    """Return the exit code and the lines on stderr of nslib stopped at an import."""
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_THERE, str(int(number)), str(module), *arguments],
        capture_output=True, text=True, **settings,
    )
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize(("number", "module", "arguments"), [
    (signal.SIGINT, 1, ["list"]), (signal.SIGINT, 20, ["list"]), (signal.SIGTERM, 60, ["list"]),
    (signal.SIGHUP, 100, RUN), (signal.SIGINT, 200, RUN), (signal.SIGINT, 500, RUN),
    (signal.SIGINT, 600, ["figures"]),
])
def test_a_stop_while_importing_is_one_line(repo, number, module, arguments):
    repo.notebook("01_x", "k: int = 1", "k")
    code, told = stopped(number, module, arguments)
    assert (code, told[-1]) == (130, "nslib: stopped")
    assert [line for line in told[:-1] if not line.startswith("01_x: running")] == []


def test_what_was_ignored_from_the_start_stays_ignored(repo):
    repo.notebook("01_x", "k: int = 1", "k")
    code, told = stopped(signal.SIGHUP, 1, ["list"],
                         preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert (code, told) == (0, [])
