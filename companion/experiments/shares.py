"""Statistics that several experiments share: intervals of shares, slopes of power laws."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import binomtest


def with_intervals(table: pd.DataFrame, count: str, of: str) -> pd.DataFrame:
    """Return a table with the 95 % Wilson interval, low and high, of its share `count` / `of`."""
    bounds = []
    for k, n in zip(table[count].astype(int), table[of].astype(int), strict=True):
        interval = binomtest(k, n).proportion_ci(method="wilson")
        bounds.append((max(min(interval.low, k / n), 0.0), min(max(interval.high, k / n), 1.0)))
    low, high = np.reshape(bounds, (-1, 2)).T
    return table.assign(low=low, high=high)


def power_law(x: pd.Series, y: pd.Series) -> tuple[float, float]:
    """Return the slope of log y over log x by least squares, and its standard error."""
    x, y = np.log(x.to_numpy(float)), np.log(y.to_numpy(float))
    slope, constant = np.polyfit(x, y, 1)
    residual = y - slope * x - constant
    error = np.sqrt(residual @ residual / (len(x) - 2) / np.sum((x - x.mean()) ** 2))
    return float(slope), float(error)
