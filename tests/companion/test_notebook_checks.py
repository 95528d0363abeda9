"""Names and types of parameters are checked before anything starts."""

import pytest

from companion import notebooks, presets

CELL = """dataset: str = "diabetes"  # which data
order: int = 5
lam: float = 0.05
seeds: list = [0, 1]
options: dict = {"a": 1}
fast: bool = True"""
QUICK = {"dataset": "diabetes", "order": 5, "lam": 0.05, "seeds": [0, 1], "options": {"a": 1},
         "fast": True}


@pytest.fixture
def path(repo):
    repo.presets({"02_search": QUICK}, {"02_search": {**QUICK, "lam": 1, "seeds": [1, 2, 3]}})
    repo.notebook("00_start", None, "1 + 1")
    return repo.notebook("02_search", CELL, "dataset")


def test_notebooks_are_found_by_number(repo, path):
    (repo.folder / "notebooks" / "draft.ipynb").write_text("{}")
    assert list(notebooks.find()) == ["00_start", "02_search"]
    assert notebooks.get("02_search") == path
    with pytest.raises(ValueError, match="did you mean '02_search'"):
        notebooks.get("02_serch")


def test_info(repo, path):
    assert notebooks.info(path) == notebooks.Info("A title", "2.1", {"quick": 0.1, "paper": 2})
    path.write_text('{"metadata": {"nslib": {"title": "t"}}, "cells": []}')
    with pytest.raises(ValueError, match="'section'"):
        notebooks.info(path)
    path.write_text("{")
    with pytest.raises(ValueError, match="broken JSON"):
        notebooks.info(path)


def test_parameters_have_types_and_defaults(repo, path):
    found = presets.parameters(path)
    assert {name: p.default for name, p in found.items()} == QUICK
    assert [p.type for p in found.values()] == ["str", "int", "float", "list", "dict", "bool"]
    assert presets.parameters(notebooks.get("00_start")) == {}


@pytest.mark.parametrize(("cell", "message"), [
    ("order = 5", "parameter order = 5: expected the form"),
    ("order: Optional[int] = 5", "parameter order: expected the form"),
    ("order: int = 2 + 3", "parameter order: found no literal"),
    ("order: int = 'a'", "parameter order: found 'a' of type str, expected int"),
    ("order: int = True", "expected int"),
    ("a, b = 1, 2", "expected the form"),
    ("import os", "expected the form"),
])
def test_a_parameters_cell_that_papermill_would_misread_is_refused(repo, cell, message):
    with pytest.raises(ValueError, match=message):
        presets.parameters(repo.notebook("01_x", cell))


def test_check_returns_the_preset_with_what_was_changed(path):
    assert presets.check(path) == QUICK
    paper = presets.check(path, "paper", {"order": 3})
    assert paper == {**QUICK, "lam": 1.0, "seeds": [1, 2, 3], "order": 3}
    assert isinstance(paper["lam"], float)


@pytest.mark.parametrize(("preset", "overrides", "message"), [
    ("papr", {}, "did you mean 'paper'"),
    ("quick", {"datset": "x"}, "parameter 'datset'.*did you mean 'dataset'"),
    ("quick", {"order": "x"}, "order: found 'x' of type str, expected int"),
    ("quick", {"order": 2.5}, "order: found 2.5 of type float, expected int"),
    ("quick", {"order": True}, "order: found True of type bool, expected int"),
    ("quick", {"lam": True}, "lam: found True of type bool, expected float"),
    ("quick", {"fast": 1}, "fast: found 1 of type int, expected bool"),
    ("quick", {"dataset": 5}, "dataset: found 5 of type int, expected str .in quotes"),
    ("quick", {"seeds": 3}, "seeds: found 3 of type int, expected list"),
    ("quick", {"options": []}, "options: found .. of type list, expected dict"),
    ("quick", {"lam": None}, "lam: found None of type NoneType, expected float"),
])
def test_check_refuses_what_the_notebook_does_not_take(path, preset, overrides, message):
    with pytest.raises(ValueError, match=message):
        presets.check(path, preset, overrides)


def test_the_paper_preset_is_checked_too(repo, path):
    repo.presets({}, {"02_search": {"ordr": 1}})
    with pytest.raises(ValueError, match=r"paper\.yaml: 02_search.*did you mean 'order'"):
        presets.check(path, "paper")
    repo.presets({}, {"02_search": {"order": "5"}})
    with pytest.raises(ValueError, match=r"paper\.yaml.*order: found '5'"):
        presets.check(path, "paper")
    repo.presets({}, {"02_serch": QUICK})
    with pytest.raises(ValueError, match="did you mean '02_search'"):
        presets.check(path, "paper")
    repo.presets({}, {"02_search": [1]})
    with pytest.raises(ValueError, match=r"found \[1\], expected its parameters"):
        presets.check(path, "paper")


def test_without_a_paper_file_both_presets_are_the_defaults(repo, path):
    (repo.folder / "notebooks" / "paper.yaml").unlink()
    assert presets.check(path, "paper") == presets.check(path) == QUICK
