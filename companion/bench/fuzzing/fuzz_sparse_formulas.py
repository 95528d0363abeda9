"""Sparse formulas under odd rows, targets, weights and options."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

import nslib

from .fuzz_data import array_of, arrays, data_cases, data_of
from .odd_values import Door, answering, judged, made, odd

sparse_cases = st.fixed_dictionaries({
    **data_cases, "weights": st.one_of(st.none(), st.none(), arrays),
    "options": st.dictionaries(st.sampled_from(["degree", "max_terms", "level", "seed"]), odd,
                               max_size=1),
})


def answer_sparse_formula(case: dict[str, Any]) -> None:
    """Choose terms: predictions are finite, exports compute the same, texts can be made."""
    with answering():
        X, y = data_of(case)
        weights = case["weights"]
        if weights is not None:
            weights = array_of(weights, np.random.default_rng(1).random(case["rows"]))
        formula = nslib.sparse_formula(X, y, sample_weight=weights, **made(case["options"]))
        predicted = formula.predict(X)
    assert predicted.shape == (case["rows"],) and np.isfinite(predicted).all()
    assert np.isfinite(formula.intervals).all() and str(formula).startswith("y = ")
    assert len(formula.terms) == len(formula.rounded()) and r"\toprule" in formula.latex_table()
    ast.parse(formula.to_python())
    values = formula.to_torch()(torch.as_tensor(nslib.checks.as_matrix(X))).detach()[:, 0]
    unit = np.abs(predicted).max() + np.abs(nslib.checks.as_numbers(y, "y")).max()
    np.testing.assert_allclose(values, predicted, rtol=1e-9, atol=1e-9 * unit)


DOORS: dict[str, Door] = {"sparse_formula": (sparse_cases, judged(answer_sparse_formula))}
