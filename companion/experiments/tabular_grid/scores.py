"""Scores of predictions in the predecessor's units, and what counts as diverged."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import f1_score

from .splits import PARTS, Split

DIVERGED = 4.0
"""A test loss above this many times that of a constant prediction counts as diverged."""


def scores(split: Split, outputs: dict[str, np.ndarray]) -> dict[str, dict[str, float | None]]:
    """Return the scores of each part: mse and r2, or accuracy, macro F1 and log_loss.

    `outputs`: by part, predictions (N,) in the units of `split.y`, or probabilities (N, C). A
    score that is not finite is None.
    """
    one = _regression if split.n_classes is None else _classification
    return {
        part: {name: value if np.isfinite(value) else None
               for name, value in one(split, split.y[part], outputs[part]).items()}
        for part in PARTS
    }


def diverged(split: Split, found: dict[str, dict[str, Any]]) -> bool:
    """Tell whether the test loss is not finite or far above that of a constant prediction."""
    y, y_train = split.y["test"], split.y["train"]
    if split.n_classes is None:
        loss, constant = found["test"]["mse"], float(np.mean((y - y_train.mean()) ** 2))
    else:
        shares = np.bincount(y_train, minlength=split.n_classes) / len(y_train)
        loss, constant = found["test"]["log_loss"], float(-np.log(shares[y]).mean())
    return loss is None or loss > DIVERGED * constant


def main_score(task: str) -> str:
    """Return the name of the score that tables show: "mse" or "accuracy"."""
    return "mse" if task == "regression" else "accuracy"


def _regression(split: Split, y: np.ndarray, found: np.ndarray) -> dict[str, float]:
    mse = float(np.mean((y - found) ** 2))
    variance = float(np.var(y))
    return {"mse": mse, "r2": 1.0 - mse / variance if variance else np.nan}


def _classification(split: Split, y: np.ndarray, found: np.ndarray) -> dict[str, float]:
    if not np.isfinite(found).all():
        return dict.fromkeys(("accuracy", "f1", "log_loss"), np.nan)
    codes = found.argmax(axis=1)
    chosen = np.clip(found[np.arange(len(y)), y], np.finfo(np.float64).eps, 1.0)
    labels = range(split.n_classes)
    return {
        "accuracy": float(np.mean(codes == y)),
        "f1": float(f1_score(y, codes, average="macro", labels=labels, zero_division=0)),
        "log_loss": float(-np.log(chosen).mean()),
    }
