"""Tables of runs made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from companion.experiments.tabular_grid import score_table as table


def runs(dataset, model, budget, values, *, task="regression", n=50, validation=None):
    """Rows of one cell; the validation score is the test score unless another is given."""
    metric = "mse" if task == "regression" else "accuracy"
    validation = values if validation is None else validation
    losses = validation if task == "regression" else [1 - v for v in validation]
    return pd.DataFrame({
        "dataset": dataset, "task": task, "model": model, "budget": budget,
        "seed": range(len(values)), "metric": metric, "value": values, "train_value": values,
        "validation_value": validation, "validation_loss": losses,
        "f1": [np.nan if task == "regression" else v for v in values], "n_parameters": n,
        "structure": "", "learning_rate": 0.01, "weight_decay": 1.0, "diverged": False,
        "seconds": 1.25,
    })


def joined(*parts):
    return table._typed(pd.concat(parts, ignore_index=True)[list(table.COLUMNS)])
