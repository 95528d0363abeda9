"""What a tabular rival is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from nslib import checks

MAX_SEED = 2**31 - 1  # LightGBM takes no larger one


@dataclass(frozen=True)
class TableTask:
    """Checked data of one fit.

    X (N, D) and y (N,) to train on, X_validation (M, D) and y_validation (M,); y is float for a
    regression, else int codes below `n_classes`, which is None for a regression.
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    X_validation: np.ndarray
    y_validation: np.ndarray
    n_classes: int | None
    seed: int

    def all_rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Return X (N + M, D) and y (N + M,) of training and validation rows together."""
        return (np.concatenate([self.X, self.X_validation]),
                np.concatenate([self.y, self.y_validation]))

    @property
    def regression(self) -> bool:
        """Whether the target is a number and not a class."""
        return self.n_classes is None

    @property
    def n_outputs(self) -> int:
        """Columns of a network's output: the classes, or one for a regression."""
        return self.n_classes or 1

    def standardised(self, y: np.ndarray) -> np.ndarray:
        """Return a regression's targets y (N,) by mean and deviation of those to train on."""
        return (y - self.y.mean()) / self.y.std() if self.regression else y

    def in_units(self, outputs: np.ndarray) -> np.ndarray:
        """Return standardised outputs (N,) of a regression in the units of the target."""
        return outputs * self.y.std() + self.y.mean()


class Learned(NamedTuple):
    """A fitted model: checked features (N, D) to (N,) or to probabilities (N, n_classes).

    `evaluate` can be pickled.
    """

    evaluate: Callable[[np.ndarray], np.ndarray]
    n_parameters: int | None = None


def checked_task(
    name: str, train: tuple[Any, Any], validation: tuple[Any, Any], task: str, seed: int
) -> TableTask:
    """Return the arguments of `fit_tabular` as a TableTask; its errors are those named there."""
    checks.one_of(task, "task", ("regression", "classification"))
    X, y, n_classes = _rows(train, "train", task, min_rows=3)
    X_validation, y_validation, n_validation = _rows(validation, "validation", task, min_rows=2)
    if X_validation.shape[1] != X.shape[1]:
        raise ValueError(
            f"validation X: found {X_validation.shape[1]} features, expected {X.shape[1]}"
        )
    if (X == X[0]).all():
        raise ValueError("train X: found only constant features, expected one that varies")
    if n_classes is not None:
        if len(np.unique(y)) < n_classes:
            raise ValueError(f"train y: found {len(np.unique(y))} of the codes 0 to "
                             f"{n_classes - 1}, expected all of them")
        if n_validation > n_classes:
            raise ValueError(f"validation y: found the code {n_validation - 1}, "
                             f"expected codes of the training rows, 0 to {n_classes - 1}")
    seed = checks.positive_int(seed, "seed", minimum=0, maximum=MAX_SEED)
    return TableTask(name, X, y, X_validation, y_validation, n_classes, seed)


def _rows(
    pair: tuple[Any, Any], name: str, task: str, min_rows: int
) -> tuple[np.ndarray, np.ndarray, int | None]:
    """Return X (N, D), y (N,) and, for classes, their largest code plus one."""
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise TypeError(f"{name}: found {type(pair).__name__}, expected a tuple of X and y")
    X = checks.as_matrix(pair[0], f"{name} X", min_rows)
    if task == "regression":
        return X, checks.as_target(pair[1], len(X), f"{name} y"), None
    codes, classes = checks.as_labels(pair[1], len(X), f"{name} y")
    if classes.dtype.kind not in "biuf" or classes[0] < 0:
        raise ValueError(
            f"{name} y: found the class {classes.tolist()[0]!r}, expected codes from 0 on"
        )
    y = classes.astype(np.int64)[codes]
    return X, y, int(y.max()) + 1
