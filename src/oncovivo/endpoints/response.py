"""Response of every animal of a study, with the days and the reason that decided, and of its arms.

Three systems side by side: mRECIST (:mod:`oncovivo.endpoints.mrecist`), the categories of the
Pediatric Preclinical Testing Consortium (:mod:`oncovivo.endpoints.pptc`), and the change on one
day with RECIST-like limits (ORC).

``mrecist`` is what the published rule gives, to the letter. ``response`` is what is counted in the
arms' rates; it differs in two cases, and the reason says so:

- a **cured** animal, whose tumor is gone at its last reading from day 10 on, is CR, although the
  running mean of a tumor that first grew or shrank slowly may keep the rule at PR, SD or PD;
- an animal that left before day 10 because of its tumor (reason ``volume_limit`` or
  ``tumor_related``) is PD, although the rule says nothing. One that left for another reason has
  no response and is not evaluable.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from oncovivo.endpoints.curves import FloatArray, Readings, anchor, pad
from oncovivo.endpoints.mrecist import (
    CATEGORIES,
    NO_CATEGORY,
    Category,
    Rule,
)
from oncovivo.endpoints.mrecist_calls import (
    PROGRESSION,
    MrecistCalls,
    call_mrecist,
    mrecist_reason,
    remarks_on_curve,
    why_no_category,
)
from oncovivo.endpoints.orc import orc_on_day, single_day_orc
from oncovivo.endpoints.pptc import (
    SCORES,
    TOXIC,
    PptcCategory,
    PptcCourse,
    classify_pptc,
    group_category,
    pptc_courses,
    pptc_reason,
)
from oncovivo.endpoints.rates import clopper_pearson
from oncovivo.endpoints.response_result import (
    AnimalResponse,
    ArmResponse,
    ChangeCurve,
    ResponseResult,
)
from oncovivo.numerics import median_survival_time, product_limit
from oncovivo.studies import Animal, Study

__all__ = ["ResponseResult", "compute_response", "single_day_orc"]

# An arm that lost a larger share of its animals to toxicity has no group response.
TOXIC_SHARE: Final = 0.25


def compute_response(
    study: Study,
    *,
    control: str | None = None,
    rule: Rule = "published_text",
    baseline_day: float | None = None,
    orc_day: float | None = None,
    level: float = 0.95,
) -> ResponseResult:
    """Responses of all animals and arms of a study.

    Days count from the baseline day, not from implantation. An animal without a reading on it
    takes its last earlier one, else its first later one, and is flagged.

    Parameters
    ----------
    study : Study
        The study.
    control : str, optional
        Arm whose median event time separates PD1 from PD2.
    rule : {"published_text", "published_table"}
        Which readings mRECIST counts.
    baseline_day : float, optional
        Study day treatment began; without it as :meth:`Study.find_baseline_day` says.
    orc_day : float, optional
        Study day for the single-day category; without it there is none.
    level : float
        Coverage of the intervals of rates.

    Raises
    ------
    InputError
        If the control is not an arm of the study, or the rule is unknown.
    DataError
        If there is no usable baseline day.
    """
    if control is not None:
        study.animals_of(control)
    baseline = study.find_baseline_day(baseline_day)
    starts = np.array(
        [baseline.day if a.baseline_day is None else a.baseline_day for a in study.animals]
    )
    readings = _readings(study, starts)
    day, volume = pad(readings)
    progressed = np.array([animal.end_reason in PROGRESSION for animal in study.animals])
    calls = call_mrecist(day, volume, rule=rule, progressed=progressed)
    course = pptc_courses(day, volume)
    control_median, beyond = _control_median(study, control, course, day)
    categories = classify_pptc(course, control_median=control_median, control_beyond=beyond)
    orc = orc_on_day(day, volume, starts, orc_day)
    animals = tuple(
        _animal(
            animal,
            i,
            readings=readings,
            calls=calls,
            course=course,
            start=float(starts[i]),
            pptc=categories[i],
            control_median=control_median,
            orc=orc[i],
            orc_day=orc_day,
        )
        for i, animal in enumerate(study.animals)
    )
    return ResponseResult(
        study_id=study.study_id,
        simulated=study.simulated,
        rule=rule,
        control=control,
        control_median_event_day=control_median,
        baseline=baseline,
        animals=animals,
        arms=tuple(
            _arm(arm.name, [a for a in animals if a.arm == arm.name], level=level)
            for arm in study.arms
        ),
        curves=tuple(_curves(study, readings, starts)),
        notes=(*_notes(control, control_median, beyond), *_study_notes(study)),
    )


def _readings(study: Study, starts: FloatArray) -> Readings:
    """Readings of a study's animals, in its order, from their baselines on."""
    number = {animal.animal_id: i for i, animal in enumerate(study.animals)}
    table = study.measurements
    return anchor(
        np.array([number[name] for name in table["animal_id"]], dtype=np.intp),
        table["day"].to_numpy(dtype=np.float64),
        table["volume_mm3"].to_numpy(dtype=np.float64),
        (table["volume_state"] == "below_limit").to_numpy(dtype=np.bool_),
        n=len(study.animals),
        baseline_day=starts,
    )


