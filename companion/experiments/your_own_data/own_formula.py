"""A formula for readers: its terms by their effect on the data, as LaTeX and as MathML."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import sympy as sp
from pandas.api.types import is_numeric_dtype

from nslib.estimators.base import NeuronSeekEstimator

_ESCAPES = {"\\": r"\backslash ", " ": r"\ ", "^": r"\hat{}", "~": r"\sim ",
            **{c: f"\\{c}" for c in "_%#$&{}"}}


class Output(NamedTuple):
    """One output of a formula: `name` (the target, or a class), its constant, and its terms.

    terms: sympy expressions without symbols in common; effects: the standard deviation of each over
    the rows, in the units of the output; both by falling effect.
    """

    name: str
    constant: float
    terms: tuple[sp.Expr, ...]
    effects: tuple[float, ...]


def outputs(model: NeuronSeekEstimator, X: pd.DataFrame, target: str) -> list[Output]:
    """Return the formula of a fitted model, in raw units, on the rows X (N, D).

    One output for a regression, the logit of each class otherwise. Written for readers, with the
    same values wherever all categories are known: powers of columns that hold only 0 and 1 are
    these columns, products of two categories of one column are left out, since they are 0, and what
    all categories of a column share stands in the term without them.
    """
    inputs = model.formula_inputs(X)
    columns = {sp.Symbol(name): inputs[name].to_numpy() for name in inputs}
    binary = {symbol for symbol, values in columns.items() if set(values) <= {0.0, 1.0}}
    groups = [{sp.Symbol(name): float(inputs[name].mean()) for name in names}
              for names in _categories(X, inputs) if (inputs[names].sum(axis=1) == 1).all()]
    return [_output(name, expression, columns, binary, groups)
            for name, expression in _expressions(model, target).items()]


def _expressions(model: NeuronSeekEstimator, target: str = "") -> dict[str, sp.Expr]:
    """Return the formula of the target, or that of each class."""
    formula = model.formula_
    formulas = formula if isinstance(formula, dict) else {target: formula}
    return {str(name): expression for name, expression in formulas.items()}


def _categories(X: pd.DataFrame, inputs: pd.DataFrame) -> list[list[str]]:
    """Return the names of the columns of 0 and 1 of each column of categories that has any.

    Columns of X (N, D), names of `inputs` (N, columns).
    """
    texts = [column for column in X if not is_numeric_dtype(X[column])]
    groups = [[name for name in inputs if name.startswith(f"{column}=")] for column in texts]
    return [names for names in groups if names]


def _output(
    name: str, expression: sp.Expr, columns: dict[sp.Symbol, np.ndarray], binary: set[sp.Symbol],
    groups: list[dict[sp.Symbol, float]],
) -> Output:
    """Return an expression as an output.

    columns: the values (N,) of each symbol; binary: those of 0 and 1 only; groups: for each column
    of categories its symbols, with their means.
    """
    joined = defaultdict(float)
    for term in sp.Add.make_args(expression):
        coefficient, rest = term.as_coeff_Mul()
        rest = sp.Mul(*(base if base in binary else base**power
                        for base, power in rest.as_powers_dict().items()))
        if not any(len(rest.free_symbols & group.keys()) > 1 for group in groups) or _forms(rest):
            joined[rest] += float(coefficient)
    if not any(map(_forms, joined)):
        for group in groups:
            joined = _centred(joined, group)
    constant = joined.pop(sp.Integer(1), 0.0)
    terms = [(float(np.std(coefficient * _values(rest, columns))), coefficient * rest)
             for rest, coefficient in joined.items() if coefficient]
    terms.sort(key=lambda term: -term[0])
    return Output(name, constant, tuple(t for _, t in terms), tuple(e for e, _ in terms))


def _forms(expression: sp.Expr) -> bool:
    """Whether a product has factors that are sums."""
    return any(base.is_Add for base in expression.as_powers_dict())


def _centred(terms: dict[sp.Expr, float], group: dict[sp.Symbol, float]) -> dict[sp.Expr, float]:
    """Return terms with the same sum, in which the coefficients of categories have mean 0."""
    by_rest, others = defaultdict(dict), defaultdict(float)
    for term, coefficient in terms.items():
        category = next(iter(term.free_symbols & group.keys()), None)
        if category is None:
            others[term] += coefficient
        else:
            by_rest[term / category][category] = coefficient
    for rest, known in by_rest.items():
        shared = sum(share * known.get(category, 0.0) for category, share in group.items())
        others[rest] += shared
        for category in group:
            others[rest * category] = known.get(category, 0.0) - shared
    return others


def evaluated(expression: sp.Expr, columns: dict[sp.Symbol, np.ndarray]) -> np.ndarray:
    """Return the values (N,) of a sum whose symbols have these values (N,), term by term."""
    total = np.zeros(len(next(iter(columns.values()))))
    for term in sp.Add.make_args(expression):
        coefficient, rest = term.as_coeff_Mul()
        total += float(coefficient) * _values(rest, columns)
    return total


def _values(expression: sp.Expr, columns: dict[sp.Symbol, np.ndarray]) -> np.ndarray | float:
    """Return the values (N,) of a product of symbols (N,), or of anything else that is short."""
    powers = expression.as_powers_dict()
    if all(base.is_Symbol for base in powers):
        return np.prod([columns[base] ** int(power) for base, power in powers.items()], axis=0)
    used = sorted(expression.free_symbols, key=str)
    renamed = [sp.Symbol(f"_{i}") for i in range(len(used))]
    function = sp.lambdify(renamed, expression.xreplace(dict(zip(used, renamed, strict=True))))
    return function(*(columns[symbol] for symbol in used))


def largest_gap(model: NeuronSeekEstimator, X: pd.DataFrame, shown: list[Output]) -> float:
    """Return how far values of the formula are from the search's predictions on X (N, D), at most.

    Values by sympy of `formula_`, and of the outputs as they are `shown` in rows of which all
    categories are known; relative to the spread of the predictions, over rows and outputs. Features
    are put within the range of the training rows first, where the search has one for them.
    """
    search = model.search_
    inputs = model.formula_inputs(X)
    known = np.ones(len(inputs), dtype=bool)
    for names in _categories(X, inputs):
        known &= (inputs[names].sum(axis=1) == 1).to_numpy()
    if (ranges := search.feature_ranges) is not None:
        inputs = inputs.clip(ranges["low"].to_numpy(), ranges["high"].to_numpy(), axis=1)
    expected = np.asarray(search.decision(inputs)).reshape(len(inputs), -1)
    columns = {sp.Symbol(name): inputs[name].to_numpy() for name in inputs}
    values = np.column_stack([evaluated(expression, columns)
                              for expression in _expressions(model).values()])
    read = np.column_stack([
        output.constant + evaluated(sp.Add(*output.terms), columns) for output in shown
    ])
    gaps = [np.abs(values - expected).max(), np.abs((read - expected)[known]).max(initial=0.0)]
    return float(max(gaps) / max(expected.std(), np.finfo(float).tiny))


def terms_table(shown: list[Output]) -> pd.DataFrame:
    """Return a row a term: output, term (rounded text), effect, its share of the largest there."""
    rows = [(output.name, str(term.evalf(4)), effect,
             effect / output.effects[0] if output.effects[0] else 0.0)
            for output in shown
            for term, effect in zip(output.terms, output.effects, strict=True)]
    return pd.DataFrame(rows, columns=["output", "term", "effect", "of the largest"])


def latex(shown: list[Output], task: str, n_terms: int = 8, per_line: int = 3) -> str:
    """Return display mathematics of the outputs, the `n_terms` of largest effect of each."""
    lines = []
    for output in written(shown):
        names = {symbol: _upright(str(symbol)) for term in output.terms
                 for symbol in term.free_symbols}
        left = _upright(output.name)
        left = rf"\widehat{{{left}}}" if task == "regression" else rf"\mathrm{{logit}}({left})"
        parts = [sp.latex(sp.Float(output.constant, 3))]
        for term in output.terms[:n_terms]:
            part = sp.latex(term.evalf(3), symbol_names=names, mul_symbol="dot")
            parts.append(part if part.startswith("-") else "+ " + part)
        rest = len(output.terms) - n_terms
        if rest > 0:
            parts.append(rf"+ \dots\ (\text{{{rest} smaller terms}})")
        rows = [" ".join(parts[i:i + per_line]) for i in range(0, len(parts), per_line)]
        lines.append(left + " &= " + r" \\ &\quad ".join(rows))
    return "$$\\begin{aligned}" + r" \\ ".join(lines) + "\\end{aligned}$$"


def written(shown: list[Output]) -> list[Output]:
    """Return the outputs, less logits that are 0 everywhere for being the others' reference."""
    return [output for output in shown if output.terms or output.constant] or shown


