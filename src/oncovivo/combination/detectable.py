"""The smallest difference that a study of this precision would probably have found."""

from __future__ import annotations

import math
from typing import Final

import scipy
from scipy import special

from oncovivo.errors import InputError

__all__ = ["MANY", "POWER", "detectable_difference", "power_of_t"]

POWER: Final = 0.8
"""Power that a detectable difference has."""

MANY: Final = 1e6
"""With more degrees of freedom t is normal to the digits that are shown."""


def power_of_t(shift: float, df: float, *, level: float = 0.95) -> float:
    """Power of the two-sided t test where the true answer is `shift` standard errors from 0.

    Parameters
    ----------
    shift : float
        True difference over its standard error.
    df : float
        Degrees of freedom.
    level : float
        One less the two-sided error of the test.

    Examples
    --------
    >>> round(power_of_t(0.0, 28.0), 3), round(power_of_t(3.0, 28.0), 3)
    (0.05, 0.825)
    """
    freedom = min(df, MANY)
    reach = float(special.stdtrit(freedom, 0.5 + level / 2))
    size = abs(shift)
    above = 1.0 - float(special.nctdtr(freedom, size, reach))
    # Far in the other tail the series of the noncentral t gives out, where nothing is left to add.
    below = float(special.nctdtr(freedom, size, -reach))
    return above + (below if math.isfinite(below) else 0.0)


def detectable_difference(
    std_error: float, df: float, *, level: float = 0.95, power: float = POWER
) -> float:
    """Smallest difference that a two-sided t test finds with a given power.

    Parameters
    ----------
    std_error : float
        Of the estimate.
    df : float
        Its degrees of freedom.
    level : float
        One less the two-sided error of the test.
    power : float
        Between 1 - level and 1.

    Raises
    ------
    InputError
        If the power is not between the test's error and 1.

    Examples
    --------
    >>> round(detectable_difference(1.0, 28.0), 3)
    2.902
    """
    if not 1 - level < power < 1:
        expected = f"a power between {1 - level:g}, the error of the test, and 1"
        raise InputError(expected, found=f"{power:g}")
    freedom = min(df, MANY)
    high = float(special.stdtrit(freedom, 0.5 + level / 2)) + 1.0
    while power_of_t(high, df, level=level) < power:
        high *= 2
    shift = scipy.optimize.brentq(lambda x: power_of_t(x, df, level=level) - power, 0.0, high)
    return float(shift) * std_error
