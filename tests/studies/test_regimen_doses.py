"""Dosing days, total dose and dose per week, by hand."""

from __future__ import annotations

import pytest

from oncovivo.errors import DataError, InputError
from oncovivo.studies.dosing import Dose
from oncovivo.studies.regimen import parse_regimen
from oncovivo.studies.schedule import Duration, ListedDays, PeriodicDays


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("q3dx4", (0, 3, 6, 9)),
        ("qd x5", (0, 1, 2, 3, 4)),
        ("qod x3", (0, 2, 4)),
        ("qw x3", (0, 7, 14)),
        ("q2w x2", (0, 14)),
        ("biw x3 wk", (0, 3, 7, 10, 14, 17)),
        ("biw x3 doses", (0, 3, 7)),
        ("tiw x2 wk", (0, 2, 4, 7, 9, 11)),
        ("5/2 x2 wk", (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)),
        ("5/2 x6 doses", (0, 1, 2, 3, 4, 7)),
        ("q3d x2 wk", (0, 3, 6, 9, 12)),
        ("bid x3", (0, 1, 2)),
        ("bid 2/5 x2 wk", (0, 1, 7, 8)),
        ("days 2 and 6", (2, 6)),
        ("qd x3 from day 7", (7, 8, 9)),
        ("10 x 2 Gy 5/2", (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)),
        # After listed days or counted doses the next phase begins one of its own intervals later,
        ("loading 40 mg/kg iv day 0 then 20 mg/kg iv qw x3", (0, 7, 14, 21)),
        ("qd x3 then biw x3 doses", (0, 1, 2, 5, 8, 12)),
        # after a stated length when that is over, and elsewhere where it says so.
        ("5/2 x1 wk then qd x2", (0, 1, 2, 3, 4, 7, 8)),
        ("qd x2 then qd x2 from day 10", (0, 1, 10, 11)),
    ],
)
def test_dosing_days_by_hand(text: str, days: tuple[int, ...]) -> None:
    assert parse_regimen(text).dosing_days() == days


@pytest.mark.parametrize(
    ("text", "total", "per_week"),
    [
        ("2 mg/kg qd x21", "42 mg/kg", "14 mg/kg"),
        ("20 mg/kg 5/2 x4 wk", "400 mg/kg", "100 mg/kg"),
        ("20 mg/kg biw x3 wk", "120 mg/kg", "40 mg/kg"),
        ("10 mg/kg bid x3 wk", "420 mg/kg", "140 mg/kg"),
        ("3 mg/kg q3d x7", "21 mg/kg", "7 mg/kg"),
        ("10 mg/kg qd x5", "50 mg/kg", "50 mg/kg"),
        ("0.1 mg/kg qd x3", "0.3 mg/kg", "0.3 mg/kg"),
        ("10 x 2 Gy qd", "20 Gy", "14 Gy"),
        ("150 mg/m² q3w x2", "300 mg/m²", "50 mg/m²"),
        ("5 mg/kg days 2 and 6", "10 mg/kg", "10 mg/kg"),
        ("loading 40 mg/kg day 0 then 20 mg/kg qw x3", "100 mg/kg", "20 mg/kg"),
    ],
)
def test_total_and_weekly_dose_by_hand(text: str, total: str, per_week: str) -> None:
    regimen = parse_regimen(text)
    assert regimen.is_complete
    assert str(regimen.total_dose()) == total
    assert str(regimen.dose_per_week()) == per_week


def test_an_open_ended_schedule_has_a_weekly_dose_but_no_total() -> None:
    regimen = parse_regimen("250 mg qw")
    assert str(regimen.dose_per_week()) == "250 mg"
    assert regimen.missing() == ("duration",)
    with pytest.raises(DataError, match="a regimen that states its duration, found '250 mg qw'"):
        regimen.total_dose()


def test_a_dose_without_a_schedule_says_what_is_missing() -> None:
    regimen = parse_regimen("5 mg/kg ip")
    assert not regimen.is_complete
    assert regimen.missing() == ("schedule", "duration")
    for question in (regimen.dosing_days, regimen.total_dose):
        with pytest.raises(DataError, match="states its schedule and duration"):
            question()
    with pytest.raises(DataError, match="states its schedule"):
        regimen.dose_per_week()


def test_a_schedule_without_a_dose_has_days_but_no_total() -> None:
    regimen = parse_regimen("vehicle i.v. qd x21")
    assert len(regimen.dosing_days()) == 21
    with pytest.raises(DataError, match="states its dose"):
        regimen.total_dose()


def test_a_count_without_a_schedule_has_a_total_but_no_days() -> None:
    regimen = parse_regimen("20 mg/kg ip x3")
    assert str(regimen.total_dose()) == "60 mg/kg"
    with pytest.raises(DataError, match="states its schedule"):
        regimen.dosing_days()


def test_several_treatments_are_asked_by_name() -> None:
    regimen = parse_regimen("temsirolimus 2 mg/kg iv qd x21 + perifosine 30 mg/kg po qw x4")
    assert regimen.compounds == ("temsirolimus", "perifosine")
    assert str(regimen.total_dose("temsirolimus")) == "42 mg/kg"
    assert str(regimen.dose_per_week("perifosine")) == "30 mg/kg"
    assert regimen.dosing_days("perifosine") == (0, 7, 14, 21)
    assert regimen.dosing_days() == (*range(21), 21)
    with pytest.raises(InputError, match="the name of one treatment of: temsirolimus, perifosine"):
        regimen.total_dose()
    with pytest.raises(InputError, match="found 'aspirin'"):
        regimen.dosing_days("aspirin")


def test_phases_in_different_units_have_no_common_total() -> None:
    regimen = parse_regimen("40 mg/kg day 0 then 1 mg qw x3")
    with pytest.raises(DataError, match="phases with doses in one unit, found mg/kg, mg"):
        regimen.total_dose()


def test_listed_days_beyond_a_week_have_no_weekly_dose() -> None:
    with pytest.raises(DataError, match="a schedule that repeats"):
        parse_regimen("5 mg/kg days 0,7,14").dose_per_week()


def test_parts_refuse_what_the_notation_cannot_write() -> None:
    with pytest.raises(InputError, match="a positive dose"):
        Dose(value=-1.0, unit="mg")
    with pytest.raises(InputError, match=r"a unit of dose such as mg/kg, found mL \(volume\)"):
        Dose(value=1.0, unit="mL")
    with pytest.raises(InputError, match="the notation can write"):
        PeriodicDays(cycle=5, on=(0, 2))
    with pytest.raises(InputError, match="each once"):
        ListedDays(days=(3, 3))
    with pytest.raises(InputError, match="1 to 10000 days"):
        Duration(count=2000, unit="weeks")
