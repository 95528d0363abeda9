"""The figure of the first example."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from companion.figures import DOUBLE, PALETTE, drawing


@drawing
def hidden_formula(data: dict[str, pd.DataFrame]) -> Figure:
    """Draw found against true coefficients, and predicted against observed values.

    `data`: "coefficients" (monomial, true, found) and "predictions" (observed, predicted).
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(DOUBLE, 2.6))
    coefficients, predictions = data["coefficients"], data["predictions"]
    left.axhline(0, color="black", linewidth=0.5)
    left.axline((0, 0), slope=1, color="#9a9a9a", linewidth=0.8, linestyle="--")
    left.plot(coefficients["true"], coefficients["found"], "o", color=PALETTE[0],
              markerfacecolor="white", markersize=5, linestyle="none")
    left.set(xlabel="true coefficient", ylabel="found coefficient",
             title=f"{len(coefficients)} monomials")
    right.axline((0, 0), slope=1, color="#9a9a9a", linewidth=0.8, linestyle="--")
    right.plot(predictions["observed"], predictions["predicted"], ".", color=PALETTE[0],
               markersize=3, alpha=0.6, linestyle="none")
    right.set(xlabel="observed y (standard deviations)", ylabel="predicted y",
              title=f"{len(predictions)} fresh rows")
    return figure
