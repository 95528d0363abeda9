"""Files are written whole or not at all."""

import errno
import signal
import subprocess
import sys

import pytest

from nslib import whole_files


def test_write_leaves_everything_as_it_was_when_one_file_fails(tmp_path):
    old = tmp_path / "a.txt"
    old.write_text("old")
    with pytest.raises(TypeError):
        whole_files.write({old: b"new", tmp_path / "b.txt": "not bytes"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "old"}


def test_write_makes_folders_and_replaces(tmp_path):
    path = tmp_path / "x" / "y" / "a.txt"
    whole_files.write({path: b"1"})
    whole_files.write({path: b"2"})
    assert path.read_bytes() == b"2"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_a_rename_that_fails_leaves_no_temporary_file(tmp_path):
    (tmp_path / "b").mkdir()  # no file can take its place
    with pytest.raises(OSError):
        whole_files.write({tmp_path / "a": b"new", tmp_path / "b": b"new", tmp_path / "c": b"new"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_full_disk_is_said_with_the_path_and_leaves_everything_as_it_was(tmp_path, small_files):
    path = tmp_path / "a.txt"
    whole_files.write({path: b"old"})
    with pytest.raises(OSError) as refused:
        whole_files.write({path: bytes(5000)})
    assert (refused.value.errno, refused.value.filename) == (errno.EFBIG, str(path))
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"a.txt": b"old"}


def test_what_a_killed_writer_left_is_cleared_and_nothing_else(tmp_path):
    killed = """if True:
        import os, signal, sys
        from pathlib import Path
        from nslib import whole_files
        os.chmod = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        whole_files.write({Path(sys.argv[1]): b"half"})"""
    folder = tmp_path / "x"
    done = subprocess.run([sys.executable, "-c", killed, str(folder / "a.json")])
    assert done.returncode == -signal.SIGKILL
    assert len([*folder.iterdir()]) == 1
    for name in (".mine.part", "b.part", ".hidden"):
        (folder / name).touch()
    whole_files.clear(folder)
    assert sorted(path.name for path in folder.iterdir()) == [".hidden", ".mine.part", "b.part"]
