"""The theory stands on the neuron alone."""

import ast
from pathlib import Path

import pytest

import nslib.theory

FOLDER = Path(nslib.theory.__file__).parent
BELOW = {"checks", "neuron", "structure"}


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
