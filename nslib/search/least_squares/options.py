"""Settings of the least-squares search."""

from __future__ import annotations

from dataclasses import dataclass

from ... import checks


@dataclass(frozen=True)
class LeastSquaresOptions:
    """Settings of the least-squares search.

    order, rank: highest order K, and most rank-one terms of an interaction.
    minimum_gain: share of the remaining error that a term must remove, to be read in a formula.
    restarts: random starts of every interaction.
    sweeps: most sweeps of alternating least squares from the best of the starts.
    resamples: random halves of the rows on which the choice is repeated.
    search_rows: rows by which the streams are chosen; the final fit uses all.
    chunk_rows: rows in memory at a time.
    lower: whether simpler streams are tried in place of interactions that may imitate them.
    screen: whether a few features are chosen first where rows are few for all of them.
    features: "choose": those that do not pay for their parameters have no weights, and columns that
        follow from others (copies, a reference level of one-hot columns) are left out; or "all".
    outliers: "trim": rows of a target far off all others are left out; or "keep".
    max_seconds: after these the best so far is returned, None for no end.
    """

    order: int = 5
    rank: int = 8
    minimum_gain: float = 0.01
    restarts: int = 16
    sweeps: int = 60
    resamples: int = 20
    search_rows: int = 20_000
    chunk_rows: int = 4096
    lower: bool = True
    screen: bool = True
    features: str = "choose"
    outliers: str = "trim"
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        for name, most in (("order", checks.MAX_ORDER), ("rank", checks.MAX_RANK),
                           ("restarts", checks.MAX_REPEATS), ("sweeps", checks.MAX_REPEATS),
                           ("resamples", checks.MAX_REPEATS)):
            checks.positive_int(getattr(self, name), name, maximum=most)
        checks.positive_int(self.search_rows, "search_rows", minimum=100)
        checks.positive_int(self.chunk_rows, "chunk_rows", minimum=16)
        checks.real(self.minimum_gain, "minimum_gain", 0.0, 0.99)
        checks.boolean(self.lower, "lower")
        checks.boolean(self.screen, "screen")
        checks.one_of(self.features, "features", ["choose", "all"])
        checks.one_of(self.outliers, "outliers", ["trim", "keep"])
        if self.max_seconds is not None:
            # the smallest number above zero
            checks.real(self.max_seconds, "max_seconds", 5e-324)
