"""The rows that many models train on and are validated on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

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
    share a part. Raises the errors of `nslib.checks`, ValueError for features of other width and
    for negative class codes, and TypeError for targets of other types in the two sets of rows.
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
            if y.dtype.kind != "f" and y.min() < 0:
                raise ValueError(f"{name}: found {y.min()}, expected class codes 0, 1, …")
            object.__setattr__(self, f"X_{rows}", X)
            object.__setattr__(self, name, y.astype(float if y.dtype.kind == "f" else np.int64))
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
        self.lengths = [len(part.X_train) for part in distinct]
        self.starts = [0, *accumulate(self.lengths)][:-1]
        kind = torch.float32 if self.regression else torch.int64
        self.features = torch.cat([_tensor(p.X_train, torch.float32) for p in distinct])
        self.targets = torch.cat([_tensor(p.y_train, kind) for p in distinct])
        self.ends = torch.tensor([(p.y_train.min(), p.y_train.max()) for p in distinct])
        self.validation_features = _padded([p.X_validation for p in distinct], torch.float32)
        self.validation_targets = _padded([p.y_validation for p in distinct], kind)
        lengths = torch.tensor([len(p.X_validation) for p in distinct])
        valid = torch.arange(lengths.max()) < lengths.unsqueeze(1)
        self.weights = valid / lengths.unsqueeze(1)
        self._orders: list[tuple[int, Tensor] | None] = [None] * len(distinct)

    def batch(self, models: Tensor, step: int, size: int) -> tuple[Tensor, Tensor]:
        """Return the features (S, size, D) and targets (S, size) of a step for these models.

        Every epoch visits the rows of a part in a new order that its seed and the epoch give; what
        is left at its end, less than a batch, waits for another epoch.
        """
        parts = self.part_of[models].tolist()
        rows = torch.cat([self._rows_of(i, step, size) for i in parts])
        x, y = self.features.index_select(0, rows), self.targets.index_select(0, rows)
        return x.view(len(parts), size, -1), y.view(len(parts), size)

    def _rows_of(self, part: int, step: int, size: int) -> Tensor:
        """Return the places (size,) in `features` of the rows of a part in a step."""
        n = self.lengths[part]
        epoch, place = divmod(step, n // size)
        kept = self._orders[part]
        if kept is None or kept[0] != epoch:
            seed = int(np.random.SeedSequence((self.parts[part].seed, epoch)).generate_state(1)[0])
            order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
            kept = self._orders[part] = epoch, order + self.starts[part]
        return kept[1][place * size : (place + 1) * size]

    def validation_losses(
        self, networks: StackedNetworks, matrix: Tensor, models: Tensor
    ) -> Tensor:
        """Return the mean loss (S,) on the validation rows of each of these models' parts.

        It is that of the predictions of a `FittedNetwork`, within the limits of the targets.
        """
        parts = self.part_of[models]
        total = torch.zeros(len(models))
        rows = max(1, _EVALUATED // len(models))
        low, high = self.ends[parts].float().split(1, dim=1)
        for i in range(0, self.weights.shape[1], rows):
            chunk = slice(i, i + rows)
            outputs = networks(matrix, self.validation_features[parts, chunk])
            found = predictions(outputs, self.regression)
            found = found.clamp(low, high) if self.regression else found
            losses = prediction_losses(found, self.validation_targets[parts, chunk])
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

    def checksum(self) -> str:
        """Return a digest of all rows and seeds."""
        digest = hashlib.sha256()
        for part in self.parts:
            digest.update(str(part.seed).encode())
            for values in (part.X_train, part.y_train, part.X_validation, part.y_validation):
                digest.update(f"{values.dtype.str} {values.shape}".encode())
                digest.update(values.tobytes())
        digest.update(str(self.part_of.tolist()).encode())
        return digest.hexdigest()


def _tensor(values: np.ndarray, dtype: torch.dtype) -> Tensor:
    return torch.as_tensor(values).to(dtype)


def _padded(arrays: Sequence[np.ndarray], dtype: torch.dtype) -> Tensor:
    """Return arrays of different length as one tensor; the shorter ones repeat their rows."""
    longest = max(len(array) for array in arrays)
    return torch.stack(
        [_tensor(np.resize(array, (longest, *array.shape[1:])), dtype) for array in arrays]
    )
