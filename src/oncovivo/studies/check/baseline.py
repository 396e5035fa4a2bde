"""Checks of the start: baseline readings, their balance, and the clock."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from oncovivo.studies.check.model import Hit, study_check
from oncovivo.studies.check.rows import FloatArray, StudyRows
from oncovivo.studies.study import BASELINE_SHARE

__all__ = [
    "baseline_imbalance",
    "control_does_not_grow",
    "dosing_starts_later",
    "first_day_not_zero",
    "missing_baseline",
    "no_common_baseline",
]

# Two arms of eight differ by 0.5 SD in half of all fair randomizations, so that only differences
# are reported that are large (0.8 SD, and 25 % in volume) and that chance seldom makes
# (2.5 standard errors).
IMBALANCE_SD: Final = 0.8
IMBALANCE_RATIO: Final = 1.25
IMBALANCE_SE: Final = 2.5
FEWEST_FOR_BALANCE: Final = 3
# A control that has not grown by half gives every ratio of growth a denominator near zero.
LEAST_CONTROL_GROWTH: Final = 1.5


@study_check("warning", mend="name the baseline day with --baseline-day")
def no_common_baseline(rows: StudyRows) -> Iterator[Hit]:
    """There is no day on which 80 % of the animals are measured, and none was named.

    The design of one animal per arm passes: each animal starts on its own first day.
    """
    if rows.baseline_day is None and rows.curves and not rows.is_panel:
        most = max(
            sum(bool((curve.day == day).any()) for curve in rows.each_curve())
            for day in {float(d) for curve in rows.each_curve() for d in curve.day}
        )
        message = f"no day has readings of {BASELINE_SHARE:.0%} of the animals, at most "
        yield Hit(message=message + f"{most} of {len(rows.names)} share one")


@study_check("warning", mend="give the reading; without it the animal has no relative volume")
def missing_baseline(rows: StudyRows) -> Iterator[Hit]:
    """An animal has no reading on the baseline day.

    The baseline day is the one named, else the first day on which 80 % of the animals are
    measured.
    """
    day = rows.baseline_day
    if day is None:
        return
    for curve in rows.each_curve():
        if not (curve.day == day).any():
            message = f"animal '{curve.animal_id}' has no reading on day {day:g}, the baseline; "
            yield Hit(
                message=message + f"its first is on day {curve.day[0]:g}",
                arm=curve.arm or None,
                animal_id=curve.animal_id,
                at=(int(curve.at[0]),),
            )


@study_check(
    "warning", mend="adjust for the baseline volume; do not choose animals to make it fit"
)
def baseline_imbalance(rows: StudyRows) -> Iterator[Hit]:
    """An arm starts with larger or smaller tumors than the control.

    Log volumes at baseline, each arm against the control, or against all other animals when no
    control is known; arms of three animals or more. Reported when the standardized difference is
    0.8 or more, the geometric means are 25 % apart, and the difference is 2.5 standard errors:
    fair randomization of small arms makes smaller differences all the time.
    """
    logs: dict[str, FloatArray] = {}
    for arm in rows.arms:
        values = [rows.baseline_of(curve) for curve in rows.curves_in(arm)]
        logs[arm] = np.log(np.array([v for v in values if v is not None and v > 0]))
    for arm, own in logs.items():
        if arm in rows.controls:
            continue
        against = rows.controls or tuple(name for name in logs if name != arm)
        others = np.concatenate([np.empty(0), *(logs[name] for name in against)])
        if min(own.size, others.size) < FEWEST_FOR_BALANCE:
            continue
        difference = float(own.mean() - others.mean())
        within = ((own.size - 1) * own.var(ddof=1) + (others.size - 1) * others.var(ddof=1)) / (
            own.size + others.size - 2
        )
        sd = math.sqrt(within)
        error = sd * math.sqrt(1 / own.size + 1 / others.size)
        if (
            abs(difference) >= max(IMBALANCE_SD * sd, IMBALANCE_SE * error)
            and abs(difference) >= math.log(IMBALANCE_RATIO) - 1e-12
        ):
            name = f"'{against[0]}'" if rows.controls else "the other arms"
            ratio = float(np.exp(difference))
            apart = f"{abs(difference) / sd:.1f} SD" if sd > 0 else "without spread"
            message = f"arm '{arm}' starts at {ratio:.2f} times the volume of {name} ({apart})"
            yield Hit(message=message, arm=arm)


@study_check(
    "info",
    mend="name the baseline day with --baseline-day if the default is not the start of dosing",
)
def first_day_not_zero(rows: StudyRows) -> Iterator[Hit]:
    """The first day of the study is not day 0.

    Days since implantation, or a baseline taken the day before dosing, look so.
    """
    day = min((float(curve.day[0]) for curve in rows.each_curve()), default=0.0)
    if day != 0:
        yield Hit(message=f"the first reading is on day {day:g}")


@study_check("info", mend="name the day of the first dose with --baseline-day")
def dosing_starts_later(rows: StudyRows) -> Iterator[Hit]:
    """Dosing starts after the first readings, by the file's own column.

    Looks at ``drug_start_day``. Relative volumes against day 0 then hold growth before treatment.
    """
    starts = np.unique(rows.dosing_start[np.isfinite(rows.dosing_start)])
    first = min((float(curve.day[0]) for curve in rows.each_curve()), default=math.inf)
    if starts.size and starts[0] > first and rows.baseline_day != starts[0]:
        days = ", ".join(f"{day:g}" for day in starts[:4])
        yield Hit(message=f"readings begin on day {first:g}, dosing on day {days}")


@study_check(
    "warning",
    mend="ratios of growth (TGI) are undefined or wild; compare volumes or rates instead",
)
def control_does_not_grow(rows: StudyRows) -> Iterator[Hit]:
    """The control's tumors do not grow.

    The median over the control's animals of largest over first volume stays below 1.5; animals
    with a single reading are left out. A control with one animal says nothing about its line.
    """
    for arm in rows.controls:
        grown = [
            float(curve.bulk.max() / curve.bulk[curve.bulk > 0][0])
            for curve in rows.curves_in(arm)
            if curve.at.size > 1 and (curve.bulk > 0).any()
        ]
        if len(grown) > 1 and float(np.median(grown)) < LEAST_CONTROL_GROWTH:
            message = f"control '{arm}' grows to {np.median(grown):.2f} times its first volume"
            yield Hit(message=message, arm=arm)