def _curves(study: Study, readings: Readings, starts: FloatArray) -> list[ChangeCurve]:
    """Changes of the animals that have a baseline above zero."""
    curves: list[ChangeCurve] = []
    for i, animal in enumerate(study.animals):
        own = slice(int(readings.start[i]), int(readings.start[i + 1]))
        day, volume = readings.day[own] + starts[i], readings.volume[own]
        if volume.size and volume[0] > 0:
            change = 100.0 * (volume - volume[0]) / volume[0]
            curves.append(
                ChangeCurve(
                    animal_id=animal.animal_id,
                    arm=animal.arm,
                    days=tuple(day.tolist()),
                    change_pct=tuple(change.tolist()),
                )
            )
    return curves


def _control_median(
    study: Study, control: str | None, course: PptcCourse, day: FloatArray
) -> tuple[float | None, float]:
    """Median event time of the controls, and the day up to which it is not reached."""
    if control is None:
        return None, math.nan
    of_control = np.array([animal.arm == control for animal in study.animals]) & course.estimable
    if not of_control.any():
        return None, math.nan
    last = np.nanmax(day[of_control], axis=1)
    event = course.event_day[of_control]
    has_event = ~np.isnan(event)
    median = median_survival_time(product_limit(np.where(has_event, event, last), has_event))
    # Not reached: the median lies beyond the day on which the last control was seen.
    return median, float(last.max()) if median is None else math.nan


def _animal(
    animal: Animal,
    i: int,
    *,
    readings: Readings,
    calls: MrecistCalls,
    course: PptcCourse,
    start: float,
    pptc: PptcCategory | None,
    control_median: float | None,
    orc: Category | None,
    orc_day: float | None,
) -> AnimalResponse:
    """The row of one animal."""
    own = slice(int(readings.start[i]), int(readings.start[i + 1]))
    day, volume = readings.day[own], readings.volume[own]
    best, code = calls.best, int(calls.best.category[i])
    counted = int(calls.response[i])
    reason = mrecist_reason(
        calls, i, offset=start, early=why_no_category(day, volume, start, animal.end_reason)
    )
    remarks = remarks_on_curve(readings, own, start, n_late=int(best.n_late[i]))
    flagged = bool(
        remarks or counted != code or (code != NO_CATEGORY and calls.depends_on_schedule[i])
    )
    later = np.flatnonzero(np.arange(day.size) > 0) if course.estimable[i] else np.array([], int)
    at_nadir = later[np.argmin(volume[later])] if later.size else 0
    toxic = animal.end_reason in TOXIC
    event = _number(course.event_day[i])
    tgd = None if event is None or control_median is None else event / control_median
    return AnimalResponse(
        animal_id=animal.animal_id,
        arm=animal.arm,
        start_day=start,
        baseline_day=float(day[0]) + start if day.size else None,
        baseline_volume_mm3=float(volume[0]) if day.size else None,
        n_readings=day.size,
        last_day=float(day[-1]) + start if day.size else None,
        end_day=max(animal.end_day, float(day[-1]) + start) if day.size else animal.end_day,
        end_reason=animal.end_reason,
        best_response_pct=_number(best.best_pct[i]),
        best_response_day=_number(best.best_day[i] + start),
        best_average_response_pct=_number(best.average_pct[i]),
        best_average_response_day=_number(best.average_day[i] + start),
        nadir_pct=100.0 * (float(course.lowest_ratio[i]) - 1) if later.size else None,
        nadir_day=float(day[at_nadir]) + start if later.size else None,
        end_change_pct=100.0 * (float(course.end_ratio[i]) - 1) if later.size else None,
        mrecist=None if code == NO_CATEGORY else CATEGORIES[code],
        response=None if counted == NO_CATEGORY else CATEGORIES[counted],
        cured_day=_number(calls.cured_day[i] + start),
        depends_on_schedule=bool(calls.depends_on_schedule[i]),
        other_schedules=tuple(
            CATEGORIES[c] for c in sorted({int(c) for c in calls.others[i]} - {NO_CATEGORY, code})
        )
        if code != NO_CATEGORY
        else (),
        status="not_estimable" if counted == NO_CATEGORY else "flagged" if flagged else "ok",
        reason="; ".join([reason, *remarks]),
        event_day=event,
        tgd_value=tgd,
        pptc=None if toxic else pptc,
        pptc_score=None if toxic or pptc is None or pptc == "PD" else SCORES[pptc],
        pptc_reason=pptc_reason(
            course, i, pptc, tgd=tgd, baseline=volume[:1], end_reason=animal.end_reason
        ),
        orc=orc,
        orc_day=orc_day,
    )


