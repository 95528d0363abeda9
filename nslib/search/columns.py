"""Mean, spread and extremes of columns that may lie on disk, in one pass over chunks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .. import checks

CHUNK_ELEMENTS = 2**18
"""Numbers read at a time: 2 MB in float64, what a processor's cache holds."""

CONSTANT = 1e-13
"""Standard deviation, as a share of the largest absolute value, below which a column counts as
constant: rounding of a mean alone leaves about 1e-16."""


@dataclass(frozen=True)
class Columns:
    """Statistics of values (N, D) by column, (D,) each, or of values (N,): scalars.

    `mean`, `scale` (standard deviation over N; a column that does not vary has its first value and
    1), `low`, `high`.
    """

    mean: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray


def chunks(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (number of the first row, copy of rows in float64) of values (N, D) or (N,)."""
    size = max(CHUNK_ELEMENTS // max(values[:1].size, 1), 1)
    for first in range(0, len(values), size):
        yield first, np.array(values[first : first + size], dtype=np.float64)


def finite_columns(values: np.ndarray, name: str) -> Columns:
    """Return the statistics of values (N, D) or (N,), at least one row.

    Every chunk is summed in units of its largest value. Raises ValueError naming `name`, the first
    value that is not finite, and their number, or a column beyond `nslib.checks.MAX_SIZE` or with a
    spread below `nslib.checks.MIN_SPREAD`.

    Source: chunks are merged as by Chan, Golub & LeVeque (1983).
    """
    count, mean, squares, size, low, high = 0, 0.0, 0.0, 0.0, np.inf, -np.inf
    for first, part in chunks(values):
        lowest, highest = part.min(axis=0), part.max(axis=0)
        if not (np.isfinite(lowest).all() and np.isfinite(highest).all()):
            raise _not_finite(values, first, name)
        low, high = np.minimum(low, lowest), np.maximum(high, highest)
        before, size = size, np.maximum(size, np.maximum(-lowest, highest))
        unit = np.where(size > 0, size, 1.0)
        mean, squares = mean * (before / unit), squares * (before / unit) ** 2
        part /= unit
        middle = part.mean(axis=0)
        part -= middle
        part *= part
        total = count + len(part)
        shift = middle - mean
        mean = mean + shift * (len(part) / total)
        squares = squares + part.sum(axis=0) + shift**2 * (count * len(part) / total)
        count = total
    scale = np.sqrt(squares / count)
    constant = scale <= CONSTANT
    first_row = np.asarray(values[0], dtype=np.float64)
    check_range(size, np.where(constant, 1.0, scale * unit), name)
    return Columns(
        np.where(constant, first_row, mean * unit), np.where(constant, 1.0, scale * unit), low, high
    )


def check_range(size: np.ndarray, spread: np.ndarray, name: str) -> None:
    """Raise ValueError, naming `name` and the column, where numbers would leave float64.

    `size`, `spread` (D,) or scalars: the largest absolute values and the standard deviations.
    """
    for values, bad, what, limit in (
        (size, size > checks.MAX_SIZE, "values up to", f"most {checks.MAX_SIZE:g} in size"),
        (spread, spread < checks.MIN_SPREAD, "a spread of", f"least {checks.MIN_SPREAD:g}"),
    ):
        if np.any(bad):
            column = int(np.argmax(bad))
            place = f" in column {column}" if np.ndim(bad) else ""
            raise ValueError(f"{name}: found {what} {np.ravel(values)[column]:.3g}{place}, "
                             f"expected at {limit}; use other units")


def finite_chunks(values: np.ndarray, name: str) -> Iterator[np.ndarray]:
    """Yield copies in float64, (n, D) or (n,), of the rows of values (N, D) or (N,).

    Raises ValueError naming `name` for numbers that are not finite.
    """
    for first, part in chunks(values):
        if not np.isfinite(part).all():
            raise _not_finite(values, first, name)
        yield part


def _not_finite(values: np.ndarray, start: int, name: str) -> ValueError:
    """Return the error that names the first of values (N, D) or (N,) that is not finite.

    The search for it begins in row `start`.
    """
    where, count = None, 0
    for first, part in chunks(values[start:]):
        bad = ~np.isfinite(part)
        if where is None:
            row, *column = (int(i) for i in np.argwhere(bad)[0])
            where = (start + first + row, *column)
        count += int(bad.sum())
    place = where[0] if len(where) == 1 else where
    return ValueError(f"{name}: found {values[where]} at {place} ({count} such), "
                      "expected finite numbers")
