"""The rows of a data set for one seed, what is learnt from which, and scores of predictions.

A formula belongs to a data set, not to a seed, so the rows that searches see are chosen once and
are in no test part. The test part of a seed is a fifth of the data, as the predecessor's, drawn
from all other rows. Features are prepared by what the training rows say alone; the scaling of the
target, which gives errors their unit, also sees the validation rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

from companion.experiments.table_preparation import preprocessor, target_scaler
from nslib.data import TabularData

from .settings import SEARCH_SEED, SEARCH_SHARE, TEST_SHARE, VALIDATION_SHARE

PARTS = ("train", "validation", "test")

DIVERGED = 4.0
"""A test loss above this many times that of a constant prediction counts as diverged."""


@dataclass(frozen=True, eq=False)
class Split:
    """A data set divided for one seed.

    `X`, `y`: by the names of `PARTS`; features (N, D) as published (DataFrames), targets (N,) in
    the units of errors, float64, or int64 class codes. `mean`, `scale`: of the training targets,
    for networks that want them standardised (0 and 1 for classes). `n_classes`: None for a
    regression.
    """

    name: str
    task: str
    seed: int
    X: dict[str, pd.DataFrame]
    y: dict[str, np.ndarray]
    mean: float
    scale: float
    n_classes: int | None

    @property
    def n_outputs(self) -> int:
        """Outputs of a network: one, or the number of classes."""
        return self.n_classes or 1

    def features(self, scaling: str = "robust", n_bins: int = 0) -> dict[str, np.ndarray]:
        """Return the features of each part as numbers (rows, columns), learnt from training rows.

        See `table_preparation.preprocessor`; types of columns are told from the training rows too.
        """
        prepare = preprocessor(scaling, n_bins).fit(self.X["train"])
        return {part: prepare.transform(self.X[part]) for part in PARTS}

    def targets(self) -> dict[str, np.ndarray]:
        """Return the targets (N,) that networks train on: standardised, or class codes."""
        if self.n_classes is not None:
            return dict(self.y)
        return {part: (y - self.mean) / self.scale for part, y in self.y.items()}

    def in_units(self, outputs: np.ndarray) -> np.ndarray:
        """Return a network's outputs (N,) in the units of `y`; probabilities (N, C) stay."""
        return outputs * self.scale + self.mean if self.n_classes is None else outputs


def search_rows(data: TabularData) -> np.ndarray:
    """Return which rows (N,) bool searches may see: the same for all seeds, and tested by none."""
    chosen = np.zeros(len(data.y), dtype=bool)
    chosen[_drawn(data, np.arange(len(chosen)), SEARCH_SHARE, SEARCH_SEED)[1]] = True
    return chosen


def divide(data: TabularData, seed: int) -> Split:
    """Return the rows of `data` divided for `seed`; classes are stratified in each part.

    Raises ValueError for a class too small to be divided.
    """
    searched = search_rows(data)
    others = np.flatnonzero(~searched)
    kept, test = _drawn(data, others, TEST_SHARE * len(searched) / len(others), seed)
    rest = np.sort(np.concatenate([kept, np.flatnonzero(searched)]))
    train, validation = _drawn(data, rest, VALIDATION_SHARE, seed)
    rows = dict(zip(PARTS, (train, validation, test), strict=True))
    classes = None if data.task == "regression" else np.unique(data.y)
    y_rest = data.y.iloc[rest]
    X = {part: data.X.iloc[chosen] for part, chosen in rows.items()}
    raw = {part: data.y.iloc[chosen] for part, chosen in rows.items()}
    if classes is not None:
        y = {part: np.searchsorted(classes, values).astype(np.int64)
             for part, values in raw.items()}
        return Split(data.name, data.task, seed, X, y, 0.0, 1.0, len(classes))
    scaler = target_scaler(data.target_scaling).fit(_column(y_rest))
    y = {part: scaler.transform(_column(values))[:, 0] for part, values in raw.items()}
    scale = float(y["train"].std())
    return Split(data.name, data.task, seed, X, y, float(y["train"].mean()), scale or 1.0, None)


def misplaced_rows(data: TabularData, seed: int) -> int:
    """Return how many rows are not in exactly one part, or tested though searches may see them."""
    parts = divide(data, seed).X
    rows = pd.Index(np.concatenate([part.index for part in parts.values()]))
    searched = data.X.index[search_rows(data)]
    wrong = rows[rows.duplicated()].union(data.X.index.symmetric_difference(rows))
    return len(wrong.union(searched.intersection(parts["test"].index)).unique())


def _drawn(
    data: TabularData, rows: np.ndarray, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return `rows` (N,), which are positions, less a share, and the share drawn by the seed."""
    return train_test_split(
        rows, test_size=share, random_state=seed,
        stratify=None if data.task == "regression" else data.y.iloc[rows],
    )


def _column(y: pd.Series) -> np.ndarray:
    """Return targets (N,) as a column (N, 1)."""
    return y.to_numpy(dtype=np.float64).reshape(-1, 1)


def main_score(task: str) -> str:
    """Return the name of the score that tables show: "mse" or "accuracy"."""
    return "mse" if task == "regression" else "accuracy"


def scores(split: Split, outputs: dict[str, np.ndarray]) -> dict[str, dict[str, float | None]]:
    """Return the scores of each part: mse and r2, or accuracy, macro F1 and log_loss.

    `outputs`: by part, predictions (N,) in the units of `split.y`, or probabilities (N, C). A
    score that is not finite is None.
    """
    one = _regression if split.n_classes is None else _classification
    return {part: {name: value if np.isfinite(value) else None
                   for name, value in one(split.y[part], outputs[part]).items()}
            for part in PARTS}


def diverged(split: Split, by_part: dict[str, dict[str, Any]]) -> bool:
    """Tell whether the test loss of `scores` is not finite or far above a constant prediction's."""
    y, y_train = split.y["test"], split.y["train"]
    if split.n_classes is None:
        loss, constant = by_part["test"]["mse"], float(np.mean((y - y_train.mean()) ** 2))
    else:
        shares = np.bincount(y_train, minlength=split.n_classes) / len(y_train)
        loss, constant = by_part["test"]["log_loss"], float(-np.log(shares[y]).mean())
    return loss is None or loss > DIVERGED * constant


def _regression(y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return the scores of predictions (N,) for targets y (N,)."""
    mse = float(np.mean((y - predicted) ** 2))
    variance = float(np.var(y))
    return {"mse": mse, "r2": 1.0 - mse / variance if variance else np.nan}


def _classification(y: np.ndarray, shares: np.ndarray) -> dict[str, float]:
    """Return the scores of probabilities (N, C) for class codes y (N,)."""
    if not np.isfinite(shares).all():
        return dict.fromkeys(("accuracy", "f1", "log_loss"), np.nan)
    codes = shares.argmax(axis=1)
    chosen = np.clip(shares[np.arange(len(y)), y], np.finfo(np.float64).eps, 1.0)
    labels = range(shares.shape[1])
    return {
        "accuracy": float(np.mean(codes == y)),
        "f1": float(f1_score(y, codes, average="macro", labels=labels, zero_division=0)),
        "log_loss": float(-np.log(chosen).mean()),
    }
