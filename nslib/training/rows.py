"""The rows that many models train on and are validated on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .. import checks
from .stacked import StackedNetworks, prediction_losses, predictions

_EVALUATED = 16_384  # models times rows of a forward pass without gradients


@dataclass(frozen=True, eq=False)
class Part:
    """The rows that one model sees: features (N, D) and targets (N,) to train on and to validate.

    Targets are numbers in units in which their variance is about one, or class codes 0, 1, … of
    an integer type. `seed` gives the order in which training rows are drawn. Several models may
    share a part. Raises the errors of `nslib.checks`, and ValueError for features of other width
    and targets of other types in the two sets of rows.
    """

    X_train: np.ndarray
    y_train: np.ndarray
    X_validation: np.ndarray
    y_validation: np.ndarray
    seed: int = 0

    def __post_init__(self) -> None:
        checks.positive_int(self.seed, "seed", minimum=0)
        for rows in ("train", "validation"):
            X = checks.as_matrix(getattr(self, f"X_{rows}"), f"X_{rows}", min_rows=1)
            y, name = np.asarray(getattr(self, f"y_{rows}")), f"y_{rows}"
            if y.shape != (len(X),):
                raise ValueError(f"{name}: found shape {y.shape}, expected ({len(X)},)")
            if y.dtype.kind not in "iuf":
                raise TypeError(f"{name}: found dtype {y.dtype}, expected numbers or class codes")
            if not np.isfinite(y).all():
                raise ValueError(f"{name}: found NaN or infinity, expected finite numbers")
            object.__setattr__(self, f"X_{rows}", X)
            object.__setattr__(self, name, y)
        if self.X_train.shape[1] != self.X_validation.shape[1]:
            raise ValueError(
                f"X_validation: found {self.X_validation.shape[1]} features, "
                f"expected the {self.X_train.shape[1]} of X_train"
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


class Rows:
    """Training batches and validation losses of S models, model s on `parts[s]`."""

    def __init__(self, parts: Sequence[Part]) -> None:
        distinct = list({id(part): part for part in parts}.values())
        place = {id(part): i for i, part in enumerate(distinct)}
        self.parts = distinct
        self.part_of = torch.tensor([place[id(part)] for part in parts])
        kinds = {(part.X_train.shape[1], part.regression) for part in distinct}
        if len(kinds) > 1:
            raise ValueError(
                f"parts: found (features, regression) {sorted(kinds)}, expected one kind"
            )
        self.regression = distinct[0].regression
        self.fewest = min(len(part.X_train) for part in distinct)
        kind = torch.float32 if self.regression else torch.int64
        self.train = [(_tensor(p.X_train), _tensor(p.y_train, kind)) for p in distinct]
        self.validation = _padded([p.X_validation for p in distinct], torch.float32)
        self.targets = _padded([p.y_validation for p in distinct], kind)
        lengths = torch.tensor([len(p.X_validation) for p in distinct])
        valid = torch.arange(self.validation.shape[1]) < lengths.unsqueeze(1)
        self.weights = valid / lengths.unsqueeze(1)
        self._orders: list[tuple[int, Tensor] | None] = [None] * len(distinct)

    def batch(self, models: Tensor, step: int, size: int) -> tuple[Tensor, Tensor]:
        """Return the features (S, size, D) and targets (S, size) of a step for these models.

        Every epoch visits the rows of a part in a new order that its seed and the epoch give; what
        is left at its end, less than a batch, waits for another epoch.
        """
        parts = self.part_of[models]
        drawn = {}
        for i in parts.unique().tolist():
            x, y = self.train[i]
            order = self._rows_of(i, step, min(size, len(x)))
            drawn[i] = x[order], y[order]
        return tuple(torch.stack([drawn[i][j] for i in parts.tolist()]) for j in (0, 1))

    def _rows_of(self, part: int, step: int, size: int) -> Tensor:
        n = len(self.train[part][0])
        epoch, place = divmod(step, n // size)
        kept = self._orders[part]
        if kept is None or kept[0] != epoch:
            seed = int(np.random.SeedSequence((self.parts[part].seed, epoch)).generate_state(1)[0])
            kept = epoch, torch.randperm(n, generator=torch.Generator().manual_seed(seed))
            self._orders[part] = kept
        return kept[1][place * size : (place + 1) * size]

    def validation_losses(
        self, networks: StackedNetworks, matrix: Tensor, models: Tensor
    ) -> Tensor:
        """Return the mean loss (S,) on the validation rows of each of these models' parts."""
        parts = self.part_of[models]
        total = torch.zeros(len(models))
        rows = max(1, _EVALUATED // len(models))
        for i in range(0, self.validation.shape[1], rows):
            chunk = slice(i, i + rows)
            outputs = networks(matrix, self.validation[parts, chunk])
            losses = prediction_losses(
                predictions(outputs, self.regression), self.targets[parts, chunk]
            )
            total += (losses * self.weights[parts, chunk]).sum(1)
        return total

    def limits(self) -> list[tuple[float, float] | None]:
        """Return the lowest and highest training target of each model, None for classes."""
        if not self.regression:
            return [None] * len(self.part_of)
        ends = [(float(p.y_train.min()), float(p.y_train.max())) for p in self.parts]
        return [ends[i] for i in self.part_of.tolist()]

    def checksum(self) -> str:
        """Return a digest of all rows and seeds."""
        digest = hashlib.sha256()
        for part in self.parts:
            digest.update(str(part.seed).encode())
            for values in (part.X_train, part.y_train, part.X_validation, part.y_validation):
                digest.update(f"{values.dtype.str} {values.shape}".encode())
                digest.update(np.ascontiguousarray(values).tobytes())
        digest.update(str(self.part_of.tolist()).encode())
        return digest.hexdigest()


def _tensor(values: np.ndarray, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.as_tensor(np.ascontiguousarray(values)).to(dtype)


def _padded(arrays: Sequence[np.ndarray], dtype: torch.dtype) -> Tensor:
    """Return arrays of different length as one tensor, the shorter ones with zeros at the end."""
    return torch.nn.utils.rnn.pad_sequence(
        [_tensor(array, dtype) for array in arrays], batch_first=True
    )
