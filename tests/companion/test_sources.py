"""The hash of the files that make a result: names and contents, wherever the clone lies."""

from companion import sources


def test_a_clone_in_a_folder_named_like_a_part_of_it_has_a_hash_too(tmp_path):
    """A folder "bench" above the clone is not the companion's own."""
    clone = tmp_path / "bench" / "clone"
    notebook, module = clone / "notebooks" / "01_x.ipynb", clone / "nslib" / "core.py"
    for path in (notebook, module, clone / "companion" / "bench" / "bench_a.py",
                 clone / "companion" / "pyproject.toml", clone / "companion" / "run.py"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    assert sources.of_notebook(notebook) == [clone / "companion" / "run.py", module]
    before = sources.checksum([clone / "nslib"], clone)
    module.write_text("2")
    assert sources.checksum([clone / "nslib"], clone) != before
    cache = clone / "nslib" / "__pycache__" / "core.pyc"
    cache.parent.mkdir()
    cache.write_text("3")
    assert sources.files([clone / "nslib"]) == [module]
