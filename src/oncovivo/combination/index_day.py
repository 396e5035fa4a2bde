"""The day that the sizes of some arms are compared on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from oncovivo.errors import InputError
from oncovivo.growth.effects import last_time
from oncovivo.growth.fit import GrowthFit, GrowthWarning

__all__ = ["index_time"]


def index_time(
    fit: GrowthFit, numbers: Sequence[int], day: float | None
) -> tuple[float, tuple[GrowthWarning, ...]]:
    """Days since baseline, and what to know about them.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    numbers : sequence of int
        Arms.
    day : float or None
        Study day; None for the last on which each of the arms was read.

    Raises
    ------
    InputError
        If the day is not after the baseline.
    """
    data = fit.data
    common = min(last_time(fit, number) for number in numbers)
    time = common if day is None else day - data.baseline_day
    if not (math.isfinite(time) and time > 0):
        expected = f"a day after the baseline, day {data.baseline_day:g}"
        found = f"day {data.baseline_day + time:g}"
        raise InputError(expected, found=found, where=f"study {data.study_id}")
    if time <= common * (1 + 1e-9):
        return time, ()
    message = f"not every arm was read up to day {data.baseline_day + time:g}: curves carry on"
    return time, (GrowthWarning(code="beyond_readings", message=message),)
