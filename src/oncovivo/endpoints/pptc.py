"""Response categories of the Pediatric Preclinical Testing Consortium, for many curves at once.

Tried in this order, from the volumes after baseline (0.10 cm³ = 100 mm³):

- ``MCR``: below 100 mm³ at the last reading; ``CR``: below 100 mm³ at any reading;
- ``PR``: at least 50 % regression at any reading; ``SD``: at most +25 % at the last reading;
- else progressive disease: ``PD1`` when the animal's event (four times its baseline) came within
  1.5 times the median event time of the controls, else, or without an event, ``PD2``. ``PD`` says
  that there is an event but no control to compare it with.

A tumor that begins below 100 mm³ would be a complete response from the first day, so there only a
vanished tumor (volume 0) counts as below the limit.

References
----------
Houghton PJ et al. Pediatr Blood Cancer 2007;49:928-940. doi:10.1002/pbc.21078
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from oncovivo.endpoints.curves import BoolArray, FloatArray
from oncovivo.errors import InputError
from oncovivo.studies import LeavingReason

__all__ = [
    "PptcCategory",
    "PptcCourse",
    "classify_pptc",
    "event_days",
    "group_category",
    "pptc_courses",
    "pptc_reason",
]

PptcCategory: TypeAlias = Literal["PD1", "PD2", "SD", "PR", "CR", "MCR", "PD"]

SCORES: Final[dict[PptcCategory, int]] = {
    "PD1": 0,
    "PD2": 2,
    "SD": 4,
    "PR": 6,
    "CR": 8,
    "MCR": 10,
}
# A group's median score belongs to the category whose score it exceeds by at most one.
_GROUPS: Final[tuple[tuple[float, PptcCategory], ...]] = (
    (1.0, "PD1"),
    (3.0, "PD2"),
    (5.0, "SD"),
    (7.0, "PR"),
    (9.0, "CR"),
    (10.0, "MCR"),
)
CR_BELOW_MM3: Final = 100.0
# A mouse that left for these is not evaluable.
TOXIC: Final[tuple[LeavingReason, ...]] = ("toxicity", "body_weight_loss")
EVENT_MULTIPLE: Final = 4.0
PD1_UP_TO: Final = 1.5
# Cuts are compared on ratios of volumes, where 50 % and 25 % may miss by a rounding error.
RATIO_TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PptcCourse:
    """What the categories of n curves rest on.

    Parameters
    ----------
    estimable : ndarray of bool, shape (n,)
        Whether there is a baseline above zero and a reading after it.
    below, below_at_end : ndarray of bool, shape (n,)
        Tumor below the limit of a complete response at any reading, and at the last one.
    regressed : ndarray of bool, shape (n,)
        At least 50 % regression at any reading.
    end_ratio, lowest_ratio : ndarray, shape (n,)
        Last and lowest volume after baseline over the baseline volume.
    event_day : ndarray, shape (n,)
        Days to four times the baseline; NaN where it was not reached.
    """

    estimable: BoolArray
    below: BoolArray
    below_at_end: BoolArray
    regressed: BoolArray
    end_ratio: FloatArray
    lowest_ratio: FloatArray
    event_day: FloatArray


def event_days(
    day: FloatArray, volume: FloatArray, *, multiple: float = EVENT_MULTIPLE
) -> FloatArray:
    """Days on which volumes first reach a multiple of their baseline.

    Between the two readings around it the volume is taken to grow exponentially; after a reading
    of zero, which has no logarithm, the day of the later reading counts.

    Parameters
    ----------
    day, volume : ndarray, shape (n, t)
        Days since baseline, rising, and volumes of any unit; the first column is the baseline. NaN
        where nothing was read.
    multiple : float
        Above 1.

    Returns
    -------
    ndarray, shape (n,)
        NaN where it is not reached, or without a baseline above zero.

    Raises
    ------
    InputError
        If `multiple` is not above 1.

    Examples
    --------
    >>> event_days(np.array([[0.0, 7.0, 14.0]]), np.array([[100.0, 200.0, 800.0]]))
    array([10.5])
    """
    if not multiple > 1:
        expected = "a multiple above 1"
        raise InputError(expected, found=f"{multiple:g}")
    rows = np.arange(day.shape[0])
    target = multiple * volume[:, 0]
    reached = volume >= target[:, None] * (1 - RATIO_TOLERANCE)
    at = np.argmax(reached, axis=1)
    has_event = reached[rows, at] & (volume[:, 0] > 0)
    columns = np.arange(day.shape[1])
    before = ~np.isnan(volume) & (columns < at[:, None])
    previous = day.shape[1] - 1 - np.argmax(before[:, ::-1], axis=1)
    v1, v2 = volume[rows, previous], volume[rows, at]
    t1, t2 = day[rows, previous], day[rows, at]
    with np.errstate(divide="ignore", invalid="ignore"):
        start = np.log(v1)
        share = (np.log(target) - start) / (np.log(v2) - start)
    crossing = np.where(v1 > 0, t1 + (t2 - t1) * np.clip(share, 0.0, 1.0), t2)
    return np.where(has_event, crossing, np.nan)


def pptc_courses(day: FloatArray, volume: FloatArray) -> PptcCourse:
    """What the categories rest on, for each curve.

    Parameters
    ----------
    day : ndarray, shape (n, t)
        Days since baseline, rising.
    volume : ndarray, shape (n, t)
        mm³; the first column is the baseline, 0 where the tumor is gone, NaN without a reading.
    """
    rows = np.arange(day.shape[0])
    read = ~np.isnan(volume)
    later = read.copy()
    later[:, 0] = False
    baseline = volume[:, 0]
    estimable = (baseline > 0) & later.any(axis=1)
    end = volume[rows, read.shape[1] - 1 - np.argmax(later[:, ::-1], axis=1)]
    limit = np.where(baseline < CR_BELOW_MM3, RATIO_TOLERANCE, CR_BELOW_MM3)
    below = (later & (volume < limit[:, None])).any(axis=1)
    lowest = np.where(later, volume, np.inf).min(axis=1)
    scale = np.where(estimable, baseline, np.nan)
    lowest_ratio, end_ratio = np.where(estimable, lowest, np.nan) / scale, end / scale
    return PptcCourse(
        estimable=estimable,
        below=below & estimable,
        below_at_end=(end < limit) & estimable,
        regressed=lowest_ratio <= 0.5 + RATIO_TOLERANCE,
        end_ratio=end_ratio,
        lowest_ratio=lowest_ratio,
        event_day=np.where(estimable, event_days(day, volume), np.nan),
    )


def classify_pptc(
    course: PptcCourse, *, control_median: float | None, control_beyond: float = math.nan
) -> tuple[PptcCategory | None, ...]:
    """Category of each curve, None where it has no baseline or no later reading.

    Parameters
    ----------
    course : PptcCourse
        Of n curves.
    control_median : float or None
        Median event time of the controls, days; None where there is no control or its median was
        not reached.
    control_beyond : float
        Day up to which the controls' median is known not to be reached.

    Returns
    -------
    tuple of str or None
        ``PD`` where an event cannot be compared with a control's.
    """
    # With the median beyond day x, an event within 1.5 x is within 1.5 medians.
    reference = control_beyond if control_median is None else control_median
    result: list[PptcCategory | None] = []
    for i in range(course.estimable.size):
        if not course.estimable[i]:
            result.append(None)
        elif course.below[i]:
            result.append("MCR" if course.below_at_end[i] else "CR")
        elif course.regressed[i]:
            result.append("PR")
        elif course.end_ratio[i] <= 1.25 + RATIO_TOLERANCE:
            result.append("SD")
        elif math.isnan(course.event_day[i]):
            result.append("PD2")
        elif course.event_day[i] <= PD1_UP_TO * reference + RATIO_TOLERANCE:
            result.append("PD1")
        else:
            result.append("PD" if control_median is None else "PD2")
    return tuple(result)


def group_category(
    categories: Sequence[PptcCategory],
) -> tuple[float | None, PptcCategory | None]:
    """Median score of a group and the category it stands for.

    A median half way between two categories belongs to the lower one. Animals that are ``PD``
    count once as PD1 and once as PD2; where that changes the category there is no result.

    Parameters
    ----------
    categories : sequence of str
        Of the evaluable animals.

    Returns
    -------
    score : float or None
        None without animals, or where it depends on the animals that are ``PD``.
    category : str or None
        Likewise.

    Examples
    --------
    >>> group_category(["PD2", "SD", "CR", "CR"])
    (6.0, 'PR')
    >>> group_category(["SD", "PR"])
    (5.0, 'SD')
    """
    if not categories:
        return None, None
    found: list[tuple[float, PptcCategory]] = []
    for unsplit in (SCORES["PD1"], SCORES["PD2"]):
        median = float(np.median([SCORES.get(category, unsplit) for category in categories]))
        found.append((median, next(name for cut, name in _GROUPS if median <= cut)))
    (low, low_name), (high, high_name) = found
    return (low if low == high else None), (low_name if low_name == high_name else None)


def pptc_reason(
    course: PptcCourse,
    i: int,
    category: PptcCategory | None,
    *,
    tgd: float | None,
    baseline: FloatArray,
    end_reason: LeavingReason,
) -> str:
    """Why the category of an animal is what it is.

    Parameters
    ----------
    course : PptcCourse
        Of all animals.
    i : int
        Place of the animal.
    category : PptcCategory or None
        Its category.
    tgd : float or None
        Its event time over the median of the controls.
    baseline : ndarray, shape (1,) or (0,)
        Its baseline volume, mm³, where it has one.
    end_reason : LeavingReason
        Why it was followed no longer.
    """
    if end_reason in TOXIC:
        return f"left for {end_reason}: not evaluable"
    if category is None:
        return "no baseline above zero with a reading after it"
    low = 100.0 * (float(course.lowest_ratio[i]) - 1)
    end = 100.0 * (float(course.end_ratio[i]) - 1)
    small = bool(baseline[0] < CR_BELOW_MM3)
    if category in ("CR", "MCR"):
        limit = "gone" if small else f"below {CR_BELOW_MM3:g} mm³"
        text = f"tumor {limit}" + (" at the last reading" if category == "MCR" else "")
        if not course.regressed[i]:
            text += f", though it regressed by {-low:.0f} % only"
    elif category == "PR":
        text = f"lowest change {low:.1f} %"
    elif category == "SD":
        text = f"lowest change {low:.1f} %, last change {end:.1f} %"
    elif math.isnan(course.event_day[i]):
        text = f"last change {end:.1f} %, four times the baseline was not reached"
    else:
        text = f"four times the baseline after {course.event_day[i]:.1f} days"
        if tgd is not None:
            text += f", {tgd:.2f} times the controls' median"
        elif category == "PD":
            text += "; without a median of controls PD1 and PD2 cannot be told apart"
    if small:
        text += f"; baseline below {CR_BELOW_MM3:g} mm³: only a vanished tumor counts as CR"
    return text
