"""One place that says no to bad input: it names the argument, what was found and expected."""

from __future__ import annotations

import difflib
import itertools
import math
import numbers
import os
import reprlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

# The caps: what is beyond them does not end in sensible time, or has no numbers in float64.
MAX_ORDER = 64
"""Of a stream. The variance of x^k, x standard normal, is (2k - 1)!!: 1e107 for 64, and beyond
float64 soon after; a search of order 64 takes seconds, its time grows with the square."""

MAX_RANK = 10_000
"""Of an interaction. A hundred times what any table here needs; a layer still fits in memory."""

MAX_WEIGHTS = 10**9
"""Of a layer: 4 GB in float32."""

MAX_BUDGET = 10**7
"""Parameters of an estimator's network, four of which are trained at once: about 1 GB."""

MAX_REPEATS = 10**6
"""Of what is done again and again: epochs, steps, sweeps, random starts. A day at 0.1 s each."""

MAX_RATE = 1e6
"""Of rates, penalties and first weights: beyond, single precision overflows in a few steps."""

MAX_SIZE, MIN_SPREAD = 1e300, 1e-300
"""Absolute values and standard deviations of columns, so that neither they nor their inverses, nor
the difference of two of them, leave float64."""


class _Short(reprlib.Repr):
    """Show a value in at most a few hundred characters, whatever it is."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother, self.maxlong = 4, 100, 100, 100
        self.maxlist = self.maxtuple = self.maxset = self.maxdict = 4

    def repr_int(self, x: int, level: int) -> str:
        bits = int(x).bit_length()  # Python refuses to write more than 4300 digits
        return f"an int of {bits} bits" if bits > 256 else repr(x)


def shown(value: Any) -> str:
    """Return how errors show a value: its repr, shortened where it is long, nested or huge.

    Examples
    --------
    >>> shown(10**5000), shown([1.5, "a"])
    ('an int of 16610 bits', "[1.5, 'a']")
    """
    # a subclass of int, such as bool or numpy's, shows itself
    text = _Short().repr(value)
    return text if len(text) <= 250 else f"{text[:250]}…"


def _first_line(error: BaseException) -> str:
    """Return the first line of an error, or its kind where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def path(value: Any, name: str = "path") -> str:
    """Return the text of a path, str or PathLike; TypeError or ValueError for anything else."""
    try:
        text = os.fsdecode(value)
    except Exception:  # whatever a stranger's __fspath__ raises
        raise TypeError(f"{name}: found {shown(value)}, expected a path") from None
    if not text or "\0" in text:
        raise ValueError(f"{name}: found {shown(text)}, expected a path")
    return text


def suggest(value: object, allowed: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the allowed name nearest to `value`, or nothing."""
    near = difflib.get_close_matches(str(value), list(allowed), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def options(given: Mapping[str, Any], kind: type, owner: str) -> Any:
    """Return the dataclass `kind` made of `given`; TypeError with the nearest of unknown names."""
    known = [field.name for field in fields(kind)]
    for name in given:
        if name not in known:
            raise TypeError(
                f"{name}: not an option of {owner}{suggest(name, known)}, "
                f"expected {'some of ' + ', '.join(known) if known else 'none'}"
            )
    return kind(**given)


def one_of(value: Any, name: str, allowed: Iterable[str]) -> str:
    """Return `value` if it is one of `allowed`; ValueError naming the nearest one otherwise."""
    allowed = list(allowed)
    if not isinstance(value, str) or value not in allowed:
        expected = ", ".join(allowed)
        raise ValueError(
            f"{name}: found {shown(value)}, expected one of {expected}"
            f"{suggest(value, allowed) if isinstance(value, str) else ''}"
        )
    return value


def positive_int(value: Any, name: str, minimum: int = 1, maximum: int = 2**63 - 1) -> int:
    """Return `value` as an int within [minimum, maximum]; TypeError or ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name}: found {shown(value)} ({type(value).__name__}), expected an int")
    value = int(value)
    if value < minimum:
        raise ValueError(f"{name}: found {shown(value)}, expected an int of at least {minimum}")
    if value > maximum:
        raise ValueError(f"{name}: found {shown(value)}, expected an int of at most {maximum}")
    return value


