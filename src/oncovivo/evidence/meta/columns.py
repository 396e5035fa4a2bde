"""Columns of numbers as they come, checked before anything is computed from them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import InputError

__all__ = ["above_zero", "column", "known_choice", "numbered", "same_length"]

FloatArray: TypeAlias = NDArray[np.float64]


def known_choice(what: str, value: str, known: tuple[str, ...]) -> None:
    """Say which choice does not exist.

    Parameters
    ----------
    what : str
        What is chosen, with its article.
    value : str
        The choice made.
    known : tuple of str
        The choices there are.
    """
    if value not in known:
        raise InputError(f"{what} out of {', '.join(known)}", found=repr(value))


def same_length(*columns: tuple[str, FloatArray]) -> None:
    """Stop where columns differ in length.

    Parameters
    ----------
    *columns : tuple of str and ndarray
        Name and numbers of each; the first says how many there should be.
    """
    first, expected = columns[0]
    for name, column in columns[1:]:
        if column.shape != expected.shape:
            raise InputError(
                f"one {name} for each of the {expected.size} {first}", found=f"{column.size}"
            )


def above_zero(what: str, values: FloatArray) -> None:
    """Stop at the first value that is not a finite number above 0.

    Parameters
    ----------
    what : str
        What the numbers are, with its article.
    values : ndarray, shape (k,)
        The numbers.
    """
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        at = int(np.argmax(bad))
        raise InputError(f"{what} above 0", found=f"{values[at]:g}", where=f"row {at + 1}")


def column(values: ArrayLike) -> FloatArray:
    """One column of numbers.

    Parameters
    ----------
    values : array_like
        A number, or one for each row.
    """
    return np.atleast_1d(np.asarray(values, dtype=np.float64))


def numbered(rows: int) -> tuple[str, ...]:
    """Numbers from 1 as labels.

    Parameters
    ----------
    rows : int
        How many.
    """
    return tuple(str(at + 1) for at in range(rows))
