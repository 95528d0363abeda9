"""Two laws of physics as tests of a search: the mass of a pair of particles, sizes of asteroids.

For electrons, whose own mass is negligible, M² = 2 (E₁E₂ - p₁·p₂): a polynomial of the energies
and momenta, of which M is the root. The diameter of an asteroid (km) of absolute magnitude H and
albedo p is D = 1329 p^(-1/2) 10^(-H/5), whose logarithm is linear in H and log₁₀ p. Sources: the
kinematics of special relativity; Fowler and Chillemi, IRAS asteroid data processing (1992).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split

from nslib import checks
from nslib.data import load_tabular
from nslib.search import SearchResult, search

from .compare_rivals import ASTEROID, COLLISION

MOMENTA = tuple(f"{part}{i}" for i in (1, 2) for part in ("E", "px", "py", "pz"))
SQUARE = {"E1*E2": 2.0, "px1*px2": -2.0, "py1*py2": -2.0, "pz1*pz2": -2.0}  # the law of M²
SOURCES = ("generated", "measured")


class Case(NamedTuple):
    """A quantity, its features X (N, D) and target y (N,), and the law's coefficients, if any."""

    quantity: str
    X: pd.DataFrame
    y: np.ndarray
    law: dict[str, float]


def cases(source: str = "generated", n_samples: int = 1000, seed: int = 0) -> list[Case]:
    """Return the mass and its square, the diameter and its logarithm, with their features.

    `source`: "generated", `n_samples` exact pairs and asteroids drawn by `seed`, or "measured",
    the sets `cern_dielectron_sample` and `asteroid_diameter`, asteroids with a known albedo.
    """
    checks.one_of(source, "source", SOURCES)
    generated = source == "generated"
    pairs, mass = _collisions(n_samples, seed) if generated else _measured(COLLISION, MOMENTA)
    rocks, diameter = _asteroids(n_samples, seed) if generated else _measured(
        ASTEROID, ("H", "albedo")
    )
    logs = pd.DataFrame({"H": rocks["H"], "log_albedo": np.log10(rocks["albedo"])})
    return [
        Case("M", pairs, mass, {}),
        Case("M²", pairs, mass**2, SQUARE),
        Case("D", rocks, diameter, {}),
        Case("log₁₀ D", logs, np.log10(diameter), {"H": -0.2, "log_albedo": -0.5}),
    ]


def _collisions(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return momenta (n, 8) of pairs of particles and their mass (n,)."""
    rng = np.random.default_rng(seed)
    pt = rng.uniform(5.0, 60.0, (n, 2))  # GeV
    eta, phi = rng.uniform(-2.4, 2.4, (n, 2)), rng.uniform(-np.pi, np.pi, (n, 2))
    parts = np.stack(
        [pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=-1
    )
    square = 2 * pt.prod(axis=1) * (np.cosh(eta[:, 0] - eta[:, 1]) - np.cos(phi[:, 0] - phi[:, 1]))
    return pd.DataFrame(parts.reshape(n, 8), columns=list(MOMENTA)), np.sqrt(square)


def _asteroids(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return magnitude and albedo (n, 2) of asteroids and their diameter (n,)."""
    rng = np.random.default_rng(seed)
    magnitude, albedo = rng.uniform(11.0, 18.0, n), 10 ** rng.uniform(-1.6, -0.3, n)
    rocks = pd.DataFrame({"H": magnitude, "albedo": albedo})
    return rocks, 1329 * albedo**-0.5 * 10 ** (-magnitude / 5)


def _measured(name: str, columns: Sequence[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """Return columns (n, d) of the rows of a data set that have them, and its target (n,)."""
    data = load_tabular(name)
    known = data.X[list(columns)].astype(float).dropna()
    return known.reset_index(drop=True), data.y.loc[known.index].to_numpy(float)


def searched(cases: list[Case], seed: int = 0) -> pd.DataFrame:
    """Search each case on four fifths of its rows and judge the formula on the others.

    Columns: quantity, structure, unexplained (share of the variance of the test rows), linear (that
    of a linear model), terms (monomials of the law, or the largest of the formula, to their
    coefficients in the units of the data), law (those of the law, empty where it is no polynomial).
    A feature of the law has its mean slope on the test rows, which is the coefficient of a line.
    """
    rows = []
    for case in cases:
        X, X_test, y, y_test = train_test_split(case.X, case.y, test_size=0.2, random_state=seed)
        result = search(X, y, "als", seed=seed)
        linear = LinearRegression().fit(X, y).predict(X_test)
        terms = coefficients(result)
        shown = {
            name: slope(result, X_test, name) if name in X else terms.get(name, 0.0)
            for name in case.law
        } or dict(sorted(terms.items(), key=lambda item: -abs(item[1]))[:4])
        rows.append({
            "quantity": case.quantity, "structure": str(result.structure),
            "unexplained": unexplained(y_test, result.predict(X_test)),
            "linear": unexplained(y_test, linear), "terms": shown, "law": case.law,
        })
    return pd.DataFrame(rows)


def unexplained(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return the mean squared error of predictions (N,) over the variance of the target (N,)."""
    return float(np.mean((y - predicted) ** 2) / np.var(y))


def coefficients(result: SearchResult) -> dict[str, float]:
    """Return the monomials of a regression's formula in raw units, without the constant."""
    terms = [term.as_coeff_Mul() for term in result.formula(raw=True).as_ordered_terms()]
    return {str(monomial): float(c) for c, monomial in terms if not monomial.is_number}


def slope(result: SearchResult, X: pd.DataFrame, name: str) -> float:
    """Return the mean derivative of the formula by a feature of X (N, D), by differences."""
    step = 0.01 * X[name].std()
    high, low = (X.assign(**{name: X[name] + sign * step}) for sign in (1, -1))
    return float(np.mean(result.predict(high) - result.predict(low)) / (2 * step))


def from_record(laws: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return the table of `searched` from a record's mapping of quantities to its rows."""
    return pd.DataFrame([{"quantity": name, **row} for name, row in laws.items()])


def sentences(laws: pd.DataFrame) -> list[str]:
    """Return what the table of `searched` says, a sentence a quantity."""
    lines = []
    for row in laws.itertuples():
        text = (f"{row.quantity}: {row.structure} leaves {row.unexplained:.2g} of the variance, a "
                f"linear model {row.linear:.2g}")
        terms = ", ".join(f"{name} {row.terms[name]:.3g} (law {value:.3g})"
                          for name, value in row.law.items())
        lines.append(f"{text}; {terms}" if terms else text)
    return lines


def terms_of_the_laws(structures: pd.DataFrame) -> list[str]:
    """Say which terms of the laws lead in the least-squares searches on the whole sets.

    `structures`: of `real_world_runs.structures`. VSR gives all features one weight, and formulas
    of the gated search are too long to be expanded, so neither has leading terms in this sense.
    """
    wanted = {COLLISION: tuple(SQUARE), ASTEROID: ("H", "albedo")}
    lines = []
    for row in structures[structures["method"] == "als"].itertuples():
        if row.dataset in wanted:
            terms = [set(term.split("*")) for term in row.leading.split()[1::2]]
            there = [name for name in wanted[row.dataset] if set(name.split("*")) in terms]
            lines.append(f"{row.dataset}, {row.method}: of {', '.join(wanted[row.dataset])} "
                         f"among the leading terms: {', '.join(there) or 'none'}")
    return lines