def finite_numbers(values: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return numbers, lists of them, … as finite float64 of this shape; ValueError otherwise."""
    array = as_array(values, name)
    if array.dtype.kind not in "iuf" or array.shape != shape:
        raise ValueError(f"{name}: found {array.dtype} of shape {array.shape}, expected numbers of "
                         f"shape {shape}")
    return _finite(array.astype(np.float64), name)


def boolean(value: Any, name: str) -> bool:
    """Return `value` as a bool; TypeError for anything but True and False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: found {shown(value)}, expected True or False")
    return bool(value)


def real(value: Any, name: str, low: float = -np.inf, high: float = np.inf) -> float:
    """Return `value` as a finite float within [low, high]; TypeError or ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name}: found {shown(value)} ({type(value).__name__}), expected a number")
    try:
        number = float(value)
    except OverflowError:  # an int beyond 1e308
        number = math.inf
    if not math.isfinite(number) or not low <= number <= high:
        raise ValueError(
            f"{name}: found {value if isinstance(value, float) else shown(value)}, "
            f"expected a finite number in [{low}, {high}]"
        )
    return number


def sequence(values: Any, name: str, words: str, maximum: int = 10_000) -> tuple[Any, ...]:
    """Return the values of an iterable; TypeError for text and what is none, ValueError for more.

    `words` say what is expected.
    """
    try:
        if isinstance(values, (str, bytes)):
            raise TypeError
        start = tuple(itertools.islice(values, maximum + 1))
    except TypeError:  # a tensor of no dimension has an iterator, which fails
        raise TypeError(f"{name}: found {shown(values)}, expected {words}") from None
    if len(start) > maximum:
        raise ValueError(f"{name}: found more than {maximum} values, expected at most so many")
    return start


def reals(values: Any, name: str, low: float = -np.inf, high: float = np.inf) -> tuple[float, ...]:
    """Return `values` as a tuple of at least one finite float within [low, high]."""
    values = sequence(values, name, "a sequence of numbers", 10**7)
    checked = tuple(real(value, name, low, high) for value in values)
    if not checked:
        raise ValueError(f"{name}: found none, expected at least one number")
    return checked


def _is_frame(values: Any) -> bool:
    """Tell a pandas DataFrame, without importing pandas where nothing else has."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(values, pandas.DataFrame)


def as_array(values: Any, name: str) -> np.ndarray:
    """Return what a caller gives as rows or targets, of any shape, as an array of any type.

    The one way in for data: arrays, which are not copied, tensors of every floating type wherever
    they are, with or without gradients, nested lists, tables. Masked numbers become NaN. TypeError
    for sparse data and for what makes no array, ValueError for ragged lists.
    """
    if hasattr(values, "detach"):  # a torch tensor
        return _of_tensor(values, name)
    if hasattr(values, "toarray") and hasattr(values, "nnz"):
        raise TypeError(f"{name}: found a sparse {type(values).__name__}, expected a dense array, "
                        f"such as {name}.toarray()")
    if isinstance(values, np.ma.MaskedArray) and values.dtype.kind in "biuf":
        values = values.astype(np.float64).filled(np.nan)
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name}: found rows of different length ({_first_line(error)})") from None
    except Exception as error:  # numpy asks the values themselves, which may raise anything
        raise TypeError(f"{name}: found {type(values).__name__} that makes no array "
                        f"({_first_line(error)})") from None


def _of_tensor(values: Any, name: str) -> np.ndarray:
    """Return a tensor of any shape as an array; TypeError for sparse ones and ones without data."""
    if str(getattr(values, "layout", "torch.strided")) != "torch.strided":
        raise TypeError(f"{name}: found a sparse tensor ({values.layout}), expected a dense one, "
                        f"such as {name}.to_dense()")
    try:
        values = values.detach().cpu()
        try:
            return values.numpy()
        except TypeError:  # bfloat16 and 8 bits, which numpy lacks and float32 holds
            return values.float().numpy()
    except Exception as error:  # no data, complex conjugates, quantised: torch has many errors
        raise TypeError(f"{name}: found a tensor of {values.dtype} on {values.device} that makes "
                        f"no array ({_first_line(error)})") from None


