"""A sparse formula as text: in one line, as a LaTeX table, as Python source."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import sympy as sp

_TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        **{c: "\\" + c for c in "&%$#_{}"}}


def _product(names: Sequence[str], exponents: Sequence[int], power: str) -> list[str]:
    """Return the factors of a monomial of D names, with `power` between a name and an exponent."""
    return [name if e == 1 else f"{name}{power}{e}"
            for name, e in zip(names, exponents, strict=True) if e]


def sum_text(coefficients: Sequence[str], names: Sequence[str], terms: np.ndarray) -> str:
    """Return a sum of monomials (M, D) of D names, its M coefficients given as text."""
    text = ""
    for coefficient, exponents in zip(coefficients, terms.tolist(), strict=True):
        factors = _product(names, exponents, "**")
        size = coefficient.lstrip("-")
        if size != "1" or not factors:
            factors.insert(0, size)
        sign = "-" if coefficient.startswith("-") else "+"
        text += (f" {sign} " if text else sign.strip("+")) + "*".join(factors)
    return text or "0"


def _tex_name(name: str) -> str:
    """Return a feature's name in mathematics: as a symbol where it looks like one, else as text."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+|_\{\d+\})?", name):
        return sp.latex(sp.Symbol(name))
    return r"\text{" + "".join(_TEX.get(c, c) for c in " ".join(name.split())) + "}"


def _tex_number(text: str) -> str:
    """Return a number such as -1.5e-05 in mathematics."""
    mantissa, _, exponent = text.partition("e")
    return f"${mantissa}$" if not exponent else rf"${mantissa} \cdot 10^{{{int(exponent)}}}$"


def latex_table(
    names: Sequence[str], terms: np.ndarray, coefficients: Sequence[str],
    ends: Sequence[Sequence[str]], level: float,
) -> str:
    """Return a booktabs table of M terms of D names, with numbers that are given as text."""
    tex = [_tex_name(name) for name in names]
    lines = [r"\begin{tabular}{lrr}", r"\toprule",
             rf"Term & Coefficient & {100 * level:g}\,\% interval \\", r"\midrule"]
    for exponents, coefficient, (low, high) in zip(terms.tolist(), coefficients, ends, strict=True):
        factors = [name if e == 1 else f"{{{name}}}^{{{e}}}"
                   for name, e in zip(tex, exponents, strict=True) if e]
        product = r" \, ".join(factors) or "1"
        lines.append(rf"${product}$ & {_tex_number(coefficient)} & "
                     rf"{_tex_number(low)} to {_tex_number(high)} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def python_source(names: Sequence[str], terms: np.ndarray, coefficients: np.ndarray) -> str:
    """Return the source of a function of X (N, D) that returns the values (N,).

    Features are read by number; their names stand in comments alone, where nothing in them counts.
    """
    columns = [f"X[:, {i}]" for i in range(len(names))]
    used = [i for i in range(len(names)) if terms[:, i].any()]
    summands = ["*".join([repr(float(c)), *_product(columns, exponents, "**")])
                for c, exponents in zip(coefficients, terms.tolist(), strict=True)]
    return "\n".join([
        "import numpy as np", "", "",
        "def formula(X):",
        f'    """Return the values (N,) of the formula at X (N, {len(names)})."""',
        *(f"    # {column}: {ascii(names[i])}" for i, column in enumerate(columns) if i in used),
        "    X = np.asarray(X, dtype=np.float64)",
        "    total = np.zeros(len(X))",
        *(f"    total += {summand}" for summand in summands),
        "    return total", "",
    ])
