"""The examples in the docstrings of nslib.data run, and its names come with their modules."""

import doctest
import subprocess
import sys
from importlib import import_module

import pytest

import nslib.data

WITH_EXAMPLES = ("own_tables", "public_formulas", "synthetic", "tabular_loading")


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = doctest.testmod(import_module(f"nslib.data.{name}"))
    assert outcome.attempted and not outcome.failed


def test_every_name_at_the_door_is_there_and_no_other():
    assert {name for name in nslib.data.__all__ if getattr(nslib.data, name) is None} == set()
    assert set(nslib.data.__all__) < set(dir(nslib.data))
    assert nslib.data.synthetic.make_formula is nslib.data.make_formula
    with pytest.raises(AttributeError, match="no attribute 'make_formulas'"):
        nslib.data.make_formulas  # noqa: B018


def test_the_door_itself_loads_none_of_its_modules():
    code = """
import sys, types
import importlib.util
package = types.ModuleType("nslib")
package.__path__ = importlib.util.find_spec("nslib").submodule_search_locations
sys.modules["nslib"] = package
import nslib.data
assert not [name for name in sys.modules if name.startswith("nslib.data.")]
assert not {"pandas", "sklearn"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
