"""The calendar of a study, against months worked by hand."""

from __future__ import annotations

import datetime
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncovivo.design.calendar import (
    CalendarArm,
    CalendarEntry,
    CalendarPlan,
    MeasuringRule,
    OnClosed,
    make_calendar,
)
from oncovivo.errors import DataError, InputError
from oncovivo.studies import parse_regimen

# A Monday; the month then has its Sundays on study days 6, 13, 20 and 27.
MONDAY = date(2026, 3, 2)
TWICE = MeasuringRule(weekdays=("Mon", "Thu"))


def plan(
    regimen: str | None = "drug 5 mg/kg i.v. qw x4",
    *,
    last_day: int = 28,
    start: date = MONDAY,
    measuring: MeasuringRule = TWICE,
    on_closed: OnClosed = "refuse",
    weekends_open: bool = False,
    holidays: tuple[date, ...] = (),
) -> CalendarPlan:
    return CalendarPlan(
        start=start,
        last_day=last_day,
        arms=(
            CalendarArm(name="drug", regimen=None if regimen is None else parse_regimen(regimen)),
        ),
        measuring=measuring,
        on_closed=on_closed,
        weekends_open=weekends_open,
        holidays=holidays,
    )


def days(entries: tuple[CalendarEntry, ...], task: str) -> list[int]:
    return [entry.day for entry in entries if entry.task == task]


def test_a_month_worked_by_hand() -> None:
    # March 2026: Mondays and Thursdays from the 2nd to the 30th.
    found = make_calendar(plan())
    assert days(found, "dose") == [0, 7, 14, 21]
    measured = [entry for entry in found if entry.task == "measure"]
    assert [(entry.day, entry.date[-2:], entry.weekday) for entry in measured] == [
        (0, "02", "Mon"), (3, "05", "Thu"), (7, "09", "Mon"), (10, "12", "Thu"),
        (14, "16", "Mon"), (17, "19", "Thu"), (21, "23", "Mon"), (24, "26", "Thu"),
        (28, "30", "Mon"),
    ]  # fmt: skip
    assert [entry.detail for entry in measured] == ["baseline", *["routine"] * 7, "last day"]
    assert found[0].task == "measure"
    assert found[1].detail == "drug 5 mg/kg i.v. qw x4"
    assert all(entry.planned_day == entry.day for entry in found)


def test_the_first_and_the_last_day_are_measured_whatever_their_weekday() -> None:
    found = make_calendar(plan(None, start=date(2026, 3, 3), last_day=7))
    assert days(found, "measure") == [0, 2, 6, 7]


def test_near_the_limit_other_weekdays_hold() -> None:
    rule = MeasuringRule(
        weekdays=("Mon", "Thu"), closer_weekdays=("Mon", "Wed", "Fri"), closer_from=16
    )
    found = make_calendar(plan(measuring=rule))
    assert days(found, "measure") == [0, 3, 7, 10, 14, 16, 18, 21, 23, 25, 28]
    details = {entry.day: entry.detail for entry in found if entry.task == "measure"}
    assert (details[14], details[16]) == ("routine", "near the limit")


def test_doses_on_a_weekend_go_where_the_plan_says() -> None:
    # q3d from Monday: 0 Mon, 3 Thu, 6 Sun, 9 Wed.
    regimen = "drug 5 mg/kg i.v. q3d x4"
    assert days(make_calendar(plan(regimen, on_closed="keep")), "dose") == [0, 3, 6, 9]
    assert days(make_calendar(plan(regimen, on_closed="earlier")), "dose") == [0, 3, 4, 9]
    later = make_calendar(plan(regimen, on_closed="later"))
    assert days(later, "dose") == [0, 3, 7, 9]
    assert [e.planned_day for e in later if e.task == "dose"] == [0, 3, 6, 9]
    assert days(make_calendar(plan(regimen, weekends_open=True)), "dose") == [0, 3, 6, 9]
    with pytest.raises(
        InputError,
        match=r"arm 'drug', drug 5 mg/kg i\.v\. q3d x4: .* found one on day 6, Sun 2026-03-08",
    ):
        make_calendar(plan(regimen))


def test_a_holiday_moves_a_dose_and_a_measurement() -> None:
    # Monday the 9th is closed: the dose goes to Tuesday, the measurement back to Friday.
    found = make_calendar(plan(holidays=(date(2026, 3, 9),), on_closed="later"))
    assert days(found, "dose") == [0, 8, 14, 21]
    measured = [(e.day, e.planned_day) for e in found if e.task == "measure"]
    assert measured[:4] == [(0, 0), (3, 3), (4, 7), (10, 10)]


