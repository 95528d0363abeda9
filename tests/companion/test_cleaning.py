"""Committed outputs: the same wherever the notebook was executed."""

import copy
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from companion import cleaning

ROOT = Path("/somewhere/clone")


def executed():
    stream = new_output("stream", name="stdout", text=f"read {ROOT}/data.csv in {ROOT}\n")
    shown = {"text/plain": "<Thing at 0x7f01a2>", "image/png": "iVBO"}
    result = new_output("execute_result", shown, execution_count=9)
    widget = new_output("display_data", {"text/plain": "interactive(…)",
                                         "application/vnd.jupyter.widget-view+json": {"id": 1}})
    warning = new_output("stream", name="stderr", text="12%|###  [00:01<00:09]")
    cells = [
        new_code_cell("a: int = 1", metadata={"tags": ["parameters"]}, execution_count=1),
        new_code_cell("a = 1", metadata={"tags": ["injected-parameters"]}, execution_count=2),
        new_code_cell("thing", outputs=[stream, result, widget, warning], execution_count=3,
                      metadata={"papermill": {"duration": 1.2}, "execution": {"at": "now"},
                                "tags": []}),
        new_code_cell("%timeit thing", outputs=[copy.deepcopy(stream)], execution_count=4,
                      metadata={"tags": ["volatile"]}),
    ]
    nb = new_notebook(cells=cells)
    nb.metadata.update({"papermill": {"duration": 3}, "widgets": {"state": {}},
                        "language_info": {"name": "python", "version": "3.11.7"},
                        "nslib": {"title": "t"}})
    return nb


def test_nothing_of_the_machine_or_the_moment_stays():
    nb = executed()
    before = copy.deepcopy(nb)
    cleaned = cleaning.clean(nb, ROOT)
    nbformat.validate(cleaned)
    assert nb == before
    assert [cell.source for cell in cleaned.cells] == ["a: int = 1", "thing", "%timeit thing"]
    assert [cell.execution_count for cell in cleaned.cells] == [1, 2, 3]
    assert [dict(cell.metadata) for cell in cleaned.cells] == [
        {"tags": ["parameters"]}, {}, {"tags": ["volatile"]}
    ]
    stream, result = cleaned.cells[1].outputs
    assert stream.text == "read data.csv in .\n"
    assert result.data == {"text/plain": "<Thing>", "image/png": "iVBO"}
    assert result.execution_count == 2
    assert cleaned.cells[2].outputs == []
    assert cleaned.metadata == {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python",
                       "name": "python3"},
        "language_info": {"name": "python"}, "nslib": {"title": "t"},
    }


def test_cleaning_twice_is_cleaning_once():
    once = cleaning.clean(executed(), ROOT)
    assert cleaning.clean(once, ROOT) == once


def test_the_home_folder_is_not_named():
    text = f"cache in {Path.home() / 'x'}"
    nb = new_notebook(cells=[new_code_cell("1", outputs=[new_output("stream", text=text)])])
    assert cleaning.clean(nb, ROOT).cells[0].outputs[0].text == "cache in ~/x"


def test_refresh_keeps_the_source_and_its_cell_ids(tmp_path):
    path, copied = tmp_path / "notebooks" / "01_x.ipynb", tmp_path / "executed.ipynb"
    path.parent.mkdir()
    nb = executed()
    nbformat.write(nb, copied)
    nb.cells.pop(1)
    for number, cell in enumerate(nb.cells):
        cell.id, cell.outputs = f"cell{number}", []
    nbformat.write(nb, path)
    cleaning.refresh(path, copied)
    written = nbformat.read(path, as_version=4)
    assert [cell.id for cell in written.cells] == ["cell0", "cell1", "cell2"]
    assert len(written.cells[1].outputs) == 2
    before = path.read_bytes()
    cleaning.refresh(path, copied)
    assert path.read_bytes() == before


def test_refresh_refuses_another_notebook(tmp_path):
    path, copied = tmp_path / "notebooks" / "01_x.ipynb", tmp_path / "executed.ipynb"
    path.parent.mkdir()
    nbformat.write(executed(), copied)
    nbformat.write(new_notebook(cells=[new_code_cell("other")]), path)
    with pytest.raises(ValueError, match="found other cells"):
        cleaning.refresh(path, copied)
