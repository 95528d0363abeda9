"""One place that says no to bad input: it names the argument, what was found and expected."""

from __future__ import annotations

import difflib
import math
import numbers
import reprlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

_REPR = reprlib.Repr()
_REPR.maxlevel = 3
_REPR.maxstring = _REPR.maxlong = _REPR.maxother = 200


def shown(value: object) -> str:
    """Return `repr(value)` for an error message: short, whatever the size of the value.

    Examples
    --------
    >>> shown([[1.5, "a"]] * 1000)
    "[[1.5, 'a'], [1.5, 'a'], [1.5, 'a'], [1.5, 'a'], [1.5, 'a'], [1.5, 'a'], ...]"
    >>> shown(10**5000)
    'an int of 16610 bits'
    """
    if isinstance(value, int) and value.bit_length() > 640:  # too many digits to read
        return f"an int of {value.bit_length()} bits"
    try:
        return _REPR.repr(value)
    except Exception:  # a repr of somebody else's may fail in any way
        return f"a value of type {type(value).__name__}"


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
            f"{name}: found {shown(value)}, expected one of {expected}{suggest(value, allowed)}"
        )
    return value


def positive_int(value: Any, name: str, minimum: int = 1, maximum: int = 2**63 - 1) -> int:
    """Return `value` as an int within [minimum, maximum]; TypeError or ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name}: found {shown(value)} ({type(value).__name__}), expected an int")
    number = int(value)
    if number < minimum:
        raise ValueError(f"{name}: found {shown(number)}, expected an int of at least {minimum}")
    if number > maximum:
        raise ValueError(f"{name}: found {shown(number)}, expected an int of at most {maximum}")
    return number


def boolean(value: Any, name: str) -> bool:
    """Return `value` as a bool; TypeError for anything but True and False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: found {shown(value)}, expected True or False")
    return bool(value)


def real(value: Any, name: str, low: float = -np.inf, high: float = np.inf) -> float:
    """Return `value` as a finite float within [low, high]; TypeError or ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name}: found {shown(value)} ({type(value).__name__}), expected a number")
    expected = f"a finite number in [{low}, {high}]"
    try:
        number = float(value)
    except OverflowError:  # an int or a fraction beyond the doubles
        raise ValueError(f"{name}: found {shown(value)}, expected {expected}") from None
    if not math.isfinite(number) or not low <= number <= high:
        raise ValueError(f"{name}: found {value}, expected {expected}")
    return number


def reals(values: Any, name: str, low: float = -np.inf, high: float = np.inf) -> tuple[float, ...]:
    """Return `values` as a tuple of at least one finite float within [low, high]."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f"{name}: found {shown(values)}, expected a sequence of numbers")
    checked = tuple(real(value, name, low, high) for value in values)
    if not checked:
        raise ValueError(f"{name}: found none, expected at least one number")
    return checked


def _is_frame(values: Any) -> bool:
    """Tell a pandas DataFrame, without importing pandas where nothing else has."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(values, pandas.DataFrame)


def _array(values: Any, name: str) -> np.ndarray:
    """Return an array, tensor, list or table of any shape as an array; ValueError if ragged."""
    if hasattr(values, "detach"):  # a torch tensor, wherever it lives
        values = values.detach().cpu().numpy()
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name}: found rows of different length ({error})") from None


def _numeric(values: Any, name: str) -> np.ndarray:
    """Return `values` of any shape as float64; TypeError names the column or value that is text."""
    if _is_frame(values):
        for i, column in enumerate(values.columns):
            _numeric(values.iloc[:, i], f"{name} column {column!r}")
    array = _array(values, name)
    if array.dtype.kind in "OUS":
        try:
            return array.astype(np.float64)
        except OverflowError:
            raise ValueError(f"{name}: found a number beyond the doubles, expected finite numbers"
                             ) from None
        except (TypeError, ValueError) as error:
            raise TypeError(f"{name}: found text ({error}), expected numbers") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: found dtype {array.dtype}, expected real numbers")
    return array.astype(np.float64)


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
    array = None if _is_frame(X) else _array(X, name)
    if array is None or array.dtype not in (np.float32, np.float64):
        array = _numeric(X, name)
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
    array = _array(X, name)
    if array.dtype.kind in "biu" and array.dtype.itemsize <= 2:
        array = array.astype(np.float32)  # exact
    if array.ndim < 3:
        return _finite(as_rows(array, name, 1), name)
    flat = as_rows(array.reshape(len(array), math.prod(array.shape[1:])), name, 1)
    return _finite(flat.reshape(array.shape), name)


def _as_column(y: Any, n_rows: int, name: str) -> np.ndarray:
    """Return `y`, (n_rows,) or (n_rows, 1), as (n_rows,); ValueError for any other shape."""
    array = _array(y, name)
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
    array = _finite(_numeric(_as_column(y, n_rows, name), name), name)
    if array.min() == array.max():
        raise ValueError(f"{name}: found the constant {array[0]:g}, expected a target that varies")
    return array


def as_labels(y: Any, n_rows: int, name: str = "y") -> tuple[np.ndarray, np.ndarray]:
    """Return class codes (n_rows,) int64 and the sorted class names (C,).

    TypeError for dates and for labels of several types; ValueError for another length, missing
    labels, numbers that are not whole, or one class.
    """
    import pandas as pd

    if isinstance(y, (list, tuple)):
        y = pd.Series(y).to_numpy()  # numpy would turn all labels into text
    array = _as_column(y, n_rows, name)
    if array.dtype.kind in "mMcV":
        raise TypeError(f"{name}: found dtype {array.dtype}, expected class names or codes")
    missing = pd.isna(array)
    if missing.any():
        row = int(np.argmax(missing))
        raise ValueError(f"{name}: found a missing label at {row}, expected a class name")
    if array.dtype.kind == "f" and (array != np.round(array)).any():
        value = array[array != np.round(array)][0]
        raise ValueError(f"{name}: found {value}, expected class names or whole numbers as classes")
    kinds = sorted({type(label).__name__ for label in array.tolist()})
    if len(kinds) > 1:
        raise TypeError(f"{name}: found labels of types {', '.join(kinds)}, expected one type")
    classes, codes = np.unique(array.astype(str) if array.dtype.kind == "O" else array,
                               return_inverse=True)
    if len(classes) < 2:
        only = classes.tolist()[0]
        raise ValueError(f"{name}: found the one class {only!r}, expected at least two")
    return codes.astype(np.int64), classes
