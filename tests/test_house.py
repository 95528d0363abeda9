"""How the repository is built: arrows go down only, one name is one thing, doors are light."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("nslib", "companion") for path in sorted((ROOT / package).rglob("*.py"))
}
TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in FILES.items()}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
EXPERIMENTS = "companion.experiments"


def imported(module: str) -> set[str]:
    """Return the modules of the two packages that a module imports, wherever in its code."""
    path = FILES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return set(_imports(TREES[module], package))


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in FILES)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            named = [node.module] if node.module else []
            source = ".".join([*base, *named] if node.level else named)
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                if inner in FILES or source in FILES:
                    yield inner if inner in FILES else source


def without_type_checking(tree: ast.AST) -> ast.AST:
    """Return the tree without what stands below `if TYPE_CHECKING:`, which never runs."""

    class Remove(ast.NodeTransformer):
        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)

    return Remove().visit(tree)


TREES = {module: without_type_checking(tree) for module, tree in TREES.items()}


def topic_of(module: str) -> str | None:
    """Return the folder of the experiment that a module belongs to; None for what is shared."""
    parts = module.split(".")
    if not module.startswith(f"{EXPERIMENTS}.") or len(parts) < 3:
        return None
    folder = ROOT / "companion" / "experiments" / parts[2]
    return parts[2] if folder.is_dir() and not (folder / "__init__.py").exists() else None


def layer(module: str) -> int:
    """Return the height of a module: nslib, the machinery and rivals, experiments, benches."""
    heights = {"nslib": 0, "companion": 1, EXPERIMENTS: 2, "companion.bench": 3}
    return max(height for name, height in heights.items() if f"{module}.".startswith(f"{name}."))


@pytest.mark.parametrize("module", FILES)
def test_arrows_go_down_only(module):
    for other in imported(module):
        assert layer(other) <= layer(module) or (module, other) == ("companion.cli",
                                                                     "companion.bench"), other
        if module.startswith(EXPERIMENTS):
            assert topic_of(other) in (None, topic_of(module)), other


def test_no_modules_import_each_other_in_a_circle():
    arrows = {module: imported(module) - {module} for module in FILES}
    while leaves := [module for module, others in arrows.items() if not others]:
        for leaf in leaves:
            del arrows[leaf]
        arrows = {module: others.difference(leaves) for module, others in arrows.items()}
    # what is left imports a circle or is part of one
    needed = set().union(*arrows.values()) if arrows else set()
    assert not {module: sorted(others) for module, others in arrows.items() if module in needed}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_needs_the_folder_of_its_own_experiment_alone(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = "\n".join(line for cell in cells if cell["cell_type"] == "code"
                     for line in "".join(cell["source"]).splitlines()
                     if not line.lstrip().startswith(("%", "!")))
    topics = {topic_of(module) for module in _imports(ast.parse(code), "")} - {None}
    assert topics == {path.stem.partition("_")[2]}


def test_a_name_of_a_file_or_a_class_is_one_thing():
    names = Counter(path.name for path in FILES.values() if path.name != "__init__.py")
    classes = Counter(node.name for tree in TREES.values() for node in ast.walk(tree)
                      if isinstance(node, ast.ClassDef))
    assert [name for name, count in (names + classes).items() if count > 1] == []


def docstrings(module: str) -> Iterator[str]:
    for node in ast.walk(TREES[module]):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            yield ast.get_docstring(node) or ""


@pytest.mark.parametrize("module", FILES)
def test_what_a_docstring_names_can_be_imported(module):
    for text in docstrings(module):
        for name in re.findall(r"`((?:nslib|companion)(?:\.\w+)+)`", text):
            value, parts = importlib.import_module(name.split(".")[0]), name.split(".")[1:]
            for i, part in enumerate(parts, start=1):
                if not hasattr(value, part):
                    importlib.import_module(".".join(name.split(".")[: i + 1]))
                value = getattr(value, part)


@pytest.mark.parametrize(("code", "heavy"), [
    ("import nslib", {"numpy", "torch", "pandas", "sympy", "sklearn"}),
    ("from nslib import TaskLinear, NeuronStructure", {"pandas", "sympy", "sklearn", "scipy"}),
    ("import nslib.theory", {"pandas", "sklearn", "matplotlib"}),
    ("from companion import cli; cli.main(['list'])",
     {"torch", "pandas", "sympy", "sklearn", "matplotlib", "papermill", "nbformat"}),
    ("import companion", {"torch", "pandas", "matplotlib", "papermill"}),
])
def test_doors_bring_nothing_heavy_along(code, heavy):
    program = f"import sys; {code}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    assert not heavy & set(done.stdout.split())


def test_every_public_name_is_there():
    import nslib

    assert all(hasattr(nslib, name) for name in nslib.__all__)
    assert {*nslib.__all__} <= {*dir(nslib)}
    with pytest.raises(AttributeError, match="no attribute 'serach'"):
        _ = nslib.serach
