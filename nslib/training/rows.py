"""The rows that many models train on and are validated on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from .. import checks
from .stacked import Buffers, StackedNetworks, prediction_losses, predictions

_EVALUATED = 16_384  # models times rows of a forward pass without gradients
_POSITIONS = 2**20  # models times rows times positions (pixels) of one


def rows_at_once(shape: tuple[int, ...], most: int) -> int:
    """Return how many rows go through a network at once: `most` of shape (D,), fewer images.

    What a convolution keeps of (channels, height, width) grows with height times width.
    """
    return max(1, min(most, _POSITIONS // max(1, math.prod(shape[1:]))))


def _shares(weights: np.ndarray | None, n_rows: int) -> np.ndarray:
    """Return weights (n_rows,) over their sum; None: all are equal."""
    return np.full(n_rows, 1 / n_rows) if weights is None else weights / weights.sum()


@dataclass(frozen=True, eq=False)
class Part:
    """The rows that one model sees. Several models may share a part.

    Parameters
    ----------
    X_train, X_validation : array-like (N, ...) and (M, ...)
        Features to train on and to validate by: N or M rows of one shape, say (N, D) or images
        (N, channels, height, width). Finite; float32 and float64 arrays are not copied.
    y_train, y_validation : array-like (N,) and (M,)
        Floating-point targets in units in which their variance is about one, or class codes
        0, 1, … of an integer type.
    seed : int
        Gives the order in which training rows are drawn.
    weights_train, weights_validation : array-like (N,) and (M,), optional
        How much the loss of each row counts, at least 0; each loss is a weighted mean.

    Raises
    ------
    TypeError, ValueError
        For features that are not finite numbers, what does not fit each other, negative codes, and
        weights that are negative or all zero.
    """

    X_train: np.ndarray
    y_train: np.ndarray
    X_validation: np.ndarray
    y_validation: np.ndarray
    seed: int = 0
    weights_train: np.ndarray | None = None
    weights_validation: np.ndarray | None = None

    def __post_init__(self) -> None:
        checks.positive_int(self.seed, "seed", minimum=0)
        for rows in ("train", "validation"):
            X = checks.as_batch(getattr(self, f"X_{rows}"), f"X_{rows}")
            name = f"y_{rows}"
            y = checks.as_array(getattr(self, name), name)
            if y.shape != (len(X),):
                raise ValueError(f"{name}: found shape {y.shape}, expected ({len(X)},)")
            if y.dtype.kind not in "iuf":
                raise TypeError(f"{name}: found dtype {y.dtype}, expected numbers or class codes")
            if not np.isfinite(y).all():
                raise ValueError(f"{name}: found NaN or infinity, expected finite numbers")
            if y.dtype.kind != "f" and y.min() < 0:
                raise ValueError(f"{name}: found {y.min()}, expected class codes 0, 1, …")
            for values, where in ((X, f"X_{rows}"), (y, name)):
                largest = max((values.min(), values.max()), key=abs)
                if abs(float(largest)) > np.finfo(np.float32).max:
                    raise ValueError(f"{where}: found {largest:g}, expected numbers within "
                                     "±3.4e+38, the range of single precision")
            object.__setattr__(self, f"X_{rows}", X)
            object.__setattr__(self, name, y.astype(float if y.dtype.kind == "f" else np.int64))
            name = f"weights_{rows}"
            if (weights := getattr(self, name)) is not None:
                weights = checks.sample_weights(weights, len(X), name)
                object.__setattr__(self, name, weights / weights.max())
        if self.X_train.shape[1:] != self.X_validation.shape[1:]:
            raise ValueError(f"X_validation: found rows of shape {self.X_validation.shape[1:]}, "
                             f"expected {self.X_train.shape[1:]} as in X_train")
        if (self.y_train.dtype.kind == "f") != (self.y_validation.dtype.kind == "f"):
            raise TypeError(f"y_validation: found dtype {self.y_validation.dtype}, "
                            f"expected the task of y_train ({self.y_train.dtype})")

    @property
    def regression(self) -> bool:
        """Whether the targets are numbers, not class codes."""
        return self.y_train.dtype.kind == "f"


class TrainingRows:
    """Training batches and validation losses of S models, model s on `parts[s]`, on a device."""

    def __init__(self, parts: Sequence[Part], device: torch.device) -> None:
        distinct = list({id(part): part for part in parts}.values())
        place = {id(part): i for i, part in enumerate(distinct)}
        self.parts, self.device = distinct, device
        self.part_of = torch.tensor([place[id(part)] for part in parts], device=device)
        kinds = {(part.X_train.shape[1:], part.regression) for part in distinct}
        if len(kinds) > 1:
            raise ValueError(f"parts: found (shape of a row, regression) {sorted(kinds)}, "
                             "expected one kind")
        self.shape, self.regression = kinds.pop()
        self.limits = [
            (float(part.y_train.min()), float(part.y_train.max())) if self.regression else None
            for part in parts
        ]
        if self.regression:
            self.bounds = torch.tensor(self.limits, dtype=torch.float32, device=device)
        X = [part.X_train for part in distinct] + [part.X_validation for part in distinct]
        y = [part.y_train for part in distinct] + [part.y_validation for part in distinct]
        self.n_classes = 1 + max(int(codes.max()) for codes in y)
        kind = np.float32 if self.regression else np.int64
        self.features = torch.from_numpy(np.concatenate(X, dtype=np.float32)).to(device)
        self.targets = torch.from_numpy(np.concatenate(y, dtype=kind)).to(device)
        self.lengths = [len(part.X_train) for part in distinct]
        *self.starts, _ = accumulate(map(len, X), initial=0)
        starts = torch.tensor(self.starts[len(distinct) :]).unsqueeze(1)
        lengths = torch.tensor([len(part.X_validation) for part in distinct]).unsqueeze(1)
        places = torch.arange(lengths.max())
        # where the validation rows of each part are, those of shorter parts again, of weight zero
        self.validation = (starts + places % lengths).to(device)
        self.weights = ((places < lengths) / lengths).to(device)
        self.training_weights: Tensor | None = None
        if any(part.weights_train is not None for part in distinct):
            means = [_shares(part.weights_train, n) * n
                     for part, n in zip(distinct, self.lengths, strict=True)]
            self.training_weights = torch.from_numpy(np.concatenate(means)).float().to(device)
        for i, part in enumerate(distinct):
            if part.weights_validation is not None:
                n = len(part.X_validation)
                shares = torch.from_numpy(_shares(part.weights_validation, n))
                self.weights[i, :n] = shares.to(self.weights)
        self._orders: list[tuple[int, Tensor] | None] = [None] * len(distinct)

    def batch(self, models: Tensor, step: int, size: int) -> tuple[Tensor, Tensor]:
        """Return the features (S, size, ...) and targets (S, size) of a step for models (S,).

        Seed and epoch give the order of rows; what is left of an epoch, less than a batch, waits.
        """
        rows, n = self._batch_rows(models, step, size), len(models)
        x, y = self.features.index_select(0, rows), self.targets.index_select(0, rows)
        return x.view(n, size, *self.shape), y.view(n, size)

    def batch_weights(self, models: Tensor, step: int, size: int) -> Tensor | None:
        """Return the weights (S, size) of the rows of `batch`; None where no part has any.

        Their mean is one over all training rows of a part.
        """
        if self.training_weights is None:
            return None
        rows = self._batch_rows(models, step, size)  # the training rows of all parts come first
        return self.training_weights.index_select(0, rows).view(len(models), size)

    def _batch_rows(self, models: Tensor, step: int, size: int) -> Tensor:
        """Return where in `features` the rows of a step for models (S,) are, (S size,)."""
        return torch.cat([self._rows_of(i, step, size) for i in self.part_of[models].tolist()])

    def _rows_of(self, part: int, step: int, size: int) -> Tensor:
        """Return where in `features` the rows of a part in a step are, (size,)."""
        n = self.lengths[part]
        epoch, place = divmod(step, n // size)
        kept = self._orders[part]
        if kept is None or kept[0] != epoch:
            seed = int(np.random.SeedSequence((self.parts[part].seed, epoch)).generate_state(1)[0])
            order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
            kept = self._orders[part] = epoch, (order + self.starts[part]).to(self.device)
        return kept[1][place * size : (place + 1) * size]

    def validation_losses(
        self, networks: StackedNetworks, matrix: Tensor, buffers: Buffers, models: Tensor
    ) -> Tensor:
        """Return the mean loss (S,) on the validation rows of the part of each of models (S,).

        Of predictions as a `FittedNetwork` makes them, with parameters `matrix` (S, P).
        """
        parts = self.part_of[models]
        total = torch.zeros(len(models), device=self.device)
        rows = max(1, rows_at_once(self.shape, _EVALUATED) // len(models))
        for i in range(0, self.weights.shape[1], rows):
            chunk = slice(i, i + rows)
            places = self.validation[parts, chunk]
            outputs = networks(matrix, buffers, self.features[places])
            predicted = predictions(outputs, self.regression)
            if self.regression:
                predicted = predicted.clamp(*self.bounds[models].split(1, dim=1))
            losses = prediction_losses(predicted, self.targets[places])
            total += (losses * self.weights[parts, chunk]).sum(1)
        return total
