"""Any text is a regimen or a unit, or is refused in one line; nothing takes long."""

from __future__ import annotations

import contextlib
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncovivo.errors import InputError, ProjectError, UnitError
from oncovivo.studies.regimen import parse_regimen
from oncovivo.units import convert, known_units, parse_unit

FIXED = settings(derandomize=True, database=None, deadline=None, max_examples=600)
SECONDS = 2.0

PIECES = re.split(
    r" ",
    "temsirolimus 2 mg/kg i.v. p.o. ip qd bid tiw biw qw q3d q3dx4 q12h q2w 5/2 2/1 x21 x4 wk d "
    "x28 doses then plus + loading from day days 0,3,6 -1 and for weeks daily every other 10 x 2 "
    "Gy cGy mg/m² mg/m^2 µg/kg mg mL/kg /mouse /day once 0 0.5 1e3 9999999999999999999999 , ; . "
    "/ | × on off 5 days 2 weekly twice a week interferon-alpha 5-FU q0d x0 \u202e \x00 é 二",
)


@FIXED
@given(
    st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join), st.text(max_size=40))
)
def test_a_text_is_a_regimen_that_prints_itself_or_is_refused(text: str) -> None:
    start = time.process_time()
    try:
        regimen = parse_regimen(text)
    except InputError as err:
        refusal = str(err)
    else:
        refusal = "none"
        assert parse_regimen(str(regimen)) == regimen
        assert str(parse_regimen(str(regimen))) == str(regimen)
        for compound in (None, *regimen.compounds):
            for compute in (regimen.dosing_days, regimen.total_dose, regimen.dose_per_week):
                with contextlib.suppress(ProjectError):
                    compute(compound)
    assert refusal.isprintable()
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize(
    "text",
    [
        "1" * 20_000,
        "1 " * 20_000,
        "a " * 5_000,
        "x" * 20_000,
        " " * 100_000,
        "day " + "1," * 20_000 + "1",
        "day " + "1 and " * 10_000 + "x",
        "2 mg/kg qd + " * 500,
        "qd then " * 1_000,
        "x " * 5_000 + "qd",
        "5/" * 20_000,
        "2 mg/kg q" + "9" * 20_000 + "d x3",
        "2 mg/kg qd x" + "9" * 5_000,
        "9" * 400 + " mg/kg qd x3",
        "0." + "0" * 400 + "1 mg/kg qd x3",
        "every " * 10_000,
        "mg/kg" * 10_000,
        "." * 50_000,
        "i." * 20_000,
    ],
    ids=lambda text: f"{text[:12]}…",
)
def test_a_long_text_takes_no_long_time(text: str) -> None:
    start = time.process_time()
    with contextlib.suppress(InputError):
        regimen = parse_regimen(text)
        with contextlib.suppress(ProjectError):
            regimen.total_dose()
    assert time.process_time() - start < SECONDS


@FIXED
@given(
    st.one_of(
        st.text(max_size=12),
        st.builds("".join, st.lists(st.sampled_from([*known_units(), "/", "^", "³", "u", " "]))),
    )
)
def test_a_text_is_a_unit_or_is_refused(text: str) -> None:
    try:
        unit = parse_unit(text)
    except UnitError as err:
        refusal = str(err)
    else:
        refusal = "none"
        assert parse_unit(unit.symbol) == unit
    assert refusal.isprintable()


@FIXED
@given(
    value=st.one_of(st.floats(), st.integers(), st.text(max_size=5), st.none(), st.just(10**400)),
    units=st.tuples(st.sampled_from(known_units()), st.sampled_from(known_units())),
    molar_mass=st.one_of(st.none(), st.floats(), st.text(max_size=3)),
)
def test_a_conversion_gives_a_number_or_is_refused(
    value: float, units: tuple[str, str], molar_mass: float | None
) -> None:
    with contextlib.suppress(InputError):
        assert isinstance(convert(value, *units, molar_mass=molar_mass), float)
