"""Statistics that several experiments share: intervals of shares, slopes of power laws."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import binomtest


def wilson(count: int, of: int) -> tuple[float, float]:
    """Return the Wilson interval of 95 % of the share `count` / `of`."""
    interval, share = binomtest(int(count), int(of)).proportion_ci(method="wilson"), count / of
    return max(min(interval.low, share), 0.0), min(max(interval.high, share), 1.0)


def known(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """Return numbers by name, with None, for "not measured", in place of those not finite."""
    return {name: float(value) if np.isfinite(value) else None for name, value in numbers.items()}


def with_intervals(table: pd.DataFrame, count: str, of: str) -> pd.DataFrame:
    """Return a table with low and high, the `wilson` interval of its columns `count` and `of`."""
    low, high = zip(*map(wilson, table[count], table[of]), strict=True)
    return table.assign(low=low, high=high)


def power_law(x: pd.Series, y: pd.Series) -> tuple[float, float]:
    """Return the slope of log y over log x by least squares, and its standard error."""
    x, y = np.log(x.to_numpy(float)), np.log(y.to_numpy(float))
    slope, constant = np.polyfit(x, y, 1)
    residual = y - slope * x - constant
    error = np.sqrt(residual @ residual / (len(x) - 2) / np.sum((x - x.mean()) ** 2))
    return float(slope), float(error)


def below_and_above(
    table: pd.DataFrame, value: str, low: str = "low", high: str = "high"
) -> list[pd.Series]:
    """Return how far the columns low and high are from a value, for the bars of a figure."""
    return [(table[value] - table[low]).clip(lower=0), (table[high] - table[value]).clip(lower=0)]
