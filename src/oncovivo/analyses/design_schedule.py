"""The calendar of a study from a file, closer where projections say that tumors near the limit.

::

    title = "Temsirolimus in 786-O: calendar"
    start = 2026-01-05
    last_day = 28
    weekends = "closed"
    holidays = [2026-01-06]
    on_closed = "later"

    [measuring]
    weekdays = ["Mon", "Thu"]
    closer_weekdays = ["Mon", "Wed", "Fri"]
    closer_from = 18
    longest_gap = 4

    [[arm]]
    name = "temsirolimus"
    regimen = "temsirolimus 20 mg/kg i.v. qw x4"
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.design.calendar import (
    CalendarArm,
    CalendarEntry,
    CalendarPlan,
    MeasuringRule,
    OnClosed,
    make_calendar,
)
from oncovivo.errors import FileFormatError, InputError
from oncovivo.provenance import InputFile
from oncovivo.studies import parse_regimen
from oncovivo.texts import parse_json, parse_toml

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ScheduleResult", "first_day_near_limit", "plan_schedule_file", "read_calendar_plan"]

SCHEMA: Final = "oncovivo.design_schedule/1"
_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_STRICT: Final = ConfigDict(extra="forbid", strict=True)


class _Measuring(BaseModel):
    """When it is measured, as the file has it."""

    model_config = _STRICT

    weekdays: list[str]
    closer_weekdays: list[str] = Field(default_factory=list)
    closer_from: int | None = None
    longest_gap: int | None = None


class _Arm(BaseModel):
    """An arm as the file has it."""

    model_config = _STRICT

    name: _Name
    regimen: _Name | None = None


class _ScheduleFile(BaseModel):
    """A calendar as the file has it."""

    model_config = _STRICT

    title: str = "Calendar"
    start: datetime.date
    last_day: int
    weekends: Literal["open", "closed"] = "closed"
    holidays: list[datetime.date] = Field(default_factory=list)
    on_closed: OnClosed = "refuse"
    measuring: _Measuring
    arm: Annotated[list[_Arm], Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleResult:
    """A calendar, and what it was made from.

    Parameters
    ----------
    source : InputFile
        The file.
    title : str
        Heading.
    plan : CalendarPlan
        What was declared, with the day from which it is measured closer.
    entries : tuple of CalendarEntry
        By day.
    """

    source: InputFile
    title: str
    plan: CalendarPlan
    entries: tuple[CalendarEntry, ...]

    def to_frame(self) -> pd.DataFrame:
        """A row for each entry."""
        import pandas as pd

        return pd.DataFrame([entry.to_dict() for entry in self.entries])

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo design schedule``."""
        plan = self.plan
        return contract(
            SCHEMA,
            source=self.source,
            options={
                "start": plan.start.isoformat(),
                "last_day": plan.last_day,
                "weekends": "open" if plan.weekends_open else "closed",
                "holidays": [day.isoformat() for day in plan.holidays],
                "on_closed": plan.on_closed,
                "closer_from": plan.measuring.closer_from,
            },
            content={
                "title": self.title,
                "calendar": [entry.to_dict() for entry in self.entries],
            },
        )


def read_calendar_plan(path: Path) -> tuple[str, CalendarPlan]:
    """Title and plan that a file declares.

    Raises
    ------
    FileFormatError
        If the file cannot be read, or has an entry that it should not.
    InputError
        If its parts contradict each other.
    """
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FileFormatError("a UTF-8 text file", where=path.name) from error
    try:
        file = _ScheduleFile.model_validate(parse_toml(content, where=path.name))
    except ValidationError as error:
        what = "a calendar"
        raise FileFormatError.from_validation(error, what=what, where=path.name) from error
    return file.title, CalendarPlan(
        start=file.start,
        last_day=file.last_day,
        arms=tuple(
            CalendarArm(
                name=arm.name,
                regimen=None if arm.regimen is None else parse_regimen(arm.regimen),
            )
            for arm in file.arm
        ),
        measuring=MeasuringRule(
            weekdays=tuple(file.measuring.weekdays),
            closer_weekdays=tuple(file.measuring.closer_weekdays),
            closer_from=file.measuring.closer_from,
            longest_gap=file.measuring.longest_gap,
        ),
        weekends_open=file.weekends == "open",
        holidays=tuple(sorted(file.holidays)),
        on_closed=file.on_closed,
    )


def first_day_near_limit(path: Path) -> int | None:
    """First study day on which a reading may be at the limit, from ``design endpoints --json``.

    The earliest lower end of a projected day, or day at the last rate where growth quickens; None
    where there is no projection.

    Raises
    ------
    FileFormatError
        If the file is not that JSON.
    """
    try:
        content = parse_json(path.read_text(encoding="utf-8"), where=path.name)
    except UnicodeDecodeError as error:
        raise FileFormatError("a UTF-8 text file", where=path.name) from error
    expected = "the JSON of oncovivo design endpoints"
    if not isinstance(content, dict) or not isinstance(content.get("studies"), list):
        raise FileFormatError(expected, found="another one", where=path.name)
    days: list[float] = []
    for study in content["studies"]:
        rows = study.get("projections") if isinstance(study, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise FileFormatError(expected, found="no projections", where=path.name)
        days += [
            row[name]
            for row in rows
            for name in ("lower", "day_at_last_rate")
            if isinstance(row.get(name), int | float)
        ]
    return math.floor(min(days)) if days else None


def plan_schedule_file(path: Path, *, projections: Path | None = None) -> ScheduleResult:
    """The calendar of a file.

    Parameters
    ----------
    path : Path
        The plan.
    projections : Path, optional
        JSON of ``oncovivo design endpoints``: its first projected day comes in place of the
        file's ``closer_from``, where it is earlier or the file has none.

    Raises
    ------
    FileFormatError
        If a file cannot be read.
    InputError
        If the plan contradicts itself or cannot be carried out.
    DataError
        If a regimen lacks its schedule or duration.
    """
    title, plan = read_calendar_plan(path)
    if projections is not None:
        if not plan.measuring.closer_weekdays:
            raise InputError(
                "closer_weekdays in the plan, which projections bring into force",
                found="none",
                where=path.name,
            )
        near = first_day_near_limit(projections)
        known = [day for day in (near, plan.measuring.closer_from) if day is not None]
        measuring = replace(plan.measuring, closer_from=min(known, default=None))
        plan = replace(plan, measuring=measuring)
    return ScheduleResult(
        source=input_digest(path), title=title, plan=plan, entries=make_calendar(plan)
    )
