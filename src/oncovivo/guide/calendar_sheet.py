"""The calendar of a study as a page to print: months of weeks, Monday to Sunday."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby

from oncovivo.analyses.design_schedule import ScheduleResult
from oncovivo.design.calendar import WEEKDAYS, CalendarEntry, CalendarPlan
from oncovivo.documents import Document, Paragraph, Section, Table, text
from oncovivo.guide.sheets import BOX, sheet_table

__all__ = ["calendar_document"]

_WEEK = timedelta(days=7)
_FIXED = "\u00a0"  # a space at which no line breaks
# Not those of the calendar module, which follow the language of the system.
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def calendar_document(result: ScheduleResult, *, printed: date) -> Document:
    """The calendar as a document: every day of the study once, with boxes for what is due.

    A week stands whole in the month of its first study day.

    Parameters
    ----------
    result : ScheduleResult
        The calendar.
    printed : date
        Date that the page shows.
    """
    plan = result.plan
    last = plan.date_of(plan.last_day)
    return Document(
        title=result.title,
        subtitle=f"Study days 0 to {plan.last_day}, {plan.start.isoformat()} to "
        f"{last.isoformat()}",
        date=printed.isoformat(),
        sections=(
            Section(
                anchor="arms",
                title="What is given",
                blocks=(
                    Paragraph(content=text(_reading(result))),
                    _regimens(plan),
                ),
            ),
            *(
                Section(
                    anchor=f"month-{month[0]}-{month[1]:02d}",
                    title=f"{_MONTHS[month[1] - 1]} {month[0]}",
                    blocks=tuple(_week(result, monday) for monday in mondays),
                )
                for month, mondays in groupby(
                    _weeks(plan), key=lambda monday: _month_of(plan, monday)
                )
            ),
        ),
    )


def _reading(result: ScheduleResult) -> str:
    """How the page is read."""
    rule = result.plan.measuring
    words = (
        f"Tick {BOX} when it is done; whoever did it writes their initials. Tumors and weights "
        f"are measured on {' and '.join(rule.weekdays)}, on the first and on the last day"
    )
    if rule.closer_from is not None:
        words += f"; from day {rule.closer_from} on {', '.join(rule.closer_weekdays)}"
    words += ". On a day it is measured before it is dosed."
    if any(entry.planned_day != entry.day for entry in result.entries):
        words += " A number in parentheses is the study day that was planned."
    return words


def _regimens(plan: CalendarPlan) -> Table:
    """What the arms get."""
    return sheet_table(
        "regimens",
        "Arms and regimens",
        (("arm", 1.0, "left"), ("regimen", 3.0, "left")),
        [
            (arm.name, "not dosed" if arm.regimen is None else str(arm.regimen))
            for arm in plan.arms
        ],
    )


def _month_of(plan: CalendarPlan, monday: date) -> tuple[int, int]:
    """Year and month in which the first study day of a week lies."""
    here = max(monday, plan.start)
    return here.year, here.month


def _weeks(plan: CalendarPlan) -> Iterator[date]:
    """Mondays of the weeks with a day of the study."""
    monday = plan.start - timedelta(days=plan.start.weekday())
    while monday <= plan.date_of(plan.last_day):
        yield monday
        monday += _WEEK


def _week(result: ScheduleResult, monday: date) -> Table:
    """A week: what is measured, what each arm gets, and who did it."""
    plan = result.plan
    days = [(monday - plan.start).days + n for n in range(len(WEEKDAYS))]
    inside = [day for day in days if 0 <= day <= plan.last_day]
    own = [entry for entry in result.entries if entry.day in days]
    rows: list[Sequence[str]] = []
    for label, entries in _tasks(plan, own):
        cells = [[_due(entry) for entry in entries if entry.day == day] for day in days]
        rows.append((label, *(" ".join(cell) for cell in cells)))
    rows.append(("initials", *[""] * len(days)))
    first, last = inside[0], inside[-1]
    return sheet_table(
        f"week-{monday.isoformat()}",
        f"Study day {first}" if first == last else f"Study days {first} to {last}",
        (("week", 1.8, "left"), *((_date(plan, day), 1.0, "left") for day in days)),
        rows,
        use="writing",
    )


def _date(plan: CalendarPlan, day: int) -> str:
    """Weekday, date and study day; closed days are said, other days have no number."""
    here = plan.date_of(day)
    words = f"{WEEKDAYS[here.weekday()]} {here.day}{_FIXED}{_MONTHS[here.month - 1][:3]}"
    if not 0 <= day <= plan.last_day:
        return words
    return f"{words} day{_FIXED}{day}" + (" closed" if plan.is_closed(day) else "")


def _tasks(
    plan: CalendarPlan, entries: Sequence[CalendarEntry]
) -> Iterator[tuple[str, list[CalendarEntry]]]:
    """The rows of a week that have something in them."""
    measured = [entry for entry in entries if entry.task == "measure"]
    if measured:
        yield "measure and weigh", measured
    for arm in plan.arms:
        for treatment in () if arm.regimen is None else arm.regimen.treatments:
            given = [
                entry
                for entry in entries
                if entry.task == "dose"
                and entry.arm == arm.name
                and entry.detail == str(treatment)
            ]
            if given:
                several = arm.regimen is not None and len(arm.regimen.treatments) > 1
                what = treatment.compound if several and treatment.compound else ""
                yield f"dose {arm.name}" + (f": {what}" if what else ""), given


def _due(entry: CalendarEntry) -> str:
    """A box for each time, and what is out of the ordinary."""
    words = " ".join([BOX] * entry.times)
    if entry.planned_day != entry.day:
        words += f" ({entry.planned_day})"
    if entry.task == "measure" and entry.detail in ("baseline", "last day"):
        words += f" {entry.detail}"
    return words
