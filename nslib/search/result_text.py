"""The text of a search's result: its formula in short, and the range in which it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from .. import formula

if TYPE_CHECKING:
    from .result import SearchResult

TERMS, FEATURES, CLASSES = 8, 6, 3
"""How many terms of a formula, features and classes are written out."""

MONOMIALS = 300
"""Formulas that may have more are named by their streams: to expand them would take seconds."""


def described(result: SearchResult) -> str:
    """Return lines for the formula of each output, and one for the range of the features."""
    monomials = formula.count_monomials(result.neuron.structure, result.neuron.in_features)
    if monomials > MONOMIALS:
        lines = [f"a formula of up to {monomials} monomials, see `formula`"]
    else:
        lines = _formulas(result)
    ranges = result.feature_ranges
    if len(result.outlier_rows):
        lines.append(f"{len(result.outlier_rows)} rows are gross outliers and were left out")
    lines += result.notes
    if ranges is None:
        return "\n".join([*lines, "used for all values of the features"])
    ends = [f"{name} from {low:.4g} to {high:.4g}"
            for name, low, high in ranges[:FEATURES].itertuples(index=False)]
    text = "used for " + ", ".join(ends) + _further(len(ranges) - FEATURES, "features")
    return "\n".join([*lines, f"{text}; values beyond are moved to the nearer end"])


def _formulas(result: SearchResult) -> list[str]:
    try:
        outputs = result.formula(raw=True)
    except ValueError:  # monomials would cancel to noise
        return ["a formula of products of linear forms, see `formula(expand=False)`"]
    named = {"y": outputs}
    if result.classes is not None:
        named = {f"logit of {name!r}": outputs[name] for name in list(outputs)[:CLASSES]}
    scaling = result.scaling
    symbols = formula.feature_symbols(scaling.feature_names, len(scaling.x_mean))
    size = dict(zip(symbols, np.abs(scaling.x_mean) + scaling.x_scale, strict=True))
    lines = [f"{name} = {_short(expression, size)}" for name, expression in named.items()]
    if result.classes is not None and len(result.classes) > CLASSES:
        lines[-1] += _further(len(result.classes) - CLASSES, "classes")
    return lines


def _short(expression: sp.Expr, size: dict[sp.Symbol, float]) -> str:
    """Return the terms that are largest where the features have this size, to four digits."""
    terms = {term: abs(float(term.subs(size))) for term in sp.Add.make_args(expression)}
    ranked = sorted(formula.above_rounding(terms), key=lambda term: -terms[term])
    text = str(sp.Add(*ranked[:TERMS]).evalf(4))
    return text + _further(len(ranked) - TERMS, "terms")


def _further(number: int, what: str) -> str:
    return f" and {number} further {what}" if number > 0 else ""
