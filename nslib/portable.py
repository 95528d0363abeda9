"""Numbers that come out the same on every processor: powers for data, digits for checksums.

NumPy's `**` has other last bits with other vector widths, from the third power on, and BLAS sums
in another order on another processor. Products and sums in a fixed order are equal everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import checks

if TYPE_CHECKING:
    from torch import Tensor

_DIGITS = 6
_TIES = 12  # digits; rounding to so many first lets what is a tie but for its last bits be one


def power(X: np.ndarray, order: int) -> np.ndarray:
    """Return X (...) to a power of at least 1, as a chain of products.

    Raises TypeError or ValueError for an order that is no positive integer.

    Examples
    --------
    >>> from nslib.portable import power
    >>> power(np.array([2.0, -3.0]), 3)
    array([  8., -27.])
    """
    order = checks.positive_int(order, "order")
    square, product = X, None
    while True:
        if order % 2:
            product = square if product is None else product * square
        order //= 2
        if not order:
            return product
        square = square * square


def root(values: Tensor) -> Tensor:
    """Return the square roots of a tensor (...), correctly rounded, in its shape.

    Those of torch come from MKL, which rounds them in another way on another processor.
    """
    import torch

    with np.errstate(invalid="ignore"):
        return torch.as_tensor(np.sqrt(values.numpy()))


def digit_text(value: float) -> str:
    """Return a float as text with six significant digits, a tie but for its last bits as a tie.

    Examples
    --------
    >>> from nslib.portable import digit_text
    >>> digit_text(0.1 + 0.2)
    '3.00000e-01'
    """
    return f"{float(f'{value:.{_TIES - 1}e}'):.{_DIGITS - 1}e}"


def digits(values: Any) -> list[str]:
    """Return floats (...) as a flat list of texts with six significant digits; -0 is 0.

    So what differs in the last bits alone gives the same text.

    Examples
    --------
    >>> from nslib.portable import digits
    >>> digits([0.1 + 0.2, -0.0, float("nan")])
    ['3.00000e-01', '0.00000e+00', 'nan']
    """
    flat = np.asarray(values, dtype=np.float64).ravel() + 0.0  # turns -0 into 0
    return [digit_text(value) for value in flat.tolist()]
