"""One trainer for every network: many models, seeds or folds, trained together as one batch."""

from __future__ import annotations

from .fitted import FittedNetwork
from .rows import Part
from .trainer import Training, TrainingOptions, train

__all__ = ["FittedNetwork", "Part", "Training", "TrainingOptions", "train"]
