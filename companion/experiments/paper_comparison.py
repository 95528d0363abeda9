"""The numbers of a run beside those of the committed record of the paper preset."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

import pandas as pd


def beside_paper(metrics: Mapping[str, Any], paper: Mapping[str, Any] | None) -> pd.DataFrame:
    """Return the numbers among `metrics`, a row each, beside those of the paper preset's record.

    `paper`: the record, of which NaN stands for what it lacks; None where there is no record.
    """
    names = [name for name, value in metrics.items() if isinstance(value, numbers.Real)]
    recorded = paper["metrics"] if paper else {}
    return pd.DataFrame({"this run": {name: metrics[name] for name in names},
                         "paper preset": {name: recorded.get(name) for name in names}}, dtype=float)
