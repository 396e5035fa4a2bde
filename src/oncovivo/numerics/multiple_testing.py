"""Error over several tests, held without knowing how they depend on each other.

References
----------
Holm S. Scand J Stat 1979;6:65.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["holm"]

FloatArray: TypeAlias = NDArray[np.float64]


def holm(p_values: FloatArray) -> FloatArray:
    """Holm's step-down adjusted p-values.

    Parameters
    ----------
    p_values : ndarray, shape (k,)
        Of the tests of one family, from 0 to 1.

    Returns
    -------
    ndarray, shape (k,)
        In the order given.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    factor = p_values.size - np.arange(p_values.size)
    stepped = np.maximum.accumulate(np.minimum(p_values[order] * factor, 1.0))
    adjusted = np.empty_like(stepped)
    adjusted[order] = stepped
    return adjusted
