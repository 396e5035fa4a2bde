"""The notation of regimens: what is read, how it is printed, where reading stops."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncovivo.errors import InputError
from oncovivo.studies.dosing import Course, Dose, Regimen, Route, Treatment
from oncovivo.studies.regimen import parse_regimen
from oncovivo.studies.schedule import Duration, DurationUnit, ListedDays, PeriodicDays


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("2 mg/kg i.v. qd x21", "2 mg/kg i.v. qd x21"),
        ("temsirolimus 2 mg/kg i.v. qd x21", "temsirolimus 2 mg/kg i.v. qd x21"),
        ("20 mg/kg ip 5/2 x4 wk", "20 mg/kg i.p. 5/2 x4 wk"),
        ("20 mg/kg, 5 days on 2 days off, i.p., for 4 weeks", "20 mg/kg i.p. 5/2 x4 wk"),
        ("q3dx4", "q3d x4"),
        ("q3d × 4", "q3d x4"),
        ("every 3 days x 4 doses", "q3d x4"),
        ("biw x3 wk", "biw x3 wk"),
        ("twice weekly for 3 weeks", "biw x3 wk"),
        ("biw x6 doses", "biw x6 doses"),
        ("tiw", "tiw"),
        ("bid", "bid"),
        ("2 mg/kg q12h x5", "2 mg/kg bid x10 doses"),
        ("bid 5/2 x2 wk", "bid 5/2 x2 wk"),
        ("qw", "qw"),
        ("q7d", "qw"),
        ("q2w", "q2w"),
        ("qod", "q2d"),
        ("250 mg qw", "250 mg qw"),
        ("250 mg weekly", "250 mg qw"),
        ("75 mg/m^2 every 3 weeks", "75 mg/m² q3w"),
        ("10 x 2 Gy qd", "10 x 2 Gy qd"),
        ("radiation 10×2 Gy qd from day 3", "radiation 10 x 2 Gy qd from day 3"),
        ("5 mg/kg ip days 0,3,6", "5 mg/kg i.p. days 0,3,6"),
        ("cisplatin days 2 and 6", "cisplatin days 2,6"),
        ("cisplatin 5 mg/kg ip d2, d6", "cisplatin 5 mg/kg i.p. days 2,6"),
        ("qd x2 wk", "qd x2 wk"),
        ("qd x28 d", "qd x28 d"),
        ("qd x5 starting on day 7", "qd x5 from day 7"),
        ("5 mg/kg ip", "5 mg/kg i.p."),
        ("CCI-779 20 mg/kg/d oral gavage x28", "CCI-779 20 mg/kg p.o. qd x28"),
        ("5-fluorouracil 20 mg/kg s.c. qw x3", "5-fluorouracil 20 mg/kg s.c. qw x3"),
        ("hsp110+CA9 vaccine qw x3", "hsp110+CA9 vaccine qw x3"),
        ("anti-PD-1 200 ug/mouse intraperitoneal biw x3 wk", "anti-PD-1 200 µg i.p. biw x3 wk"),
        ("drug 0.5 mg/kg IV once", "drug 0.5 mg/kg i.v. qd x1"),
        ("tideglusib 1 mg/kg it qd x5", "tideglusib 1 mg/kg i.t. qd x5"),
        ("vehicle", "vehicle"),
        (
            "loading 40 mg/kg iv day 0 then 20 mg/kg iv qw x3",
            "loading 40 mg/kg i.v. day 0 then 20 mg/kg i.v. qw x3",
        ),
        (
            "temsirolimus 2 mg/kg iv qd x21 plus perifosine 30 mg/kg po qd x21",
            "temsirolimus 2 mg/kg i.v. qd x21 + perifosine 30 mg/kg p.o. qd x21",
        ),
    ],
)
def test_the_field_s_notation_prints_in_one_way(text: str, printed: str) -> None:
    regimen = parse_regimen(text)
    assert str(regimen) == printed
    assert parse_regimen(printed) == regimen


@pytest.mark.parametrize(
    ("text", "marked", "expected", "character"),
    [
        (
            "2 mg/kg i.v. every blue moon",
            "2 mg/kg i.v. |every blue moon",
            "a schedule such as",
            14,
        ),
        ("every blue moon", "|every blue moon", "a dose such as 2 mg/kg", 1),
        ("2 mg/kg banana", "2 mg/kg |banana", "a route such as i.v., or a schedule", 9),
        ("2 mgkg iv qd", "2| mgkg iv qd", "with a unit of dose", 2),
        ("2mgkg iv qd", "2|mgkg iv qd", "with a unit of dose", 2),
        ("2 mg/kg/week", "2| mg/kg/week", "with a unit of dose", 2),
        ("2 mM iv", "2| mM iv", "with a unit of dose", 2),
        ("1,000 mg/kg", "1|,000 mg/kg", "with a unit of dose", 2),
        ("0 mg/kg qd", "|0 mg/kg qd", "a positive number", 1),
        ("-2 mg/kg qd", "|-2 mg/kg qd", "a dose such as", 1),
        ("2 mg/kg/mouse qd", "2 mg/kg|/mouse qd", "with a unit of dose", 8),
        ("qd x0", "qd x|0", "a duration of 1 to 10000 days", 5),
        ("bid x9999", "bid x9999|", "a duration of 1 to 10000 days", 10),
        ("qd qw", "qd |qw", "a duration such as x21", 4),
        ("qd x21 x3", "qd x21 |x3", "'then', '\\+' or the end", 8),
        ("qd x21 bar", "qd x21 |bar", "'then', '\\+' or the end", 8),
        ("biw x3", "biw x3|", "'x3 wk' or 'x3 doses'", 7),
        ("5/2 x4", "5/2 x4|", "'x4 wk' or 'x4 doses'", 7),
        ("bid x5 doses", "bid x5 doses|", "fills whole dosing days", 13),
        ("days 0,3 x4", "days 0,3 x4|", "listed days without a duration", 12),
        ("days 6,2", "|days 6,2", "study days in rising order", 1),
        ("q0d", "|q0d", "dosing days that the notation can write", 1),
        ("5/0 x2 wk", "|5/0 x2 wk", "days on and days off", 1),
        ("q7h", "|q7h", "whole doses a day", 1),
        ("qd x21 +", "qd x21 +|", "a compound, a dose", 9),
        ("qd x21 then", "qd x21 then|", "after 'then'", 12),
        ("", "|", "a compound, a dose", 1),
    ],
)
def test_reading_stops_at_a_marked_place(
    text: str, marked: str, expected: str, character: int
) -> None:
    with pytest.raises(InputError, match=expected) as caught:
        parse_regimen(text)
    assert caught.value.where == f"regimen '{marked}'"
    assert caught.value.found.endswith(f"at character {character}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["2 mg", "every day", "qd", "A + B", "oral X", "a,b", " A", ""])
def test_a_compound_s_name_holds_no_word_of_the_notation(name: str) -> None:
    with pytest.raises(InputError, match="holds no word of the notation"):
        Treatment(compound=name, courses=(Course(),))


DOSE_UNITS = ("mg/kg", "µg/kg", "mg/m²", "mg", "µg", "ng", "Gy", "nmol/kg", "mL/kg")
NAMES = (
    "temsirolimus",
    "5-fluorouracil",
    "CCI-779",
    "hsp110+CA9 vaccine",
    "GDC-0084 (paxalisib)",
    "anti-PD-1",
    "XL-765",
    "tideglusib",
    "17-AAG",
)


@st.composite
def courses(draw: st.DrawFn) -> Course:
    """A course that the constructor accepts."""
    on_off = st.tuples(st.integers(2, 20), st.integers(1, 20)).map(
        lambda pair: PeriodicDays(cycle=sum(pair), on=tuple(range(pair[0])))
    )
    every = st.integers(1, 60).map(lambda n: PeriodicDays(cycle=n, on=(0,)))
    weekly = st.sampled_from(
        [PeriodicDays(cycle=7, on=(0, 3)), PeriodicDays(cycle=7, on=(0, 2, 4))]
    )
    listed = st.sets(st.integers(-5, 90), min_size=1, max_size=6).map(
        lambda days: ListedDays(days=tuple(sorted(days)))
    )
    schedule = draw(st.one_of(st.none(), every, weekly, on_off, listed))
    times = 1 if schedule is None else draw(st.integers(1, 4))
    duration = start = None
    if not isinstance(schedule, ListedDays):
        units: tuple[DurationUnit, ...] = ("doses", "days", "weeks")
        duration = draw(
            st.none()
            | st.builds(
                Duration,
                count=st.integers(1, 50).map(lambda n: n * times),
                unit=st.sampled_from(units),
            )
        )
        start = draw(st.none() | st.integers(-7, 60))
    value = st.floats(1e-6, 1e6).filter(lambda number: number > 0)
    dose = draw(st.none() | st.builds(Dose, value=value, unit=st.sampled_from(DOSE_UNITS)))
    return Course(
        dose=dose,
        route=draw(st.none() | st.sampled_from(list(Route))),
        schedule=schedule,
        times_per_day=times,
        duration=duration,
        start_day=start,
        loading=draw(st.booleans()),
    )


def said(course: Course) -> bool:
    """Whether a course says more than that it is a loading phase."""
    return str(course) not in ("", "loading")


@st.composite
def regimens(draw: st.DrawFn) -> Regimen:
    """One to three treatments of one to three phases."""
    treatments = []
    for _ in range(draw(st.integers(1, 3))):
        phases = tuple(draw(st.lists(courses().filter(said), min_size=1, max_size=3)))
        compound = draw(st.none() | st.sampled_from(NAMES))
        treatments.append(Treatment(compound=compound, courses=phases))
    return Regimen(treatments=tuple(treatments))


@given(regimen=regimens())
def test_parse_print_parse_is_the_identity(regimen: Regimen) -> None:
    assert parse_regimen(str(regimen)) == regimen


@given(text=st.text(alphabet="0123456789 xqdw/+.,bitwkmgGyandthefrom-²µ|'", max_size=30))
def test_any_text_is_read_or_refused_with_a_marked_place(text: str) -> None:
    place = ""
    regimen: Regimen | None = None
    again: Regimen | None = None
    try:
        regimen = parse_regimen(text)
        again = parse_regimen(str(regimen))
    except InputError as error:
        place = error.where
    assert regimen == again
    assert (regimen is None) == ("|" in place)
