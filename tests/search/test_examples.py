"""The examples in the docstrings of the search run and say what they say."""

import doctest
import importlib
import pkgutil

import pytest

search = importlib.import_module("nslib.search")
modules = [search.__name__, *(
    module.name for module in pkgutil.walk_packages(search.__path__, "nslib.search.")
)]


@pytest.mark.parametrize("name", modules)
def test_the_examples_of_docstrings_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_door_has_an_example():
    assert ">>>" in search.search.__doc__ and ">>>" in search.refit.__doc__
