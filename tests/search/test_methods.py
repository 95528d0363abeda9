"""The register of search methods, and the package that is called like its function."""

import doctest
import inspect
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import nslib.search
from nslib import NeuronStructure
from nslib.search import METHODS, search

X = np.random.default_rng(0).normal(size=(120, 3))
Y = X[:, 0] ** 2 + X[:, 1]


def test_the_package_is_called_like_its_function():
    assert nslib.search.search is search and callable(nslib.search)
    assert nslib.search(X, Y).structure == search(X, Y).structure
    assert len(nslib.search(X, Y, "als", seeds=[0, 1], order=2)) == 2
    assert inspect.signature(nslib.search) == inspect.signature(search)
    assert pickle.loads(pickle.dumps(nslib.search.search)) is search
    assert "nslib.search(X, y)" in inspect.getdoc(nslib.search)


def test_the_example_runs():
    example = doctest.DocTestFinder().find(search, "search", globs={"search": search})
    assert example[0].examples and doctest.DocTestRunner().run(example[0]).failed == 0


def test_names_in_docstrings_exist():
    assert nslib.search.METHODS is METHODS
    assert nslib.search.refit(NeuronStructure((1, 2), ()), X, Y).structure.pure == (1, 2)
    assert isinstance(search(X, Y, order=2), nslib.search.SearchResult)
    with pytest.raises(AttributeError, match="nslib.search.*'methodz'"):
        nslib.search.methodz  # noqa: B018


def test_an_entry_names_itself_and_what_stands_for_it():
    for name, method in METHODS.items():
        assert method.name == name
        assert method.options() == method.options(**method.accepted(order=method.options().order))
        assert method.budget is None or method.accepted(**{method.budget: 1})
        assert method.title and method.label
    looks = [(method.colour, method.marker) for method in METHODS.values()]
    assert len(set(looks)) == len(looks)


def test_only_options_of_the_method_are_accepted():
    options = {"order": 3, "rank": 2, "penalty": 0.1, "warm_up": 0.5}
    assert METHODS["threshold"].accepted(**options) == {"order": 3, "rank": 2, "penalty": 0.1}
    assert METHODS["vsr"].accepted(**options) == {"order": 3}


def test_a_method_for_regressions_refuses_classes(monkeypatch):
    monkeypatch.setitem(METHODS, "als", replace(METHODS["als"], classifies=False))
    assert search(X, Y, order=2).structure.pure == (1, 2)
    with pytest.raises(ValueError, match="task: found a classification, expected a regression"):
        search(X, np.where(Y > 0, "a", "b"), order=2)


def test_the_register_imports_no_method():
    code = (
        "import sys; from nslib.search.methods import METHODS; "
        "before = {m for m in sys.modules if m.startswith('nslib.search.')}; "
        "[(m.name, m.label, m.title, m.colour, m.budget) for m in METHODS.values()]; "
        "assert before == {m for m in sys.modules if m.startswith('nslib.search.')}; "
        "METHODS['vsr'].options; assert 'nslib.search.genetic.evolution' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