def as_numbers(values: Any, name: str) -> np.ndarray:
    """Return `values` of any shape as float64; TypeError names the column or value that is none."""
    if _is_frame(values):
        for i, column in enumerate(values.columns):
            as_numbers(values.iloc[:, i], f"{name} column {shown(column)}")
    array = as_array(values, name)
    if array.dtype.kind in "OUS":
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError, OverflowError):
            raise TypeError(f"{name}: found {_no_number(array)}, expected numbers") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: found dtype {array.dtype}, expected real numbers")
    return array.astype(np.float64)


def _no_number(array: np.ndarray) -> str:
    """Show the first value of an array of any shape that is no number, with its kind."""
    for value in array.ravel().tolist():
        try:
            float(value)
        except (TypeError, ValueError, OverflowError):
            kind = "text" if isinstance(value, (str, bytes)) else type(value).__name__
            return shown(value) if kind == "int" else f"{kind} {shown(value)}"
    return f"dtype {array.dtype}"


def _finite(array: np.ndarray, name: str) -> np.ndarray:
    """Return `array` of any shape; ValueError says where the first NaN or infinity is."""
    bad = ~np.isfinite(array)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{name}: found {array[where]} at {where[0] if len(where) == 1 else where}"
                         f" ({int(bad.sum())} such), expected finite numbers")
    return array


def as_rows(X: Any, name: str = "X", min_rows: int = 2) -> np.ndarray:
    """Return `X` as a float matrix (N, D), whose values may be NaN or infinite.

    Arrays and tensors of float32 and float64, `numpy.memmap` among them, are neither copied nor
    read; other arrays, nested lists and DataFrames become float64. TypeError for text or complex
    numbers; ValueError for other than two dimensions, no column or fewer than `min_rows` rows.
    """
    array = None if _is_frame(X) else as_array(X, name)
    if array is None or array.dtype not in (np.float32, np.float64):
        array = as_numbers(X, name)
    if array.ndim != 2:
        raise ValueError(f"{name}: found shape {array.shape}, expected (rows, features)")
    if array.shape[1] == 0:
        raise ValueError(f"{name}: found no column, expected at least one feature")
    if array.shape[0] < min_rows:
        raise ValueError(f"{name}: found {array.shape[0]} rows, expected at least {min_rows}")
    return array


def as_matrix(X: Any, name: str = "X", min_rows: int = 2) -> np.ndarray:
    """Return a copy of `X` as a float64 matrix (N, D); ValueError for NaN or infinity."""
    return _finite(as_rows(X, name, min_rows).astype(np.float64), name)


def as_batch(X: Any, name: str = "X") -> np.ndarray:
    """Return `X` (N, ...), at least one row of any shape, as a finite float array.

    Arrays and tensors of float32 and float64 are not copied, small integers (images) become
    float32, all else float64. Raises the errors of `as_rows`, and ValueError for NaN or infinity.
    """
    if _is_frame(X):
        return _finite(as_rows(X, name, 1), name)
    array = as_array(X, name)
    if array.dtype.kind in "biu" and array.dtype.itemsize <= 2:
        array = array.astype(np.float32)  # exact
    if array.ndim < 3:
        return _finite(as_rows(array, name, 1), name)
    flat = as_rows(array.reshape(len(array), math.prod(array.shape[1:])), name, 1)
    return _finite(flat.reshape(array.shape), name)


def _as_column(y: Any, n_rows: int, name: str) -> np.ndarray:
    """Return `y`, (n_rows,) or (n_rows, 1), as (n_rows,); ValueError for any other shape."""
    array = as_array(y, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"{name}: found shape {array.shape}, expected (rows,)")
    if len(array) != n_rows:
        n = len(array)
        raise ValueError(f"{name}: found {n} values, expected one for each of {n_rows} rows")
    return array


