"""Volume from caliper diameters, by a formula that has a name.

The formulas differ by up to several tens of percent, so a study has one and says which. The length
is the longer of the two diameters by definition; where a file has them the other way round they
are exchanged, and the reading says so.
"""

from __future__ import annotations

import math
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError

__all__ = ["FORMULA_TEXT", "VolumeFormula", "caliper_volume", "check_formula", "diameters_needed"]

FloatArray: TypeAlias = NDArray[np.float64]
VolumeFormula: TypeAlias = Literal[
    "half_l_w2", "pi_6_l_w2", "pi_6_l_w_h", "half_l_w_h", "pi_6_d3", "pi_6_l_w_mean"
]

FORMULA_TEXT: Final[dict[VolumeFormula, str]] = {
    "half_l_w2": "½·L·W²",
    "pi_6_l_w2": "π/6·L·W²",
    "pi_6_l_w_h": "π/6·L·W·H",
    "half_l_w_h": "½·L·W·H",
    "pi_6_d3": "π/6·d³ with d = (L + W)/2",
    "pi_6_l_w_mean": "π/6·L·W·(L + W)/2",
}
"""Each formula as it is printed."""


def check_formula(name: str) -> VolumeFormula:
    """The name, when it is one of a formula.

    Raises
    ------
    InputError
        If there is no such formula.
    """
    for known in get_args(VolumeFormula):
        if name == known:
            formula: VolumeFormula = known
            return formula
    expected = "a volume formula: " + ", ".join(get_args(VolumeFormula))
    raise InputError(expected, found=repr(name))


def diameters_needed(formula: VolumeFormula) -> tuple[str, ...]:
    """Columns that a formula needs.

    Examples
    --------
    >>> diameters_needed("half_l_w_h")
    ('length_mm', 'width_mm', 'depth_mm')
    """
    if formula in ("pi_6_l_w_h", "half_l_w_h"):
        return ("length_mm", "width_mm", "depth_mm")
    return ("length_mm", "width_mm")


def caliper_volume(
    length: FloatArray,
    width: FloatArray,
    depth: FloatArray | None = None,
    *,
    formula: VolumeFormula = "half_l_w2",
) -> FloatArray:
    """Volume of tumors from their diameters.

    Parameters
    ----------
    length, width : ndarray, shape (n,)
        Diameters, mm, 0 or more; the longer of each pair counts as the length.
    depth : ndarray, shape (n,), optional
        Third diameter, mm; needed by ``pi_6_l_w_h`` and ``half_l_w_h`` only.
    formula : VolumeFormula
        By name.

    Returns
    -------
    ndarray, shape (n,)
        Volume, mm³; NaN where a diameter that is needed is missing.

    Raises
    ------
    InputError
        If the formula does not exist, or needs a depth that is not given.

    Examples
    --------
    >>> caliper_volume(np.array([10.0]), np.array([6.0]))
    array([180.])
    >>> caliper_volume(np.array([6.0]), np.array([10.0]), formula="pi_6_l_w2").round(1)
    array([188.5])
    """
    check_formula(formula)
    long, short = np.maximum(length, width), np.minimum(length, width)
    if len(diameters_needed(formula)) > 2 and depth is None:
        expected = f"a depth, which the formula {formula} needs"
        raise InputError(expected, found="none")
    third = np.full_like(long, np.nan) if depth is None else depth
    # Diameters that no tumor has may overflow; the caller sees that the volume is not finite.
    with np.errstate(over="ignore"):
        return _volume(long, short, third, formula)


def _volume(
    long: FloatArray, short: FloatArray, third: FloatArray, formula: VolumeFormula
) -> FloatArray:
    """The formula itself."""
    volume: FloatArray
    if formula == "half_l_w2":
        volume = 0.5 * long * short**2
    elif formula == "pi_6_l_w2":
        volume = math.pi / 6 * long * short**2
    elif formula == "pi_6_l_w_h":
        volume = math.pi / 6 * long * short * third
    elif formula == "half_l_w_h":
        volume = 0.5 * long * short * third
    elif formula == "pi_6_d3":
        volume = math.pi / 6 * ((long + short) / 2) ** 3
    else:
        volume = math.pi / 6 * long * short * (long + short) / 2
    return volume
