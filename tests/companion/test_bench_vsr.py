"""The bench of the genetic search: its table, and how it reads a formula of the peer."""

import argparse
import importlib.util

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.bench import bench_vsr as vsr

ARGUMENTS = "--population 12 --generations 1 --variants 0 --rows 60 --features 2".split()


def test_prints_a_row_for_each_search(capsys):
    assert vsr.main(ARGUMENTS) == 0
    printed = capsys.readouterr().out
    assert "D = 2, N = 60, population 12, 1 generations" in printed
    assert "pure 0" in printed and "nslib, as published" in printed
    assert "nslib, linear scaling" in printed
    peer = importlib.util.find_spec("tnlearn") is not None
    assert ("tnlearn takes × as long" in printed) == peer


def test_without_the_peer_only_ours_is_measured():
    options = argparse.Namespace(rows=60, features=2, population=12, generations=2, seed=0)
    table = vsr.measure(0, options, peer=False)
    assert list(table.index) == ["nslib, as published", "nslib, linear scaling"]
    assert (table["seconds"] > 0).all() and "tnlearn takes × as long" not in table
    assert (table["refitted"] <= table["fitness"] + 1e-12).all()


coefficients = st.dictionaries(
    st.integers(0, 12), st.integers(-9, 9).filter(bool), min_size=1, max_size=5
)


@settings(deadline=None, max_examples=25)
@given(terms=coefficients)
def test_polynomials_as_sympy_prints_them_are_read(terms):
    x = sp.Symbol("x")
    text = str(sp.expand(sum(c * x**k for k, c in terms.items())))
    assert vsr.polynomial(text) == terms
    tnlearn_form = text.replace("*", "@").replace("@@", "**")
    assert vsr.polynomial(tnlearn_form) == terms


def test_values_count_the_constant_once():
    X = np.array([[1.0, 2.0], [0.0, -1.0]])
    assert vsr.formula_values("-3@x**2 - x + 5", X).tolist() == [-15 - 3 + 5, -3 + 1 + 5]


@pytest.mark.parametrize(
    "text", ["", "y", "2x", "2@", "x x", "x + ", "exp(x)", "x**-1", "x@x", "__import__('os')", "+"]
)
def test_any_other_text_is_refused(text):
    with pytest.raises(ValueError, match="formula: found"):
        vsr.polynomial(text)
