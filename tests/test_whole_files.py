"""Files are written whole or not at all."""

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
