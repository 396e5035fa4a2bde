"""What is counted of an animal's mRECIST, and the sentence that says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from oncovivo.endpoints.curves import DAY_TOLERANCE, BoolArray, FloatArray, Readings
from oncovivo.endpoints.mrecist import (
    CATEGORIES,
    CUT_TOLERANCE,
    CUTS,
    NO_CATEGORY,
    TEXT_FROM_DAY,
    BestResponses,
    CodeArray,
    Rule,
    best_responses,
    other_schedules,
)
from oncovivo.studies import LeavingReason

__all__ = [
    "PROGRESSION",
    "MrecistCalls",
    "call_mrecist",
    "mrecist_reason",
    "remarks_on_curve",
    "why_no_category",
]

# Leaving for these before day 10 is progression; the rule of the paper has no word for it.
PROGRESSION: Final[tuple[LeavingReason, ...]] = ("volume_limit", "tumor_related")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MrecistCalls:
    """What mRECIST says of n curves, and what is counted.

    Parameters
    ----------
    best : BestResponses
        By the rule.
    response : ndarray of int8, shape (n,)
        Places in ``CATEGORIES`` that are counted, -1 where the animal is not evaluable.
    cured_day : ndarray, shape (n,)
        Day from which the tumor stays gone to the last reading, which is on day 10 or later; NaN
        otherwise.
    others : ndarray of int8, shape (n, 2)
        From :func:`other_schedules`.
    depends_on_schedule : ndarray of bool, shape (n,)
        Whether one of these is another category than the rule's.
    """

    best: BestResponses
    response: CodeArray
    cured_day: FloatArray
    others: CodeArray
    depends_on_schedule: BoolArray


def call_mrecist(
    day: FloatArray,
    volume: FloatArray,
    *,
    rule: Rule = "published_text",
    progressed: BoolArray | None = None,
) -> MrecistCalls:
    """Categories by the rule, those counted, and what half as many visits would have said.

    Parameters
    ----------
    day, volume : ndarray, shape (n, t)
        As for :func:`best_responses`.
    rule : {"published_text", "published_table"}
        Which readings count.
    progressed : ndarray of bool, shape (n,), optional
        Whether the animal left because of its tumor; where the rule gives no category because it
        left before day 10, it then counts as PD.
    """
    best = best_responses(day, volume, rule=rule)
    others = other_schedules(day, volume, rule=rule)
    cured_day = _cured_day(day, volume)
    response = best.category.copy()
    if progressed is not None:
        early = (response == NO_CATEGORY) & progressed & (volume[:, 0] > 0)
        response[early] = CATEGORIES.index("PD")
    response[~np.isnan(cured_day)] = CATEGORIES.index("CR")
    known = (others != NO_CATEGORY) & (best.category != NO_CATEGORY)[:, None]
    return MrecistCalls(
        best=best,
        response=response,
        cured_day=cured_day,
        others=others,
        depends_on_schedule=(known & (others != best.category[:, None])).any(axis=1),
    )


def _cured_day(day: FloatArray, volume: FloatArray) -> FloatArray:
    """First day of the zeros that run to the last reading, NaN without."""
    rows, columns = np.arange(day.shape[0]), day.shape[1]
    read = ~np.isnan(volume)
    last = columns - 1 - np.argmax(read[:, ::-1], axis=1)
    cured = (
        (volume[:, 0] > 0)
        & (volume[rows, last] == 0)
        & (day[rows, last] >= TEXT_FROM_DAY - DAY_TOLERANCE)
    )
    present = volume > 0
    last_present = columns - 1 - np.argmax(present[:, ::-1], axis=1)
    gone = read & (np.arange(columns) > last_present[:, None])
    return np.where(cured, day[rows, np.argmax(gone, axis=1)], np.nan)


def mrecist_reason(calls: MrecistCalls, i: int, *, offset: float, early: str) -> str:
    """Why an animal has its category, with the days that decided, in one sentence.

    Parameters
    ----------
    calls : MrecistCalls
        Of n curves.
    i : int
        Number of the curve.
    offset : float
        Study day of its baseline, so that days are those of the file.
    early : str
        What to say where the rule gives no category.
    """
    best, code = calls.best, int(calls.best.category[i])
    counted = int(calls.response[i])
    if code == NO_CATEGORY:
        if counted == NO_CATEGORY:
            return early
        return f"{early}; counted as {CATEGORIES[counted]}"
    lowest, mean = float(best.best_pct[i]), float(best.average_pct[i])
    on = f"best response {lowest:.1f} % on day {best.best_day[i] + offset:g}"
    average = f"best average {mean:.1f} % on day {best.average_day[i] + offset:g}"
    text = f"{CATEGORIES[code]}: {on}, {average}"
    if code < len(CUTS):
        text += f" (below {CUTS[code][0]:g} and {CUTS[code][1]:g})"
    if code > 0:
        best_cut, average_cut = CUTS[code - 1]
        misses = [
            f"{name} is not below {cut:g}"
            for name, value, cut in (("best", lowest, best_cut), ("average", mean, average_cut))
            if not value < cut - CUT_TOLERANCE
        ]
        text += f"; not {CATEGORIES[code - 1]}: {' and '.join(misses)}"
    if counted != code:
        gone_from = calls.cured_day[i] + offset
        text += f"; counted as CR: tumor gone from day {gone_from:g} to the last reading"
    if calls.depends_on_schedule[i]:
        other = sorted({int(c) for c in calls.others[i]} - {NO_CATEGORY, code})
        words = " or ".join(CATEGORIES[c] for c in other)
        text += f"; every other visit alone would say {words}"
    return text


def why_no_category(day: FloatArray, volume: FloatArray, start: float, why: LeavingReason) -> str:
    """Why the rule gives an animal no category.

    Parameters
    ----------
    day, volume : ndarray, shape (t,)
        Its readings from the baseline on; days since the baseline day.
    start : float
        Study day of the baseline.
    why : LeavingReason
        Why it left.
    """
    if not day.size:
        return "no volume was read"
    if volume[0] == 0:
        return f"no tumor at baseline (day {day[0] + start:g})"
    if day.size == 1:
        return f"no reading after the baseline on day {day[0] + start:g} ({why})"
    change = 100.0 * (volume[-1] - volume[0]) / volume[0]
    return (
        f"last reading on day {day[-1] + start:g} ({change:+.1f} %; {why}), before day "
        f"{TEXT_FROM_DAY:g} of treatment"
    )


def remarks_on_curve(readings: Readings, own: slice, start: float, *, n_late: int) -> list[str]:
    """What a reader should know of a curve whatever its category.

    Parameters
    ----------
    readings : Readings
        Of n animals.
    own : slice
        Where the animal's are.
    start : float
        Study day of its baseline.
    n_late : int
        Readings from day 10 of treatment on.
    """
    day, below = readings.day[own], readings.below[own]
    if not day.size:
        return []
    remarks: list[str] = []
    if abs(day[0]) > DAY_TOLERANCE:
        remarks.append(
            f"no reading on the baseline day {start:g}: changes refer to day {day[0] + start:g}"
        )
    if below[0]:
        remarks.append("baseline below the limit: its volume, and so every change, is a bound")
    if below[1:].any():
        count = int(np.count_nonzero(below[1:]))
        remarks.append(f"{count} readings below the limit count with the limit")
    if n_late == 1 and day.size > 1:
        remarks.append(f"one reading from day {TEXT_FROM_DAY:g} of treatment on")
    return remarks