def _number(value: float) -> float | None:
    """A number, None for NaN."""
    return None if math.isnan(value) else float(value)


def _arm(name: str, animals: Sequence[AnimalResponse], *, level: float) -> ArmResponse:
    """The row of one arm."""
    counts = {word: sum(a.response == word for a in animals) for word in CATEGORIES}
    n_evaluable = sum(counts.values())
    toxic = sum(a.end_reason in TOXIC for a in animals)
    too_toxic = toxic > TOXIC_SHARE * len(animals)
    categories = [a.pptc for a in animals if a.pptc is not None]
    score, group = (None, None) if too_toxic else group_category(categories)
    remarks: list[str] = []
    if n_evaluable < len(animals):
        remarks.append(f"{len(animals) - n_evaluable} of {len(animals)} animals not evaluable")
    if too_toxic:
        remarks.append(f"{toxic} of {len(animals)} left for toxicity: no PPTC group response")
    elif categories and group is None:
        remarks.append("PPTC group response needs a control arm to tell PD1 from PD2")
    depends = sum(a.depends_on_schedule for a in animals)
    if depends:
        remarks.append(f"{depends} categories depend on the sampling schedule")
    objective = counts["CR"] + counts["PR"]
    return ArmResponse(
        arm=name,
        n=len(animals),
        n_evaluable=n_evaluable,
        n_cr=counts["CR"],
        n_pr=counts["PR"],
        n_sd=counts["SD"],
        n_pd=counts["PD"],
        n_cured=sum(a.cured_day is not None for a in animals),
        n_depends_on_schedule=depends,
        objective_response=clopper_pearson(objective, n_evaluable, level=level),
        disease_control=clopper_pearson(objective + counts["SD"], n_evaluable, level=level),
        pptc_median_score=score,
        pptc_group=group,
        pptc_n=len(categories),
        pptc_n_toxic=toxic,
        status="not_estimable" if not n_evaluable else "flagged" if remarks else "ok",
        reason="; ".join(remarks),
    )


def _notes(control: str | None, median: float | None, beyond: float) -> tuple[str, ...]:
    """What to say about the comparison of event times."""
    if control is None:
        return ("PD1 and PD2 are told apart by the controls' event times: no control was named.",)
    if median is not None:
        return ()
    if math.isnan(beyond):
        return (f"No animal of '{control}' has readings from which an event could be seen.",)
    return (
        f"The median time of '{control}' to four times its baseline was not reached by day "
        f"{beyond:g} of treatment.",
    )


def _study_notes(study: Study) -> list[str]:
    """What to say about the animals and readings that take no part."""
    notes: list[str] = []
    if study.area_only:
        notes.append("Sizes are areas only: mRECIST and PPTC categories are defined on volumes.")
    if study.exclusions:
        names = "; ".join(f"{e.animal.animal_id} ({e.reason})" for e in study.exclusions)
        notes.append(f"{len(study.exclusions)} animals were excluded: {names}.")
    return notes
