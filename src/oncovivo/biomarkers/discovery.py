"""Share of false discoveries over many markers.

References
----------
Benjamini Y, Hochberg Y. J R Stat Soc B 1995;57:289. Benjamini Y, Yekutieli D. Ann Stat
2001;29:1165 (any dependence). Storey JD, Taylor JE, Siegmund D. J R Stat Soc B 2004;66:187 (the
share of true null hypotheses from the p-values above one half).
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError

__all__ = ["DiscoveryMethod", "q_values"]

FloatArray: TypeAlias = NDArray[np.float64]
DiscoveryMethod: TypeAlias = Literal["bh", "by", "storey"]

_METHODS: Final = get_args(DiscoveryMethod)
# p-values above it are taken to be of true null hypotheses.
_LAMBDA: Final = 0.5


def q_values(p_values: FloatArray, method: DiscoveryMethod = "bh") -> FloatArray:
    """Smallest share of false discoveries at which each test would be one.

    Parameters
    ----------
    p_values : ndarray, shape (m,)
        From 0 to 1; NaN for a test that was not made, which is not counted.
    method : {"bh", "by", "storey"}
        ``bh`` holds for independent and positively dependent tests, ``by`` for any; ``storey``
        multiplies those of ``bh`` by an estimated share of true null hypotheses, and holds for
        many tests that depend little on each other.

    Returns
    -------
    ndarray, shape (m,)
        NaN where the p-value is.

    Raises
    ------
    InputError
        If a p-value is not between 0 and 1, or the method is another.

    Examples
    --------
    >>> q_values(np.array([0.01, 0.02, 0.5])).round(3).tolist()
    [0.03, 0.03, 0.5]
    """
    if method not in _METHODS:
        raise InputError(f"one of {', '.join(_METHODS)}", found=repr(method))
    p = np.asarray(p_values, dtype=np.float64)
    made = ~np.isnan(p)
    if ((p[made] < 0) | (p[made] > 1)).any():
        raise InputError("p-values from 0 to 1", found="one outside")
    known = p[made]
    m = known.size
    order = np.argsort(-known, kind="stable")
    factor = 1.0
    if method == "by":
        factor = float((1.0 / np.arange(1, m + 1)).sum())
    elif method == "storey" and m:
        factor = min(1.0, float((known > _LAMBDA).sum() + 1) / (m * (1 - _LAMBDA)))
    stepped = np.minimum.accumulate(known[order] * m / np.arange(m, 0, -1) * factor)
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(stepped, 1.0)
    found = np.full(p.shape, np.nan)
    found[made] = adjusted
    return found
