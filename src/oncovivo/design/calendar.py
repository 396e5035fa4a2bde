"""The calendar of a study: which day each arm is dosed, which day tumors are measured.

Study days are dates counted from day 0; nothing here looks at a clock. Days on which nobody works
(weekends, where they are closed, and holidays) move doses as the plan says, or refuse them; they
move a measurement to the working day before it. What cannot be done is an error that names the
day, never a calendar with a hole.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Final, Literal, TypeAlias, get_args

from oncovivo.errors import InputError
from oncovivo.studies import Regimen, Treatment

__all__ = [
    "WEEKDAYS",
    "CalendarArm",
    "CalendarEntry",
    "CalendarPlan",
    "MeasuringRule",
    "OnClosed",
    "Task",
    "make_calendar",
]

OnClosed: TypeAlias = Literal["refuse", "keep", "earlier", "later"]
Task: TypeAlias = Literal["dose", "measure"]

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""Names of the weekdays, in the order of :meth:`datetime.date.weekday`."""

_WEEKEND: Final = ("Sat", "Sun")
# A study of mice longer than this is a slip of the pen.
_MOST_DAYS: Final = 2000
# Dates beyond are slips too, and end where Python's do.
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2999


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarArm:
    """An arm and what it gets; an arm without a regimen is only measured.

    Parameters
    ----------
    name : str
        The arm.
    regimen : Regimen, optional
        With a schedule and a duration.
    """

    name: str
    regimen: Regimen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuringRule:
    """When tumors and weights are measured, besides day 0 and the last day.

    Parameters
    ----------
    weekdays : tuple of str
        Such as ``("Mon", "Thu")`` for twice weekly.
    closer_weekdays : tuple of str
        In place of these from `closer_from` on.
    closer_from : int, optional
        Study day from which tumors are near their limit.
    longest_gap : int, optional
        Days that two measurements may be apart.
    """

    weekdays: tuple[str, ...]
    closer_weekdays: tuple[str, ...] = ()
    closer_from: int | None = None
    longest_gap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarPlan:
    """What a calendar is made of.

    Parameters
    ----------
    start : date
        Date of study day 0.
    last_day : int
        Last study day.
    arms : tuple of CalendarArm
        At least one.
    measuring : MeasuringRule
        When it is measured.
    weekends_open : bool
        Whether people work on Saturdays and Sundays.
    holidays : tuple of date
        Days on which nobody works.
    on_closed : {"refuse", "keep", "earlier", "later"}
        What becomes of a dose on a closed day: an error, given all the same, or moved to the
        nearest working day before or after.

    Raises
    ------
    InputError
        If the parts contradict each other.
    """

    start: datetime.date
    last_day: int
    arms: tuple[CalendarArm, ...]
    measuring: MeasuringRule
    weekends_open: bool = False
    holidays: tuple[datetime.date, ...] = ()
    on_closed: OnClosed = "refuse"

    def __post_init__(self) -> None:
        if not 1 <= self.last_day <= _MOST_DAYS:
            expected = f"a last day from 1 to {_MOST_DAYS}"
            raise InputError(expected, found=str(self.last_day))
        if not _FIRST_YEAR <= self.start.year <= _LAST_YEAR:
            expected = f"a start in the years {_FIRST_YEAR} to {_LAST_YEAR}"
            raise InputError(expected, found=self.start.isoformat())
        if self.on_closed not in get_args(OnClosed):
            expected = "doses on closed days: " + ", ".join(get_args(OnClosed))
            raise InputError(expected, found=repr(self.on_closed))
        names = [arm.name for arm in self.arms]
        if not names:
            expected = "at least one arm"
            raise InputError(expected, found="none")
        for name in names:
            if names.count(name) > 1:
                expected = "each arm once"
                raise InputError(expected, found=f"'{name}' twice")
        self._check_measuring()
        for day in (0, self.last_day):
            if self.is_closed(day):
                expected = "a first and a last day on which people work"
                raise InputError(expected, found=self.spelled(day))

    def _check_measuring(self) -> None:
        """Refuse weekdays that do not exist or are closed, and half of a rule."""
        rule = self.measuring
        if not rule.weekdays:
            expected = "at least one weekday to measure on"
            raise InputError(expected, found="none")
        for name in (*rule.weekdays, *rule.closer_weekdays):
            if name not in WEEKDAYS:
                expected = "a weekday: " + ", ".join(WEEKDAYS)
                raise InputError(expected, found=repr(name))
            if name in _WEEKEND and not self.weekends_open:
                expected = "weekdays to measure on that are open"
                raise InputError(expected, found=name, mend='write weekends = "open"')
        if rule.closer_from is not None and not rule.closer_weekdays:
            expected = "closer_weekdays beside closer_from"
            raise InputError(expected, found="none")
        if rule.closer_weekdays and len(set(rule.closer_weekdays)) < len(set(rule.weekdays)):
            raise InputError(
                "closer_weekdays that are as many as weekdays or more",
                found=f"{', '.join(rule.closer_weekdays)} after {', '.join(rule.weekdays)}",
            )
        if rule.longest_gap is not None and rule.longest_gap < 1:
            expected = "a longest gap of 1 day or more"
            raise InputError(expected, found=str(rule.longest_gap))

    def date_of(self, day: int) -> datetime.date:
        """Date of a study day."""
        return self.start + datetime.timedelta(days=day)

    def weekday_of(self, day: int) -> str:
        """Weekday of a study day."""
        return WEEKDAYS[self.date_of(day).weekday()]

    def is_closed(self, day: int) -> bool:
        """Whether nobody works on a study day."""
        weekend = not self.weekends_open and self.weekday_of(day) in _WEEKEND
        return weekend or self.date_of(day) in self.holidays

    def spelled(self, day: int) -> str:
        """A study day in words."""
        return f"day {day}, {self.weekday_of(day)} {self.date_of(day).isoformat()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEntry:
    """Something to do on a day.

    Parameters
    ----------
    day : int
        Study day.
    date : str
        ISO date.
    weekday : str
        Its weekday.
    task : {"dose", "measure"}
        What.
    arm : str
        The arm; ``all`` for measurements.
    detail : str
        What is given, or why it is measured.
    planned_day : int
        Study day before a closed day moved it.
    times : int
        How often on that day; 1 for measurements.
    """

    day: int
    date: str
    weekday: str
    task: Task
    arm: str
    detail: str
    planned_day: int
    times: int = 1

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def make_calendar(plan: CalendarPlan) -> tuple[CalendarEntry, ...]:
    """Everything that is done, by day; on a day it is measured before it is dosed.

    Parameters
    ----------
    plan : CalendarPlan
        The plan.

    Raises
    ------
    InputError
        If a dose lies outside the study or on a closed day, two doses of a treatment meet on one
        day, or measurements are further apart than allowed.
    DataError
        If a regimen lacks its schedule or duration.

    Examples
    --------
    >>> from datetime import date
    >>> from oncovivo.studies import parse_regimen
    >>> plan = CalendarPlan(
    ...     start=date(2026, 1, 5),
    ...     last_day=7,
    ...     arms=(CalendarArm(name="drug", regimen=parse_regimen("drug 5 mg/kg i.v. qw x2")),),
    ...     measuring=MeasuringRule(weekdays=("Mon", "Thu")),
    ... )
    >>> [(entry.day, entry.task) for entry in make_calendar(plan)]
    [(0, 'measure'), (0, 'dose'), (3, 'measure'), (7, 'measure'), (7, 'dose')]
    """
    entries = [
        _entry(plan, day, "measure", "all", why, planned)
        for day, planned, why in _measurements(plan)
    ]
    for arm in plan.arms:
        for treatment in () if arm.regimen is None else arm.regimen.treatments:
            where = f"arm '{arm.name}', {treatment}"
            times = _times_per_day(treatment)
            days = _dosing_days(plan, times, where)
            entries += [
                _entry(plan, day, "dose", arm.name, str(treatment), planned, times[planned])
                for day, planned in days
            ]
    order = {"measure": 0, "dose": 1}
    return tuple(sorted(entries, key=lambda entry: (entry.day, order[entry.task])))