def test_two_doses_that_meet_on_one_day_are_refused() -> None:
    # Daily: Saturday and Sunday would both go to Monday, which has its own.
    with pytest.raises(InputError, match=r"days of their own, found those of day 5 and 6 both"):
        make_calendar(plan("drug 5 mg/kg i.v. qd x10", on_closed="later"))


def test_treatments_of_a_combination_may_meet() -> None:
    found = make_calendar(plan("a 5 mg/kg i.v. qw x2 + b 5 mg/kg p.o. qw x2"))
    assert days(found, "dose") == [0, 0, 7, 7]


def test_a_dose_outside_the_study_is_refused() -> None:
    with pytest.raises(InputError, match=r"doses from day 0 to day 14, found one on day 21"):
        make_calendar(plan(last_day=14))
    with pytest.raises(InputError, match="found one on day -1"):
        make_calendar(plan("drug 5 mg/kg i.v. days -1, 3"))


def test_a_regimen_without_an_end_is_refused() -> None:
    with pytest.raises(DataError, match="duration"):
        make_calendar(plan("drug 5 mg/kg i.v. qw"))


def test_measurements_too_far_apart_are_refused() -> None:
    weekly = MeasuringRule(weekdays=("Mon",), longest_gap=6)
    with pytest.raises(InputError, match=r"at most 6 days apart, found 7 days from day 0, Mon"):
        make_calendar(plan(measuring=weekly))
    assert make_calendar(plan(measuring=replace(weekly, longest_gap=7)))


@settings(deadline=None)
@given(
    start=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    last_day=st.integers(1, 60),
    every=st.integers(1, 9),
    holidays=st.lists(st.integers(1, 59), max_size=4),
)
def test_nobody_works_on_a_closed_day_and_no_dose_is_lost(
    start: date, last_day: int, every: int, holidays: list[int]
) -> None:
    n = last_day // every + 1
    free = tuple(start + datetime.timedelta(days=day) for day in holidays)
    try:
        found = make_calendar(
            plan(
                f"drug 5 mg/kg i.v. q{every}d x{n}",
                start=start,
                last_day=last_day,
                on_closed="earlier",
                holidays=free,
            )
        )
    except InputError:
        return
    assert len(days(found, "dose")) == n
    measured = days(found, "measure")
    assert measured == sorted(set(measured))
    assert {0, last_day} <= set(measured)
    for entry in found:
        on = date.fromisoformat(entry.date)
        assert on == start + datetime.timedelta(days=entry.day)
        assert on.weekday() < 5
        assert on not in free
        assert entry.day <= entry.planned_day


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"last_day": 0}, "a last day from 1 to 2000, found 0"),
        ({"last_day": 26}, "on which people work, found day 26, Sat 2026-03-28"),
        ({"start": date(2026, 3, 1)}, "on which people work, found day 0, Sun 2026-03-01"),
        ({"holidays": (MONDAY,)}, "found day 0, Mon 2026-03-02"),
        ({"start": date(9999, 12, 1)}, "years 1900 to 2999, found 9999-12-01"),
        ({"on_closed": "maybe"}, "doses on closed days: refuse"),
        ({"arms": ()}, "at least one arm"),
        ({"arms": (CalendarArm(name="a"), CalendarArm(name="a"))}, "each arm once"),
        ({"measuring": MeasuringRule(weekdays=())}, "at least one weekday"),
        ({"measuring": MeasuringRule(weekdays=("Monday",))}, "a weekday: Mon, .* 'Monday'"),
        ({"measuring": MeasuringRule(weekdays=("Sat",))}, "that are open, found Sat"),
        (
            {"measuring": MeasuringRule(weekdays=("Mon",), closer_from=3)},
            "closer_weekdays beside closer_from",
        ),
        (
            {"measuring": MeasuringRule(weekdays=("Mon", "Thu"), closer_weekdays=("Mon",))},
            "as many as weekdays or more, found Mon after Mon, Thu",
        ),
        ({"measuring": replace(TWICE, longest_gap=0)}, "a longest gap of 1 day or more"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        replace(plan(), **change)  # type: ignore[arg-type]  # each change is a field of the plan


def test_doses_of_a_day_are_counted_phase_by_phase() -> None:
    regimen = parse_regimen("abc 5 mg/kg p.o. bid x2 d then 5 mg/kg p.o. qd x2 d")
    plan = CalendarPlan(
        start=date(2026, 3, 2),
        last_day=4,
        arms=(CalendarArm(name="drug", regimen=regimen),),
        measuring=MeasuringRule(weekdays=("Mon",)),
    )
    doses = [(e.day, e.times) for e in make_calendar(plan) if e.task == "dose"]
    assert doses == [(0, 2), (1, 2), (2, 1), (3, 1)]
    assert {e.times for e in make_calendar(plan) if e.task == "measure"} == {1}
