"""The predecessor's synthetic data: ten formulas of power sums, each at three levels of noise.

Source: Fan et al., "No One-Size-Fits-All Neurons" (arXiv 2405.02369). The data come without their
formulas. The three levels of a formula share X and one draw of noise, scaled 1 : 3 : 6, so their
differences give the target without noise, and least squares on its power sums the coefficients.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from nslib import checks
from nslib.data.tabular_loading import FOLDER_VARIABLE
from nslib.portable import power
from nslib.structure import NeuronStructure

NOISES = ("low", "medium", "high")
LEVELS: Mapping[str, float] = MappingProxyType({"low": 0.05, "medium": 0.15, "high": 0.3})
"""Standard deviation of the noise over the root mean square of the target, from the data."""

FILE = "predecessor_synthetic.npz"

#: Coefficient by order of each formula y = Σ_i Σ_k a_k x_i^k, from the data as told above.
PREDECESSOR_FORMULAS: Mapping[int, Mapping[int, float]] = MappingProxyType({
    1: {2: 6.0},
    2: {4: 3.0},
    3: {1: 5.0, 2: 4.0},
    4: {1: 6.0, 4: 2.0},
    5: {1: 6.0, 2: 3.0, 4: 2.0},
    6: {1: 3.0, 2: 2.0, 3: 4.0, 4: 3.0},
    7: {2: 2.0, 4: 4.0},
    8: {3: 3.0, 4: 2.0},
    9: {1: 3.0, 3: 2.0},
    10: {1: 5.0, 4: 4.0, 5: 3.0},
})


def clean_target(formula: int, X: np.ndarray) -> np.ndarray:
    """Return the target (N,) of a formula without noise at X (N, D)."""
    return sum(a * power(X, k).sum(axis=1) for k, a in PREDECESSOR_FORMULAS[formula].items())


class PredecessorSet(NamedTuple):
    """One of the 30 sets: `noise` of `NOISES`, `formula` 1–10, X (N, D), y (N,), its structure.

    The structure is that of the formula. With x in [−50, 50] the low orders beside a high one are
    far below the noise of most sets: no method can find them.
    """

    noise: str
    formula: int
    X: np.ndarray
    y: np.ndarray
    structure: NeuronStructure


def load_predecessor_synthetic(
    folder: str | os.PathLike[str] | None = None,
) -> list[PredecessorSet]:
    """Return the 30 sets, by noise, then formula, as float64 in the units of the file.

    They are read from `predecessor_synthetic.npz` in `folder`, by default the folder that the
    environment variable NSLIB_DATA names, with the arrays `<noise>__no<formula>__x_train` (N, D)
    and `…__y_train` (N, 1). Raises FileNotFoundError where there is no such file and ValueError
    where it holds something else.
    """
    folder = folder if folder is not None else os.environ.get(FOLDER_VARIABLE)
    path = Path(folder) / FILE if folder else None
    if path is None or not path.is_file():
        why = f"{FOLDER_VARIABLE} is not set" if path is None else f"{path.parent} has no such file"
        raise FileNotFoundError(
            f"{FILE}: found no copy ({why}). Set {FOLDER_VARIABLE} to the folder that holds it"
        )
    try:
        arrays = np.load(path, allow_pickle=False)
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        raise ValueError(f"{path}: found no readable .npz file ({error})") from error
    with arrays:
        return [_read(arrays, n, k) for n in NOISES for k in PREDECESSOR_FORMULAS]


def make_predecessor_sets(
    n_samples: int = 600, n_features: int = 10, seed: int = 0
) -> list[PredecessorSet]:
    """Return 30 sets like the published ones, in their order: the same formulas, new data.

    Features are uniform in [−50, 50]; the three levels of a formula share them and one draw of
    normal noise, scaled by `LEVELS`. Raises TypeError or ValueError for an argument out of range.
    """
    checks.positive_int(n_samples, "n_samples", minimum=2)
    checks.positive_int(n_features, "n_features")
    checks.positive_int(seed, "seed", minimum=0)
    sets = []
    for formula, terms in PREDECESSOR_FORMULAS.items():
        rng = np.random.default_rng([seed, formula])
        X = rng.uniform(-50, 50, (n_samples, n_features))
        clean = clean_target(formula, X)
        noise = rng.standard_normal(len(X)) * np.sqrt(np.mean(clean**2))
        structure = NeuronStructure(pure=tuple(terms), interact=())
        sets += [
            PredecessorSet(level, formula, X, clean + scale * noise, structure)
            for level, scale in LEVELS.items()
        ]
    return sorted(sets, key=lambda s: (NOISES.index(s.noise), s.formula))


def _read(arrays: Mapping[str, np.ndarray], noise: str, formula: int) -> PredecessorSet:
    """Return a set from the file's arrays, X (N, D), y (N,); ValueError where it is absent."""
    features, target = names = [f"{noise}__no{formula}__{part}_train" for part in "xy"]
    for name in names:
        if name not in arrays:
            raise ValueError(f"{FILE}: found no array {name}, expected 30 sets")
    X = checks.as_matrix(arrays[features], features)
    y = checks.as_target(arrays[target], len(X), target)
    structure = NeuronStructure(pure=tuple(PREDECESSOR_FORMULAS[formula]), interact=())
    return PredecessorSet(noise, formula, X, y, structure)
