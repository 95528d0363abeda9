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
    """Return how many rows of a shape go through a network at once: `most` of (D,), fewer images.

    What a convolution keeps of (channels, height, width) grows with height times width.
    """
    return max(1, min(most, _POSITIONS // max(1, math.prod(shape[1:]))))


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

    Raises
    ------
    TypeError, ValueError
        For features that are not finite numbers or of other shapes in the two sets of rows, targets
        of another number or type, negative class codes.
    """

    X_train: np.ndarray
    y_train: np.ndarray
    X_validation: np.ndarray
    y_validation: np.ndarray
    seed: int = 0

    def __post_init__(self) -> None:
        checks.positive_int(self.seed, "seed", minimum=0)
        for rows in ("train", "validation"):
            X = checks.as_batch(getattr(self, f"X_{rows}"), f"X_{rows}")
            y, name = np.asarray(getattr(self, f"y_{rows}")), f"y_{rows}"
            if y.shape != (len(X),):
                raise ValueError(f"{name}: found shape {y.shape}, expected ({len(X)},)")
            if y.dtype.kind not in "iuf":
                raise TypeError(f"{name}: found dtype {y.dtype}, expected numbers or class codes")
            if not np.isfinite(y).all():
                raise ValueError(f"{name}: found NaN or infinity, expected finite numbers")
            if y.dtype.kind != "f" and y.min() < 0:
                raise ValueError(f"{name}: found {y.min()}, expected class codes 0, 1, …")
            object.__setattr__(self, f"X_{rows}", X)
            object.__setattr__(self, name, y.astype(float if y.dtype.kind == "f" else np.int64))
        if self.X_train.shape[1:] != self.X_validation.shape[1:]:
            raise ValueError(
                f"X_validation: found rows of shape {self.X_validation.shape[1:]}, "
                f"expected {self.X_train.shape[1:]} as in X_train"
            )
        if (self.y_train.dtype.kind == "f") != (self.y_validation.dtype.kind == "f"):
            raise TypeError(
                f"y_validation: found dtype {self.y_validation.dtype}, "
                f"expected the task of y_train ({self.y_train.dtype})"
            )

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
            raise ValueError(
                f"parts: found (shape of a row, regression) {sorted(kinds)}, expected one kind"
            )
        self.shape, self.regression = kinds.pop()
        self.lengths = [len(part.X_train) for part in distinct]
        self.starts = [0, *accumulate(self.lengths)][:-1]
        kind = torch.float32 if self.regression else torch.int64
        self.features = _joined([p.X_train for p in distinct], torch.float32).to(device)
        self.targets = _joined([p.y_train for p in distinct], kind).to(device)
        self.ends = torch.tensor([(p.y_train.min(), p.y_train.max()) for p in distinct])
        self.bounds = self.ends.float().to(device)
        self.validation_features = _padded([p.X_validation for p in distinct],
                                           torch.float32).to(device)
        self.validation_targets = _padded([p.y_validation for p in distinct], kind).to(device)
        lengths = torch.tensor([len(p.X_validation) for p in distinct])
        valid = torch.arange(lengths.max()) < lengths.unsqueeze(1)
        self.weights = (valid / lengths.unsqueeze(1)).to(device)
        self._orders: list[tuple[int, Tensor] | None] = [None] * len(distinct)

    def batch(self, models: Tensor, step: int, size: int) -> tuple[Tensor, Tensor]:
        """Return the features (S, size, ...) and targets (S, size) of a step for models (S,).

        Every epoch visits the rows of a part in a new order that its seed and the epoch give; what
        is left at its end, less than a batch, waits for another epoch.
        """
        parts = self.part_of[models].tolist()
        rows = torch.cat([self._rows_of(i, step, size) for i in parts])
        x, y = self.features.index_select(0, rows), self.targets.index_select(0, rows)
        return x.view(len(parts), size, *self.shape), y.view(len(parts), size)

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

        It is that of the predictions of a `FittedNetwork`, within the limits of the targets, with
        the parameters `matrix` (S, P) and the buffers.
        """
        parts = self.part_of[models]
        total = torch.zeros(len(models), device=self.device)
        rows = max(1, rows_at_once(self.shape, _EVALUATED) // len(models))
        low, high = self.bounds[parts].split(1, dim=1)
        for i in range(0, self.weights.shape[1], rows):
            chunk = slice(i, i + rows)
            outputs = networks(matrix, buffers, self.validation_features[parts, chunk])
            predicted = predictions(outputs, self.regression)
            predicted = predicted.clamp(low, high) if self.regression else predicted
            losses = prediction_losses(predicted, self.validation_targets[parts, chunk])
            total += (losses * self.weights[parts, chunk]).sum(1)
        return total

    def limits(self) -> list[tuple[float, float] | None]:
        """Return the lowest and highest training target of each model, None for classes."""
        if not self.regression:
            return [None] * len(self.part_of)
        return [tuple(ends) for ends in self.ends[self.part_of].tolist()]

    @property
    def n_classes(self) -> int:
        """The highest class code among all rows, plus one."""
        return 1 + max(int(y.max()) for p in self.parts for y in (p.y_train, p.y_validation))


def _joined(arrays: Sequence[np.ndarray], dtype: torch.dtype) -> Tensor:
    """Return arrays (N, ...) of different length one after the other."""
    tensors = [torch.tensor(np.ascontiguousarray(array), dtype=dtype) for array in arrays]
    return torch.cat(tensors) if len(tensors) > 1 else tensors[0]


def _padded(arrays: Sequence[np.ndarray], dtype: torch.dtype) -> Tensor:
    """Return P arrays (M, ...) of different length as (P, longest, ...).

    The shorter ones repeat their rows.
    """
    longest = max(len(array) for array in arrays)
    return torch.stack([
        _joined([array if len(array) == longest
                 else np.resize(array, (longest, *array.shape[1:]))], dtype)
        for array in arrays
    ])
