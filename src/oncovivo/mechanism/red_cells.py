"""Whole blood from plasma and back, for a drug that red cells take up to a limit.

    C_cells = Bmax Cp / (Kd + Cp) + Kns Cp
    C_blood = (1 - Hct) Cp + Hct C_cells

It is read off plasma that follows linear kinetics: the plasma concentration drives everything,
and the blood concentration, which laboratories often measure, is an output.

All concentrations and Bmax and Kd are in one unit, whichever it is. There are no default values:
Bmax and Kd belong to one drug and one species.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import InputError

__all__ = ["blood_from_plasma", "plasma_from_blood"]

FloatArray: TypeAlias = NDArray[np.float64]


def blood_from_plasma(
    plasma: ArrayLike, *, hematocrit: ArrayLike, bmax: ArrayLike, kd: ArrayLike, kns: ArrayLike
) -> FloatArray:
    """Concentration in whole blood.

    Parameters
    ----------
    plasma : array_like
        Concentration in plasma, not negative.
    hematocrit : array_like
        Part of the blood's volume that is red cells, from 0 to below 1.
    bmax : array_like
        Concentration in red cells that saturable binding can hold, not negative.
    kd : array_like
        Plasma concentration at half of it, above 0.
    kns : array_like
        Concentration in red cells by plasma concentration without saturation, not negative.

    Returns
    -------
    ndarray
        In the unit of `plasma`; arguments are broadcast.

    Raises
    ------
    InputError
        If a value is outside its range.

    Examples
    --------
    >>> float(blood_from_plasma(2.0, hematocrit=0.5, bmax=30.0, kd=1.0, kns=0.5))
    11.5
    """
    cp = _checked("plasma", plasma)
    hct, most, half, free = _binding(hematocrit, bmax, kd, kns)
    return np.asarray((1 - hct) * cp + hct * (most * cp / (half + cp) + free * cp))


def plasma_from_blood(
    blood: ArrayLike, *, hematocrit: ArrayLike, bmax: ArrayLike, kd: ArrayLike, kns: ArrayLike
) -> FloatArray:
    """Concentration in plasma: the inverse of :func:`blood_from_plasma`.

    Parameters
    ----------
    blood : array_like
        Concentration in whole blood, not negative.
    hematocrit, bmax, kd, kns : array_like
        As for :func:`blood_from_plasma`.

    Returns
    -------
    ndarray
        In the unit of `blood`; arguments are broadcast.

    Raises
    ------
    InputError
        If a value is outside its range.

    Examples
    --------
    >>> float(plasma_from_blood(11.5, hematocrit=0.5, bmax=30.0, kd=1.0, kns=0.5))
    2.0
    """
    cb = _checked("blood", blood)
    hct, most, half, free = _binding(hematocrit, bmax, kd, kns)
    slope = (1 - hct) + hct * free
    linear = slope * half + hct * most - cb
    root = np.sqrt(linear**2 + 4 * slope * cb * half)
    # Of the two forms of the positive root, the one in which nothing cancels.
    bound = 2 * cb * half / np.where(linear > 0, linear + root, 1.0)
    return np.asarray(np.where(linear > 0, bound, (root - linear) / (2 * slope)))


def _binding(
    hematocrit: ArrayLike, bmax: ArrayLike, kd: ArrayLike, kns: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The parameters, each in its range."""
    hct = _checked("hematocrit", hematocrit)
    if (hct >= 1).any():
        expected = "a hematocrit from 0 to below 1"
        raise InputError(expected, found=f"{hct.max():g}", mend="divide percent by 100")
    half = _checked("kd", kd)
    if (half == 0).any():
        expected = "a kd above 0"
        raise InputError(expected, found="0")
    return hct, _checked("bmax", bmax), half, _checked("kns", kns)


def _checked(name: str, value: ArrayLike) -> FloatArray:
    """Values that are finite and not negative."""
    values = np.asarray(value, dtype=np.float64)
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        expected = f"values of {name} that are finite and not negative"
        raise InputError(expected, found=f"{values[bad].flat[0]:g}")
    return values