def as_target(y: Any, n_rows: int, name: str = "y") -> np.ndarray:
    """Return a regression target as finite float64 (n_rows,).

    TypeError for text; ValueError for another length, NaN, infinity or a constant target.
    """
    array = _finite(as_numbers(_as_column(y, n_rows, name), name), name)
    if array.min() == array.max():
        raise ValueError(f"{name}: found the constant {array[0]:g}, expected a target that varies")
    return array


def sample_weights(values: Any, n_rows: int, name: str = "sample_weight") -> np.ndarray:
    """Return weights of rows (n_rows,) as float64, at least 0, one of them positive.

    They are as given, of any sum. TypeError for what are no numbers; ValueError for another shape,
    for weights that are negative or not finite, all zero, or too large or small to be summed.

    Examples
    --------
    >>> sample_weights([1, 0, 2], 3)
    array([1., 0., 2.])
    """
    weights = _finite(as_numbers(values, name), name)
    if weights.shape != (n_rows,):
        raise ValueError(f"{name}: found shape {weights.shape}, expected ({n_rows},), one a row")
    if weights.min() < 0:
        row = int(np.argmax(weights < 0))
        raise ValueError(f"{name}: found {weights[row]:g} at {row}, expected no negative weight")
    if not weights.any():
        raise ValueError(f"{name}: found zeros only, expected a positive weight")
    if not MIN_SPREAD <= weights.max() <= MAX_SIZE / n_rows:
        raise ValueError(f"{name}: found a largest weight of {weights.max():g}, expected one "
                         f"within [{MIN_SPREAD:g}, {MAX_SIZE:g} / rows]")
    return weights


def as_given(y: Any, name: str = "y") -> np.ndarray:
    """Return targets or labels of any shape as an array of their own type.

    TypeError for complex numbers and what makes no array, ValueError for ragged lists.
    """
    array = as_array(y, name)
    if isinstance(y, (list, tuple)):
        import pandas as pd

        array = pd.Series(y).to_numpy()  # numpy makes text of all labels where one is text
    if array.dtype.kind == "c":
        raise TypeError(f"{name}: found dtype {array.dtype}, expected numbers or labels")
    return array


def labels(y: Any, n_rows: int, name: str = "y") -> np.ndarray:
    """Return class labels (n_rows,) as they are given, checked, in an array.

    TypeError for dates and for labels of several types; ValueError for another length and for
    missing labels.
    """
    import pandas as pd

    array = _as_column(as_given(y, name), n_rows, name)
    if array.dtype.kind in "mMcV":
        raise TypeError(f"{name}: found dtype {array.dtype}, expected class names or codes")
    missing = pd.isna(array)
    if missing.any():
        row = int(np.argmax(missing))
        raise ValueError(f"{name}: found a missing label at {row}, expected a class name")
    kinds = sorted({type(label).__name__ for label in array.tolist()})
    if len(kinds) > 1:
        raise TypeError(f"{name}: found labels of types {', '.join(kinds)}, expected one type")
    return array


def as_labels(y: Any, n_rows: int, name: str = "y") -> tuple[np.ndarray, np.ndarray]:
    """Return class codes (n_rows,) int64 and the sorted class names (C,).

    Raises what `labels` does, and ValueError for numbers that are not whole, or one class.
    """
    array = labels(y, n_rows, name)
    if array.dtype.kind == "f" and (array != np.round(array)).any():
        value = array[array != np.round(array)][0]
        raise ValueError(f"{name}: found {value}, expected class names or whole numbers as classes")
    classes, codes = np.unique(array.astype(str) if array.dtype.kind == "O" else array,
                               return_inverse=True)
    if len(classes) < 2:
        only = classes.tolist()[0]
        raise ValueError(f"{name}: found the one class {shown(only)}, expected at least two")
    return codes.astype(np.int64), classes


def as_data(
    X: Any, y: Any, task: str = "regression", min_rows: int = 2
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return rows and what belongs to them: X (N, D), then y (N,) and the class names (C,) or None.

    X is as of `as_rows`; y as of `as_target`, or for "classification" codes as of `as_labels`.
    Raises their errors.
    """
    rows = as_rows(X, "X", min_rows)
    if task == "classification":
        return rows, *as_labels(y, len(rows))
    return rows, as_target(y, len(rows)), None
