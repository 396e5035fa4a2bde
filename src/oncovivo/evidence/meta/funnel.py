"""Data of a funnel plot: points, and contours of probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.evidence.meta.precision import Precision, checked_precision, imprecision
from oncovivo.evidence.meta.types import Rows, checked_level, plain_fields, read_only

__all__ = ["FunnelContour", "FunnelData", "funnel_data"]

FloatArray: TypeAlias = NDArray[np.float64]

_CONTOURS: Final = (0.90, 0.95, 0.99)
_GRID: Final = 101


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FunnelContour:
    """Where effects of a given imprecision lie with a given probability.

    Parameters
    ----------
    level : float
        Probability between the limits.
    lower, upper : ndarray, shape (g,)
        Limits at each imprecision of the grid.
    """

    level: float
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FunnelData:
    """Points and contours of a funnel plot.

    Parameters
    ----------
    precision : {"se", "size"}
        What the vertical axis is.
    label : tuple of str
        Rows.
    effect, imprecision : ndarray, shape (k,)
        Where each row's point is.
    filled : ndarray of bool, shape (k,)
        Whether the row was filled in and not observed.
    center : float
        Tip of the funnel.
    grid : ndarray, shape (g,)
        Imprecision from 0 on.
    contours : tuple of FunnelContour
        From the innermost outward.
    """

    precision: Precision
    label: tuple[str, ...]
    effect: FloatArray
    imprecision: FloatArray
    filled: NDArray[np.bool_]
    center: float
    grid: FloatArray
    contours: tuple[FunnelContour, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return plain_fields(self)


def funnel_data(
    rows: Rows,
    center: float,
    *,
    precision: Precision = "auto",
    levels: Sequence[float] = _CONTOURS,
    tau2: float = 0.0,
    filled: int = 0,
) -> FunnelData:
    """Points and contours of a funnel plot.

    Contours about 0 show which effects would be significant by themselves; about the pooled effect
    they show where rows are expected.

    Parameters
    ----------
    rows : Rows
        Effect sizes; for ``precision="size"`` with their animals.
    center : float
        Tip of the funnel: 0, or the pooled effect.
    precision : {"auto", "se", "size"}, default "auto"
        The vertical axis.
    levels : sequence of float, default (0.90, 0.95, 0.99)
        Probabilities of the contours.
    tau2 : float, default 0
        Variance between rows, which widens the contours.
    filled : int, default 0
        How many of the last rows were filled in by `trim_and_fill`.

    Raises
    ------
    InputError
        Animals are needed and missing, a level outside 0 to 1, a negative variance, or more filled
        rows than there are.
    """
    if tau2 < 0:
        raise InputError("a variance between rows of 0 or more", found=f"{tau2:g}")
    if not 0 <= filled <= len(rows):
        raise InputError(f"0 to {len(rows)} filled rows", found=str(filled))
    kind = checked_precision(rows, precision)
    x = imprecision(rows, kind)[0]
    grid = np.linspace(0.0, 1.05 * float(x.max()), _GRID)
    reach = np.sqrt(grid**2 + tau2)
    contours = []
    for level in sorted(checked_level(one) for one in levels):
        half = float(special.ndtri(0.5 + level / 2)) * reach
        contours.append(
            FunnelContour(
                level=level, lower=read_only(center - half), upper=read_only(center + half)
            )
        )
    behind = np.arange(len(rows)) >= len(rows) - filled
    behind.setflags(write=False)
    return FunnelData(
        precision=kind,
        label=rows.label,
        effect=rows.yi,
        imprecision=read_only(x),
        filled=behind,
        center=float(center),
        grid=read_only(grid),
        contours=tuple(contours),
    )