def all_mathml(shown: list[Output], task: str, n_terms: int = 12) -> list[str]:
    """Return all outputs that are not 0 as MathML, which browsers show without any script."""
    lines = []
    for output in written(shown):
        name = sp.Symbol(output.name)
        left = name if task == "regression" else sp.Function("logit")(name)
        parts = [_presented(left), "<mo>=</mo>", _presented(sp.Float(output.constant, 3))]
        for term in output.terms[:n_terms]:
            minus = term.as_coeff_Mul()[0] < 0
            parts += [f"<mo>{'-' if minus else '+'}</mo>",
                      _presented((-term if minus else term).evalf(3))]
        rest = len(output.terms) - n_terms
        if rest > 0:
            parts.append(f"<mo>+</mo><mtext>… ({rest} smaller terms)</mtext>")
        lines.append(f"<math display='block'><mrow>{''.join(parts)}</mrow></math>")
    return lines


def _presented(expression: sp.Expr) -> str:
    return sp.mathml(expression, printer="presentation", mul_symbol="dot")


def _upright(name: str) -> str:
    return r"\mathrm{" + "".join(_ESCAPES.get(c, c) for c in name) + "}"


def facts(shown: list[Output]) -> dict[str, Any]:
    """Return what a record keeps of a formula: its size and, rounded, its largest terms."""
    return {output.name: {"terms": len(output.terms), "constant": output.constant,
                          "largest": [str(term.evalf(4)) for term in output.terms[:5]]}
            for output in shown}
