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
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd

from oncovivo.endpoints.curves import DAY_TOLERANCE, FloatArray, Readings, anchor, pad
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
from oncovivo.endpoints.pptc import (
    CR_BELOW_MM3,
    SCORES,
    PptcCategory,
    PptcCourse,
    classify_pptc,
    group_category,
    pptc_courses,
)
from oncovivo.endpoints.rates import Rate, clopper_pearson
from oncovivo.numerics import median_survival_time, product_limit
from oncovivo.studies import Animal, BaselineDay, LeavingReason, Study

__all__ = [
    "AnimalResponse",
    "ArmResponse",
    "ChangeCurve",
    "ResponseResult",
    "ResponseStatus",
    "compute_response",
    "single_day_orc",
]

ResponseStatus: TypeAlias = Literal["ok", "flagged", "not_estimable"]

# A mouse that left for these is not evaluable in the PPTC's system.
TOXIC: Final[tuple[LeavingReason, ...]] = ("toxicity", "body_weight_loss")
TOXIC_SHARE: Final = 0.25
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalResponse:
    """Response of one animal. What does not exist is None, and the reason beside it says why.

    Parameters
    ----------
    animal_id, arm : str
        The animal and its arm.
    start_day : float
        Study day on which its clock starts: its own baseline day, or the study's.
    baseline_day : float or None
        Study day of the baseline reading.
    baseline_volume_mm3 : float or None
        Volume on that day.
    n_readings : int
        Readings from the baseline on.
    last_day : float or None
        Study day of the last reading.
    end_day : float
        Last study day on which the animal was followed.
    end_reason : LeavingReason
        Why the animal was followed no longer.
    best_response_pct, best_response_day : float or None
        Lowest change that the rule counts, and its study day.
    best_average_response_pct, best_average_response_day : float or None
        Lowest running mean that the rule counts, and its study day.
    nadir_pct, nadir_day : float or None
        Lowest change after baseline on any day.
    end_change_pct : float or None
        Change at the last reading.
    mrecist : Category or None
        By the rule.
    response : Category or None
        What is counted; differs for cured animals and for those that left early with progression.
    cured_day : float or None
        Study day from which the tumor stays gone.
    depends_on_schedule : bool
        Whether every other visit alone would give another category.
    other_schedules : tuple of Category
        The categories that these would give, where they differ from `mrecist`.
    status : ResponseStatus
        Of mRECIST.
    reason : str
        Why mRECIST is what it is.
    event_day : float or None
        Days from `start_day` to four times the baseline volume.
    tgd_value : float or None
        That over the controls' median.
    pptc : PptcCategory or None
        PPTC category.
    pptc_score : int or None
        0 (PD1) to 10 (MCR).
    pptc_reason : str
        Why the PPTC category is what it is.
    orc : Category or None
        Category on the single day asked for.
    orc_day : float or None
        That study day.
    """

    animal_id: str
    arm: str
    start_day: float
    baseline_day: float | None
    baseline_volume_mm3: float | None
    n_readings: int
    last_day: float | None
    end_day: float
    end_reason: LeavingReason
    best_response_pct: float | None
    best_response_day: float | None
    best_average_response_pct: float | None
    best_average_response_day: float | None
    nadir_pct: float | None
    nadir_day: float | None
    end_change_pct: float | None
    mrecist: Category | None
    response: Category | None
    cured_day: float | None
    depends_on_schedule: bool
    other_schedules: tuple[Category, ...]
    status: ResponseStatus
    reason: str
    event_day: float | None
    tgd_value: float | None
    pptc: PptcCategory | None
    pptc_score: int | None
    pptc_reason: str
    orc: Category | None
    orc_day: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCurve:
    """Change of volume of one animal, for drawing.

    Parameters
    ----------
    animal_id, arm : str
        The animal and its arm.
    days : tuple of float
        Study days from the baseline reading on, rising.
    change_pct : tuple of float
        Change from baseline, percent.
    """

    animal_id: str
    arm: str
    days: tuple[float, ...]
    change_pct: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResponse:
    """Response of an arm.

    Parameters
    ----------
    arm : str
        Its name.
    n, n_evaluable : int
        Animals, and those with a `response`.
    n_cr, n_pr, n_sd, n_pd : int
        By `response`.
    n_cured : int
        Animals whose tumor is gone at the last reading.
    n_depends_on_schedule : int
        Animals whose category every other visit alone would change.
    objective_response, disease_control : Rate
        CR or PR, and CR, PR or SD, of the evaluable animals.
    pptc_median_score : float or None
        Median of the scores of the animals that are evaluable there.
    pptc_group : PptcCategory or None
        Category of that score.
    pptc_n : int
        Animals behind it.
    pptc_n_toxic : int
        Animals that left for toxicity; above 25 % the group is not evaluable.
    status : ResponseStatus
        ``not_estimable`` without evaluable animals.
    reason : str
        What is flagged.
    """

    arm: str
    n: int
    n_evaluable: int
    n_cr: int
    n_pr: int
    n_sd: int
    n_pd: int
    n_cured: int
    n_depends_on_schedule: int
    objective_response: Rate
    disease_control: Rate
    pptc_median_score: float | None
    pptc_group: PptcCategory | None
    pptc_n: int
    pptc_n_toxic: int
    status: ResponseStatus
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseResult:
    """Responses of a study.

    Parameters
    ----------
    study_id : str
        The study.
    simulated : bool
        Whether the numbers come from a simulation.
    rule : Rule
        Of mRECIST.
    control : str or None
        Arm that event times are compared with.
    control_median_event_day : float or None
        Median days of the controls to four times their baseline; None where not reached.
    baseline : BaselineDay
        The day changes refer to, and who chose it.
    animals : tuple of AnimalResponse
        In the order of the study.
    arms : tuple of ArmResponse
        In the order of the study.
    curves : tuple of ChangeCurve
        Of the animals with a baseline above zero.
    notes : tuple of str
        What holds for the study as a whole.
    """

    study_id: str
    simulated: bool
    rule: Rule
    control: str | None
    control_median_event_day: float | None
    baseline: BaselineDay
    animals: tuple[AnimalResponse, ...]
    arms: tuple[ArmResponse, ...]
    curves: tuple[ChangeCurve, ...]
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row for each animal, columns as the fields of :class:`AnimalResponse`."""
        frame = pd.DataFrame([asdict(animal) for animal in self.animals])
        frame["other_schedules"] = [" ".join(a.other_schedules) for a in self.animals]
        return frame

    def to_dict(self) -> dict[str, object]:
        """All but the curves, for JSON."""
        return {
            "study": self.study_id,
            "simulated": self.simulated,
            "rule": self.rule,
            "control": self.control,
            "control_median_event_day": self.control_median_event_day,
            "baseline": asdict(self.baseline),
            "animals": [
                {**asdict(animal), "other_schedules": list(animal.other_schedules)}
                for animal in self.animals
            ],
            "arms": [asdict(arm) for arm in self.arms],
            "notes": list(self.notes),
        }

    def summary(self) -> str:
        """The study in a line."""
        rates = "; ".join(
            f"{arm.arm} {arm.objective_response.k}/{arm.objective_response.n}" for arm in self.arms
        )
        return f"{self.study_id}: objective responses by mRECIST ({self.rule}): {rates}"


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
    orc = _orc(day, volume, starts, orc_day)
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


def _orc(
    day: FloatArray, volume: FloatArray, starts: FloatArray, orc_day: float | None
) -> tuple[Category | None, ...]:
    """Single-day categories."""
    if orc_day is None:
        return (None,) * len(starts)
    on_day = np.abs(day + starts[:, None] - orc_day) <= DAY_TOLERANCE
    rows, at = np.arange(day.shape[0]), np.argmax(on_day, axis=1)
    baseline = np.where(volume[:, 0] > 0, volume[:, 0], np.nan)
    change = 100.0 * (volume[rows, at] - baseline) / baseline
    return single_day_orc(np.where(on_day.any(axis=1), change, np.nan))


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
        pptc_reason=_pptc_reason(
            course, i, pptc, tgd=tgd, baseline=volume[:1], end_reason=animal.end_reason
        ),
        orc=orc,
        orc_day=orc_day,
    )


def _number(value: float) -> float | None:
    """A number, None for NaN."""
    return None if math.isnan(value) else float(value)


def _pptc_reason(
    course: PptcCourse,
    i: int,
    category: PptcCategory | None,
    *,
    tgd: float | None,
    baseline: FloatArray,
    end_reason: LeavingReason,
) -> str:
    """Why the PPTC category is what it is."""
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
