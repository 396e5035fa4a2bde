"""What the imprecision of a row is measured by when small-study effects are looked for."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.types import MetaWarning, Rows

__all__ = [
    "Precision",
    "bias_warnings",
    "check_imprecision",
    "checked_precision",
    "imprecision",
]

FloatArray: TypeAlias = NDArray[np.float64]

Precision: TypeAlias = Literal["auto", "se", "size"]
"""Measure of imprecision: standard error, or √(1/n + 1/n) of the animals; auto by the measure."""

# Standardized by an estimated standard deviation, so that the standard error holds the effect.
_STANDARDIZED: Final[frozenset[str]] = frozenset({"SMD", "SMDH"})
# Fewer rows than this have no power to show asymmetry.
_FEW_ROWS: Final = 10
# Numbers that differ by less than this share are the same, written differently.
_SAME: Final = 1e-9


def checked_precision(rows: Rows, precision: Precision) -> Literal["se", "size"]:
    """The measure of imprecision that is meant.

    Parameters
    ----------
    rows : Rows
        Effect sizes.
    precision : {"auto", "se", "size"}
        What was asked for.

    Raises
    ------
    InputError
        Another word.
    """
    if precision == "auto":
        return "size" if rows.measure in _STANDARDIZED else "se"
    if precision not in ("se", "size"):
        raise InputError("a precision out of auto, se, size", found=repr(precision))
    return precision


def imprecision(rows: Rows, kind: Literal["se", "size"]) -> tuple[FloatArray, FloatArray]:
    """Imprecision of each row, and its sampling variance.

    With "size" the variance is a multiple of 1/nₜ + 1/n_c: by 1 for standardized mean differences,
    by what makes the sum that of the rows' own variances for other measures. It does not depend on
    what a row measured itself.

    Parameters
    ----------
    rows : Rows
        Effect sizes.
    kind : {"se", "size"}
        Standard error, or √(1/nₜ + 1/n_c).

    Raises
    ------
    InputError
        Animals are needed and missing.
    """
    if kind == "se":
        return np.sqrt(rows.vi), rows.vi
    if rows.n_treated is None or rows.n_control is None:
        raise InputError(
            "animals of both groups of each row",
            found="none",
            mend="give n_treated and n_control, or take the precision se and mind its warning",
        )
    inverse = 1 / rows.n_treated + 1 / rows.n_control
    # Of other measures the variance of one animal is not 1; the rows' own tell it together.
    one = 1.0 if rows.measure in _STANDARDIZED else rows.vi.sum() / inverse.sum()
    return np.sqrt(inverse), one * inverse


def check_imprecision(rows: Rows, x: FloatArray) -> None:
    """Refuse rows among which no asymmetry can be seen.

    Parameters
    ----------
    rows : Rows
        Effect sizes.
    x : ndarray, shape (k,)
        Their imprecision.

    Raises
    ------
    DataError
        Fewer than 3 rows, or rows of the same effect or imprecision.
    """
    if len(rows) < 3:
        raise DataError("3 or more rows to look for asymmetry", found=str(len(rows)))
    if np.ptp(rows.yi) <= _SAME * np.abs(rows.yi).max():
        raise DataError("rows whose effects differ", found=f"{rows.yi[0]:g} for all {len(rows)}")
    if np.ptp(x) <= _SAME * x.max():
        raise DataError(
            "rows that differ in their imprecision",
            found=f"{x[0]:g} for all {len(rows)}",
            mend="asymmetry cannot be looked for among experiments of one size",
        )


def bias_warnings(rows: Rows, kind: Literal["se", "size"]) -> tuple[MetaWarning, ...]:
    """What weakens any look for small-study effects.

    Parameters
    ----------
    rows : Rows
        Effect sizes.
    kind : {"se", "size"}
        What imprecision is measured by.
    """
    found: list[MetaWarning] = []
    if len(rows) < _FEW_ROWS:
        message = f"{len(rows)} rows, fewer than {_FEW_ROWS}, can hardly show asymmetry"
        found.append(MetaWarning(code="few_rows", message=message))
    if kind == "se" and rows.measure in _STANDARDIZED:
        message = (
            f"the standard error of {rows.measure} grows with the effect, so asymmetry is found "
            "where nothing is missing; take the precision size"
        )
        found.append(MetaWarning(code="suspect", message=message))
    return tuple(found)
