"""The theory stands on the neuron alone, loads little, and its names lead where they say."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nslib.theory

FOLDER = Path(nslib.theory.__file__).parent
ROOT = FOLDER.parent.parent
BELOW = {"checks", "neuron", "structure"}
MODULES = {module.name: importlib.import_module(f"nslib.theory.{module.name}")
           for module in pkgutil.iter_modules(nslib.theory.__path__)}
EXAMPLES = ("approximate", "encode", "find_depth", "find_winding", "parse_function")
DOTTED = re.compile(r"(?<![\w./-])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_module_imports_nothing_of_search_networks_training_or_companion(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 2:
            names = {node.module} if node.module else {alias.name for alias in node.names}
            assert names <= BELOW
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert not node.module.startswith("nslib")
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("nslib") for alias in node.names)


def test_every_door_is_there():
    assert all(hasattr(nslib.theory, name) for name in nslib.theory.__all__)


def test_no_name_is_both_a_module_and_what_a_module_holds():
    for name in MODULES:
        assert inspect.ismodule(getattr(nslib.theory, name)), name
    assert not set(MODULES) & set(nslib.theory.__all__)


def resolves(dotted, module):
    """Return whether a dotted name leads somewhere from a module, the theory or a library."""
    first, *rest = dotted.split(".")
    places = [vars(module), vars(nslib.theory), sys.modules]
    for place in places:
        if first in place:
            target, names = place[first], list(rest)
            while names and (hasattr(target, names[0])
                             or names[0] in getattr(target, "__dataclass_fields__", {})):
                target = getattr(target, names.pop(0), None)
            if not names:
                return True
    return False


def docstrings(module):
    """Return every docstring of a module, without the lines of its examples."""
    tree = ast.parse(inspect.getsource(module))
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    texts = (ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, kinds))
    return "\n".join(re.sub(r"(?m)^\s*>>>.*\n.*$", "", text) for text in texts)


@pytest.mark.parametrize("name", ["__init__", *MODULES])
def test_every_dotted_name_in_a_docstring_can_be_imported(name):
    module = MODULES.get(name, nslib.theory)
    lost = [dotted for dotted in DOTTED.findall(docstrings(module))
            if not resolves(dotted, module) and dotted not in ("e.g", "i.e")]
    assert not lost


def test_a_hidden_name_would_be_noticed():
    assert resolves("nslib.theory.network.ApproximantModule", nslib.theory)
    assert not resolves("nslib.theory.orbit.visited", nslib.theory)


def test_the_theory_loads_neither_torch_nor_sympy_before_they_are_used():
    code = """
import sys
import nslib.theory
heavy = {"torch", "sympy", "scipy", "sklearn", "matplotlib"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
assert nslib.theory.encode([0.25], 8).bits == 8 and not heavy & set(sys.modules)
nslib.theory.parse_function("x")
assert "sympy" in sys.modules and "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs_and_shows_what_it_says(name):
    function = getattr(nslib.theory, name)
    tests = doctest.DocTestFinder(recurse=False).find(
        function, name, globs=dict(vars(nslib.theory)))
    results = doctest.DocTestRunner().run(tests[0])
    assert results.attempted > 1 and not results.failed


@pytest.mark.parametrize("name", nslib.theory.__all__)
def test_a_public_docstring_lists_its_parameters(name):
    thing = getattr(nslib.theory, name)
    if inspect.isclass(thing):
        fields = list(vars(thing)["__annotations__"])
        section = "Attributes"
    elif callable(thing):
        fields, section = list(inspect.signature(thing).parameters), "Parameters"
    else:
        return
    text = inspect.getdoc(thing)
    if fields:
        _, listed = text.split(f"\n{section}\n{'-' * len(section)}\n")
        assert all(re.search(rf"(?m)^(\w+, )*{field}\b[\w, ]* : ", listed) for field in fields)
