"""A topic's folder is its notebook's own: what two notebooks share stands beside the folders."""

import ast
import json
import re

import pytest

from companion import paths

EXPERIMENTS = paths.root() / "companion" / "experiments"
CHECKED = ("dense_trajectories", "super_expressive", "any_function", "your_own_data")
NOTEBOOKS = {path.stem[3:]: path for path in sorted((paths.root() / "notebooks").glob("*.ipynb"))}


def folders(source):
    """Return the folders of `companion.experiments` that code imports from."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    matches = (re.match(r"companion\.experiments\.(\w+)", name) for name in names)
    return {match[1] for match in matches if match}


def code(path):
    """Return the code of a module, or of all cells of a notebook."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")


@pytest.mark.parametrize("topic", CHECKED)
def test_nothing_is_imported_from_the_folder_of_another_notebook(topic):
    for path in (NOTEBOOKS[topic], *(EXPERIMENTS / topic).glob("*.py")):
        assert not folders(code(path)) & (set(NOTEBOOKS) - {topic}), path


def test_an_import_is_seen():
    assert folders("from companion.experiments.ablations import runs") == {"ablations"}
    assert folders("def f():\n    import companion.experiments.stability.runs") == {"stability"}
