"""Category of one animal on one day, by RECIST-like limits, as if the day were all there is."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from oncovivo.endpoints.curves import DAY_TOLERANCE, FloatArray
from oncovivo.endpoints.mrecist import CATEGORIES, Category

__all__ = ["orc_on_day", "single_day_orc"]

# Largest change in percent of each category on a single day; CR and PR and SD include their limit.
ORC_LIMITS: Final = (-95.0, -30.0, 20.0)
_ORC_TOLERANCE: Final = 1e-9


def single_day_orc(change_pct: FloatArray) -> tuple[Category | None, ...]:
    """Category of changes from baseline on one day, as if each were all that was known.

    CR at -95 % or less, PR at -30 % or less, SD at +20 % or less, else PD.

    Parameters
    ----------
    change_pct : ndarray, shape (n,)
        Percent; NaN where nothing was read on the day.

    Examples
    --------
    >>> single_day_orc(np.array([-95.0, -94.0, -30.0, 20.0, 21.0]))
    ('CR', 'PR', 'PR', 'SD', 'PD')
    """
    codes = np.searchsorted(np.array(ORC_LIMITS) + _ORC_TOLERANCE, change_pct)
    changes: list[float] = change_pct.tolist()
    places: list[int] = codes.tolist()
    return tuple(
        None if math.isnan(change) else CATEGORIES[place]
        for change, place in zip(changes, places, strict=True)
    )


def orc_on_day(
    day: FloatArray, volume: FloatArray, starts: FloatArray, orc_day: float | None
) -> tuple[Category | None, ...]:
    """Categories of curves on one study day.

    Parameters
    ----------
    day, volume : ndarray, shape (n, t)
        Days since each animal's start and volumes, mm³; NaN behind the last reading.
    starts : ndarray, shape (n,)
        Study day of each animal's start.
    orc_day : float or None
        Study day; None for no category.
    """
    if orc_day is None:
        return (None,) * len(starts)
    on_day = np.abs(day + starts[:, None] - orc_day) <= DAY_TOLERANCE
    rows, at = np.arange(day.shape[0]), np.argmax(on_day, axis=1)
    baseline = np.where(volume[:, 0] > 0, volume[:, 0], np.nan)
    change = 100.0 * (volume[rows, at] - baseline) / baseline
    return single_day_orc(np.where(on_day.any(axis=1), change, np.nan))
