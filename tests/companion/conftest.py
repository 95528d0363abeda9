"""A small repository of its own for each test: claims, presets and notebooks in tmp_path."""

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from companion import run


class Repo:
    """A folder that looks like a clone of the project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "notebooks").mkdir()
        self.presets({}, {})
        (folder / "claims.yaml").write_text("[]\n")
        (folder / "README.md").write_text("head\n<!-- claims:begin --><!-- claims:end -->\ntail\n")

    def presets(self, quick: dict, paper: dict) -> None:
        """Write notebooks whose defaults are `quick`, where none is there, and paper.yaml."""
        for name, values in quick.items():
            if not (self.folder / "notebooks" / f"{name}.ipynb").exists():
                self.notebook(name, "\n".join(
                    f"{key}: {type(value).__name__} = {value!r}" for key, value in values.items()
                ))
        (self.folder / "notebooks" / "paper.yaml").write_text(yaml.safe_dump(paper))

    def notebook(self, name: str, parameters: str | None, *cells: str, **metadata) -> Path:
        nb = new_notebook(cells=[new_markdown_cell("# A title")])
        nb.metadata["kernelspec"] = {"name": "python3", "language": "python",
                                     "display_name": "Python 3"}
        nb.metadata["nslib"] = {"title": "A title", "section": "2.1",
                                "minutes": {"quick": 0.1, "paper": 2}, **metadata}
        if parameters is not None:
            nb.cells.append(new_code_cell(parameters, metadata={"tags": ["parameters"]}))
        nb.cells += [new_code_cell(cell) for cell in cells]
        path = self.folder / "notebooks" / f"{name}.ipynb"
        nbformat.write(nb, path)
        return path


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    """Draw without a window, and close what a test drew."""
    matplotlib.use("Agg")
    yield
    plt.close("all")


@pytest.fixture
def repo(tmp_path, monkeypatch) -> Repo:
    """Return a fresh repository; the current folder is inside it and no run is begun."""
    folder = tmp_path / "clone"
    folder.mkdir()
    repo = Repo(folder)
    monkeypatch.chdir(folder / "notebooks")
    for name in ("NSLIB_ROOT", "NSLIB_OUTPUT", "NSLIB_PRESET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(run, "_current", None)
    return repo