def _entry(
    plan: CalendarPlan,
    day: int,
    task: Task,
    arm: str,
    detail: str,
    planned: int,
    times: int = 1,
) -> CalendarEntry:
    """An entry with its date."""
    return CalendarEntry(
        day=day,
        date=plan.date_of(day).isoformat(),
        weekday=plan.weekday_of(day),
        task=task,
        arm=arm,
        detail=detail,
        planned_day=planned,
        times=times,
    )


def _times_per_day(treatment: Treatment) -> dict[int, int]:
    """How often a treatment is given on each of its days, phase by phase."""
    found: dict[int, int] = {}
    for place, course in enumerate(treatment.courses, start=1):
        # A phase begins where those before it end.
        until = replace(treatment, courses=treatment.courses[:place])
        for day in until.dosing_days():
            found.setdefault(day, course.times_per_day)
    return dict(sorted(found.items()))


def _dosing_days(plan: CalendarPlan, planned: Iterable[int], where: str) -> list[tuple[int, int]]:
    """Day on which each dose is given, and the one planned."""
    found: dict[int, int] = {}
    for day in planned:
        if not 0 <= day <= plan.last_day:
            expected = f"doses from day 0 to day {plan.last_day}"
            raise InputError(expected, found=f"one on day {day}", where=where)
        given = _moved(plan, day, where)
        if given in found:
            raise InputError(
                "doses on days of their own",
                found=f"those of day {found[given]} and {day} both on {plan.spelled(given)}",
                where=where,
                mend='choose another start, or on_closed = "keep"',
            )
        found[given] = day
    return list(found.items())


def _moved(plan: CalendarPlan, day: int, where: str) -> int:
    """The day on which a dose is given."""
    if plan.on_closed == "keep" or not plan.is_closed(day):
        return day
    if plan.on_closed == "refuse":
        raise InputError(
            "doses on days on which people work",
            found=f"one on {plan.spelled(day)}",
            where=where,
            mend='start on another weekday, or write on_closed = "earlier", "later" or "keep"',
        )
    step = 1 if plan.on_closed == "later" else -1
    moved = day
    # Day 0 and the last day are open: a move ends there at the latest.
    while plan.is_closed(moved):
        moved += step
    return moved


def _measurements(plan: CalendarPlan) -> list[tuple[int, int, str]]:
    """Days of measurements with the day planned and why, by day."""
    rule = plan.measuring
    found: dict[int, tuple[int, str]] = {
        0: (0, "baseline"),
        plan.last_day: (plan.last_day, "last day"),
    }
    for day in range(1, plan.last_day):
        near = rule.closer_from is not None and day >= rule.closer_from
        if plan.weekday_of(day) not in (rule.closer_weekdays if near else rule.weekdays):
            continue
        given = day
        while plan.is_closed(given):
            given -= 1
        found.setdefault(given, (day, "near the limit" if near else "routine"))
    days = sorted(found)
    for before, after in pairwise(days):
        if rule.longest_gap is not None and after - before > rule.longest_gap:
            raise InputError(
                f"measurements at most {rule.longest_gap} days apart",
                found=f"{after - before} days from {plan.spelled(before)} to "
                f"{plan.spelled(after)}",
                mend="measure on more weekdays",
            )
    return [(day, *found[day]) for day in days]
