"""What an estimator makes of a table: encoded columns for the search, bounded ones for networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .. import checks
from ..data.bounded import PiecewiseLinearEncoder, SmoothClipper
from ..data.table_encoder import KINDS, TableEncoder
from ..formula import feature_symbols
from ..search.columns import check_range


class Features:
    """The preprocessing of a table, learnt on training rows.

    `encoded` is what the search sees: numbers in the units of the data, categories as zeros and
    ones or codes. `bounded` is what networks see: these scaled by median and quartiles, clipped
    smoothly to (-3, 3), then the columns of the bins, if any.
    """

    def __init__(
        self, table: TableEncoder, clipper: SmoothClipper, bins: PiecewiseLinearEncoder | None
    ) -> None:
        self.table, self.clipper, self.bins = table, clipper, bins

    @classmethod
    def learnt(cls, X: pd.DataFrame, n_bins: int) -> Features:
        """Return the preprocessing learnt on the training rows X."""
        table, clipper = TableEncoder(), SmoothClipper()
        encoded = table.fit_transform(X)
        check_range(np.abs(encoded).max(axis=0), np.ones(encoded.shape[1]), "X")
        bounded = clipper.fit_transform(encoded)
        bins = PiecewiseLinearEncoder(n_bins).fit(bounded) if n_bins else None
        return cls(table, clipper, bins)

    def encoded(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the encoded columns (N, columns), named; ValueError for names found twice."""
        names = list(X.columns)
        if not all(isinstance(name, str) for name in names):
            names = [str(symbol) for symbol in feature_symbols(None, X.shape[1])]
        names = self.table.names_of(names)
        return pd.DataFrame(self.table.transform(X), columns=names)

    def bounded(self, X: pd.DataFrame) -> np.ndarray:
        """Return the features of networks (N, D)."""
        bounded = self.clipper.transform(self.table.transform(X))
        return bounded if self.bins is None else self.bins.transform(bounded)

    @property
    def n_bounded(self) -> int:
        """The number of columns of `bounded`."""
        bins = [] if self.bins is None else [self.bins.edges_[i] for i in self.bins.encoded_]
        return len(self.clipper.median_) + sum(len(edges) - 1 for edges in bins)

    def to_state(self) -> dict[str, Any]:
        """Return all that was learnt as plain lists, numbers and text."""
        bins = None
        if self.bins is not None:
            bins = {"n_bins": int(self.bins.n_bins),
                    "edges": [edges.tolist() for edges in self.bins.edges_]}
        return {"columns": self.table.columns_, "median": self.clipper.median_.tolist(),
                "scale": self.clipper.scale_.tolist(), "limit": float(self.clipper.limit),
                "bins": bins}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Features:
        """Return the preprocessing of a state; KeyError, TypeError or ValueError for others."""
        table, clipper = TableEncoder(), SmoothClipper(checks.real(state["limit"], "limit", 1e-100))
        for column in state["columns"]:
            _check_column(column)
        table.columns_ = state["columns"]
        n = clipper.n_features_in_ = len(table.names_of([""] * len(table.columns_)))
        clipper.median_ = checks.finite_numbers(state["median"], "median", (n,))
        clipper.scale_ = checks.finite_numbers(state["scale"], "scale", (n,))
        if not (clipper.scale_ > 0).all():
            raise ValueError("scale: found a number that is not positive")
        bins = None
        if state["bins"] is not None:
            bins = PiecewiseLinearEncoder(checks.positive_int(state["bins"]["n_bins"], "n_bins"))
            edges = [checks.finite_numbers(e, "edges", (len(e),)) for e in state["bins"]["edges"]]
            if len(edges) != n or not all(len(e) and (np.diff(e) > 0).all() for e in edges):
                raise ValueError(f"edges: found other than {n} rows of ascending numbers")
            bins.edges_ = edges
            bins.encoded_ = [i for i, edges in enumerate(bins.edges_) if len(edges) > 2]
            bins.n_features_in_ = len(bins.edges_)
        return cls(table, clipper, bins)


def _check_column(column: dict[str, Any]) -> None:
    """Raise KeyError, TypeError or ValueError unless it is one as `TableEncoder.columns_` has."""
    if checks.one_of(column["kind"], "kind", KINDS) == "number":
        checks.real(column["median"], "median")
        return
    categories = column["categories"]
    if not (isinstance(categories, list) and all(isinstance(c, str) for c in categories)
            and 0 < len(set(categories)) == len(categories)):
        raise ValueError(f"categories: found {checks.shown(categories)}, expected distinct names")
